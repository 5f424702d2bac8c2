import { NovaError, type NovaHost, type Server, type ServerId } from '@openstack-ts/nova-client';
import { afterRefusal } from '../decide/afterRefusal.ts';
import { demandOf } from '../decide/capacity.ts';
import { pacing, retryLimit } from '../incident/pacing.ts';
import { lostWithoutHarm } from '../judge/diskGuard.ts';
import { showsRequest } from '../judge/evidence.ts';
import type { Asked, InstanceClass, Refusal } from '../judge/instance.ts';
import type { HostView } from '../look/hostView.ts';
import { recordsOf } from '../look/records.ts';
import { titleOf } from '../look/titles.ts';
import type { HostReport } from '../tell/hostReport.ts';
import { pauseText } from '../tell/pauseText.ts';
import { GuestsThere } from './mayRunThere.ts';
import { Pause } from './pause.ts';
import type { RequestedHost, RequestScope } from './requestScope.ts';
import { resetState, stateText } from './resetState.ts';
import { mayEndRunning } from './restore.ts';

type Due = Extract<InstanceClass, { kind: 'due' }>;

/** One request to be made. */
export interface EvacuationRequest {
  readonly server: Server;
  readonly due: Due;
  /** The host to name; null leaves the choice to Nova. */
  readonly destination: NovaHost | null;
  /** What may become of its disk there. */
  readonly disk: 'keep' | 'either';
  readonly group: string | null;
}

/**
 * The requests of one pass to evacuate a host's instances: each sent once, never repeated, and remembered until Nova's
 * records show what became of it.
 */
export class Requests {
  readonly #scope: RequestScope;
  readonly #marked: RequestedHost;
  readonly #host: NovaHost;
  readonly #view: HostView;
  readonly #report: HostReport;
  readonly #since: () => number;
  readonly #pause: Pause;
  readonly #guests: GuestsThere;
  readonly #begin: () => Promise<string | null>;
  /** Those of them that may have to be switched off again (`restore.ts`). */
  readonly toRestore = new Set<ServerId>();
  readonly #asked = new Map<ServerId, Asked>();
  /** Requests on their way, by instance. */
  readonly #sending = new Map<ServerId, Promise<void>>();
  #abort: string | null = null;

  /**
   * @param since from when on Nova's records belong to the incident, in ms on Nova's clock
   * @param begin has the cluster know that something is asked for; why it may not, as a sentence, else null
   */
  constructor(
    scope: RequestScope,
    marked: RequestedHost,
    view: HostView,
    report: HostReport,
    since: () => number,
    begin: () => Promise<string | null>,
  ) {
    this.#begin = begin;
    this.#scope = scope;
    this.#pause = new Pause(scope, marked);
    this.#marked = marked;
    this.#host = marked.service.host;
    this.#view = view;
    this.#guests = new GuestsThere(scope, marked, view);
    this.#report = report;
    this.#since = since;
  }

  /** What this pass asked for, by instance. */
  get asked(): ReadonlyMap<ServerId, Asked> {
    return this.#asked;
  }

  /** How many requests are on their way. */
  get underWay(): number {
    return this.#sending.size;
  }

  isUnderWay(id: ServerId): boolean {
    return this.#sending.has(id);
  }

  refusal(id: ServerId): Refusal | null {
    return this.#marked.hints.refusals[id] ?? null;
  }

  /** Nothing new before this time, in ms since the epoch: Nova asked us to slow down, or could not be reached. */
  get notBefore(): number {
    return this.#pause.until;
  }

  /** Holds everything back until then. */
  waitUntil(time: number): void {
    this.#pause.wait(time);
  }

  /** Why nothing more can be asked for this host in this pass, as a sentence; null: nothing stands against it. */
  get abort(): string | null {
    return this.#abort;
  }

  stop(sentence: string): void {
    this.#abort ??= sentence;
  }

  /** Sends one request when its turn comes. What became of it is read from Nova's records, whatever the answer. */
  send(request: EvacuationRequest): void {
    const { inTurn, room } = this.#scope;
    const { server } = request;
    const demand = demandOf(server);
    if (demand !== null) room.take(server.id, demand);
    const sending = inTurn(async () => {
      if (this.#mayAsk() && (await this.#prepare(request))) await this.#post(request);
      else room.giveBack(server.id);
    }).finally(() => {
      this.#sending.delete(server.id);
    });
    this.#sending.set(server.id, sending);
  }

  /** What was granted a moment ago may be out of place when its turn comes. */
  #mayAsk(): boolean {
    const { claims, clock, gate, lingerUntil } = this.#scope;
    const { name } = this.#marked;
    const now = clock.now();
    return (
      this.#abort === null &&
      now >= this.notBefore &&
      now < lingerUntil &&
      claims.lost(name) === null &&
      gate(name).kind === 'go'
    );
  }

