import { formatMark, isOpen, type MarkReading } from '../../attrd/index.ts';
import { pacing } from './pacing.ts';

/** What a pass of this node has left of its work on a host. */
export interface ClaimNotes {
  /**
   * `open`: a pass has begun on it and is at work, or was killed. The claim says so too, until a purge of the
   * attribute or another fencing takes it away. `closed`: it ended in good order, and what it could not learn was noted. Forgotten:
   * a claim that an operator wrote over with `yes` while a killed pass's request was on its way is not missed.
   */
  pass: 'none' | 'open' | 'closed';
  /** Nothing new is asked of Nova for this host before this time, in ms since the epoch. In the incident. */
  quietUntil: number;
}

/** Another evacuator's mark as it reads since when, on a clock of this machine that nobody sets (`Clock.steady`); see `Watches`. */
export interface Watch {
  readonly value: string;
  readonly since: number;
  /** When it was last looked at. */
  readonly until: number;
}

export type ClaimDecision =
  /** Nothing is owed for this mark. */
  | { readonly kind: 'leave' }
  /** Another evacuator counts as alive and at work for that long yet, unless it shows another sign of life. */
  | { readonly kind: 'defer'; readonly waitMs: number; readonly sentence: string; readonly watch: Watch }
  /** Ours to take. Nothing new is asked of Nova before `quietUntil` (ms since the epoch). */
  | { readonly kind: 'take'; readonly quietUntil: number; readonly sentence: string | null };

/**
 * Whether this node may work on a marked host. `me` is this node's name as it stands in claims; the caller holds
 * the node's lock, so a claim of `me` is that of a pass which ended without giving it back: killed most likely, or
 * `left` says that it ended in good order and what it was in doubt of. `left` also tells of a killed one where the
 * claim itself is lost, for the attribute daemon forgets it when the fenced node rejoins.
 *
 * Another evacuator is dead when its node is down, or its mark has not *changed* for a minute that this node has watched: the
 * time in a claim is of another machine's clock.
 *
 * @param watched since when this node has watched it; null: it begins now
 * @param steadyMs now, on the clock of `Watch.since`
 * @param isDown whether the cluster has seen to it that nothing runs on the node of {@link otherAtWork} any more
 */
export function decideClaim(
  reading: MarkReading,
  me: string,
  left: ClaimNotes | undefined,
  watched: Watch | null,
  nowMs: number,
  steadyMs: number,
  isDown: boolean,
): ClaimDecision {
  const { name, mark } = reading;
  if (mark.kind !== 'yes' && mark.kind !== 'claimed') return { kind: 'leave' };
  const other = otherAtWork(reading, me);
  const partial =
    mark.kind === 'claimed'
      ? `Processing partial evacuation of ${name} by ${mark.who} at ${new Date(mark.at * 1000).toISOString()}.`
      : null;
  // Its last request may be on its way all the same.
  if (other !== null && isDown)
    return { kind: 'take', quietUntil: nowMs + pacing.ownerDownMs, sentence: partial };
  if (other !== null) {
    const watch = watchOn(reading, watched, steadyMs);
    const waitMs = pacing.claimDeadAfterMs - (steadyMs - watch.since);
    if (waitMs < 0) return { kind: 'take', quietUntil: 0, sentence: partial };
    const since = mark.kind === 'claimed' ? ` at ${new Date(mark.at * 1000).toISOString()}` : '';
    const sentence = `Deferring processing partial evacuation of ${name} by ${other}${since}.`;
    return { kind: 'defer', waitMs: waitMs + 1, sentence, watch };
  }
  const { incident } = reading;
  if (mark.kind === 'yes' || (incident === null && left?.pass === 'closed')) {
    // Ours, and neither a claim nor the `yes` of one that was given back: a purge has taken it away.
    const isPurged = reading.transient.kind === 'none' && isOpen(incident) && incident.owner === me;
    const mayBeUnderWay = left?.pass === 'open' || isPurged;
    const noted = incident === null ? (left?.quietUntil ?? 0) : 0;
    return { kind: 'take', quietUntil: mayBeUnderWay ? nowMs + pacing.settleMs : noted, sentence: null };
  }
  // The claim has whole seconds, and a clock that was set back must not hold the host up.
  const lastSign = Math.min(mark.at * 1000 + 999, nowMs);
  return { kind: 'take', quietUntil: lastSign + pacing.settleMs, sentence: partial };
}

/**
 * Which other evacuator may be at work. Whoever ends its work for now writes `yes`; where there is neither that nor a claim,
 * a purge may have taken the owner's claim away, and it is about to write it again.
 */
export function otherAtWork({ mark, transient, incident }: MarkReading, me: string): string | null {
  if (mark.kind === 'claimed') return mark.who === me ? null : mark.who;
  if (transient.kind === 'yes' || !isOpen(incident)) return null;
  return incident.owner === me ? null : incident.owner;
}

function watchOn({ transient, incident }: MarkReading, before: Watch | null, steadyMs: number): Watch {
  const value = `${formatMark(transient)} ${incident?.id ?? ''} ${incident?.owner ?? ''}`;
  // The clock begins anew with the machine: then so does the watch.
  const goesOn = before?.value === value && before.since <= steadyMs && before.until <= steadyMs;
  // A sign of life that was read before was not repeated since. A purge that took one away may have come a second time: its owner is
  // given the time to write it again.
  const isSeen =
    transient.kind === 'claimed' || (before !== null && steadyMs - before.until <= pacing.claimGapMs);
  const lately = steadyMs - pacing.claimDeadAfterMs + 2 * pacing.claimCheckMs;
  if (!goesOn) return { value, since: steadyMs, until: steadyMs };
  return { value, since: isSeen ? before.since : Math.max(before.since, lately), until: steadyMs };
}
