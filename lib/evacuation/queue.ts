/** An instance to be asked for. */
export interface QueueEntry {
  readonly id: string;
  /** Higher comes first. */
  readonly priority: number;
  /** `project/name`: the groups of a project are started one after the other; null: it waits for nobody. */
  readonly group: string | null;
  /** It has a failed attempt behind it. */
  readonly retry: boolean;
}

/** An instance with a group whose evacuation is not finished. */
export interface OpenMember {
  readonly id: string;
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
  readonly host: string;
  /** Null until it has told: its share is kept free, and groups wait, for it may hold members of an earlier one. */
  readonly demand: HostDemand | null;
  /** It has evacuations in flight and none of them has ended for long ({@link stallMs}). */
  readonly stalled: boolean;
}

/** Evacuations that hang keep those of lower priority on other hosts waiting this long, in ms, and no longer. */
export const stallMs = 60_000;

/**
 * Which instances may be asked for now, by host: one queue over all hosts.
 *
 * Higher priority comes first, on whichever host it is. Among instances of one priority hosts share: each may always fill
 * its share of the limit, at least one; what another does not need of its own is lent, to first attempts before retries.
 * So the total stays within the limit, save for these cases: a host whose turn it is and that needs its share while others
 * have borrowed of it in flight fills it all the same, because their evacuations may hang; more hosts than the limit
 * have one each; and while the evacuations of a host are `stalled`, all others fill their shares whatever their priority.
 *
 * @param limit of evacuations in flight
 * @param waits why instances wait for other groups, as {@link groupWaits} tells
 */
