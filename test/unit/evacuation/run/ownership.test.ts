import { afterEach, describe, expect, test } from 'vitest';
import { markName } from '../../../../lib/attrd/index.ts';
import { formatHints, Hints, newHostHints } from '../../../../lib/evacuation/index.ts';
import { Scene } from '../scene.ts';

let scene = new Scene();
afterEach(() => {
  expect(scene.violations).toEqual([]);
});

const settings = {
  concurrency: 4,
  onSharedStorage: true,
  evacuateDelayMs: 0,
  earlyReturn: 'release',
} as const;

const asked = () => [...scene.asked.values()].flat().length;
const incidentOf = (node: string) => scene.pacemaker.nodes.get(node)?.get('evacuate-incident') ?? '';

describe('one host, one evacuator', () => {
  test("a second mark under Nova's name of the host, while another controller is at work on the first", async () => {
    scene = new Scene(2, { domain: '.example' });
    scene.bootSome(60);
    await scene.fence('comp0');
    scene.begin(scene.ctl0, { settings });
    await scene.time.pass(8_000);
    // By hand, or by an original fence_compute.
    scene.setMark('comp0.example', 'yes');
    const second = scene.begin(scene.ctl1, { settings });
    await scene.end(second);
    expect(scene.logged('it is the host of comp0, which another evacuator is at work on')).toHaveLength(1);
    await scene.time.pass(200_000);
    expect([...scene.asked.values()].filter((times) => times.length > 1)).toEqual([]);
    expect([scene.mark('comp0'), scene.mark('comp0.example')]).toEqual(['no', 'no']);
  });

  test("a purge takes the owner's claim away: another controller waits for it to be written again", async () => {
    scene = new Scene(3);
    scene.bootSome(60);
    await scene.fence('comp0');
    scene.begin(scene.ctl0, { settings });
    await scene.time.pass(6_000);
    scene.pacemaker.purge('comp0');
    const second = scene.begin(scene.ctl1, { settings });
    await scene.time.pass(20_000);
    expect(scene.mark('comp0')).toMatch(/^ctl0@/);
    expect((await scene.end(second)).sentence).toMatch(/^Deferring/);
  });

  test('a dead one is replaced about a minute after the other controller first looked, whatever the clocks', async () => {
    for (const offset of [-3_600, -61, 0, 61, 3_600]) {
      scene = new Scene(4);
      scene.boot('i', 'comp0');
      await scene.fence('comp0');
      scene.setMark('comp0', `ctl0@${Math.floor(scene.time.now() / 1000) + offset}`);
      const begun = scene.time.now();
      await scene.passes(9, scene.ctl1);
      const at = (scene.asked.get('i')?.[0] ?? 0) - begun;
      expect([offset, at > 60_000, at < 75_000]).toEqual([offset, true, true]);
    }
  });

  test('a dead one is replaced as soon where the notes of each pass are lost', async () => {
    scene = new Scene(4);
    scene.boot('i', 'comp0');
    await scene.fence('comp0');
    scene.setMark('comp0', `ctl0@${Math.floor(scene.time.now() / 1000)}`);
    const begun = scene.time.now();
    for (let pass = 0; pass < 9; pass += 1) {
      scene.ctl1.hints = '';
      await scene.outcome(scene.ctl1, { timeoutMs: 20_000 });
      await scene.time.pass(10_000);
    }
    const at = (scene.asked.get('i')?.[0] ?? Number.POSITIVE_INFINITY) - begun;
    expect([at > 60_000, at < 90_000]).toEqual([true, true]);
    // Nothing of it is left in the cluster.
    expect(scene.site.attribute('nova-evacuate-watches', 'ctl1')).toBe('');
  });

  test.each([
    ['down', true],
    ['unclean, which is not down yet', false],
    ['online', false],
  ])("its owner's node is %s", async (state, isTakenAtOnce) => {
    scene = new Scene(6);
    scene.boot('i', 'comp0');
    await scene.fence('comp0');
    const marks = scene.site.marksFor(scene.newProcess());
    for (const one of (await scene.time.until(marks.readAll())).marks) {
      await scene.time.until(marks.own(one, 'ctl0'));
    }
    const claim = { who: 'ctl0', at: Math.floor(scene.time.now() / 1000) };
    await scene.time.until(marks.claim(markName('comp0'), claim));
    if (state === 'down') scene.pacemaker.lost.add('ctl0');
    if (state.startsWith('unclean')) scene.pacemaker.unclean.add('ctl0');
    const begun = scene.time.now();
    await scene.outcome(scene.ctl1, { timeoutMs: 20_000 });
    expect([state, scene.logged('Processing partial evacuation of comp0 by ctl0').length]).toEqual([
      state,
      isTakenAtOnce ? 1 : 0,
    ]);
    await scene.passes(9, scene.ctl1);
    const at = (scene.asked.get('i')?.[0] ?? 0) - begun;
    expect([state, at > 35_000, at < (isTakenAtOnce ? 50_000 : 75_000)]).toEqual([state, true, true]);
  });

  test('both begin at the same moment: one of them works', async () => {
    for (let apart = 0; apart <= 300; apart += 20) {
      scene = new Scene(apart);
      scene.bootSome(12);
      await scene.fence('comp0');
      const first = scene.begin(scene.ctl0, { settings });
      await scene.time.pass(apart);
      const second = scene.begin(scene.ctl1, { settings });
      await scene.time.until(Promise.all([first.outcome, second.outcome]));
      await scene.passes(10, scene.ctl1, { settings });
      expect([apart, asked(), scene.mark('comp0')]).toEqual([apart, 12, 'no']);
    }
  });
});

