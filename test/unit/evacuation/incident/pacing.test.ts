import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  pacing,
  passBudgetMs,
  passHardLimitMs,
  passReportMs,
  retryPauseMs,
} from '../../../../lib/evacuation/incident/pacing.ts';

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
