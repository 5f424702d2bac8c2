import { type CallOptions, type Migration, type NovaClient, NovaError } from '@openstack-ts/nova-client';

/** Statuses that Nova never leaves again. */
const SETTLED: ReadonlySet<string> = new Set(['done', 'completed', 'error', 'failed', 'cancelled']);
/** The record is the last thing to change when an evacuation ends; an open one older than this was left lying. */
const YOUNG_MS = 60_000;

/**
 * The id of an instance whose evacuation away from the host Nova has accepted and not finished, null when there is
 * none. Clearing forced_down then would let two hosts run the same disk. Records that Nova left lying are told from
 * live ones by looking at their instances.
 */
export async function firstInFlight(
  nova: NovaClient,
  host: string,
  now: number,
  options: CallOptions,
): Promise<string | null> {
  const records = await nova.listEvacuations({ sourceHost: host }, options);
  const latest = new Map(records.map((record) => [record.serverId, record]));
  for (const record of latest.values()) {
    if (SETTLED.has(record.status)) continue;
    if (now + nova.clockOffsetMs - record.updatedAt < YOUNG_MS) return record.serverId;
    if (await isRebuilding(nova, record, options)) return record.serverId;
  }
  return null;
}

async function isRebuilding(nova: NovaClient, record: Migration, options: CallOptions): Promise<boolean> {
  try {
    return (await nova.getServer(record.serverId, options)).taskState?.startsWith('rebuild') ?? false;
  } catch (error) {
    if (error instanceof NovaError && error.code === 'notFound') return false;
    throw error;
  }
}
