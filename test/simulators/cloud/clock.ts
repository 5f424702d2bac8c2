/** Time as the simulated cloud sees it; tests may drive it by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `action` in `ms` milliseconds; the returned function calls it off. */
  after(ms: number, action: () => void): () => void;
}

/** The machine's own clock. Its timers do not keep a process alive. */
export const realClock: Clock = {
  now: () => Date.now(),
  after(ms, action) {
    const timer = setTimeout(action, Math.max(0, ms));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** A clock that stands still until it is told to move: runs everything that falls due on the way, in order. */
export class ManualClock implements Clock {
  #now: number;
  #sequence = 0;
  #due: { at: number; sequence: number; action: () => void }[] = [];

  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, action: () => void): () => void {
    this.#sequence += 1;
    const entry = { at: this.#now + Math.max(0, ms), sequence: this.#sequence, action };
    this.#due.push(entry);
    return () => {
      this.#due = this.#due.filter((other) => other !== entry);
    };
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#due
        .filter((entry) => entry.at <= end)
        .sort((a, b) => a.at - b.at || a.sequence - b.sequence)[0];
      if (next === undefined) break;
      this.#due = this.#due.filter((entry) => entry !== next);
      this.#now = next.at;
      next.action();
    }
    this.#now = end;
  }
}

/** `2026-11-21T02:27:27.000000`: how Nova's database hands times to the API, whole seconds in UTC. */
export function databaseTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}.000000`;
}

/** `2026-11-21T02:27:27Z`, as servers show theirs. */
export function serverTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
