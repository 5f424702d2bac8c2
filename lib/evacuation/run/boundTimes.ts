import { pacing } from '../incident/pacing.ts';
import type { Hints, HostHints } from './hints.ts';

/** The longest that a request, or a pass that was cut short, keeps anything waiting. */
const longestDoubtMs = Math.max(pacing.unansweredMs, pacing.ownerDownMs, pacing.settleMs);

/**
 * Notes bear this machine's time of day, and somebody may have set it back since: what has happened did so no later than now, and no
 * pause ends later than one that begins now. So a clock that is set costs a pause, not an hour.
 */
export function boundTimes(hints: Hints, now: number): void {
  const { throttle } = hints;
  hints.backOff.until = Math.min(hints.backOff.until, now + pacing.backOffMs);
  if (throttle !== null) {
    const { at, doneAt, fellAt } = throttle;
    hints.throttle = {
      ...throttle,
      at: Math.min(at, now),
      doneAt: past(doneAt, now),
      fellAt: past(fellAt, now),
    };
  }
  for (const [name, entry] of hints) hints.set(name, bounded(entry, now));
}

function bounded(entry: HostHints, now: number): HostHints {
  const { signs, incident, setBack } = entry;
  const doubtful = now + longestDoubtMs;
  return {
    ...entry,
    firstSeen: Math.min(entry.firstSeen, now),
    capacityAt: Math.min(entry.capacityAt, now),
    roomAt: each(entry.roomAt, (at) => Math.min(at, now)),
    refusals: each(entry.refusals, (refusal) => ({ ...refusal, at: Math.min(refusal.at, now) })),
    quietUntil: Math.min(entry.quietUntil, doubtful),
    doubts: each(entry.doubts, (until) => Math.min(until, doubtful)),
    placementSilence: boundSilence(entry.placementSilence, now),
    setBack: setBack === null ? null : { ...setBack, since: Math.min(setBack.since, now) },
    signs: signs === null ? null : { ...signs, watchedSince: past(signs.watchedSince, now) },
    incident: incident === null ? null : { ...incident, fencedAt: Math.min(incident.fencedAt, now) },
  };
}

function boundSilence(silence: HostHints['placementSilence'], now: number): HostHints['placementSilence'] {
  if (silence === null) return null;
  return { since: Math.min(silence.since, now), until: Math.min(silence.until, now) };
}

function past(at: number | null, now: number): number | null {
  return at === null ? null : Math.min(at, now);
}

function each<T>(record: Readonly<Record<string, T>>, change: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
