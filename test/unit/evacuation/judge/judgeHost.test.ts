import { expect, test } from 'vitest';
import { pacing } from '../../../../lib/evacuation/incident/pacing.ts';
import { type HostFacts, judgeHost } from '../../../../lib/evacuation/judge/judgeHost.ts';
import { named } from '../../names.ts';
import { factsOf } from './classify.table.ts';

/** One that comp1 took up so many seconds ago, beside as many others, each taken up by another host or by none yet. */
function overdue(seconds: number, beside: number, to: string | null): boolean | undefined {
  const {
    server,
    records,
    gone,
    seenAt,
    underWay: _,
    ...facts
  } = factsOf({
    what: 'hangs',
    server: { taskState: 'rebuild_spawning' },
    touched: seconds,
    incident: 3_600,
    records: [{ status: 'pre-migrating', to: 'comp1', created: seconds }],
    trail: { kind: 'destination', host: 'comp1', at: seconds },
    is: '',
  });
  const [own] = records;
  if (own === undefined) throw new Error('it has a record');
  const others = Array.from({ length: beside }, (_, index) => {
    const serverId = `other${index}`;
    const other = { ...own, id: `o${index}`, serverId, destHost: to, claimed: to !== null };
    return [serverId, [other] as (typeof own)[]] as const;
  });
  const classes = judgeHost({
    ...facts,
    servers: named<HostFacts['servers']>(new Map([['i', { server, seenAt, gone }]])),
    records: named<HostFacts['records']>(
      new Map<string, readonly (typeof own)[]>([['i', records], ...others]),
    ),
    isBeingRequested: () => false,
    ofInstance: () => facts,
  });
  const [one] = [...classes.values()];
  return one?.kind === 'inFlight' ? one.overdue : undefined;
}

const alone = (pacing.overdueMs + pacing.overduePerOtherMs) / 1_000;

test('an evacuation has the time of those beside it on its destination, and of those that have none yet', () => {
  expect(overdue(alone - 5, 0, null)).toBe(false);
  expect(overdue(alone + 5, 0, null)).toBe(true);
  expect(overdue(alone + 5, 20, 'comp1')).toBe(false);
  expect(overdue(alone + 5, 20, null)).toBe(false);
});

test('not of those on other hosts', () => {
  expect(overdue(alone + 5, 20, 'comp2')).toBe(true);
});
