import { expect, test } from 'vitest';
import { Scene } from '../scene.ts';

test('what an operator says while the state of an instance is being reset counts for the request after it', async () => {
  const scene = new Scene(5);
  const { policy } = scene.configuration;
  scene.configure({ policy: { ...policy, other_states: 'recover' } });
  scene.boot('vm', 'comp0', { state: 'paused' });
  await scene.fence('comp0');
  let resets = 0;
  scene.fault = ({ method }) => {
    if (method !== 'resetServerState') return null;
    resets += 1;
    scene.say('comp0', 'pause');
    return { delayMs: 20_000 };
  };
  await scene.outcome(scene.ctl0, { timeoutMs: 120_000 });
  expect(resets).toBe(1);
  expect(scene.asked.get('vm')).toBeUndefined();
  scene.say('comp0', null);
  await scene.passes(10);
  expect(scene.asked.get('vm')).toHaveLength(1);
  expect(scene.left('comp0')).toEqual([]);
});