describe('a host that is fenced again', () => {
  test.each([12, 800, 3_000])(
    'at any moment of its evacuation, with tools that take %d ms: nothing is lost',
    async (toolMs) => {
      for (let at = 300; at < 20_000; at += 1_400) {
        scene = new Scene(at);
        scene.bootSome(3);
        await scene.fence('comp0');
        const before = incidentOf('comp0');
        scene.site.tools.latency = () => toolMs;
        scene.monitorFrom();
        await scene.time.pass(at);
        expect(await scene.fenceCompute('off', 'comp0')).toBe('0');
        scene.pacemaker.purge('comp0');
        if (scene.left('comp0').length > 0) {
          expect(incidentOf('comp0').slice(0, 20)).not.toBe(before.slice(0, 20));
        }
        await scene.time.pass(400_000);
        scene.stopMonitors();
        expect([at, scene.left('comp0'), scene.mark('comp0')]).toEqual([at, [], 'no']);
      }
    },
  );

  test('notes of the failure before do not count for it', async () => {
    scene = new Scene(5);
    scene.boot('i', 'comp0');
    await scene.fence('comp0');
    const hints = new Hints();
    hints.set(markName('comp0'), {
      ...newHostHints(scene.time.now() - 60_000),
      incidentId: 'another',
      pass: 'closed',
      refusals: {
        i: { count: 6, at: scene.time.now(), message: 'never', final: true, forItsTask: false, ours: false },
      },
    });
    scene.ctl0.hints = formatHints(hints);
    await scene.passes(3);
    expect(asked()).toBe(1);
    expect(scene.mark('comp0')).toBe('no');
  });
});

