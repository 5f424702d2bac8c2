import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../../agents/shared/systemClock.ts';
import { processTime } from '../../../lib/system/processTime.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('the time of day, also after somebody has set the clock', () => {
  const now = Date.now();
  expect(Math.abs(processTime() - now)).toBeLessThan(1_000);
  expect(Number.isInteger(processTime())).toBe(true);
  for (const step of [3_600_000, -3_600_000]) {
    vi.spyOn(Date, 'now').mockReturnValue(now + step);
    expect(Math.abs(processTime() - now)).toBeLessThan(10_000);
    expect(Math.abs(systemClock.now() - now)).toBeLessThan(10_000);
  }
});
