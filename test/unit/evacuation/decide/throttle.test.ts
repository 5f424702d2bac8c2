import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Throttle } from '../../../../lib/evacuation/decide/throttle.ts';
import { firstState, next, type ThrottleEvent } from '../../../../lib/evacuation/decide/throttleRules.ts';
import { readThrottle, type ThrottleState } from '../../../../lib/evacuation/decide/throttleState.ts';
import { bestFixed, evacuate, type LoadedNova } from './loadedNova.ts';

const bound = 64;

/** A throttle with a clock of its own, that all answers reach. */
function throttleAt(limit = 16, max = bound) {
  const clock = { now: 1_000_000 };
  const throttle = new Throttle(max, () => clock.now, { ...firstState(max, clock.now), limit });
  throttle.busy(true);
  const answers = (count: number, durationMs: number, apartMs = 300) => {
    for (let index = 0; index < count; index += 1) {
      clock.now += apartMs;
      throttle.accepted(durationMs);
    }
  };
  return { clock, throttle, answers };
}

describe('rising', () => {
  test('begins at 16, or at the bound', () => {
    expect(new Throttle(64, () => 0, null).limit).toBe(16);
    expect(new Throttle(5, () => 0, null).limit).toBe(5);
  });

  test('each quick answer is good for one more at first, up to 32 before a rebuild has succeeded', () => {
    const { throttle, answers } = throttleAt();
    answers(10, 200);
    expect(throttle.limit).toBe(26);
    answers(50, 200);
    expect(throttle.limit).toBe(32);
    throttle.done();
    answers(50, 200);
    expect(throttle.limit).toBe(bound);
  });

  test('never while the limit is not used up', () => {
    const { throttle, answers } = throttleAt();
    throttle.busy(false);
    answers(30, 200);
    expect(throttle.limit).toBe(16);
  });

  test('not by answers that take long', () => {
    const { throttle, answers } = throttleAt();
    answers(3, 500);
    answers(30, 2_000);
    expect(throttle.limit).toBe(19);
  });

  test('not while rebuilds fail now and then', () => {
    const { throttle, answers } = throttleAt();
    throttle.failed('rebuild');
    throttle.failed('rebuild');
    answers(30, 200);
    expect(throttle.limit).toBe(16);
  });

  test('no further once nothing has succeeded for two minutes', () => {
    const { throttle, clock, answers } = throttleAt(40);
    throttle.done();
    answers(1, 200);
    expect(throttle.limit).toBe(41);
    clock.now += 120_000;
    answers(10, 200);
    expect(throttle.limit).toBe(41);
  });
});

