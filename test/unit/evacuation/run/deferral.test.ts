import { afterEach, describe, expect, test } from 'vitest';
import { pacing } from '../../../../lib/evacuation/incident/pacing.ts';
import type { Configuration } from '../../../simulators/world/controller.ts';
import { Scene } from '../scene.ts';

let scene = new Scene();
afterEach(() => {
  expect(scene.violations).toEqual([]);
});

/** So many instances on each of the first hosts. */
function cloud(instances: number, failing: readonly string[] = ['comp0'], seed = 1): void {
  scene = new Scene(seed);
  for (const host of failing) scene.bootSome(instances, host, `${host}-`);
}

const say = (where: string, word: string | null) => scene.say(where === 'cluster' ? '' : where, word);
const left = (host: string) => scene.left(host).length;
const settings = (concurrency: number) => ({
  concurrency,
  onSharedStorage: true,
  evacuateDelayMs: 0,
  earlyReturn: 'release' as const,
});
/** The observer goes by them as well. */
const limit = (changes: Partial<Configuration['limits']>) =>
  scene.configure({ limits: { ...scene.configuration.limits, ...changes } });
const askedAt = (host: string) =>
  [...scene.asked].filter(([id]) => id.startsWith(host)).flatMap(([, times]) => times);

describe("the operator's word", () => {
  test('pause in the middle, at any moment: within seconds nothing new is asked, what was asked for ends', async () => {
    for (let from = 500; from < 9_000; from += 700) {
      cloud(30, ['comp0'], from);
      await scene.fence('comp0');
      const running = scene.begin(scene.ctl0, { settings: settings(3) });
      await scene.time.pass(from);
      say('cluster', 'pause');
      const pausedAt = scene.time.now();
      const outcome = await scene.end(running);
      // Marks and words are read every five seconds.
      expect([from, Math.max(0, ...askedAt('comp0')) <= pausedAt + 6_000]).toEqual([from, true]);
      expect(left('comp0')).toBeGreaterThan(0);
      expect(scene.records.every(({ status }) => status === 'done')).toBe(true);
      expect(outcome).toMatchObject({ troubled: true, sentence: expect.stringMatching(/paused/) });
      expect(scene.isPending('comp0')).toBe(true);
      const asked = askedAt('comp0').length;
      await scene.time.pass(10_000);
      await scene.outcome();
      expect(askedAt('comp0')).toHaveLength(asked);
      say('cluster', null);
      await scene.passes(10);
      expect([left('comp0'), scene.mark('comp0'), askedAt('comp0').length]).toEqual([0, 'no', 30]);
    }
  });

  test('go in the middle of a pass that has other work: it begins within seconds', async () => {
    cloud(40, ['comp0', 'comp1']);
    say('comp1', 'pause');
    await scene.fence('comp0');
    await scene.fence('comp1');
    const running = scene.begin(scene.ctl0, { settings: settings(4) });
    await scene.time.pass(10_000);
    expect(askedAt('comp1')).toEqual([]);
    say('comp1', 'go');
    const at = scene.time.now();
    await scene.end(running);
    expect(Math.min(...askedAt('comp1')) - at).toBeLessThan(11_000);
    expect([left('comp0'), left('comp1')]).toEqual([0, 0]);
    expect(scene.logged('The evacuation of comp1 is no longer deferred.')).toHaveLength(1);
  });

  test('go overrides a limit, for one host or for all', async () => {
    for (const where of ['comp1', 'cluster']) {
      cloud(2, ['comp0', 'comp1']);
      await scene.fence('comp0');
      await scene.time.pass(1_000);
      await scene.fence('comp1');
      limit({ maxFailedPercent: 25 });
      await scene.outcome();
      expect([left('comp0'), left('comp1')]).toEqual([0, 2]);
      say(where, 'go');
      await scene.time.pass(10_000);
      await scene.outcome();
      expect([where, left('comp1')]).toEqual([where, 0]);
    }
  });

  test('what has begun is not stopped by a limit that is exceeded later', async () => {
    cloud(20, ['comp0', 'comp1', 'comp2']);
    await scene.fence('comp0');
    limit({ maxFailedPercent: 25 });
    const running = scene.begin(scene.ctl0, { settings: settings(2) });
    await scene.time.pass(4_000);
    await scene.fence('comp1');
    await scene.fence('comp2');
    const outcome = await scene.end(running);
    // What had gone there before it failed waits there as well.
    expect([left('comp0'), left('comp1') >= 20, left('comp2') >= 20]).toEqual([0, true, true]);
    expect([askedAt('comp1'), askedAt('comp2')]).toEqual([[], []]);
    expect(scene.mark('comp0')).toBe('no');
    expect(outcome.sentence).toMatch(/comp[12].*max_failed_percent=25/);
  });
});

