import { NovaError, serverId } from '@openstack-ts/nova-client';
import type { Incident } from '../../attrd/index.ts';
import { rethrowUnless } from '../../rethrow.ts';
import { holdDown } from '../act/hold.ts';
import { isFollowing, nextLookMs } from '../decide/nextLook.ts';
import { pacing } from '../incident/pacing.ts';
import { failureKind } from '../judge/failureKind.ts';
import { type Classes, hasKind } from '../judge/judgeHost.ts';
import { isDone, isOpen, recordsByServer } from '../look/records.ts';
import type { HostOutcome } from '../tell/outcome.ts';
import { HostEnd } from './hostEnd.ts';
import { HostStand } from './hostStand.ts';
import { takeTurn, tellTurns } from './hostTurn.ts';
import { type HostWork, isBegun, judgeAnew, lookedAgain, openHostWork } from './hostWork.ts';
import type { MarkedHost, PassScope } from './passScope.ts';

/** A predecessor that died leaves a few ends untold, not hundreds; each costs a request for the name. */
const mostUntold = 20;
/** As many are looked at again at once (`HostView.lookAgain`). */
const oneByOne = 5;

/**
 * Evacuates one marked host as far as this pass's time allows: holds it down in Nova, looks, judges, decides, asks, follows
 * through Nova's own records, and sets the mark to `no` when nothing is left to do.
 */
export class HostEvacuation {
  readonly #work: HostWork;
  readonly #stand: HostStand;
  readonly #end: HostEnd;
  /** Ends of evacuations that the throttle was told of, by record. */
  readonly #counted = new Set<string>();
  /** When an evacuation last ended, one way or the other, or the pass began. */
  #movedAt: number;

  constructor(scope: PassScope, marked: MarkedHost) {
    this.#work = openHostWork(scope, marked);
    this.#stand = new HostStand(this.#work);
    this.#end = new HostEnd(this.#work, this.#stand);
    this.#movedAt = scope.clock.now();
  }

  /** Never throws what `NovaError` stands for: trouble with Nova is an outcome. */
  async run(): Promise<HostOutcome> {
    const { scope, marked, host, requests, memory } = this.#work;
    let outcome: HostOutcome | null = null;
    try {
      outcome = (await this.#begin()) ?? (await this.#follow());
      return outcome;
    } catch (error) {
      rethrowUnless(error, NovaError);
      return this.#stand.troubled(
        `evacuation of ${host} is held up: ${error.message}; its mark is kept and the next pass tries again.`,
      );
    } finally {
      // What is known of their end decides whether the claim is given back.
      await requests.settle();
      requests.leaveDoubts();
      if (outcome?.kind !== 'completed' && outcome?.kind !== 'lost') await memory.keep();
      marked.hints.pass = 'closed';
      const isOver = outcome?.kind === 'completed' || outcome?.kind === 'lost';
      for (const line of [scope.queue, scope.turns]) {
        if (isOver) line.leave(host);
        else line.rest(host);
      }
      if (outcome?.kind === 'lost') scope.turns.leaveToAnother(host);
      scope.room.leave(host);
    }
  }

  /** As it stands in the cluster by now. */
  get incident(): Incident | null {
    return this.#work.memory.incident;
  }

  /** Whether a successor has to know of this pass and is not told by the incident: then the claim must stay. */
  get inDoubt(): boolean {
    const { scope, marked, memory } = this.#work;
    if (memory.isKept) return false;
    const { quietUntil, doubts } = marked.hints;
    return Math.max(quietUntil, ...Object.values(doubts)) > scope.clock.now();
  }

