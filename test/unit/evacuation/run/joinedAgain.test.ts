import { beforeEach, expect, test } from 'vitest';
import { pacing } from '../../../../lib/evacuation/incident/pacing.ts';
import { refused, Scene } from '../scene.ts';

let scene: Scene;

beforeEach(() => {
  scene = new Scene(7);
  for (const id of ['a', 'b']) scene.boot(id, 'comp0');
});

/** Nova refuses one of the instances for ever. */
const refuse = () => {
  scene.fault = ({ method, about }) => (method === 'evacuate' && about === 'a' ? refused(403) : null);
};

const passFor = async (ms: number) => {
  for (const until = scene.time.now() + ms; scene.time.now() < until && scene.isPending('comp0'); ) {
    await scene.outcome(scene.ctl0, { timeoutMs: 20_000 });
    await scene.time.pass(10_000);
  }
};

test('a node that has joined again, whose nova-compute waits for the end of an evacuation that has none', async () => {
  await scene.fence('comp0');
  refuse();
  await passFor(pacing.joinedAgainMs + 60_000);
  // It is off: nothing but the wait for a change is left.
  expect(scene.isPending('comp0')).toBe(true);
  scene.site.boot('comp0');
  await passFor(60_000);
  expect(scene.mark('comp0')).toBe('no');
  expect(
    scene.logged('Completed evacuation of comp0, which is back: 1 of 2 instances evacuated, 1 stay there'),
  ).toHaveLength(1);
});

test('it has joined right after its fencing: it is watched for longer', async () => {
  await scene.fence('comp0');
  refuse();
  scene.site.boot('comp0');
  await passFor(pacing.joinedAgainMs - 60_000);
  expect(scene.isPending('comp0')).toBe(true);
  await passFor(120_000);
  expect(scene.mark('comp0')).toBe('no');
});

test('a mark that was set by hand says nothing of when its node was away', async () => {
  scene.lose('comp0');
  // Somebody has told the cluster that it is off.
  scene.pacemaker.unclean.delete('comp0');
  refuse();
  scene.site.boot('comp0');
  scene.setMark('comp0', 'yes', '');
  await passFor(pacing.joinedAgainMs + 120_000);
  expect(scene.isPending('comp0')).toBe(true);
});
