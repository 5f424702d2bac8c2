import type { Clock } from './clock.ts';
import type { ApiRequest } from './http.ts';
import type { Host, Server } from './model.ts';

/** The invariants of the design, and what follows from them for the operator's own rules. */
export type Rule =
  /** An evacuation was requested for a host that Nova does not hold down, or that bears no mark. */
  | 'I1'
  /** An evacuation was requested for an instance that has one in flight, or that has left the failed host already. */
  | 'I2'
  /** nova-compute was started, or forced_down cleared, with an evacuation away from the host in flight. */
  | 'I3'
  /** A mark that fence_compute had reported is gone, and its host is neither evacuated nor back. */
  | 'I4'
  /** Two evacuators at work on one host, or a dead one that nobody replaces. */
  | 'I5'
  /** An instance was lost, damaged or forgotten, a lock taken away, or nobody was told what became of it. */
  | 'I6'
  /** A host that somebody else had disabled, with a reason of their own, was enabled. */
  | 'I7'
  /** A secret where others can read it. */
  | 'I8'
  /** Somebody was evacuated whom the operator's rules leave where they are. */
  | 'which'
  /** Groups that start one after the other did not. */
  | 'order'
  /** A limit, or an operator's pause, was not heeded. */
  | 'limit'
  /** One instance ran on two hosts: the damage all the rules are there to prevent. */
  | 'twice';

export interface Violation {
  readonly at: number;
  readonly rule: Rule;
  readonly host: string;
  readonly server: string | null;
  readonly sentence: string;
}

/** What the observer sees of the cloud: what really is, not what the API shows. */
export interface ObservedWorld {
  readonly clock: Clock;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly servers: ReadonlyMap<string, Server>;
  readonly conductor: { isLive(serverId: string): boolean; inFlightFrom(host: string): Server[] };
  isUp(host: Host): boolean;
}

/** What the observer has to be shown of the cluster around the cloud, and told of what its operators want. */
export interface Surroundings {
  /** What a host's mark reads in both of its copies; '' where there is none. */
  mark(host: string): { readonly transient: string; readonly permanent: string };
  /** The node on which a sender of requests runs. */
  nodeOf(sender: string): string;
  /** Since when nothing stands in the way of an evacuator; null while something does. */
  healthySince(): number | null;
  /** Why an instance has to stay where it is, and must not be asked for; null: it may be. */
  staysBecause(server: Server): string | null;
  /** Why an instance that may be asked for will stay all the same; null: it has to be evacuated. */
  cannotLeaveBecause(server: Server): string | null;
  /** Rank among the groups of its project that are started one after the other; null: in none. */
  groupOf(server: Server): number | null;
  /** Since when evacuations of a host are paused by an operator; null: they are not. */
  pausedSince(host: string): number | null;
  /** How many hosts may be evacuated at the same time; 0: any number. */
  hostsAtOnce(): number;
  /** Share of hosts above which no more are evacuated, in percent; 100 also while an operator says that limits do not count. */
  failedPercent(): number;
  /** Disks on the dead hosts may be given up (no_shared_storage). */
  readonly givesUpDisks: boolean;
  /** Passwords and the like. Tokens of the simulated Keystone are known. */
  readonly secrets: readonly string[];
}

/** A claim counts as dead after this long, and the next pass may be this late; ms. */
const claimDeadMs = 60_000;
const passIntervalMs = 10_000;
/** What a pass may take from its start to its claim: log-in, and some answers. */
const claimingMs = 15_000;
/** What fails, or is marked, within this time of something else need not be known to a pass yet. */
const newsMs = 20_000;
/** An operator's word is read with each pass, and by a long one in between. */
const pauseHeededMs = 15_000;
/** Tokens as Keystone gives them out. */
const token = /gAAAAA[0-9a-f]{16}/;

