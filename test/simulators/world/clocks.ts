import type { VirtualTime } from './virtualTime.ts';

/** What a machine's clock shows: the time, and by how much it is wrong until somebody sets it. */
export class Clocks {
  readonly #time: VirtualTime;
  readonly #wrong = new Map<string, number>();

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  now(machine: string): number {
    return this.#time.now() + (this.#wrong.get(machine) ?? 0);
  }

  /** From now on the clock is wrong by `ms`, forward or (negative) behind. */
  set(machine: string, ms: number): void {
    this.#wrong.set(machine, ms);
  }
}