describe('falling', () => {
  test.each([
    ['rateLimited', 'Nova answered 429 (too many requests)'],
    ['serverError', 'Nova answered with a server error'],
    ['timeout', 'Nova did not answer in time'],
    ['unreachable', 'Nova could not be reached'],
  ] as const)('to half at the first refusal: %s', (kind, why) => {
    const { throttle } = throttleAt();
    throttle.refused(kind);
    expect(throttle.limit).toBe(8);
    expect(throttle.sentence()).toBe(`evacuations at the same time lowered from 16 to 8: ${why}`);
    expect(throttle.sentence()).toBeNull();
  });

  test('once in five seconds', () => {
    const { throttle, clock } = throttleAt(64);
    for (let index = 0; index < 20; index += 1) throttle.refused('rateLimited');
    expect(throttle.limit).toBe(32);
    clock.now += 4_999;
    throttle.refused('rateLimited');
    expect(throttle.limit).toBe(32);
    clock.now += 1;
    throttle.refused('rateLimited');
    expect(throttle.limit).toBe(22);
  });

  test('to two, and to one only after refusals in a row', () => {
    const { throttle, clock, answers } = throttleAt(4);
    const refuse = () => {
      clock.now += 5_000;
      throttle.refused('serverError');
    };
    refuse();
    expect(throttle.limit).toBe(2);
    refuse();
    expect(throttle.limit).toBe(2);
    answers(1, 200);
    refuse();
    refuse();
    expect(throttle.limit).toBe(2);
    refuse();
    expect(throttle.limit).toBe(1);
    refuse();
    expect(throttle.limit).toBe(1);
  });

  test('a late answer ends a row of refusals as well', () => {
    const { throttle, clock } = throttleAt(2);
    const refuse = () => {
      clock.now += 5_000;
      throttle.refused('timeout');
    };
    refuse();
    refuse();
    throttle.accepted(20_000);
    refuse();
    expect(throttle.limit).toBe(2);
  });

  test('when answers take far longer than at best', () => {
    const { throttle, answers } = throttleAt();
    throttle.busy(false);
    answers(4, 200);
    answers(4, 4_000);
    expect(throttle.limit).toBe(16);
    answers(1, 4_000);
    expect(throttle.limit).toBe(8);
    expect(throttle.sentence()).toBe(
      'evacuations at the same time lowered from 16 to 8: Nova took 4.0 s for an answer',
    );
  });

  test('answers to what was asked before the fall do not count', () => {
    const { throttle, clock, answers } = throttleAt(64);
    answers(1, 200);
    throttle.refused('rateLimited');
    expect(throttle.limit).toBe(32);
    clock.now += 6_000;
    answers(8, 10_000, 0);
    expect(throttle.limit).toBe(32);
    clock.now += 5_000;
    answers(8, 10_000, 0);
    expect(throttle.limit).toBe(22);
  });

  test('not because a small cloud answers a little slower while it rebuilds', () => {
    const { throttle, answers } = throttleAt();
    throttle.done();
    for (const ms of [150, 160, 170, 180, 200, 230, 860, 230, 860, 900, 860, 230]) answers(5, ms);
    expect(throttle.limit).toBe(bound);
  });

  test('not because a cloud is slow as such', () => {
    const { throttle, answers } = throttleAt();
    throttle.done();
    answers(50, 6_000);
    expect(throttle.limit).toBe(bound);
  });

  test('when several of the last rebuilds failed, not at one or two', () => {
    const { throttle } = throttleAt();
    for (let index = 0; index < 4; index += 1) throttle.done();
    throttle.failed('rebuild');
    throttle.failed('rebuild');
    expect(throttle.limit).toBe(16);
    throttle.failed('rebuild');
    expect(throttle.limit).toBe(8);
    expect(throttle.sentence()).toBe(
      'evacuations at the same time lowered from 16 to 8: 3 of the last 7 rebuilds failed',
    );
  });

  test('failures far apart are no reason', () => {
    const { throttle } = throttleAt();
    for (let round = 0; round < 20; round += 1) {
      throttle.failed('rebuild');
      for (let index = 0; index < 3; index += 1) throttle.done();
    }
    expect(throttle.limit).toBe(16);
  });

  test.each(['noValidHost', 'diskMissing'] as const)('never by %s', (kind) => {
    const { throttle } = throttleAt();
    for (let index = 0; index < 20; index += 1) throttle.failed(kind);
    expect(throttle.limit).toBe(16);
  });

  test('failures of what was accepted before the fall do not count', () => {
    const { throttle, clock } = throttleAt();
    const acceptedAt = clock.now - 1;
    throttle.refused('serverError');
    clock.now += 60_000;
    for (let index = 0; index < 16; index += 1) throttle.failed('rebuild', acceptedAt);
    expect(throttle.limit).toBe(8);
    for (let index = 0; index < 3; index += 1) throttle.failed('rebuild');
    expect(throttle.limit).toBe(5);
  });
});

describe('telling', () => {
  test('once at each change of direction', () => {
    const { throttle, clock, answers } = throttleAt();
    throttle.done();
    const refuse = () => {
      clock.now += 5_000;
      throttle.refused('rateLimited');
      return throttle.sentence();
    };
    expect(refuse()).toBe(
      'evacuations at the same time lowered from 16 to 8: Nova answered 429 (too many requests)',
    );
    expect(refuse()).toBeNull();
    expect(throttle.limit).toBe(5);
    answers(40, 200);
    expect(throttle.sentence()).toBe(
      'evacuations at the same time raised again from 5 to 10: Nova answers quickly',
    );
    answers(40, 200);
    expect(throttle.sentence()).toBeNull();
    expect(refuse()).toMatch(/^evacuations at the same time lowered from \d+ to \d+: Nova answered 429/);
  });

  test('what a pass did not fetch, the next one does', () => {
    const { throttle, clock } = throttleAt();
    throttle.refused('timeout');
    const kept = readThrottle(JSON.parse(JSON.stringify(throttle.state)));
    const later = new Throttle(bound, () => clock.now, kept);
    expect(later.sentence()).toBe(
      'evacuations at the same time lowered from 16 to 8: Nova did not answer in time',
    );
  });
});

