import { timeOfDay } from '../incident/clock.ts';
import { overdueAfterMs } from '../incident/pacing.ts';
import type { OpenRecord } from '../look/openRecords.ts';
import type { Surroundings } from '../look/surroundings.ts';
import { titleOf } from '../look/titles.ts';
import { novaNow } from './evidence.ts';
import { type Standing, standingOf } from './standing.ts';

/**
 * The instances whose evacuation away from a host is not known to be over. While there is one, starting nova-compute there or
 * clearing forced_down could let two hosts run the same disk (I3). Given back are titles, `name (id)`, with what holds up the
 * few that may wait for long.
 */
export function inFlightTitles(open: readonly OpenRecord[], facts: Surroundings): readonly string[] {
  return open.map((one) => titleIfInFlight(one, facts)).filter((title) => title !== null);
}

function titleIfInFlight({ record, server, seenAt, trail }: OpenRecord, facts: Surroundings): string | null {
  const standing = standingOf({
    ...facts,
    server,
    gone: server === null,
    seenAt,
    records: [record],
    trail,
    underWay: 0,
  });
  if (!mayComeStill(standing)) return null;
  const title = server === null ? record.serverId : titleOf(server);
  const forget = `go on with: openstack server set --state error ${record.serverId}`;
  if (standing.kind === 'mayStrike') {
    return `${title}, of which ${standing.what}; if you are sure that it will not be, ${forget}`;
  }
  const isLong = novaNow(facts) - record.createdAt > overdueAfterMs(0);
  if (standing.kind !== 'underWay' || !isLong) return title;
  const since = timeOfDay(record.createdAt - facts.clockOffsetMs);
  // Its guest may run on a host that is only silent: no command to Nova ends that.
  if (standing.silent)
    return `${title}, ${standing.what} since ${since}; fence its destination, which is silent`;
  return `${title}, ${standing.what} since ${since}; if nobody is at it (see the log of nova-compute there), ${forget}`;
}

function mayComeStill({ kind }: Standing): boolean {
  return kind === 'underWay' || kind === 'mayStrike' || kind === 'look' || kind === 'untold';
}
