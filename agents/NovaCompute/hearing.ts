import type { Clock } from '../../lib/evacuation/index.ts';

/** What was heard counts as what is said now for this long, in ms. */
const freshMs = 30_000;

/** What a wait hears of the cluster and of Nova: since when nothing, and whether they say that the host is being evacuated. */
export class Hearing {
  readonly #clock: Pick<Clock, 'now'>;
  /** When the cluster answered last; before it has, when it was first asked; null: it was not asked yet. */
  #answeredAt: number | null = null;
  #hasFailed = false;
  #inTheWayAt: number | null = null;
  #inFlightAt: number | null = null;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** For how long the cluster has not answered, in ms; 0 until a question has failed. */
  get silentMs(): number {
    return this.#answeredAt === null || !this.#hasFailed ? 0 : this.#clock.now() - this.#answeredAt;
  }

  /**
   * Whether the cluster says now that the host is being evacuated, or something of its mark that nobody understands, or Nova that
   * evacuations are in flight.
   */
  get saysNo(): boolean {
    return [this.#inTheWayAt, this.#inFlightAt].some((at) => at !== null && this.#clock.now() - at < freshMs);
  }

  /** A question goes out. */
  asks(): void {
    this.#answeredAt ??= this.#clock.now();
  }

  answered(): void {
    this.#answeredAt = this.#clock.now();
    this.#hasFailed = false;
  }

  /** Something keeps the wait waiting: what was asked last has not cleared it. */
  failed(): void {
    this.#hasFailed = true;
  }

  /** Whether a question was answered by nobody, or not as it would have to be for a start. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Half of the mark was told, the other was not. */
  answeredInPart(saysNo: boolean): void {
    this.#answeredAt = this.#clock.now();
    if (saysNo) this.#inTheWayAt = this.#answeredAt;
  }

  heardMarks(inTheWay: boolean): void {
    this.answered();
    this.#inTheWayAt = inTheWay ? this.#answeredAt : null;
  }

  heardFlights(inFlight: boolean): void {
    this.#inFlightAt = inFlight ? this.#clock.now() : null;
  }
}
