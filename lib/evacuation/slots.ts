interface Use {
  inFlight: number;
  /** Instances that wait to be asked for; null until the host has told, which keeps its whole share free. */
  due: number | null;
}

/**
 * Shares a bounded number of evacuations in flight over the hosts of a pass. Each host may always fill its share, at
 * least one; what another does not need of its own may be borrowed. So the total stays within the limit, save for two
 * cases: a host that needs its share while others still hold what they had borrowed of it (it came late, or has
 * failures to try again) fills it all the same, because their evacuations may hang; and more hosts than the limit have
 * one each.
 */
export class Slots {
  readonly #limit: number;
  readonly #uses = new Map<string, Use>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The host takes part in the sharing from now on. */
  join(host: string): void {
    this.#uses.set(host, { inFlight: 0, due: null });
  }

  /** The host needs no share any more. */
  leave(host: string): void {
    this.#uses.delete(host);
  }

  /** Tells how many evacuations of a host are in flight, and how many more it has to ask for. */
  set(host: string, inFlight: number, due: number): void {
    this.#uses.set(host, { inFlight, due });
  }

  /** How many more evacuations of a host may be started now. */
  room(host: string): number {
    const share = Math.max(1, Math.floor(this.#limit / Math.max(1, this.#uses.size)));
    const own = this.#uses.get(host)?.inFlight ?? 0;
    let others = 0;
    for (const [name, { inFlight, due }] of this.#uses) {
      if (name === host) continue;
      const claim = due === null ? share : Math.min(share, inFlight + due);
      others += Math.max(inFlight, claim);
    }
    return Math.max(share - own, this.#limit - others - own, 0);
  }
}
