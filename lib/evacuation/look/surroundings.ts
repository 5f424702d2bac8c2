import type { Migration, NovaHost, ServerId } from '@openstack-ts/nova-client';
import type { Destination, Destinations, Reported } from './destinations.ts';
import type { Fencings } from './fencings.ts';
import { isOpen } from './records.ts';
import type { SetBack } from './setBack.ts';
import { begunOn, type Trail } from './trail.ts';

/**
 * What is known of the world around the instances of a host, as far as it decides whether their evacuations are under way. Whoever
 * asks that has it from {@link surroundingsOf}: the evacuation of the host, and its release.
 */
export interface Surroundings extends Fates {
  readonly markedHost: string;
  /** When the host was fenced, on our clock. */
  readonly fencedAt: number;
  readonly destination: (host: NovaHost | null) => Destination;
  /** When destinations were last judged, on our clock. */
  readonly destinationsAt: number;
  /** When it was last seen that a destination is what is said of it, on our clock. */
  readonly destinationKnownAt: (host: NovaHost | null) => number;
  /** When Nova last wrote the service of a destination. */
  readonly reported: (host: NovaHost) => Reported;
  /** Whether a destination certainly had the time since then, on Nova's clock, to end what it had begun (`lived.ts`). */
  readonly hasLived: (host: NovaHost, since: number) => boolean;
  /** Whether Nova's clock was set back, so that what it wrote before lies ahead of it; null: it was not. */
  readonly setBack: SetBack | null;
  /** Our clock, and what to add to it for Nova's. */
  readonly now: number;
  readonly clockOffsetMs: number;
}

/** What became of the destinations of open records, as far as fencings tell. By record. */
interface Fates {
  /** Their destination was fenced after it had begun them, and may be back by now. */
  readonly orphans: ReadonlySet<string>;
  /** Their destination has begun them since it was last fenced: it runs, whatever its mark or Nova still say of it. */
  readonly outlived: ReadonlySet<string>;
}

/** What a look at the surroundings of a host rests on. */
export interface SurroundingsLook
  extends Pick<Surroundings, 'markedHost' | 'fencedAt' | 'hasLived' | 'setBack' | 'now' | 'clockOffsetMs'> {
  readonly destinations: Pick<Destinations, 'destination' | 'at' | 'knownAt' | 'reported'>;
}

/** All of it but what became of destinations, which rests on how far each request has come: {@link withFates} tells it. */
export function surroundingsOf({ destinations, ...look }: SurroundingsLook): Surroundings {
  return {
    ...look,
    destination: (host) => destinations.destination(host),
    destinationsAt: destinations.at,
    destinationKnownAt: (host) => destinations.knownAt(host),
    reported: (host) => destinations.reported(host),
    orphans: new Set(),
    outlived: new Set(),
  };
}

/**
 * A destination that died and is back looks like any other: what it has lost is told by the cluster, to every controller alike.
 *
 * @param isHeldDown whether a host was seen after a time on Nova's clock to bear a mark, or to be forced down
 */
export async function withFates(
  surroundings: Surroundings,
  records: ReadonlyMap<ServerId, readonly Migration[]>,
  trailOf: (record: Migration) => Trail,
  fencings: Pick<Fencings, 'isLost' | 'wasFencedBefore'>,
  isHeldDown: (host: NovaHost, since: number) => boolean,
): Promise<Surroundings> {
  const orphans = new Set<string>();
  const outlived = new Set<string>();
  for (const record of [...records.values()].flatMap((all) => all.slice(-1))) {
    const begun = isOpen(record) ? begunOn(record, trailOf(record)) : null;
    if (begun === null) continue;
    const { host, since } = begun;
    if (await fencings.isLost(host, since, isHeldDown(host, since))) orphans.add(record.id);
    else if (await fencings.wasFencedBefore(host, since)) outlived.add(record.id);
  }
  return { ...surroundings, orphans, outlived };
}
