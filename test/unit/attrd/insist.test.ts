import { beforeEach, describe, expect, test } from 'vitest';
import { AttrdError, insist } from '../../../lib/attrd/index.ts';

/** Time that only sleeping moves. */
let now = 0;
let calls = 0;
beforeEach(() => {
  now = 0;
  calls = 0;
});
const clock = {
  now: () => now,
  sleep: async (ms: number) => {
    now += ms;
  },
};
const patience = { clock, forMs: 8_000, until: 60_000 };
const failed = new AttrdError('failed', 'a tool ended with 1');

/** Fails so many times, each after some time, before it answers. */
function attempt(times: number, tookMs = 0, error: Error = failed): () => Promise<string> {
  return async () => {
    calls += 1;
    now += tookMs;
    if (calls <= times) throw error;
    return 'answer';
  };
}

describe('insist', () => {
  test.each([0, 1, 2, 3])('%d failures are no answer', async (times) => {
    expect(await insist(patience, attempt(times))).toBe('answer');
    expect(calls).toBe(times + 1);
  });

  test.each<AttrdError['code']>(['failed', 'malformed', 'noCluster', 'timeout'])(
    '%s is asked again',
    async (code) => {
      expect(await insist(patience, attempt(1, 0, new AttrdError(code, 'x')))).toBe('answer');
    },
  );

  test('one that hangs once is asked again, as long as there is time to begin', async () => {
    expect(await insist(patience, attempt(1, 6_000))).toBe('answer');
    calls = 0;
    now = 0;
    await expect(insist(patience, attempt(9, 6_000))).rejects.toBe(failed);
    expect(calls).toBe(2);
  });

  test('the patience ends, with the last failure', async () => {
    await expect(insist(patience, attempt(99))).rejects.toBe(failed);
    expect(now).toBeLessThanOrEqual(8_000);
    expect(calls).toBeGreaterThan(4);
  });

  test('the end of the action comes first', async () => {
    await expect(insist({ ...patience, until: 2_000 }, attempt(99))).rejects.toBe(failed);
    expect(now).toBeLessThanOrEqual(2_000);
  });

  test.each([
    ['a tool that is not installed', new AttrdError('missing', 'not installed')],
    ['a mistake of ours', new TypeError('x is not a function')],
  ])('%s is not asked for again', async (_, error) => {
    await expect(insist(patience, attempt(1, 0, error))).rejects.toBe(error);
    expect(calls).toBe(1);
  });

  test('without patience it asks once', async () => {
    await expect(insist(null, attempt(1))).rejects.toBe(failed);
    expect(calls).toBe(1);
  });

  test('what does not satisfy is asked for again, and given back in the end', async () => {
    expect(await insist(patience, attempt(0), () => now >= 3_000)).toBe('answer');
    expect(now).toBeGreaterThanOrEqual(3_000);
    expect(await insist(patience, attempt(0), () => false)).toBe('answer');
  });
});
