import type { ComputeService, NovaClient } from '@openstack-ts/nova-client';
import { NovaError } from '@openstack-ts/nova-client';
import {
  AttrdError,
  type EvacuationModes,
  type Fencing,
  isPending,
  type MarkReading,
  type MarkStore,
  type NodeState,
} from '../attrd/index.ts';
import { type AdmissionLimits, type Admissions, admit } from './admission.ts';
import { decideClaim } from './claim.ts';
import { ClaimKeeper } from './claims.ts';
import type { Clock } from './clock.ts';
import { CloudFacts } from './cloudFacts.ts';
import type { Reporter } from './events.ts';
import { type Hints, type HostHints, newHostHints } from './hints.ts';
import { fencedAt } from './hold.ts';
import { HostEvacuation } from './hostEvacuation.ts';
import { matchHost } from './names.ts';
import { passBudgetMs, passHardLimitMs, passReportMs } from './pacing.ts';
import type { PassLog } from './passLog.ts';
import type { EvacuationSettings, Gate, HostOutcome, MarkedHost, PassScope } from './passScope.ts';
import type { Policy } from './policy.ts';
import type { Progress } from './progress.ts';
import { judgeProof } from './proof.ts';
import { EvacuationQueue } from './queue.ts';
import { type ReleaseMode, releaseCandidates } from './releaseCandidates.ts';
import { walkRelease } from './releaseWalk.ts';
import { nextSigns } from './returning.ts';
import { ReturnWatch } from './returnWatch.ts';
import { RoomPlan } from './roomPlan.ts';
import { Throttle } from './throttle.ts';
import { turnstile } from './turnstile.ts';
import type { HostMatch } from './types.ts';
import { waitText } from './waitText.ts';

/** What a pass works with; everything that touches the world comes in here. */
export interface PassOptions {
  readonly marks: MarkStore;
  /** Which plug stands for which node (`pcmk_host_map` of the fence devices). */
  readonly readHostMap: () => Promise<ReadonlyMap<string, string>>;
  /** Logs in; called only when a mark is pending. */
  readonly connect: (deadline: number) => Promise<NovaClient>;
  /** This node's name as it stands in claims. */
  readonly me: string;
  /** DNS domain of the compute hosts, if the operator gave one. */
  readonly dnsDomain: string | undefined;
  readonly settings: EvacuationSettings;
  /** Which instances, and in what order. */
  readonly policy: Policy;
  readonly limits: AdmissionLimits;
  /** The operator's word, `evacuation=pause` or `go`. */
  readonly readModes: () => Promise<EvacuationModes>;
  /** What the cluster remembers of a node's fencing. */
  readonly readFencing: (node: string) => Promise<Fencing>;
  readonly report: Reporter;
  /** How many requests of this process ended in an error so far, by its code. */
  readonly apiErrors: () => Readonly<Record<string, number>>;
  readonly hints: Hints;
  /** Keeps the hints as they are now: a pass that is killed leaves no others. */
  readonly keepHints: () => void;
  readonly clock: Clock;
  readonly log: PassLog;
  readonly showProgress: (name: string, text: string) => Promise<void>;
  readonly clearProgress: (name: string) => Promise<void>;
  /** Which machines say that they are back (`returning.ts`). */
  readonly readPulses: () => Promise<ReadonlyMap<string, string>>;
  readonly release: ReleaseMode;
  /** The cluster's nodes; asked only where a mark says that a release is owed. */
  readonly readNodes: () => Promise<readonly NodeState[]>;
  /** When the monitor began, and the operation's timeout. */
  readonly startedAt: number;
  readonly timeoutMs: number;
}

export interface PassOutcome {
  /** Something failed, or could not be done, and is tried again: Pacemaker is told "degraded". */
  readonly troubled: boolean;
  /** The worst open point in one sentence; null when nothing is open. */
  readonly sentence: string | null;
}

