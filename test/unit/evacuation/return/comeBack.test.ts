import { NovaError } from '@openstack-ts/nova-client';
import { afterEach, describe, expect, test } from 'vitest';
import { nodeName } from '../../../../lib/attrd/index.ts';
import { failed } from '../../../simulators/world/fakePacemaker.ts';
import { refused, Scene } from '../scene.ts';

let scene = new Scene();
afterEach(() => {
  expect(scene.violations).toEqual([]);
});

const away = () => Promise.reject(new NovaError('unreachable', 'Nova cannot be reached'));
const changes = () => scene.calls.filter((call) => /^(set|enable|disable|reboot|start|stop)/.test(call));
const wait = (running: ReturnType<Scene['comeBack']>) => scene.time.until(running.outcome);
const shown = () => scene.site.attribute('nova-compute-release', 'comp0');

/** comp0 with its instances, fenced; nothing else. */
async function fenced(instances = 3, seed = 1): Promise<void> {
  scene = new Scene(seed);
  scene.bootSome(instances);
  await scene.fence('comp0');
  scene.forgetCalls();
}

/** Evacuated to the end, and the machine has booted. */
async function evacuated(instances = 3, seed = 1): Promise<void> {
  await fenced(instances, seed);
  await scene.passes(20);
  expect(scene.mark('comp0')).toBe('no');
  scene.site.boot('comp0');
  scene.forgetCalls();
}

function expectReleased(): void {
  const host = scene.host('comp0');
  expect(host).toMatchObject({ forcedDown: false, disabled: false, disabledReason: null, alive: true });
  expect([scene.mark('comp0'), scene.pacemaker.permanent('comp0') ?? '']).toEqual(['', '']);
  expect([shown(), scene.site.attribute('nova-compute-returning', 'comp0')]).toEqual(['', '']);
  expect(scene.oddities()).toEqual([]);
}

describe('a host that was never fenced', () => {
  test('is started at once, and Nova is not asked', async () => {
    scene = new Scene();
    scene.cloud.killCompute('comp0');
    const begin = scene.time.now();
    const outcome = await wait(scene.comeBack('comp0', { connect: away }));
    expect(outcome).toEqual({ kind: 'released', sentence: null, troubled: false, leftShown: false });
    expect(scene.host('comp0').alive).toBe(true);
    expect(scene.time.now() - begin).toBeLessThan(2_500);
    expect(scene.calls).toEqual([]);
  });

  test('runs already: nothing is done', async () => {
    scene = new Scene();
    expect(await wait(scene.comeBack('comp0'))).toMatchObject({ kind: 'released', sentence: null });
    expect(scene.calls).toEqual([]);
  });
});

