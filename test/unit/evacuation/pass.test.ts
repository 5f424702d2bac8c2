import { afterEach, describe, expect, test } from 'vitest';
import { Rig } from './rig.ts';

let rig = new Rig();
afterEach(() => {
  expect(rig.nova.violations).toEqual([]);
});

function cloud(instances: number, seed = 1, hosts?: readonly string[]): Rig {
  rig = new Rig(seed, hosts);
  for (let index = 0; index < instances; index += 1) rig.nova.boot(`i${index}`, 'comp0');
  return rig;
}

describe('the way it usually goes', () => {
  test('every instance is asked for once and ends elsewhere, and the mark goes to no', async () => {
    const { nova } = cloud(20);
    rig.nova.boot('off', 'comp0', { status: 'SHUTOFF', vmState: 'stopped', powerState: 4 });
    rig.nova.boot('bystander', 'comp1');
    rig.fence('comp0');
    const outcome = await rig.pass();
    expect(outcome).toEqual({ troubled: false, sentence: null });
    expect(nova.whereabouts()['comp0']).toBeUndefined();
    expect([...nova.asked.values()].every((times) => times.length === 1)).toBe(true);
    expect(nova.asked.has('bystander')).toBe(false);
    expect(nova.instance('off').server.vmState).toBe('stopped');
    expect(rig.mark('comp0')).toBe('no');
    expect(rig.pacemaker.permanent('comp0')).toBe('no');
    expect(nova.inFlightMax).toBe(16);
    expect(rig.log[0]).toBe('notice Initiating evacuation of comp0 with NovaEvacuate');
    expect(rig.log.at(-1)).toBe('notice Completed evacuation of comp0: 21 of 21 instances evacuated.');
    expect(rig.progress.at(-1)).toBe('comp0: 21/21 done');
  });
});
