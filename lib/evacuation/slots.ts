/**
 * Shares a bounded number of evacuations in flight over the hosts of a pass. Each host may always fill its share;
 * what others leave free may be borrowed. A host whose evacuations hang thus never takes another's share, at the
 * price that the total can exceed the limit by what was borrowed before (never more than twice the limit).
 */
export class Slots {
  readonly #limit: number;
  readonly #inFlight = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The host takes part in the sharing from now on. */
  join(host: string): void {
    this.#inFlight.set(host, 0);
  }

  /** How many more evacuations of a host may be started now. */
  room(host: string): number {
    const own = this.#inFlight.get(host) ?? 0;
    const total = [...this.#inFlight.values()].reduce((sum, count) => sum + count, 0);
    const share = Math.max(1, Math.floor(this.#limit / Math.max(1, this.#inFlight.size)));
    return Math.max(share - own, this.#limit - total, 0);
  }

  /** Tells how many evacuations of a host are in flight. */
  set(host: string, inFlight: number): void {
    this.#inFlight.set(host, inFlight);
  }

  /** The host needs no share any more. */
  leave(host: string): void {
    this.#inFlight.delete(host);
  }
}
