import { describe, expect, test } from 'vitest';
import { hasOnlyFailed, keepHome } from '../../../../lib/evacuation/decide/keepHome.ts';
import type { InstanceClass } from '../../../../lib/evacuation/judge/instance.ts';

const classes = {
  finished: { kind: 'finished', moved: true, sentence: 's' },
  inFlight: { kind: 'inFlight', overdue: false, sentence: 's' },
  overdue: { kind: 'inFlight', overdue: true, sentence: 's' },
  look: { kind: 'look' },
  unknown: { kind: 'unknown', sentence: 's' },
  waiting: { kind: 'waiting', until: 0, sentence: 's' },
  due: { kind: 'due', attempt: 1, reset: false, sentence: 's' },
  deferred: { kind: 'deferred', sentence: 's' },
  failed: { kind: 'failed', attempts: 1, retryAt: 0, givenUp: false, sentence: 's' },
  nowhere: { kind: 'failed', attempts: 0, retryAt: 0, givenUp: false, sentence: 's' },
  cannot: { kind: 'cannot', sentence: 's' },
  excluded: { kind: 'excluded', sentence: 's' },
} as const satisfies Record<string, InstanceClass>;
type Name = keyof typeof classes;

describe('what is left on a machine that is back', () => {
  const stays = (names: readonly Name[], begun: boolean, setting: 'release' | 'evacuate') =>
    keepHome(
      names.map((name) => classes[name]),
      begun,
      setting,
    );

  test.each<[Name[], string, string, string, string]>([
    // instances, not begun with release, begun with release, not begun with evacuate, begun with evacuate
    [['due', 'due'], 'early', 'goes on', 'goes on', 'goes on'],
    [['due', 'cannot'], 'early', 'goes on', 'goes on', 'goes on'],
    [['failed', 'finished'], 'early', 'partly', 'partly', 'partly'],
    [['failed', 'due'], 'early', 'goes on', 'goes on', 'goes on'],
    [['nowhere'], 'early', 'partly', 'partly', 'partly'],
    [['cannot', 'excluded'], 'early', 'partly', 'partly', 'partly'],
  ])('%j', (names, ...expected) => {
    const is = [
      stays(names, false, 'release'),
      stays(names, true, 'release'),
      stays(names, false, 'evacuate'),
      stays(names, true, 'evacuate'),
    ].map((one) => one ?? 'goes on');
    expect(is).toEqual(expected);
  });

  test.each<Name>(['inFlight', 'overdue', 'look', 'unknown', 'waiting'])(
    'one that is %s may be under way: nothing stays (I3)',
    (name) => {
      for (const begun of [false, true]) {
        for (const setting of ['release', 'evacuate'] as const) {
          expect(stays(['failed', name, 'due'], begun, setting)).toBeNull();
        }
      }
    },
  );
});

test.each<[Name[], boolean]>([
  [['failed', 'finished', 'cannot', 'excluded'], true],
  // The host itself may be the only one that has room, or the disk.
  [['failed', 'deferred'], true],
  [['deferred', 'due'], false],
  [['deferred', 'inFlight'], false],
  [['failed', 'waiting'], false],
])('nothing is left but what has no other place: %j is %j', (names, expected) => {
  expect(hasOnlyFailed(names.map((name) => classes[name]))).toBe(expected);
});
