/** Evacuation records: Nova's migrations of type `evacuation`. */
import type { ComputeApi } from './computeApi.ts';
import type { Field } from './decode.ts';
import type { CallOptions, Migration } from './types.ts';

/**
 * `changedSince` is applied here and not by Nova: Nova's `changes-since` compares `updated_at` alone, which is
 * null in a record that has just been created, so that it hides the very evacuations that were accepted a
 * moment ago and must not be asked for again.
 */
export async function listEvacuations(
  api: ComputeApi,
  filter: { readonly sourceHost: string; readonly changedSince?: number },
  options?: CallOptions,
): Promise<readonly Migration[]> {
  const records = await api.list(
    '/os-migrations',
    'migrations',
    `list the evacuations from ${filter.sourceHost}`,
    readMigration,
    options,
    { migration_type: 'evacuation', source_compute: filter.sourceHost },
  );
  const since = filter.changedSince ?? Number.NEGATIVE_INFINITY;
  return records
    .filter((record) => record.evacuation && record.migration.sourceHost === filter.sourceHost)
    .sort((a, b) => a.migration.createdAt - b.migration.createdAt || a.number - b.number)
    .map((record) => record.migration)
    .filter((migration) => migration.updatedAt >= since);
}

interface Record {
  /** The database's own number: tells the order of records of the same second. */
  readonly number: number;
  readonly evacuation: boolean;
  readonly migration: Migration;
}

function readMigration(record: Field): Record {
  const createdAt = record.get('created_at').time();
  return {
    number: record.get('id').number(),
    // Told from 2.23 on. Below, Nova's own filter has to be trusted; it has had it since there are such records.
    evacuation: (record.get('migration_type').stringOrNull() ?? 'evacuation') === 'evacuation',
    migration: {
      id: record.get('uuid').stringOrNull() ?? record.get('id').id(),
      serverId: record.get('instance_uuid').string(),
      status: record.get('status').string(),
      sourceHost: record.get('source_compute').stringOrNull() ?? '',
      destHost: record.get('dest_compute').stringOrNull(),
      createdAt,
      updatedAt: record.get('updated_at').timeOrNull() ?? createdAt,
    },
  };
}
