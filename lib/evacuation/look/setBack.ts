import type { Migration, Server } from '@openstack-ts/nova-client';
import { pacing } from '../incident/pacing.ts';

/**
 * That Nova's clock is behind what it wrote before, as somebody has set it back: what bears a time ahead of it is at least as old as
 * this is known, and no older than the incident.
 */
export interface SetBack {
  /** The latest time that Nova wrote, on its clock, in ms since the epoch. */
  readonly latest: number;
  /** Since when it is seen that its clock is behind that, on ours. */
  readonly since: number;
}

/** What is known after a look. Null: nothing is ahead of Nova's clock. */
export function setBackBy(
  before: SetBack | null,
  records: Iterable<Migration>,
  servers: Iterable<Server>,
  { now, clockOffsetMs }: { readonly now: number; readonly clockOffsetMs: number },
): SetBack | null {
  let latest = 0;
  for (const { createdAt, updatedAt } of records) latest = Math.max(latest, createdAt, updatedAt);
  for (const { updatedAt } of servers) latest = Math.max(latest, updatedAt ?? 0);
  if (latest <= now + clockOffsetMs + pacing.clockMarginMs) return null;
  // Something later is of another step.
  return before !== null && latest <= before.latest ? before : { latest, since: now };
}