/** How often a pass at work looks for marks that came meanwhile, in ms. */
const newMarksMs = 5_000;
/**
 * Requests to evacuate on their way at the same time. More would wait for each other in Nova's API, and their answers would
 * tell how many there are instead of how much Nova bears.
 */
const postsAtOnce = 6;

/**
 * One pass over all marks: claims those that are pending, evacuates their hosts side by side, and gives the claims
 * back; walks the release of hosts that were evacuated. Hosts that are marked, or come back, while it works are taken
 * in. The caller holds this node's lock.
 */
export async function runPass(options: PassOptions): Promise<PassOutcome> {
  return new Pass(options).run();
}

class Pass {
  readonly #options: PassOptions;
  readonly #lingerUntil: number;
  readonly #reportBy: number;
  readonly #deadline: number;
  readonly #running = new Map<string, Promise<void>>();
  /** Names this pass is through with, or at work on: each is taken up once. */
  readonly #taken = new Set<string>();
  readonly #outcomes = new Map<string, HostOutcome>();
  /** Names to be looked at again: another evacuator is at work on their hosts, or it is not certain yet that they are down. */
  readonly #deferred = new Set<string>();
  /** The names under which each host that is worked on bears its mark. */
  readonly #names = new Map<string, string[]>();
  /** When each release was last taken up, or ended, by this pass. */
  readonly #releasedAt = new Map<string, number>();
  /** Names of hosts that are certainly down. */
  readonly #proven = new Set<string>();
  /** Limits and the operator's word, as last judged. */
  #admissions: Admissions | null = null;
  #scope: PassScope | null = null;
  #hostMap: ReadonlyMap<string, string> = new Map();

  constructor(options: PassOptions) {
    this.#options = options;
    this.#lingerUntil = options.startedAt + passBudgetMs(options.timeoutMs);
    this.#reportBy = options.startedAt + passReportMs(options.timeoutMs);
    this.#deadline = options.startedAt + passHardLimitMs(options.timeoutMs);
  }

