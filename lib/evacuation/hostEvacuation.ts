import type { CallOptions, ComputeService, Migration, NovaClient, Server } from '@openstack-ts/nova-client';
import { NovaError } from '@openstack-ts/nova-client';
import type { MarkStore } from '../attrd/index.ts';
import type { ClaimKeeper } from './claims.ts';
import {
  type Asked,
  classify,
  type InstanceClass,
  isOrphan,
  type Refusal,
  showsRequest,
} from './classify.ts';
import type { Clock } from './clock.ts';
import type { CloudFacts } from './cloudFacts.ts';
import { loadOf, nextDestination } from './destination.ts';
import type { HostHints } from './hints.ts';
import { fencedAt, holdDown } from './hold.ts';
import { HostReport } from './hostReport.ts';
import { HostView, titleOf } from './hostView.ts';
import { type EarlyReturn, keepHome } from './keepHome.ts';
import { pacing } from './pacing.ts';
import type { PassLog } from './passLog.ts';
import { countProgress, type Progress, progressText } from './progress.ts';
import { isOpen, recordsByServer, recordsOf } from './records.ts';
import { shortList } from './release.ts';
import type { ReturnWatch } from './returnWatch.ts';
import { select } from './selection.ts';
import type { Slots } from './slots.ts';

export interface EvacuationSettings {
  /** Upper bound of evacuations in flight over all hosts. */
  readonly concurrency: number;
  /** Sent where Nova's API still asks for it (below 2.14). */
  readonly onSharedStorage: boolean;
  /** Wait this long after the fencing, for locks of the storage to expire. */
  readonly evacuateDelayMs: number;
  readonly earlyReturn: EarlyReturn;
}

/** What all hosts of a pass have in common. */
export interface PassScope {
  readonly nova: NovaClient;
  readonly marks: MarkStore;
  readonly cloud: CloudFacts;
  readonly claims: ClaimKeeper;
  readonly slots: Slots;
  readonly returns: ReturnWatch;
  readonly clock: Clock;
  readonly log: PassLog;
  readonly settings: EvacuationSettings;
  /** No new request for an evacuation after this time. */
  readonly lingerUntil: number;
  /** Bounds of requests that are under way. */
  readonly callOptions: CallOptions;
  /** Shows where a host stands (`crm_mon -A`). */
  readonly showProgress: (name: string, text: string) => Promise<void>;
}

export interface MarkedHost {
  /** The mark's name. */
  readonly name: string;
  readonly service: ComputeService;
  readonly hints: HostHints;
  /** Nothing new is asked of Nova before this time; see `decideClaim`. */
  readonly quietUntil: number;
  /** The transient copy was gone when the pass came, and with it any claim of a predecessor. */
  readonly claimForgotten: boolean;
}

export type HostOutcome = {
  readonly name: string;
  /** One sentence for the exit reason. */
  readonly sentence: string;
} & (
  | { readonly kind: 'completed' }
  /** Work is left and goes on at the next pass. */
  | { readonly kind: 'working' }
  /** Something failed and is tried again. */
  | { readonly kind: 'troubled' }
  /** The claim is no longer ours. */
  | { readonly kind: 'lost' }
);

/** What stands between a host and the end of its evacuation. */
const openKinds = ['inFlight', 'look', 'due', 'waiting', 'failed', 'unknown'] as const;

/** While nothing is in flight, the host is looked at anew this often, in ms. */
const newLookMs = 5_000;

/**
 * Evacuates one marked host as far as this pass's time allows: holds it down in Nova, looks, decides with
 * {@link classify}, asks, follows through Nova's own records, and sets the mark to `no` when nothing is left to do.
 * What it remembers serves this pass only; the next one looks again.
 */
export class HostEvacuation {
  readonly #scope: PassScope;
  readonly #marked: MarkedHost;
  readonly #host: string;
  readonly #asked = new Map<string, Asked>();
  /** Requests on their way, by instance. */
  readonly #sending = new Map<string, Promise<void>>();
  readonly #view: HostView;
  readonly #report: HostReport;
  #quietUntil: number;
  /** Nova asked us to slow down, or could not be reached. */
  #notBefore = 0;
  #abort: HostOutcome | null = null;
  /** When it was last asked whether the machine is back. */
  #presenceAt = 0;

