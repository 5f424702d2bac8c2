import { afterEach, expect, test } from 'vitest';
import { Scene } from '../scene.ts';

let scene = new Scene();
afterEach(() => {
  expect(scene.violations).toEqual([]);
});

/** comp1 bears a mark and is back, its nova-compute started by somebody; `late` was being evacuated to it when it was fenced. */
async function takenUp(): Promise<void> {
  scene = new Scene(8);
  scene.configure({ earlyReturn: 'evacuate' });
  scene.boot('own', 'comp1');
  scene.boot('late', 'comp0');
  await scene.fence('comp1');
  scene.site.boot('comp1');
  scene.site.startCompute('comp1');
  await scene.time.pass(25_000);
  // As if it had lain in the queue of comp1.
  const record = scene.addRecord('late', { status: 'done', destHost: scene.hostName('comp1'), tookMs: 0 });
  Object.assign(record, { claimed: true });
  scene.changeServer('late', { host: scene.hostName('comp1') });
  scene.host('comp0').domains.delete('late');
  scene.host('comp1').domains.set('late', true);
}

test('a nova-compute that was started too early has taken up an evacuation: what it runs is not started elsewhere', async () => {
  await takenUp();
  const { sentence } = await scene.outcome(scene.ctl0, { timeoutMs: 20_000 });
  expect(scene.asked.get('late')).toBeUndefined();
  expect(sentence).toMatch(/name-of-late \(late\): it runs on comp1, whose nova-compute was started before/);
});

test('whether it runs cannot be told: it is held, and the command is shown', async () => {
  await takenUp();
  scene.cloud.killCompute(scene.hostName('comp1'), { power: true });
  const { sentence } = await scene.outcome(scene.ctl0, { timeoutMs: 60_000 });
  expect(scene.asked.get('late')).toBeUndefined();
  expect(sentence).toMatch(
    /name-of-late \(late\): Nova sent it to comp1 .* cannot be told .*pcs stonith fence comp1/,
  );
});