describe('from pass to pass', () => {
  test('what was learnt is kept for ten minutes, within the bound of the day', () => {
    const { throttle, clock, answers } = throttleAt();
    throttle.done();
    answers(100, 200);
    const kept = readThrottle(JSON.parse(JSON.stringify(throttle.state)));
    expect(kept).toEqual(throttle.state);
    expect(new Throttle(bound, () => clock.now + 599_999, kept).limit).toBe(64);
    expect(new Throttle(20, () => clock.now, kept).limit).toBe(20);
    expect(new Throttle(bound, () => clock.now + 600_000, kept).limit).toBe(16);
  });

  test('a clock that was set back counts as nothing learnt', () => {
    const { throttle, clock } = throttleAt(40);
    expect(new Throttle(bound, () => clock.now - 3_600_000, throttle.state).limit).toBe(16);
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['a list', []],
    ['another shape', { limit: '16' }],
    ['a limit of zero', { ...firstState(16, 0), limit: 0 }],
    ['a limit that is no number', { ...firstState(16, 0), limit: Number.NaN }],
    ['a fraction', { ...firstState(16, 0), limit: 2.5 }],
  ])('%s is no state', (_, data) => {
    expect(readThrottle(data)).toBeNull();
  });

  test('whatever a file holds: what is read can be worked with', () => {
    const damaged = fc.record(
      {
        limit: fc.oneof(fc.integer(), fc.anything()),
        at: fc.oneof(fc.nat(), fc.anything()),
        credit: fc.oneof(fc.nat(), fc.anything()),
        refusals: fc.oneof(fc.nat(), fc.anything()),
        low: fc.oneof(fc.nat(), fc.anything()),
        told: fc.constantFrom('up', 'down', 'left'),
        answersMs: fc.oneof(fc.array(fc.anything()), fc.anything()),
        rebuilds: fc.oneof(fc.array(fc.anything()), fc.anything()),
        ceiling: fc.anything(),
      },
      { requiredKeys: ['limit', 'at', 'credit', 'refusals', 'low', 'told'] },
    );
    fc.assert(
      fc.property(damaged, (data) => {
        const state = readThrottle(data);
        if (state === null) return;
        const throttle = new Throttle(bound, () => state.at, state);
        throttle.busy(true);
        throttle.accepted(200);
        throttle.refused('timeout');
        expect(throttle.limit).toBeGreaterThanOrEqual(1);
        expect(throttle.limit).toBeLessThanOrEqual(bound);
      }),
    );
  });
});

const steps = fc.array(
  fc.tuple(
    fc.nat(10_000),
    fc.oneof(
      fc.record({ what: fc.constant('accepted' as const), durationMs: fc.nat(40_000) }),
      fc.record({
        what: fc.constant('refused' as const),
        kind: fc.constantFrom('rateLimited' as const, 'timeout' as const),
      }),
      fc.record({ what: fc.constant('done' as const) }),
      fc.record({
        what: fc.constant('failed' as const),
        kind: fc.constantFrom('rebuild' as const, 'noValidHost' as const),
        acceptedAt: fc.nat(10_000),
      }),
      fc.record({ what: fc.constant('busy' as const), busy: fc.boolean() }),
    ),
  ),
  { maxLength: 200 },
);

test('whatever happens: within one and the bound, whole, up by one, down by half at most, never up while not busy', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), steps, (max, all) => {
      let state: ThrottleState = firstState(max, 0);
      let now = 0;
      for (const [ms, what] of all) {
        now += ms;
        const event: ThrottleEvent = { ...what, at: now };
        const after = next(state, event, max);
        expect(Number.isInteger(after.limit)).toBe(true);
        expect(after.limit).toBeLessThanOrEqual(Math.min(max, state.limit + 1));
        expect(after.limit).toBeGreaterThanOrEqual(Math.max(1, Math.floor(state.limit / 2)));
        if (after.limit > state.limit) expect(state.busy).toBe(true);
        if (after.limit < state.limit && state.fellAt !== null) {
          expect(now - state.fellAt).toBeGreaterThanOrEqual(5_000);
        }
        state = after;
      }
    }),
  );
});

