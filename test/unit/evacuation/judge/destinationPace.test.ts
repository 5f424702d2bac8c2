import type { Migration } from '@openstack-ts/nova-client';
import { describe, expect, it } from 'vitest';
import { laggards, type TakenUp, takenUp } from '../../../../lib/evacuation/judge/destinationPace.ts';
import type { Classes } from '../../../../lib/evacuation/judge/judgeHost.ts';
import { named } from '../../names.ts';

let count = 0;
/** One that was asked for two seconds before its destination took it up, or that took as long as it says. */
function one(to: string, stands: TakenUp['stands'], at: number, tookMs = 2_000): TakenUp {
  return named<TakenUp>({ serverId: `s${count++}`, to, stands, createdAt: at - tookMs, updatedAt: at });
}
const some = (amount: number, make: (index: number) => TakenUp) =>
  Array.from({ length: amount }, (_, i) => make(i));
const elsewhere = (amount: number, tookMs = 4_000) =>
  some(amount, (index) => one(index % 2 === 0 ? 'b' : 'c', 'done', 10_000 + index * 1_000, tookMs));
const at = (evacuations: readonly TakenUp[], now: number) => [...laggards(evacuations, now).values()];

describe('a destination hangs', () => {
  const hanging = some(4, (index) => one('a', 'open', 5_000 + index * 1_000));

  it('once it has finished nothing for half a minute, while others have', () => {
    expect(at([...hanging, ...elsewhere(8)], 34_000)).toEqual([]);
    expect(at([...hanging, ...elsewhere(8)], 35_000)).toEqual([
      { host: 'a', how: 'hangs', count: 4, since: 5_000, elsewhere: 8 },
    ]);
  });

  it('after a minute where nothing was tried elsewhere, until that has had its time as well', () => {
    expect(at(hanging, 64_000)).toEqual([]);
    expect(at(hanging, 65_000)).toMatchObject([{ host: 'a', how: 'hangs', elsewhere: 0 }]);
    const tried = [...hanging, ...some(4, () => one('b', 'open', 70_000))];
    expect(at(tried, 99_000)).toHaveLength(1);
    expect(at(tried, 100_000)).toEqual([]);
  });

  it('not before it is slow by what others take', () => {
    expect(at([...hanging, ...elsewhere(8, 60_000)], 184_000)).toEqual([]);
    expect(at([...hanging, ...elsewhere(8, 60_000)], 185_000)).toHaveLength(1);
  });

  it('not with one alone, which may be the trouble of that instance', () => {
    expect(at([...hanging.slice(0, 1), ...elsewhere(8)], 3_600_000)).toEqual([]);
  });

  it('no more when it has finished or refused one, until it has stood as long again', () => {
    for (const stands of ['done', 'failed'] as const) {
      const moved = [...hanging, ...elsewhere(60), one('a', stands, 40_000)];
      expect(at(moved, 69_000)).toEqual([]);
      expect(at(moved, 70_000)).toMatchObject([{ host: 'a', how: 'hangs', since: 40_000 }]);
    }
  });
});

describe('a destination fails', () => {
  const failed = [one('a', 'failed', 20_000), one('a', 'failed', 21_000)];

  it('what it is given, while others finish theirs', () => {
    expect(at([...failed, ...elsewhere(20)], 40_000)).toMatchObject([{ host: 'a', how: 'fails', count: 2 }]);
  });

  it('not where that is true of one instance, or of all hosts, or was mended', () => {
    expect(at([...failed.slice(1), ...elsewhere(20)], 40_000)).toEqual([]);
    expect(at([...failed, ...some(9, (index) => one('b', 'failed', 20_000 + index))], 40_000)).toEqual([]);
    expect(at([...failed, ...elsewhere(20), one('a', 'done', 22_000)], 40_000)).toEqual([]);
  });
});

describe('what counts', () => {
  const record = (serverId: string, status: string, more: Partial<Migration> = {}) =>
    named<Migration>({
      ...{ id: `m${serverId}`, serverId, status, sourceHost: 'comp0', destHost: 'a', claimed: true },
      ...{ createdAt: 100, updatedAt: 200, ...more },
    });
  const inFlight = { kind: 'inFlight', overdue: false, sentence: '' } as const;
  const due = { kind: 'due', attempt: 1, reset: false, sentence: '' } as const;
  const classes = (kind: typeof inFlight | typeof due): Classes => named<Classes>(new Map([['s', kind]]));

  it('is what a destination has taken up in this incident, and what still is in flight', () => {
    const of = (one: Migration, kind: typeof inFlight | typeof due = inFlight, works = true) =>
      takenUp([one], classes(kind), 50, () => works).map(({ stands }) => stands);
    expect(of(record('s', 'pre-migrating'))).toEqual(['open']);
    expect(of(record('s', 'done'))).toEqual(['done']);
    expect(of(record('s', 'failed'))).toEqual(['failed']);
    expect(of(record('s', 'pre-migrating', { createdAt: 40 }))).toEqual([]);
    expect(of(record('s', 'accepted', { claimed: false }))).toEqual([]);
    expect(of(record('s', 'error', { claimed: false }))).toEqual([]);
    expect(of(record('s', 'pre-migrating'), due)).toEqual([]);
    expect(of(record('s', 'pre-migrating'), inFlight, false)).toEqual([]);
  });
});
