/** How many of the last completions the rate is taken from. */
const recent = 30;
/** Fewer say nothing yet: the first ones come at once, or after one long wait. */
const fewest = 3;

/** How an evacuation has gone so far. Times in ms since the epoch. */
export interface Pace {
  /** When instances arrived elsewhere, in any order. */
  readonly doneAt: readonly number[];
  /** How many are still to arrive. */
  readonly remaining: number;
  readonly now: number;
  /** When the first one was asked for. */
  readonly startedAt: number;
}

/**
 * How long what remains will take at the pace of the last completions, in ms; null while too few are done to tell. The
 * pause since the last one counts, so that an evacuation that hangs is not said to be about to end.
 */
export function timeLeftMs({ doneAt, remaining, now, startedAt }: Pace): number | null {
  if (remaining <= 0) return 0;
  if (doneAt.length < Math.min(fewest, remaining) || doneAt.length === 0) return null;
  const times = [...doneAt].sort((a, b) => a - b);
  const counted = times.slice(-recent);
  const since = times.at(-recent - 1) ?? startedAt;
  return (Math.max(0, now - since) / counted.length) * remaining;
}

/** `about 40 s left`, `about 5 min left`, `about 3 h left`: coarse, so that it does not change with every look. */
export function leftText(ms: number): string {
  const seconds = Math.max(10, Math.ceil(ms / 10_000) * 10);
  if (seconds <= 90) return `about ${seconds} s left`;
  const minutes = Math.round(ms / 60_000);
  if (minutes <= 90) return `about ${minutes} min left`;
  return `about ${Math.round(ms / 3_600_000)} h left`;
}
