import { describe, expect, test } from 'vitest';
import { Life } from '../../../simulators/world/life.ts';

/** A release at any moment of which something happens; what it is like at its best is told in test/stories/release.txt. */
describe('NovaEvacuate takes back what it evacuated', () => {
  test('killed at any moment of it: the next pass goes on', async () => {
    for (let at = 100; at < 26_000; at += 610) {
      const life = new Life({ seed: at });
      const { site } = life;
      life.addServers({ name: 'vm', count: 2 });
      await life.fence('comp0');
      await life.passes(20);
      expect([at, life.mark('comp0')]).toEqual([at, 'no']);
      site.boot('comp0');
      site.startCompute('comp0');
      const killed = life.begin();
      await site.time.pass(at);
      killed.kill();
      await site.time.pass(5_000);
      for (let count = 0; count < 8 && life.mark('comp0') !== ''; count += 1) {
        await life.pass();
        await site.time.pass(10_000);
      }
      expect([at, life.mark('comp0'), site.host('comp0')]).toMatchObject([
        at,
        '',
        { disabled: false, forcedDown: false },
      ]);
      expect([at, life.violations, life.oddities()]).toEqual([at, [], []]);
    }
  });
});

test('a destination that was fenced and taken back within the same pass is not taken for dead (I2)', async () => {
  for (let seed = 1; seed <= 12; seed += 1) {
    const life = new Life({ seed, knobs: { spawn: 500 + seed * 400 } });
    const { site } = life;
    life.addServers({ name: 'vm', count: 8 });
    // comp1 is the only host that can take them, and it comes back while the pass is at work on comp0.
    for (const name of ['comp2', 'comp3'])
      Object.assign(site.host(name), { disabled: true, disabledTrait: true });
    await life.fence('comp1');
    await life.fence('comp0');
    const pass = life.begin();
    await site.time.pass(3_000);
    site.boot('comp1');
    site.pacemaker.active.set('comp1', ['NovaCompute']);
    const back = life.comeBack('comp1');
    await site.time.until(pass.outcome);
    await site.time.until(back.outcome);
    for (let count = 0; count < 20 && life.isPending('comp0'); count += 1) {
      await site.time.pass(3_000);
      await life.pass();
    }
    expect([seed, life.violations, life.on('comp0'), life.oddities()]).toEqual([seed, [], [], []]);
  }
});
