import type { Migration, NovaHost, Server, ServerId } from '@openstack-ts/nova-client';
import type { Requests } from '../act/requests.ts';
import { demandOf, traitsOf } from '../decide/capacity.ts';
import { allowedHosts } from '../decide/destination.ts';
import { groupKey } from '../decide/groupKey.ts';
import { type Rank, rank } from '../decide/rank.ts';
import { pacing } from '../incident/pacing.ts';
import { isHeldDown, lastTouched } from '../judge/evidence.ts';
import { isNoHostFound } from '../judge/failureKind.ts';
import type { HostFacts } from '../judge/judgeHost.ts';
import { isMoving } from '../judge/moving.ts';
import { isStateLost, type Selected, select } from '../judge/policy.ts';
import { needsTrail } from '../judge/standing.ts';
import { GroupNotes } from '../look/groupNotes.ts';
import type { HostView } from '../look/hostView.ts';
import { hasLived, livesOn } from '../look/lived.ts';
import type { PolicyFacts } from '../look/policyFacts.ts';
import { isOpen, recordsByServer } from '../look/records.ts';
import { setBackBy } from '../look/setBack.ts';
import { type Surroundings, surroundingsOf, withFates } from '../look/surroundings.ts';
import { Traces, type TraceWish } from '../look/traces.ts';
import { isRebuilding } from '../look/trail.ts';
import { type DiskLook, HostDisks } from './hostDisks.ts';
import type { MarkedHost, PassScope } from './passScope.ts';

type ByServer = ReadonlyMap<ServerId, readonly Migration[]>;

interface Decision {
  readonly selected: Selected;
  readonly rank: Rank;
}

/** When the incident began. */
export interface IncidentTimes {
  /** On our clock. */
  readonly fencedAt: number;
  /** From when on Nova's records belong to it, on Nova's clock. */
  readonly since: () => number;
}

/** What is known of a host's instances: gathered anew at each look, with what earlier looks have shown. */
export class HostKnowledge {
  readonly #scope: PassScope;
  readonly #marked: MarkedHost;
  readonly #host: NovaHost;
  readonly #view: HostView;
  readonly #requests: Requests;
  readonly #incident: IncidentTimes;
  readonly #groupNotes: GroupNotes;
  readonly #traces: Traces;
  readonly #decisions = new WeakMap<Server, Decision>();
  readonly #ranks = new Map<ServerId, Rank>();
  readonly #disks: HostDisks;

  constructor(
    scope: PassScope,
    marked: MarkedHost,
    view: HostView,
    requests: Requests,
    incident: IncidentTimes,
  ) {
    const { cloud, nova, callOptions, clock } = scope;
    this.#scope = scope;
    this.#marked = marked;
    this.#host = marked.service.host;
    this.#view = view;
    this.#requests = requests;
    this.#incident = incident;
    this.#groupNotes = new GroupNotes(nova, (id) => cloud.serverGroup(id), callOptions);
    this.#traces = new Traces(nova, () => clock.now(), callOptions);
    this.#disks = new HostDisks(scope, marked, requests);
  }

