import type { InstanceClass } from '../judge/instance.ts';
import { leftText } from './estimate.ts';

/** Where the instances of one marked host stand. */
export interface Progress {
  readonly total: number;
  readonly done: number;
  readonly inFlight: number;
  /** Not asked for yet. */
  readonly waiting: number;
  /** Nova reported a failure; tried again. */
  readonly failed: number;
  /** Asked for as soon as there is room, or as a limit or an operator allows. */
  readonly deferred: number;
  /** Nothing is asked until something certain is known of it, or an operator says so. */
  readonly held: number;
  /** Left where they are: excluded by policy, or in a state that Nova does not evacuate. */
  readonly left: number;
}

/** Counts classes; `done` of them is given, because moved instances are no longer listed on the host. */
export function countProgress(classes: Iterable<InstanceClass>, done: number, isDeferred = false): Progress {
  let inFlight = 0;
  let waiting = 0;
  let failed = 0;
  let deferred = 0;
  let held = 0;
  let left = 0;
  for (const { kind } of classes) {
    if (kind === 'inFlight' || kind === 'look') inFlight += 1;
    else if (kind === 'due' || kind === 'waiting' || kind === 'unknown') waiting += 1;
    else if (kind === 'deferred') deferred += 1;
    else if (kind === 'failed') failed += 1;
    else if (kind === 'held') held += 1;
    else if (kind === 'cannot' || kind === 'excluded') left += 1;
  }
  const total = done + inFlight + waiting + deferred + failed + held + left;
  return isDeferred
    ? { total, done, inFlight, waiting: 0, failed, deferred: deferred + waiting, held, left }
    : { total, done, inFlight, waiting, failed, deferred, held, left };
}

/**
 * `12/20 done, 3 in flight, 4 waiting, 1 failed, about 40 s left`: what `crm_mon -A` shows. Zeros are left out.
 *
 * @param leftMs how long the rest will take, in ms; null where nobody can say
 */
export function progressText(progress: Progress, leftMs: number | null = null): string {
  const parts = [`${progress.done}/${progress.total} done`];
  if (progress.inFlight > 0) parts.push(`${progress.inFlight} in flight`);
  if (progress.waiting > 0) parts.push(`${progress.waiting} waiting`);
  if (progress.failed > 0) parts.push(`${progress.failed} failed`);
  if (progress.deferred > 0) parts.push(`${progress.deferred} deferred`);
  if (progress.held > 0) parts.push(`${progress.held} held`);
  if (progress.left > 0) parts.push(`${progress.left} left`);
  if (leftMs !== null) parts.push(leftText(leftMs));
  return parts.join(', ');
}
