import { afterEach, describe, expect, test } from 'vitest';
import { Rig } from './rig.ts';

let rig = new Rig();
afterEach(() => {
  expect(rig.nova.violations).toEqual([]);
});

const onComp0 = () => rig.nova.whereabouts()['comp0'] ?? [];
const changes = () =>
  rig.nova.calls.filter((call) => /^(set|enable|disable|reboot|start|stop|evac)/.test(call));
const runsEverywhere = () => {
  for (const { server } of rig.nova.instances.values())
    expect(rig.nova.runsOn(server.id)).toEqual([server.host]);
};

function fenced(instances = 3, seed = 1): Rig {
  rig = new Rig(seed);
  for (let index = 0; index < instances; index += 1) rig.nova.boot(`i${index}`, 'comp0');
  rig.fence('comp0');
  return rig;
}

async function evacuated(instances = 3, seed = 1): Promise<Rig> {
  fenced(instances, seed);
  await rig.passes(20);
  expect(rig.mark('comp0')).toBe('no');
  rig.nova.calls.length = 0;
  return rig;
}

/** Monitors, ten seconds apart, until the mark is gone. */
async function monitors(most: number, more = {}): Promise<(string | null)[]> {
  const sentences: (string | null)[] = [];
  for (let count = 0; count < most && rig.mark('comp0') !== ''; count += 1) {
    sentences.push((await rig.pass(rig.ctl0, more)).sentence);
    await rig.time.pass(10_000);
  }
  return sentences;
}

describe('NovaEvacuate takes back what it evacuated', () => {
  test('nova-compute started by itself: heartbeats, records, up, enabled, mark removed', async () => {
    await evacuated();
    rig.boot('comp0');
    rig.nova.startCompute('comp0');
    await monitors(6);
    expect(rig.mark('comp0')).toBe('');
    expect(changes()).toEqual(['setForcedDown comp0', 'enableService comp0']);
    expect(rig.logged('Released comp0: no longer forced down; enabled.')).toHaveLength(1);
    expect(rig.progress.at(-1)).toBe('comp0:');
    runsEverywhere();
  });

  test('a host that was empty has no records: its heartbeats tell', async () => {
    await evacuated(0);
    rig.boot('comp0');
    rig.nova.startCompute('comp0');
    await monitors(6);
    expect(rig.mark('comp0')).toBe('');
    expect(rig.nova.host('comp0')).toMatchObject({ forcedDown: false, enabled: true });
  });

  test('the machine has joined, its nova-compute is silent: nothing is given back, and that is said', async () => {
    for (const instances of [0, 3]) {
      await evacuated(instances);
      rig.boot('comp0');
      const sentences = await monitors(4);
      expect(changes()).toEqual([]);
      expect(rig.mark('comp0')).toBe('no');
      expect(sentences.at(-1)).toMatch(/^comp0 waits for its nova-compute to start.*, since 03:0\d:\d\dZ\.$/);
      expect(rig.progress.at(-1)).toMatch(/^comp0: comp0 waits for its nova-compute to start/);
      // One line for as long as it takes.
      expect(rig.logged('info comp0 waits for its nova-compute')).toHaveLength(1);
    }
  });

  test('the machine is off: Nova is not asked at all', async () => {
    await evacuated();
    await monitors(3);
    expect(rig.nova.calls).toEqual([]);
  });

  test.each([
    ['auto', 'NovaCompute', false],
    ['auto', 'Dummy', true],
    ['on', 'NovaCompute', true],
    ['off', 'Dummy', false],
  ] as const)('release=%s, %s runs there: released: %s', async (release, type, released) => {
    await evacuated();
    rig.boot('comp0');
    rig.nova.startCompute('comp0');
    rig.pacemaker.active.set('comp0', [type]);
    await monitors(5, { release });
    expect(rig.mark('comp0')).toBe(released ? '' : 'no');
    if (!released) expect(rig.nova.calls).toEqual([]);
  });

  test('two names of one host: both marks go, and it is released once', async () => {
    await evacuated();
    rig.setMark('comp0.example', 'no');
    rig.boot('comp0');
    rig.nova.startCompute('comp0');
    await monitors(6);
    expect([rig.mark('comp0'), rig.mark('comp0.example')]).toEqual(['', '']);
    expect(changes()).toEqual(['setForcedDown comp0', 'enableService comp0']);
  });

  test('one of two names is pending: nothing is given back before it is evacuated', async () => {
    await evacuated();
    rig.boot('comp0');
    rig.nova.boot('late', 'comp0');
    rig.nova.instance('late').copies.clear();
    rig.nova.isMarked = () => rig.isPending('comp0.example');
    rig.setMark('comp0.example', 'yes');
    while (rig.isPending('comp0.example')) {
      expect(rig.nova.host('comp0')).toMatchObject({ enabled: false, forcedDown: true });
      await rig.time.until(rig.start().outcome);
    }
    expect(onComp0()).toEqual([]);
    rig.nova.startCompute('comp0');
    await monitors(8);
    expect([rig.mark('comp0'), rig.mark('comp0.example')]).toEqual(['', '']);
    runsEverywhere();
  });

  test('killed at any moment of it: the next pass goes on', async () => {
    for (let at = 100; at < 26_000; at += 610) {
      await evacuated(2, at);
      rig.boot('comp0');
      rig.nova.startCompute('comp0');
      const killed = rig.start();
      await rig.time.pass(at);
      killed.process.kill();
      await rig.time.pass(5_000);
      await monitors(8);
      expect([at, rig.mark('comp0'), rig.nova.host('comp0')]).toMatchObject([
        at,
        '',
        { enabled: true, forcedDown: false },
      ]);
    }
  });
});

