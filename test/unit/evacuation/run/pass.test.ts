import { afterEach, describe, expect, test } from 'vitest';
import type { Migration } from '../../../simulators/cloud/model.ts';
import { Scene } from '../scene.ts';

let scene = new Scene();
afterEach(() => {
  expect(scene.violations).toEqual([]);
});

function cloud(instances: number, seed = 1): void {
  scene = new Scene(seed);
  scene.bootSome(instances);
}

/** Until an evacuation to this host is under way; gives those that are. */
async function untilUnderWayTo(host: string): Promise<Migration[]> {
  for (let tries = 0; tries < 100; tries += 1) {
    const begun = scene.records.filter(
      ({ destHost, status }) => destHost === host && status === 'pre-migrating',
    );
    if (begun.length > 0) return begun;
    await scene.time.pass(100);
  }
  throw new Error(`nothing was sent to ${host}`);
}

describe('several hosts', () => {
  test('a destination that only went silent is waited for, and what it had begun is finished by it', async () => {
    cloud(12, 2);
    await scene.fence('comp0');
    const running = scene.begin();
    await untilUnderWayTo('comp1');
    scene.cloud.freezeCompute('comp1', { inMidWork: true });
    const first = await scene.end(running);
    expect(first.troubled).toBe(true);
    expect(first.sentence).toContain(
      'comp1 went silent and is not fenced: waiting until it is back or fenced',
    );
    await scene.time.pass(10_000);
    await scene.outcome();
    await scene.time.pass(10_000);
    scene.cloud.thawCompute('comp1');
    await scene.passes(5);
    expect(scene.requestsPerInstance()).toEqual(Array(12).fill(1));
    expect(scene.left('comp0')).toEqual([]);
    expect(
      scene.logged('went silent').filter((line) => line.startsWith('warn Waiting for name-of-i')).length,
    ).toBe(new Set(scene.logged('went silent').map((line) => /name-of-\w+/.exec(line)?.[0])).size);
  });
});

describe('names', () => {
  test("a node's name is translated by pcmk_host_map", async () => {
    scene = new Scene(1, { nodes: ['remote-a', 'comp1'], hosts: ['comp0', 'comp1'] });
    scene.site.hostMap.set('remote-a', 'comp0');
    scene.boot('i0', 'comp0');
    await scene.fence('remote-a');
    await scene.outcome();
    expect(scene.mark('remote-a')).toBe('no');
    expect(scene.left('comp0')).toEqual([]);
  });
});

