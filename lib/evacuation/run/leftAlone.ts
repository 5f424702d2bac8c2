import type { MarkName } from '../../attrd/index.ts';
import type { Clock } from '../incident/clock.ts';

/**
 * After trouble, or its end, a host is taken up again by the same pass while that is at work on others: one wrong answer
 * must not cost it the minutes that they take, and a machine may fail a second time meanwhile. Twice as late each time,
 * in ms: hosts that are all in trouble must not keep the pass from saying so.
 */
const againMs = 15_000;

/** Which names a pass leaves alone: their hosts are worked on, or were a moment ago, or nothing can be done for them. */
export class LeftAlone {
  readonly #clock: Pick<Clock, 'now'>;
  /** Until when, on our clock. */
  readonly #until = new Map<MarkName, number>();
  /** How often each name was left alone for a while. */
  readonly #rests = new Map<MarkName, number>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** @param isIdle whether no host is worked on any more: what was left alone for a while is the next pass's then */
  has(name: MarkName, isIdle: boolean): boolean {
    const until = this.#until.get(name);
    if (until === undefined) return false;
    return until > this.#clock.now() || isIdle;
  }

  /** For as long as this pass lasts. */
  leave(names: Iterable<MarkName>): void {
    for (const name of names) this.#until.set(name, Number.POSITIVE_INFINITY);
  }

  /** For a while. */
  rest(names: Iterable<MarkName>): void {
    for (const name of names) {
      const rests = this.#rests.get(name) ?? 0;
      this.#rests.set(name, rests + 1);
      this.#until.set(name, this.#clock.now() + againMs * 2 ** rests);
    }
  }

  /** It may be taken up at once. */
  takeUp(name: MarkName): void {
    this.#until.delete(name);
  }
}
