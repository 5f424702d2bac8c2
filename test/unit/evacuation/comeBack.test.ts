import { NovaError } from '@openstack-ts/nova-client';
import { afterEach, describe, expect, test } from 'vitest';
import { Rig, type RunningComeBack } from './rig.ts';

let rig = new Rig();
afterEach(() => {
  expect(rig.nova.violations).toEqual([]);
});

const away = () => Promise.reject(new NovaError('unreachable', 'Nova cannot be reached'));
const changes = () => rig.nova.calls.filter((call) => /^(set|enable|disable|reboot|start|stop)/.test(call));
const wait = (running: RunningComeBack) => rig.time.until(running.outcome);
const shown = () => rig.attribute('nova-compute-release', 'comp0');

/** comp0 with its instances, fenced; nothing else. */
function fenced(instances = 3, seed = 1): Rig {
  rig = new Rig(seed);
  for (let index = 0; index < instances; index += 1) rig.nova.boot(`i${index}`, 'comp0');
  rig.fence('comp0');
  return rig;
}

/** Evacuated to the end, and the machine has booted. */
async function evacuated(instances = 3, seed = 1): Promise<Rig> {
  fenced(instances, seed);
  await rig.passes(20);
  expect(rig.mark('comp0')).toBe('no');
  rig.boot('comp0');
  rig.nova.calls.length = 0;
  return rig;
}

function expectReleased(): void {
  const host = rig.nova.host('comp0');
  expect(host).toMatchObject({ forcedDown: false, enabled: true, disabledReason: null, computeRuns: true });
  expect([rig.mark('comp0'), rig.pacemaker.permanent('comp0') ?? '']).toEqual(['', '']);
  expect([shown(), rig.attribute('nova-compute-returning', 'comp0')]).toEqual(['', '']);
  for (const { server } of rig.nova.instances.values()) {
    expect(rig.nova.runsOn(server.id)).toEqual(server.vmState === 'active' ? [server.host] : []);
  }
}

describe('a host that was never fenced', () => {
  test('is started at once, and Nova is not asked', async () => {
    rig = new Rig();
    rig.nova.stopCompute('comp0');
    const begin = rig.time.now();
    const outcome = await wait(rig.comeBack('comp0', { connect: away }));
    expect(outcome).toEqual({ kind: 'released', sentence: null, troubled: false });
    expect(rig.nova.host('comp0').computeRuns).toBe(true);
    expect(rig.time.now() - begin).toBeLessThan(2_500);
    expect(rig.nova.calls).toEqual([]);
  });

  test('runs already: nothing is done', async () => {
    rig = new Rig();
    expect(await wait(rig.comeBack('comp0'))).toMatchObject({ kind: 'released', sentence: null });
    expect(rig.nova.calls).toEqual([]);
  });
});