  /** @param warn takes a sentence about what could not be read, or was ignored, and what it is about */
  async gather(warn: (subject: string, sentence: string) => void): Promise<HostFacts> {
    const { cloud, clock, nova, policy, fencings } = this.#scope;
    const servers = [...this.#view.servers.values()].flatMap(({ server }) =>
      server === null ? [] : [server],
    );
    const policyFacts = await cloud.policyFacts(servers, warn);
    const now = clock.now();
    const targets = cloud.targets().map(({ host }) => host);
    this.#noteTargets(targets, now);
    const records = recordsByServer(this.#view.records);
    const { clockOffsetMs } = nova;
    this.#watchDestinations(servers, records);
    const times = { now, clockOffsetMs };
    const { hints } = this.#marked;
    hints.setBack = setBackBy(hints.setBack, this.#view.records, servers, times);
    const around = surroundingsOf({
      markedHost: this.#host,
      fencedAt: this.#incident.fencedAt,
      destinations: cloud.destinations,
      hasLived: (host, since) => hasLived(hints.lived[host], since),
      setBack: hints.setBack,
      ...times,
    });
    await this.#traces.lookUp(this.#wishes(records, around));
    const heldDown = (host: NovaHost, since: number) => isHeldDown(around, host, since);
    const trailOf = (record: Migration) => this.#traces.trail(record);
    const known = await withFates(around, records, trailOf, fencings, heldDown);
    const diedMoves = await this.#diedMoves();
    const incidentAt = this.#incident.since();
    await this.#groupNotes.read(this.#homeless(records));
    const disks = this.#disks.look(this.#view, records, incidentAt, warn);
    this.#noteRanks(servers, policyFacts, records, warn);
    return {
      ...known,
      servers: this.#view.servers,
      records,
      incidentAt,
      canLand: targets.length > 0,
      recovers: policy.otherStates === 'recover',
      isBeingRequested: (id) => this.#requests.isUnderWay(id),
      ofInstance: (id, server) => ({
        ...this.#ofInstance(id, server, policyFacts, disks, records),
        moveDied: diedMoves.has(id),
      }),
    };
  }

  /** In what order the instance is asked for. */
  rankOf(id: ServerId): Rank {
    return this.#ranks.get(id) ?? { priority: 0, group: this.#marked.hints.open[id]?.group ?? null };
  }

  /**
   * The highest priorities of groups that may lose it on the way: whoever has it is asked for first, and what is left of its group
   * must not fall behind the groups that wait for it.
   */
  ranksToKeep(): ReadonlyMap<string, number> {
    const { queue } = this.#scope;
    const kept = new Map<string, number>();
    for (const { group, priority } of this.#ranks.values()) {
      const highest = group === null ? null : queue.rankOf(group);
      if (group !== null && highest !== null && priority < highest) kept.set(groupKey(group), highest);
    }
    return kept;
  }

  /** Whether a host is known to find this host's disks, or not to find them. */
  isSharedWith(host: NovaHost): boolean {
    return this.#marked.hints.sharedWith.includes(host);
  }

  isLackedBy(host: NovaHost): boolean {
    return this.#marked.hints.lackedBy.includes(host);
  }

  /** Hosts that may be named for an instance now, as far as we know. In its own zone at any rate: it may be bound to it. */
  able(server: Server): readonly NovaHost[] {
    const { cloud, room } = this.#scope;
    const wish = { demand: demandOf(server) ?? {}, traits: traitsOf(server), zone: server.availabilityZone };
    return allowedHosts(room.hostsFor(wish, cloud.nameable()), server, cloud.knownAggregates);
  }

  #ofInstance(
    id: ServerId,
    server: Server | null,
    policyFacts: PolicyFacts,
    disks: DiskLook,
    records: ByServer,
  ): Omit<ReturnType<HostFacts['ofInstance']>, 'moveDied'> {
    const { hints } = this.#marked;
    return {
      asked: this.#requests.asked.get(id) ?? null,
      refusal: this.#requests.refusal(id),
      quietUntil: Math.max(hints.quietUntil, hints.doubts[id] ?? 0),
      capacityAt: Math.max(hints.capacityAt, hints.roomAt[id] ?? 0),
      selected: server === null ? { kind: 'yes' } : this.#decide(server, policyFacts, records).selected,
      groupNote: this.#groupNotes.note(id),
      diskIsLocal: disks.isLocal(id),
      diskWaits: disks.waits(id),
      diskProbed: disks.isProbed(id),
      trail: this.#traces.trail(records.get(id)?.at(-1)),
      move: this.#traces.move(id),
    };
  }

  /** What the policy says of a server as it was read; the facts of the policy are the same for the whole pass. */
  #decide(server: Server, facts: PolicyFacts, records: ByServer): Decision {
    let decision = this.#decisions.get(server);
    if (decision === undefined) {
      const { policy } = this.#scope;
      const isLost = isStateLost(server, records.get(server.id)?.at(-1));
      decision = {
        selected: select(server, facts, policy, isLost),
        rank: rank(server, facts, policy, isLost),
      };
      this.#decisions.set(server, decision);
    }
    return decision;
  }

