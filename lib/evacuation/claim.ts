import type { Mark } from '../attrd/index.ts';
import type { HostHints } from './hints.ts';
import { pacing } from './pacing.ts';

export type ClaimDecision =
  /** Nothing is owed for this mark. */
  | { readonly kind: 'leave' }
  /** Another evacuator counts as alive and at work until then (ms since the epoch). */
  | { readonly kind: 'defer'; readonly until: number; readonly sentence: string }
  /** Ours to take. Nothing new is asked of Nova before `quietUntil` (ms since the epoch). */
  | { readonly kind: 'take'; readonly quietUntil: number; readonly sentence: string | null };

/**
 * Whether this node may work on a marked host. `me` is this node's name as it stands in claims; the caller holds
 * the node's lock, so a claim of `me` is that of a pass which ended without giving it back: killed most likely, or
 * `left` says that it ended in good order and what it was in doubt of. `left` also tells of a killed one where the
 * claim itself is lost, for the attribute daemon forgets it when the fenced node rejoins.
 */
export function decideClaim(
  name: string,
  mark: Mark,
  me: string,
  left: Pick<HostHints, 'pass' | 'quietUntil'> | undefined,
  nowMs: number,
): ClaimDecision {
  if (mark.kind === 'yes') {
    const quietUntil = left?.pass === 'open' ? nowMs + pacing.settleMs : (left?.quietUntil ?? 0);
    return { kind: 'take', quietUntil, sentence: null };
  }
  if (mark.kind !== 'claimed') return { kind: 'leave' };
  const claimedAt = mark.at * 1000;
  const when = new Date(claimedAt).toISOString();
  const partial = `Processing partial evacuation of ${name} by ${mark.who} at ${when}.`;
  if (mark.who === me && left?.pass === 'closed') {
    return { kind: 'take', quietUntil: left.quietUntil, sentence: null };
  }
  if (mark.who === me) {
    // The claim has whole seconds, and a clock that was set back must not hold the host up.
    const lastSign = Math.min(claimedAt + 999, nowMs);
    return { kind: 'take', quietUntil: lastSign + pacing.settleMs, sentence: partial };
  }
  if (Math.abs(nowMs - claimedAt) > pacing.claimDeadAfterMs) {
    return { kind: 'take', quietUntil: 0, sentence: partial };
  }
  return {
    kind: 'defer',
    until: claimedAt + pacing.claimDeadAfterMs + 1,
    sentence: `Deferring processing partial evacuation of ${name} by ${mark.who} at ${when}.`,
  };
}
