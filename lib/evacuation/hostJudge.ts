import type { Migration, Server } from '@openstack-ts/nova-client';
import { demandOf } from './capacity.ts';
import { classify, type InstanceClass, isOrphan } from './classify.ts';
import { diskOf, localDisks } from './diskGuard.ts';
import { isNoHostFound } from './failureKind.ts';
import { GroupNotes } from './groupNotes.ts';
import type { HostReport } from './hostReport.ts';
import type { HostRequests } from './hostRequests.ts';
import type { HostView } from './hostView.ts';
import { pacing } from './pacing.ts';
import type { MarkedHost, PassScope } from './passScope.ts';
import { type Selected, select } from './policy.ts';
import type { PolicyFacts } from './policyFacts.ts';
import { type Rank, rank } from './rank.ts';
import { isDone, isOpen, recordsByServer } from './records.ts';

interface Decision {
  readonly selected: Selected;
  readonly rank: Rank;
}

/** Gathers what is known of a host's instances, and has the table say what each counts as. */
export class HostJudge {
  readonly #scope: PassScope;
  readonly #marked: MarkedHost;
  readonly #host: string;
  readonly #view: HostView;
  readonly #requests: HostRequests;
  readonly #report: HostReport;
  /** When the incident began, on our clock. */
  readonly #incidentAt: number;
  readonly #groupNotes: GroupNotes;
  readonly #decisions = new WeakMap<Server, Decision>();
  readonly #ranks = new Map<string, Rank>();
  /** Instances that have to keep their disks. */
  readonly #keeps = new Set<string>();

  constructor(
    scope: PassScope,
    marked: MarkedHost,
    view: HostView,
    requests: HostRequests,
    report: HostReport,
    incidentAt: number,
  ) {
    this.#incidentAt = incidentAt;
    const { cloud, nova, callOptions } = scope;
    this.#groupNotes = new GroupNotes(nova, (id) => cloud.serverGroup(id), callOptions);
    this.#scope = scope;
    this.#marked = marked;
    this.#host = marked.service.host;
    this.#view = view;
    this.#requests = requests;
    this.#report = report;
  }

  /** What every instance that was seen on the host in this pass counts as now, by id. */
  async judge(): Promise<Map<string, InstanceClass>> {
    const { cloud, clock, nova, settings, policy } = this.#scope;
    const { hints } = this.#marked;
    const servers = [...this.#view.servers.values()].flatMap(({ server }) =>
      server === null ? [] : [server],
    );
    const facts = await cloud.policyFacts(servers, (what, sentence) => {
      this.#report.say(what, 'warn', sentence);
    });
    const now = clock.now();
    const targets = cloud.targets();
    this.#noteCapacity(targets, now);
    const byServer = recordsByServer(this.#view.records);
    const judged = {
      destination: (host: string | null) => cloud.destination(host),
      destinationKnownAt: (host: string | null) => cloud.destinationKnownAt(host),
      clockOffsetMs: nova.clockOffsetMs,
    };
    const orphans = this.#noteOrphans(byServer, judged);
    const incidentAt = this.#incidentAt + nova.clockOffsetMs - pacing.clockMarginMs;
    const underWay = this.#view.records.filter((one) => isOpen(one) && one.createdAt >= incidentAt).length;
    await this.#readGroups(byServer);
    const local = this.#localDisks(byServer, targets.length, incidentAt);
    const classes = new Map<string, InstanceClass>();
    for (const [id, { server, seenAt, gone }] of this.#view.servers) {
      if (this.#requests.isUnderWay(id)) {
        classes.set(id, { kind: 'inFlight', overdue: false, sentence: 'being requested' });
        continue;
      }
      classes.set(
        id,
        classify({
          markedHost: this.#host,
          server,
          gone,
          seenAt,
          records: byServer.get(id) ?? [],
          incidentAt,
          underWay,
          ...judged,
          destinationsAt: cloud.destinationsAt,
          orphans,
          asked: this.#requests.asked.get(id) ?? null,
          refusal: this.#requests.refusal(id),
          quietUntil: Math.max(hints.quietUntil, hints.doubts[id] ?? 0),
          canLand: targets.length > 0,
          capacityAt: Math.max(hints.capacityAt, hints.roomAt[id] ?? 0),
          selected: server === null ? { kind: 'yes' } : this.#decide(server, facts).selected,
          recovers: policy.otherStates === 'recover',
          groupNote: this.#groupNotes.note(id),
          diskIsLocal: settings.onSharedStorage && local.has(id),
          now,
        }),
      );
      if (server === null) continue;
      const { rank: own } = this.#decide(server, facts);
      this.#ranks.set(id, own);
      if (own.note !== undefined) {
        this.#report.say(`rank of ${id}`, 'warn', `${this.#view.title(id)}: ${own.note}.`);
      }
    }
    await this.#defer(classes, byServer, targets, now);
    return classes;
  }

  /** What the policy says of a server as it was read; the facts of the policy are the same for the whole pass. */
  #decide(server: Server, facts: PolicyFacts): Decision {
    let decision = this.#decisions.get(server);
    if (decision === undefined) {
      const { policy } = this.#scope;
      decision = { selected: select(server, facts, policy), rank: rank(server, facts, policy) };
      this.#decisions.set(server, decision);
    }
    return decision;
  }

