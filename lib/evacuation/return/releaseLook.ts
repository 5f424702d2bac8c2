import type { ComputeService, Migration, Server, ServerId } from '@openstack-ts/nova-client';
import { type Incident, isPending, type MarkReading } from '../../attrd/index.ts';
import { fencedAt } from '../incident/disabledReason.ts';
import { marksOf } from '../incident/names.ts';
import { pacing } from '../incident/pacing.ts';
import { crossCheck } from '../look/crossCheck.ts';
import { provesMove } from '../look/records.ts';
import { isSilentFor, silenceAfter } from '../look/silence.ts';
import type { HostLook } from '../look/trust.ts';
import { mayBeLeftOut } from '../look/unlisted.ts';
import { lacksRecord, unrecordedEvacuation } from '../look/unrecorded.ts';
import type { GuestStarter } from './guestStarter.ts';
import type { ReleaseAction, ReleaseFacts } from './release.ts';
import { type MarksAround, ReleaseFlights } from './releaseFlights.ts';
import type { ReleasedHost, ReleaseScope } from './releaseScope.ts';

/** What is read first: the mark before everything that Nova is asked. */
export interface ReleaseWorld {
  readonly mark: ReleaseFacts['mark'];
  /** Which incidents the host's marks are of, and how they read. */
  readonly marks: string;
  readonly service: ComputeService | null;
  readonly records: readonly Migration[];
  /** Those of all hosts. */
  readonly around: MarksAround;
}

/** What must not be there before a step: it is made sure of once. */
const restsOnNone: Readonly<Record<ReleaseAction['kind'], 'evacuations' | 'instances' | null>> = {
  start: 'evacuations',
  forceUp: 'evacuations',
  startGuests: null,
  enable: 'instances',
  clear: 'instances',
};

/** What is true of a host that is taken back, read anew at each look. */
export class ReleaseLook {
  readonly #scope: ReleaseScope;
  readonly #released: ReleasedHost;
  readonly #guests: GuestStarter;
  /** What any read has shown: Nova takes no record away, and one read may lack those of a cell that did not answer it. */
  readonly #records = new Map<string, Migration>();
  /** What stands in for records that are not known, of instances that Nova rebuilds. */
  #unrecorded: readonly Migration[] = [];
  #doubt: string | null = null;
  readonly #sure = new Set<string>();
  readonly #flights: ReleaseFlights;
  /** As it is noted in the service's reason, on the clock of whoever fenced it. */
  #fencedAt: number | null = null;
  /** As its incident tells, on Nova's clock. */
  #incidentAt: number | null = null;
  #wasFenced = false;

  constructor(scope: ReleaseScope, released: ReleasedHost, guests: GuestStarter) {
    this.#scope = scope;
    this.#released = released;
    this.#guests = guests;
    this.#flights = new ReleaseFlights(scope, released.host);
  }

  /** Whether Nova held it forced down or disabled when we came: then its instances may need a start. */
  get wasFenced(): boolean {
    return this.#wasFenced;
  }

