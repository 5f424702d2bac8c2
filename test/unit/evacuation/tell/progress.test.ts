import { describe, expect, test } from 'vitest';
import type { InstanceClass } from '../../../../lib/evacuation/judge/instance.ts';
import { countProgress, progressText } from '../../../../lib/evacuation/tell/progress.ts';

describe('progress', () => {
  const classes: InstanceClass[] = [
    { kind: 'inFlight', overdue: false, sentence: '' },
    { kind: 'look' },
    { kind: 'due', attempt: 1, reset: false, sentence: '' },
    { kind: 'waiting', until: 0, sentence: '' },
    { kind: 'unknown', sentence: '' },
    { kind: 'failed', attempts: 1, retryAt: 0, givenUp: false, sentence: '' },
    { kind: 'deferred', sentence: '' },
    { kind: 'held', stopsHost: false, sentence: '' },
    { kind: 'cannot', sentence: '' },
    { kind: 'excluded', sentence: '' },
    { kind: 'finished', moved: true, sentence: '' },
  ];

  test('each instance counts once', () => {
    const progress = countProgress(classes, 4);
    expect(progress).toEqual({
      total: 14,
      done: 4,
      inFlight: 2,
      waiting: 3,
      failed: 1,
      deferred: 1,
      held: 1,
      left: 2,
    });
    expect(progressText(progress)).toBe(
      '4/14 done, 2 in flight, 3 waiting, 1 failed, 1 deferred, 1 held, 2 left',
    );
  });

  test('what waits on a host that is deferred is deferred', () => {
    const progress = countProgress(classes, 4, true);
    expect(progressText(progress)).toBe('4/14 done, 2 in flight, 1 failed, 4 deferred, 1 held, 2 left');
  });

  test('the time left follows', () => {
    expect(progressText(countProgress(classes, 4), 42_000)).toMatch(/2 left, about 50 s left$/);
  });

  test('zeros are left out', () => {
    expect(progressText(countProgress([], 3))).toBe('3/3 done');
    expect(progressText(countProgress([], 0))).toBe('0/0 done');
  });
});
