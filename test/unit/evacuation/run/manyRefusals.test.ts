import { expect, test } from 'vitest';
import { mostKnown } from '../../../../lib/attrd/index.ts';
import { refused, Scene } from '../scene.ts';

test('refusals that do not fit into the incident count as well: none is asked for at every pass', async () => {
  const scene = new Scene(5);
  scene.bootSome(mostKnown.refusals + 12);
  scene.fault = ({ method }) => (method === 'evacuate' ? refused(400, 'not this one') : null);
  await scene.fence('comp0');
  await scene.passes(40);
  const requests = scene.requestsPerInstance();
  expect(requests).toHaveLength(mostKnown.refusals + 12);
  // Each has waited the same pauses.
  expect(Math.max(...requests) - Math.min(...requests)).toBeLessThanOrEqual(1);
  expect(scene.violations).toEqual([]);
});
