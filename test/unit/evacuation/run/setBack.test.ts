import { expect, test } from 'vitest';
import { refused, Scene } from '../scene.ts';

const hour = 3_600_000;

async function passFor(scene: Scene, ms: number): Promise<void> {
  for (const until = scene.time.now() + ms; scene.time.now() < until && scene.isPending('comp0'); ) {
    await scene.outcome(scene.ctl0, { timeoutMs: 20_000 });
    await scene.time.pass(10_000);
  }
}

test("evacuate_delay does not begin anew with each pass when Nova's clock is set back", async () => {
  const scene = new Scene(3);
  scene.configure({ evacuateDelayMs: 20_000 });
  scene.bootSome(2);
  await scene.fence('comp0');
  scene.site.clocks.set('nova', -hour);
  await passFor(scene, 60_000);
  expect([...scene.asked.keys()].sort()).toEqual(['i0', 'i1']);
});

test("what failed before Nova's clock was set back is tried again within minutes", async () => {
  const scene = new Scene(4);
  scene.boot('vm');
  await scene.fence('comp0');
  for (const node of ['comp1', 'comp2', 'comp3']) scene.host(node).spawnFail = true;
  await scene.outcome(scene.ctl0, { timeoutMs: 20_000 });
  expect(scene.records.at(-1)?.status).toBe('failed');
  scene.site.clocks.set('nova', -hour);
  for (const node of ['comp1', 'comp2', 'comp3']) scene.host(node).spawnFail = false;
  await passFor(scene, 120_000);
  expect(scene.asked.get('vm')?.length).toBeGreaterThan(1);
});

test("what Nova's services lost before its clock was set back is held, and the command is shown", async () => {
  const scene = new Scene(5);
  scene.boot('vm');
  await scene.fence('comp0');
  scene.cloud.conductor.stop();
  await scene.outcome(scene.ctl0, { timeoutMs: 20_000 });
  scene.cloud.conductor.lose();
  scene.cloud.conductor.start();
  scene.site.clocks.set('nova', -hour);
  await passFor(scene, 900_000);
  const { sentence } = await scene.outcome(scene.ctl0, { timeoutMs: 20_000 });
  expect(sentence).toMatch(/before Nova's clock was set back.*openstack server set --state error vm/);
  expect(scene.asked.get('vm')).toHaveLength(1);
});

test('a reset that was not answered leaves off what was off', async () => {
  const scene = new Scene(6, { knobs: { release: 'victoria' } });
  scene.boot('off', 'comp0', { state: 'stopped' });
  const by = { userId: 'the-owner', projectId: 'admin', requestId: 'req' };
  scene.cloud.recordAction(scene.server('off'), 'stop', by);
  scene.changeServer('off', { task: 'image_uploading' });
  await scene.fence('comp0');
  let resets = 0;
  scene.fault = ({ method }) => {
    if (method !== 'resetServerState') return null;
    resets += 1;
    return resets === 1 ? { ...refused(501), effect: true } : null;
  };
  await passFor(scene, 300_000);
  await scene.time.pass(30_000);
  expect(resets).toBeGreaterThan(0);
  expect(scene.left('comp0')).toEqual([]);
  expect(scene.server('off').vmState).toBe('stopped');
});
