import type { Clock } from '../../lib/evacuation/index.ts';

/** A mark counts as what the cluster says now for this long after it was read, in ms. */
const freshMs = 30_000;

/** What a wait hears of the cluster: since when nothing, and whether it says that the host is being evacuated. */
export class Hearing {
  readonly #clock: Pick<Clock, 'now'>;
  /** When the cluster answered last; before it has, when it was first asked. */
  #answeredAt: number;
  #inTheWayAt: number | null = null;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
    this.#answeredAt = clock.now();
  }

  /** For how long the cluster has not answered, in ms. */
  get silentMs(): number {
    return this.#clock.now() - this.#answeredAt;
  }

  /** Whether the cluster says now that the host is being evacuated, or something of its mark that nobody understands. */
  get saysNo(): boolean {
    return this.#inTheWayAt !== null && this.#clock.now() - this.#inTheWayAt < freshMs;
  }

  answered(): void {
    this.#answeredAt = this.#clock.now();
  }

  heardMarks(inTheWay: boolean): void {
    this.answered();
    this.#inTheWayAt = inTheWay ? this.#answeredAt : null;
  }
}