describe('a machine that is back before its evacuation has begun', () => {
  const settings = (earlyReturn: 'release' | 'evacuate') => ({
    settings: { concurrency: 16, onSharedStorage: true, evacuateDelayMs: 0, earlyReturn },
  });

  test('its pulse is seen: it is released, its instances are started in place and named', async () => {
    fenced();
    rig.boot('comp0');
    rig.pacemaker.active.set('comp0', ['NovaCompute']);
    const back = rig.comeBack('comp0');
    await monitors(6);
    const outcome = await rig.time.until(back.outcome);
    expect(rig.nova.asked.size).toBe(0);
    expect(onComp0()).toHaveLength(3);
    expect(outcome).toMatchObject({
      kind: 'released',
      sentence: expect.stringMatching(/ 3 of its instances started in place: name-of-i\d /),
    });
    expect(rig.logged('comp0 is back before anything was evacuated, so it is released instead')).toHaveLength(
      1,
    );
    runsEverywhere();
  });

  test.each([2_000, 10_000])(
    'nova-compute that reports every %d ms is seen by its heartbeats',
    async (reportMs) => {
      fenced();
      rig.nova.reportMs = reportMs;
      await rig.time.pass(20_000);
      rig.boot('comp0');
      rig.nova.startCompute('comp0');
      await rig.time.pass(5_000);
      await monitors(8);
      expect(rig.nova.asked.size).toBe(0);
      expect(onComp0()).toHaveLength(3);
      expect([rig.mark('comp0'), rig.nova.host('comp0').enabled]).toEqual(['', true]);
      runsEverywhere();
    },
  );

  test('early_return=evacuate: evacuated all the same, and nova-compute is held back meanwhile', async () => {
    fenced();
    rig.boot('comp0');
    rig.pacemaker.active.set('comp0', ['NovaCompute']);
    const back = rig.comeBack('comp0');
    await monitors(6, settings('evacuate'));
    expect(await rig.time.until(back.outcome)).toMatchObject({ kind: 'released' });
    expect(onComp0()).toEqual([]);
    runsEverywhere();
  });

  test('in mid-evacuation: it goes on to the last one, and nova-compute starts after that (I3)', async () => {
    fenced(12);
    const slow = settings('release');
    const pass = rig.start(rig.ctl0, { settings: { ...slow.settings, concurrency: 2 } });
    await rig.time.pass(6_000);
    expect(rig.nova.asked.size).toBeGreaterThan(0);
    rig.boot('comp0');
    rig.pacemaker.active.set('comp0', ['NovaCompute']);
    const back = rig.comeBack('comp0');
    await rig.time.until(pass.outcome);
    await monitors(6);
    expect(await rig.time.until(back.outcome)).toMatchObject({ kind: 'released' });
    expect(onComp0()).toEqual([]);
    runsEverywhere();
  });

  test('only failed ones are left: they stay, are started in place and named', async () => {
    fenced(4);
    for (const host of ['comp1', 'comp2', 'comp3']) rig.nova.host(host).refuses = true;
    await rig.pass(rig.ctl0, { timeoutMs: 20_000 });
    expect(rig.nova.failed.size).toBe(4);
    rig.boot('comp0');
    rig.pacemaker.active.set('comp0', ['NovaCompute']);
    const back = rig.comeBack('comp0');
    await monitors(10);
    expect(await rig.time.until(back.outcome)).toMatchObject({ kind: 'released' });
    expect(rig.logged('0 of 4 instances evacuated, 4 stay there: name-of-i0 (i0)')).toHaveLength(1);
    expect(onComp0()).toHaveLength(4);
    runsEverywhere();
  });
});

test('a destination that was fenced and taken back within the same pass is not taken for dead (I2)', async () => {
  for (let seed = 1; seed <= 12; seed += 1) {
    rig = new Rig(seed);
    for (let index = 0; index < 8; index += 1) rig.nova.boot(`i${index}`, 'comp0');
    // comp1 is the only host that can take them, and it comes back while the pass is at work on comp0.
    for (const host of ['comp2', 'comp3']) rig.nova.host(host).enabled = false;
    rig.fence('comp1');
    rig.fence('comp0');
    const pass = rig.start();
    await rig.time.pass(3_000);
    rig.boot('comp1');
    rig.pacemaker.active.set('comp1', ['NovaCompute']);
    const back = rig.comeBack('comp1');
    await rig.time.until(pass.outcome);
    await rig.time.until(back.outcome);
    for (let count = 0; count < 20 && rig.isPending('comp0'); count += 1) {
      await rig.time.pass(3_000);
      await rig.pass();
    }
    expect([seed, rig.nova.violations, onComp0()]).toEqual([seed, [], []]);
  }
});
