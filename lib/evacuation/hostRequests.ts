import type { NovaError as NovaErrorType, Server } from '@openstack-ts/nova-client';
import { NovaError } from '@openstack-ts/nova-client';
import { demandOf } from './capacity.ts';
import { type Asked, type InstanceClass, type Refusal, showsRequest } from './classify.ts';
import { diskOf } from './diskGuard.ts';
import type { HostReport } from './hostReport.ts';
import { type HostView, titleOf } from './hostView.ts';
import { pacing } from './pacing.ts';
import type { MarkedHost, PassScope } from './passScope.ts';
import { recordsOf } from './records.ts';

/** How long nothing is asked for a host whose request was not taken, in ms, where Nova names no time. The throttle does the rest. */
const pauses = {
  rateLimited: 1_000,
  serverError: 3_000,
  timeout: 3_000,
  connectionLost: 3_000,
  unreachable: 10_000,
  tls: 10_000,
} as const;

type Due = Extract<InstanceClass, { kind: 'due' }>;

/**
 * The requests of one pass to evacuate a host's instances: each sent once, never repeated, and remembered until Nova's
 * records show what became of it.
 */
export class HostRequests {
  readonly #scope: PassScope;
  readonly #marked: MarkedHost;
  readonly #host: string;
  readonly #view: HostView;
  readonly #report: HostReport;
  readonly #asked = new Map<string, Asked>();
  /** Requests on their way, by instance. */
  readonly #sending = new Map<string, Promise<void>>();
  #notBefore = 0;
  #abort: string | null = null;

  constructor(scope: PassScope, marked: MarkedHost, view: HostView, report: HostReport) {
    this.#scope = scope;
    this.#marked = marked;
    this.#host = marked.service.host;
    this.#view = view;
    this.#report = report;
  }

  /** What this pass asked for, by instance. */
  get asked(): ReadonlyMap<string, Asked> {
    return this.#asked;
  }

  /** How many requests are on their way. */
  get underWay(): number {
    return this.#sending.size;
  }

  isUnderWay(id: string): boolean {
    return this.#sending.has(id);
  }

  refusal(id: string): Refusal | null {
    return this.#marked.hints.refusals[id] ?? null;
  }

