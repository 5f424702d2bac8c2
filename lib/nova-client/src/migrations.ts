/** Nova's records of servers that leave their hosts: evacuations, and the moves of hosts that live. */
import type { ComputeApi } from './computeApi.ts';
import type { Field } from './decode.ts';
import { isSameHost, novaHost, type ServerId } from './names.ts';
import type { CallOptions, EvacuationFilter, Migration, Move } from './types.ts';

const evacuation = 'evacuation';
/** The source of a record that has none: no host's. */
const nowhere = novaHost('');

/**
 * `changedSince` is applied here and not by Nova: Nova's `changes-since` compares `updated_at` alone, which is
 * null in a record that has just been created, so that it hides the very evacuations that were accepted a
 * moment ago and must not be asked for again.
 */
export async function listEvacuations(
  api: ComputeApi,
  filter: EvacuationFilter,
  options?: CallOptions,
): Promise<readonly Migration[]> {
  const [what, query, isWanted] = questionOf(filter);
  const records = await api.list(
    '/os-migrations',
    'migrations',
    `list the evacuations ${what}`,
    (record) => readRecord(record, evacuation),
    options,
    { migration_type: 'evacuation', ...query },
  );
  const since = filter.changedSince ?? Number.NEGATIVE_INFINITY;
  return records
    .filter(({ kind, migration }) => kind === evacuation && isWanted(migration))
    .sort((a, b) => a.migration.createdAt - b.migration.createdAt || a.number - b.number)
    .map((record) => record.migration)
    .filter((migration) => migration.updatedAt >= since);
}

/** Nova finds records by their source alone, or (`host`) by either end. */
function questionOf(
  filter: EvacuationFilter,
): readonly [
  what: string,
  query: { readonly [name: string]: string },
  isWanted: (one: Migration) => boolean,
] {
  if ('sourceHost' in filter) {
    const { sourceHost } = filter;
    const isFrom = (one: Migration) => isSameHost(one.sourceHost, sourceHost);
    return [`from ${sourceHost}`, { source_compute: sourceHost }, isFrom];
  }
  const { destHost } = filter;
  const isTo = (one: Migration) => one.destHost !== null && isSameHost(one.destHost, destHost);
  return [`to ${destHost}`, { host: destHost }, isTo];
}

/**
 * Everything but evacuations. Nova records them alike: `queued` and `preparing` are set before a live migration touches the
 * guest, `running` before the hypervisor is told to move it (nova/compute/manager.py, `_do_live_migration`).
 */
export async function listMoves(
  api: ComputeApi,
  server: ServerId,
  options?: CallOptions,
): Promise<readonly Move[]> {
  const records = await api.list(
    '/os-migrations',
    'migrations',
    `list the migrations of server ${server}`,
    (record) => readRecord(record, ''),
    options,
    { instance_uuid: server },
  );
  return records
    .filter(({ kind, migration }) => kind !== evacuation && migration.serverId === server)
    .sort((a, b) => a.migration.createdAt - b.migration.createdAt || a.number - b.number)
    .map(({ kind, migration }) => ({ ...migration, kind }));
}

interface Record {
  /** The database's own number: tells the order of records of the same second. */
  readonly number: number;
  /** Nova's `migration_type`. */
  readonly kind: string;
  readonly migration: Migration;
}

function readRecord(record: Field, assumed: string): Record {
  const createdAt = record.get('created_at').time();
  const destHost = record.get('dest_compute').hostOrNull();
  return {
    number: record.get('id').number(),
    // Told from 2.23 on. Below, Nova's own filter has to be trusted; it has had it since there are such records.
    kind: record.get('migration_type').stringOrNull() ?? assumed,
    migration: {
      id: record.get('uuid').stringOrNull() ?? record.get('id').id(),
      serverId: record.get('instance_uuid').serverId(),
      status: record.get('status').string(),
      sourceHost: record.get('source_compute').hostOrNull() ?? nowhere,
      destHost,
      claimed: destHost !== null && record.get('dest_node').stringOrNull() !== null,
      createdAt,
      updatedAt: record.get('updated_at').timeOrNull() ?? createdAt,
    },
  };
}