describe('claims', () => {
  test('while one host is deferred, another that is marked meanwhile is not kept waiting', async () => {
    cloud(0);
    scene.boot('j', 'comp1');
    await scene.fence('comp0');
    scene.setMark('comp0', `ctl1@${Math.floor(scene.time.now() / 1000) - 20}`);
    await scene.outcome();
    await scene.time.pass(20_000);
    const running = scene.begin();
    await scene.time.pass(3_000);
    await scene.fence('comp1');
    const marked = scene.time.now();
    await scene.end(running);
    expect(scene.asked.get('j')?.[0]).toBeLessThan(marked + 10_000);
  });

  test('one that another evacuator finishes meanwhile is not reported as open', async () => {
    cloud(0);
    await scene.fence('comp0');
    scene.setMark('comp0', `ctl1@${Math.floor(scene.time.now() / 1000) - 20}`);
    await scene.outcome();
    await scene.time.pass(20_000);
    const running = scene.begin();
    await scene.time.pass(8_000);
    scene.setMark('comp0', 'no', 'no');
    expect(await scene.end(running)).toEqual({ troubled: false, sentence: null });
  });

  test('refreshed at least every 20 s of work, and given back at the end of a pass with work left', async () => {
    cloud(2);
    await scene.fence('comp0');
    scene.cloud.conductor.stop();
    const stamps: number[] = [];
    const running = scene.begin();
    const watch = setTimesOf(stamps);
    for (let second = 0; second < 59; second += 1) {
      await scene.time.pass(1_000);
      watch();
    }
    for (const [index, stamp] of stamps.entries()) {
      if (index > 0) expect(stamp - (stamps[index - 1] ?? 0)).toBeLessThanOrEqual(20);
    }
    expect(stamps.length).toBeGreaterThanOrEqual(4);
    const outcome = await scene.end(running);
    expect(outcome.sentence).toBe('evacuation of comp0: 0/2 done, 2 in flight; it goes on at the next pass.');
    expect(scene.mark('comp0')).toBe('yes');
  });

  test('a purge of the transient copy in mid-pass loses neither mark nor claim', async () => {
    cloud(2);
    await scene.fence('comp0');
    scene.cloud.conductor.stop();
    const running = scene.begin();
    await scene.time.pass(5_000);
    scene.pacemaker.purge('comp0');
    await scene.time.pass(12_000);
    expect(scene.mark('comp0')).toMatch(/^ctl0@/);
    scene.cloud.conductor.start();
    await scene.end(running);
    expect(scene.mark('comp0')).toBe('no');
    expect(scene.requestsPerInstance()).toEqual([1, 1]);
  });

  test('somebody else claims it in mid-pass: nothing more is asked, and the claim is left alone', async () => {
    cloud(40);
    await scene.fence('comp0');
    const running = scene.begin(scene.ctl0, {
      settings: {
        concurrency: 2,
        onSharedStorage: true,
        evacuateDelayMs: 0,
        earlyReturn: 'release' as const,
      },
    });
    await scene.time.pass(8_000);
    scene.setMark('comp0', 'ctl1@1795230008');
    await scene.time.pass(12_000);
    // The mark is looked at every five seconds.
    scene.forgive(/^I5: .* by ctl0 \d+ while ctl1 had claimed its host/);
    const asked = scene.asked.size;
    const outcome = await scene.end(running);
    expect(scene.asked.size).toBe(asked);
    expect(asked).toBeLessThan(40);
    expect(outcome.sentence).toBe('evacuation of comp0 stopped: ctl1 has claimed it.');
    expect(scene.mark('comp0')).toBe('ctl1@1795230008');
  });

  test('somebody else writes the mark at any moment: that is what stands in the end', async () => {
    for (const value of ['ctl1@1795230008', 'rubbish']) {
      for (let at = 0; at < 6_000; at += 130) {
        cloud(1, 5);
        scene.site.tools.latency = () => 0;
        await scene.fence('comp0');
        const running = scene.begin();
        await scene.time.pass(at);
        const done = scene.mark('comp0') === 'no';
        scene.setMark('comp0', value);
        await scene.end(running);
        expect([at, done, scene.mark('comp0')]).toEqual([at, done, value]);
      }
    }
  });

  test('a claim that is being refreshed never overwrites the no of a host that was done meanwhile', async () => {
    // Slow tools, many hosts: refreshes of some are under way when others are done.
    for (let seed = 1; seed <= 12; seed += 1) {
      scene = new Scene(seed, { nodes: ['comp0', 'comp1', 'comp2', 'comp3', 'comp4'] });
      scene.bootSome(2);
      for (const host of ['comp1', 'comp2', 'comp3']) {
        scene.bootSome(3 * Number(host.at(-1)), host, `${host}-`);
      }
      for (const host of ['comp0', 'comp1', 'comp2', 'comp3']) await scene.fence(host);
      scene.site.tools.latency = () => 100 + scene.site.random() * 1_500;
      await scene.outcome(scene.ctl0, {
        settings: {
          concurrency: 4,
          onSharedStorage: true,
          evacuateDelayMs: 0,
          earlyReturn: 'release' as const,
        },
      });
      await scene.time.pass(5_000);
      const after = scene.writes.map((write) => write.split('='));
      for (const host of ['comp0', 'comp1', 'comp2', 'comp3']) {
        const own = after.filter(([name]) => name === host).map(([, value]) => value);
        const no = own.indexOf('no');
        if (no >= 0) expect([seed, host, own.slice(no)]).toEqual([seed, host, ['no']]);
      }
    }
  });
});

/** Collects the seconds of the claims that stand in comp0's mark. */
function setTimesOf(stamps: number[]): () => void {
  return () => {
    const at = Number(/^ctl0@(\d+)$/.exec(scene.mark('comp0'))?.[1]);
    if (!Number.isNaN(at) && stamps.at(-1) !== at) stamps.push(at);
  };
}
