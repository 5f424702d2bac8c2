import type { Clock } from '../../lib/evacuation/index.ts';
import { topicOf } from '../../lib/evacuation/tell/waitText.ts';
import type { OcfLog } from '../../lib/ocf/index.ts';

const againMs = 60_000;

/** Says what a wait waits for and what an operator can do: at once when it is something new, and again each minute. */
export class WaitWords {
  readonly #log: OcfLog;
  readonly #clock: Clock;
  /** What an operator can do, a main clause. */
  readonly #remedy: () => string;
  readonly #stop: () => void;
  #sentence: string | null = null;
  #since = 0;

  constructor(log: OcfLog, clock: Clock, remedy: () => string) {
    this.#log = log;
    this.#clock = clock;
    this.#remedy = remedy;
    this.#stop = clock.every(againMs, () => this.#again());
  }

  /** What was said last, without what an operator can do; null: nothing had to be waited for. */
  get sentence(): string | null {
    return this.#sentence;
  }

  say(sentence: string): void {
    const isNew = this.#sentence === null || topicOf(sentence) !== topicOf(this.#sentence);
    this.#sentence = sentence;
    if (!isNew) return;
    this.#since = this.#clock.now();
    this.#log.notice(`${sentence}; ${this.#remedy()}.`);
  }

  stop(): void {
    this.#stop();
  }

  #again(): void {
    if (this.#sentence === null) return;
    const minutes = Math.round((this.#clock.now() - this.#since) / 60_000);
    this.#log.notice(`${this.#sentence}, for ${minutes} min now; ${this.#remedy()}.`);
  }
}