describe('a host that was evacuated', () => {
  test('is walked in the order that Nova wants', async () => {
    await evacuated();
    const order: string[] = [];
    const start = rig.nova.startCompute.bind(rig.nova);
    rig.nova.startCompute = (name) => {
      order.push('nova-compute');
      start(name);
    };
    const outcome = await wait(rig.comeBack('comp0'));
    expect(order).toEqual(['nova-compute']);
    expect(changes()).toEqual(['setForcedDown comp0', 'enableService comp0']);
    expect(outcome).toEqual({
      kind: 'released',
      sentence: 'Released comp0: nova-compute started; no longer forced down; enabled.',
      troubled: false,
    });
    expect(rig.nova.records.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
    expectReleased();
  });

  test('forced_down stays until the records are completed, and what is waited for can be seen', async () => {
    await evacuated();
    rig.nova.initMs = () => 30_000;
    const running = rig.comeBack('comp0');
    await rig.time.pass(20_000);
    expect(changes()).toEqual([]);
    expect(shown()).toMatch(
      /^comp0 waits for its nova-compute to clean up 3 evacuated instances.*, since 2026-/,
    );
    expect(await wait(running)).toMatchObject({ kind: 'released' });
    expectReleased();
  });

  test('one whose service somebody else disabled stays disabled, and that is said', async () => {
    rig = new Rig();
    Object.assign(rig.nova.host('comp0'), { enabled: false, disabledReason: 'broken fan' });
    rig.nova.boot('i', 'comp0');
    rig.fence('comp0');
    await rig.passes(10);
    rig.boot('comp0');
    const outcome = await wait(rig.comeBack('comp0'));
    expect(outcome).toMatchObject({ sentence: expect.stringContaining('it stays disabled') });
    expect(rig.nova.host('comp0')).toMatchObject({
      enabled: false,
      disabledReason: 'broken fan',
      forcedDown: false,
    });
    expect(rig.mark('comp0')).toBe('');
  });

  test('one that Nova does not know is started; its release waits', async () => {
    await evacuated(0);
    rig.nova.hosts.delete('comp0');
    let runs = false;
    const compute = {
      isRunning: async () => runs,
      start: async () => {
        runs = true;
      },
    };
    const outcome = await wait(rig.comeBack('comp0', { compute }));
    expect(runs).toBe(true);
    expect(outcome).toMatchObject({
      kind: 'owed',
      sentence: expect.stringMatching(/^comp0 waits for Nova to know a nova-compute of that name, since /),
    });
    expect(rig.mark('comp0')).toBe('no');
  });

  test('with no time for the release (`wait`), it ends once nova-compute may start', async () => {
    await evacuated();
    const outcome = await wait(rig.comeBack('comp0', { releaseMs: 0 }));
    expect(outcome.kind).toBe('owed');
    expect(rig.nova.host('comp0').computeRuns).toBe(true);
    expect(changes()).toEqual([]);
    expect(rig.mark('comp0')).toBe('no');
  });

  test('killed at any moment and called again: everything is done once, nothing is lost', async () => {
    await evacuated();
    const begin = rig.time.now();
    await wait(rig.comeBack('comp0'));
    const whole = rig.time.now() - begin;
    for (let at = 0; at < whole; at += 170) {
      await evacuated(2, at);
      const killed = rig.comeBack('comp0');
      await rig.time.pass(at);
      killed.process.kill();
      await rig.time.pass(500);
      const again = await wait(rig.comeBack('comp0'));
      expect(again.kind, `killed after ${at} ms`).toBe('released');
      expectReleased();
      expect(rig.nova.violations).toEqual([]);
    }
  });

  test('its instances that should run are started in place, once, and no other', async () => {
    rig = new Rig();
    for (const host of ['comp1', 'comp2', 'comp3']) rig.nova.host(host).refuses = true;
    rig.nova.boot('on', 'comp0');
    rig.nova.boot('off', 'comp0', { status: 'SHUTOFF', vmState: 'stopped' });
    rig.nova.boot('paused', 'comp0', { status: 'PAUSED', vmState: 'paused' });
    rig.fence('comp0');
    await rig.pass(rig.ctl0, { timeoutMs: 20_000 });
    rig.boot('comp0');
    const running = rig.comeBack('comp0');
    for (let pass = 0; pass < 6 && rig.isPending('comp0'); pass += 1) await rig.pass();
    const outcome = await wait(running);
    expect(outcome).toMatchObject({ kind: 'released', troubled: true });
    expect(outcome.sentence).toContain(
      'name-of-paused (paused) (it was paused and is off; start it by hand if it is needed)',
    );
    expect(rig.nova.runsOn('on')).toEqual(['comp0']);
    expect(rig.nova.instance('off').server).toMatchObject({
      host: 'comp0',
      vmState: 'stopped',
      taskState: null,
    });
    expect(rig.nova.runsOn('off')).toEqual([]);
    expect(changes().filter((call) => call === 'rebootServer on')).toHaveLength(1);
    expect(changes()).not.toContain('rebootServer off');
  });

  test('an instance of which Nova fails to say for a moment whether it runs, or to take the request, is started', async () => {
    for (const method of ['isGuestRunning', 'rebootServer', 'listActions', 'listServers']) {
      fenced(2);
      rig.boot('comp0');
      rig.setMark('comp0', 'no', 'no');
      const error = new NovaError('serverError', 'Nova answered 500', { status: 500 });
      rig.nova.fault = (call) =>
        call.method === method && call.index < 2 ? { kind: 'refuse', error } : null;
      const outcome = await wait(rig.comeBack('comp0'));
      expect([method, outcome]).toMatchObject([method, { kind: 'released', troubled: false }]);
      expectReleased();
    }
  });

  test('an instance that does not come up is tried once and named', async () => {
    fenced(2);
    rig.boot('comp0');
    rig.setMark('comp0', 'no', 'no');
    rig.nova.broken.add('i1');
    const outcome = await wait(rig.comeBack('comp0'));
    expect(outcome).toMatchObject({ kind: 'released', troubled: true });
    expect(outcome.sentence).toContain(
      'not running there: name-of-i1 (i1) (it was started and does not run; look at it)',
    );
    expect(changes().filter((call) => call === 'rebootServer i1')).toHaveLength(1);
    expect(rig.nova.runsOn('i0')).toEqual(['comp0']);
  });
});

describe('while the mark is pending', () => {
  test('it waits, says so every five seconds, and starts nothing', async () => {
    fenced();
    rig.boot('comp0');
    const pulses = new Set<string>();
    const running = rig.comeBack('comp0');
    for (let second = 0; second < 60; second += 1) {
      await rig.time.pass(1_000);
      pulses.add(rig.attribute('nova-compute-returning', 'comp0'));
    }
    expect(pulses.size).toBeGreaterThanOrEqual(60 / 6);
    for (const pulse of pulses) expect(pulse).toMatch(/^(comp0@\d+)?$/);
    expect(rig.nova.host('comp0').computeRuns).toBe(false);
    expect(rig.nova.calls).toEqual([]);
    expect(shown()).toMatch(/^comp0 waits for NovaEvacuate to evacuate it, since 2026-11-21T03:00:/);
    running.process.kill();
  });

  test('too late: it is not started, and the reason says since when', async () => {
    fenced();
    rig.boot('comp0');
    const now = rig.time.now();
    const outcome = await wait(rig.comeBack('comp0', { startBy: now + 30_000, deadline: now + 40_000 }));
    expect(outcome).toEqual({
      kind: 'unsafe',
      sentence: 'comp0 waits for NovaEvacuate to evacuate it, since 03:00:00Z.',
    });
    expect(rig.time.now() - now).toBeLessThan(32_000);
    expect(rig.nova.host('comp0').computeRuns).toBe(false);
    // Its next call comes soon, and its pulse must not seem to end meanwhile.
    expect(rig.attribute('nova-compute-returning', 'comp0')).toMatch(/^comp0@/);
  });

  test('a value that nobody defined is waited for as well, by name', async () => {
    fenced();
    rig.boot('comp0');
    rig.setMark('comp0', 'perhaps');
    const now = rig.time.now();
    const outcome = await wait(rig.comeBack('comp0', { startBy: now + 10_000, deadline: now + 20_000 }));
    expect(outcome).toMatchObject({
      kind: 'unsafe',
      sentence: expect.stringContaining('which reads "perhaps"'),
    });
    expect(rig.nova.host('comp0').computeRuns).toBe(false);
  });

  test('marked again in mid-walk: nova-compute is not started before the second evacuation has ended', async () => {
    await evacuated();
    for (const at of [5, 40, 90, 140, 200, 300]) {
      await evacuated(2, at);
      rig.nova.boot('late', 'comp0');
      rig.nova.instance('late').copies.clear();
      const running = rig.comeBack('comp0');
      await rig.time.pass(at);
      const started = rig.nova.host('comp0').computeRuns;
      rig.setMark('comp0', 'yes', 'yes');
      await rig.time.pass(20_000);
      if (!started) expect([at, changes()]).toEqual([at, []]);
      expect(rig.isPending('comp0')).toBe(true);
      running.process.kill();
    }
  });
});

describe('without Nova, or without the cluster', () => {
  test('a no of ours is enough to start; the release stays owed', async () => {
    await evacuated();
    const now = rig.time.now();
    const outcome = await wait(
      rig.comeBack('comp0', { connect: away, releaseMs: 20_000, deadline: now + 100_000 }),
    );
    expect(rig.nova.host('comp0').computeRuns).toBe(true);
    expect(outcome).toMatchObject({
      kind: 'owed',
      sentence: expect.stringMatching(/^comp0 waits for its release: Nova cannot be reached, since 03:/),
    });
    expect(rig.mark('comp0')).toBe('no');
  });

  test('a no of the original agents is not: they write it while evacuations are in flight', async () => {
    fenced();
    rig.setMark('comp0', 'no');
    rig.boot('comp0');
    rig.setMark('comp0', 'no');
    const now = rig.time.now();
    const running = rig.comeBack('comp0', { connect: away, startBy: now + 30_000, deadline: now + 40_000 });
    expect(await wait(running)).toMatchObject({ kind: 'unsafe' });
    expect(rig.nova.host('comp0').computeRuns).toBe(false);
  });

  test('a no of the original agents, and Nova tells: the last one in flight is waited for (I3)', async () => {
    fenced(4);
    for (const id of rig.nova.instances.keys()) rig.nova.evacuateByHand(id);
    rig.boot('comp0');
    rig.setMark('comp0', 'no', 'no');
    expect(await wait(rig.comeBack('comp0'))).toMatchObject({ kind: 'released' });
    expect(rig.nova.runsOn('i0')).not.toEqual(['comp0']);
    expectReleased();
  });

  test('the original agents accept and say no between two questions of ours (I3)', async () => {
    for (let at = 0; at < 400; at += 20) {
      fenced(2, at);
      rig.boot('comp0');
      rig.setMark('comp0', 'yes', 'yes');
      const running = rig.comeBack('comp0');
      await rig.time.pass(2_000 + at);
      for (const id of rig.nova.instances.keys()) rig.nova.evacuateByHand(id);
      rig.setMark('comp0', 'no', 'no');
      expect((await wait(running)).kind).toBe('released');
      expect(rig.nova.violations).toEqual([]);
    }
  });

  test('attrd is away: nothing is started before it is back', async () => {
    await evacuated();
    rig.pacemaker.running = false;
    const running = rig.comeBack('comp0');
    await rig.time.pass(30_000);
    expect(rig.nova.host('comp0').computeRuns).toBe(false);
    rig.pacemaker.running = true;
    expect(await wait(running)).toMatchObject({ kind: 'released' });
    expectReleased();
  });

  test('attrd stays away: not started, and why', async () => {
    await evacuated();
    rig.pacemaker.running = false;
    const now = rig.time.now();
    const outcome = await wait(rig.comeBack('comp0', { startBy: now + 30_000, deadline: now + 40_000 }));
    expect(outcome).toMatchObject({
      kind: 'unsafe',
      sentence: expect.stringMatching(/^comp0 waits for the cluster to tell whether it is being evacuated: /),
    });
    expect(rig.nova.host('comp0').computeRuns).toBe(false);
  });

  test('every request fails once: it is walked to the end all the same', async () => {
    await evacuated(2);
    await wait(rig.comeBack('comp0'));
    const methods = new Set(rig.nova.calls.map((call) => call.split(' ', 1)[0] ?? ''));
    for (const method of methods) {
      await evacuated(2);
      const error = new NovaError('serverError', 'Nova answered 500', { status: 500 });
      let failures = 1;
      rig.nova.fault = (call) => {
        if (call.method !== method || failures === 0) return null;
        failures -= 1;
        return { kind: 'refuse', error };
      };
      expect([method, await wait(rig.comeBack('comp0'))]).toMatchObject([method, { kind: 'released' }]);
      expectReleased();
    }
  });
});
