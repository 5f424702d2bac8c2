import type { EvacuationEvent, InstanceEvent } from '../../../lib/evacuation/tell/events.ts';

/** One failure of one host, told apart from its earlier ones: `comp0@2026-11-21T03:38:37.000Z`. */
export function incidentId(event: EvacuationEvent): string {
  return `${event.host}@${isoTime(event.fencedAt)}`;
}

/** A time in ms since the epoch as ISO 8601 in UTC; `''` for what is no time. */
export function isoTime(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : '';
}

/** How an instance event ends an attempt, in the words of metrics and alerts; null for a step that ends nothing. */
export function outcome(event: InstanceEvent): Outcome | null {
  switch (event.what) {
    case 'requested':
    case 'deferred':
    case 'held':
      return null;
    case 'evacuated':
      return 'done';
    case 'failed':
      return 'failed';
    case 'givenUp':
      return 'given_up';
    case 'left':
      return 'left';
  }
}

export type Outcome = 'done' | 'failed' | 'given_up' | 'left';

/** What went wrong with a file, in the system's words: `ENOSPC: no space left on device`. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // Node appends the call and the path, which the sentence names already.
  return message.replace(/, \w+( '.*)?$/, '');
}