describe('hosts at once', () => {
  test('each has its turn in one pass, in the order in which they failed', async () => {
    cloud(4, ['comp2', 'comp0', 'comp1']);
    for (const host of ['comp2', 'comp0', 'comp1']) {
      await scene.fence(host);
      await scene.time.pass(1_500);
    }
    limit({ maxHostsAtOnce: 1 });
    const outcome = await scene.outcome();
    expect(outcome).toMatchObject({ troubled: false, sentence: null });
    expect(Math.max(...askedAt('comp2'))).toBeLessThan(Math.min(...askedAt('comp0')));
    expect(Math.max(...askedAt('comp0'))).toBeLessThan(Math.min(...askedAt('comp1')));
    expect([left('comp0'), left('comp1'), left('comp2')]).toEqual([0, 0, 0]);
  });

  test('one whose instances no host has room for gives its turn away', async () => {
    scene = new Scene();
    scene.cloud.addFlavor('small');
    scene.cloud.addFlavor('huge', { memoryMb: 9_999_999 });
    scene.boot('comp0-0', 'comp0', { flavor: 'huge' });
    scene.boot('comp1-0', 'comp1');
    limit({ maxHostsAtOnce: 1 });
    await scene.fence('comp0');
    await scene.time.pass(1_000);
    await scene.fence('comp1');
    for (let round = 0; round < 4; round += 1) {
      await scene.outcome();
      await scene.time.pass(10_000);
    }
    expect([left('comp0'), left('comp1')]).toEqual([1, 0]);
    expect([scene.isPending('comp0'), scene.mark('comp1')]).toEqual([true, 'no']);
  });

  test('what a destination had begun that fell silent keeps the turn, until it is overdue', async () => {
    cloud(1, ['comp0', 'comp1']);
    limit({ maxHostsAtOnce: 1 });
    await scene.fence('comp0');
    const begun = () => scene.records.find(({ status }) => status === 'pre-migrating');
    const running = scene.begin();
    for (let look = 0; look < 100 && begun() === undefined; look += 1) await scene.time.pass(100);
    scene.cloud.freezeCompute(begun()?.destHost ?? '', { inMidWork: true });
    await scene.fence('comp1');
    await scene.end(running);
    const begin = scene.time.now();
    while (scene.time.now() - begin < 1_800_000 && left('comp1') > 0) {
      await scene.outcome();
      await scene.time.pass(10_000);
    }
    const [first = 0] = askedAt('comp0');
    const [second = 0] = askedAt('comp1');
    expect(second - first).toBeGreaterThan(600_000);
    expect([left('comp0'), left('comp1')]).toEqual([1, 0]);
  });

  test('one evacuation that never ends gives the turn back once it is overdue', async () => {
    cloud(3, ['comp0', 'comp1']);
    // What Nova accepted, and its message bus lost.
    scene.addRecord('comp0-0', { status: 'accepted' });
    scene.changeServer('comp0-0', { task: 'rebuilding' });
    limit({ maxHostsAtOnce: 1 });
    await scene.fence('comp0');
    await scene.time.pass(1_000);
    await scene.fence('comp1');
    const begin = scene.time.now();
    while (scene.time.now() - begin < 1_800_000 && left('comp1') > 0) {
      await scene.outcome();
      await scene.time.pass(10_000);
    }
    expect([left('comp0'), left('comp1'), scene.mark('comp1')]).toEqual([1, 0, 'no']);
  });

  test('hosts that waited for room have their turns one after the other as well', async () => {
    const names = ['comp0', 'comp1', 'comp2', 'comp3'];
    const targets = ['comp4', 'comp5', 'comp6'];
    scene = new Scene(6, { nodes: [...names, ...targets] });
    for (const host of names) scene.bootSome(4, host, `${host}-`);
    const give = (memoryMb: number) => {
      for (const target of targets) scene.host(target).capacity.MEMORY_MB = memoryMb;
    };
    give(0);
    limit({ maxHostsAtOnce: 1 });
    for (const host of names) {
      await scene.fence(host);
      await scene.time.pass(1_000);
    }
    for (let round = 0; round < 4; round += 1) {
      await scene.outcome();
      await scene.time.pass(10_000);
    }
    expect(names.map((host) => askedAt(host).length)).toEqual([0, 0, 0, 0]);
    give(100_000);
    // That no two are at it at the same time the observer sees.
    await scene.passes(20);
    expect([scene.violations, names.map(left)]).toEqual([[], [0, 0, 0, 0]]);
  });
});