  async world(): Promise<ReleaseWorld> {
    const { marks } = this.#scope;
    const { names, service } = this.#released;
    // First of all: the original agents say `no` as soon as Nova has accepted, so what Nova is asked after it counts.
    const at = this.#scope.clock.now();
    const { marks: readings, incidents } = await marks.readAll();
    const own = marksOf(readings, names);
    for (const { incident } of own) this.#noteIncident(incident);
    const [found] = await Promise.all([service(), this.#readRecords()]);
    const records = [...this.#records.values()];
    const around = { readings, incidents, at };
    return { mark: worstMark(own), marks: stateOf(own), service: found, records, around };
  }

  /** Whether the host's marks are what they were at a look: it may have been fenced again while Nova was asked. */
  async hasSameMarks({ marks: before }: ReleaseWorld): Promise<boolean> {
    const { marks } = await this.#scope.marks.readAll();
    return stateOf(marksOf(marks, this.#released.names)) === before;
  }

  /** Whether nothing is there that a step must not find: made sure of once, until time has passed. */
  async bearsOut(step: ReleaseAction['kind']): Promise<boolean> {
    const rests = restsOnNone[step];
    if (rests === null || this.#sure.has(rests)) return true;
    this.#sure.add(rests);
    return this.#makeSure();
  }

  /**
   * Whether a look that showed nothing in flight, and no instance that needs a start, can be believed: what rests on it comes
   * next. True: it can; false: something turned up that the next look shows.
   */
  async #makeSure(): Promise<boolean> {
    const { nova, callOptions } = this.#scope;
    const { host, service } = this.#released;
    const known = this.#records.size;
    const [servers] = await Promise.all([nova.listServers({ host }, callOptions), this.#readRecords()]);
    const records = [...this.#records.values()];
    const left = new Set(records.filter(provesMove).map(({ serverId }) => serverId));
    const look = await this.#crossCheck(
      (id) => left.has(id) || servers.some((server) => server.id === id),
      await service(),
    );
    this.#doubt = look.kind === 'untold' ? `${look.sentence} (${look.remedy})` : null;
    const leftOut = look.kind === 'contradicted' ? look.servers : [];
    this.#guests.add(leftOut.map(({ id }) => id));
    const all = [...servers, ...leftOut];
    this.#unrecorded = await this.#findUnrecorded(all, records);
    const isNew = this.#records.size > known || leftOut.length > 0 || this.#unrecorded.length > 0;
    return !isNew && this.#doubt === null;
  }

  /** The owner's rebuild that its host's death cut short looks the same, and goes on with the host. */
  async #findUnrecorded(
    servers: readonly Server[],
    records: readonly Migration[],
  ): Promise<readonly Migration[]> {
    const { nova, callOptions } = this.#scope;
    const { host } = this.#released;
    const found: Migration[] = [];
    for (const server of servers.filter((one) => lacksRecord(one, records))) {
      const standIn = await unrecordedEvacuation(nova, host, server, records, 0, callOptions);
      if (standIn !== null) found.push(standIn);
    }
    return found;
  }

  /** A host that Nova does not know, for certain, has no instances either. */
  async #crossCheck(isKnown: (id: ServerId) => boolean, own: ComputeService | null): Promise<HostLook> {
    const { nova, clock, callOptions } = this.#scope;
    const { host, service, notes } = this.#released;
    if (own === null) {
      const all = await nova.listComputeServices(callOptions);
      return (await mayBeLeftOut(nova, all, host, callOptions)) ?? { kind: 'told', leaked: [] };
    }
    const services = async () => {
      const now = await service();
      return now === null ? [] : [now];
    };
    const isWaitedFor = notes !== undefined && !isSilentFor(notes.placementSilence, pacing.releaseSilentMs);
    return crossCheck({
      ...{ nova, host, isKnown, services, clock, options: callOptions },
      placement: isWaitedFor ? 'needed' : 'helps',
      heard: (answered) => {
        if (notes === undefined) return;
        notes.placementSilence = silenceAfter(notes.placementSilence, answered, clock.now());
      },
    });
  }

  /** Time has passed: what was not certain may be by now. */
  forgetDoubt(): void {
    this.#doubt = null;
    this.#unrecorded = [];
    this.#sure.clear();
  }

  async #readRecords(): Promise<void> {
    const { nova, callOptions } = this.#scope;
    for (const record of await nova.listEvacuations({ sourceHost: this.#released.host }, callOptions)) {
      const known = this.#records.get(record.id);
      if (known === undefined || record.updatedAt >= known.updatedAt) this.#records.set(record.id, record);
    }
  }

  async facts({ mark, service: found, records, around }: ReleaseWorld): Promise<ReleaseFacts> {
    const { host, service, compute } = this.#released;
    const offset = this.#scope.nova.clockOffsetMs;
    if (found !== null) this.#fencedAt ??= fencedAt(found);
    const since = this.#since(records);
    const state = await compute(found);
    this.#wasFenced ||= mark !== 'none' || (found?.forcedDown ?? false) || this.#fencedAt !== null;
    const mayAsk = found?.state === 'up' && !found.forcedDown && this.#wasFenced;
    const guests = mayAsk ? await this.#guests.look(records, since, this.#triedSince(since)) : null;
    // Nova leaves out of its lists what is in a cell that it cannot reach: only what a service says after the list
    // tells whether that was the case.
    const latest = guests === null ? found : await service();
    return {
      host,
      service: latest,
      doubt: this.#doubt,
      inFlight: await this.#flights.titles([...records, ...this.#unrecorded], around, since - offset),
      unsettled: records.filter(({ status }) => status === 'done').length,
      compute: state === 'silent' && hasRestarted(records, since) ? 'running' : state,
      guests,
      mark,
    };
  }

  /** Since when a start counts as one of this return: an older one may belong to a return that another failure ended. */
  #triedSince(since: number): number {
    const { nova, clock } = this.#scope;
    return Math.max(since, clock.now() + nova.clockOffsetMs - pacing.triedMs);
  }

  /**
   * When it was fenced, on Nova's clock, or earlier: as its incident has it, or its service, whose reason bears the time of a clock that
   * may be wrong, and stays that of the failure before while the host was not released. Else about its latest evacuation, else a while ago.
   */
  #since(records: readonly Migration[]): number {
    const { nova, clock } = this.#scope;
    const now = clock.now() + nova.clockOffsetMs;
    const noted = [
      ...(this.#fencedAt === null ? [] : [this.#fencedAt + nova.clockOffsetMs]),
      // One ahead of Nova's clock is from before that was set back.
      ...(this.#incidentAt === null || this.#incidentAt > now ? [] : [this.#incidentAt]),
    ];
    // A host that an operator had disabled bears no reason of ours, and its incident may be the second of two that are one to its
    // instances: what the first tried counts as well.
    if (this.#fencedAt !== null) return Math.min(...noted) - pacing.clockMarginMs;
    const latest = Math.max(...records.map(({ createdAt }) => createdAt), now - pacing.historyMs);
    return Math.min(latest, now - pacing.forgottenIncidentMs, ...noted);
  }

  /** Of a mark that somebody has set by hand it tells when that was seen. */
  #noteIncident(incident: Incident | null): void {
    if (incident === null || incident.adopted || incident.novaAt === null) return;
    this.#incidentAt = Math.min(this.#incidentAt ?? Number.POSITIVE_INFINITY, incident.novaAt);
  }
}

function worstMark(readings: readonly MarkReading[]): ReleaseFacts['mark'] {
  // A value that nobody defined is not ours to pass over.
  if (readings.some(({ mark }) => isPending(mark) || mark.kind === 'unknown')) return 'pending';
  return readings.length > 0 ? 'no' : 'none';
}

function stateOf(readings: readonly MarkReading[]): string {
  return readings
    .map(({ name, mark, incident }) => `${name} ${mark.kind} ${incident?.id ?? ''}`)
    .sort()
    .join(', ');
}

/** Only a nova-compute that has started since the evacuation makes a `done` record `completed`. */
function hasRestarted(records: readonly Migration[], since: number): boolean {
  const ofIncident = records.filter(({ createdAt }) => createdAt >= since);
  return ofIncident.some(({ status }) => status === 'completed');
}
