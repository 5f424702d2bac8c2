import { afterEach, describe, expect, test } from 'vitest';
import { pacing } from '../../../lib/evacuation/pacing.ts';
import { Rig } from './rig.ts';

let rig = new Rig();
afterEach(() => {
  expect(rig.nova.violations).toEqual([]);
});

/** So many instances on each of the first hosts. */
function cloud(instances: number, failing: readonly string[] = ['comp0'], seed = 1): Rig {
  rig = new Rig(seed, ['comp0', 'comp1', 'comp2', 'comp3']);
  for (const host of failing) {
    for (let index = 0; index < instances; index += 1) rig.nova.boot(`${host}-${index}`, host);
  }
  return rig;
}

function say(where: string, word: string | null): void {
  const attributes =
    where === 'cluster'
      ? rig.pacemaker.properties
      : (rig.pacemaker.nodes.get(where) ?? new Map<string, string>());
  if (where !== 'cluster') rig.pacemaker.nodes.set(where, attributes);
  if (word === null) attributes.delete('evacuation');
  else attributes.set('evacuation', word);
}

const left = (host: string) => (rig.nova.whereabouts()[host] ?? []).length;
const settings = (concurrency: number) => ({
  concurrency,
  onSharedStorage: true,
  evacuateDelayMs: 0,
  earlyReturn: 'release' as const,
});
const limits = (changes: object) => ({
  maxFailedPercent: 100,
  maxFailedPerAggregate: 0,
  maxHostsAtOnce: 0,
  ...changes,
});
const askedAt = (host: string) =>
  [...rig.nova.asked].filter(([id]) => id.startsWith(host)).flatMap(([, times]) => times);

describe("the operator's word", () => {
  test('pause in the middle, at any moment: within seconds nothing new is asked, what was asked for ends', async () => {
    for (let from = 500; from < 9_000; from += 700) {
      cloud(30, ['comp0'], from).fence('comp0');
      const running = rig.start(rig.ctl0, { settings: settings(3) });
      await rig.time.pass(from);
      say('cluster', 'pause');
      const pausedAt = rig.time.now();
      const outcome = await rig.time.until(running.outcome);
      // Marks and words are read every five seconds.
      expect([from, Math.max(0, ...askedAt('comp0')) <= pausedAt + 6_000]).toEqual([from, true]);
      expect(left('comp0')).toBeGreaterThan(0);
      expect(rig.nova.records.every(({ status }) => status === 'done')).toBe(true);
      expect(outcome).toMatchObject({ troubled: true, sentence: expect.stringMatching(/paused/) });
      expect(rig.isPending('comp0')).toBe(true);
      const asked = askedAt('comp0').length;
      await rig.time.pass(10_000);
      await rig.pass();
      expect(askedAt('comp0')).toHaveLength(asked);
      say('cluster', null);
      await rig.passes(10);
      expect([left('comp0'), rig.mark('comp0'), askedAt('comp0').length]).toEqual([0, 'no', 30]);
    }
  });

  test('go in the middle of a pass that has other work: it begins within seconds', async () => {
    cloud(40, ['comp0', 'comp1']);
    say('comp1', 'pause');
    rig.fence('comp0');
    rig.fence('comp1');
    const running = rig.start(rig.ctl0, { settings: settings(4) });
    await rig.time.pass(10_000);
    expect(askedAt('comp1')).toEqual([]);
    say('comp1', 'go');
    const at = rig.time.now();
    await rig.time.until(running.outcome);
    expect(Math.min(...askedAt('comp1')) - at).toBeLessThan(11_000);
    expect([left('comp0'), left('comp1')]).toEqual([0, 0]);
    expect(rig.logged('The evacuation of comp1 is no longer deferred.')).toHaveLength(1);
  });

  test('go overrides a limit, for one host or for all', async () => {
    for (const where of ['comp1', 'cluster']) {
      cloud(2, ['comp0', 'comp1']);
      rig.fence('comp0');
      await rig.time.pass(1_000);
      rig.fence('comp1');
      const more = { limits: limits({ maxFailedPercent: 25 }) };
      await rig.pass(rig.ctl0, more);
      expect([left('comp0'), left('comp1')]).toEqual([0, 2]);
      say(where, 'go');
      await rig.time.pass(10_000);
      await rig.pass(rig.ctl0, more);
      expect([where, left('comp1')]).toEqual([where, 0]);
    }
  });

  test('what has begun is not stopped by a limit that is exceeded later', async () => {
    cloud(20, ['comp0', 'comp1', 'comp2']);
    rig.fence('comp0');
    const more = { settings: settings(2), limits: limits({ maxFailedPercent: 25 }) };
    const running = rig.start(rig.ctl0, more);
    await rig.time.pass(4_000);
    rig.fence('comp1');
    rig.fence('comp2');
    const outcome = await rig.time.until(running.outcome);
    // What had gone there before it failed waits there as well.
    expect([left('comp0'), left('comp1') >= 20, left('comp2') >= 20]).toEqual([0, true, true]);
    expect([askedAt('comp1'), askedAt('comp2')]).toEqual([[], []]);
    expect(rig.mark('comp0')).toBe('no');
    expect(outcome.sentence).toMatch(/comp1.*max_failed_percent=25/);
  });
});

