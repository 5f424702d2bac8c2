import type { ComputeService, Migration, NovaHost } from '@openstack-ts/nova-client';
import { type Incident, isPending, type MarkName, type MarkReading } from '../../attrd/index.ts';
import { hostOfMark, isSameHost, matchHost, nodesOfHost } from '../incident/names.ts';
import { isHeldDown } from '../judge/evidence.ts';
import { inFlightTitles } from '../judge/inFlight.ts';
import { needsTrail } from '../judge/standing.ts';
import { Destinations } from '../look/destinations.ts';
import { Fencings } from '../look/fencings.ts';
import { lookAtOpen } from '../look/openRecords.ts';
import { isOpen, recordsByServer } from '../look/records.ts';
import { type SetBack, setBackBy } from '../look/setBack.ts';
import { type Surroundings, surroundingsOf, withFates } from '../look/surroundings.ts';
import type { ReleaseScope } from './releaseScope.ts';

/** The marks of all hosts, and when they were read, on our clock. */
export interface MarksAround {
  readonly readings: readonly MarkReading[];
  readonly incidents: ReadonlyMap<MarkName, Incident>;
  readonly at: number;
}

/** The evacuations away from a host that is taken back, as far as they may not be over. */
export class ReleaseFlights {
  readonly #scope: ReleaseScope;
  readonly #host: NovaHost;
  readonly #destinations = new Destinations();
  readonly #fencings: Fencings;
  #services: readonly ComputeService[] = [];
  #setBack: SetBack | null = null;
  #incidents: ReadonlyMap<MarkName, Incident> = new Map();

  constructor(scope: ReleaseScope, host: NovaHost) {
    this.#scope = scope;
    this.#host = host;
    const { nova, clock } = scope;
    this.#fencings = new Fencings({
      incidents: () => this.#incidents,
      readFencing: scope.readFencing ?? (async () => ({ known: false, lastSuccess: null, pending: false })),
      nodesOf: scope.nodesOf ?? (async (each) => nodesOfHost(each)),
      hostOf: async (name) => hostFenced(this.#services, name),
      now: () => clock.now(),
      clockOffsetMs: () => nova.clockOffsetMs,
    });
  }

  /**
   * Titles of the instances whose evacuation is not known to be over. Nova's services are asked for only where a record is open: most
   * hosts that come back have none.
   *
   * @param fencedAt when the host was fenced, on our clock, or earlier
   */
  async titles(
    records: readonly Migration[],
    marks: MarksAround,
    fencedAt: number,
  ): Promise<readonly string[]> {
    if (!records.some(isOpen)) return [];
    const { nova, clock, callOptions } = this.#scope;
    const askedAt = clock.now();
    this.#services = await nova.listComputeServices(callOptions);
    this.#incidents = marks.incidents;
    this.#destinations.heedServices(this.#services, askedAt, askedAt);
    const fenced = marks.readings.filter(wasFenced).map(({ name }) => hostFenced(this.#services, name));
    this.#destinations.heedFenced(fenced, marks.at);
    const times = () => ({ now: clock.now(), clockOffsetMs: nova.clockOffsetMs });
    this.#setBack = setBackBy(this.#setBack, records, [], times());
    const around = (): Surroundings =>
      surroundingsOf({
        markedHost: this.#host,
        fencedAt,
        destinations: this.#destinations,
        // Whoever set the mark to `no` has watched it.
        hasLived: () => true,
        setBack: this.#setBack,
        ...times(),
      });
    const open = await lookAtOpen(
      nova,
      records,
      () => clock.now(),
      (record, server) =>
        needsTrail({
          ...around(),
          server,
          gone: server === null,
          seenAt: clock.now(),
          records: [record],
          underWay: 0,
        }),
      callOptions,
    );
    const trails = new Map(open.map(({ record, trail }) => [record.id, trail]));
    const trailOf = ({ id }: Migration) => trails.get(id) ?? { kind: 'unread' as const };
    const byServer = recordsByServer(open.map(({ record }) => record));
    const known = around();
    const heldDown = (host: NovaHost, since: number) => isHeldDown(known, host, since);
    return inFlightTitles(open, await withFates(known, byServer, trailOf, this.#fencings, heldDown));
  }
}

/**
 * Whether the host of a mark is certainly off, or was: whoever fences writes the incident. A mark that somebody has set by hand says
 * nothing of a host that Nova hears from, and a claim is no proof.
 */
function wasFenced({ mark, incident }: MarkReading): boolean {
  return isPending(mark) && incident !== null && !incident.adopted;
}

/** Nova's name of a host that bears a mark; one that is not certain to be that machine does not count as fenced. */
function hostFenced(services: readonly ComputeService[], name: MarkName): NovaHost {
  const match = matchHost(services, name);
  if (match.kind !== 'host') return hostOfMark(name);
  const { service, twins } = match;
  return twins.length === 0 || isSameHost(service.host, name) ? service.host : hostOfMark(name);
}