/**
 * Writes down what must never happen, at the moment it happens. On its own it knows the cloud alone; a test that has a
 * cluster as well shows it (`watch`), and then every rule is looked after at every request, and at every `look`.
 */
export class Observer {
  readonly violations: Violation[] = [];
  readonly #world: ObservedWorld;
  readonly #senders = new Map<string, string>();
  #around: Surroundings | null = null;
  /** What was so when the watch began. */
  readonly #locked = new Map<string, boolean>();
  /** Hosts whose fencing was reported, and that have no power since: when. */
  readonly #fenced = new Map<string, number>();
  /** Those of them that an evacuation was requested for. */
  readonly #begun = new Set<string>();
  /** What was recorded and is still so: once is enough. */
  readonly #known = new Set<string>();

  constructor(world: ObservedWorld) {
    this.#world = world;
  }

  record(rule: Rule, host: string, server: string | null, sentence: string): void {
    this.violations.push({ at: this.#world.clock.now(), rule, host, server, sentence });
  }

  /** From now on the cluster is looked at as well. */
  watch(around: Surroundings): void {
    this.#around = around;
    for (const server of this.#world.servers.values()) this.#locked.set(server.id, server.locked);
  }

  /** A request has come in. `sender`: the process that sent it, where the wire knows. */
  received(request: ApiRequest, sender: string | null): void {
    if (sender !== null) this.#senders.set(request.requestId, sender);
    this.heard(`the address of ${request.method} ${request.path}`, request.query.toString());
    this.look();
  }

  /** A request was carried out, or will never be. */
  settled(): void {
    this.look();
  }

  /** An evacuation is about to be carried out, or refused. */
  evacuating(server: Server, requestId: string): void {
    const around = this.#around;
    const host = server.host;
    if (around === null || host === null) return;
    const say = (rule: Rule, what: string) =>
      this.record(rule, host, server.id, `${server.name} of ${host} was asked for ${what}.`);
    const { transient, permanent } = around.mark(host);
    if (!isPending(transient, permanent)) {
      say('I1', `while the marks read "${transient}" and "${permanent}"`);
    }
    if (this.#world.hosts.get(host)?.domains.get(server.id) === true) say('I1', 'while it ran there');
    const sender = this.#senders.get(requestId);
    const claim = claimOf(transient);
    if (sender !== undefined && claim !== null && claim.who !== around.nodeOf(sender)) {
      say('I5', `by ${sender} while ${claim.who} had claimed its host`);
    }
    const reason = around.staysBecause(server);
    if (reason !== null) say('which', `although it stays: ${reason}`);
    const earlier = this.#earlierInGroup(server, around);
    if (earlier !== undefined) say('order', `before ${earlier.name} of an earlier group`);
    const paused = around.pausedSince(host);
    if (paused !== null && this.#world.clock.now() - paused > pauseHeededMs)
      say('limit', 'while that was paused');
    this.#heedLimits(host, around, say);
    this.#begun.add(host);
  }

  /** A host that was begun is never stopped in the middle; and what failed first goes first. */
  #heedLimits(host: string, around: Surroundings, say: (rule: Rule, what: string) => void): void {
    const fencedAt = this.#fenced.get(host);
    if (this.#begun.has(host) || fencedAt === undefined) return;
    const { hosts, conductor } = this.#world;
    const limit = around.hostsAtOnce();
    const busy = [...hosts.keys()].filter((name) => name !== host && conductor.inFlightFrom(name).length > 0);
    if (limit > 0 && busy.length >= limit) {
      say('limit', `while ${busy.join(', ')} were at it and ${limit} may be at once`);
    }
    const percent = around.failedPercent();
    const before = [...hosts.values()].filter((other) => {
      const at = this.#fenced.get(other.name);
      return other.name !== host && !this.#world.isUp(other) && at !== undefined && at < fencedAt - newsMs;
    });
    if (((before.length + 1) * 100) / hosts.size > percent) {
      const which = before.map(({ name }) => name).join(', ');
      say('limit', `after ${which} had failed, and ${percent} % of ${hosts.size} hosts may`);
    }
  }

  /** A rebuild has found no disk: it goes on with an empty one. */
  rebuiltEmpty(server: Server): void {
    if (this.#around === null || this.#around.givesUpDisks || server.imageId === null) return;
    this.record('I6', server.host ?? '', server.id, `${server.name} was rebuilt with an empty disk.`);
  }

  /** `fence_compute off` has reported success. */
  fenced(host: string): void {
    if (this.#world.hosts.get(host)?.powered !== false) return;
    this.#fenced.set(host, this.#world.clock.now());
    this.#begun.delete(host);
  }

  /** Something others can read: a line of a log, an argument list, an attribute, a file. */
  heard(where: string, text: string): void {
    const secret = token.exec(text)?.[0] ?? this.#around?.secrets.find((each) => text.includes(each));
    if (secret !== undefined)
      this.record('I8', '', null, `${where} shows a secret (${secret.slice(0, 8)}…).`);
  }

  /** Looks after what has to be so at every moment. */
  look(): void {
    if (this.#around === null) return;
    for (const host of this.#world.hosts.values()) {
      this.#lookAtMark(host, this.#around);
      this.#lookAtClaim(host, this.#around);
    }
    for (const server of this.#world.servers.values()) {
      const locked = this.#locked.get(server.id);
      this.#once(`lock of ${server.id}`, locked !== undefined && locked !== server.locked, () =>
        this.record('I6', server.host ?? '', server.id, `the lock of ${server.name} was changed.`),
      );
    }
  }

  /** I4: as long as a reported host is off, its mark is pending, or nobody is left there who could be elsewhere. */
  #lookAtMark(host: Host, around: Surroundings): void {
    if (host.powered) this.#fenced.delete(host.name);
    if (!this.#fenced.has(host.name)) return;
    const { transient, permanent } = around.mark(host.name);
    const pending = isPending(transient, permanent);
    const left = pending ? [] : this.#mustLeave(host.name, around);
    const gone = !pending && transient === '' && permanent === '';
    this.#once(`mark of ${host.name}`, gone || left.length > 0, () =>
      this.record(
        'I4',
        host.name,
        null,
        `${host.name} is off and its marks read "${transient}" and "${permanent}"; there are ${names(left)}.`,
      ),
    );
  }

  #mustLeave(host: string, around: Surroundings): Server[] {
    return [...this.#world.servers.values()].filter(
      (server) => server.host === host && whyLeft(server, around) === null,
    );
  }

  /** I5: a claim that is not refreshed is taken over. */
  #lookAtClaim(host: Host, around: Surroundings): void {
    const claim = claimOf(around.mark(host.name).transient);
    const healthy = around.healthySince();
    const since = Math.max((claim?.at ?? 0) * 1000, healthy ?? 0);
    const age = this.#world.clock.now() - since;
    const late = claim !== null && healthy !== null && age > claimDeadMs + passIntervalMs + claimingMs;
    this.#once(`claim of ${host.name}`, late, () =>
      this.record(
        'I5',
        host.name,
        null,
        `${claim?.who} has claimed ${host.name} ${Math.round(age / 1000)} s ago, and nobody has taken over.`,
      ),
    );
  }

  /** Somebody of the same project, and of an earlier group, who is still where their dead host is. */
  #earlierInGroup(server: Server, around: Surroundings): Server | undefined {
    const group = around.groupOf(server);
    if (group === null) return undefined;
    return [...this.#world.servers.values()].find((other) => {
      const before = around.groupOf(other);
      const fencedAt = this.#fenced.get(other.host ?? '') ?? Number.POSITIVE_INFINITY;
      if (before === null || before >= group || other.projectId !== server.projectId) return false;
      // One that has failed is waited for until it is given up.
      if (other.vmState === 'error' || whyLeft(other, around) !== null) return false;
      // Those of a host that waits for something else are not waited for.
      if (other.host !== server.host && !this.#begun.has(other.host ?? '')) return false;
      const { transient, permanent } = around.mark(other.host ?? '');
      return fencedAt < Number.POSITIVE_INFINITY && isPending(transient, permanent);
    });
  }

  #once(what: string, is: boolean, say: () => void): void {
    if (!is) this.#known.delete(what);
    else if (!this.#known.has(what)) {
      this.#known.add(what);
      say();
    }
  }

