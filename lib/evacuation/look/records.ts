import type { Migration, ServerId } from '@openstack-ts/nova-client';

/** Statuses that Nova never leaves again. Everything else (accepted, pre-migrating, …) is under way, or left lying. */
const settled: ReadonlySet<string> = new Set(['done', 'completed', 'error', 'failed', 'cancelled']);

export function isOpen(record: Migration): boolean {
  return !settled.has(record.status);
}

/**
 * `done`: rebuilt elsewhere; `completed`: and the old host has cleaned up after its return. A nova-compute that starts before
 * Nova has chosen a destination sets `completed` as well: then nothing has gone anywhere.
 */
export function isDone(record: Migration): boolean {
  return record.status === 'done' || (record.status === 'completed' && record.destHost !== null);
}

/**
 * Whether a record proves by itself that its instance has arrived. `completed` does not: a nova-compute that starts on the old host
 * sets it for what has died with its destination as well.
 */
export function provesMove(record: Migration): boolean {
  return record.status === 'done';
}

/** `error`: no host was found; `failed`: the chosen host could not rebuild it. */
export function isFailed(record: Migration): boolean {
  return !isOpen(record) && !isDone(record);
}

/**
 * A host that was named and does not take the instance: Nova's scheduler strikes it out, or it has no room any more. That says
 * nothing of the instance, so it is no attempt.
 */
export function isWrongHost(record: Migration): boolean {
  return isFailed(record) && record.destHost !== null && !record.claimed;
}

/** One instance's evacuation records, oldest first. */
export function recordsOf(records: Iterable<Migration>, serverId: ServerId): Migration[] {
  return [...records].filter((record) => record.serverId === serverId).sort(byCreation);
}

/** All records by instance, each list oldest first. */
export function recordsByServer(records: Iterable<Migration>): Map<ServerId, Migration[]> {
  const byServer = new Map<ServerId, Migration[]>();
  for (const record of records) {
    const list = byServer.get(record.serverId);
    if (list === undefined) byServer.set(record.serverId, [record]);
    else list.push(record);
  }
  for (const list of byServer.values()) list.sort(byCreation);
  return byServer;
}

/**
 * How many attempts in a row failed since the last success. Open records in between (left lying by a host that
 * died), and hosts that were named in vain, do not end the row. What was created before `since` (ms, on Nova's clock) does not count.
 */
export function failuresInARow(records: readonly Migration[], since = 0): number {
  let failures = 0;
  for (const record of records.toReversed()) {
    if (isDone(record) || record.createdAt < since) break;
    if (isFailed(record) && !isWrongHost(record)) failures += 1;
  }
  return failures;
}

function byCreation(a: Migration, b: Migration): number {
  return a.createdAt - b.createdAt || a.id.localeCompare(b.id, 'en', { numeric: true });
}