  async run(): Promise<PassOutcome> {
    const { clock, hints } = this.#options;
    // The order of groups of an incident that is over says nothing of the next.
    if (![...hints.values()].some(({ begun }) => begun)) hints.groupRanks.clear();
    try {
      for (;;) {
        const deferredUntil = await this.#takeUp();
        const now = clock.now();
        if (now >= this.#lingerUntil) break;
        if (this.#running.size > 0) {
          await Promise.race([
            clock.sleep(Math.min(newMarksMs, Math.max(0, this.#lingerUntil - now))),
            Promise.all(this.#running.values()),
          ]);
        } else if (deferredUntil !== null && deferredUntil < this.#reportBy) {
          await clock.sleep(Math.min(newMarksMs, Math.max(100, deferredUntil - now)));
        } else {
          break;
        }
      }
    } catch (error) {
      if (!(error instanceof NovaError || error instanceof AttrdError)) throw error;
      this.#note(
        '',
        'troubled',
        `evacuations are held up: ${error.message}; marks are kept and the next pass tries again.`,
      );
    } finally {
      await Promise.all(this.#running.values());
      await this.#scope?.claims.stop();
    }
    if (this.#scope !== null) {
      hints.throttle = this.#scope.throttle.state;
      this.#reportFigures(this.#scope);
    }
    return this.#outcome();
  }

  #reportFigures({ nova, throttle, report }: PassScope): void {
    const { clock, apiErrors } = this.#options;
    const outcomes = [...this.#outcomes.values()];
    const sum = (count: (progress: Progress) => number) =>
      outcomes.reduce((total, { progress }) => total + (progress === null ? 0 : count(progress)), 0);
    report.figures({
      at: clock.now(),
      inFlight: sum(({ inFlight }) => inFlight),
      queued: sum(({ waiting }) => waiting),
      deferred: sum(({ deferred }) => deferred),
      deferredHosts: outcomes.filter(({ kind }) => kind === 'deferred').length,
      failed: sum(({ failed }) => failed),
      concurrency: throttle.limit,
      requests: nova.requestCount,
      apiErrors: apiErrors(),
    });
  }

  /** Starts on every pending mark that is ours to take; returns when the first deferred one may be, else null. */
  async #takeUp(): Promise<number | null> {
    const { marks, me, hints, clock, log } = this.#options;
    const readAt = clock.now();
    const reading = await marks.readAll();
    if (this.#scope !== null) {
      await this.#refresh(this.#scope, reading.marks, readAt).catch((error: unknown) => {
        // What is at work goes on with what it knew, and its age.
        if (!(error instanceof NovaError)) throw error;
      });
    }
    const mine: { readonly reading: MarkReading; readonly quietUntil: number }[] = [];
    let deferredUntil: number | null = null;
    for (const name of this.#deferred) this.#outcomes.delete(name);
    this.#deferred.clear();
    for (const one of reading.marks) {
      if (this.#taken.has(one.name) || !isPending(one.mark) || !(await this.#repaired(one))) continue;
      const decision = decideClaim(one.name, one.mark, me, hints.get(one.name), clock.now());
      if (decision.kind === 'defer') {
        deferredUntil = Math.min(deferredUntil ?? decision.until, decision.until);
        this.#deferred.add(one.name);
        this.#proven.add(one.name);
        this.#note(one.name, 'working', decision.sentence);
        // The time in it changes with each sign of life.
        this.#once(one.name, 'claim', decision.sentence, one.mark.kind === 'claimed' ? one.mark.who : '');
      } else if (decision.kind === 'take') {
        if (decision.sentence !== null) log.notice(decision.sentence);
        mine.push({ reading: one, quietUntil: decision.quietUntil });
      }
    }
    if (mine.length > 0) {
      const lookAt = await this.#start(mine, reading.marks, readAt);
      if (lookAt !== null) deferredUntil = Math.min(deferredUntil ?? lookAt, lookAt);
    }
    await this.#takeUpReleases(reading.marks);
    return deferredUntil;
  }

  /** Starts on every release that is ours to walk and was not walked a moment ago. */
  async #takeUpReleases(marks: readonly MarkReading[]): Promise<void> {
    const { release, readNodes, clock } = this.#options;
    if (release === 'off' || !marks.some(({ mark }) => mark.kind === 'no')) return;
    for (const { name } of releaseCandidates(marks, await readNodes(), release)) {
      const scope = await this.#connected();
      // A host that bears a mark under two names is released once, with both.
      const host = await this.#hostOf(scope, name);
      const key = `release of ${host}`;
      const lastAt = this.#releasedAt.get(host) ?? Number.NEGATIVE_INFINITY;
      if (this.#running.has(key) || clock.now() - lastAt < newMarksMs) continue;
      this.#releasedAt.set(host, clock.now());
      const running = this.#walkRelease(scope, name, marks)
        .catch((error: unknown) => {
          if (!(error instanceof AttrdError || error instanceof NovaError)) throw error;
          this.#note(
            name,
            'troubled',
            `${name} waits for its release: ${error.message}; the next pass goes on.`,
          );
        })
        .finally(() => {
          this.#running.delete(key);
          this.#releasedAt.set(host, clock.now());
        });
      this.#running.set(key, running);
    }
  }

  /** Which of Nova's hosts a mark's or a node's name means. */
  #match(services: readonly ComputeService[], name: string): HostMatch {
    return matchHost(services, this.#hostMap.get(name) ?? name, this.#options.dnsDomain);
  }

  /** Nova's name of the host that a mark means; the mark's own where Nova knows none, or does not answer. */
  async #hostOf(scope: PassScope, name: string): Promise<string> {
    try {
      const match = this.#match(await scope.cloud.services(), name);
      return match.kind === 'host' ? match.service.host : name;
    } catch (error) {
      if (!(error instanceof NovaError)) throw error;
      return name;
    }
  }

  async #walkRelease(scope: PassScope, name: string, all: readonly MarkReading[]): Promise<void> {
    const { log, marks, clock, hints, report, showProgress, clearProgress } = this.#options;
    // What the service's reason tells goes away with the release.
    let incidentAt: number | null = null;
    const { cloud, nova, callOptions } = scope;
    const host = await this.#hostOf(scope, name);
    // One that waits under another name of the same host counts as well.
    const hosts = await Promise.all(all.map((reading) => this.#hostOf(scope, reading.name)));
    const sameHost = all.filter((_, index) => hosts[index] === host).map((reading) => reading.name);
    const hint = this.#hints(name);
    const show = async ({ sentence }: { readonly sentence: string }) => {
      const next = waitText(sentence, hint.said['release'] ?? '', clock.now());
      if (next.isNew) log.info(`${sentence}.`);
      if (hint.said['release'] === next.text) return;
      hint.said['release'] = next.text;
      await showProgress(name, next.text);
    };
    const outcome = await walkRelease(
      { nova, marks, clock, log, callOptions, show },
      {
        host,
        names: [...new Set([name, host, ...sameHost])],
        service: async () => {
          await cloud.services(0);
          const service = cloud.service(host) ?? null;
          if (service !== null) incidentAt = fencedAt(service) ?? incidentAt;
          return service;
        },
        compute: async (service) => {
          if (service === null) return 'silent';
          hint.signs = nextSigns(hint.signs, '', service);
          // One heartbeat is enough here: nothing is started, and Nova itself says whether the host is up.
          return hint.signs.heartbeats > 0 ? 'running' : 'silent';
        },
        start: async () => false,
      },
      () => this.#reportBy,
    );
    cloud.forgetServices();
    if (outcome.kind === 'released') {
      if (outcome.sentence !== null) log.notice(outcome.sentence, { host });
      report.event({
        about: 'host',
        at: clock.now(),
        host,
        fencedAt: incidentAt ?? hint.firstSeen,
        what: 'released',
        sentence: outcome.sentence ?? `${host} is back in service`,
      });
      await clearProgress(name);
      hints.delete(name);
      if (outcome.troubled) this.#note(name, 'troubled', outcome.sentence ?? '');
      else this.#outcomes.delete(name);
      return;
    }
    const { sentence } = waitText(outcome.sentence, hint.said['release'] ?? '', clock.now());
    if (outcome.kind === 'troubled') await show(outcome);
    this.#note(name, outcome.kind === 'troubled' ? 'troubled' : 'working', `${sentence}.`);
  }

  /** Brings a mark's copies in step. One that cannot be is named and left to the next pass; it holds up no other. */
  async #repaired(reading: MarkReading): Promise<boolean> {
    const { name } = reading;
    try {
      const { permanent } = await this.#options.marks.repair(reading);
      if (!permanent) {
        this.#once(
          name,
          'node',
          `${name} is no cluster node, so its mark has no permanent copy and is lost if the cluster restarts.`,
        );
      }
      return true;
    } catch (error) {
      if (!(error instanceof AttrdError)) throw error;
      this.#note(
        name,
        'troubled',
        `evacuation of ${name} is held up: ${error.message}; the next pass tries again.`,
      );
      return false;
    }
  }

