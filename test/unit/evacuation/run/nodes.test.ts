import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NodesReading } from '../../../../lib/cluster/index.ts';
import type { HostKey } from '../../../../lib/evacuation/incident/names.ts';
import { failed } from '../../../simulators/world/fakePacemaker.ts';
import { Scene } from '../scene.ts';

/** What a pass makes of what the cluster says of its nodes, or does not say. */
let scene = new Scene();
afterEach(() => {
  expect(scene.violations).toEqual([]);
});

const versions = ['2.1.5', '3.0.0'] as const;
const left = () => scene.left('comp0');
const asked = () => scene.pacemaker.calls.filter((line) => line.startsWith('crm_mon')).length;
const untold: NodesReading = {
  known: false,
  why: 'noDc',
  sentence: 'the cluster has no DC at the moment',
  remedy: 'crm_mon -1 on this node shows what the cluster tells',
};

function cloud(version: (typeof versions)[number] = '3.0.0'): void {
  scene = new Scene(1, { pacemaker: version });
  scene.bootSome(3);
}

/** The first so many questions about the nodes are not answered. */
function failing(most: number): void {
  let left = most;
  scene.pacemaker.intercept = (line) => {
    if (!line.startsWith('crm_mon') || left === 0) return null;
    left -= 1;
    return failed(1, 'crm_mon: Error');
  };
}

test('quorum is lost in the middle of an evacuation: what Nova has is followed, nothing more is asked for, and that is said', async () => {
  scene = new Scene(1);
  scene.bootSome(60);
  await scene.fence('comp0');
  const settings = {
    concurrency: 2,
    onSharedStorage: true,
    evacuateDelayMs: 0,
    earlyReturn: 'release',
  } as const;
  const running = scene.begin(scene.ctl0, { settings });
  await scene.time.pass(20_000);
  const before = scene.asked.size;
  expect(before).toBeGreaterThan(0);
  scene.pacemaker.hasQuorum = false;
  await scene.time.pass(15_000);
  const asked = scene.asked.size;
  expect(asked).toBeLessThan(30);
  await scene.time.pass(60_000);
  expect(scene.asked.size).toBe(asked);
  expect(
    scene.log.filter((line) => line.includes('this partition of the cluster has no quorum')),
  ).toHaveLength(1);
  scene.pacemaker.hasQuorum = true;
  await scene.end(running);
  await scene.passes(20, scene.ctl0);
  expect(left()).toEqual([]);
  expect([...scene.asked.values()].every((times) => times.length === 1)).toBe(true);
});

describe.each(versions)('Pacemaker %s', (version) => {
  beforeEach(() => cloud(version));

  test('a mark on a host that runs: refused, and named', async () => {
    scene.setMark('comp0', 'yes', 'yes');
    for (let pass = 0; pass < 3; pass += 1) {
      const { troubled, sentence } = await scene.outcome();
      if (pass === 2) expect({ troubled, sentence }).toMatchObject({ troubled: true });
      if (pass === 2) expect(sentence).toContain('comp0 is not evacuated, as it bears a mark but runs');
      await scene.time.pass(40_000);
    }
    expect(left()).toHaveLength(3);
    expect(scene.host('comp0').forcedDown).toBe(false);
  });

  test('a host that is back is released', async () => {
    await scene.fence('comp0');
    await scene.passes(20);
    expect(scene.mark('comp0')).toBe('no');
    scene.site.boot('comp0');
    scene.site.startCompute('comp0');
    for (let pass = 0; pass < 6 && scene.mark('comp0') !== ''; pass += 1) {
      await scene.outcome();
      await scene.time.pass(10_000);
    }
    expect(scene.mark('comp0')).toBe('');
    expect(scene.host('comp0').forcedDown).toBe(false);
  });

  test('a host that is off is evacuated', async () => {
    await scene.fence('comp0');
    await scene.passes(20);
    expect(left()).toEqual([]);
    expect(scene.mark('comp0')).toBe('no');
  });
});

