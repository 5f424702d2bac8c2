import { beforeEach, describe, expect, test } from 'vitest';
import { pacing } from '../../../../lib/evacuation/incident/pacing.ts';
import { refused, Scene } from '../scene.ts';

let scene: Scene;

beforeEach(() => {
  scene = new Scene(5);
});

/** The first answers to a question lack everything, as when a query of one cell fails: without a word, and right again later. */
function leaveOut(question: string, howOften: number): { readonly asked: () => number } {
  let asked = 0;
  scene.fault = ({ method }) => {
    if (method !== question) return null;
    asked += 1;
    return asked <= howOften ? { cellAway: true } : null;
  };
  return { asked: () => asked };
}

const bootFive = () => scene.bootSome(5);

/** Placement answers everything with this. */
function refusePlacement(refusal: 'noEndpoint' | 'forbidden', more: Scene['fault'] = () => null): void {
  const { keystone } = scene.site.cloud;
  if (refusal === 'noEndpoint') {
    keystone.catalog.splice(
      0,
      keystone.catalog.length,
      ...keystone.catalog.filter(({ service }) => service !== 'placement'),
    );
  }
  scene.fault = (call) =>
    refusal === 'forbidden' && /Capacity|Allocations|Provider/.test(call.method) ? refused(403) : more(call);
}