  /** One that is being requested keeps the rank that it was asked for with. */
  #noteRanks(
    servers: readonly Server[],
    facts: PolicyFacts,
    records: ByServer,
    warn: (subject: string, sentence: string) => void,
  ): void {
    for (const server of servers) {
      const { id } = server;
      if (this.#requests.isUnderWay(id)) continue;
      const own = this.#decide(server, facts, records).rank;
      this.#ranks.set(id, own);
      if (own.note !== undefined) warn(`rank of ${id}`, `${this.#view.title(id)}: ${own.note}.`);
    }
  }

  /**
   * One that hung at the very end goes on when it is back, and nothing in Nova tells that it hung. So whoever looks watches the
   * destinations of open records that nobody works on, and leaves in the incident for how long: passes may be short.
   */
  #watchDestinations(servers: readonly Server[], records: ByServer): void {
    const { cloud, nova, clock } = this.#scope;
    const { hints } = this.#marked;
    const { clockOffsetMs } = nova;
    if (cloud.servicesAt === 0) return;
    const before = hints.lived;
    const novaNow = clock.now() + clockOffsetMs;
    // What a list leaves out for once has not ended its watch.
    hints.lived = Object.fromEntries(
      Object.entries(before).filter(([, { until }]) => novaNow - until <= pacing.watchGapMs),
    );
    /** By destination, when the youngest of its open records was last touched. */
    const wanted = new Map<NovaHost, number>();
    for (const server of servers) {
      const latest = records.get(server.id)?.at(-1);
      if (latest === undefined || latest.destHost === null || !isOpen(latest)) continue;
      if (server.host !== this.#host || isRebuilding(server)) continue;
      const touched = lastTouched(latest, server);
      if (hints.setBack === null && novaNow - touched < pacing.idleRecordMs) continue;
      wanted.set(latest.destHost, Math.max(wanted.get(latest.destHost) ?? 0, touched));
    }
    for (const [host, touched] of wanted) {
      const at = cloud.servicesAt + clockOffsetMs;
      const lived = livesOn(before[host], cloud.service(host), at, cloud.isSlow);
      // What is proven of all of them stays so, and is written no more.
      if (lived === null) delete hints.lived[host];
      else hints.lived[host] = hasLived(before[host], touched) ? (before[host] ?? lived) : lived;
    }
  }

  /** The same of live migrations and resizes that were cut short: where their guest may have run it does not any more. */
  async #diedMoves(): Promise<ReadonlySet<string>> {
    const died = new Set<string>();
    for (const id of this.#view.servers.keys()) {
      const move = this.#traces.move(id);
      if (move === null || move.destHost === null) continue;
      if (await this.#scope.fencings.wasFencedAfter(move.destHost, move.updatedAt)) died.add(id);
    }
    return died;
  }

  /** What has to be looked up besides, before anything can be said of some instances. */
  #wishes(records: ByServer, around: Surroundings): readonly TraceWish[] {
    return [...this.#view.servers].flatMap(([id, { server, gone, seenAt }]): TraceWish[] => {
      if (server === null || server.host !== this.#host) return [];
      if (isMoving(server)) return [{ of: 'move', serverId: id }];
      const own = records.get(id) ?? [];
      const record = own.at(-1);
      const known = { ...around, server, gone, seenAt, records: own, underWay: 0 };
      return record !== undefined && needsTrail(known) ? [{ of: 'request', record }] : [];
    });
  }

  /** The instances for which no host was found. */
  #homeless(records: ByServer): readonly ServerId[] {
    return [...this.#view.servers].flatMap(([id, { server }]) => {
      const latest = records.get(id)?.at(-1);
      return server !== null && latest !== undefined && isNoHostFound(latest) ? [id] : [];
    });
  }

  /** A host that could not take instances before and now can is a reason to try failed ones again at once. */
  #noteTargets(targets: readonly NovaHost[], now: number): void {
    const { hints } = this.#marked;
    const { targets: before } = hints;
    if (before !== null && targets.some((host) => !before.includes(host))) hints.capacityAt = now;
    hints.targets = targets;
  }
}