describe('a deferred host that is back', () => {
  test.each(['pause', 'limit'] as const)(
    'deferred by a %s: it is taken back, and starts what it ran',
    async (why) => {
      cloud(2, ['comp0', 'comp1']);
      if (why === 'limit') limit({ maxFailedPercent: 25 });
      if (why === 'pause') say('comp1', 'pause');
      await scene.fence('comp0');
      await scene.time.pass(1_000);
      await scene.fence('comp1');
      await scene.outcome();
      expect([left('comp0'), left('comp1'), scene.isPending('comp1')]).toEqual([0, 2, true]);
      scene.site.boot('comp1');
      scene.site.startCompute('comp1');
      for (let round = 0; round < 12 && scene.mark('comp1') !== ''; round += 1) {
        await scene.time.pass(10_000);
        await scene.outcome();
      }
      await scene.time.pass(10_000);
      expect([scene.mark('comp1'), left('comp1'), askedAt('comp1')]).toEqual(['', 2, []]);
      expect(scene.host('comp1')).toMatchObject({ forcedDown: false, disabled: false });
      expect(scene.oddities()).toEqual([]);
      expect(scene.logged('so it is released instead')).toHaveLength(1);
    },
  );
});

describe('how long a pass takes', () => {
  test('four minutes at most while evacuations go on; the next one goes on where it was', async () => {
    cloud(400);
    await scene.fence('comp0');
    const startedAt = scene.time.now();
    const outcome = await scene.outcome(scene.ctl0, { settings: settings(4), timeoutMs: 600_000 });
    const took = scene.time.now() - startedAt;
    expect(took).toBeGreaterThan(235_000);
    expect(took).toBeLessThan(260_000);
    expect(outcome).toMatchObject({
      troubled: false,
      sentence: expect.stringMatching(/it goes on at the next pass\.$/),
    });
    const asked = askedAt('comp0');
    expect(Math.max(...asked) - startedAt).toBeLessThanOrEqual(240_000);
    await scene.passes(10, scene.ctl0, { settings: settings(4) });
    expect(left('comp0')).toBe(0);
    expect(askedAt('comp0')).toHaveLength(400);
  });

  test('half of a short timeout', async () => {
    cloud(200);
    await scene.fence('comp0');
    const startedAt = scene.time.now();
    await scene.outcome(scene.ctl0, { settings: settings(4), timeoutMs: 60_000 });
    expect(scene.time.now() - startedAt).toBeLessThan(45_000);
    expect(scene.isPending('comp0')).toBe(true);
  });

  test('where all that is left waits for something else, it ends soon and says so', async () => {
    cloud(2);
    await scene.fence('comp0');
    say('cluster', 'pause');
    const startedAt = scene.time.now();
    await scene.outcome();
    expect(scene.time.now() - startedAt).toBeLessThan(3_000);
    expect(scene.progress.at(-1)).toMatch(/^comp0: 0\/2 done, 2 deferred: comp0 is paused/);
  });

  test('a host that is marked while others are at work is taken up within seconds', async () => {
    cloud(40, ['comp0', 'comp1']);
    await scene.fence('comp0');
    const running = scene.begin(scene.ctl0, { settings: settings(4) });
    await scene.time.pass(10_000);
    await scene.fence('comp1');
    const at = scene.time.now();
    await scene.end(running);
    expect(Math.min(...askedAt('comp1')) - at).toBeLessThan(pacing.claimRefreshMs + 3_000);
    expect(left('comp1')).toBe(0);
  });
});