export function decideGrants(
  hosts: readonly QueuedHost[],
  limit: number,
  waits: ReadonlyMap<string, string>,
): ReadonlyMap<string, readonly string[]> {
  const share = Math.max(1, Math.floor(limit / Math.max(1, hosts.length)));
  const lanes = hosts.flatMap(({ host, demand, stalled }) =>
    demand === null ? [] : [new Lane(host, demand, stalled, waits)],
  );
  const untold = hosts.length - lanes.length;
  let free = limit - untold * share - lanes.reduce((sum, lane) => sum + lane.held, 0);
  // What others are granted in this very decision was theirs by priority; only what is in flight may hang.
  const mayOverdraw = (lane: Lane) =>
    hosts.length > limit || lanes.some((other) => other !== lane && other.inFlight > share);
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
  readonly host: string;
  readonly stalled: boolean;
  readonly inFlight: number;
  /** In flight, and granted now. */
  held: number;
  readonly granted: string[] = [];
  readonly #queue: readonly QueueEntry[];

  constructor(host: string, demand: HostDemand, stalled: boolean, waits: ReadonlyMap<string, string>) {
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

/**
 * Which due instances wait for other groups, and for what: a part of a sentence, by instance. The groups of a project are
 * ordered by the highest priority among their members, then by name, and an instance is not asked for before every member
 * of every earlier group is evacuated, given up or left, on whichever host. Instances without a group never wait here.
 *
 * @param ranks the highest priority that was ever seen in a group: its members with the highest finish first, which must
 *   not move what is left of it behind the groups that wait for it
 */
export function groupWaits(
  hosts: readonly QueuedHost[],
  ranks: ReadonlyMap<string, number>,
): ReadonlyMap<string, string> {
  const waits = new Map<string, string>();
  const grouped = hosts.flatMap(({ demand }) => demand?.due.filter(({ group }) => group !== null) ?? []);
  if (grouped.length === 0) return waits;
  const untold = hosts.filter(({ demand }) => demand === null).map(({ host }) => host);
  const unsettled = countUnsettled(hosts);
  const rank = (group: string) => ranks.get(group) ?? Number.NEGATIVE_INFINITY;
  const firsts = new Map<string, string>();
  for (const group of unsettled.keys()) {
    const first = firsts.get(projectOf(group));
    if (first === undefined || isBefore(group, first, rank)) firsts.set(projectOf(group), group);
  }
  for (const { id, group } of grouped) {
    if (group === null) continue;
    if (untold.length > 0) {
      waits.set(id, `waits until the instances of ${untold.join(', ')} are known, as it is in a group`);
      continue;
    }
    const first = firsts.get(projectOf(group));
    if (first !== undefined && isBefore(first, group, rank)) {
      waits.set(id, waitText(first, unsettled.get(first) ?? 0));
    }
  }
  return waits;
}

/** Names are compared by code units: the same on every node, whatever its locale. */
function isBefore(a: string, b: string, rank: (group: string) => number): boolean {
  return rank(a) > rank(b) || (rank(a) === rank(b) && a < b);
}

function countUnsettled(hosts: readonly QueuedHost[]): Map<string, number> {
  const unsettled = new Map<string, number>();
  for (const { demand } of hosts) {
    for (const { group, settled } of demand?.open ?? []) {
      if (!settled) unsettled.set(group, (unsettled.get(group) ?? 0) + 1);
    }
  }
  return unsettled;
}

function waitText(group: string, count: number): string {
  const name = group.slice(projectOf(group).length + 1);
  const open = count === 1 ? '1 instance of it is' : `${count} instances of it are`;
  return `waits for group ${name} of its project, ${open} still open`;
}

/** Ids of projects hold no slash, names of groups may. */
function projectOf(group: string): string {
  const slash = group.indexOf('/');
  return slash < 0 ? '' : group.slice(0, slash);
}

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
  readonly #now: () => number;
  readonly #joined = new Map<string, Joined>();
  readonly #ranks: Map<string, number>;
  #waits: ReadonlyMap<string, string> | null = null;

  /**
   * @param limit of evacuations in flight over all hosts, asked anew at each decision
   * @param now our clock, in ms
   * @param ranks the highest priority seen so far in each group. Filled in here; to be kept from pass to pass while any
   *   host is being evacuated, so that the order of groups does not change on the way
   */
  constructor(limit: () => number, now: () => number, ranks = new Map<string, number>()) {
    this.#limit = limit;
    this.#now = now;
    this.#ranks = ranks;
  }

  /** The host takes part from now on. */
  join(host: string): void {
    this.#joined.set(host, { demand: null, movedAt: this.#now() });
    this.#waits = null;
  }

  /** The host needs no share any more, and nobody waits for its instances. */
  leave(host: string): void {
    this.#joined.delete(host);
    this.#waits = null;
  }

  /**
   * Nothing more is asked for the host, although it is not through: what is in flight keeps its share, and later groups wait
   * for what it has left. One that has told nothing is waited for no longer.
   */
  rest(host: string): void {
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
  set(host: string, demand: HostDemand): void {
    const before = this.#joined.get(host);
    const stands = before !== undefined && !hasMoved(before.demand, demand);
    this.#joined.set(host, { demand, movedAt: stands ? before.movedAt : this.#now() });
    for (const { group, priority } of demand.open) {
      this.#ranks.set(group, Math.max(priority, this.#ranks.get(group) ?? priority));
    }
    this.#waits = null;
  }

  /** The due instances of a host that may be asked for now, in this order. */
  grants(host: string): readonly string[] {
    return decideGrants(this.#hosts(), this.#limit(), this.#currentWaits()).get(host) ?? [];
  }

  /** What a due instance waits for other than its turn (`waits for group db of its project, …`); null: nothing. */
  held(id: string): string | null {
    return this.#currentWaits().get(id) ?? null;
  }

  /** Whether the limit is used up while instances wait for it. Only then would a higher one be of any use. */
  get exhausted(): boolean {
    const hosts = this.#hosts();
    const limit = this.#limit();
    const waits = this.#currentWaits();
    const grants = decideGrants(hosts, limit, waits);
    let held = 0;
    let queued = 0;
    for (const { host, demand } of hosts) {
      const granted = grants.get(host)?.length ?? 0;
      held += (demand?.inFlight ?? 0) + granted;
      queued += (demand?.due ?? []).filter(({ id }) => !waits.has(id)).length - granted;
    }
    return held >= limit && queued > 0;
  }

  #currentWaits(): ReadonlyMap<string, string> {
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