describe('a mark on a host of which the cluster does not know what runs there', () => {
  beforeEach(() => cloud());

  test('unclean, its nova-compute up, not fenced: refused like any that runs', async () => {
    scene.setMark('comp0', 'yes', 'yes');
    scene.pacemaker.unclean.add('comp0');
    await scene.outcome();
    await scene.time.pass(70_000);
    const { sentence } = await scene.outcome();
    expect(sentence).toContain('comp0 is not evacuated, as it bears a mark but runs');
    expect(left()).toHaveLength(3);
  });

  test('its connection is only being tried while it is dead: evacuated as soon as Nova misses it', async () => {
    scene.powerOff('comp0');
    scene.setMark('comp0', 'yes', 'yes');
    scene.pacemaker.connecting.add('comp0');
    await scene.passes(20);
    expect(left()).toEqual([]);
    expect(scene.mark('comp0')).toBe('no');
  });

  test('its connection is only being tried: it is not taken for back, so its evacuation is not held up', async () => {
    await scene.fence('comp0');
    scene.pacemaker.lost.delete('comp0');
    scene.pacemaker.connecting.add('comp0');
    const begin = scene.time.now();
    await scene.passes(20);
    expect(left()).toEqual([]);
    expect(scene.time.now() - begin).toBeLessThan(30_000);
  });
});

