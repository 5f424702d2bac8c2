import type { HostCapacity } from '@openstack-ts/nova-client';
import { type Demand, planRoom } from './capacity.ts';
import { pacing } from './pacing.ts';

/** An instance that is to be evacuated as soon as there is room. */
export interface RoomRequest {
  readonly id: string;
  /** Higher is asked for first, and so gets the room first. */
  readonly priority: number;
  readonly demand: Demand;
}

/** Shares what room there is over the instances of all hosts of a pass. */
export class RoomPlan {
  readonly #read: (maxAgeMs: number) => Promise<{ at: number; list: readonly HostCapacity[] } | null>;
  readonly #requests = new Map<string, readonly RoomRequest[]>();
  /**
   * What was asked for and when Nova answered, on our clock, by instance; null while it has not. Placement does not count it
   * until the scheduler has chosen.
   */
  readonly #asked = new Map<string, { readonly answeredAt: number | null; readonly demand: Demand }>();

  #isShort = false;

  /** @param read the hosts' capacity at most so old, and when it was read; null where it cannot be known */
  constructor(read: (maxAgeMs: number) => Promise<{ at: number; list: readonly HostCapacity[] } | null>) {
    this.#read = read;
  }

  /** Which of a host's requests no target has room for now, and why; `requests` replaces what the host wanted before. */
  async plan(
    host: string,
    requests: readonly RoomRequest[],
    targets: readonly string[],
  ): Promise<ReadonlyMap<string, string>> {
    this.#requests.set(host, requests);
    const unfit = new Map<string, string>();
    if (requests.length === 0 || targets.length === 0) return unfit;
    // While some have to wait, room is looked for more often.
    const capacity = await this.#read(this.#isShort ? pacing.capacityShortMs : pacing.capacityFreshMs);
    if (capacity === null) return unfit;
    const all = [...this.#requests.values()].flat().sort((a, b) => b.priority - a.priority);
    const askedSince = [...this.#asked.values()].filter(
      ({ answeredAt }) => answeredAt === null || answeredAt >= capacity.at - pacing.schedulingMs,
    );
    const plan = planRoom(
      all,
      capacity.list,
      targets,
      askedSince.map(({ demand }) => demand),
    );
    for (const { id } of requests) {
      const fit = plan.get(id);
      if (fit !== undefined && !fit.fits) unfit.set(id, fit.sentence);
    }
    this.#isShort = [...plan.values()].some(({ fits }) => !fits);
    return unfit;
  }

  /** An evacuation is to be asked for: its room is taken. */
  take(id: string, demand: Demand): void {
    this.#asked.set(id, { answeredAt: null, demand });
  }

  /** Nova has accepted it, at a time in ms since the epoch. */
  accepted(id: string, answeredAt: number): void {
    const asked = this.#asked.get(id);
    if (asked !== undefined) this.#asked.set(id, { ...asked, answeredAt });
  }

  /** Nova has refused it. */
  giveBack(id: string): void {
    this.#asked.delete(id);
  }

  /** The host takes no part any more. */
  leave(host: string): void {
    this.#requests.delete(host);
  }
}
