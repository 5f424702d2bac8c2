import { NovaError, type Server } from '@openstack-ts/nova-client';
import type { InstanceClass } from './classify.ts';
import { loadOf, nextDestination } from './destination.ts';
import { diskOf } from './diskGuard.ts';
import { timeLeftMs } from './estimate.ts';
import { failureKind } from './failureKind.ts';
import { fencedAt, holdDown } from './hold.ts';
import { HostJudge } from './hostJudge.ts';
import { HostReport } from './hostReport.ts';
import { HostRequests } from './hostRequests.ts';
import { HostView } from './hostView.ts';
import { keepHome } from './keepHome.ts';
import { pacing } from './pacing.ts';
import type { HostOutcome, MarkedHost, PassScope } from './passScope.ts';
import { countProgress, type Progress, progressText } from './progress.ts';
import { isDone, isFailed, isOpen, recordsByServer, recordsOf } from './records.ts';
import { shortList } from './release.ts';
import { restoreAll } from './restore.ts';

type Classes = ReadonlyMap<string, InstanceClass>;

/** What stands between a host and the end of its evacuation. */
const openKinds = ['inFlight', 'look', 'due', 'waiting', 'deferred', 'failed', 'unknown'] as const;

/** While nothing is in flight, the host is looked at anew this often, in ms. */
const newLookMs = 5_000;
/** A predecessor that died leaves a few ends untold, not hundreds; each costs a request for the name. */
const mostUntold = 20;

/**
 * Evacuates one marked host as far as this pass's time allows: holds it down in Nova, looks, decides with
 * `classify`, asks, follows through Nova's own records, and sets the mark to `no` when nothing is left to do.
 * What it remembers serves this pass only; the next one looks again.
 */
export class HostEvacuation {
  readonly #scope: PassScope;
  readonly #marked: MarkedHost;
  readonly #host: string;
  /** When this incident began, on our clock, as far as anybody noted it. */
  readonly #fencedAt: number;
  readonly #view: HostView;
  readonly #report: HostReport;
  readonly #requests: HostRequests;
  readonly #judge: HostJudge;
  readonly #startedAt: number;
  /** Ends of evacuations that the throttle was told of, by record. */
  readonly #counted = new Set<string>();
  /** When it was last asked whether the machine is back. */
  #presenceAt = 0;
  /** When an evacuation last ended, one way or the other, or the pass began. */
  #movedAt: number;
  /** Why nothing is asked for now; null while it goes on. */
  #deferral: string | null = null;
  #progressNow: Progress | null = null;