  /** Waits for the requests that are on their way; each is bounded by the pass's hard limit. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#sending.values());
  }

  /** Leaves to the next pass which requests were neither answered nor show in a record. */
  leaveDoubts(): void {
    const { nova, clock } = this.#scope;
    const { hints } = this.#marked;
    const doubts = Object.entries(hints.doubts).filter(([, until]) => until > clock.now());
    for (const [id, asked] of this.#asked) {
      const latest = recordsOf(this.#view.records, id).at(-1);
      if (asked.answered || showsRequest(asked, latest, nova.clockOffsetMs)) continue;
      doubts.push([id, asked.at + pacing.unansweredMs]);
    }
    hints.doubts = Object.fromEntries(doubts);
  }

  /** What comes before the request itself; whether it may be sent then. */
  async #prepare({ server, due, destination }: EvacuationRequest): Promise<boolean> {
    // What was tried before, or reset, may read ACTIVE for that alone.
    const isFirst = due.attempt === 1 && recordsOf(this.#view.records, server.id).length === 0;
    if (due.reset || mayEndRunning(server) || !isFirst) this.toRestore.add(server.id);
    const mayNot = await this.#begin();
    if (mayNot !== null) this.stop(mayNot);
    else if (!(await this.#isKnownOff(server))) return false;
    // All of that takes seconds: another may have taken the host over meanwhile, or an operator have paused it.
    if (!this.#mayAsk()) return false;
    const to = destination === null ? '' : ` to ${destination}`;
    this.#scope.log.info(
      `Evacuating ${titleOf(server)} from ${this.#host}${to}, attempt ${due.attempt}: ${due.sentence}${lostWithoutHarm(server)}.`,
      { host: this.#host, instance: server.id },
    );
    return !due.reset || ((await this.#reset(server)) && this.#mayAsk());
  }

  /** The one request that is never sent a second time. */
  async #post({ server, due, destination, disk, group }: EvacuationRequest): Promise<void> {
    const { nova, clock, callOptions, throttle, room } = this.#scope;
    const { hints } = this.#marked;
    const lastRecord = recordsOf(this.#view.records, server.id).at(-1)?.id ?? null;
    const at = clock.now();
    this.#asked.set(server.id, { at, answered: false, lastRecord });
    hints.open[server.id] = { name: server.name, group, requestId: null };
    try {
      const { requestId } = await nova.evacuate(
        server.id,
        { disk, ...(destination === null ? {} : { host: destination }) },
        { ...callOptions, deadline: this.#deadline(at, pacing.evacuateTimeoutMs) },
      );
      this.#asked.set(server.id, { at, answered: true, lastRecord });
      delete hints.refusals[server.id];
      hints.open[server.id] = { name: server.name, group, requestId };
      throttle.accepted(clock.now() - at);
      room.accepted(server.id, clock.now());
      this.#report.event(server.id, server.name, 'requested', due.sentence, {
        attempt: due.attempt,
        destination,
        requestId,
      });
    } catch (error) {
      if (!(error instanceof NovaError)) {
        this.stop(`evacuating ${titleOf(server)} failed unexpectedly (${String(error)}).`);
        return;
      }
      if (error.unanswered) this.#unanswered(server, error);
      else this.#refused(server, error);
    }
  }

  #deadline(at: number, ms: number): number {
    return Math.min(at + ms, this.#scope.callOptions.deadline ?? Number.POSITIVE_INFINITY);
  }

  #unanswered(server: Server, error: NovaError): void {
    const { log, throttle } = this.#scope;
    throttle.refused('timeout');
    log.warn(
      `The evacuation of ${titleOf(server)} was requested but not answered (${error.message}); Nova's records are watched before it is asked for again.`,
      { host: this.#host, instance: server.id, requestId: error.requestId },
    );
  }

  #refused(server: Server, error: NovaError): void {
    const { clock, cloud, throttle, room } = this.#scope;
    const now = clock.now();
    // Nothing was accepted, so it need not be looked for.
    this.#asked.delete(server.id);
    room.giveBack(server.id);
    delete this.#marked.hints.open[server.id];
    const next = afterRefusal(error, this.#host, this.#isAccepted(), !this.#pause.isByWord);
    switch (next.kind) {
      case 'gone':
        this.#view.forget(server.id, now);
        return;
      case 'pause': {
        throttle.refused(next.because);
        this.#pause.waitAll(now + next.pauseMs);
        this.#report.say(
          'slow',
          'warn',
          pauseText(this.#host, this.#marked.name, next.pauseMs, error.message, now),
          error.code,
        );
        return;
      }
      case 'stop':
        if (next.isUp) cloud.forgetServices();
        this.stop(next.sentence);
        return;
      case 'notAllowed':
        // It may end any time: never given up, however often it is said.
        this.#noteRefusal(server, next.message, {}, retryLimit - 1);
        this.stop(next.sentence);
        return;
      case 'refused':
        this.#noteRefusal(server, next.message, next);
    }
  }

  /** Whether Nova has accepted an evacuation from this host in this incident, whoever asked for it. */
  #isAccepted(): boolean {
    const since = this.#since();
    const isAnswered = [...this.#asked.values()].some(({ answered }) => answered);
    return isAnswered || this.#view.records.some(({ createdAt }) => createdAt >= since);
  }

  #noteRefusal({ id }: Server, message: string, about: Partial<Refusal> = {}, most = Infinity): void {
    const { final = false, forItsTask = false, ours = false } = about;
    const refusal = { message, final, forItsTask, ours };
    const count = Math.min((this.refusal(id)?.count ?? 0) + 1, most);
    this.#marked.hints.refusals[id] = { count, at: this.#scope.clock.now(), ...refusal };
  }

  async #reset(server: Server): Promise<boolean> {
    const { nova, log, callOptions } = this.#scope;
    const message = await resetState(nova, server, callOptions);
    if (message !== null) {
      this.#noteRefusal(server, message, { ours: true });
      return false;
    }
    log.notice(
      `Reset the state of ${titleOf(server)}, which was ${stateText(server)}: Nova does not evacuate it as it is.`,
      { host: this.#host, instance: server.id },
    );
    delete this.#marked.hints.refusals[server.id];
    return true;
  }

  async #isKnownOff(server: Server): Promise<boolean> {
    const message = await this.#guests.whyNotOff(server.id);
    if (message === null) return true;
    this.#scope.log.debug(`${titleOf(server)}: ${message}.`);
    this.#noteRefusal(server, message, { ours: true });
    return false;
  }
}
