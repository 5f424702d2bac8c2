import type { CallOptions, ComputeService, Migration, NovaClient } from '@openstack-ts/nova-client';
import { NovaError } from '@openstack-ts/nova-client';
import { isPending, type MarkReading, type MarkStore } from '../attrd/index.ts';
import type { Clock } from './clock.ts';
import { GuestStarter } from './guestStarter.ts';
import { fencedAt } from './hold.ts';
import { inFlightFrom } from './inFlight.ts';
import { pacing } from './pacing.ts';
import type { PassLog } from './passLog.ts';
import {
  isDisabledByUs,
  nextStep,
  type ReleaseAction,
  type ReleaseFacts,
  type ReleaseStep,
  type ReleaseWait,
  shortList,
} from './release.ts';

/** What a release works with. */
export interface ReleaseScope {
  readonly nova: NovaClient;
  readonly marks: MarkStore;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  readonly log: PassLog;
  readonly callOptions: CallOptions;
  /** Told at each look what is waited for. */
  readonly show?: (wait: { readonly for: ReleaseWait; readonly sentence: string }) => Promise<void>;
}

/** The host that is taken back. */
export interface ReleasedHost {
  /** Nova's name, or the best that is known of it. */
  readonly host: string;
  /** The names under which its mark is kept. */
  readonly names: readonly string[];
  /** Its service, read anew; null when Nova knows none. */
  readonly service: () => Promise<ComputeService | null>;
  /** What the machine, or whoever looks from outside, says of its nova-compute. */
  readonly compute: (service: ComputeService | null) => Promise<'held' | 'running' | 'silent'>;
  /** Starts its nova-compute, never called where `compute` is not `held`; false when the walk ends there. */
  readonly start: () => Promise<boolean>;
}

export type ReleaseOutcome =
  | {
      readonly kind: 'released';
      readonly sentence: string | null;
      /** Instances that stay and do not run need somebody to look at them. */
      readonly troubled: boolean;
    }
  | { readonly kind: 'waiting'; readonly for: ReleaseWait; readonly sentence: string }
  /** Nova or the cluster could not be asked, or refused. */
  | { readonly kind: 'troubled'; readonly sentence: string };

/** What can be expected within seconds is waited for; a machine that is still off is not. */
const worthLingering: ReadonlySet<ReleaseWait> = new Set([
  'evacuations',
  'records',
  'heartbeat',
  'instances',
]);

/**
 * Walks the release of one host until it is released, until only time or somebody else can go on, or until `until`.
 * Everything is read anew at each look, so it may begin, end, and be repeated anywhere, by several at once: every step
 * is one that Nova's answer shows to be due. Throws what `start` throws, and `AttrdError` when the mark cannot be removed.
 */
export async function walkRelease(
  scope: ReleaseScope,
  released: ReleasedHost,
  until: () => number,
): Promise<ReleaseOutcome> {
  const walk = new ReleaseWalk(scope, released);
  let last: ReleaseStep['kind'] | null = null;
  for (;;) {
    const step = await walk.look();
    if (step.kind === 'released') return walk.released();
    if (step.kind === 'wait') {
      await scope.show?.(step);
      const now = scope.clock.now();
      if (!worthLingering.has(step.for) || now + pacing.releasePollMs >= until()) {
        return { kind: 'waiting', for: step.for, sentence: step.sentence };
      }
      await scope.clock.sleep(pacing.releasePollMs);
      last = null;
      continue;
    }
    // Whatever was accepted and shows no effect is not asked for over and over; instances are bounded one by one.
    if (
      step.kind === last &&
      step.kind === 'startGuests' &&
      scope.clock.now() + pacing.releasePollMs < until()
    ) {
      await scope.clock.sleep(pacing.releasePollMs);
    } else if (step.kind === last) return { kind: 'troubled', sentence: noEffect(released.host, step.kind) };
    last = step.kind;
    const trouble = await walk.take(step);
    if (trouble !== null) return trouble;
  }
}

