import { describe, expect, test } from 'vitest';
import { Life } from '../../../simulators/world/life.ts';

/** The host dies, its only destination dies in mid-evacuation and is fenced, and the host is repaired. */
async function orphanedAndBack(seed: number, nodes: readonly string[]): Promise<Life> {
  const life = new Life({ seed, nodes, knobs: { spawn: 1_000 + 300 * seed } });
  const { site } = life;
  life.addServers({ name: 'vm', count: 3 });
  life.addServers({ name: 'off', state: 'stopped' });
  // The others have no room.
  if (nodes.includes('comp2')) site.host('comp2').capacity.MEMORY_MB = 0;
  await life.fence('comp0');
  life.monitorFrom();
  const isClaimed = () => site.cloud.world.migrations.some(({ status }) => status === 'pre-migrating');
  for (let looks = 0; looks < 100 && !isClaimed(); looks += 1) await site.time.pass(100);
  expect([seed, isClaimed()]).toEqual([seed, true]);
  await site.time.pass(seed * 150);
  await life.fence('comp1');
  await site.time.pass(120_000);
  site.boot('comp0');
  life.novaCompute('comp0');
  await site.time.pass(1_800_000);
  life.stopMonitors();
  return life;
}

describe('a host is back whose instances died with their destination in mid-evacuation', () => {
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
  test.each(seeds.flatMap((seed) => [[seed, 2] as const, [seed, 3] as const]))(
    'nova-compute starts, and what should run does (seed %i, %i hosts)',
    async (seed, count) => {
      const life = await orphanedAndBack(seed, ['comp0', 'comp1', 'comp2'].slice(0, count));
      expect(life.site.host('comp0')).toMatchObject({ alive: true, forcedDown: false, disabled: false });
      expect(life.mark('comp0')).toBe('');
      // Nothing but comp0 could take them.
      expect(life.on('comp0')).toEqual(['vm-1', 'vm-2', 'vm-3', 'off']);
      for (const name of ['vm-1', 'vm-2', 'vm-3']) {
        expect([name, life.server(name).vmState]).toEqual([name, 'active']);
      }
      expect(life.server('off').vmState).toBe('stopped');
      expect(life.oddities()).toEqual([]);
      expect(life.violations).toEqual([]);
    },
  );
});