describe('a closed loop', () => {
  const over = (inFlight: number, capacity: number) => Math.max(1, inFlight / capacity);
  /** Everything is quick, and it bears any number. */
  const fast: LoadedNova = {
    answerMs: () => 200,
    rebuildMs: () => 5_000,
    refuses: () => false,
    failureRate: () => 0,
  };
  const refusing = (capacity: number): LoadedNova => ({ ...fast, refuses: (n) => n >= capacity });
  /** Beyond its capacity it does no more in the same time, and answers slowly; far beyond it refuses. */
  const saturating = (capacity: number): LoadedNova => ({
    ...fast,
    answerMs: (n) => 400 * over(n, capacity) ** 2,
    rebuildMs: (n) => 5_000 * over(n, capacity),
    refuses: (n) => n >= 1.5 * capacity,
  });
  /** Beyond its capacity it does less and less. */
  const thrashing = (capacity: number): LoadedNova => ({
    ...fast,
    answerMs: (n) => 1_000 * over(n, capacity) ** 3,
    rebuildMs: (n) => 5_000 * over(n, capacity) ** 1.5,
  });
  const failing = (capacity: number): LoadedNova => ({
    ...fast,
    failureRate: (n) => Math.min(0.9, (2 * Math.max(0, n - capacity)) / n),
  });
  /** A conductor that works on ten; answers slow down as its processors do (measured: 0.15 s at 10, 0.23 s at 50). */
  const small: LoadedNova = { ...fast, answerMs: (n) => 130 + 2 * n, rebuildMs: (n) => 2_500 * over(n, 10) };

  const adaptive = { kind: 'adaptive', bound } as const;

  /** Limits of the second half of a run. */
  const settled = (nova: LoadedNova, count: number) => {
    const { limits, tookMs } = evacuate(nova, count, adaptive);
    return limits.filter(({ at }) => at > tookMs / 2).map(({ limit }) => limit);
  };

  test('a fast Nova: the bound is reached within two rounds', () => {
    const { limits, sentences } = evacuate(fast, 1_000, adaptive);
    const reached = limits.find(({ limit }) => limit === bound);
    expect(reached?.at).toBeLessThan(12_000);
    expect(limits.at(-1)?.limit).toBe(bound);
    expect(sentences).toEqual([]);
  });

  test('a small Nova is never throttled, and 200 instances take no longer than all at once', () => {
    const run = evacuate(small, 200, adaptive);
    expect(run.sentences).toEqual([]);
    expect(run.limits.map(({ limit }) => limit)).toEqual(
      [...run.limits.map(({ limit }) => limit)].sort((a, b) => a - b),
    );
    const allAtOnce = (200 / 10) * 2_500;
    expect(run.tookMs).toBeLessThanOrEqual(1.1 * allAtOnce);
  });

  describe.each([4, 8, 12, 20, 30, 50])('with a capacity of %i', (capacity) => {
    const count = 30 * capacity;
    const share = (nova: LoadedNova) =>
      bestFixed(nova, count, capacity) / evacuate(nova, count, adaptive).tookMs;

    test('Nova refuses beyond it', () => {
      expect(share(refusing(capacity))).toBeGreaterThanOrEqual(0.85);
      const limits = settled(refusing(capacity), count);
      expect(Math.max(...limits)).toBeLessThanOrEqual(capacity + 1);
      expect(Math.min(...limits)).toBeGreaterThanOrEqual(Math.floor(0.7 * capacity));
      const { refusals, sentences, tookMs } = evacuate(refusing(capacity), count, adaptive);
      expect(refusals).toBeLessThanOrEqual(tookMs / 5_000);
      expect(sentences.length).toBeLessThanOrEqual(3);
    });

    test('Nova saturates', () => {
      expect(share(saturating(capacity))).toBeGreaterThanOrEqual(0.9);
      const limits = settled(saturating(capacity), count);
      expect(Math.max(...limits, 0)).toBeLessThanOrEqual(1.5 * capacity + 1);
    });

    test('Nova does less and less', () => {
      // A small one has to get over the sixteen of the beginning first.
      expect(share(thrashing(capacity))).toBeGreaterThanOrEqual(capacity < 12 ? 0.6 : 0.8);
      const limits = settled(thrashing(capacity), count);
      expect(Math.max(...limits, 0)).toBeLessThanOrEqual(1.5 * capacity + 1);
    });

    test('rebuilds fail', () => {
      expect(share(failing(capacity))).toBeGreaterThanOrEqual(capacity < 12 ? 0.6 : 0.7);
      const limits = settled(failing(capacity), count);
      expect(Math.max(...limits)).toBeLessThanOrEqual(Math.max(1.5 * capacity, capacity + 5));
    });
  });

  test('a Nova that recovers is used again', () => {
    let capacity = 6;
    let asked = 0;
    const nova: LoadedNova = {
      ...fast,
      refuses: (n) => {
        asked += 1;
        if (asked > 150) capacity = 1_000;
        return n >= capacity;
      },
    };
    const { limits, sentences } = evacuate(nova, 2_000, adaptive);
    expect(Math.max(...limits.filter(({ at }) => at < 30_000).map(({ limit }) => limit))).toBeLessThan(17);
    expect(limits.at(-1)?.limit).toBe(bound);
    expect(sentences).toHaveLength(2);
    expect(sentences[1]).toMatch(/^evacuations at the same time raised again from \d+ to \d+/);
  });
});
