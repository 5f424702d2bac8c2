import { expect, test } from 'vitest';
import { pacing } from '../../../../lib/evacuation/incident/pacing.ts';
import { isSilentFor, type Silence, silenceAfter } from '../../../../lib/evacuation/look/silence.ts';

const { placementSilentMs, silenceGapMs } = pacing;

/** Asked at each of these times in vain. */
function askedAt(...times: readonly number[]): Silence | null {
  let silence: Silence | null = null;
  for (const at of times) silence = silenceAfter(silence, false, at);
  return silence;
}

test('it counts from the first question to the last, while they are asked again and again', () => {
  const often = Array.from({ length: 7 }, (_, index) => index * 50_000);
  expect(isSilentFor(askedAt(...often), placementSilentMs)).toBe(true);
  expect(isSilentFor(askedAt(...often.slice(0, -1)), placementSilentMs)).toBe(false);
});

test('two questions that lie minutes apart are no silence of minutes', () => {
  expect(isSilentFor(askedAt(0, placementSilentMs + 1), placementSilentMs)).toBe(false);
  expect(askedAt(0, silenceGapMs + 1)).toEqual({ since: silenceGapMs + 1, until: silenceGapMs + 1 });
});

test('one answer ends it, and a clock that was set back begins anew', () => {
  expect(silenceAfter(askedAt(0, 50_000), true, 60_000)).toBeNull();
  expect(silenceAfter(askedAt(100_000, 150_000), false, 10_000)).toEqual({ since: 10_000, until: 10_000 });
});
