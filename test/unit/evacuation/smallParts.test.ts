import type { Migration } from '@openstack-ts/nova-client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { InstanceClass } from '../../../lib/evacuation/classify.ts';
import {
  pacing,
  passBudgetMs,
  passHardLimitMs,
  passReportMs,
  retryPauseMs,
} from '../../../lib/evacuation/pacing.ts';
import { countProgress, progressText } from '../../../lib/evacuation/progress.ts';
import {
  failuresInARow,
  isDone,
  isFailed,
  isOpen,
  recordsByServer,
  recordsOf,
} from '../../../lib/evacuation/records.ts';

const record = (id: string, status: string, createdAt = 0, serverId = 'i'): Migration => ({
  id,
  serverId,
  status,
  sourceHost: 'comp0',
  destHost: 'comp1',
  createdAt,
  updatedAt: createdAt,
});

describe('records', () => {
  test.each([
    ['accepted', 'open'],
    ['pre-migrating', 'open'],
    ['migrating', 'open'],
    ['something new', 'open'],
    ['done', 'done'],
    ['completed', 'done'],
    ['error', 'failed'],
    ['failed', 'failed'],
    ['cancelled', 'failed'],
  ])('%s is %s', (status, kind) => {
    const one = record('1', status);
    expect([isOpen(one), isDone(one), isFailed(one)]).toEqual([
      kind === 'open',
      kind === 'done',
      kind === 'failed',
    ]);
  });

  test('completed before Nova had chosen a destination: nothing has gone anywhere', () => {
    const one = { ...record('1', 'completed'), destHost: null };
    expect([isOpen(one), isDone(one), isFailed(one)]).toEqual([false, false, true]);
  });

  test('are ordered by creation, then by number, whatever the order Nova gives', () => {
    const records = [
      record('10', 'done', 5),
      record('9', 'failed', 5),
      record('2', 'error', 1),
      record('1', 'done', 9, 'j'),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(records, { minLength: 4 }), (shuffled) => {
        expect(recordsOf(shuffled, 'i').map(({ id }) => id)).toEqual(['2', '9', '10']);
        expect(
          recordsByServer(shuffled)
            .get('i')
            ?.map(({ id }) => id),
        ).toEqual(['2', '9', '10']);
        expect(recordsByServer(shuffled).get('j')).toHaveLength(1);
      }),
    );
  });

  test.each([
    [[], 0],
    [['failed'], 1],
    [['error', 'failed', 'cancelled'], 3],
    [['failed', 'done', 'failed'], 1],
    [['failed', 'completed'], 0],
    // Left open by a destination that died: neither a failure nor an end of the row.
    [['failed', 'pre-migrating', 'failed'], 2],
  ])('failures in a row of %j: %d', (statuses, failures) => {
    expect(failuresInARow(statuses.map((status, index) => record(`${index}`, status, index)))).toBe(failures);
  });
});

describe('times', () => {
  test('the pause after a failure doubles from ten seconds to two minutes, until it is given up', () => {
    expect([1, 2, 3, 4, 5, 6, 100].map(retryPauseMs)).toEqual([
      10_000, 20_000, 40_000, 80_000, 120_000, 1_800_000, 1_800_000,
    ]);
    expect(retryPauseMs(0)).toBe(10_000);
  });

  test('a pass works for half of its timeout, four minutes at most, and gives up well before its end', () => {
    expect([20_000, 60_000, 120_000, 600_000].map(passBudgetMs)).toEqual([10_000, 30_000, 60_000, 240_000]);
    expect([20_000, 120_000, 600_000].map(passReportMs)).toEqual([10_000, 60_000, 60_000]);
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 3_600_000 }), (timeoutMs) => {
        expect(passBudgetMs(timeoutMs)).toBeLessThan(passHardLimitMs(timeoutMs));
        expect(passHardLimitMs(timeoutMs)).toBeLessThan(timeoutMs);
      }),
    );
  });

  test('a claim outlives many refreshes, and its claimant asks for nothing after it', () => {
    expect(pacing.claimRefreshMs).toBeLessThanOrEqual(20_000);
    expect(pacing.claimDeadAfterMs).toBe(60_000);
    const lastRequestEnds = pacing.claimGiveUpMs + pacing.claimRefreshMs;
    expect(lastRequestEnds).toBeLessThan(pacing.claimDeadAfterMs);
  });
});

describe('progress', () => {
  const classes: InstanceClass[] = [
    { kind: 'inFlight', overdue: false, sentence: '' },
    { kind: 'look' },
    { kind: 'due', attempt: 1, reset: false, sentence: '' },
    { kind: 'waiting', until: 0, sentence: '' },
    { kind: 'unknown', sentence: '' },
    { kind: 'failed', attempts: 1, retryAt: 0, givenUp: false, sentence: '' },
    { kind: 'deferred', sentence: '' },
    { kind: 'cannot', sentence: '' },
    { kind: 'excluded', sentence: '' },
    { kind: 'finished', moved: true, sentence: '' },
  ];

  test('each instance counts once', () => {
    const progress = countProgress(classes, 4);
    expect(progress).toEqual({
      total: 13,
      done: 4,
      inFlight: 2,
      waiting: 3,
      failed: 1,
      deferred: 1,
      left: 2,
    });
    expect(progressText(progress)).toBe('4/13 done, 2 in flight, 3 waiting, 1 failed, 1 deferred, 2 left');
  });

  test('what waits on a host that is deferred is deferred', () => {
    const progress = countProgress(classes, 4, true);
    expect(progressText(progress)).toBe('4/13 done, 2 in flight, 1 failed, 4 deferred, 2 left');
  });

  test('the time left follows', () => {
    expect(progressText(countProgress(classes, 4), 42_000)).toMatch(/2 left, about 50 s left$/);
  });

  test('zeros are left out', () => {
    expect(progressText(countProgress([], 3))).toBe('3/3 done');
    expect(progressText(countProgress([], 0))).toBe('0/0 done');
  });
});
