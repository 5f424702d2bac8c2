import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leftText, timeLeftMs } from '../../../../lib/evacuation/tell/estimate.ts';

/** One completion every `everyMs`, `count` of them. */
function steady(count: number, everyMs: number, startedAt = 0): number[] {
  return Array.from({ length: count }, (_, index) => startedAt + (index + 1) * everyMs);
}

describe('the time left', () => {
  test('nothing is known before three are done, or as many as remain', () => {
    const facts = { now: 5_000, startedAt: 0 };
    expect(timeLeftMs({ ...facts, doneAt: [], remaining: 1 })).toBeNull();
    expect(timeLeftMs({ ...facts, doneAt: steady(2, 1_000), remaining: 100 })).toBeNull();
    expect(timeLeftMs({ ...facts, doneAt: steady(3, 1_000), remaining: 100 })).not.toBeNull();
    expect(timeLeftMs({ ...facts, doneAt: [5_000], remaining: 1 })).toBe(5_000);
  });

  test('nothing remains: none', () => {
    expect(timeLeftMs({ doneAt: [], remaining: 0, now: 5_000, startedAt: 0 })).toBe(0);
  });

  test('a steady pace goes on', () => {
    expect(timeLeftMs({ doneAt: steady(20, 500), remaining: 80, now: 10_000, startedAt: 0 })).toBe(40_000);
    expect(timeLeftMs({ doneAt: steady(100, 500), remaining: 80, now: 50_000, startedAt: 0 })).toBe(40_000);
  });

  test('the pace of the last thirty counts, not what was before', () => {
    const slow = steady(50, 10_000);
    const quick = steady(30, 1_000, 500_000);
    const facts = { doneAt: [...slow, ...quick], remaining: 60, now: 530_000, startedAt: 0 };
    expect(timeLeftMs(facts)).toBe(60_000);
  });

  test('while nothing ends, it grows', () => {
    const facts = { doneAt: steady(10, 1_000), remaining: 10, startedAt: 0 };
    expect(timeLeftMs({ ...facts, now: 10_000 })).toBe(10_000);
    expect(timeLeftMs({ ...facts, now: 40_000 })).toBe(40_000);
  });

  test('a clock that was set back gives no negative time', () => {
    expect(timeLeftMs({ doneAt: steady(5, 1_000), remaining: 5, now: -60_000, startedAt: 0 })).toBe(0);
  });

  const times = fc.array(fc.nat(1_000_000), { minLength: 3, maxLength: 100 });

  test('never negative, and whole', () => {
    fc.assert(
      fc.property(times, fc.nat(1_000), fc.integer(), fc.integer(), (doneAt, remaining, now, startedAt) => {
        const left = timeLeftMs({ doneAt, remaining, now, startedAt });
        expect(left === null || (left >= 0 && Number.isFinite(left))).toBe(true);
      }),
    );
  });

  test('the order in which completions are told makes no difference, and more to do takes longer', () => {
    const many = fc.array(fc.nat(1_000_000), { minLength: 3, maxLength: 100, size: 'max' });
    fc.assert(
      fc.property(many, fc.integer({ min: 1, max: 500 }), (doneAt, remaining) => {
        const facts = { now: 1_000_000, startedAt: 0 };
        const left = timeLeftMs({ ...facts, doneAt, remaining });
        expect(timeLeftMs({ ...facts, doneAt: [...doneAt].reverse(), remaining })).toBe(left);
        const more = timeLeftMs({ ...facts, doneAt, remaining: remaining + 1 });
        if (left !== null && more !== null) expect(more).toBeGreaterThanOrEqual(left);
      }),
    );
  });

  test('with every completion at an even pace it shrinks, and is right within a tenth', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 200 }),
        fc.integer({ min: 100, max: 60_000 }),
        (total, everyMs) => {
          let before = Number.POSITIVE_INFINITY;
          for (let done = 3; done <= total; done += 1) {
            const now = done * everyMs;
            const left = timeLeftMs({
              doneAt: steady(done, everyMs),
              remaining: total - done,
              now,
              startedAt: 0,
            });
            expect(left).not.toBeNull();
            expect(left ?? 0).toBeLessThan(before);
            expect(Math.abs((left ?? 0) - (total - done) * everyMs)).toBeLessThanOrEqual(0.1 * everyMs);
            before = left ?? 0;
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});

test.each([
  [0, 'about 10 s left'],
  [1_000, 'about 10 s left'],
  [10_001, 'about 20 s left'],
  [37_000, 'about 40 s left'],
  [90_000, 'about 90 s left'],
  [90_001, 'about 2 min left'],
  [300_000, 'about 5 min left'],
  [5_400_000, 'about 90 min left'],
  [10_800_000, 'about 3 h left'],
])('%i ms: %s', (ms, text) => {
  expect(leftText(ms)).toBe(text);
});