class ReleaseWalk {
  readonly #scope: ReleaseScope;
  readonly #released: ReleasedHost;
  readonly #guests: GuestStarter;
  readonly #done: string[] = [];
  #service: ComputeService | null = null;
  #fencedAt: number | null = null;
  /** Whether Nova held it forced down or disabled when we came: then its instances may need a start. */
  #wasFenced = false;
  /** Nova's own words, after it refused to take forced_down away although no record stands against it. */
  #refusal: string | null = null;
  /** The names whose marks were removed. */
  #cleared: readonly string[] = [];

  constructor(scope: ReleaseScope, released: ReleasedHost) {
    this.#scope = scope;
    this.#released = released;
    this.#guests = new GuestStarter(scope.nova, released.host, scope.log, scope.callOptions);
  }

  async look(): Promise<ReleaseStep> {
    const { nova, clock, callOptions, marks } = this.#scope;
    const { host, names, service, compute } = this.#released;
    // First of all: the original agents say `no` as soon as Nova has accepted, so what Nova is asked after it counts.
    const mark = worstMark((await marks.readAll()).marks.filter(({ name }) => names.includes(name)));
    const [found, records] = await Promise.all([
      service(),
      nova.listEvacuations({ sourceHost: host }, callOptions),
    ]);
    this.#service = found;
    if (mark === 'none' && found !== null && isDisabledByUs(found)) await this.#restoreMark();
    if (found !== null) this.#fencedAt ??= fencedAt(found);
    const since = this.#since(records);
    const state = await compute(found);
    this.#wasFenced ||= mark !== 'none' || (found?.forcedDown ?? false) || this.#fencedAt !== null;
    const unsettled = records.filter(({ status }) => status === 'done').length;
    const mayAsk = found?.state === 'up' && !found.forcedDown && this.#wasFenced;
    const guests = mayAsk ? await this.#guests.look(records, since, this.#triedSince(since)) : null;
    // Nova leaves out of its lists what is in a cell that it cannot reach: only what a service says after the list
    // tells whether that was the case.
    if (guests !== null) this.#service = await service();
    const step = nextStep({
      host,
      service: this.#service,
      inFlight: await inFlightFrom(nova, records, clock.now(), callOptions),
      unsettled: this.#refusal === null ? unsettled : Math.max(1, unsettled),
      compute: state === 'silent' && hasRestarted(records, since) ? 'running' : state,
      guests,
      mark,
    });
    if (step.kind === 'wait' && step.for === 'records' && this.#refusal !== null) {
      const sentence = `${step.sentence} (${this.#refusal})`;
      this.#refusal = null;
      return { ...step, sentence };
    }
    return step;
  }

  /** Takes one step; gives what stands against it, null when it went well. */
  async take(step: ReleaseAction): Promise<ReleaseOutcome | null> {
    const { nova, log, callOptions, marks } = this.#scope;
    const { host, names, start } = this.#released;
    const service = this.#service;
    switch (step.kind) {
      case 'start':
        if (await start()) {
          this.#done.push('nova-compute started');
          return null;
        }
        return {
          kind: 'waiting',
          for: 'nova-compute',
          sentence: `${host} waits for its nova-compute to start`,
        };
      case 'startGuests':
        await this.#guests.start();
        return null;
      case 'clear':
        this.#cleared = (await marks.readAll()).marks
          .map(({ name }) => name)
          .filter((name) => names.includes(name));
        for (const name of this.#cleared) await marks.clearNo(name);
        return null;
      case 'forceUp':
        return service === null ? null : this.#forceUp(service);
      case 'enable':
        if (service === null) return null;
        log.info(`Enabling nova-compute on ${host}`);
        await nova.enableService(service, callOptions);
        this.#done.push('enabled');
        return null;
    }
  }

  async #forceUp(service: ComputeService): Promise<ReleaseOutcome | null> {
    const { nova, log, callOptions } = this.#scope;
    const { host } = this.#released;
    log.info(`Forcing nova-compute back up on ${host}`);
    try {
      await nova.setForcedDown(service, false, callOptions);
    } catch (error) {
      if (!(error instanceof NovaError) || (error.status !== 400 && error.status !== 409)) throw error;
      // Another evacuated instance's record has just become `done`: Nova wants nova-compute to settle it first.
      this.#refusal = error.message;
      log.debug(`Nova does not take forced_down from ${host} yet: ${error.message}.`);
      return null;
    }
    log.info(`Forced nova-compute back up on ${host}`);
    this.#done.push('no longer forced down');
    return null;
  }

