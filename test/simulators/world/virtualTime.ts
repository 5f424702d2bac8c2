interface Timer {
  readonly at: number;
  readonly task: () => void;
  isOff: boolean;
}

/**
 * Time that passes only when nothing is left to do at the present instant: an hour of a pass takes milliseconds and
 * is the same every time. Everything that waits in these tests waits here.
 */
export class VirtualTime {
  #now: number;
  /** The next one last; among those of one instant, as they were asked for. */
  readonly #timers: Timer[] = [];

  constructor(start = Date.parse('2026-11-21T03:00:00Z')) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** Runs a task at a time from now on; the returned function takes it back. */
  after(ms: number, task: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, ms), task, isOff: false };
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#timers[middle]?.at ?? 0) > timer.at) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return () => {
      timer.isOff = true;
    };
  }

  /** Lets time pass until a promise settles; throws when it takes longer than `limitMs` of virtual time. */
  async until<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    promise.then(mark, mark);
    const end = this.#now + limitMs;
    await this.#passWhile(() => !settled, end);
    if (!settled) throw new Error(`nothing came of it within ${limitMs} ms of virtual time`);
    return promise;
  }

  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.#passWhile(() => true, end);
    this.#now = end;
  }

  async #passWhile(more: () => boolean, end: number): Promise<void> {
    for (;;) {
      // All that is ready runs before time goes on: between two turns of the event loop no microtask is left.
      await new Promise((resolve) => setImmediate(resolve));
      if (!more()) return;
      while (this.#timers.at(-1)?.isOff) this.#timers.pop();
      const next = this.#timers.at(-1);
      if (next === undefined || next.at > end) return;
      this.#timers.pop();
      this.#now = next.at;
      next.task();
    }
  }
}

/**
 * One run of the agent as the operating system sees it. Killed, it does nothing any more: whatever it awaits never
 * comes. What it had sent is on its way all the same.
 */
export class Process {
  readonly time: VirtualTime;
  /** By how much its machine's clock was wrong when it began. */
  readonly #wrongMs: number;
  /** When its action is over, on its machine's clock: tools have no more time than that (`createCommandRunner`). */
  toolsUntil = Number.POSITIVE_INFINITY;
  #alive = true;

  /** `clockAtStart`: what its machine's clock shows. Who sets that later does not change the process's time (`processTime`). */
  constructor(time: VirtualTime, clockAtStart = time.now()) {
    this.time = time;
    this.#wrongMs = clockAtStart - time.now();
  }

  get alive(): boolean {
    return this.#alive;
  }

  kill(): void {
    this.#alive = false;
  }

  now(): number {
    return this.time.now() + this.#wrongMs;
  }

  steady(): number {
    return this.time.now();
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.time.after(ms, () => {
        if (this.#alive) resolve();
      });
    });
  }

  every(ms: number, task: () => void): () => void {
    let stop: () => void = () => undefined;
    const again = () => {
      stop = this.time.after(ms, () => {
        if (!this.#alive) return;
        task();
        again();
      });
    };
    again();
    return () => stop();
  }
}

/** Small, fast and repeatable random numbers in [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
