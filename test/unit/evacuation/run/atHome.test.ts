import { expect, test } from 'vitest';
import { Scene } from '../scene.ts';

/**
 * A host was fenced again while its instance was being evacuated, the destination died over that, and the host's own nova-compute, which
 * somebody started, has completed the record.
 */
test('an instance whose record its own host has completed is at home: its host is released, and it runs', async () => {
  const scene = new Scene(9);
  scene.boot('vm', 'comp0');
  await scene.fence('comp0');
  const record = scene.addRecord('vm', { status: 'pre-migrating', destHost: scene.hostName('comp1') });
  Object.assign(record, { claimed: true });
  const by = { userId: 'admin', projectId: 'admin', requestId: 'req' };
  scene.cloud.recordAction(scene.server('vm'), 'evacuate', by);
  scene.changeServer('vm', { task: 'rebuild_spawning' });
  await scene.fence('comp1');
  await scene.time.pass(20_000);
  scene.lose('comp0');
  await scene.fence('comp0');
  scene.site.boot('comp0');
  scene.site.startCompute('comp0');
  await scene.time.pass(10_000);
  expect(record.status).toBe('completed');
  for (let pass = 0; pass < 30 && scene.mark('comp0') !== ''; pass += 1) {
    await scene.outcome(scene.ctl0, { timeoutMs: 20_000 });
    await scene.time.pass(10_000);
  }
  expect(scene.mark('comp0')).toBe('');
  expect(scene.server('vm')).toMatchObject({
    host: scene.hostName('comp0'),
    vmState: 'active',
    taskState: null,
  });
});