describe('hosts at once', () => {
  test('each has its turn in one pass, in the order in which they failed', async () => {
    cloud(4, ['comp2', 'comp0', 'comp1']);
    for (const host of ['comp2', 'comp0', 'comp1']) {
      rig.fence(host);
      await rig.time.pass(1_500);
    }
    const outcome = await rig.pass(rig.ctl0, { limits: limits({ maxHostsAtOnce: 1 }) });
    expect(outcome).toMatchObject({ troubled: false, sentence: null });
    expect(Math.max(...askedAt('comp2'))).toBeLessThan(Math.min(...askedAt('comp0')));
    expect(Math.max(...askedAt('comp0'))).toBeLessThan(Math.min(...askedAt('comp1')));
    expect([left('comp0'), left('comp1'), left('comp2')]).toEqual([0, 0, 0]);
  });

  test('one whose instances no host has room for gives its turn away', async () => {
    cloud(1, ['comp0', 'comp1']);
    rig.nova.instance('comp0-0').server.flavor = {
      id: null,
      name: 'huge',
      extraSpecs: {},
      size: { vcpus: 9_999, memoryMb: 9_999_999, rootGb: 1, ephemeralGb: 0, swapMb: 0 },
    };
    rig.fence('comp0');
    await rig.time.pass(1_000);
    rig.fence('comp1');
    for (let round = 0; round < 4; round += 1) {
      await rig.pass(rig.ctl0, { limits: limits({ maxHostsAtOnce: 1 }) });
      await rig.time.pass(10_000);
    }
    expect([left('comp0'), left('comp1')]).toEqual([1, 0]);
    expect([rig.isPending('comp0'), rig.mark('comp1')]).toEqual([true, 'no']);
  });
});

describe('a deferred host that is back', () => {
  test.each(['pause', 'limit'] as const)(
    'deferred by a %s: it is taken back, and starts what it ran',
    async (why) => {
      cloud(2, ['comp0', 'comp1']);
      const more = why === 'limit' ? { limits: limits({ maxFailedPercent: 25 }) } : {};
      if (why === 'pause') say('comp1', 'pause');
      rig.fence('comp0');
      await rig.time.pass(1_000);
      rig.fence('comp1');
      await rig.pass(rig.ctl0, more);
      expect([left('comp0'), left('comp1'), rig.isPending('comp1')]).toEqual([0, 2, true]);
      rig.boot('comp1');
      rig.nova.startCompute('comp1', false);
      for (let round = 0; round < 12 && rig.mark('comp1') !== ''; round += 1) {
        await rig.time.pass(10_000);
        await rig.pass(rig.ctl0, more);
      }
      await rig.time.pass(10_000);
      expect([rig.mark('comp1'), left('comp1'), askedAt('comp1')]).toEqual(['', 2, []]);
      expect(rig.nova.host('comp1')).toMatchObject({ forcedDown: false, enabled: true });
      for (const id of ['comp1-0', 'comp1-1']) expect(rig.nova.runsOn(id)).toEqual(['comp1']);
      expect(rig.logged('so it is released instead')).toHaveLength(1);
    },
  );
});

describe('how long a pass takes', () => {
  test('four minutes at most while evacuations go on; the next one goes on where it was', async () => {
    cloud(400).fence('comp0');
    const startedAt = rig.time.now();
    const outcome = await rig.pass(rig.ctl0, { settings: settings(4), timeoutMs: 600_000 });
    const took = rig.time.now() - startedAt;
    expect(took).toBeGreaterThan(235_000);
    expect(took).toBeLessThan(260_000);
    expect(outcome).toMatchObject({
      troubled: false,
      sentence: expect.stringMatching(/it goes on at the next pass\.$/),
    });
    const asked = askedAt('comp0');
    expect(Math.max(...asked) - startedAt).toBeLessThanOrEqual(240_000);
    await rig.passes(10, rig.ctl0, { settings: settings(4) });
    expect(left('comp0')).toBe(0);
    expect(askedAt('comp0')).toHaveLength(400);
  });

  test('half of a short timeout', async () => {
    cloud(200).fence('comp0');
    const startedAt = rig.time.now();
    await rig.pass(rig.ctl0, { settings: settings(4), timeoutMs: 60_000 });
    expect(rig.time.now() - startedAt).toBeLessThan(45_000);
    expect(rig.isPending('comp0')).toBe(true);
  });

  test('where all that is left waits for something else, it ends soon and says so', async () => {
    cloud(2).fence('comp0');
    say('cluster', 'pause');
    const startedAt = rig.time.now();
    await rig.pass();
    expect(rig.time.now() - startedAt).toBeLessThan(3_000);
    expect(rig.progress.at(-1)).toMatch(/^comp0: 0\/2 done, 2 deferred: comp0 is paused/);
  });

  test('a host that is marked while others are at work is taken up within seconds', async () => {
    cloud(40, ['comp0', 'comp1']).fence('comp0');
    const running = rig.start(rig.ctl0, { settings: settings(4) });
    await rig.time.pass(10_000);
    rig.fence('comp1');
    const at = rig.time.now();
    await rig.time.until(running.outcome);
    expect(Math.min(...askedAt('comp1')) - at).toBeLessThan(pacing.claimRefreshMs + 3_000);
    expect(left('comp1')).toBe(0);
  });
});
