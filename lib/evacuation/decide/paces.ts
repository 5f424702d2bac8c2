import type { NovaHost, ServerId } from '@openstack-ts/nova-client';
import { type Laggard, laggards, type TakenUp } from '../judge/destinationPace.ts';

/** What was said a moment ago of the destinations still holds, in ms: hosts of one pass ask at the same time. */
const freshMs = 500;
/** Until the record of a request shows, its destination counts as busy with it for so long, in ms. */
const namedMs = 10_000;

interface Judged {
  readonly at: number;
  readonly laggards: ReadonlyMap<NovaHost, Laggard>;
  /** By failed host, the instances that hang. */
  readonly hanging: ReadonlyMap<NovaHost, ReadonlySet<ServerId>>;
}

/** How destinations do with the evacuations of all hosts of a pass. */
export class Paces {
  readonly #novaNow: () => number;
  readonly #taken = new Map<NovaHost, readonly TakenUp[]>();
  /** Where requests were sent that name their destination, and when. */
  readonly #named = new Map<ServerId, { readonly to: NovaHost; readonly at: number }>();
  #judged: Judged | null = null;

  /** @param novaNow Nova's clock, in ms since the epoch */
  constructor(novaNow: () => number) {
    this.#novaNow = novaNow;
  }

  /** What the evacuations of a failed host tell, in place of what they told before. */
  heed(host: NovaHost, taken: readonly TakenUp[]): void {
    this.#taken.set(host, taken);
    for (const { serverId } of taken) this.#named.delete(serverId);
  }

  /** Destinations that finish nothing while others do, by name. */
  get laggards(): ReadonlyMap<NovaHost, Laggard> {
    return this.#judge().laggards;
  }

  /** Those of a failed host's instances of which nothing comes for now: others need not wait for them. */
  hanging(host: NovaHost): ReadonlySet<ServerId> {
    return this.#judge().hanging.get(host) ?? new Set();
  }

  /** How many hang, of all hosts. */
  get hangingCount(): number {
    return [...this.#judge().hanging.values()].reduce((sum, { size }) => sum + size, 0);
  }

  #judge(): Judged {
    const at = this.#novaNow();
    if (this.#judged !== null && Math.abs(at - this.#judged.at) <= freshMs) return this.#judged;
    const found = laggards([...this.#taken.values()].flat(), at);
    const hanging = new Map<NovaHost, ReadonlySet<ServerId>>();
    for (const [host, taken] of found.size === 0 ? [] : this.#taken) {
      const hangs = ({ to, stands }: TakenUp) => stands === 'open' && found.get(to)?.how === 'hangs';
      hanging.set(host, new Set(taken.filter(hangs).map(({ serverId }) => serverId)));
    }
    this.#judged = { at, laggards: found, hanging };
    return this.#judged;
  }

  /** Of the laggards, those that have not finished an instance of this failed host. */
  laggardsOf(host: NovaHost): readonly Laggard[] {
    const found = [...this.laggards.values()];
    if (found.length === 0) return [];
    const tried = new Set(
      (this.#taken.get(host) ?? []).flatMap(({ to, stands }) => (stands === 'done' ? [] : [to])),
    );
    return found.filter((one) => tried.has(one.host));
  }

  /** An evacuation that names its destination is asked for. */
  named(id: ServerId, to: NovaHost): void {
    this.#named.set(id, { to, at: this.#novaNow() });
  }

  /** How many evacuations are under way to each host. */
  load(): Map<NovaHost, number> {
    const load = new Map<NovaHost, number>();
    const add = (to: NovaHost) => load.set(to, (load.get(to) ?? 0) + 1);
    for (const taken of this.#taken.values())
      for (const { to, stands } of taken) if (stands === 'open') add(to);
    const now = this.#novaNow();
    for (const [id, { to, at }] of this.#named) {
      if (now - at < namedMs) add(to);
      else this.#named.delete(id);
    }
    return load;
  }
}
