import { isPending, type MarkReading } from '../../attrd/index.ts';

// What the marks of a host that comes back say of its nova-compute.

/**
 * Whether a `no` is worth something without an answer of Nova's: our evacuator has seen that nothing was in flight any more when it
 * ended the incident. An operator says `no` when they like, and the original agents wrote it as soon as Nova had accepted their
 * requests.
 *
 * @param mayAsk who has no login (`wait`) cannot ask, and has the permanent copy alone to go by
 */
export function areTrusted(readings: readonly MarkReading[], mayAsk: boolean): boolean {
  return readings.every(
    ({ permanent, incident }) => permanent.kind === 'no' && (incident?.proven === true || !mayAsk),
  );
}

/** A value that nobody defined is not ours to pass over. */
export function standsInTheWay({ mark }: MarkReading): boolean {
  return isPending(mark) || mark.kind === 'unknown';
}

/** Who is at work on it, for a sentence. */
export function by({ mark }: MarkReading): string {
  return mark.kind === 'claimed' ? ` (${mark.who} is at work on it)` : '';
}