describe('an upgrade in the middle of an incident', () => {
  test.each([
    // What the version before, or an original agent, left: transient, permanent, and for how long nothing is asked.
    ['marked', 'yes', 'yes', 0],
    ['marked, and purged', '', 'yes', 0],
    ['marked by an original fence_compute', 'yes', undefined, 0],
    ['claimed by the other controller, which died', 'ctl0@NOW', 'yes', 60_000],
    ['claimed by the other controller under an original agent', 'ctl0@NOW', undefined, 60_000],
    ['claimed by this controller, whose pass was killed', 'ctl1@NOW', 'yes', 20_000],
  ])('%s', async (_what, transient, permanent, quietMs) => {
    scene = new Scene(6);
    scene.boot('i', 'comp0');
    await scene.fence('comp0');
    scene.pacemaker.nodes.delete('comp0');
    scene.setMark('comp0', transient.replace('NOW', `${Math.floor(scene.time.now() / 1000)}`), permanent);
    const begun = scene.time.now();
    await scene.passes(9, scene.ctl1);
    const at = (scene.asked.get('i')?.[0] ?? 0) - begun;
    expect([at >= quietMs, at < quietMs + 20_000]).toEqual([true, true]);
    expect([scene.mark('comp0'), scene.pacemaker.permanent('comp0')]).toEqual(['no', 'no']);
  });

  /** What the version before this, or the original agents, leave of a mark: its transient and permanent side. */
  const leave = (transient: string, permanent?: string) => {
    scene.pacemaker.nodes.get('comp0')?.delete('evacuate-incident');
    scene.pacemaker.nodes.get('comp0')?.delete('evacuate');
    scene.setMark('comp0', transient.replace('NOW', `${Math.floor(scene.time.now() / 1000)}`), permanent);
  };

  /** As Pacemaker calls it, whether there is anything to do or not. */
  const monitors = async (count: number) => {
    for (let pass = 0; pass < count; pass += 1) {
      await scene.outcome(scene.ctl1);
      await scene.time.pass(10_000);
    }
  };

  test.each([
    ['the version before', 'ctl0@NOW', 'yes'],
    ['an original agent', 'ctl0@NOW', undefined],
  ])('%s has evacuations in flight: each is followed, and none asked for again', async (_who, mark, copy) => {
    scene = new Scene(11);
    scene.bootSome(4);
    await scene.fence('comp0');
    scene.cloud.conductor.stop();
    scene.evacuateByHand();
    leave(mark, copy);
    await scene.passes(4, scene.ctl1);
    expect(asked()).toBe(0);
    scene.cloud.conductor.start();
    await scene.passes(12, scene.ctl1);
    expect([asked(), scene.left('comp0'), scene.mark('comp0')]).toEqual([0, [], 'no']);
    expect(scene.recordsPerInstance()).toEqual([1, 1, 1, 1]);
  });

  test.each([
    ['the version before', 'no', 'no'],
    ['the version before, and purged', '', 'no'],
    ['an original agent', 'no', undefined],
  ])(
    '%s has evacuated it: the mark stays, and the host is released once it is back',
    async (_who, mark, copy) => {
      scene = new Scene(12);
      scene.bootSome(2);
      await scene.fence('comp0');
      await scene.passes(8);
      leave(mark, copy);
      await monitors(2);
      expect([asked(), scene.host('comp0').forcedDown]).toEqual([2, true]);
      scene.site.boot('comp0');
      scene.site.startCompute('comp0');
      // The rejoin takes a mark without a permanent half away: as under the original agents, its unfencing gives the host back.
      for (let call = 0; call < 3 && copy === undefined; call += 1) {
        await scene.time.pass(15_000);
        expect(await scene.fenceCompute('on', 'comp0')).toBe('0');
      }
      await monitors(6);
      expect([scene.mark('comp0'), scene.pacemaker.permanent('comp0') ?? '']).toEqual(['', '']);
      expect(scene.host('comp0')).toMatchObject({ forcedDown: false, disabled: false });
      expect(asked()).toBe(2);
    },
  );

  test.each([
    ['forced up already', { forcedDown: false }],
    ['enabled already as well', { forcedDown: false, disabled: false, disabledReason: null }],
  ])('the version before was on the way of releasing it, and had it %s', async (_step, done) => {
    scene = new Scene(13);
    scene.bootSome(2);
    await scene.fence('comp0');
    await scene.passes(8);
    scene.site.boot('comp0');
    scene.site.startCompute('comp0');
    await scene.time.pass(15_000);
    Object.assign(scene.host('comp0'), done);
    leave('no', 'no');
    await monitors(6);
    expect([scene.mark('comp0'), scene.pacemaker.permanent('comp0') ?? '']).toEqual(['', '']);
    expect(scene.host('comp0')).toMatchObject({ forcedDown: false, disabled: false });
    expect(asked()).toBe(2);
  });

  test('the version before had released it: nothing is done, and its next failure is like any other', async () => {
    scene = new Scene(14);
    scene.bootSome(1, 'comp0', 'j');
    leave('', undefined);
    await monitors(2);
    expect(asked()).toBe(0);
    await scene.fence('comp0');
    await scene.passes(8, scene.ctl1);
    expect([asked(), scene.mark('comp0')]).toEqual([1, 'no']);
  });

  test.each([
    ["an operator's no, of which a purge left the permanent half", '', 'no'],
    ["an operator's no beside the permanent mark", 'no', 'yes'],
  ])('%s: nothing is asked for', async (_what, mark, copy) => {
    scene = new Scene(15);
    scene.bootSome(2);
    await scene.fence('comp0');
    leave(mark, copy);
    await monitors(4);
    expect([asked(), scene.mark('comp0'), scene.pacemaker.permanent('comp0')]).toEqual([0, 'no', 'no']);
  });

  test('a controller of the version before that is alive keeps its host', async () => {
    scene = new Scene(7);
    scene.boot('i', 'comp0');
    await scene.fence('comp0');
    for (let second = 0; second < 120; second += 5) {
      scene.setMark('comp0', `ctl0@${Math.floor(scene.time.now() / 1000)}`, 'yes');
      const pass = scene.begin(scene.ctl1);
      await scene.time.pass(5_000);
      pass.kill();
    }
    expect(asked()).toBe(0);
  });

  test('our claim is a live one to it at every moment', async () => {
    scene = new Scene(8);
    scene.bootSome(30);
    await scene.fence('comp0');
    scene.cloud.conductor.stop();
    scene.begin(scene.ctl0, { settings });
    await scene.time.pass(3_000);
    for (let second = 0; second < 26; second += 1) {
      const at = Number(/^ctl0@(\d+)$/.exec(scene.mark('comp0'))?.[1]);
      expect(scene.time.now() / 1000 - at).toBeLessThan(22);
      await scene.time.pass(1_000);
    }
  });
});

test("an operator's no ends the evacuation, whenever it comes, and a purge does not undo it", async () => {
  for (let at = 1_000; at < 40_000; at += 1_700) {
    scene = new Scene(at);
    scene.bootSome(40);
    await scene.fence('comp0');
    scene.cloud.conductor.stop();
    const running = scene.begin(scene.ctl0, { settings });
    await scene.time.pass(at);
    scene.setMark('comp0', 'no');
    await scene.end(running);
    const marks = scene.site.marksFor(scene.newProcess());
    for (const one of (await scene.time.until(marks.readAll())).marks) {
      await scene.time.until(marks.repair(one, 'ctl0'));
    }
    scene.pacemaker.purge('comp0');
    expect([at, scene.mark('comp0')]).toEqual([at, 'no']);
  }
});
