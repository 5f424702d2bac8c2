/** Time, as it comes in at the edges; tests drive it. */
export interface Clock {
  /** Ms since the epoch. Whoever sets the clock of the machine does not change it while a process lasts. */
  now(): number;
  /** Ms on a clock that nobody sets, the same for all passes of this machine until it boots anew. */
  steady(): number;
  sleep(ms: number): Promise<void>;
  /** Does something again and again; the returned function ends it. Keeps no process alive. */
  every(ms: number, task: () => void): () => void;
}

/** The time of day in UTC, as sentences give it: `06:41:12Z`. */
export function timeOfDay(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 19)}Z`;
}