describe('lists that leave out what is in a cell', () => {
  test('the records, once, at the start of a pass: what is in flight is not asked for a second time', async () => {
    scene.boot('vm', 'comp0');
    await scene.fence('comp0');
    scene.cloud.conductor.stop();
    await scene.outcome(scene.ctl0, { timeoutMs: 60_000 });
    await scene.time.pass(70_000);
    const records = leaveOut('listEvacuations', 1);
    await scene.outcome(scene.ctl0, { timeoutMs: 60_000 });
    expect(records.asked()).toBeGreaterThan(1);
    expect(scene.asked.get('vm')).toHaveLength(1);
    expect(scene.violations).toEqual([]);
  });

  test('both, once, at the start of a pass: one that is looked at by itself afterwards is looked for in its actions', async () => {
    scene.boot('vm', 'comp0');
    await scene.fence('comp0');
    scene.cloud.conductor.stop();
    await scene.outcome(scene.ctl0, { timeoutMs: 60_000 });
    await scene.time.pass(70_000);
    const seen = new Set<string>();
    scene.fault = ({ method }) => {
      if (!['listServers', 'listEvacuations'].includes(method) || seen.has(method)) return null;
      seen.add(method);
      return { cellAway: true };
    };
    await scene.outcome(scene.ctl0, { timeoutMs: 60_000 });
    expect(seen.size).toBe(2);
    expect(scene.asked.get('vm')).toHaveLength(1);
    expect(scene.violations).toEqual([]);
  });

  test.each([1, 2, 1000])(
    'the instances, %i times: Placement tells, and each is evacuated',
    async (times) => {
      bootFive();
      await scene.fence('comp0');
      leaveOut('listServers', times);
      const outcome = await scene.outcome();
      expect(outcome.troubled).toBe(false);
      expect(scene.left('comp0')).toEqual([]);
      expect(scene.mark('comp0')).toBe('no');
      expect(scene.violations).toEqual([]);
      expect(scene.logged('Completed evacuation of comp0: 5 of 5')).toHaveLength(1);
      expect(scene.logged("Nova's list of instances leaves out 5 on comp0")).toHaveLength(
        times === 1 ? 0 : 1,
      );
    },
  );

  test('Placement does not answer: the mark stays, and it is said why', async () => {
    await scene.fence('comp0');
    scene.fault = ({ method }) => (method === 'listAllocations' ? refused(503) : null);
    const outcome = await scene.outcome();
    expect(scene.isPending('comp0')).toBe(true);
    expect(outcome.troubled).toBe(true);
    expect(JSON.stringify(outcome)).toContain(
      'Placement does not tell whether instances of comp0 are missing',
    );
    expect(scene.logged('Completed')).toEqual([]);
    scene.fault = () => null;
    await scene.outcome();
    expect(scene.mark('comp0')).toBe('no');
  });

  describe('Placement does not answer for ever', () => {
    const silent = () => {
      scene.fault = ({ method }) => (method === 'listAllocations' ? refused(503) : null);
    };
    /** A pass every ten seconds, each without notes, on one controller and the other. */
    const passFor = async (ms: number) => {
      const until = scene.time.now() + ms;
      for (let count = 0; scene.time.now() < until && scene.isPending('comp0'); count += 1) {
        const controller = count % 2 === 0 ? scene.ctl0 : scene.ctl1;
        controller.hints = '';
        await scene.outcome(controller, { timeoutMs: 20_000 });
        await scene.time.pass(10_000);
      }
    };

    test("after minutes Nova's own lists decide, and it is said", async () => {
      scene.boot('vm', 'comp0');
      await scene.fence('comp0');
      silent();
      await passFor(pacing.placementSilentMs - 30_000);
      expect(scene.left('comp0')).toEqual([]);
      expect(scene.isPending('comp0')).toBe(true);
      expect(scene.logged('rests on a second list')).toEqual([]);
      await passFor(120_000);
      expect(scene.mark('comp0')).toBe('no');
      expect(scene.logged('rests on a second list')).toHaveLength(1);
    });

    test('never on one list', async () => {
      await scene.fence('comp0');
      silent();
      await passFor(pacing.placementSilentMs - 30_000);
      scene.boot('vm', 'comp0');
      // It had run there when the power went.
      scene.powerOff('comp0');
      let lists = 0;
      scene.fault = ({ method }) => {
        if (method === 'listServers') lists += 1;
        if (method === 'listServers' && lists === 1) return { cellAway: true };
        return method === 'listAllocations' ? refused(503) : null;
      };
      await passFor(240_000);
      expect(scene.mark('comp0')).toBe('no');
      expect(scene.left('comp0')).toEqual([]);
      expect(scene.violations).toEqual([]);
    });

    test('one answer, and its minutes begin anew', async () => {
      scene.boot('vm', 'comp0');
      await scene.fence('comp0');
      silent();
      await passFor(pacing.placementSilentMs - 30_000);
      expect(scene.isPending('comp0')).toBe(true);
      // It answers, and counts one there that Nova does not tell of; then it is silent again.
      scene.cloud.servers.delete(scene.boot('odd', 'comp0').id);
      scene.fault = ({ method }) => (method === 'getServer' ? refused(501) : null);
      await passFor(10_000);
      silent();
      await passFor(120_000);
      expect(scene.isPending('comp0')).toBe(true);
    });
  });

  test.each(['noEndpoint', 'forbidden'] as const)(
    "with Nova's rights alone (%s): a second list has to show the same",
    async (refusal) => {
      bootFive();
      await scene.fence('comp0');
      let lists = 0;
      refusePlacement(refusal, ({ method }) => {
        if (method === 'listServers') lists += 1;
        return method === 'listServers' && lists === 1 ? { cellAway: true } : null;
      });
      await scene.outcome();
      await scene.passes(5);
      expect(scene.left('comp0')).toEqual([]);
      expect(scene.mark('comp0')).toBe('no');
      expect(scene.violations).toEqual([]);
    },
  );

  test('allocations that leaked hold nothing up: they are named', async () => {
    scene.boot('vm', 'comp0');
    const nobody = scene.boot('nobody', 'comp0');
    scene.cloud.servers.delete(nobody.id);
    await scene.fence('comp0');
    await scene.outcome();
    expect(scene.mark('comp0')).toBe('no');
    const [line, ...more] = scene.logged('Placement counts');
    expect(line).toContain('1 on comp0 that Nova does not know as instances (nobody)');
    expect(more).toEqual([]);
    expect(scene.calls.filter((call) => call === 'getServer nobody')).toHaveLength(2);
  });

  test('an instance whose state Nova does not tell may be there: the mark stays', async () => {
    scene.boot('vm', 'comp0');
    await scene.fence('comp0');
    scene.fault = ({ method }) => (/^(listServers|getServer)$/.test(method) ? { cellAway: true } : null);
    const outcome = await scene.outcome();
    expect(JSON.stringify(outcome)).toContain('Placement counts instance vm on comp0');
    expect(scene.isPending('comp0')).toBe(true);
    scene.fault = () => null;
    await scene.outcome();
    expect(scene.mark('comp0')).toBe('no');
    expect(scene.left('comp0')).toEqual([]);
  });

  test('one that cannot be evacuated and is left out of every list is left, named, and ends nothing in a circle', async () => {
    for (let i = 0; i < 7; i += 1) scene.boot(`i${i}`, 'comp0', { state: 'paused' });
    await scene.fence('comp0');
    leaveOut('listServers', 1000);
    await scene.outcome();
    expect(scene.mark('comp0')).toBe('no');
    expect(
      scene.logged('Completed evacuation of comp0: 0 of 7 instances evacuated, 7 left there'),
    ).toHaveLength(1);
  });
});