  /** What comes before the first decision; an outcome where there is none to be made. */
  async #begin(): Promise<HostOutcome | null> {
    const { scope, marked, view, memory } = this.#work;
    this.#announce();
    await this.#hold();
    const delayed = this.#delayed();
    if (delayed !== null) {
      const { kind } = await this.#end.presence();
      // The delay holds it back as well as not knowing does.
      if (kind === 'gone' || kind === 'untold') return delayed;
    }
    await this.#readAll();
    memory.recallRefusals([...view.servers.keys()]);
    await this.#adoptUntold();
    this.#heedForgottenClaim();
    // Two that claim at the same moment may each read their own claim back; by now the last one stands.
    return (await scope.claims.stillHeld(marked.name)) ? null : this.#stand.lost();
  }

  /** What the first decision rests on: one after the other, or all at once where each takes a minute. */
  async #readAll(): Promise<void> {
    const { scope, view } = this.#work;
    const { cloud } = scope;
    if (!cloud.isSlow) return view.list();
    await Promise.all([view.list(), view.poll(), cloud.services(), cloud.capacity(pacing.capacityFreshMs)]);
  }

  /** The loop: look and judge, tell, decide, act, wait. */
  async #follow(): Promise<HostOutcome> {
    const { scope, marked, requests } = this.#work;
    let pause: number = pacing.pollMinMs;
    for (;;) {
      if (scope.claims.lost(marked.name) !== null) return this.#stand.lost();
      const classes = await this.#look();
      await this.#tell(classes);
      await this.#end.restoreArrived();
      await this.#work.memory.keepUrgent();
      if (requests.abort !== null) return this.#stand.troubled(requests.abort);
      const end = await this.#end.reached(classes);
      if (end === 'look again') continue;
      if (end !== null) return end;
      const started = takeTurn(this.#work, classes, this.#stand.isDeferred);
      if (requests.abort !== null) return this.#stand.troubled(requests.abort);
      const next = this.#next(classes, started, pause);
      if (next.waitMs === null) return this.#stand.unfinished(classes);
      const hasMoved = await this.#wait(next.waitMs, next.following);
      pause = hasMoved ? pacing.pollMinMs : Math.min(pause * pacing.pollGrowth, pacing.pollMaxMs);
    }
  }

  /** What every instance counts as, after a second look at those that need it. */
  async #look(): Promise<Classes> {
    const { scope, view, marked } = this.#work;
    await scope.cloud.services();
    let classes = await lookedAgain(this.#work, await judgeAnew(this.#work));
    // That an instance has no record is believed once two reads lack it.
    if (view.recordReads < 2 && hasKind(classes, 'due') && scope.gate(marked.name).kind === 'go') {
      await view.poll();
      classes = await lookedAgain(this.#work, await judgeAnew(this.#work));
    }
    marked.hints.begun ||= isBegun(this.#work);
    tellTurns(this.#work, classes);
    this.#stand.heedGate();
    this.#countSettled(classes);
    return classes;
  }

  async #tell(classes: Classes): Promise<void> {
    const { scope, report, view } = this.#work;
    report.tell(classes, view);
    const paced = scope.throttle.sentence();
    if (paced !== null) scope.log.notice(`${paced}.`);
    await this.#stand.show(classes);
  }

  /** Whether something is about to change, and how long to wait for it; null: this pass has no time for more. */
  #next(classes: Classes, started: number, pause: number): { following: boolean; waitMs: number | null } {
    const { scope, marked, requests } = this.#work;
    const { clock, callOptions, lingerUntil, reportBy } = scope;
    const facts = {
      classes,
      now: clock.now(),
      deadline: callOptions.deadline ?? Number.POSITIVE_INFINITY,
      lingerUntil,
      reportBy,
      movedAt: this.#movedAt,
      started,
      underWay: requests.underWay,
      notBefore: requests.notBefore,
      isDeferred: this.#stand.isDeferred,
      othersAtWork: scope.othersAtWork(marked.name),
    };
    return { following: isFollowing(facts), waitMs: nextLookMs(facts, pause) };
  }

  /** Waits, then reads what changed; whether an evacuation has ended meanwhile. */
  async #wait(waitMs: number, following: boolean): Promise<boolean> {
    const { scope, view } = this.#work;
    const { clock } = scope;
    const settledBefore = view.settledCount;
    await clock.sleep(waitMs);
    if (!following || clock.now() - view.listedAt > pacing.serversFreshMs) await view.list();
    else await view.poll();
    const hasMoved = view.settledCount > settledBefore;
    if (hasMoved) this.#movedAt = clock.now();
    return hasMoved;
  }

  #announce(): void {
    const { scope, marked, host, report } = this.#work;
    if (report.say('marked', 'notice', `Initiating evacuation of ${host} with NovaEvacuate`)) {
      report.hostEvent('marked', `${host} was fenced and its instances are to be evacuated`);
      // A pass that is killed must not have it told twice.
      scope.keepHints();
    }
    const { me } = scope;
    if (marked.hints.said['claimed'] === me) return;
    marked.hints.said['claimed'] = me;
    report.hostEvent('claimed', `${me} evacuates ${host}`);
  }

  /** I1: nothing is asked for a host that Nova does not hold down. Done anew by every pass, as fencing may not have. */
  async #hold(): Promise<void> {
    const { scope, marked, host } = this.#work;
    const { nova, cloud, clock, log, callOptions } = scope;
    const held = await holdDown(nova, marked.service, new Date(clock.now()), callOptions);
    if (held.forcedDown || held.disabled) {
      cloud.forgetServices();
      log.notice(held.sentence, { host });
    }
  }

  #delayed(): HostOutcome | null {
    const { scope, fencedAt, host, requests, report } = this.#work;
    const { settings, clock } = scope;
    const until = fencedAt + settings.evacuateDelayMs;
    const left = until - clock.now();
    if (left <= 0) return null;
    requests.waitUntil(until);
    const seconds = Math.ceil(left / 1000);
    report.say('delay', 'info', `Evacuation of ${host} begins in ${seconds} s.`, 'delay');
    return this.#stand.outcome('working', `evacuation of ${host} begins in ${seconds} s (evacuate_delay).`);
  }

  /** What ended between two passes, or while a predecessor died: it is no longer listed on the host. */
  async #adoptUntold(): Promise<void> {
    const { scope, marked, view } = this.#work;
    const { nova } = scope;
    const { hints, lastSign } = marked;
    await this.#adoptLeaving();
    if (lastSign !== null) {
      const since = lastSign - pacing.claimRefreshMs + nova.clockOffsetMs;
      const recent = view.records.filter((record) => isDone(record) && record.updatedAt >= since);
      const untold = recent.filter(({ id, serverId }) => !hints.said[serverId]?.endsWith(id));
      for (const { serverId } of untold.slice(0, mostUntold)) {
        if (hints.open[serverId] !== undefined) continue;
        const name = await view.readName(serverId);
        hints.open[serverId] = { name, group: null, requestId: null };
      }
    }
    for (const [key, one] of Object.entries(hints.open)) {
      const id = serverId(key);
      // One whose name Nova did not tell then.
      const name = one.name === id ? await view.readName(id) : one.name;
      hints.open[id] = { ...one, name };
      view.adopt(id, name);
    }
  }

  /** What has left the host while its record is still open: later groups wait for it, and its owner's wishes tell for which. */
  async #adoptLeaving(): Promise<void> {
    const { view } = this.#work;
    const leaving = view.records.filter((record) => isOpen(record) && !view.servers.has(record.serverId));
    const ids = [...new Set(leaving.map(({ serverId }) => serverId))].slice(0, mostUntold);
    const { open } = this.#work.marked.hints;
    for (const id of ids) view.adopt(id, open[id]?.name ?? (await view.readName(id)));
    while (ids.length > 0) await view.lookAgain(ids.splice(0, oneByOne));
  }

  /**
   * A purge takes a predecessor's claim away. Where evacuations of this host were asked for just now all the same, its
   * last request may still be under way, here as after a claim that was left.
   */
  #heedForgottenClaim(): void {
    const { scope, marked, view } = this.#work;
    if (!marked.claimForgotten) return;
    const { hints } = marked;
    const newest = Math.max(0, ...view.records.map((record) => record.createdAt));
    const settledAt = newest - scope.nova.clockOffsetMs + pacing.settleMs;
    hints.quietUntil = Math.max(hints.quietUntil, settledAt);
  }

  /** Tells the throttle how evacuations that this pass asked for have ended. */
  #countSettled(classes: Classes): void {
    const { scope, view, requests } = this.#work;
    const { throttle, nova } = scope;
    const byServer = recordsByServer(view.records);
    for (const [id, asked] of requests.asked) {
      const latest = byServer.get(id)?.at(-1);
      if (latest === undefined || latest.id === asked.lastRecord || isOpen(latest)) continue;
      // Why it failed is told by the instance, which may not have been looked at since.
      const kind = classes.get(id)?.kind ?? 'look';
      if (this.#counted.has(latest.id) || kind === 'look' || kind === 'inFlight') continue;
      this.#counted.add(latest.id);
      const acceptedAt = latest.createdAt - nova.clockOffsetMs;
      if (isDone(latest)) throttle.done();
      else throttle.failed(failureKind(view.servers.get(id)?.server ?? null, latest), acceptedAt);
    }
  }
}