  constructor(scope: PassScope, marked: MarkedHost) {
    this.#scope = scope;
    this.#marked = marked;
    this.#host = marked.service.host;
    const { nova, clock, callOptions, log, report, showProgress } = scope;
    const { name, hints } = marked;
    hints.quietUntil = marked.quietUntil;
    this.#startedAt = clock.now();
    this.#movedAt = this.#startedAt;
    this.#fencedAt = fencedAt(marked.service) ?? hints.firstSeen;
    this.#view = new HostView(nova, this.#host, this.#fencedAt - pacing.historyMs, clock, callOptions);
    this.#report = new HostReport(this.#host, this.#fencedAt, hints, {
      log,
      report,
      clock,
      showProgress: (text) => showProgress(name, text),
    });
    this.#requests = new HostRequests(scope, marked, this.#view, this.#report);
    this.#judge = new HostJudge(scope, marked, this.#view, this.#requests, this.#report, this.#fencedAt);
  }

  /** Never throws what `NovaError` stands for: trouble with Nova is an outcome. */
  async run(): Promise<HostOutcome> {
    let outcome: HostOutcome | null = null;
    try {
      outcome = await this.#evacuate();
      return outcome;
    } catch (error) {
      if (!(error instanceof NovaError)) throw error;
      return this.#troubled(
        `evacuation of ${this.#host} is held up: ${error.message}; its mark is kept and the next pass tries again.`,
      );
    } finally {
      // What is known of their end decides whether the claim is given back.
      await this.#requests.settle();
      this.#requests.leaveDoubts();
      this.#marked.hints.pass = 'closed';
      if (outcome?.kind === 'completed' || outcome?.kind === 'lost') this.#scope.queue.leave(this.#host);
      else this.#scope.queue.rest(this.#host);
      this.#scope.room.leave(this.#host);
    }
  }

  /** Whether a successor has to know of this pass: then the claim must stay. */
  get inDoubt(): boolean {
    const { hints } = this.#marked;
    return Math.max(hints.quietUntil, ...Object.values(hints.doubts)) > this.#scope.clock.now();
  }

  async #evacuate(): Promise<HostOutcome> {
    const { claims, clock } = this.#scope;
    this.#announce();
    await this.#hold();
    const delayed = this.#delayed();
    if (delayed !== null && (await this.#presence()) === 'gone') return delayed;
    await this.#view.list();
    await this.#adoptUntold();
    this.#heedForgottenClaim();
    // Two that claim at the same moment may each read their own claim back; by now the last one stands.
    if (!(await claims.stillHeld(this.#marked.name))) return this.#lost();
    let pause: number = pacing.pollMinMs;
    for (;;) {
      if (claims.lost(this.#marked.name) !== null) return this.#lost();
      const classes = await this.#observe();
      if (this.#requests.abort !== null) return this.#troubled(this.#requests.abort);
      const end = await this.#end(classes);
      if (end === 'look again') continue;
      if (end !== null) return end;
      const started = this.#start(classes);
      if (this.#requests.abort !== null) return this.#troubled(this.#requests.abort);
      const following = this.#isFollowing(classes, started);
      const wait = this.#wait(classes, following, pause);
      if (wait === null) return this.#unfinished(classes);
      const settledBefore = this.#view.settledCount;
      await clock.sleep(wait);
      if (!following || clock.now() - this.#view.listedAt > pacing.serversFreshMs) await this.#view.list();
      else await this.#view.poll();
      if (this.#view.settledCount > settledBefore) this.#movedAt = clock.now();
      pause =
        this.#view.settledCount > settledBefore
          ? pacing.pollMinMs
          : Math.min(pause * pacing.pollGrowth, pacing.pollMaxMs);
    }
  }

  /** What ended between two passes, or while a predecessor died: it is no longer listed on the host. */
  async #adoptUntold(): Promise<void> {
    const { nova, callOptions } = this.#scope;
    const { hints, lastSign } = this.#marked;
    if (lastSign !== null) {
      const since = lastSign - pacing.claimRefreshMs + nova.clockOffsetMs;
      const recent = this.#view.records.filter((record) => isDone(record) && record.updatedAt >= since);
      const untold = recent.filter(({ id, serverId }) => !hints.said[serverId]?.endsWith(id));
      for (const { serverId } of untold.slice(0, mostUntold)) {
        if (hints.open[serverId] !== undefined) continue;
        const server = await nova.getServer(serverId, callOptions).catch((error: unknown) => {
          if (!(error instanceof NovaError)) throw error;
          return null;
        });
        hints.open[serverId] = { name: server?.name ?? serverId, group: null, requestId: null };
      }
    }
    for (const [id, { name }] of Object.entries(hints.open)) this.#view.adopt(id, name);
  }

  #announce(): void {
    if (this.#report.say('marked', 'notice', `Initiating evacuation of ${this.#host} with NovaEvacuate`)) {
      this.#report.hostEvent('marked', `${this.#host} was fenced and its instances are to be evacuated`);
      // A pass that is killed must not have it told twice.
      this.#scope.keepHints();
    }
    const { me } = this.#scope;
    if (this.#marked.hints.said['claimed'] === me) return;
    this.#marked.hints.said['claimed'] = me;
    this.#report.hostEvent('claimed', `${me} evacuates ${this.#host}`);
  }

  /** Looks, decides for every instance, and shows where the host stands. */
  async #observe(): Promise<Classes> {
    await this.#scope.cloud.services();
    let classes = await this.#judge.judge();
    if (hasKind(classes, 'look')) {
      await this.#view.lookAgain([...classes].filter(([, one]) => one.kind === 'look').map(([id]) => id));
      classes = await this.#judge.judge();
    }
    const { hints } = this.#marked;
    hints.begun ||= this.#isBegun();
    hints.stalled = !hasKind(classes, 'inFlight', 'look', 'due', 'waiting');
    this.#heedGate();
    this.#countSettled(classes);
    this.#report.tell(classes, this.#view);
    const paced = this.#scope.throttle.sentence();
    if (paced !== null) this.#scope.log.notice(`${paced}.`);
    await this.#show(classes);
    return classes;
  }

  /** Limits and the operator's word, which may change at any time. */
  #heedGate(): void {
    const gate = this.#scope.gate(this.#marked.name);
    const before = this.#marked.hints.said['gate'] ?? '';
    if (gate.kind === 'defer') {
      this.#deferral = gate.sentence;
      if (this.#report.say('gate', 'warn', `Deferring the evacuation of ${this.#host}: ${gate.sentence}.`)) {
        if (before === '') this.#report.hostEvent('deferred', gate.sentence);
      }
      return;
    }
    this.#deferral = null;
    if (before === '') return;
    this.#marked.hints.said['gate'] = '';
    const sentence = `The evacuation of ${this.#host} is no longer deferred`;
    this.#scope.log.notice(`${sentence}.`, { host: this.#host });
    this.#report.hostEvent('resumed', sentence);
  }

  /** Tells the throttle how evacuations that this pass asked for have ended. */
  #countSettled(classes: Classes): void {
    const { throttle, nova } = this.#scope;
    const byServer = recordsByServer(this.#view.records);
    for (const [id, asked] of this.#requests.asked) {
      const latest = byServer.get(id)?.at(-1);
      if (latest === undefined || latest.id === asked.lastRecord || isOpen(latest)) continue;
      // Why it failed is told by the instance, which may not have been looked at since.
      const kind = classes.get(id)?.kind ?? 'look';
      if (this.#counted.has(latest.id) || kind === 'look' || kind === 'inFlight') continue;
      this.#counted.add(latest.id);
      const acceptedAt = latest.createdAt - nova.clockOffsetMs;
      if (isDone(latest)) throttle.done();
      else throttle.failed(failureKind(this.#view.servers.get(id)?.server ?? null, latest), acceptedAt);
    }
  }

  async #show(classes: Classes, atOnce = false): Promise<void> {
    const progress = this.#progress(classes);
    this.#progressNow = progress;
    await this.#report.show(progress, this.#leftMs(progress), this.#deferral ?? '', atOnce);
  }

  /** How long the rest will take, in ms; null where that cannot be told. */
  #leftMs(progress: Progress): number | null {
    const { clock, nova } = this.#scope;
    const remaining = progress.inFlight + progress.waiting;
    if (remaining === 0) return null;
    const since = this.#startedAt + nova.clockOffsetMs;
    const done = this.#view.records.filter((record) => isDone(record) && record.updatedAt >= since);
    return timeLeftMs({
      doneAt: done.map((record) => record.updatedAt - nova.clockOffsetMs),
      remaining,
      now: clock.now(),
      startedAt: this.#startedAt,
    });
  }

  /** Whether something is about to change: in Nova's records, or because it is another host's turn now. */
  #isFollowing(classes: Classes, started: number): boolean {
    if (started > 0 || this.#requests.underWay > 0 || isMoving(classes)) return true;
    const { othersAtWork } = this.#scope;
    return this.#deferral === null && hasKind(classes, 'due') && othersAtWork(this.#marked.name);
  }

  /** How long to wait before the next look, in ms; null when this pass has no time for anything more. */
  #wait(classes: Classes, following: boolean, pause: number): number | null {
    const { clock, lingerUntil, reportBy, callOptions, othersAtWork } = this.#scope;
    const now = clock.now();
    const deadline = callOptions.deadline ?? Number.POSITIVE_INFINITY;
    if (now >= deadline) return null;
    if (now >= lingerUntil && this.#requests.underWay === 0) return null;
    // Where nothing has ended for long the pass says so, and the next one goes on.
    const stands = now - this.#movedAt > pacing.standsMs && this.#requests.underWay === 0;
    if (stands && now >= reportBy) return null;
    // Requests under way at the hard limit end there, and so does the pass.
    if (following) return Math.min(pause, deadline - now);
    // What waits for a limit, an operator or for room is looked at anew by the next pass, unless this one goes on anyway.
    if (this.#deferral !== null || isStuck(classes)) {
      return othersAtWork(this.#marked.name) ? newLookMs : null;
    }
    const nextAt = this.#nextChance(classes, now);
    if (nextAt >= reportBy) return null;
    return Math.max(pacing.pollMinMs, Math.min(nextAt - now, newLookMs));
  }

  /**
   * A purge takes a predecessor's claim away. Where evacuations of this host were asked for just now all the same, its
   * last request may still be under way, here as after a claim that was left.
   */
  #heedForgottenClaim(): void {
    if (!this.#marked.claimForgotten) return;
    const { hints } = this.#marked;
    const newest = Math.max(0, ...this.#view.records.map((record) => record.createdAt));
    const settledAt = newest - this.#scope.nova.clockOffsetMs + pacing.settleMs;
    hints.quietUntil = Math.max(hints.quietUntil, settledAt);
  }

  /** I1: nothing is asked for a host that Nova does not hold down. Done anew by every pass, as fencing may not have. */
  async #hold(): Promise<void> {
    const { nova, cloud, clock, log, callOptions } = this.#scope;
    const held = await holdDown(nova, this.#marked.service, new Date(clock.now()), callOptions);
    if (held.forcedDown || held.disabled) {
      cloud.forgetServices();
      log.notice(held.sentence, { host: this.#host });
    }
  }

  #delayed(): HostOutcome | null {
    const { settings, clock } = this.#scope;
    const until = this.#fencedAt + settings.evacuateDelayMs;
    const left = until - clock.now();
    if (left <= 0) return null;
    this.#requests.waitUntil(until);
    const seconds = Math.ceil(left / 1000);
    this.#report.say('delay', 'info', `Evacuation of ${this.#host} begins in ${seconds} s.`, 'delay');
    return this.#outcome('working', `evacuation of ${this.#host} begins in ${seconds} s (evacuate_delay).`);
  }

  /** Whether anything was asked of Nova in this incident, by whomever. */
  #isBegun(): boolean {
    const { hints } = this.#marked;
    if (this.#requests.asked.size > 0 || this.#requests.underWay > 0) return true;
    if (Object.keys(hints.refusals).length > 0 || Object.keys(hints.doubts).length > 0) return true;
    const since = this.#fencedAt + this.#scope.nova.clockOffsetMs - pacing.clockMarginMs;
    return this.#view.records.some((record) => record.createdAt >= since);
  }

  /** Whether the machine is back. Only a service that is held down as we left it can tell. */
  async #presence(): Promise<'back' | 'maybe' | 'gone'> {
    const { cloud, clock, nova, returns } = this.#scope;
    if (clock.now() - this.#presenceAt < pacing.returnLookMs) return 'gone';
    this.#presenceAt = clock.now();
    await cloud.services();
    const service = cloud.service(this.#host);
    if (service === undefined || !service.forcedDown) return 'gone';
    return returns.look(this.#marked, service, nova.clockOffsetMs, this.#isBegun());
  }

  /** Whether this is the end: nothing is left to do, or what is left stays. Null: the evacuation goes on. */
  async #end(classes: Classes): Promise<HostOutcome | 'look again' | null> {
    if (this.#requests.underWay > 0 || hasKind(classes, ...openKinds)) return this.#heedReturn(classes);
    const outcome = await this.#conclude(classes);
    if (outcome !== null) return outcome;
    await this.#scope.clock.sleep(pacing.pollMinMs);
    return 'look again';
  }

  /** A machine that is back, or may be. Null: the evacuation goes on. */
  async #heedReturn(classes: Classes): Promise<HostOutcome | 'look again' | null> {
    const presence = await this.#presence();
    if (presence === 'back') return this.#stayHome(classes);
    const { settings, clock, reportBy } = this.#scope;
    if (presence === 'gone' || this.#isBegun() || settings.earlyReturn === 'evacuate') return null;
    if (clock.now() + pacing.returnLookMs >= reportBy) return this.#unfinished(classes);
    await clock.sleep(pacing.returnLookMs);
    await this.#view.list();
    return 'look again';
  }

  /** The machine is back: ends the evacuation if what is left can stay. */
  async #stayHome(classes: Classes): Promise<HostOutcome | null> {
    const { claims, cloud, returns, settings, clock, callOptions } = this.#scope;
    const decide = (all: Classes) =>
      this.#requests.underWay > 0 || clock.now() < this.#marked.hints.quietUntil
        ? null
        : keepHome(all.values(), this.#isBegun(), settings.earlyReturn);
    if (decide(classes) === null) return null;
    if (!(await this.#isTold())) return this.#untold();
    await this.#view.list();
    const fresh = await this.#judge.judge();
    const decision = decide(fresh);
    if (decision === null) return null;
    const latest = (callOptions.deadline ?? Number.POSITIVE_INFINITY) - pacing.signReserveMs;
    const readService = async () => {
      await cloud.services(0);
      return cloud.service(this.#host);
    };
    if (!(await returns.awaitSign(this.#host, readService, latest))) {
      this.#marked.hints.signs = null;
      return null;
    }
    const unrestored = await this.#restore();
    if (unrestored !== null) return unrestored;
    if (!(await claims.stillHeld(this.#marked.name))) return this.#lost();
    const progress = this.#progress(fresh);
    const staying = [...fresh]
      .filter(([, one]) => one.kind !== 'finished')
      .map(([id]) => this.#view.title(id));
    const which = staying.length === 0 ? 'none' : `${staying.length} stay there: ${shortList(staying)}`;
    const sentence =
      decision === 'early'
        ? `${this.#host} is back before anything was evacuated, so it is released instead; of its instances ${which}.`
        : `Completed evacuation of ${this.#host}, which is back: ${progress.done} of ${progress.total} instances evacuated, ${which}.`;
    return this.#complete(sentence, progress);
  }

  /** Starts what is due, as far as there is room; returns how many. The requests go on while the loop follows. */
  #start(classes: Classes): number {
    const { queue, throttle, clock, cloud, lingerUntil } = this.#scope;
    const underWay = [...classes.values()].filter((one) => one.kind === 'inFlight' && !one.overdue).length;
    const due = [...classes].filter(([, one]) => one.kind === 'due');
    const mayAsk = this.#deferral === null && clock.now() >= this.#requests.notBefore;
    this.#enqueue(classes, underWay, mayAsk ? due.map(([id]) => id) : []);
    if (!mayAsk || clock.now() >= lingerUntil) return 0;
    const service = cloud.service(this.#host);
    if (due.length > 0 && !(service?.forcedDown || service?.state === 'down')) {
      this.#requests.stop(
        `evacuation of ${this.#host} stopped: Nova no longer holds it down (somebody forced it up?); the next pass holds it down again.`,
      );
      return 0;
    }
    const load = loadOf(this.#view.records);
    let started = 0;
    const granted = queue.grants(this.#host);
    throttle.busy(queue.exhausted);
    for (const [id] of due) {
      const held = queue.held(id);
      if (held !== null) this.#report.say(`group of ${id}`, 'info', `${this.#view.title(id)} ${held}.`);
    }
    for (const id of granted) {
      const one = classes.get(id);
      const server = this.#view.servers.get(id)?.server;
      if (server === undefined || server === null || one?.kind !== 'due') continue;
      started += 1;
      const destination = this.#destination(server, load);
      if (destination !== null) load.set(destination, (load.get(destination) ?? 0) + 1);
      this.#requests.send(server, one, destination, this.#judge.rankOf(id).group);
    }
    if (started > 0) {
      const left = due.filter(([id]) => !granted.includes(id)).map(([id]) => id);
      this.#enqueue(classes, underWay + started, left);
    }
    return started;
  }

  /** Tells the queue what this host has under way, what it wants to ask for, and which groups are not through. */
  #enqueue(classes: Classes, inFlight: number, due: readonly string[]): void {
    const failed = new Set(this.#view.records.filter(isFailed).map(({ serverId }) => serverId));
    const entry = (id: string) => {
      const { priority, group } = this.#judge.rankOf(id);
      const retry = failed.has(id);
      return { id, priority, group, retry };
    };
    const open = [...classes].flatMap(([id, one]) => {
      const { priority, group } = this.#judge.rankOf(id);
      if (group === null || one.kind === 'finished') return [];
      const settled =
        this.#deferral !== null ||
        one.kind === 'cannot' ||
        one.kind === 'excluded' ||
        one.kind === 'deferred' ||
        (one.kind === 'failed' && one.givenUp);
      return [{ id, group, priority, settled }];
    });
    this.#scope.queue.set(this.#host, { inFlight, due: due.map(entry), open });
  }

  /** The host to name for an attempt after a failure; null leaves the choice to Nova. */
  #destination(server: Server, load: ReadonlyMap<string, number>): string | null {
    const { cloud, settings } = this.#scope;
    const destination = nextDestination(recordsOf(this.#view.records, server.id), cloud.targets(), load);
    if (destination === null || diskOf(server, settings.onSharedStorage) === 'either') return destination;
    return this.#judge.isSharedWith(destination) ? destination : null;
  }

  /** Everything seems done: a fresh list decides, and the mark goes to `no` only while it is still ours. */
  async #conclude(classes: Classes): Promise<HostOutcome | null> {
    const { claims, clock } = this.#scope;
    const progress = this.#progress(classes);
    if (clock.now() !== this.#view.listedAt) {
      if (!(await this.#isTold())) return this.#untold();
      await this.#view.list();
      const fresh = await this.#judge.judge();
      if (hasKind(fresh, ...openKinds)) return null;
    }
    const unrestored = await this.#restore();
    if (unrestored !== null) return unrestored;
    if (!(await this.#isTold())) return this.#untold();
    if (!(await claims.stillHeld(this.#marked.name))) return this.#lost();
    const left = [...(await this.#judge.judge())].filter(
      ([, one]) => one.kind === 'cannot' || one.kind === 'excluded',
    );
    const names = left.map(
      ([id, one]) => `${this.#view.title(id)} (${'sentence' in one ? one.sentence : ''})`,
    );
    const summary = `${progress.done} of ${progress.total} instances evacuated`;
    const sentence =
      names.length === 0
        ? `Completed evacuation of ${this.#host}: ${summary}.`
        : `Completed evacuation of ${this.#host}: ${summary}, ${names.length} left there: ${shortList(names)}.`;
    return this.#complete(sentence, progress);
  }

  /** The end: the mark reads `no`, and what is owed from now on is the host's release. */
  async #complete(sentence: string, progress: Progress): Promise<HostOutcome> {
    const { marks, claims, log } = this.#scope;
    await claims.drop(this.#marked.name);
    await marks.setNo(this.#marked.name);
    log.notice(sentence, { host: this.#host });
    const { total, done, failed, left } = progress;
    this.#report.hostEvent('evacuated', sentence, { total, done, failed, left });
    await this.#report.show(progress, null, '', true);
    return this.#outcome('completed', sentence);
  }

  /**
   * Switches off again what was off before. Instances that needed more than one attempt are looked at as well: after one that
   * failed Nova takes them for broken, and after one whose destination died for running, whatever they were. Null: nothing is
   * left to find out.
   */
  async #restore(): Promise<HostOutcome | null> {
    const { nova, log, clock, reportBy, callOptions } = this.#scope;
    const { hints } = this.#marked;
    const since = this.#fencedAt + nova.clockOffsetMs - pacing.clockMarginMs;
    const ours = this.#view.records.filter((record) => record.createdAt >= since);
    const done = new Set(ours.filter(isDone).map((record) => record.serverId));
    const again = [...recordsByServer(ours)].filter(([, records]) => records.length > 1).map(([id]) => id);
    let ids = [...new Set([...hints.restore, ...again])].filter((id) => done.has(id));
    for (;;) {
      if (ids.length === 0) return null;
      const unclear = await restoreAll(nova, ids, log, callOptions);
      hints.restore = hints.restore.filter((id) => !ids.includes(id) || unclear.includes(id));
      ids = [...unclear];
      if (ids.length > 0 && clock.now() + pacing.pollMaxMs >= reportBy) {
        const names = shortList(ids.map((id) => this.#view.title(id)));
        return this.#outcome(
          'working',
          `evacuation of ${this.#host}: all are elsewhere, and it is still to be found out which of them were off before: ${names}.`,
        );
      }
      if (ids.length > 0) await clock.sleep(pacing.pollMaxMs);
    }
  }

  /**
   * Whether Nova tells the state of the host's service right now. While the database of a cell is down, Nova leaves
   * its servers out of every list without a word, and its services read `unknown` (from 2.69) or are left out too: an
   * empty list then means nothing.
   */
  async #isTold(): Promise<boolean> {
    const { cloud } = this.#scope;
    await cloud.services(0);
    return (cloud.service(this.#host)?.state ?? 'unknown') !== 'unknown';
  }

  #untold(): HostOutcome {
    return this.#troubled(
      `evacuation of ${this.#host} is held up: Nova does not tell the host's state (is its cell down?), so its list of instances cannot be trusted; the next pass looks again.`,
    );
  }

  async #unfinished(classes: Classes): Promise<HostOutcome> {
    const progress = this.#progress(classes);
    await this.#show(classes, true);
    const text = `evacuation of ${this.#host}: ${progressText(progress)}`;
    this.#report.say('summary', 'info', `Evacuation of ${this.#host}: ${progressText(progress)}.`);
    const describe = ([id, one]: [string, InstanceClass]) =>
      `${this.#view.title(id)}: ${'sentence' in one ? one.sentence : one.kind}`;
    const all = [...classes];
    const failed = all.filter(([, one]) => one.kind === 'failed' || (one.kind === 'inFlight' && one.overdue));
    if (failed.length > 0) {
      return this.#troubled(`${text}; ${shortList(failed.map(describe))}; it is tried again.`);
    }
    const unknown = all.filter(([, one]) => one.kind === 'unknown');
    if (unknown.length > 0) return this.#troubled(`${text}; ${shortList(unknown.map(describe))}.`);
    // Pacemaker shows the first 128 characters: the reason comes first.
    if (this.#deferral !== null) {
      return this.#outcome('deferred', `${this.#deferral} (${progressText(progress)}).`);
    }
    const deferred = all.filter(([, one]) => one.kind === 'deferred');
    if (deferred.length > 0) {
      return this.#outcome('deferred', `${text}; ${shortList(deferred.map(describe))}.`);
    }
    return this.#outcome('working', `${text}; it goes on at the next pass.`);
  }

  /** When something can happen that does not depend on Nova's records. */
  #nextChance(classes: Classes, now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const one of classes.values()) {
      if (one.kind === 'failed') next = Math.min(next, one.retryAt);
      else if (one.kind === 'waiting') next = Math.min(next, one.until);
      else if (one.kind === 'due' || one.kind === 'deferred' || one.kind === 'unknown')
        next = Math.min(next, now + pacing.servicesFreshMs);
    }
    return Math.max(next, this.#requests.notBefore);
  }

  /** Instances that reached another host since the fencing, whoever asked for it. */
  #progress(classes: Classes): Progress {
    const since = this.#fencedAt - pacing.clockMarginMs;
    const done = new Set<string>();
    for (const record of this.#view.records) {
      const now = classes.get(record.serverId)?.kind ?? 'finished';
      if (isDone(record) && record.createdAt >= since && now === 'finished') done.add(record.serverId);
    }
    return countProgress([...classes.values()], done.size, this.#deferral !== null);
  }

  #lost(): HostOutcome {
    const why = this.#scope.claims.lost(this.#marked.name) ?? 'its claim is no longer held';
    return this.#outcome('lost', `evacuation of ${this.#host} stopped: ${why}.`);
  }

  #troubled(sentence: string): HostOutcome {
    return this.#outcome('troubled', sentence);
  }

  #outcome(kind: HostOutcome['kind'], sentence: string): HostOutcome {
    return { kind, name: this.#marked.name, sentence, progress: this.#progressNow };
  }
}

/** Whether something is about to change in Nova's records. One that is overdue may never. */
function isMoving(classes: Classes): boolean {
  return [...classes.values()].some(
    (one) => one.kind === 'look' || (one.kind === 'inFlight' && !one.overdue),
  );
}

/** Whether all that is left waits for room. */
function isStuck(classes: Classes): boolean {
  return (
    hasKind(classes, 'deferred') &&
    !hasKind(classes, 'inFlight', 'look', 'due', 'waiting', 'failed', 'unknown')
  );
}

function hasKind(classes: Classes, ...kinds: InstanceClass['kind'][]): boolean {
  return [...classes.values()].some((one) => kinds.includes(one.kind));
}