  constructor(scope: PassScope, marked: MarkedHost) {
    this.#scope = scope;
    this.#marked = marked;
    this.#host = marked.service.host;
    this.#quietUntil = marked.quietUntil;
    const { nova, clock, callOptions, log, showProgress } = scope;
    const { name, hints } = marked;
    const since = this.#fencedAt() - pacing.historyMs;
    this.#view = new HostView(nova, this.#host, since, clock, callOptions);
    this.#report = new HostReport(this.#host, hints, log, clock, (text) => showProgress(name, text));
  }

  /** Never throws what `NovaError` stands for: trouble with Nova is an outcome. */
  async run(): Promise<HostOutcome> {
    try {
      return await this.#evacuate();
    } catch (error) {
      if (!(error instanceof NovaError)) throw error;
      return this.#troubled(
        `evacuation of ${this.#host} is held up: ${error.message}; its mark is kept and the next pass tries again.`,
      );
    } finally {
      // Each is bounded by the pass's hard limit; what is known of its end decides whether the claim is given back.
      await Promise.allSettled(this.#sending.values());
      this.#leaveDoubts();
      this.#scope.slots.leave(this.#host);
    }
  }

  /** Whether a successor has to know of this pass: then the claim must stay. */
  get inDoubt(): boolean {
    const { hints } = this.#marked;
    return Math.max(this.#quietUntil, ...Object.values(hints.doubts)) > this.#scope.clock.now();
  }

  /** Leaves to the next pass what is still quiet, and which requests were neither answered nor show in a record. */
  #leaveDoubts(): void {
    const { nova, clock } = this.#scope;
    const { hints } = this.#marked;
    const doubts = Object.entries(hints.doubts).filter(([, until]) => until > clock.now());
    for (const [id, asked] of this.#asked) {
      const latest = recordsOf(this.#view.records, id).at(-1);
      if (asked.answered || showsRequest(asked, latest, nova.clockOffsetMs)) continue;
      doubts.push([id, asked.at + pacing.unansweredMs]);
    }
    hints.doubts = Object.fromEntries(doubts);
    hints.quietUntil = this.#quietUntil;
    hints.pass = 'closed';
  }

  async #evacuate(): Promise<HostOutcome> {
    const { claims } = this.#scope;
    await this.#hold();
    const delayed = this.#delayed();
    if (delayed !== null && (await this.#presence()) === 'gone') return delayed;
    await this.#view.list();
    this.#heedForgottenClaim();
    // Two that claim at the same moment may each read their own claim back; by now the last one stands.
    if (!(await claims.stillHeld(this.#marked.name))) return this.#lost();
    let pause: number = pacing.pollMinMs;
    for (;;) {
      if (claims.lost(this.#marked.name) !== null) return this.#lost();
      const classes = await this.#observe();
      if (this.#abort !== null) return this.#abort;
      const end = await this.#end(classes);
      if (end === 'look again') continue;
      if (end !== null) return end;
      const started = this.#start(classes);
      if (this.#abort !== null) return this.#abort;
      const following = started > 0 || this.#sending.size > 0 || hasKind(classes, 'inFlight', 'look');
      const wait = this.#wait(classes, following, pause);
      if (wait === null) return this.#unfinished(classes);
      const settledBefore = this.#view.settledCount;
      await this.#scope.clock.sleep(wait);
      if (!following || this.#scope.clock.now() - this.#view.listedAt > pacing.serversFreshMs)
        await this.#view.list();
      else await this.#view.poll();
      pause =
        this.#view.settledCount > settledBefore
          ? pacing.pollMinMs
          : Math.min(pause * pacing.pollGrowth, pacing.pollMaxMs);
    }
  }

  /** Looks, decides for every instance, and shows where the host stands. */
  async #observe(): Promise<Map<string, InstanceClass>> {
    await this.#scope.cloud.services();
    let classes = await this.#classifyAll();
    if (hasKind(classes, 'look')) {
      await this.#view.lookAgain([...classes].filter(([, one]) => one.kind === 'look').map(([id]) => id));
      classes = await this.#classifyAll();
    }
    this.#report.tell(classes, (id) => this.#view.title(id));
    await this.#report.show(this.#progress(classes));
    return classes;
  }

  /** How long to wait before the next look, in ms; null when this pass has no time for anything more. */
  #wait(classes: ReadonlyMap<string, InstanceClass>, following: boolean, pause: number): number | null {
    const { clock, lingerUntil, callOptions } = this.#scope;
    const now = clock.now();
    if (now >= (callOptions.deadline ?? Number.POSITIVE_INFINITY)) return null;
    if (now >= lingerUntil && this.#sending.size === 0) return null;
    // Requests under way at the hard limit end there, and so does the pass.
    if (following) return Math.min(pause, (callOptions.deadline ?? Number.POSITIVE_INFINITY) - now);
    const nextAt = this.#nextChance(classes, now);
    if (nextAt >= lingerUntil) return null;
    return Math.max(pacing.pollMinMs, Math.min(nextAt - now, newLookMs));
  }

  /**
   * A purge takes a predecessor's claim away. Where evacuations of this host were asked for just now all the same, its
   * last request may still be under way, here as after a claim that was left.
   */
  #heedForgottenClaim(): void {
    if (!this.#marked.claimForgotten) return;
    const newest = Math.max(0, ...this.#view.records.map((record) => record.createdAt));
    this.#quietUntil = Math.max(this.#quietUntil, newest - this.#scope.nova.clockOffsetMs + pacing.settleMs);
  }

  /** I1: nothing is asked for a host that Nova does not hold down. Done anew by every pass, as fencing may not have. */
  async #hold(): Promise<void> {
    const { nova, cloud, clock, log, callOptions } = this.#scope;
    const held = await holdDown(nova, this.#marked.service, new Date(clock.now()), callOptions);
    if (held.forcedDown || held.disabled) {
      cloud.forgetServices();
      log.notice(held.sentence);
    }
  }

  #delayed(): HostOutcome | null {
    const { settings, clock } = this.#scope;
    const until = this.#fencedAt() + settings.evacuateDelayMs;
    const left = until - clock.now();
    if (left <= 0) return null;
    this.#notBefore = until;
    const seconds = Math.ceil(left / 1000);
    return this.#outcome('working', `evacuation of ${this.#host} begins in ${seconds} s (evacuate_delay).`);
  }

  /** When this incident began, on our clock, as far as anybody noted it. */
  #fencedAt(): number {
    return fencedAt(this.#marked.service) ?? this.#marked.hints.firstSeen;
  }

  /** Whether anything was asked of Nova in this incident, by whomever. */
  #isBegun(): boolean {
    const { hints } = this.#marked;
    if (this.#asked.size > 0 || this.#sending.size > 0) return true;
    if (Object.keys(hints.refusals).length > 0 || Object.keys(hints.doubts).length > 0) return true;
    const since = this.#fencedAt() + this.#scope.nova.clockOffsetMs - pacing.clockMarginMs;
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
  async #end(classes: ReadonlyMap<string, InstanceClass>): Promise<HostOutcome | 'look again' | null> {
    if (this.#sending.size > 0 || hasKind(classes, ...openKinds)) return this.#heedReturn(classes);
    const outcome = await this.#conclude(classes);
    if (outcome !== null) return outcome;
    await this.#scope.clock.sleep(pacing.pollMinMs);
    return 'look again';
  }

  /** A machine that is back, or may be. Null: the evacuation goes on. */
  async #heedReturn(classes: ReadonlyMap<string, InstanceClass>): Promise<HostOutcome | 'look again' | null> {
    const presence = await this.#presence();
    if (presence === 'back') return this.#stayHome(classes);
    const { settings, clock, lingerUntil } = this.#scope;
    if (presence === 'gone' || this.#isBegun() || settings.earlyReturn === 'evacuate') return null;
    if (clock.now() + pacing.returnLookMs >= lingerUntil) return this.#unfinished(classes);
    await clock.sleep(pacing.returnLookMs);
    await this.#view.list();
    return 'look again';
  }

  /** The machine is back: ends the evacuation if what is left can stay. */
  async #stayHome(classes: ReadonlyMap<string, InstanceClass>): Promise<HostOutcome | null> {
    const { marks, claims, cloud, log, returns, settings, clock, callOptions } = this.#scope;
    const decide = (all: ReadonlyMap<string, InstanceClass>) =>
      this.#sending.size > 0 || clock.now() < this.#quietUntil
        ? null
        : keepHome(all.values(), this.#isBegun(), settings.earlyReturn);
    if (decide(classes) === null) return null;
    if (!(await this.#isTold())) return this.#untold();
    await this.#view.list();
    const fresh = await this.#classifyAll();
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
    if (!(await claims.stillHeld(this.#marked.name))) return this.#lost();
    await claims.drop(this.#marked.name);
    await marks.setNo(this.#marked.name);
    const progress = this.#progress(fresh);
    const staying = [...fresh]
      .filter(([, one]) => one.kind !== 'finished')
      .map(([id]) => this.#view.title(id));
    const which = staying.length === 0 ? 'none' : `${staying.length} stay there: ${shortList(staying)}`;
    const sentence =
      decision === 'early'
        ? `${this.#host} is back before anything was evacuated, so it is released instead; of its instances ${which}.`
        : `Completed evacuation of ${this.#host}, which is back: ${progress.done} of ${progress.total} instances evacuated, ${which}.`;
    log.notice(sentence);
    await this.#report.show(progress, true);
    return this.#outcome('completed', sentence);
  }

  async #classifyAll(): Promise<Map<string, InstanceClass>> {
    const { cloud, clock, nova } = this.#scope;
    const selection = await cloud.selection((what, error) =>
      this.#report.say(
        what,
        'warn',
        `The ${what} could not be read, so instances whose selection depends on them wait: ${error.message}.`,
      ),
    );
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
    const classes = new Map<string, InstanceClass>();
    for (const [id, { server, seenAt, gone }] of this.#view.servers) {
      if (this.#sending.has(id)) {
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
          ...judged,
          destinationsAt: cloud.destinationsAt,
          orphans,
          asked: this.#asked.get(id) ?? null,
          refusal: this.#refusal(id),
          quietUntil: Math.max(this.#quietUntil, this.#marked.hints.doubts[id] ?? 0),
          canLand: targets.length > 0,
          capacityAt: this.#marked.hints.capacityAt,
          selected: server === null ? { kind: 'yes' } : select(server, selection),
          now,
        }),
      );
    }
    return classes;
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

  /** A host that could not take instances before and now can is a reason to try failed ones again at once. */
  #noteCapacity(targets: readonly string[], now: number): void {
    const { hints } = this.#marked;
    if (targets.some((host) => !hints.targets.includes(host))) hints.capacityAt = now;
    hints.targets = targets;
  }

  /** Starts what is due, as far as there is room; returns how many. The requests go on while the loop follows. */
  #start(classes: ReadonlyMap<string, InstanceClass>): number {
    const { slots, clock, cloud, log } = this.#scope;
    const underWay = [...classes.values()].filter((one) => one.kind === 'inFlight' && !one.overdue).length;
    const due = [...classes].filter(([, one]) => one.kind === 'due');
    slots.set(this.#host, underWay, due.length);
    if (clock.now() < this.#notBefore || clock.now() >= this.#scope.lingerUntil) return 0;
    const service = cloud.service(this.#host);
    if (due.length > 0 && !(service?.forcedDown || service?.state === 'down')) {
      this.#abort = this.#troubled(
        `evacuation of ${this.#host} stopped: Nova no longer holds it down (somebody forced it up?); the next pass holds it down again.`,
      );
      return 0;
    }
    const load = loadOf(this.#view.records);
    let started = 0;
    for (const [id, one] of due) {
      if (slots.room(this.#host) === 0) break;
      const server = this.#view.servers.get(id)?.server;
      if (server === undefined || server === null || one.kind !== 'due') continue;
      started += 1;
      slots.set(this.#host, underWay + started, due.length - started);
      const records = recordsOf(this.#view.records, id);
      const destination = nextDestination(records, cloud.targets(), load);
      if (destination !== null) load.set(destination, (load.get(destination) ?? 0) + 1);
      const to = destination === null ? '' : ` to ${destination}`;
      log.info(
        `Evacuating ${titleOf(server)} from ${this.#host}${to}, attempt ${one.attempt}: ${one.sentence}.`,
      );
      const request = this.#request(server, records.at(-1)?.id ?? null, destination).finally(() => {
        this.#sending.delete(id);
      });
      this.#sending.set(id, request);
    }
    return started;
  }

  /** One request, never repeated: what became of it is read from Nova's records. */
  async #request(server: Server, lastRecord: string | null, destination: string | null): Promise<void> {
    const { nova, clock, log, settings, callOptions } = this.#scope;
    if (this.#isReporting() && !(await this.#isKnownOff(server))) return;
    const at = clock.now();
    const deadline = Math.min(
      at + pacing.evacuateTimeoutMs,
      callOptions.deadline ?? Number.POSITIVE_INFINITY,
    );
    this.#asked.set(server.id, { at, answered: false, lastRecord });
    try {
      const { requestId } = await nova.evacuate(
        server.id,
        {
          onSharedStorage: settings.onSharedStorage,
          ...(destination === null ? {} : { host: destination }),
        },
        { ...callOptions, deadline },
      );
      this.#asked.set(server.id, { at, answered: true, lastRecord });
      delete this.#marked.hints.refusals[server.id];
      log.debug(`Nova accepted the evacuation of ${titleOf(server)} (request ${requestId ?? 'without id'}).`);
    } catch (error) {
      if (!(error instanceof NovaError)) {
        this.#abort = this.#troubled(`evacuating ${titleOf(server)} failed unexpectedly (${String(error)}).`);
        return;
      }
      this.#refused(server, error);
    }
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
    const count = (this.#marked.hints.refusals[server.id]?.count ?? 0) + 1;
    this.#marked.hints.refusals[server.id] = { count, at: clock.now(), message, final: false, ours: true };
    return false;
  }

  #refused(server: Server, error: NovaError): void {
    const { clock, log, cloud } = this.#scope;
    const now = clock.now();
    if (error.unanswered) {
      log.warn(
        `The evacuation of ${titleOf(server)} was requested but not answered (${error.message}); Nova's records are watched before it is asked for again.`,
      );
      return;
    }
    // Nothing was accepted, so it need not be looked for.
    this.#asked.delete(server.id);
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
        const pause = error.retryAfterMs ?? pacing.retryFirstMs;
        this.#notBefore = Math.max(this.#notBefore, now + pause);
        this.#report.say(
          'slow',
          'warn',
          `No new evacuations from ${this.#host} for ${Math.ceil(pause / 1000)} s: ${error.message}.`,
        );
        return;
      }
      case 'authFailed':
      case 'forbidden':
        this.#abort = this.#troubled(
          `evacuation of ${this.#host} is held up: Nova does not let this user evacuate (${error.message}); give the user the admin role.`,
        );
        return;
      default: {
        if (/still in use/i.test(error.message)) {
          // Somebody let the host up again behind our back: hold it down anew before anything else.
          cloud.forgetServices();
          this.#abort = this.#troubled(
            `evacuation of ${this.#host} stopped: ${error.message}; the next pass holds it down again.`,
          );
          return;
        }
        const before = this.#marked.hints.refusals[server.id];
        this.#marked.hints.refusals[server.id] = {
          count: (before?.count ?? 0) + 1,
          at: now,
          message: error.message.replace(/\.+$/, ''),
          final: error.code === 'conflict' && /vm_state/.test(error.message),
          ours: false,
        };
      }
    }
  }

  #refusal(id: string): Refusal | null {
    return this.#marked.hints.refusals[id] ?? null;
  }

  /** Everything seems done: a fresh list decides, and the mark goes to `no` only while it is still ours. */
  async #conclude(classes: ReadonlyMap<string, InstanceClass>): Promise<HostOutcome | null> {
    const { marks, claims, clock, log } = this.#scope;
    const progress = this.#progress(classes);
    if (clock.now() !== this.#view.listedAt) {
      if (!(await this.#isTold())) return this.#untold();
      await this.#view.list();
      const fresh = await this.#classifyAll();
      if (hasKind(fresh, ...openKinds)) return null;
    }
    if (!(await this.#isTold())) return this.#untold();
    if (!(await claims.stillHeld(this.#marked.name))) return this.#lost();
    await claims.drop(this.#marked.name);
    await marks.setNo(this.#marked.name);
    const left = [...(await this.#classifyAll())].filter(
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
    log.notice(sentence);
    await this.#report.show(progress, true);
    return this.#outcome('completed', sentence);
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

  #unfinished(classes: ReadonlyMap<string, InstanceClass>): HostOutcome {
    const progress = this.#progress(classes);
    const failed = [...classes].filter(
      ([, one]) => one.kind === 'failed' || (one.kind === 'inFlight' && one.overdue),
    );
    const text = `evacuation of ${this.#host}: ${progressText(progress)}`;
    const describe = ([id, one]: [string, InstanceClass]) =>
      `${this.#view.title(id)}: ${'sentence' in one ? one.sentence : one.kind}`;
    if (failed.length > 0) {
      return this.#troubled(`${text}; ${shortList(failed.map(describe))}; it is tried again.`);
    }
    const unknown = [...classes].filter(([, one]) => one.kind === 'unknown');
    if (unknown.length > 0) return this.#troubled(`${text}; ${shortList(unknown.map(describe))}.`);
    return this.#outcome('working', `${text}; it goes on at the next pass.`);
  }

  /** When something can happen that does not depend on Nova's records. */
  #nextChance(classes: ReadonlyMap<string, InstanceClass>, now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const one of classes.values()) {
      if (one.kind === 'failed') next = Math.min(next, one.retryAt);
      else if (one.kind === 'waiting') next = Math.min(next, one.until);
      else if (one.kind === 'due' || one.kind === 'unknown')
        next = Math.min(next, now + pacing.servicesFreshMs);
    }
    return Math.max(next, this.#notBefore);
  }

  /** Instances that reached another host since the fencing, whoever asked for it. */
  #progress(classes: ReadonlyMap<string, InstanceClass>): Progress {
    const since = this.#fencedAt() - pacing.clockMarginMs;
    const done = new Set<string>();
    for (const record of this.#view.records) {
      const settled = record.status === 'done' || record.status === 'completed';
      const now = classes.get(record.serverId)?.kind ?? 'finished';
      if (settled && record.createdAt >= since && now === 'finished') done.add(record.serverId);
    }
    return countProgress([...classes.values()], done.size);
  }

  #lost(): HostOutcome {
    const why = this.#scope.claims.lost(this.#marked.name) ?? 'its claim is no longer held';
    return this.#outcome('lost', `evacuation of ${this.#host} stopped: ${why}.`);
  }

  #troubled(sentence: string): HostOutcome {
    return this.#outcome('troubled', sentence);
  }

  #outcome(kind: HostOutcome['kind'], sentence: string): HostOutcome {
    return { kind, name: this.#marked.name, sentence };
  }
}

function hasKind(classes: ReadonlyMap<string, InstanceClass>, ...kinds: InstanceClass['kind'][]): boolean {
  return [...classes.values()].some((one) => kinds.includes(one.kind));
}