describe('the cluster does not tell what its nodes are', () => {
  beforeEach(() => cloud());

  test('once: asked again within the pass, without a line', async () => {
    await scene.fence('comp0');
    failing(1);
    expect(await scene.outcome()).toEqual({ troubled: false, sentence: null });
    expect(left()).toEqual([]);
    expect(scene.logged('does not tell')).toEqual([]);
  });

  test.each(['no DC', 'no quorum', 'not at all'])(
    '%s: nothing is begun, that is said once, and a later pass goes on',
    async (what) => {
      await scene.fence('comp0');
      if (what === 'no DC') scene.pacemaker.hasDc = false;
      else if (what === 'no quorum') scene.pacemaker.hasQuorum = false;
      else failing(-1);
      for (let pass = 0; pass < 3; pass += 1) {
        const { troubled, sentence } = await scene.outcome(scene.ctl0, { timeoutMs: 20_000 });
        expect(troubled).toBe(true);
        expect(sentence).toMatch(
          /^comp0 is not evacuated yet, as the cluster does not tell whether it is down: /,
        );
        await scene.time.pass(10_000);
      }
      expect(scene.asked.size).toBe(0);
      expect(left()).toHaveLength(3);
      expect(scene.mark('comp0')).toBe('yes');
      expect(scene.logged('does not tell whether it is down')).toHaveLength(1);
      scene.pacemaker.hasDc = true;
      scene.pacemaker.hasQuorum = true;
      scene.pacemaker.intercept = () => null;
      await scene.passes(10);
      expect(left()).toEqual([]);
      expect(scene.mark('comp0')).toBe('no');
    },
  );

  test('a mark on a living host while crm_mon hangs: not taken for one that has left', async () => {
    scene.setMark('comp0', 'yes', 'yes');
    const hanging = {
      timeoutMs: 20_000,
      readNodes: async (): Promise<NodesReading> => {
        await scene.sleep(5_000);
        return { ...untold, why: 'failed', sentence: 'crm_mon did not end within 5 s and was stopped' };
      },
    };
    const begin = scene.time.now();
    const { troubled, sentence } = await scene.outcome(scene.ctl0, hanging);
    expect(troubled).toBe(true);
    expect(sentence).toContain('crm_mon did not end within 5 s');
    expect(scene.time.now() - begin).toBeLessThan(16_000);
    expect(scene.asked.size).toBe(0);
    expect(scene.host('comp0').forcedDown).toBe(false);
  });

  test('an evacuation that has begun asks for no more, and goes on as soon as the cluster tells', async () => {
    for (let index = 3; index < 40; index += 1) scene.boot(`i${index}`, 'comp0');
    await scene.fence('comp0');
    await scene.outcome(scene.ctl0, { timeoutMs: 4_000 });
    expect(left().length).toBeGreaterThan(0);
    failing(-1);
    const before = scene.asked.size;
    await scene.passes(5);
    expect(scene.asked.size).toBe(before);
    expect(scene.mark('comp0')).not.toBe('no');
    failing(0);
    await scene.passes(20);
    expect(left()).toEqual([]);
    expect(scene.mark('comp0')).toBe('no');
  });

  test('crm_mon fails while an evacuation is under way: for half a minute it goes on, then it asks for no more', async () => {
    for (let index = 3; index < 60; index += 1) scene.boot(`i${index}`, 'comp0');
    await scene.fence('comp0');
    const running = scene.begin(scene.ctl0, {
      settings: { concurrency: 1, onSharedStorage: true, evacuateDelayMs: 0, earlyReturn: 'release' },
    });
    await scene.time.pass(5_000);
    failing(-1);
    const before = scene.asked.size;
    await scene.time.pass(25_000);
    const during = scene.asked.size;
    expect(during).toBeGreaterThan(before);
    // A look is five seconds old at most.
    await scene.time.pass(12_000);
    const after = scene.asked.size;
    const { sentence } = await scene.end(running);
    expect(scene.asked.size).toBe(after);
    expect(after).toBeLessThan(60);
    expect(sentence).toContain('the cluster does not tell what its nodes are: ');
    failing(0);
    await scene.passes(30);
    expect(left()).toEqual([]);
  });

  test('other hosts that are at work are not held up by one that cannot be told', async () => {
    scene.bootSome(40, 'comp1', 'j');
    await scene.fence('comp1');
    const running = scene.begin();
    await scene.time.pass(3_000);
    failing(-1);
    await scene.fence('comp0');
    await scene.end(running);
    expect(scene.left('comp1')).toEqual([]);
    // Others may have been on their way to it when it died.
    expect(left()).toEqual(expect.arrayContaining(['i0', 'i1', 'i2']));
  });

  test('a release is not begun, and a later pass takes it up', async () => {
    await scene.fence('comp0');
    await scene.passes(20);
    scene.site.boot('comp0');
    scene.site.startCompute('comp0');
    for (const readNodes of [async () => untold, async () => untold]) {
      const { troubled, sentence } = await scene.outcome(scene.ctl0, { readNodes });
      expect({ troubled, sentence }).toEqual({
        troubled: true,
        sentence:
          'comp0 waits for its release, as the cluster does not tell whether it is back: the cluster has no DC at the moment; the next pass asks again (crm_mon -1 on this node shows what the cluster tells).',
      });
      await scene.time.pass(10_000);
    }
    expect(scene.host('comp0').forcedDown).toBe(true);
    for (let pass = 0; pass < 6 && scene.mark('comp0') !== ''; pass += 1) {
      await scene.outcome();
      await scene.time.pass(10_000);
    }
    expect(scene.mark('comp0')).toBe('');
  });

  test('a release is not begun either where it is not known whether NovaCompute manages the host', async () => {
    await scene.fence('comp0');
    await scene.passes(20);
    scene.site.boot('comp0');
    scene.site.startCompute('comp0');
    scene.pacemaker.active.set('comp0', ['NovaCompute']);
    const { troubled, sentence } = await scene.outcome(scene.ctl0, { readActive: async () => null });
    expect(troubled).toBe(true);
    expect(sentence).toContain('does not tell whether NovaCompute runs there');
    expect(scene.host('comp0').forcedDown).toBe(true);
  });

  test('it told that the host is down, and then nothing more: a machine that may be back is not called gone', async () => {
    await scene.fence('comp0');
    let questions = 0;
    const readNodes = async (): Promise<NodesReading> => {
      questions += 1;
      return questions === 1 ? { known: true, nodes: [] } : untold;
    };
    // The first answer is used up before the host's loop asks for itself.
    const slow = async () => {
      await scene.sleep(2_000);
      return new Map<HostKey, string>();
    };
    const { troubled, sentence } = await scene.outcome(scene.ctl0, {
      readNodes,
      readPulses: slow,
      timeoutMs: 20_000,
    });
    expect({ troubled, sentence }).toMatchObject({
      troubled: true,
      sentence: expect.stringMatching(
        /^evacuation of comp0 has not begun, as the cluster does not tell whether it is back: the cluster has no DC/,
      ),
    });
    expect(scene.asked.size).toBe(0);
  });
});

describe('what it costs', () => {
  beforeEach(() => cloud());

  test('many marks at the same time share one question', async () => {
    for (const host of ['comp0', 'comp1', 'comp2', 'comp3']) scene.setMark(host, 'yes', 'yes');
    await scene.outcome(scene.ctl0, { timeoutMs: 2_000 });
    expect(asked()).toBe(1);
  });

  test('without a mark nobody asks', async () => {
    await scene.outcome();
    expect(asked()).toBe(0);
  });
});
