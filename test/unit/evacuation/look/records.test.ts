import { type Migration, serverId } from '@openstack-ts/nova-client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  failuresInARow,
  isDone,
  isFailed,
  isOpen,
  recordsByServer,
  recordsOf,
} from '../../../../lib/evacuation/look/records.ts';
import { named, plainly } from '../../names.ts';

const record = (id: string, status: string, createdAt = 0, serverId = 'i') =>
  named<Migration>({
    id,
    serverId,
    status,
    sourceHost: 'comp0',
    destHost: 'comp1',
    claimed: true,
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
        expect(plainly(recordsOf)(shuffled, 'i').map(({ id }) => id)).toEqual(['2', '9', '10']);
        expect(
          recordsByServer(shuffled)
            .get(serverId('i'))
            ?.map(({ id }) => id),
        ).toEqual(['2', '9', '10']);
        expect(recordsByServer(shuffled).get(serverId('j'))).toHaveLength(1);
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
