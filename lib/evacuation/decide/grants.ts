import type { NovaHost, ServerId } from '@openstack-ts/nova-client';

/** An instance to be asked for. */
export interface QueueEntry {
  readonly id: ServerId;
  /** Higher comes first. */
  readonly priority: number;
  /** `project/name`: the groups of a project are started one after the other; null: it waits for nobody. */
  readonly group: string | null;
  /** It has a failed attempt behind it. */
  readonly retry: boolean;
}

/** An instance with a group whose evacuation is not finished. */
export interface OpenMember {
  readonly id: ServerId;
  readonly group: string;
  readonly priority: number;
  /** Later groups need not wait for it: given up, or left where it is. One that was only just asked for is not. */
  readonly settled: boolean;
}

/** What a host has told. */
export interface HostDemand {
  /** Evacuations in flight. */
  readonly inFlight: number;
  readonly due: readonly QueueEntry[];
  /** Of every instance with a group that is not finished, those of `due` too. */
  readonly open: readonly OpenMember[];
}

/** One of the hosts that take part, in the order in which they joined. */
export interface QueuedHost {
  readonly host: NovaHost;
  /** Null until it has told: its share is kept free, and groups wait, for it may hold members of an earlier one. */
  readonly demand: HostDemand | null;
  /** It has evacuations in flight and none of them has ended for long (`stallMs`). */
  readonly stalled: boolean;
}

/**
 * Which instances may be asked for now, by host: one queue over all hosts.
 *
 * Higher priority comes first, on whichever host it is. Among instances of one priority hosts share: each may always fill
 * its share of the limit, at least one; what another does not need of its own is lent, to first attempts before retries.
 * So the total stays within the limit, save for these cases: a host whose turn it is and that needs its share while others
 * have borrowed of it in flight fills it all the same, as far as the operator's bound allows, because their evacuations may
 * hang; more hosts than the limit have one each; and while the evacuations of a host are `stalled`, all others fill their
 * shares whatever their priority.
 *
 * @param limit of evacuations in flight, as Nova bears it
 * @param bound the operator's, which the limit never exceeds
 * @param waits why instances wait for other groups, as `groupWaits` tells
 */
export function decideGrants(
  hosts: readonly QueuedHost[],
  limit: number,
  bound: number,
  waits: ReadonlyMap<ServerId, string>,
): ReadonlyMap<NovaHost, readonly ServerId[]> {
  const share = Math.max(1, Math.floor(limit / Math.max(1, hosts.length)));
  const lanes = hosts.flatMap(({ host, demand, stalled }) =>
    demand === null ? [] : [new Lane(host, demand, stalled, waits)],
  );
  const untold = hosts.length - lanes.length;
  let free = limit - untold * share - lanes.reduce((sum, lane) => sum + lane.held, 0);
  // What others are granted in this very decision was theirs by priority; only what is in flight may hang.
  const mayOverdraw = (lane: Lane) =>
    hosts.length > limit ||
    (limit - free < bound && lanes.some((other) => other !== lane && other.inFlight > share));
  const take = (lane: Lane) => {
    lane.grant();
    free -= 1;
  };
  for (;;) {
    const level = Math.max(...lanes.map((lane) => lane.next?.priority ?? Number.NEGATIVE_INFINITY));
    if (level === Number.NEGATIVE_INFINITY) break;
    const turn = lanes.filter((lane) => lane.next?.priority === level);
    const below = emptiest(turn.filter((lane) => lane.held < share && (free > 0 || mayOverdraw(lane))));
    if (below !== undefined) take(below);
    else if (free > 0) {
      const first = turn.filter((lane) => lane.next?.retry === false);
      const chosen = emptiest(first.length > 0 ? first : turn);
      if (chosen !== undefined) take(chosen);
    } else break;
  }
  for (const lane of lanes) {
    const hanging = lanes.some((other) => other !== lane && other.stalled);
    while (hanging && lane.next !== undefined && lane.held < share) take(lane);
  }
  return new Map(lanes.map((lane) => [lane.host, lane.granted]));
}

/** What one host holds of the limit, and its queue. */
class Lane {
  readonly host: NovaHost;
  readonly stalled: boolean;
  readonly inFlight: number;
  /** In flight, and granted now. */
  held: number;
  readonly granted: ServerId[] = [];
  readonly #queue: readonly QueueEntry[];

  constructor(host: NovaHost, demand: HostDemand, stalled: boolean, waits: ReadonlyMap<ServerId, string>) {
    this.host = host;
    this.stalled = stalled;
    this.inFlight = demand.inFlight;
    this.held = demand.inFlight;
    this.#queue = demand.due
      .filter(({ id }) => !waits.has(id))
      .sort((a, b) => b.priority - a.priority || Number(a.retry) - Number(b.retry));
  }

  get next(): QueueEntry | undefined {
    return this.#queue[this.granted.length];
  }

  grant(): void {
    if (this.next === undefined) return;
    this.granted.push(this.next.id);
    this.held += 1;
  }
}

/** The one that holds least; of several, the one that joined first. */
function emptiest(lanes: readonly Lane[]): Lane | undefined {
  return lanes.reduce<Lane | undefined>(
    (least, lane) => (least === undefined || lane.held < least.held ? lane : least),
    undefined,
  );
}
