import { type CallOptions, type Migration, type NovaClient, NovaError } from '@openstack-ts/nova-client';
import { pacing } from './pacing.ts';
import { isOpen, recordsByServer } from './records.ts';

/** How many instances are looked at one by one at a time. */
const atATime = 5;

/**
 * The instances whose evacuation away from a host Nova has accepted and not finished, as far as its records say. While
 * there is one, starting nova-compute there or clearing forced_down could let two hosts run the same disk (I3). Records
 * that Nova left lying (it never cleans them) are told from live ones by looking at their instances. Given back are
 * titles, `name (id)`.
 */
export async function inFlightFrom(
  nova: NovaClient,
  records: Iterable<Migration>,
  now: number,
  options: CallOptions,
): Promise<readonly string[]> {
  const open = [...recordsByServer(records).values()]
    .map((list) => list.at(-1))
    .filter((latest): latest is Migration => latest !== undefined && isOpen(latest));
  const titles: string[] = [];
  for (let from = 0; from < open.length; from += atATime) {
    const looks = open
      .slice(from, from + atATime)
      .map((record) => titleIfInFlight(nova, record, now + nova.clockOffsetMs, options));
    for (const title of await Promise.all(looks)) if (title !== null) titles.push(title);
  }
  return titles;
}

async function titleIfInFlight(
  nova: NovaClient,
  record: Migration,
  novaNow: number,
  options: CallOptions,
): Promise<string | null> {
  // Its host and, last of all, its record change some seconds after its task is over.
  const isYoung = (changedAt: number) => novaNow - changedAt < pacing.staleRecordMs;
  try {
    const server = await nova.getServer(record.serverId, options);
    const rebuilding = server.taskState?.startsWith('rebuild') ?? false;
    const young = isYoung(Math.max(record.updatedAt, server.updatedAt ?? 0));
    return rebuilding || young ? `${server.name} (${server.id})` : null;
  } catch (error) {
    if (!(error instanceof NovaError) || error.code !== 'notFound') throw error;
    return isYoung(record.updatedAt) ? record.serverId : null;
  }
}
