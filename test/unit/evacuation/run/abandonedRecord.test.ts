import { expect, test } from 'vitest';
import { Scene } from '../scene.ts';

/** An instance of a host that dies, idle, and whose record an evacuation to comp1 has left open ten minutes before. */
async function left(before: (scene: Scene) => void = () => undefined): Promise<Scene> {
  const scene = new Scene(5);
  scene.boot('vm');
  Object.assign(scene.addRecord('vm', { status: 'pre-migrating', destHost: scene.hostName('comp1') }), {
    claimed: true,
  });
  before(scene);
  await scene.time.pass(600_000);
  await scene.fence('comp0');
  return scene;
}

async function shortPass(scene: Scene, pass: number): Promise<void> {
  const controller = pass % 2 === 0 ? scene.ctl0 : scene.ctl1;
  controller.hints = '';
  await scene.outcome(controller, { timeoutMs: 20_000 });
  await scene.time.pass(10_000);
}

test('a new controller does not take it for abandoned before it has watched the destination for a minute', async () => {
  const scene = await left();
  const begunAt = scene.time.now();
  for (let pass = 0; pass < 8; pass += 1) {
    await scene.outcome(scene.ctl1, { timeoutMs: 600_000 });
    await scene.time.pass(10_000);
  }
  const [askedAt = 0] = scene.asked.get('vm') ?? [];
  expect(askedAt - begunAt).toBeGreaterThanOrEqual(60_000);
  expect(askedAt - begunAt).toBeLessThan(90_000);
});

test('passes of seconds on two controllers, none of which has notes, get there together', async () => {
  const scene = await left();
  for (let pass = 0; pass < 3; pass += 1) await shortPass(scene, pass);
  expect(scene.asked.get('vm')).toBeUndefined();
  for (let pass = 3; pass < 10; pass += 1) await shortPass(scene, pass);
  expect(scene.asked.get('vm')).toHaveLength(1);
  expect(scene.left('comp0')).toEqual([]);
});

test('while the destination is silent, and for a minute after, it may go on with it', async () => {
  const scene = await left((one) => one.cloud.killCompute(one.hostName('comp1'), { power: true }));
  for (let pass = 0; pass < 5; pass += 1) await shortPass(scene, pass);
  scene.cloud.startCompute(scene.hostName('comp1'));
  for (let pass = 5; pass < 8; pass += 1) await shortPass(scene, pass);
  expect(scene.asked.get('vm')).toBeUndefined();
});
