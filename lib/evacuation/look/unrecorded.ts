import {
  type CallOptions,
  type Migration,
  type NovaClient,
  NovaError,
  type NovaHost,
  type Server,
} from '@openstack-ts/nova-client';
import { rethrowUnless } from '../../rethrow.ts';
import { isOpen } from './records.ts';
import { isOfRequest, isRebuilding } from './trail.ts';

/**
 * Whether a rebuild is under way in Nova of which no open record is known: either the records were told in part, or whoever
 * was to write one died over it, or the owner asked for a rebuild. The instance's actions decide which it is.
 */
export function lacksRecord(server: Server, records: readonly Migration[]): boolean {
  return isRebuilding(server) && !records.some((one) => one.serverId === server.id && isOpen(one));
}

/**
 * Whether a record stands in for one that Nova does not show: a `request` that the actions tell of, or a rebuild of which Nova did
 * not tell by whose request (`untold`). Null: it is Nova's own, whose ids have no spaces.
 */
export function standsInFor({ id }: Migration): 'request' | 'untold' | null {
  if (id.startsWith('request ')) return 'request';
  return id.startsWith('untold ') ? 'untold' : null;
}

/**
 * The record that an evacuation must have which the instance's actions tell of, and the records do not: it stands in for it
 * until Nova shows it, so that what may be under way is not asked for again. Null: the owner's rebuild, or an
 * evacuation that has ended, or that began before `since`, as far back as the records were read. Where Nova does not tell the actions, one may be under way.
 */
export async function unrecordedEvacuation(
  nova: NovaClient,
  host: NovaHost,
  server: Server,
  records: readonly Migration[],
  since: number,
  options: CallOptions,
): Promise<Migration | null> {
  const standIn = (id: string, at: number): Migration => ({
    id,
    serverId: server.id,
    status: 'accepted',
    sourceHost: host,
    destHost: null,
    claimed: false,
    createdAt: at,
    updatedAt: at,
  });
  try {
    // Newest first.
    const last = (await nova.listActions(server.id, options)).find(({ action }) =>
      ['evacuate', 'rebuild'].includes(action),
    );
    if (last === undefined || last.action !== 'evacuate' || last.message !== null) return null;
    const { requestId, startedAt } = last;
    if (startedAt < since) return null;
    const own = records.filter(({ serverId }) => serverId === server.id);
    return own.some((record) => isOfRequest(record, startedAt))
      ? null
      : standIn(`request ${requestId ?? startedAt}`, startedAt);
  } catch (error) {
    rethrowUnless(error, NovaError);
    return standIn(`untold ${server.id}`, server.updatedAt ?? 0);
  }
}
