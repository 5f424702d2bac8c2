import type { NovaHost, ServerId } from '@openstack-ts/nova-client';
import { decideGrants, type HostDemand, type QueuedHost } from './grants.ts';
import { groupKey } from './groupKey.ts';
import { groupWaits } from './groupWaits.ts';

/** Evacuations that hang keep those of lower priority on other hosts waiting this long, in ms, and no longer. */
export const stallMs = 60_000;

/** Whether an evacuation has ended since, or none was in flight. */
function hasMoved(before: HostDemand | null, now: HostDemand): boolean {
  if (before === null || before.inFlight === 0 || now.inFlight === 0) return true;
  const left = (demand: HostDemand) => demand.inFlight + demand.due.length;
  return now.inFlight < before.inFlight || left(now) < left(before);
}

interface Joined {
  demand: HostDemand | null;
  /** When an evacuation of it last ended, or it last had none in flight. */
  movedAt: number;
}

/** What the hosts of a pass have told of themselves, for {@link decideGrants} and {@link groupWaits} to decide on. */
export class EvacuationQueue {
  readonly #limit: () => number;
  readonly #bound: number;
  readonly #now: () => number;
  readonly #joined = new Map<NovaHost, Joined>();
  /** The highest priority seen so far in each group. */
  readonly #ranks = new Map<string, number>();
  /** The same as earlier passes saw it, by {@link groupKey}: whoever had it may have left its host since. */
  readonly #recalled = new Map<string, number>();
  #waits: ReadonlyMap<ServerId, string> | null = null;

  /**
   * @param limit of evacuations in flight over all hosts, asked anew at each decision
   * @param bound the operator's, which the limit never exceeds
   * @param now our clock, in ms
   */
  constructor(limit: () => number, bound: number, now: () => number) {
    this.#limit = limit;
    this.#bound = bound;
    this.#now = now;
  }

  /** What the order of a host's groups rested on when its evacuation began: it does not change on the way. */
  recall(ranks: ReadonlyMap<string, number>): void {
    for (const [key, priority] of ranks) {
      this.#recalled.set(key, Math.max(priority, this.#recalled.get(key) ?? priority));
    }
  }

  /** The highest priority seen in a group so far. */
  rankOf(group: string): number | null {
    return this.#ranks.get(group) ?? null;
  }

  /** The host takes part from now on. */
  join(host: NovaHost): void {
    this.#joined.set(host, { demand: null, movedAt: this.#now() });
    this.#waits = null;
  }

  /** The host needs no share any more, and nobody waits for its instances. */
  leave(host: NovaHost): void {
    this.#joined.delete(host);
    this.#waits = null;
  }

  /**
   * Nothing more is asked for the host, although it is not through: what is in flight keeps its share, and later groups wait
   * for what it has left. One that has told nothing is waited for no longer.
   */
  rest(host: NovaHost): void {
    const joined = this.#joined.get(host);
    if (joined === undefined) return;
    if (joined.demand === null) this.#joined.delete(host);
    else this.#joined.set(host, { ...joined, demand: { ...joined.demand, due: [] } });
    this.#waits = null;
  }

  /**
   * Tells where a host stands: how many of its evacuations are in flight, what it has to ask for, and its groups. To be
   * called before each decision, and again with what was then asked for before the host decides anew.
   */
  set(host: NovaHost, demand: HostDemand): void {
    const before = this.#joined.get(host);
    const stands = before !== undefined && !hasMoved(before.demand, demand);
    this.#joined.set(host, { demand, movedAt: stands ? before.movedAt : this.#now() });
    for (const { group, priority } of demand.open) {
      const before = this.#ranks.get(group) ?? this.#recalled.get(groupKey(group)) ?? priority;
      this.#ranks.set(group, Math.max(priority, before));
    }
    this.#waits = null;
  }

  /** The due instances of a host that may be asked for now, in this order. */
  grants(host: NovaHost): readonly ServerId[] {
    return decideGrants(this.#hosts(), this.#limit(), this.#bound, this.#currentWaits()).get(host) ?? [];
  }

  /** What a due instance waits for other than its turn (`waits for group db of its project, …`); null: nothing. */
  held(id: ServerId): string | null {
    return this.#currentWaits().get(id) ?? null;
  }

  /** Whether the limit is used up while instances wait for it. Only then would a higher one be of any use. */
  get exhausted(): boolean {
    const hosts = this.#hosts();
    const limit = this.#limit();
    const waits = this.#currentWaits();
    const grants = decideGrants(hosts, limit, this.#bound, waits);
    let held = 0;
    let queued = 0;
    for (const { host, demand } of hosts) {
      const granted = grants.get(host)?.length ?? 0;
      held += (demand?.inFlight ?? 0) + granted;
      queued += (demand?.due ?? []).filter(({ id }) => !waits.has(id)).length - granted;
    }
    return held >= limit && queued > 0;
  }

  #currentWaits(): ReadonlyMap<ServerId, string> {
    this.#waits ??= groupWaits(this.#hosts(), this.#ranks);
    return this.#waits;
  }

  #hosts(): readonly QueuedHost[] {
    const now = this.#now();
    return [...this.#joined].map(([host, { demand, movedAt }]) => ({
      host,
      demand,
      stalled: (demand?.inFlight ?? 0) > 0 && now - movedAt >= stallMs,
    }));
  }
}
