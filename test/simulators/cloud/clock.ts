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

interface Due {
  readonly at: number;
  readonly action: () => void;
  calledOff: boolean;
}

/** A clock that stands still until it is told to move: runs everything that falls due on the way, in order. */
export class ManualClock implements Clock {
  #now: number;
  /** In the order in which they fall due; among equals, as they were asked for. */
  readonly #due: Due[] = [];

  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, action: () => void): () => void {
    const entry: Due = { at: this.#now + Math.max(0, ms), action, calledOff: false };
    let low = 0;
    let high = this.#due.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#due[middle]?.at ?? 0) <= entry.at) low = middle + 1;
      else high = middle;
    }
    this.#due.splice(low, 0, entry);
    return () => {
      entry.calledOff = true;
    };
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#due[0]; next !== undefined && next.at <= end; next = this.#due[0]) {
      this.#due.shift();
      if (next.calledOff) continue;
      this.#now = next.at;
      next.action();
    }
    this.#now = end;
  }
}

/** Seconds that were asked for: lists of servers and records bear few, again and again. */
const seconds = new Map<number, string>();
const mostSeconds = 4_096;

function isoSecond(at: number): string {
  const second = Math.floor(at / 1000);
  const known = seconds.get(second);
  if (known !== undefined) return known;
  const text = new Date(second * 1000).toISOString().slice(0, 19);
  if (seconds.size >= mostSeconds) seconds.clear();
  seconds.set(second, text);
  return text;
}

/** `Sat, 21 Nov 2026 02:27:27 GMT`, as HTTP has it in `Date`. */
let lastDate = { second: Number.NaN, text: '' };

export function httpDate(at: number): string {
  const second = Math.floor(at / 1000);
  if (second !== lastDate.second) lastDate = { second, text: new Date(second * 1000).toUTCString() };
  return lastDate.text;
}

/** `2026-11-21T02:27:27.000000`: how Nova's database hands times to the API, whole seconds in UTC. */
export function databaseTime(at: number): string {
  return `${isoSecond(at)}.000000`;
}

/** `2026-11-21T02:27:27Z`, as servers show theirs. */
export function serverTime(at: number): string {
  return `${isoSecond(at)}Z`;
}
