import type { ComputeService } from '@openstack-ts/nova-client';
import { pacing } from '../incident/pacing.ts';

/**
 * How long a destination was watched without a gap as one that works, or that Nova does not list any more. Times on Nova's clock, in
 * ms since the epoch.
 */
export interface Lived {
  readonly since: number;
  readonly until: number;
  readonly as: 'up' | 'absent';
}

/**
 * What is known after a look at the services. Null: it is silent. One list that leaves it out proves nothing of one that was up.
 *
 * @param at when the services were listed, on Nova's clock
 * @param isSlow Nova takes a minute for its lists, so that looks are as far apart
 */
export function livesOn(
  before: Lived | undefined,
  service: ComputeService | undefined,
  at: number,
  isSlow: boolean,
): Lived | null {
  if (service !== undefined && (service.state !== 'up' || service.forcedDown)) return null;
  const as = service === undefined ? 'absent' : 'up';
  const gapMs = isSlow ? pacing.slowWatchGapMs : pacing.watchGapMs;
  // Nova's clock may have been set meanwhile.
  const goesOn =
    before !== undefined && at - before.until <= gapMs && before.until <= at + pacing.clockMarginMs;
  if (!goesOn) return { since: at, until: at, as };
  if (before.as === as) return { since: before.since, until: Math.max(before.until, at), as };
  return before.as === 'up' ? before : { since: at, until: at, as };
}

/** Whether a destination certainly had the time since then to end what it had begun, also one that hung before. */
export function hasLived(lived: Lived | undefined, since: number): boolean {
  return lived !== undefined && lived.until - Math.max(lived.since, since) >= pacing.staleRecordMs;
}
