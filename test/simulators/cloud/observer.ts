import type { Clock } from './clock.ts';
import type { ApiRequest } from './http.ts';
import { type Host, hasLocalDisk, type Migration, type Server } from './model.ts';
import { countMarginMs, untrue } from './sentences.ts';

/** The invariants of the design, and what follows from them for the operator's own rules. */
export type Rule =
  /** An evacuation was requested for a host that Nova does not hold down, or that bears no mark. */
  | 'I1'
  /** An evacuation was requested for an instance that has one in flight, or that has left the failed host already. */
  | 'I2'
  /**
   * nova-compute was started, or forced_down cleared, with an evacuation away from the host in flight; or forced_down was
   * cleared, where Nova does not refuse it, before the host had cleaned up what had left it.
   */
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
  /** A sentence, a number or a name that operators see is not true, or nothing is said of what waits. */
  | 'I11'
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
  readonly migrations: readonly Migration[];
  readonly conductor: {
    isLive(serverId: string): boolean;
    isPosted(serverId: string): boolean;
    inFlightFrom(host: string): Server[];
  };
  isUp(host: Host): boolean;
}

/** A mark, in both of its copies. */
export interface SeenMark {
  readonly transient: string;
  readonly permanent: string;
  /** Which failure it is of, where that is told. */
  readonly incident?: string;
}

/** What the observer has to be shown of the cluster around the cloud, and told of what its operators want. */
export interface Surroundings {
  /** The time, whatever any clock shows. */
  now(): number;
  /** What a host's mark reads in both of its copies; '' where there is none. */
  mark(host: string): SeenMark;
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
  /** Since when a host's mark is taken back by an operator; null: it is not. */
  takenBackSince(host: string): number | null;
  /** Nova's host of a node; a host's own name is itself. */
  hostOf(name: string): string;
  /** What operators are shown of a host at this moment: exit reasons, and attributes that `crm_mon -A` shows. */
  shown(host: string): readonly string[];
  /** Whether the numbers of instances in sentences are judged. */
  readonly judgesCounts: boolean;
  /** Nobody helps what waits unless they are told the command. */
  readonly wantsCommands: boolean;
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
/** What was asked for so recently others cannot have seen. */
const unknownYetMs = 500;
/** An operator's word is read with each pass, and by a long one in between. */
const pauseHeededMs = 15_000;
const wordHeededMs = 15_000;
const overdueMs = 600_000;
/** Whoever says one to attrd alone looks at it after this long. */
const wordLookedAtMs = 2_500;
/** What is said of a word is as old as the last look at it. */
const wordSaidMs = 15_000;
/** What waits this long has a reason that is shown, and after so much longer a command that ends it. */
const reasonShownMs = 180_000;
const commandShownMs = 1_800_000;
const reasonEveryMs = 5_000;
const command = /\b(openstack|nova|pcs|stonith_admin|attrd_updater|crm_attribute|crm|systemctl) -*\w/;
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
  /** The same, on Nova's clock, whether or not they have power by now. */
  readonly #fencedOnNova = new Map<string, number>();
  /** The same, on no clock that anybody sets. */
  readonly #fencedAt = new Map<string, number>();
  /** When a host last came to bear a mark that is pending, on Nova's clock. */
  readonly #markedOnNova = new Map<string, number>();
  /** Of which failure it is, and since when, on Nova's clock: whoever fences has it written long before they are through. */
  readonly #incidents = new Map<string, string>();
  readonly #renewedOnNova = new Map<string, number>();
  /** Hosts that bear one. */
  readonly #marked = new Set<string>();
  readonly #markedAt = new Map<string, number>();
  /** Evacuations that have ended well, by record, and when that was seen. */
  readonly #arrivals = new Map<
    string,
    { readonly serverId: string; readonly from: string; readonly to: string | null; readonly at: number }
  >();
  /** When the evacuation of a host was last seen to be paused. */
  readonly #pausedLast = new Map<string, number>();
  /** Since when a host has instances that have to leave it, and nothing stands in the way of that. */
  readonly #waiting = new Map<string, number>();
  /** When that was looked at last. */
  #reasonsAt = 0;
  /** What was last read in a host's mark, and since when. */
  readonly #claims = new Map<string, { readonly value: string; readonly at: number }>();
  /** What was recorded and is still so: once is enough. */
  readonly #known = new Set<string>();