  /**
   * The host was fenced again after this walk had found it up and before its mark was gone: `fence_compute off` leaves
   * the `no` of an empty host as it is, and without it nobody would release the host.
   */
  async #restoreMark(): Promise<void> {
    const { marks } = this.#scope;
    const [name] = this.#cleared;
    this.#cleared = [];
    if (name === undefined) return;
    const all = (await marks.readAll()).marks;
    if (!all.some((reading) => this.#released.names.includes(reading.name))) await marks.setNo(name);
  }

  released(): ReleaseOutcome {
    const { log } = this.#scope;
    const { host } = this.#released;
    const service = this.#service;
    const { started, named } = this.#guests;
    const parts = [...this.#done];
    if (started.length > 0)
      parts.push(`${started.length} of its instances started in place: ${shortList(started)}`);
    if (service !== null && service.status === 'disabled' && this.#wasFenced) {
      const sentence = `it stays disabled, as somebody else disabled it (${quoted(service.disabledReason)})`;
      log.warn(
        `${host}: ${sentence}; enable it with: openstack compute service set --enable ${host} nova-compute`,
      );
      parts.push(sentence);
    }
    if (named.length > 0) parts.push(`not running there: ${shortList(named)}`);
    const changed = parts.length > 0 || this.#cleared.length > 0;
    return {
      kind: 'released',
      sentence: changed ? `Released ${host}${parts.length === 0 ? '' : `: ${parts.join('; ')}`}.` : null,
      troubled: named.length > 0,
    };
  }

  /** Since when a start counts as one of this return: an older one may belong to a return that another failure ended. */
  #triedSince(since: number): number {
    const { nova, clock } = this.#scope;
    return Math.max(since, clock.now() + nova.clockOffsetMs - pacing.triedMs);
  }

  /** When it was fenced, on Nova's clock: as we noted it, else about its latest evacuation, else a while ago. */
  #since(records: readonly Migration[]): number {
    const { nova, clock } = this.#scope;
    if (this.#fencedAt !== null) return this.#fencedAt + nova.clockOffsetMs - pacing.clockMarginMs;
    const now = clock.now() + nova.clockOffsetMs;
    const latest = Math.max(...records.map(({ createdAt }) => createdAt), now - pacing.historyMs);
    return Math.min(latest, now - pacing.forgottenIncidentMs);
  }
}

function worstMark(readings: readonly MarkReading[]): ReleaseFacts['mark'] {
  // A value that nobody defined is not ours to pass over.
  if (readings.some(({ mark }) => isPending(mark) || mark.kind === 'unknown')) return 'pending';
  return readings.length > 0 ? 'no' : 'none';
}

/** Only a nova-compute that has started since the evacuation makes a `done` record `completed`. */
function hasRestarted(records: readonly Migration[], since: number): boolean {
  const ofIncident = records.filter(({ createdAt }) => createdAt >= since);
  return ofIncident.some(({ status }) => status === 'completed');
}

function noEffect(host: string, action: ReleaseAction['kind']): string {
  const what: Readonly<Record<ReleaseAction['kind'], string>> = {
    start: 'its nova-compute was started and does not run',
    forceUp: 'Nova accepted to take forced_down away and still holds it forced down',
    startGuests: 'Nova accepted to start its instances, and they still do not run',
    enable: 'Nova accepted to enable it, and it is still disabled',
    clear: 'its mark was removed and is still there',
  };
  return `${host} waits for its release: ${what[action]}`;
}

function quoted(reason: string | null): string {
  return reason === null || reason === '' ? 'without a reason' : `"${reason}"`;
}
