import { afterEach, describe, expect, test } from 'vitest';
import { Scene } from '../scene.ts';

let scene = new Scene();
afterEach(() => {
  expect(scene.violations).toEqual([]);
});

/** The machine dies and is fenced: power off, then the real fence_compute, which Pacemaker repeats until it succeeds. */
async function fence(afterMs: number): Promise<void> {
  scene.lose('comp0');
  await scene.time.pass(afterMs);
  await scene.fence('comp0');
}

const onComp0 = () => scene.left('comp0');

/** What has to be so at once when a fencing was reported, whatever was going on. */
function expectMarked(when: string): void {
  if (onComp0().length > 0) expect([when, scene.isPending('comp0')]).toEqual([when, true]);
  else expect([when, scene.mark('comp0')]).toEqual([when, expect.stringMatching(/^(yes|no|ctl0@\d+)$/)]);
}

async function expectDealtWith(when: string): Promise<void> {
  for (let look = 0; look < 60 && (scene.isPending('comp0') || onComp0().length > 0); look += 1) {
    await scene.time.pass(5_000);
  }
  expect([when, onComp0(), scene.mark('comp0')]).toEqual([when, [], 'no']);
  expect([when, scene.oddities(), scene.violations]).toEqual([when, [], []]);
}

describe('a machine that dies again', () => {
  test.each([
    ['at once', 40],
    ['half a second later', 500],
    ['three seconds later', 3_000],
  ])('at any moment of its early return, fenced %s: nothing is lost', async (_what, afterMs) => {
    for (let at = 200; at < 26_000; at += 970) {
      scene = new Scene(at);
      scene.bootSome(3);
      await fence(200);
      await scene.time.pass(1_000);
      scene.site.boot('comp0');
      const stopNovaCompute = scene.novaCompute('comp0');
      scene.monitorFrom();
      await scene.time.pass(at);
      stopNovaCompute();
      await fence(afterMs);
      await scene.time.pass(200);
      expectMarked(`after ${at} ms`);
      await expectDealtWith(`after ${at} ms`);
      scene.stopMonitors();
    }
  });

  test.each(['NovaCompute', 'NovaEvacuate', 'fence_compute on'])(
    'at any moment of its release by %s: nothing is lost, and it is released another time',
    async (who) => {
      for (let at = 100; at < 17_000; at += 610) {
        const when = `after ${at} ms`;
        scene = new Scene(at);
        // A host that is marked anew within seconds counts what was evacuated before.
        scene.judgesCounts = false;
        scene.boot('old', 'comp0');
        await fence(200);
        scene.monitorFrom();
        await expectDealtWith('the first time');
        scene.site.boot('comp0');
        let stop: () => void = () => undefined;
        if (who === 'NovaCompute') stop = scene.novaCompute('comp0');
        else scene.site.startCompute('comp0');
        if (who === 'fence_compute on')
          scene.time.after(4_000, () => void scene.site.fenceCompute('on', 'comp0', () => undefined));
        await scene.time.pass(at);
        const { disabled, forcedDown, alive } = scene.host('comp0');
        if (!disabled && !forcedDown && alive) scene.boot('new', 'comp0');
        stop();
        await fence(60);
        await scene.time.pass(1_000);
        expectMarked(when);
        await expectDealtWith(when);
        scene.site.boot('comp0');
        stop = scene.novaCompute('comp0');
        await scene.time.pass(60_000);
        expect([when, scene.mark('comp0'), scene.host('comp0')]).toMatchObject([
          when,
          '',
          { disabled: false, forcedDown: false, disabledReason: null, alive: true },
        ]);
        scene.stopMonitors();
        expect(scene.violations).toEqual([]);
      }
    },
  );
});

test('in the very moment in which its mark is removed: the new one stays', async () => {
  const settled = async (seed: number) => {
    scene = new Scene(seed);
    scene.site.boot('comp0');
    scene.cloud.setForcedDown(scene.host('comp0'), true);
    scene.setMark('comp0', 'no', 'no');
    scene.boot('new', 'comp0', { guest: false });
  };
  await settled(1);
  const begin = scene.time.now();
  await scene.time.until(scene.comeBack('comp0').outcome);
  const whole = scene.time.now() - begin;
  for (let at = whole - 900; at < whole + 100; at += 24) {
    await settled(1);
    const stop = scene.novaCompute('comp0');
    await scene.time.pass(at);
    // The machine's last request is on its way, and its fencing was quick.
    const fencing = scene.site.fenceCompute('off', 'comp0', () => undefined);
    await scene.time.pass(40);
    stop();
    scene.powerOff('comp0');
    if ((await scene.time.until(fencing.outcome)) !== '0') await fence(100);
    await scene.time.pass(500);
    expectMarked(`after ${at} ms`);
  }
});

test('it is marked anew while Nova is asked whether it may be forced up: it stays down', async () => {
  scene = new Scene();
  scene.boot('new', 'comp0', { guest: false });
  scene.site.boot('comp0');
  scene.cloud.setForcedDown(scene.host('comp0'), true);
  scene.setMark('comp0', 'no', 'no');
  let asked = 0;
  let marked = false;
  scene.site.sent = ({ url, body }) => {
    if (body?.includes('"forced_down":false') === true) asked += 1;
    // The last question before the step.
    if (marked || !scene.host('comp0').alive || !url.search.includes('source_compute=comp0')) return;
    marked = true;
    scene.setMark('comp0', 'yes', 'yes');
  };
  scene.novaCompute('comp0');
  await scene.time.pass(60_000);
  expect([marked, asked, scene.host('comp0').forcedDown]).toEqual([true, 0, true]);
});

describe('a left-over or forged sign of life', () => {
  async function dead(seed = 1): Promise<void> {
    scene = new Scene(seed);
    scene.bootSome(3);
    await scene.fence('comp0');
  }

  test('a pulse that never moves does not stop the evacuation', async () => {
    await dead();
    scene.pacemaker.transient.set('nova-compute-returning', new Map([['comp0', 'comp0@1795230000']]));
    await scene.passes(10);
    expect(onComp0()).toEqual([]);
    expect(scene.logged('is back')).toEqual([]);
  });

  test("somebody's repeated force-down, once or every few seconds for a while, does not end it", async () => {
    for (const times of [1, 2, 3]) {
      await dead(times);
      for (let count = 1; count <= times; count += 1) {
        scene.time.after(count * 3_100, () => {
          scene.host('comp0').changedAt = scene.time.now();
        });
      }
      await scene.passes(10);
      expect([times, onComp0()]).toEqual([times, []]);
    }
  });

  test('attributes purged and claims forgotten while it is watched: it goes on', async () => {
    await dead();
    scene.time.after(2_000, () => scene.pacemaker.purge('comp0'));
    scene.time.after(4_000, () => scene.pacemaker.purge('comp0'));
    await scene.passes(10);
    expect(onComp0()).toEqual([]);
    expect(scene.mark('comp0')).toBe('no');
  });
});