  /**
   * What is wrong at the end, once nothing is left to be done: every instance runs (or is off, if it was) in one place,
   * or stays where its dead host is, or has failed, and then somebody was told. `told`: everything that operators see.
   */
  end(told: readonly string[], offBefore: ReadonlySet<string>): void {
    const around = this.#around;
    if (around === null) return;
    for (const server of this.#world.servers.values()) {
      const host = this.#world.hosts.get(server.host ?? '');
      const say = (what: string) =>
        this.record('I6', server.host ?? '', server.id, `${server.name} ${what}.`);
      if (host === undefined) continue;
      if (host.powered && host.alive && !host.forcedDown) this.#endAlive(server, host, told, offBefore, say);
      else this.#endDead(server, told, around, say);
    }
  }

  #endAlive(
    server: Server,
    host: Host,
    told: readonly string[],
    offBefore: ReadonlySet<string>,
    say: (what: string) => void,
  ): void {
    if (server.taskState !== null) say(`is still ${server.taskState} on ${host.name}`);
    const runsOn = [...this.#world.hosts.values()]
      .filter((each) => each.powered && each.domains.get(server.id) === true)
      .map(({ name }) => name);
    const should = server.vmState === 'stopped' ? '' : host.name;
    // What was started in vain is named once, for somebody to look at.
    const isNamed =
      runsOn.length === 0 && told.some((line) => line.includes(server.id) && /does not run/.test(line));
    if (runsOn.join(' and ') !== should && ['active', 'stopped'].includes(server.vmState) && !isNamed) {
      say(`is ${server.vmState} on ${host.name} and runs on ${runsOn.join(' and ') || 'none'}`);
    }
    const wished = offBefore.has(server.id) ? 'stopped' : 'active';
    if (['active', 'stopped'].includes(server.vmState) && server.vmState !== wished) {
      say(`ended ${server.vmState} on ${host.name}, not ${wished}`);
    }
  }

  #endDead(server: Server, told: readonly string[], around: Surroundings, say: (what: string) => void): void {
    const about = told.filter((line) => line.includes(server.id) || line.includes(server.name));
    if (whyLeft(server, around) !== null) {
      if (!about.some((line) => /left|stay|leaving/i.test(line)))
        say(`stays on ${server.host}, and nobody was told`);
      return;
    }
    const fault = server.fault?.message ?? 'failed';
    if (!about.some((line) => line.includes(fault) || /no valid host|no compute host|no room/i.test(line))) {
      say(`is left on ${server.host} (${server.vmState}, ${fault}), and nobody was told`);
    }
  }
}

function whyLeft(server: Server, around: Surroundings): string | null {
  return around.staysBecause(server) ?? around.cannotLeaveBecause(server);
}

function names(servers: readonly Server[]): string {
  return servers.length === 0 ? 'none' : servers.map(({ name }) => name).join(', ');
}

/** The transient copy goes first where there is one. */
function isPending(transient: string, permanent: string): boolean {
  const value = transient === '' ? permanent : transient;
  return value === 'yes' || claimOf(value) !== null;
}

function claimOf(value: string): { readonly who: string; readonly at: number } | null {
  const [, who, at] = /^([^@\s]+)@(\d+)$/.exec(value) ?? [];
  return who === undefined || at === undefined ? null : { who, at: Number(at) };
}