  /** Nothing new before this time, in ms since the epoch: Nova asked us to slow down, or could not be reached. */
  get notBefore(): number {
    return Math.max(this.#notBefore, this.#scope.backOff.until);
  }

  /** Holds everything back until then. */
  waitUntil(time: number): void {
    this.#notBefore = Math.max(this.#notBefore, time);
  }

  /** Why nothing more can be asked for this host in this pass, as a sentence; null while there is no such reason. */
  get abort(): string | null {
    return this.#abort;
  }

  stop(sentence: string): void {
    this.#abort ??= sentence;
  }

  /** Sends one request when its turn comes. What became of it is read from Nova's records, whatever the answer. */
  send(server: Server, due: Due, destination: string | null, group: string | null): void {
    const { inTurn, room } = this.#scope;
    const demand = demandOf(server);
    if (demand !== null) room.take(server.id, demand);
    const request = inTurn(async () => {
      if (this.#mayAsk()) await this.#request(server, due, destination, group);
      else room.giveBack(server.id);
    }).finally(() => {
      this.#sending.delete(server.id);
    });
    this.#sending.set(server.id, request);
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

  /**
   * Nova ends the evacuation of an instance in ERROR, of one that was reset, and of one that was just being switched off,
   * with a guest that runs.
   */
  #noteRestore(server: Server, due: Due): void {
    const { hints } = this.#marked;
    const may = due.reset || server.vmState === 'error' || server.taskState === 'powering-off';
    if (!may || hints.restore.includes(server.id)) return;
    hints.restore = [...hints.restore, server.id];
    this.#scope.keepHints();
  }

  async #request(server: Server, due: Due, destination: string | null, group: string | null): Promise<void> {
    const { nova, clock, log, settings, callOptions, throttle, room } = this.#scope;
    const { hints } = this.#marked;
    const to = destination === null ? '' : ` to ${destination}`;
    log.info(
      `Evacuating ${titleOf(server)} from ${this.#host}${to}, attempt ${due.attempt}: ${due.sentence}.`,
      { host: this.#host, instance: server.id },
    );
    this.#noteRestore(server, due);
    if (this.#isReporting() && !(await this.#isKnownOff(server))) return;
    if (due.reset && !(await this.#reset(server))) return;
    const lastRecord = recordsOf(this.#view.records, server.id).at(-1)?.id ?? null;
    const at = clock.now();
    const deadline = Math.min(
      at + pacing.evacuateTimeoutMs,
      callOptions.deadline ?? Number.POSITIVE_INFINITY,
    );
    this.#asked.set(server.id, { at, answered: false, lastRecord });
    if (hints.unfit[server.id] !== undefined) hints.unfit[server.id] = at;
    hints.open[server.id] = { name: server.name, group, requestId: null };
    try {
      // A destination is only named where the disk cannot be lost on it: with `keep` Nova cannot be told one.
      const disk = destination === null ? diskOf(server, settings.onSharedStorage) : 'either';
      const { requestId } = await nova.evacuate(
        server.id,
        { disk, ...(destination === null ? {} : { host: destination }) },
        { ...callOptions, deadline },
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
      this.#refused(server, error);
    }
  }

  /**
   * Makes Nova forget a state, or a task, in which it refuses to evacuate (os-resetState; the guest is not touched, and its
   * host is dead). An instance in ERROR stays in it.
   */
  async #reset(server: Server): Promise<boolean> {
    const { nova, clock, log, callOptions } = this.#scope;
    const was = server.taskState === null ? server.vmState : `${server.vmState}, task ${server.taskState}`;
    try {
      await nova.resetServerState(server.id, server.vmState === 'error' ? 'error' : 'active', callOptions);
    } catch (error) {
      if (!(error instanceof NovaError)) throw error;
      const count = (this.refusal(server.id)?.count ?? 0) + 1;
      const message = `its state (${was}) could not be reset: ${error.message}`;
      this.#marked.hints.refusals[server.id] = { count, at: clock.now(), message, final: false, ours: true };
      return false;
    }
    log.notice(
      `Reset the state of ${titleOf(server)}, which was ${was}: Nova does not evacuate it as it is.`,
      {
        host: this.#host,
        instance: server.id,
      },
    );
    delete this.#marked.hints.refusals[server.id];
    return true;
  }

  /** Whether a nova-compute reports from the fenced host: somebody started it before its evacuation had ended. */
  #isReporting(): boolean {
    const { clock, nova } = this.#scope;
    const { signs } = this.#marked.hints;
    if (signs === null || signs.heartbeats === 0 || signs.updatedAt === null) return false;
    // One that has died again since must not keep its instances from being evacuated.
    return clock.now() + nova.clockOffsetMs - signs.updatedAt < pacing.reportingMs;
  }

  /**
   * A nova-compute that was started too early may have started guests as well (resume_guests_state_on_host_boot, or a
   * reboot that the host's death cut short): one that runs, or may, is not rebuilt elsewhere.
   */
  async #isKnownOff(server: Server): Promise<boolean> {
    const { nova, clock, log, callOptions } = this.#scope;
    let message: string;
    try {
      const deadline = Math.min(
        clock.now() + pacing.guestAnswerMs,
        callOptions.deadline ?? Number.POSITIVE_INFINITY,
      );
      if (!(await nova.isGuestRunning(server.id, { ...callOptions, deadline }))) return true;
      message = `it runs on ${this.#host}, whose nova-compute was started before its evacuation had ended, and is not started a second time; power the host off, or have it released (attrd_updater -n evacuate -N ${this.#marked.name} -U no)`;
    } catch (error) {
      if (!(error instanceof NovaError)) throw error;
      message = `whether it runs on ${this.#host}, where a nova-compute reports, cannot be told (${error.message})`;
    }
    log.debug(`${titleOf(server)}: ${message}.`);
    const count = (this.refusal(server.id)?.count ?? 0) + 1;
    this.#marked.hints.refusals[server.id] = { count, at: clock.now(), message, final: false, ours: true };
    return false;
  }

  #refused(server: Server, error: NovaErrorType): void {
    const { clock, log, cloud, throttle, room, backOff } = this.#scope;
    const { hints } = this.#marked;
    const now = clock.now();
    if (error.unanswered) {
      throttle.refused('timeout');
      log.warn(
        `The evacuation of ${titleOf(server)} was requested but not answered (${error.message}); Nova's records are watched before it is asked for again.`,
        { host: this.#host, instance: server.id, requestId: error.requestId },
      );
      return;
    }
    // Nothing was accepted, so it need not be looked for.
    this.#asked.delete(server.id);
    room.giveBack(server.id);
    delete hints.open[server.id];
    switch (error.code) {
      case 'notFound':
        // The instance, or the host that was named for it.
        this.#view.forget(server.id, now);
        return;
      case 'unreachable':
      case 'tls':
      case 'rateLimited':
      case 'serverError':
      case 'connectionLost':
      case 'timeout': {
        throttle.refused(
          error.code === 'rateLimited' || error.code === 'serverError' || error.code === 'timeout'
            ? error.code
            : 'unreachable',
        );
        const pause = error.retryAfterMs ?? pauses[error.code];
        backOff.until = Math.max(backOff.until, now + pause);
        this.#report.say(
          'slow',
          'warn',
          `No new evacuations from ${this.#host} for ${Math.ceil(pause / 1000)} s: ${error.message}.`,
          error.code,
        );
        return;
      }
      case 'authFailed':
      case 'forbidden':
        this.stop(
          `evacuation of ${this.#host} is held up: Nova does not let this user evacuate (${error.message}); give the user the admin role.`,
        );
        return;
      default: {
        if (/still in use/i.test(error.message)) {
          // Somebody let the host up again behind our back: hold it down anew before anything else.
          cloud.forgetServices();
          this.stop(
            `evacuation of ${this.#host} stopped: ${error.message}; the next pass holds it down again.`,
          );
          return;
        }
        hints.refusals[server.id] = {
          count: (hints.refusals[server.id]?.count ?? 0) + 1,
          at: now,
          message: error.message.replace(/\.+$/, ''),
          final: error.code === 'conflict' && /vm_state/.test(error.message),
          ours: false,
        };
      }
    }
  }
}
