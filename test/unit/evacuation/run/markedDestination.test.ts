import { afterEach, expect, test } from 'vitest';
import { Scene } from '../scene.ts';

let scene = new Scene();
afterEach(() => {
  expect(scene.violations).toEqual([]);
});

/** comp3 is what Nova chooses first, and cannot rebuild anything. */
async function secondAttempt(prepare: () => void): Promise<string | null | undefined> {
  scene = new Scene(3);
  scene.configure({ noSharedStorage: true });
  scene.boot('vm');
  scene.host('comp3').capacity.MEMORY_MB = 900_000;
  scene.host('comp3').spawnFail = true;
  await scene.fence('comp0');
  prepare();
  await scene.passes(8);
  expect(scene.records[0]?.destHost).toBe('comp3');
  return scene.records[1]?.destHost;
}

test('the next attempt names another host', async () => {
  expect(await secondAttempt(() => undefined)).toBe('comp1');
});

test('but none that bears a mark, though nothing proves yet that it is down', async () => {
  expect(await secondAttempt(() => scene.setMark('comp1', 'yes', 'yes'))).toBe('comp2');
  expect(scene.logged('comp1 is not evacuated, as it bears a mark but runs')).not.toEqual([]);
});