  constructor(world: ObservedWorld) {
    this.#world = world;
  }

  record(rule: Rule, host: string, server: string | null, sentence: string): void {
    this.violations.push({ at: this.#now(), rule, host, server, sentence });
  }

  /** The clock of the cloud may be wrong. */
  #now(): number {
    return this.#around?.now() ?? this.#world.clock.now();
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
    const takenBack = around.takenBackSince(host);
    const isNews = takenBack !== null && this.#now() - takenBack < wordHeededMs;
    if (!isPending(transient, permanent) && !isNews) {
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
    const earlier = this.#earlierInGroup(server, around, sender);
    if (earlier !== undefined) say('order', `before ${earlier.name} of an earlier group`);
    const paused = around.pausedSince(host);
    if (paused !== null && this.#now() - paused > pauseHeededMs) say('limit', 'while that was paused');
    this.#heedLimits(host, around, say);
    this.#begun.add(host);
  }

  /** A host that was begun is never stopped in the middle; and what failed first goes first. */
  #heedLimits(host: string, around: Surroundings, say: (rule: Rule, what: string) => void): void {
    const fencedAt = this.#fenced.get(host);
    if (this.#begun.has(host) || fencedAt === undefined) return;
    const { hosts, conductor } = this.#world;
    const limit = around.hostsAtOnce();
    // One that an operator holds back gives its turn up, and what Nova has accepted for it is followed to its end.
    const isHeldBack = (name: string) =>
      around.pausedSince(name) !== null || around.takenBackSince(name) !== null;
    const busy = [...hosts.keys()].filter(
      (name) =>
        name !== host &&
        !isHeldBack(name) &&
        conductor
          .inFlightFrom(name)
          .some((server) => !this.#isOverdue(server) && !this.#liesWithTheDead(server)),
    );
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

  /** An administrator takes the task of a server away. What lies in the queue of a dead nova-compute is no work in flight. */
  resetting(server: Server): void {
    const { conductor } = this.#world;
    if (this.#around === null || !conductor.isLive(server.id) || conductor.isPosted(server.id)) return;
    this.record('I2', server.host ?? '', server.id, `${server.name} was reset while it was being evacuated.`);
  }

  /** A hard reboot is asked for, which starts what does not run, and cuts off what does. */
  rebooting(server: Server): void {
    if (this.#around === null) return;
    const host = server.host ?? '';
    const last = server.actions.at(-1);
    if (this.#world.hosts.get(host)?.domains.get(server.id) === true) {
      this.record('I6', host, server.id, `${server.name} ran and was cut off by a hard reboot.`);
    } else if (
      server.taskState !== null &&
      last !== undefined &&
      this.#world.clock.now() - last.startedAt > unknownYetMs
    ) {
      // Two that ask at nearly the same time cannot know of each other.
      this.record('I6', host, server.id, `${server.name} was being started and was rebooted again.`);
    }
  }

  /** A rebuild has found no disk: it goes on with an empty one. */
  rebuiltEmpty(server: Server): void {
    if (this.#around === null || this.#around.givesUpDisks || !hasLocalDisk(server)) return;
    this.record('I6', server.host ?? '', server.id, `${server.name} was rebuilt with an empty disk.`);
  }

  /** `fence_compute off` has reported success. */
  fenced(host: string): void {
    if (this.#world.hosts.get(host)?.powered !== false) return;
    this.#fenced.set(host, this.#now());
    this.#fencedOnNova.set(host, this.#world.clock.now());
    this.#fencedAt.set(host, this.#now());
    this.#begun.delete(host);
  }

  /** Something others can read: a line of a log, an argument list, an attribute, a file. */
  heard(where: string, text: string): void {
    const secret = token.exec(text)?.[0] ?? this.#around?.secrets.find((each) => text.includes(each));
    if (secret !== undefined)
      this.record('I8', '', null, `${where} shows a secret (${secret.slice(0, 8)}…).`);
  }

  /** A sentence that operators see. */
  said(sentence: string): void {
    this.heard('a log', sentence);
    if (this.#around === null) return;
    for (const what of untrue(sentence, this.#truth(this.#around))) {
      this.record('I11', '', null, `it was said "${sentence}", but ${what}.`);
    }
  }

  #truth(around: Surroundings) {
    const { hosts, servers, migrations } = this.#world;
    return {
      hosts,
      servers,
      migrations,
      mustLeave: (host: string) => this.#mustLeave(host, around),
      fencedAt: (host: string) => this.#fencedOnNova.get(host) ?? null,
      markedSince: (host: string) => this.#markedOnNova.get(host) ?? null,
      renewedAt: (host: string) => this.#renewedOnNova.get(host) ?? 0,
      arrivedFrom: (host: string) => this.#arrivedFrom(host),
      hasArrived: (id: string, from: string, to: string) =>
        [...this.#arrivals.values()].some((one) => one.serverId === id && one.from === from && one.to === to),
      isPaused: (host: string) =>
        around.pausedSince(host) !== null || this.#now() - (this.#pausedLast.get(host) ?? 0) < wordSaidMs,
      hostOf: (name: string) => around.hostOf(name),
      judgesCounts: around.judgesCounts,
    };
  }

  /** Called as well before records are taken away. */
  noteArrivals(): void {
    for (const { id, serverId, sourceHost, destHost, type, status } of this.#world.migrations) {
      if (type !== 'evacuation' || status !== 'done' || this.#arrivals.has(id)) continue;
      this.#arrivals.set(id, { serverId, from: sourceHost, to: destHost, at: this.#now() });
    }
  }

  #arrivedFrom(host: string): number {
    this.noteArrivals();
    const fencedAt = this.#fencedAt.get(host) ?? 0;
    const since = Math.min(fencedAt, this.#markedAt.get(host) ?? fencedAt) - countMarginMs;
    const arrived = [...this.#arrivals.values()].filter(({ from, at }) => from === host && at >= since);
    return new Set(arrived.map(({ serverId }) => serverId)).size;
  }

  /** Looks after what has to be so at every moment. */
  look(): void {
    if (this.#around === null) return;
    // What takes minutes need not be looked at with every request.
    const now = this.#now();
    const isTime = Math.abs(now - this.#reasonsAt) >= reasonEveryMs;
    if (isTime) this.#reasonsAt = now;
    this.noteArrivals();
    for (const host of this.#world.hosts.values()) {
      // Nothing changes it while it is looked at.
      const mark = this.#around.mark(host.name);
      this.#lookAtMark(host, this.#around, mark);
      this.#lookAtClaim(host, this.#around, mark);
      if (isTime) this.#lookAtReason(host, this.#around, mark);
      this.#noteMark(host.name, mark);
      if (this.#around.pausedSince(host.name) !== null) this.#pausedLast.set(host.name, this.#now());
    }
    for (const server of this.#world.servers.values()) {
      const locked = this.#locked.get(server.id);
      this.#once(`lock of ${server.id}`, locked !== undefined && locked !== server.locked, () =>
        this.record('I6', server.host ?? '', server.id, `the lock of ${server.name} was changed.`),
      );
    }
  }

  /** I4: as long as a reported host is off, its mark is pending, or nobody is left there who could be elsewhere. */
  #lookAtMark(host: Host, around: Surroundings, { transient, permanent }: SeenMark): void {
    if (host.powered) this.#fenced.delete(host.name);
    if (!this.#fenced.has(host.name)) return;
    if (around.takenBackSince(host.name) !== null) {
      this.#lookAtWord(host, around, { transient, permanent });
      return;
    }
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

  /**
   * I4: nobody overrules an operator who has taken a mark back, not even by refreshing a claim. attrd has no compare-and-set: a sign
   * of life that was on its way is written over what was said to it. Where it was said in the CIB as well that means nothing, and is
   * gone soon; where it was not, the operator is told to look, and says it again.
   */
  #lookAtWord(host: Host, around: Surroundings, { transient, permanent }: SeenMark): void {
    const since = around.takenBackSince(host.name) ?? this.#now();
    const meansNothing = this.#now() - since < (permanent === 'no' ? wordHeededMs : wordLookedAtMs);
    const overruled = isPending(transient, '') && !meansNothing;
    this.#once(`word on ${host.name}`, overruled, () =>
      this.record(
        'I4',
        host.name,
        null,
        `the mark of ${host.name}, which an operator took back, reads "${transient}".`,
      ),
    );
  }

  #mustLeave(host: string, around: Surroundings): Server[] {
    return [...this.#world.servers.values()].filter(
      (server) => server.host === host && whyLeft(server, around) === null,
    );
  }

  /** I5: a claim that is not refreshed is taken over. It is as old as its last change, whatever clock its time is of. */
  #lookAtClaim(host: Host, around: Surroundings, { transient }: SeenMark): void {
    const claim = claimOf(transient);
    const seen = this.#claims.get(host.name);
    if (seen?.value !== transient) this.#claims.set(host.name, { value: transient, at: this.#now() });
    const healthy = around.healthySince();
    const since = Math.max(this.#claims.get(host.name)?.at ?? 0, healthy ?? 0);
    const age = this.#now() - since;
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

  #noteMark(host: string, { transient, permanent, incident = '' }: SeenMark): void {
    if (incident !== (this.#incidents.get(host) ?? '')) {
      this.#incidents.set(host, incident);
      this.#renewedOnNova.set(host, this.#world.clock.now());
    }
    if (!isPending(transient, permanent)) this.#marked.delete(host);
    else if (!this.#marked.has(host)) {
      this.#marked.add(host);
      this.#markedOnNova.set(host, this.#world.clock.now());
      this.#markedAt.set(host, this.#now());
    }
  }

  /** I6: what waits for minutes, though nothing hinders it, has a reason that is shown. */
  #lookAtReason(host: Host, around: Surroundings, { transient, permanent }: SeenMark): void {
    const waits =
      this.#fenced.has(host.name) &&
      around.healthySince() !== null &&
      isPending(transient, permanent) &&
      this.#mustLeave(host.name, around).length > 0;
    if (!waits) {
      this.#waiting.delete(host.name);
      this.#known.delete(`reason of ${host.name}`);
      return;
    }
    if (!this.#waiting.has(host.name)) this.#waiting.set(host.name, this.#now());
    const age = this.#now() - (this.#waiting.get(host.name) ?? 0);
    if (age < reasonShownMs) return;
    const shown = around.shown(host.name);
    const left = this.#mustLeave(host.name, around);
    this.#once(`reason of ${host.name}`, shown.length === 0, () =>
      this.record(
        'I6',
        host.name,
        null,
        `${names(left)} on ${host.name} wait, and nothing that is shown says why.`,
      ),
    );
    if (!around.wantsCommands || age < commandShownMs) return;
    this.#once(`command for ${host.name}`, !shown.some((text) => command.test(text)), () =>
      this.record(
        'I6',
        host.name,
        null,
        `${names(left)} on ${host.name} wait, and no command that ends it is shown: ${shown.join(' | ')}`,
      ),
    );
  }

  /** What has been under way for so long may never end, and keeps nobody from a turn (docs/NovaEvacuate.md, Limits). */
  #isOverdue({ id }: Server): boolean {
    const record = this.#world.migrations.findLast(({ serverId }) => serverId === id);
    return record !== undefined && this.#world.clock.now() - record.createdAt >= overdueMs;
  }

  /**
   * What was sent to a host by its name, and lies in its queue since that was fenced, is no work before its nova-compute runs again:
   * it is held until an operator, or the host's return, decides.
   */
  #liesWithTheDead({ id }: Server): boolean {
    if (!this.#world.conductor.isPosted(id)) return false;
    const record = this.#world.migrations.findLast(({ serverId }) => serverId === id);
    const host = this.#world.hosts.get(record?.destHost ?? '');
    return host !== undefined && this.#fencedAt.has(host.name) && !host.alive;
  }

  /** Somebody of the same project, and of an earlier group, who is still where their dead host is. */
  #earlierInGroup(server: Server, around: Surroundings, sender: string | undefined): Server | undefined {
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
      // Two evacuators, each at work on hosts of its own, do not know of each other's instances.
      const claim = claimOf(transient);
      if (sender !== undefined && claim !== null && claim.who !== around.nodeOf(sender)) return false;
      return fencedAt < Number.POSITIVE_INFINITY && isPending(transient, permanent);
    });
  }

  #once(what: string, is: boolean, say: () => void): void {
    // Almost always: nothing is wrong, and nothing was.
    if (!is && this.#known.size === 0) return;
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
    const reason = whyLeft(server, around);
    if (reason !== null) {
      if (!about.some((line) => /left|stay|leaving/i.test(line) || line.includes(reason)))
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
  if (!value.includes('@')) return null;
  const [, who, at] = /^([^@\s]+)@(\d+)$/.exec(value) ?? [];
  return who === undefined || at === undefined ? null : { who, at: Number(at) };
}
