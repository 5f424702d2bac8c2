import { pacing } from '../incident/pacing.ts';
import { type Classes, hasKind } from '../judge/judgeHost.ts';

/** While nothing is in flight, the host is looked at anew this often, in ms. */
const newLookMs = 5_000;

/** What the pause before the next look at a host depends on. Times in ms since the epoch, on our clock. */
export interface LookFacts {
  readonly classes: Classes;
  readonly now: number;
  /** Hard end of the pass; no new request after `lingerUntil`; with nothing under way it ends by `reportBy`. */
  readonly deadline: number;
  readonly lingerUntil: number;
  readonly reportBy: number;
  /** When an evacuation last ended, one way or the other, or the pass began. */
  readonly movedAt: number;
  /** Requests that were begun just now, and all that are on their way. */
  readonly started: number;
  readonly underWay: number;
  /** Nothing new is asked before this time. */
  readonly notBefore: number;
  /** A limit or an operator holds the host back. */
  readonly isDeferred: boolean;
  /** Another host of this pass is worked on. */
  readonly othersAtWork: boolean;
}

/** Whether something is about to change: in Nova's records, or because it is another host's turn now. */
export function isFollowing({ classes, started, underWay, isDeferred, othersAtWork }: LookFacts): boolean {
  if (started > 0 || underWay > 0 || isMoving(classes)) return true;
  return !isDeferred && hasKind(classes, 'due') && othersAtWork;
}

/**
 * How long to wait before the next look, in ms; null when this pass has no time for anything more.
 *
 * @param pauseMs between two looks while something is followed
 */
export function nextLookMs(facts: LookFacts, pauseMs: number): number | null {
  const { classes, now, deadline, lingerUntil, reportBy, movedAt, underWay, isDeferred, othersAtWork } =
    facts;
  if (now >= deadline) return null;
  if (now >= lingerUntil && underWay === 0) return null;
  // Where nothing has ended for long the pass says so, and the next one goes on.
  const stands = now - movedAt > pacing.standsMs && underWay === 0;
  if (stands && now >= reportBy) return null;
  // Requests under way at the hard limit end there, and so does the pass.
  if (isFollowing(facts)) return Math.min(pauseMs, deadline - now);
  // What waits for a limit, an operator or for room is looked at anew by the next pass, unless this one goes on anyway.
  if (isDeferred || isStuck(classes)) return othersAtWork ? newLookMs : null;
  const nextAt = nextChance(facts);
  if (nextAt >= reportBy) return null;
  return Math.max(pacing.pollMinMs, Math.min(nextAt - now, newLookMs));
}

/** When something can happen that does not depend on Nova's records. */
function nextChance({ classes, now, notBefore }: LookFacts): number {
  let next = Number.POSITIVE_INFINITY;
  for (const one of classes.values()) {
    if (one.kind === 'failed') next = Math.min(next, one.retryAt);
    else if (one.kind === 'waiting') next = Math.min(next, one.until);
    else if (one.kind === 'due' || one.kind === 'deferred' || one.kind === 'unknown')
      next = Math.min(next, now + pacing.servicesFreshMs);
  }
  return Math.max(next, notBefore);
}

/** Whether something is about to change in Nova's records. One that is overdue may never. */
export function isMoving(classes: Classes): boolean {
  return [...classes.values()].some(
    (one) => one.kind === 'look' || (one.kind === 'inFlight' && !one.overdue),
  );
}

/** Whether a host has evacuations under way, of which what a silent destination has begun is one until it has stood for long. */
export function takesUpTurn(classes: Classes): boolean {
  return isMoving(classes) || [...classes.values()].some((one) => one.kind === 'inFlight' && one.mayGoOn);
}

/** Whether all that is left waits for room. */
function isStuck(classes: Classes): boolean {
  return (
    hasKind(classes, 'deferred') &&
    !hasKind(classes, 'inFlight', 'look', 'due', 'waiting', 'failed', 'unknown')
  );
}
