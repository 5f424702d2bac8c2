import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classify } from '../../../../lib/evacuation/judge/classify.ts';
import type { InstanceClass, InstanceFacts } from '../../../../lib/evacuation/judge/instance.ts';
import { isOpen } from '../../../../lib/evacuation/look/records.ts';
import { factsOf, now, type RecordRow, type Row, table } from './classify.table.ts';

/** A class in the words of the table. */
function inWords(one: InstanceClass): string {
  const seconds = (at: number) => `${Math.round((at - now) / 1000)} s`;
  switch (one.kind) {
    case 'inFlight':
      return one.overdue ? 'inFlight overdue' : 'inFlight';
    case 'due':
      return `due attempt ${one.attempt}${one.reset ? ' after a reset' : ''}`;
    case 'waiting':
      return `waiting ${seconds(one.until)}`;
    case 'failed':
      return `failed ${one.attempts}${one.givenUp ? ' given up' : ''} retry in ${seconds(one.retryAt)}`;
    default:
      return one.kind;
  }
}

describe('what an instance of a marked host counts as', () => {
  test.each(table.map((row) => [row.what, row] as const))('%s', (_what, row) => {
    const one = classify(factsOf(row));
    const words = inWords(one);
    expect(row.is === 'due' ? words.replace(/ attempt \d+$/, '') : words).toBe(row.is);
    if (row.says !== undefined) expect('sentence' in one ? one.sentence : '').toBe(row.says);
  });

  test('every sentence can stand in a log line', () => {
    for (const row of table) {
      const one = classify(factsOf(row));
      if (!('sentence' in one)) continue;
      expect(one.sentence).not.toBe('');
      expect(one.sentence).not.toMatch(/[\n.]$|undefined|null|NaN/);
    }
  });
});

describe('I2: whatever is known, "due" is never said while a request may be under way', () => {
  const seconds = fc.double({ min: 0, max: 4000, noNaN: true });
  const recent = fc.double({ min: 0, max: 90, noNaN: true });
  const when = fc.oneof(seconds, recent);
  const record: fc.Arbitrary<RecordRow> = fc
    .tuple(
      fc.constantFrom(
        'accepted',
        'pre-migrating',
        'done',
        'completed',
        'error',
        'failed',
        'cancelled',
        'odd',
      ),
      fc.constantFrom(null, 'comp1', 'comp2', 'comp3'),
      when,
      fc.double({ min: 0, max: 1, noNaN: true }),
    )
    .map(([status, to, created, part]) => ({ status, to, created, updated: created * part }));
  const row: fc.Arbitrary<Row> = fc.record(
    {
      what: fc.constant(''),
      is: fc.constant(''),
      server: fc.record(
        {
          host: fc.constantFrom('comp0', 'comp0', 'comp0', 'comp1', null),
          status: fc.constantFrom('ACTIVE', 'REBUILD', 'ERROR', 'UNKNOWN'),
          vmState: fc.constantFrom('active', 'stopped', 'error', 'paused', null),
          taskState: fc.constantFrom(null, 'rebuilding', 'rebuild_spawning', 'powering-off'),
        },
        { requiredKeys: [] },
      ),
      seen: fc.double({ min: 0, max: 70, noNaN: true }),
      touched: when,
      records: fc.array(record, { maxLength: 4 }),
      destinations: fc.record({
        comp1: fc.constantFrom('alive', 'dead', 'silent', 'unknown'),
        comp2: fc.constantFrom('alive', 'dead', 'silent', 'unknown'),
      }),
      servicesRead: fc.double({ min: 0, max: 15, noNaN: true }),
      asked: fc.record({ ago: recent, answered: fc.boolean(), knew: fc.constant(0) }),
      quiet: fc.double({ min: -30, max: 30, noNaN: true }),
      canLand: fc.boolean(),
      capacity: when,
      skew: fc.integer({ min: -100, max: 100 }),
    },
    { requiredKeys: ['what', 'is'] },
  );

  /** Records as Nova lists them, and those known when this pass asked: any number of the oldest. */
  const facts: fc.Arbitrary<InstanceFacts> = fc.tuple(row, fc.nat(4)).map(([one, knew]) => {
    const records = [...(one.records ?? [])].sort((a, b) => b.created - a.created);
    const asked = one.asked && { ...one.asked, knew: Math.min(knew, records.length) };
    return factsOf({ ...one, records, ...(asked === undefined ? {} : { asked }) });
  });

  test('whatever is known', () => {
    let due = 0;
    fc.assert(
      fc.property(facts, (known) => {
        const one = classify(known);
        if (one.kind !== 'due') return;
        due += 1;
        const { server, asked, records } = known;
        expect(server?.host).toBe('comp0');
        expect(known.now).toBeGreaterThanOrEqual(known.quietUntil);
        const novaNow = known.now + known.clockOffsetMs;
        const latest = records.at(-1);
        if (latest !== undefined && isOpen(latest)) {
          const destination = known.destination(latest.destHost);
          expect(destination).not.toBe('silent');
          if (destination === 'dead') expect(known.seenAt).toBeGreaterThanOrEqual(known.destinationsAt);
          else expect(novaNow - latest.updatedAt).toBeGreaterThanOrEqual(60_000);
          if (server?.taskState?.startsWith('rebuild')) expect(destination).toBe('dead');
        }
        if (latest?.status === 'done') {
          // Seen on its old host well after the record said it had left.
          expect(known.seenAt + known.clockOffsetMs).toBeGreaterThan(latest.updatedAt + 4_999);
        }
        if (asked !== null && known.now - asked.at < 60_000) {
          // Only what came of the request itself can make it due again.
          expect(latest).toBeDefined();
          expect(latest?.id).not.toBe(asked.lastRecord);
        }
      }),
      { numRuns: 20_000 },
    );
    expect(due).toBeGreaterThan(500);
  });

  test('the same facts give the same answer, and never an error', () => {
    fc.assert(
      fc.property(facts, (known) => {
        expect(classify(known)).toEqual(classify(known));
      }),
    );
  });
});
