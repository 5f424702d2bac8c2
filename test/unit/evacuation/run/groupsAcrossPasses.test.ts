import { expect, test } from 'vitest';
import { markName } from '../../../../lib/attrd/index.ts';
import { formatHints, Hints, newHostHints } from '../../../../lib/evacuation/index.ts';
import { refused, Scene } from '../scene.ts';

test('a later group waits for one of an earlier that has left its host while its record still is open', async () => {
  const scene = new Scene(1);
  const { time } = scene;
  scene.boot('db', 'comp0', { metadata: { evacuation_group: '1-db' } });
  scene.boot('web', 'comp1', { metadata: { evacuation_group: '2-web' } });
  await scene.fence('comp0');
  await scene.fence('comp1');
  // The pass before has asked for it; its record is the last thing to change.
  const record = scene.addRecord('db', { status: 'pre-migrating', destHost: 'comp2' });
  scene.changeServer('db', { host: 'comp2' });
  const left = newHostHints(time.now());
  left.open['db'] = { name: 'name-of-db', group: 'admin/1-db', requestId: 'req-1' };
  left.begun = true;
  const hints = new Hints();
  hints.set(markName('comp0'), left);
  scene.ctl0.hints = formatHints(hints);
  time.after(8_000, () => {
    record.status = 'done';
    record.updatedAt = time.now();
  });
  const began = time.now();
  await scene.passes(5);
  const [asked = 0] = scene.asked.get('web') ?? [];
  expect(asked - began).toBeGreaterThanOrEqual(8_000);
  expect(scene.asked.has('db')).toBe(false);
  expect(scene.server('web').host).not.toBe('comp1');
  expect(scene.violations).toEqual([]);
});

test('a pass that ends for one host does not let the groups of another past it', async () => {
  const scene = new Scene(1);
  scene.boot('db-1', 'comp0', { metadata: { evacuation_group: '1-db' } });
  scene.boot('web-1', 'comp0', { metadata: { evacuation_group: '2-web' } });
  scene.boot('db-2', 'comp1', { metadata: { evacuation_group: '1-db' } });
  await scene.fence('comp0');
  await scene.fence('comp1');
  // A request for the one on comp1 is refused at first, so that its host has nothing to do for a while.
  scene.fault = ({ method, about, index }) =>
    method === 'evacuate' && about === 'db-2' && index < 3 ? refused(400, 'not now') : null;
  for (let pass = 0; pass < 20 && (scene.isPending('comp0') || scene.isPending('comp1')); pass += 1) {
    await scene.outcome(scene.ctl0, { timeoutMs: 20_000 });
    await scene.time.pass(3_000);
  }
  const asked = (id: string) => Math.min(...(scene.asked.get(id) ?? [Number.POSITIVE_INFINITY]));
  const arrived = (id: string) =>
    scene.records.find(({ serverId, status }) => serverId === id && status === 'done')?.updatedAt ?? 0;
  const dbs = Math.max(arrived('db-1'), arrived('db-2'));
  expect(dbs).toBeGreaterThan(0);
  expect(asked('web-1')).toBeGreaterThanOrEqual(dbs - 1_000);
  expect(scene.violations).toEqual([]);
});