describe('a host that was evacuated', () => {
  test('what is shown of the return and cannot be taken down is left to the next call', async () => {
    await evacuated();
    const isDelete = (args: readonly string[]) =>
      args.includes('-D') && args.join(' ').includes('nova-compute-re');
    scene.site.tools.trouble = (_, args) =>
      isDelete(args) ? { answer: failed(1, 'attrd_updater: Error') } : {};
    expect(await wait(scene.comeBack('comp0'))).toMatchObject({ kind: 'released', leftShown: true });
    expect(shown()).not.toBe('');
    scene.site.tools.trouble = () => ({});
    const again = await wait(scene.comeBack('comp0'));
    expect(again).toEqual({ kind: 'released', sentence: null, troubled: false, leftShown: false });
    expectReleased();
  });

  test('is walked in the order that Nova wants', async () => {
    await evacuated();
    const outcome = await wait(scene.comeBack('comp0'));
    expect(changes()).toEqual(['setForcedDown comp0', 'enableService comp0']);
    expect(outcome).toEqual({
      kind: 'released',
      sentence: 'Released comp0: nova-compute started; no longer forced down; enabled.',
      troubled: false,
      leftShown: false,
    });
    expect(scene.records.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
    expectReleased();
  });

  test('forced_down stays until the records are completed, and what is waited for can be seen', async () => {
    await evacuated();
    scene.cloud.knobs.startup = 30_000;
    const running = scene.comeBack('comp0');
    await scene.time.pass(20_000);
    expect(changes()).toEqual([]);
    expect(shown()).toMatch(
      /^comp0 waits for its nova-compute to clean up 3 evacuated instances.*, since 2026-/,
    );
    expect(await wait(running)).toMatchObject({ kind: 'released' });
    expectReleased();
  });

  test('one whose service somebody else disabled stays disabled, and that is said', async () => {
    scene = new Scene();
    scene.setEnabled('comp0', false, 'broken fan');
    scene.boot('i', 'comp0');
    await scene.fence('comp0');
    await scene.passes(10);
    scene.site.boot('comp0');
    const outcome = await wait(scene.comeBack('comp0'));
    expect(outcome).toMatchObject({ sentence: expect.stringContaining('it stays disabled') });
    expect(scene.host('comp0')).toMatchObject({
      disabled: true,
      disabledReason: 'broken fan',
      forcedDown: false,
    });
    expect(scene.mark('comp0')).toBe('');
  });

  test('one that Nova does not know is started; its release waits', async () => {
    await evacuated(0);
    scene.cloud.hosts.delete('comp0');
    let runs = false;
    const compute = {
      isRunning: async () => runs,
      start: async () => {
        runs = true;
      },
    };
    const outcome = await wait(scene.comeBack('comp0', { compute }));
    expect(runs).toBe(true);
    expect(outcome).toMatchObject({
      kind: 'owed',
      sentence: expect.stringMatching(/^comp0 waits for Nova to know a nova-compute of that name, since /),
    });
    expect(scene.mark('comp0')).toBe('no');
  });

  test('with no time for the release (`wait`), it ends once nova-compute may start', async () => {
    await evacuated();
    const outcome = await wait(scene.comeBack('comp0', { releaseMs: 0 }));
    expect(outcome.kind).toBe('owed');
    expect(scene.host('comp0').alive).toBe(true);
    expect(changes()).toEqual([]);
    expect(scene.mark('comp0')).toBe('no');
  });

  test('killed at any moment and called again: everything is done once, nothing is lost', async () => {
    await evacuated();
    const begin = scene.time.now();
    await wait(scene.comeBack('comp0'));
    const whole = scene.time.now() - begin;
    for (let at = 0; at < whole; at += 170) {
      await evacuated(2, at);
      const killed = scene.comeBack('comp0');
      await scene.time.pass(at);
      killed.process.kill();
      await scene.time.pass(500);
      const again = await wait(scene.comeBack('comp0'));
      expect(again.kind, `killed after ${at} ms`).toBe('released');
      expectReleased();
      expect(scene.violations).toEqual([]);
    }
  });

  test('its instances that should run are started in place, once, and no other', async () => {
    scene = new Scene();
    for (const host of ['comp1', 'comp2', 'comp3']) scene.host(host).spawnFail = true;
    scene.boot('on', 'comp0');
    scene.boot('off', 'comp0', { state: 'stopped' });
    scene.boot('paused', 'comp0', { state: 'paused' });
    await scene.fence('comp0');
    await scene.outcome(scene.ctl0, { timeoutMs: 20_000 });
    scene.site.boot('comp0');
    const running = scene.comeBack('comp0');
    for (let pass = 0; pass < 6 && scene.isPending('comp0'); pass += 1) await scene.outcome();
    const outcome = await wait(running);
    expect(outcome).toMatchObject({ kind: 'released', troubled: true });
    expect(outcome.sentence).toContain(
      'name-of-paused (paused) (it was paused and is off; start it by hand if it is needed)',
    );
    expect(scene.runsOn(scene.server('on'))).toEqual(['comp0']);
    expect(scene.server('off')).toMatchObject({
      host: 'comp0',
      vmState: 'stopped',
      taskState: null,
    });
    expect(scene.runsOn(scene.server('off'))).toEqual([]);
    expect(changes().filter((call) => call === 'rebootServer on')).toHaveLength(1);
    expect(changes()).not.toContain('rebootServer off');
  });

  test('an instance of which Nova fails to say for a moment whether it runs, or to take the request, is started', async () => {
    for (const method of ['isGuestRunning', 'rebootServer', 'listActions', 'listServers']) {
      await fenced(2);
      scene.site.boot('comp0');
      scene.setMark('comp0', 'no', 'no');
      scene.fault = (call) => (call.method === method && call.index < 2 ? refused(501) : null);
      const outcome = await wait(scene.comeBack('comp0'));
      expect([method, outcome]).toMatchObject([method, { kind: 'released', troubled: false }]);
      expectReleased();
    }
  });

  test('an instance that does not come up is tried once and named', async () => {
    await fenced(2);
    scene.site.boot('comp0');
    scene.setMark('comp0', 'no', 'no');
    scene.host('comp0').rebootFail = ['i1'];
    const outcome = await wait(scene.comeBack('comp0'));
    expect(outcome).toMatchObject({ kind: 'released', troubled: true });
    expect(outcome.sentence).toContain(
      'not running there: name-of-i1 (i1) (it was started and does not run; look at it)',
    );
    expect(changes().filter((call) => call === 'rebootServer i1')).toHaveLength(1);
    expect(scene.runsOn(scene.server('i0'))).toEqual(['comp0']);
  });
});

describe('while the mark is pending', () => {
  test('it waits, says so every five seconds, and starts nothing', async () => {
    await fenced();
    scene.site.boot('comp0');
    const pulses = new Set<string>();
    const running = scene.comeBack('comp0');
    for (let second = 0; second < 60; second += 1) {
      await scene.time.pass(1_000);
      pulses.add(scene.site.attribute('nova-compute-returning', 'comp0'));
    }
    expect(pulses.size).toBeGreaterThanOrEqual(60 / 6);
    for (const pulse of pulses) expect(pulse).toMatch(/^(comp0@\d+)?$/);
    expect(scene.host('comp0').alive).toBe(false);
    expect(scene.calls).toEqual([]);
    expect(shown()).toMatch(/^comp0 waits for NovaEvacuate to evacuate it, since 2026-11-21T03:00:/);
    running.process.kill();
  });

  test('too late: it is not started, and the reason says since when', async () => {
    await fenced();
    scene.site.boot('comp0');
    const now = scene.time.now();
    const outcome = await wait(scene.comeBack('comp0', { startBy: now + 30_000, deadline: now + 40_000 }));
    expect(outcome).toEqual({
      kind: 'unsafe',
      sentence: 'comp0 waits for NovaEvacuate to evacuate it, since 03:00:00Z.',
    });
    expect(scene.time.now() - now).toBeLessThan(32_000);
    expect(scene.host('comp0').alive).toBe(false);
    // Its next call comes soon, and its pulse must not seem to end meanwhile.
    expect(scene.site.attribute('nova-compute-returning', 'comp0')).toMatch(/^comp0@/);
  });

  test('a value that nobody defined is waited for as well, by name', async () => {
    await fenced();
    scene.site.boot('comp0');
    scene.setMark('comp0', 'perhaps');
    const now = scene.time.now();
    const outcome = await wait(scene.comeBack('comp0', { startBy: now + 10_000, deadline: now + 20_000 }));
    expect(outcome).toMatchObject({
      kind: 'unsafe',
      sentence: expect.stringContaining('which reads "perhaps"'),
    });
    expect(scene.host('comp0').alive).toBe(false);
  });

  test('marked again in mid-walk: nova-compute is not started before the second evacuation has ended', async () => {
    await evacuated();
    for (const at of [5, 40, 90, 140, 200, 300]) {
      await evacuated(2, at);
      scene.boot('late', 'comp0', { guest: false });
      const running = scene.comeBack('comp0');
      await scene.time.pass(at);
      const started = scene.host('comp0').alive;
      scene.setMark('comp0', 'yes', 'yes');
      await scene.time.pass(20_000);
      if (!started) expect([at, changes()]).toEqual([at, []]);
      expect(scene.isPending('comp0')).toBe(true);
      running.process.kill();
    }
  });
});

describe('without Nova, or without the cluster', () => {
  test('a no of ours is enough to start; the release stays owed', async () => {
    await evacuated();
    const now = scene.time.now();
    const outcome = await wait(
      scene.comeBack('comp0', { connect: away, releaseMs: 20_000, deadline: now + 100_000 }),
    );
    expect(scene.host('comp0').alive).toBe(true);
    expect(outcome).toMatchObject({
      kind: 'owed',
      sentence: expect.stringMatching(/^comp0 waits for its release: Nova cannot be reached, since 03:/),
    });
    expect(scene.mark('comp0')).toBe('no');
  });

  test('a no of the original agents is not: they write it while evacuations are in flight', async () => {
    await fenced();
    scene.setMark('comp0', 'no');
    scene.site.boot('comp0');
    scene.setMark('comp0', 'no');
    const now = scene.time.now();
    const running = scene.comeBack('comp0', { connect: away, startBy: now + 30_000, deadline: now + 40_000 });
    expect(await wait(running)).toMatchObject({ kind: 'unsafe' });
    expect(scene.host('comp0').alive).toBe(false);
  });

  test.each<[string, 'off' | 'lost']>([
    ['made to last by an evacuator', 'off'],
    ['that attrd has forgotten the transient half of', 'lost'],
  ])('an operator says no while evacuations are in flight, %s: Nova is asked (I3)', async (_what, half) => {
    await fenced();
    scene.evacuateByHand();
    scene.setMark('comp0', 'no', 'no');
    if (half === 'off') {
      scene.setMark('comp0', 'no', 'yes');
      const process = scene.newProcess();
      const marks = scene.site.marksFor(process);
      const [reading] = (await scene.time.until(marks.readAll())).marks;
      if (reading !== undefined) await scene.time.until(marks.repair(reading, 'ctl0'));
    } else scene.pacemaker.purge('comp0');
    expect(scene.pacemaker.permanent('comp0')).toBe('no');
    scene.site.boot('comp0');
    const now = scene.time.now();
    const running = scene.comeBack('comp0', { connect: away, startBy: now + 30_000, deadline: now + 40_000 });
    expect(await wait(running)).toMatchObject({ kind: 'unsafe' });
    expect(scene.host('comp0').alive).toBe(false);
    expect(await wait(scene.comeBack('comp0'))).toMatchObject({ kind: 'released' });
  });

  test('what Nova has told is in flight is waited for, also when it is away later', async () => {
    await evacuated();
    // Somebody evacuates by hand what no list has shown.
    scene.boot('late', 'comp0', { guest: false });
    scene.cloud.knobs.spawn = 60_000;
    scene.evacuateByHand();
    scene.forgive(/^I1: .*the marks read/);
    const now = scene.time.now();
    const isAway = () => scene.time.now() > now + 5_000;
    const connect = scene.connectWith((nova) => ({
      listEvacuations: (...args) => (isAway() ? away() : nova.listEvacuations(...args)),
    }));
    const running = scene.comeBack('comp0', { connect, startBy: now + 20_000, deadline: now + 30_000 });
    expect(await wait(running)).toMatchObject({ kind: 'unsafe' });
    expect(scene.host('comp0').alive).toBe(false);
  });

  test('an evacuation that never ends: what ends it is named', async () => {
    await fenced(1);
    scene.cloud.knobs.spawn = 3_600_000;
    scene.evacuateByHand();
    scene.setMark('comp0', 'no', 'no');
    scene.site.boot('comp0');
    const now = scene.time.now();
    const running = scene.comeBack('comp0', { startBy: now + 700_000, deadline: now + 720_000 });
    await scene.time.pass(300_000);
    expect(shown()).not.toContain('go on with');
    await scene.time.pass(320_000);
    const command = /pre-migrating to comp\d since .* go on with: openstack server set --state error i0/;
    expect(shown()).toMatch(command);
    expect(scene.log.filter((line) => command.test(line))).toHaveLength(1);
    expect(await wait(running)).toMatchObject({ kind: 'unsafe' });
    scene.forgive(/^I6/);
  });

  test('a no of the original agents, and Nova tells: the last one in flight is waited for (I3)', async () => {
    await fenced(4);
    scene.evacuateByHand();
    scene.site.boot('comp0');
    scene.setMark('comp0', 'no', 'no');
    expect(await wait(scene.comeBack('comp0'))).toMatchObject({ kind: 'released' });
    expect(scene.runsOn(scene.server('i0'))).not.toEqual(['comp0']);
    expectReleased();
  });

  test('the original agents accept and say no between two questions of ours (I3)', async () => {
    for (let at = 0; at < 400; at += 20) {
      await fenced(2, at);
      scene.site.boot('comp0');
      scene.setMark('comp0', 'yes', 'yes');
      const running = scene.comeBack('comp0');
      await scene.time.pass(2_000 + at);
      scene.evacuateByHand();
      scene.setMark('comp0', 'no', 'no');
      expect((await wait(running)).kind).toBe('released');
      expect(scene.violations).toEqual([]);
    }
  });

  test('attrd is away: nothing is started before it is back', async () => {
    await evacuated();
    scene.pacemaker.running = false;
    const running = scene.comeBack('comp0');
    await scene.time.pass(30_000);
    expect(scene.host('comp0').alive).toBe(false);
    scene.pacemaker.running = true;
    expect(await wait(running)).toMatchObject({ kind: 'released' });
    expectReleased();
  });

  test.each<[string, () => void, string]>([
    [
      'without quorum',
      () => (scene.pacemaker.hasQuorum = false),
      'this partition of the cluster has no quorum',
    ],
    ['without a DC', () => (scene.pacemaker.hasDc = false), 'the cluster has no DC at the moment'],
    [
      'of which this node is no member yet',
      () => scene.pacemaker.pending.add('comp0'),
      'this node, comp0, has not joined the cluster yet',
    ],
    [
      'that does not answer crm_mon',
      () => scene.pacemaker.failing.add('crm_mon'),
      "reading the cluster's nodes failed: crm_mon ended with 1",
    ],
  ])('a partition %s has no mark to show: not started, and why', async (_, cutOff, why) => {
    scene = new Scene();
    scene.cloud.killCompute('comp0');
    cutOff();
    const outcome = await wait(scene.comeBack('comp0', { startBy: scene.time.now() + 20_000 }));
    expect(outcome).toMatchObject({
      kind: 'unsafe',
      sentence: expect.stringContaining(
        `comp0 waits for the cluster to tell whether it is being evacuated: ${why}`,
      ),
    });
    expect(scene.host('comp0').alive).toBe(false);
  });

  test('a node of another name than the cluster has is in no partition: not started, and why', async () => {
    scene = new Scene();
    scene.cloud.killCompute('comp0');
    const outcome = await wait(
      scene.comeBack('comp0', { node: nodeName('elsewhere'), startBy: scene.time.now() + 20_000 }),
    );
    expect(outcome.sentence).toContain('the cluster does not list elsewhere');
    expect(scene.host('comp0').alive).toBe(false);
  });

  test.each(['none', 'no'])(
    'cut off with "%s" from before it was fenced: the mark the others have counts',
    async (stale) => {
      scene = new Scene();
      scene.boot('i0', 'comp0');
      scene.cloud.killCompute('comp0');
      if (stale === 'no') scene.setMark('comp0', 'no');
      scene.pacemaker.hasQuorum = false;
      const running = scene.comeBack('comp0');
      await scene.time.pass(20_000);
      expect(scene.host('comp0').alive).toBe(false);
      // It joins, and its CIB is theirs, between one look at the marks and the question whether they can be believed.
      const ask = scene.pacemaker.intercept;
      scene.pacemaker.intercept = (line) => {
        if (line.startsWith('crm_mon') && !scene.pacemaker.hasQuorum) {
          scene.pacemaker.hasQuorum = true;
          scene.setMark('comp0', 'yes');
        }
        return ask(line);
      };
      await scene.time.pass(30_000);
      expect(scene.host('comp0').alive).toBe(false);
      scene.setMark('comp0', 'no');
      scene.pacemaker.nodes.get('comp0')?.set('evacuate', 'no');
      await wait(running);
      expect(scene.host('comp0').alive).toBe(true);
    },
  );

  test('attrd stays away: not started, and why', async () => {
    await evacuated();
    scene.pacemaker.running = false;
    const now = scene.time.now();
    const outcome = await wait(scene.comeBack('comp0', { startBy: now + 30_000, deadline: now + 40_000 }));
    expect(outcome).toMatchObject({
      kind: 'unsafe',
      sentence: expect.stringMatching(/^comp0 waits for the cluster to tell whether it is being evacuated: /),
    });
    expect(scene.host('comp0').alive).toBe(false);
  });

  test('every request fails once: it is walked to the end all the same', async () => {
    await evacuated(2);
    await wait(scene.comeBack('comp0'));
    const methods = new Set(scene.calls.map((call) => call.split(' ', 1)[0] ?? ''));
    for (const method of methods) {
      await evacuated(2);
      let failures = 1;
      scene.fault = (call) => {
        if (call.method !== method || failures === 0) return null;
        failures -= 1;
        return refused(501);
      };
      expect([method, await wait(scene.comeBack('comp0'))]).toMatchObject([method, { kind: 'released' }]);
      expectReleased();
    }
  });
});

describe('a mark that is kept in another case', () => {
  test('is waited for', async () => {
    await evacuated();
    scene.setMark('COMP0', 'yes');
    const running = scene.comeBack('comp0');
    await scene.time.pass(60_000);
    expect(shown()).toMatch(/^comp0 waits for NovaEvacuate to evacuate it, since /);
    expect(scene.host('comp0').alive).toBe(false);
    scene.setMark('COMP0', 'no');
    expect(await wait(running)).toMatchObject({ kind: 'released' });
    expect([scene.mark('COMP0'), scene.mark('comp0')]).toEqual(['', '']);
  });
});