test("another cell's database is cut off, so that each list takes a minute: evacuated all the same", async () => {
  scene.bootSome(4);
  await scene.fence('comp0');
  const slow = ['listComputeServices', 'listServers', 'listEvacuations', 'listHypervisors'];
  scene.fault = ({ method }) => (slow.includes(method) ? { delayMs: 60_500 } : null);
  const startedAt = scene.time.now();
  const outcome = await scene.outcome();
  expect(outcome).toEqual({ troubled: false, sentence: null });
  expect(scene.mark('comp0')).toBe('no');
  expect(scene.left('comp0')).toEqual([]);
  expect(scene.violations).toEqual([]);
  // Pacemaker ends it after ten minutes.
  expect(scene.time.now() - startedAt).toBeLessThan(480_000);
  const [asked] = scene.asked.get('i0') ?? [];
  expect((asked ?? 0) - startedAt).toBeLessThan(150_000);
});

describe('fence_compute off of a host that was evacuated before', () => {
  const off = () => {
    scene.setMark('comp0', 'no', 'no');
    scene.lose('comp0');
    return scene.fenceCompute('off', 'comp0');
  };

  test('a list that leaves its instances out does not keep its mark at "no"', async () => {
    bootFive();
    leaveOut('listServers', 1000);
    expect(await off()).toBe('0');
    expect(scene.isPending('comp0')).toBe(true);
    await scene.passes(10);
    expect(scene.left('comp0')).toEqual([]);
  });

  test('one that has none keeps it', async () => {
    expect(await off()).toBe('0');
    expect(scene.mark('comp0')).toBe('no');
  });

  test("with Nova's rights alone a second list is asked for", async () => {
    bootFive();
    let lists = 0;
    refusePlacement('forbidden', ({ method }) => {
      if (method === 'listServers') lists += 1;
      return method === 'listServers' && lists === 1 ? { cellAway: true } : null;
    });
    expect(await off()).toBe('0');
    expect(scene.isPending('comp0')).toBe(true);
  });
});

describe('a host that is taken back', () => {
  test('records that a read leaves out: nova-compute is not started while one is in flight', async () => {
    scene.boot('vm', 'comp0');
    await scene.fence('comp0');
    scene.cloud.conductor.stop();
    await scene.outcome(scene.ctl0, { timeoutMs: 60_000 });
    scene.site.boot('comp0');
    // The original agents write "no" as soon as Nova has accepted.
    scene.setMark('comp0', 'no');
    const records = leaveOut('listEvacuations', 1);
    const outcome = await scene.time.until(
      scene.comeBack('comp0', { startBy: scene.time.now() + 20_000, deadline: scene.time.now() + 30_000 })
        .outcome,
    );
    expect(outcome).toMatchObject({ kind: 'unsafe' });
    expect(records.asked()).toBeGreaterThan(1);
    expect(scene.host('comp0').alive).toBe(false);
    expect(scene.violations).toEqual([]);
  });

  test('and none is known of an instance that Nova rebuilds', async () => {
    scene.boot('vm', 'comp0');
    await scene.fence('comp0');
    scene.cloud.conductor.stop();
    await scene.outcome(scene.ctl0, { timeoutMs: 60_000 });
    scene.site.boot('comp0');
    scene.setMark('comp0', 'no');
    leaveOut('listEvacuations', 1000);
    const outcome = await scene.time.until(
      scene.comeBack('comp0', { startBy: scene.time.now() + 20_000, deadline: scene.time.now() + 30_000 })
        .outcome,
    );
    expect(outcome).toMatchObject({ kind: 'unsafe' });
    expect(JSON.stringify(outcome)).toContain('comp0 waits for its evacuations in flight: name-of-vm (vm)');
    expect(scene.host('comp0').alive).toBe(false);
  });
});