  /** In what order the instance is asked for. */
  rankOf(id: string): Rank {
    return this.#ranks.get(id) ?? { priority: 0, group: this.#marked.hints.open[id]?.group ?? null };
  }

  /** Whether a host is known to find this host's disks. */
  isSharedWith(host: string): boolean {
    return this.#marked.hints.sharedWith.includes(host);
  }

  /** A destination that died and is back looks like any other, so what it has lost is remembered. */
  #noteOrphans(
    byServer: ReadonlyMap<string, readonly Migration[]>,
    judged: Parameters<typeof isOrphan>[0],
  ): ReadonlySet<string> {
    const { hints } = this.#marked;
    const latest = [...byServer.values()].flatMap((records) => records.slice(-1));
    const found = latest.filter((record) => isOpen(record) && isOrphan(judged, record)).map(({ id }) => id);
    const orphans = new Set([...hints.orphans, ...found]);
    hints.orphans = [...orphans];
    return orphans;
  }

  /** Which groups the instances are in for which no host was found. */
  async #readGroups(byServer: ReadonlyMap<string, readonly Migration[]>): Promise<void> {
    const homeless = [...this.#view.servers].filter(([id, { server }]) => {
      const latest = byServer.get(id)?.at(-1);
      return server !== null && latest !== undefined && isNoHostFound(server, latest);
    });
    await this.#groupNotes.read(homeless.map(([id]) => id));
  }

  /** A host that could not take instances before and now can is a reason to try failed ones again at once. */
  #noteCapacity(targets: readonly string[], now: number): void {
    const { hints } = this.#marked;
    const { targets: before } = hints;
    if (before !== null && targets.some((host) => !before.includes(host))) hints.capacityAt = now;
    hints.targets = targets;
  }

  /** Which instances have their disk on the dead host; and, from what arrived, which hosts find its disks. */
  #localDisks(
    byServer: ReadonlyMap<string, readonly Migration[]>,
    targets: number,
    incidentAt: number,
  ): ReadonlySet<string> {
    const { onSharedStorage } = this.#scope.settings;
    const { hints } = this.#marked;
    const here: { readonly server: Server; readonly records: readonly Migration[] }[] = [];
    for (const id of this.#requests.asked.keys()) {
      const latest = byServer.get(id)?.at(-1);
      if (latest !== undefined && isDone(latest) && latest.destHost !== null && this.#keeps.has(id)) {
        hints.sharedWith = [...new Set([...hints.sharedWith, latest.destHost])];
      }
    }
    for (const [id, { server }] of this.#view.servers) {
      if (server === null || server.host !== this.#host) continue;
      if (diskOf(server, onSharedStorage) !== 'keep') continue;
      this.#keeps.add(id);
      const records = (byServer.get(id) ?? []).filter(({ createdAt }) => createdAt >= incidentAt);
      here.push({ server, records });
    }
    return localDisks(here, hints.sharedWith.length, targets);
  }

  /** What no host has room for now waits for it, and what failed for want of room is tried again once there is some. */
  async #defer(
    classes: Map<string, InstanceClass>,
    byServer: ReadonlyMap<string, readonly Migration[]>,
    targets: readonly string[],
    now: number,
  ): Promise<void> {
    const { room } = this.#scope;
    const { hints } = this.#marked;
    const wanted: { id: string; priority: number; demand: NonNullable<ReturnType<typeof demandOf>> }[] = [];
    for (const [id, one] of classes) {
      const latest = byServer.get(id)?.at(-1);
      const server = this.#view.servers.get(id)?.server ?? null;
      const isHomeless = server !== null && latest !== undefined && isNoHostFound(server, latest);
      const wantsRoom = one.kind === 'due' || (one.kind === 'failed' && isHomeless);
      const demand = wantsRoom && server !== null ? demandOf(server) : null;
      if (demand !== null) wanted.push({ id, priority: this.rankOf(id).priority, demand });
    }
    const unfit = await room.plan(this.#host, wanted, targets);
    const trouble = this.#scope.cloud.capacityTrouble;
    if (trouble !== null) {
      const sentence = `Placement does not tell what hosts have room for, so instances of ${this.#host} are asked for whether there is room or not: ${trouble}.`;
      this.#report.say('placement', 'warn', sentence, 'placement');
    }
    const before = hints.unfit;
    for (const id of Object.keys(before)) if (!unfit.has(id)) hints.roomAt[id] = now;
    hints.unfit = {};
    for (const [id, sentence] of unfit) {
      const since = before[id] ?? now;
      // Sums that mislead must not hold an instance for ever: once in a long while Nova is asked all the same.
      const isTried = now - since > pacing.retrySlowMs;
      hints.unfit[id] = since;
      if (classes.get(id)?.kind === 'due' && !isTried) classes.set(id, { kind: 'deferred', sentence });
    }
  }
}
