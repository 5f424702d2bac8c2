import type { FailureKind } from '../judge/failureKind.ts';
import { firstState, next, type RefusalKind, type ThrottleEvent } from './throttleRules.ts';
import type { ThrottleState } from './throttleState.ts';

/** What was learnt of Nova is forgotten after this time, in ms. */
const forgetMs = 600_000;

/** Finds how many evacuations at the same time Nova bears, with {@link next}. */
export class Throttle {
  readonly #bound: number;
  readonly #now: () => number;
  #state: ThrottleState;

  /**
   * @param bound most evacuations at the same time, whatever Nova bears
   * @param now our clock, in ms
   * @param kept the state that an earlier pass left; null: none did
   */
  constructor(bound: number, now: () => number, kept: ThrottleState | null) {
    this.#bound = bound;
    this.#now = now;
    const age = kept === null ? forgetMs : now() - kept.at;
    this.#state =
      kept === null || age >= forgetMs || age < 0
        ? firstState(bound, now())
        : { ...kept, limit: Math.min(kept.limit, bound) };
  }

  get limit(): number {
    return this.#state.limit;
  }

  /** To be kept for the next pass. */
  get state(): ThrottleState {
    return this.#state;
  }

  /** Nova took a request; it answered after `durationMs`. */
  accepted(durationMs: number): void {
    this.#note({ what: 'accepted', at: this.#now(), durationMs });
  }

  /** Nova did not take a request, for a reason that does not lie in the instance. */
  refused(kind: RefusalKind): void {
    this.#note({ what: 'refused', at: this.#now(), kind });
  }

  /** An instance is elsewhere. */
  done(): void {
    this.#note({ what: 'done', at: this.#now() });
  }

  /** Nova reported an evacuation as failed that it had accepted at `acceptedAt` (our clock; just now if left out). */
  failed(kind: FailureKind, acceptedAt = this.#now()): void {
    this.#note({ what: 'failed', at: this.#now(), kind, acceptedAt });
  }

  /** Whether as many evacuations are in flight as are allowed: it never rises while they are not. */
  busy(busy: boolean): void {
    this.#note({ what: 'busy', at: this.#now(), busy });
  }

  /** What to log, once at each change of direction, without a full stop; null: nothing new. */
  sentence(): string | null {
    const { sentence } = this.#state;
    if (sentence !== null) this.#state = { ...this.#state, sentence: null };
    return sentence;
  }

  #note(event: ThrottleEvent): void {
    this.#state = next(this.#state, event, this.#bound);
  }
}
