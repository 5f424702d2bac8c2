import { afterEach, describe, expect, test } from 'vitest';
import { Rig } from './rig.ts';

let rig = new Rig();
afterEach(() => {
  expect(rig.nova.violations).toEqual([]);
});

/** NovaEvacuate's monitor, every ten seconds, until told to stop. */
function evacuator(): () => void {
  let over = false;
  const again = async () => {
    while (!over) {
      await rig.start().outcome;
      await new Promise<void>((resolve) => {
        rig.time.after(10_000, resolve);
      });
    }
  };
  void again();
  return () => {
    over = true;
  };
}

/** NovaCompute on comp0: called again until nothing is owed, or the machine dies. */
function novaCompute(): () => void {
  let over = false;
  let kill: () => void = () => undefined;
  const again = async () => {
    while (!over) {
      const running = rig.comeBack('comp0');
      kill = () => running.process.kill();
      if ((await running.outcome).kind === 'released') return;
    }
  };
  void again();
  return () => {
    over = true;
    kill();
  };
}

/** The machine dies and is fenced: power off, then the real fence_compute, which Pacemaker repeats until it succeeds. */
async function fence(afterMs: number): Promise<void> {
  rig.nova.powerOff('comp0');
  rig.pacemaker.lost.add('comp0');
  await rig.time.pass(afterMs);
  for (let attempt = 0; attempt < 10; attempt += 1) {
    if ((await rig.time.until(rig.fenceCompute('off', 'comp0').outcome)) === '0') return;
    await rig.time.pass(1_000);
  }
  throw new Error('the fencing failed');
}

const onComp0 = () => rig.nova.whereabouts()['comp0'] ?? [];

/** What has to be so at once when a fencing was reported, whatever was going on. */
function expectMarked(when: string): void {
  if (onComp0().length > 0) expect([when, rig.isPending('comp0')]).toEqual([when, true]);
  else expect([when, rig.mark('comp0')]).toEqual([when, expect.stringMatching(/^(yes|no|ctl0@\d+)$/)]);
}

async function expectDealtWith(when: string): Promise<void> {
  for (let look = 0; look < 60 && (rig.isPending('comp0') || onComp0().length > 0); look += 1) {
    await rig.time.pass(5_000);
  }
  expect([when, onComp0(), rig.mark('comp0')]).toEqual([when, [], 'no']);
  for (const { server } of rig.nova.instances.values())
    expect(rig.nova.runsOn(server.id)).toEqual([server.host]);
  expect([when, rig.nova.violations]).toEqual([when, []]);
}

describe('a machine that dies again', () => {
  test.each([
    ['at once', 40],
    ['half a second later', 500],
    ['three seconds later', 3_000],
  ])('at any moment of its early return, fenced %s: nothing is lost', async (_what, afterMs) => {
    for (let at = 200; at < 26_000; at += 370) {
      rig = new Rig(at);
      for (let index = 0; index < 3; index += 1) rig.nova.boot(`i${index}`, 'comp0');
      await fence(200);
      await rig.time.pass(1_000);
      rig.boot('comp0');
      const stopNovaCompute = novaCompute();
      const stopEvacuator = evacuator();
      await rig.time.pass(at);
      stopNovaCompute();
      await fence(afterMs);
      await rig.time.pass(200);
      expectMarked(`after ${at} ms`);
      await expectDealtWith(`after ${at} ms`);
      stopEvacuator();
    }
  });

  test.each(['NovaCompute', 'NovaEvacuate', 'fence_compute on'])(
    'at any moment of its release by %s: nothing is lost, and it is released another time',
    async (who) => {
      for (let at = 100; at < 17_000; at += 230) {
        const when = `after ${at} ms`;
        rig = new Rig(at);
        rig.nova.boot('old', 'comp0');
        await fence(200);
        const stopEvacuator = evacuator();
        await expectDealtWith('the first time');
        rig.boot('comp0');
        let stop: () => void = () => undefined;
        if (who === 'NovaCompute') stop = novaCompute();
        else rig.nova.startCompute('comp0');
        if (who === 'fence_compute on') rig.time.after(4_000, () => void rig.fenceCompute('on', 'comp0'));
        await rig.time.pass(at);
        const { enabled, forcedDown } = rig.nova.host('comp0');
        if (enabled && !forcedDown) rig.nova.boot('new', 'comp0');
        stop();
        await fence(60);
        await rig.time.pass(1_000);
        expectMarked(when);
        await expectDealtWith(when);
        rig.boot('comp0');
        stop = novaCompute();
        await rig.time.pass(60_000);
        expect([when, rig.mark('comp0'), rig.nova.host('comp0')]).toMatchObject([
          when,
          '',
          { enabled: true, forcedDown: false, disabledReason: null, computeRuns: true },
        ]);
        stopEvacuator();
        expect(rig.nova.violations).toEqual([]);
      }
    },
  );
});

test('in the very moment in which its mark is removed: the new one stays', async () => {
  const settled = async (seed: number) => {
    rig = new Rig(seed);
    rig.boot('comp0');
    rig.nova.forceDown('comp0');
    rig.setMark('comp0', 'no', 'no');
    rig.nova.boot('new', 'comp0');
  };
  await settled(1);
  const begin = rig.time.now();
  await rig.time.until(rig.comeBack('comp0').outcome);
  const whole = rig.time.now() - begin;
  for (let at = whole - 900; at < whole + 100; at += 12) {
    await settled(1);
    const stop = novaCompute();
    await rig.time.pass(at);
    // The machine's last request is on its way, and its fencing was quick.
    const fencing = rig.fenceCompute('off', 'comp0');
    await rig.time.pass(40);
    stop();
    rig.nova.powerOff('comp0');
    await rig.time.until(fencing.outcome);
    if ((await fencing.outcome) !== '0') await fence(100);
    await rig.time.pass(500);
    expectMarked(`after ${at} ms`);
  }
});

describe('a left-over or forged sign of life', () => {
  function dead(seed = 1): void {
    rig = new Rig(seed);
    for (let index = 0; index < 3; index += 1) rig.nova.boot(`i${index}`, 'comp0');
    rig.fence('comp0');
  }

  test('a pulse that never moves does not stop the evacuation', async () => {
    dead();
    rig.pacemaker.transient.set('nova-compute-returning', new Map([['comp0', 'comp0@1795230000']]));
    await rig.passes(10);
    expect(onComp0()).toEqual([]);
    expect(rig.logged('is back')).toEqual([]);
  });

  test("somebody's repeated force-down, once or every few seconds for a while, does not end it", async () => {
    for (const times of [1, 2, 3]) {
      dead(times);
      for (let count = 1; count <= times; count += 1) {
        rig.time.after(count * 3_100, () => {
          rig.nova.host('comp0').writtenAt = rig.time.now();
        });
      }
      await rig.passes(10);
      expect([times, onComp0()]).toEqual([times, []]);
    }
  });

  test('attributes purged and claims forgotten while it is watched: it goes on', async () => {
    dead();
    rig.time.after(2_000, () => rig.pacemaker.purge('comp0'));
    rig.time.after(4_000, () => rig.pacemaker.purge('comp0'));
    await rig.passes(10);
    expect(onComp0()).toEqual([]);
    expect(rig.mark('comp0')).toBe('no');
  });
});