  /** What marks and limits mean for hosts, as the marks were at a time `at`. */
  async #refresh(scope: PassScope, marks: readonly MarkReading[], at: number): Promise<void> {
    const { limits, readModes } = this.#options;
    const services = await scope.cloud.services();
    const serviceOf = (name: string) => {
      const match = this.#match(services, name);
      return match.kind === 'host' ? match.service : null;
    };
    const hosts = new Map<string, ComputeService>();
    for (const { name, mark } of marks) {
      const service = isPending(mark) && this.#proven.has(name) ? serviceOf(name) : null;
      if (service !== null) hosts.set(name, service);
    }
    // Fenced, whatever Nova says of them yet. One that was released since is no longer.
    scope.cloud.setFenced(
      [...hosts.values()].map(({ host }) => host),
      at,
    );
    const [modes, aggregates] = await Promise.all([readModes(), scope.cloud.aggregates()]);
    const hostOf = (node: string) => serviceOf(node)?.host ?? null;
    const evacuated = marks.filter(({ mark }) => mark.kind === 'no').map(({ name }) => hostOf(name));
    this.#admissions = admit({
      pending: [...hosts].map(([name, service]) => {
        const hints = this.#hints(name);
        const { begun, stalled, firstSeen } = hints;
        return { name, host: service.host, fencedAt: fencedAt(service) ?? firstSeen, begun, stalled };
      }),
      evacuated: new Set(evacuated.filter((host) => host !== null)),
      services,
      aggregates,
      modes,
      hostOf,
      limits,
    });
    const [first] = hosts.keys();
    for (const remark of this.#admissions.remarks) {
      if (first !== undefined) this.#once(first, remark, `${remark}.`);
    }
  }

  /** Whether anything new may be asked for the host of a mark now. */
  #gate(name: string): Gate {
    return this.#admissions?.hosts.get(name) ?? { kind: 'go' };
  }

  /** Starts on marks that are ours to take; when one that is not certain yet has to be looked at again, else null. */
  async #start(
    mine: readonly { readonly reading: MarkReading; readonly quietUntil: number }[],
    all: readonly MarkReading[],
    readAt: number,
  ): Promise<number | null> {
    const { clock } = this.#options;
    const scope = await this.#connected();
    const services = await scope.cloud.services();
    const hosts: { names: string[]; host: string; run: (names: readonly string[]) => Promise<void> }[] = [];
    const joining: { readonly name: string; readonly host: string }[] = [];
    let lookAt: number | null = null;
    for (const { reading, quietUntil } of mine) {
      const { name } = reading;
      const match = this.#match(services, name);
      if (match.kind !== 'host') {
        this.#taken.add(name);
        const sentence = `${match.sentence} Its mark is kept; correct the name, or remove the mark with: attrd_updater -n evacuate -N ${name} -U no`;
        this.#once(name, 'match', sentence);
        this.#note(name, 'troubled', sentence);
        continue;
      }
      const { service } = match;
      if (!(await this.#isProven(scope, name, service))) {
        lookAt = clock.now() + newMarksMs;
        continue;
      }
      this.#taken.add(name);
      // The same host under two names (a mark by hand, an older cluster): one evacuation, both marks.
      const same = hosts.find((other) => other.host === service.host);
      if (same !== undefined) {
        same.names.push(name);
        continue;
      }
      if (this.#names.has(service.host)) {
        joining.push({ name, host: service.host });
        continue;
      }
      const claimForgotten = reading.transient.kind === 'none';
      const lastSign = reading.mark.kind === 'claimed' ? reading.mark.at * 1000 : null;
      hosts.push({
        names: [name],
        host: service.host,
        run: (names) => this.#evacuate(scope, name, names, { service, quietUntil, lastSign, claimForgotten }),
      });
    }
    const known = new Set([...hosts.flatMap(({ names }) => names), ...joining.map(({ name }) => name)]);
    if (known.size === 0) return lookAt;
    await this.#refresh(scope, all, readAt);
    await scope.claims.take(mine.map(({ reading }) => reading).filter(({ name }) => known.has(name)));
    for (const name of known) this.#hints(name).pass = 'open';
    this.#options.keepHints();
    for (const { name, host } of joining) await this.#join(name, host);
    for (const { host } of hosts) scope.queue.join(host);
    for (const { names, host, run } of hosts) {
      this.#names.set(host, names);
      const running = run(names)
        .catch((error: unknown) => {
          if (!(error instanceof AttrdError)) throw error;
          this.#note(
            names[0] ?? host,
            'troubled',
            `evacuation of ${host} is held up: ${error.message}; the next pass tries again.`,
          );
        })
        .finally(() => {
          this.#running.delete(host);
          this.#names.delete(host);
        });
      this.#running.set(host, running);
    }
    return lookAt;
  }

  /** Whether a mark may be acted on; what speaks against it is named. */
  async #isProven(scope: PassScope, name: string, service: ComputeService): Promise<boolean> {
    const { readNodes, readFencing, clock } = this.#options;
    const hints = this.#hints(name);
    const isUp = service.state === 'up' && !service.forcedDown;
    // The mark may be kept under Nova's name of the host; the cluster's memory goes by its node.
    const services = await scope.cloud.services();
    const isThis = (node: NodeState) => {
      const match = this.#match(services, node.name);
      return node.name === name || (match.kind === 'host' && match.service.host === service.host);
    };
    const node = isUp ? (await readNodes()).find((one) => one.joined && isThis(one)) : undefined;
    const proof = judgeProof({
      name,
      service,
      joined: node !== undefined,
      fencing:
        node === undefined
          ? { known: false, lastSuccess: null, pending: false }
          : await readFencing(node.name),
      firstSeen: hints.firstSeen,
      now: clock.now(),
      clockOffsetMs: scope.nova.clockOffsetMs,
    });
    if (proof.kind === 'ok') {
      this.#proven.add(name);
      return true;
    }
    this.#proven.delete(name);
    const kind = proof.kind === 'stale' ? 'troubled' : 'working';
    this.#once(name, 'proof', `${proof.sentence}.`);
    const shown =
      proof.kind === 'stale'
        ? 'not evacuated: it bears a mark but runs'
        : 'waiting for proof that it is down';
    if (hints.said['shown'] !== shown) await this.#options.showProgress(name, shown);
    hints.said['shown'] = shown;
    this.#note(name, kind, `${proof.sentence}.`);
    // One that is certain is judged anew by the next pass only.
    if (proof.kind === 'stale') this.#taken.add(name);
    else this.#deferred.add(name);
    return false;
  }

  async #evacuate(
    scope: PassScope,
    name: string,
    names: readonly string[],
    found: Omit<MarkedHost, 'name' | 'hints'>,
  ): Promise<void> {
    const hints = this.#hints(name);
    const lost = scope.claims.lost(name);
    if (lost !== null) {
      hints.pass = 'closed';
      scope.queue.leave(found.service.host);
      this.#note(name, 'lost', `evacuation of ${found.service.host} stopped: ${lost}.`);
      return;
    }
    hints.incident = {
      host: found.service.host,
      fencedAt: fencedAt(found.service) ?? hints.firstSeen,
    };
    const evacuation = new HostEvacuation(scope, { name, hints, ...found });
    const outcome = await evacuation.run();
    this.#outcomes.set(name, outcome);
    await this.#handBack(names, outcome, evacuation.inDoubt);
  }

  /** Another name of a host that is worked on. One that was finished this very moment is looked at anew. */
  async #join(name: string, host: string): Promise<void> {
    const names = this.#names.get(host);
    if (names !== undefined) {
      names.push(name);
      return;
    }
    this.#taken.delete(name);
    this.#hints(name).pass = 'closed';
    await this.#release(name);
  }

  /** Gives a claim back, if it is still ours. */
  async #release(name: string): Promise<void> {
    const { claims } = this.#connectedScope();
    const held = await claims.stillHeld(name);
    await claims.drop(name);
    if (held) await this.#options.marks.release(name);
  }

  /** Gives claims back, except where a successor has to know that something of ours may still be under way. */
  async #handBack(names: readonly string[], outcome: HostOutcome, inDoubt: boolean): Promise<void> {
    const { marks, hints } = this.#options;
    const { claims } = this.#connectedScope();
    for (const name of names) {
      this.#hints(name).pass = 'closed';
      if (outcome.kind === 'completed') {
        await claims.drop(name);
        if (name !== outcome.name) await marks.setNo(name);
        // A later incident of this host begins with a clean sheet; the name stays, for its progress is still shown.
        const incident = hints.get(outcome.name)?.incident ?? null;
        hints.set(name, { ...newHostHints(0), incident });
      } else if (outcome.kind === 'lost' || inDoubt) {
        await claims.drop(name);
      } else {
        await this.#release(name);
      }
    }
  }

  async #connected(): Promise<PassScope> {
    if (this.#scope !== null) return this.#scope;
    const { connect, readHostMap, marks, me, clock, log, settings, policy, report, hints } = this.#options;
    const { showProgress, readPulses, keepHints } = this.#options;
    const [nova, hostMap] = await Promise.all([connect(this.#deadline), readHostMap()]);
    this.#hostMap = hostMap;
    const now = () => clock.now();
    const callOptions = { deadline: this.#deadline };
    const cloud = new CloudFacts(nova, policy, now, callOptions, hints.silentAt);
    const throttle = new Throttle(settings.concurrency, now, hints.throttle);
    this.#scope = {
      me,
      nova,
      marks,
      cloud,
      claims: new ClaimKeeper(marks, me, clock, (error) =>
        log.warn(
          `A claim could not be refreshed: ${error instanceof Error ? error.message : String(error)}.`,
        ),
      ),
      throttle,
      inTurn: turnstile(postsAtOnce),
      backOff: hints.backOff,
      queue: new EvacuationQueue(() => throttle.limit, now, hints.groupRanks),
      room: new RoomPlan((maxAgeMs) => cloud.capacity(maxAgeMs)),
      returns: new ReturnWatch(readPulses, () => this.#joinedNodes(), clock),
      clock,
      log,
      report,
      settings,
      policy,
      lingerUntil: this.#lingerUntil,
      reportBy: this.#reportBy,
      callOptions,
      keepHints,
      showProgress,
      gate: (name) => this.#gate(name),
      othersAtWork: (name) => this.#othersAtWork(name),
    };
    return this.#scope;
  }

  async #joinedNodes(): Promise<ReadonlySet<string>> {
    const nodes = await this.#options.readNodes();
    return new Set(nodes.filter(({ joined }) => joined).map(({ name }) => name));
  }

  /** Whether another host's evacuation goes on, or a deferred one waits for it to. */
  #othersAtWork(name: string): boolean {
    return [...this.#names.values()].some(
      (names) => !names.includes(name) && names.every((other) => this.#gate(other).kind === 'go'),
    );
  }

  #connectedScope(): PassScope {
    if (this.#scope === null) throw new Error('the pass is not connected');
    return this.#scope;
  }

  #hints(name: string): HostHints {
    const { hints, clock } = this.#options;
    let entry = hints.get(name);
    if (entry === undefined || entry.firstSeen === 0) {
      entry = { ...newHostHints(clock.now()), incident: entry?.incident ?? null };
      hints.set(name, entry);
    }
    return entry;
  }

  /** Logs a sentence unless an earlier pass said the same. */
  #once(name: string, subject: string, sentence: string, sameAs = sentence): void {
    const { said } = this.#hints(name);
    if (said[subject] === sameAs) return;
    said[subject] = sameAs;
    this.#options.log.warn(sentence);
  }

  #note(name: string, kind: HostOutcome['kind'], sentence: string): void {
    this.#outcomes.set(name, { kind, name, sentence, progress: null });
  }

  #outcome(): PassOutcome {
    const outcomes = [...this.#outcomes.values()];
    const worst = (kind: HostOutcome['kind']) => outcomes.filter((outcome) => outcome.kind === kind);
    const open = [...worst('troubled'), ...worst('deferred'), ...worst('lost'), ...worst('working')];
    const [first] = open;
    const others = open.length - 1;
    return {
      troubled: worst('troubled').length + worst('deferred').length > 0,
      sentence:
        first === undefined
          ? null
          : others > 0
            ? `${first.sentence} (${others === 1 ? '1 more host is' : `${others} more hosts are`} open)`
            : first.sentence,
    };
  }
}
