import { pacing } from '../incident/pacing.ts';

/** That Placement was asked again and again, and has never answered. Both times on one clock, in ms since the epoch. */
export interface Silence {
  /** When it first did not answer, and when last. */
  readonly since: number;
  readonly until: number;
}

/** What is known after one more question: that it was not asked for a while is no silence of its. */
export function silenceAfter(before: Silence | null, answered: boolean, now: number): Silence | null {
  if (answered) return null;
  const goesOn = before !== null && before.until <= now && now - before.until <= pacing.silenceGapMs;
  return { since: goesOn ? before.since : now, until: now };
}

/** Whether it was silent for that long, by the questions that it did not answer. */
export function isSilentFor(silence: Silence | null, ms: number): boolean {
  return silence !== null && silence.until - silence.since >= ms;
}
