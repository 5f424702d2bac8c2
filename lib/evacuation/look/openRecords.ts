import {
  type CallOptions,
  type Migration,
  type NovaClient,
  NovaError,
  type Server,
} from '@openstack-ts/nova-client';
import { rethrowUnless } from '../../rethrow.ts';
import { isOpen, recordsByServer } from './records.ts';
import { readTrail, type Trail } from './trail.ts';

/** How many instances are looked at one by one at a time. */
const atATime = 5;

/** An instance whose latest evacuation record is open. */
export interface OpenRecord {
  readonly record: Migration;
  /** As it was read after the record; null: it is gone. */
  readonly server: Server | null;
  /** When that was, on our clock, in ms since the epoch. */
  readonly seenAt: number;
  /** How far its request has come, where that was asked for. */
  readonly trail: Trail;
}

/**
 * The instances whose latest record is open, each looked at: Nova never cleans records, so that they alone do not tell which
 * evacuations are under way.
 *
 * @param wantsTrail whether the steps of a request have to be read as well
 */
export async function lookAtOpen(
  nova: NovaClient,
  records: Iterable<Migration>,
  now: () => number,
  wantsTrail: (record: Migration, server: Server | null) => boolean,
  options: CallOptions,
): Promise<readonly OpenRecord[]> {
  const open = [...recordsByServer(records).values()]
    .map((list) => list.at(-1))
    .filter((latest): latest is Migration => latest !== undefined && isOpen(latest));
  const found: OpenRecord[] = [];
  for (let from = 0; from < open.length; from += atATime) {
    const looks = open.slice(from, from + atATime).map(async (record): Promise<OpenRecord> => {
      const seenAt = now();
      const server = await serverOf(nova, record, options);
      const trail: Trail = wantsTrail(record, server)
        ? await readTrail(nova, record, options)
        : { kind: 'unread' };
      return { record, server, seenAt, trail };
    });
    found.push(...(await Promise.all(looks)));
  }
  return found;
}

/** Null: it is gone. */
async function serverOf(nova: NovaClient, record: Migration, options: CallOptions): Promise<Server | null> {
  try {
    return await nova.getServer(record.serverId, options);
  } catch (error) {
    rethrowUnless(error, NovaError);
    if (error.code !== 'notFound') throw error;
    return null;
  }
}
