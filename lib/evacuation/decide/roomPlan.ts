import type { HostCapacity, NovaHost, ServerId } from '@openstack-ts/nova-client';
import { pacing } from '../incident/pacing.ts';
import { type Demand, hostsWithRoom, planRoom, type Room, type Target, type Traits } from './capacity.ts';

/** An instance that is to be evacuated as soon as there is room. */
export interface RoomRequest {
  readonly id: ServerId;
  /** Higher is asked for first, and so gets the room first. */
  readonly priority: number;
  readonly demand: Demand;
  readonly traits: Traits;
  /** The availability zone that it does not leave; null: it may go to any. */
  readonly zone: string | null;
}

/** Why no host has room. */
export type Shortage = Extract<Room, { fits: false }>;

/** Shares what room there is over the instances of all hosts of a pass. */
export class RoomPlan {
  readonly #read: (maxAgeMs: number) => Promise<{ at: number; list: readonly HostCapacity[] } | null>;
  readonly #requests = new Map<NovaHost, readonly RoomRequest[]>();
  /**
   * What was asked for and when Nova answered, on our clock, by instance; null while it has not. Placement does not count it
   * until the scheduler has chosen.
   */
  readonly #asked = new Map<ServerId, { readonly answeredAt: number | null; readonly demand: Demand }>();

  #isShort = false;
  /** As last read. */
  #capacity: readonly HostCapacity[] | null = null;

  /** @param read the hosts' capacity at most so old, and when it was read; null where it cannot be known */
  constructor(read: (maxAgeMs: number) => Promise<{ at: number; list: readonly HostCapacity[] } | null>) {
    this.#read = read;
  }

  /** Which of a host's requests no target has room for now, and why; `requests` replaces what the host wanted before. */
  async plan(
    host: NovaHost,
    requests: readonly RoomRequest[],
    targets: readonly Target[],
  ): Promise<ReadonlyMap<ServerId, Shortage>> {
    this.#requests.set(host, requests);
    const unfit = new Map<ServerId, Shortage>();
    if (requests.length === 0 || targets.length === 0) return unfit;
    // While some have to wait, room is looked for more often.
    const capacity = await this.#read(this.#isShort ? pacing.capacityShortMs : pacing.capacityFreshMs);
    this.#capacity = capacity?.list ?? null;
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
      if (fit !== undefined && !fit.fits) unfit.set(id, fit);
    }
    this.#isShort = [...plan.values()].some(({ fits }) => !fits);
    return unfit;
  }

  /** The targets that have what one instance asks for and room for it, by the counts as last read; all where there are none. */
  hostsFor(
    request: Pick<RoomRequest, 'demand' | 'traits' | 'zone'>,
    targets: readonly Target[],
  ): readonly NovaHost[] {
    const { zone } = request;
    if (this.#capacity !== null) return hostsWithRoom(request, this.#capacity, targets);
    return targets
      .filter((one) => zone === null || one.zone === null || one.zone === zone)
      .map(({ host }) => host);
  }

  /** An evacuation is to be asked for: its room is taken. */
  take(id: ServerId, demand: Demand): void {
    this.#asked.set(id, { answeredAt: null, demand });
  }

  /** Nova has accepted it, at a time in ms since the epoch. */
  accepted(id: ServerId, answeredAt: number): void {
    const asked = this.#asked.get(id);
    if (asked !== undefined) this.#asked.set(id, { ...asked, answeredAt });
  }

  /** Nova has refused it. */
  giveBack(id: ServerId): void {
    this.#asked.delete(id);
  }

  /** The host takes no part any more. */
  leave(host: NovaHost): void {
    this.#requests.delete(host);
  }
}
