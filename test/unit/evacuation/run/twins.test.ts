import { beforeEach, describe, expect, test } from 'vitest';
import { Scene } from '../scene.ts';

const full = 'comp0.example.org';
let scene: Scene;

/** nova.conf's host went from the short to the full name, and the service record of the old one was never deleted. */
beforeEach(() => {
  scene = new Scene(5, { hosts: ['comp0', full, 'comp1', 'comp2', 'comp3'] });
  // The observer takes a node for one host, and counts what is on that.
  scene.judgesCounts = false;
});

const boot = (host: string, count: number) => {
  scene.bootSome(count, host, `${host}-`);
};

describe('a service is left over under the name of the node', () => {
  test('the instances are on the host of the full name: they are evacuated, and that host is released', async () => {
    boot(full, 3);
    scene.powerOff(full);
    await scene.fence('comp0');
    await scene.passes(20);
    expect(scene.left(full)).toEqual([]);
    expect(scene.mark('comp0')).toBe('no');
    expect(scene.violations).toEqual([]);
    expect(scene.logged(`Completed evacuation of ${full}: 3 of 3`)).toHaveLength(1);
  });

  test('fence_compute off leaves the mark, whichever of them it takes', async () => {
    boot(full, 3);
    scene.powerOff(full);
    await scene.fence('comp0');
    expect(scene.logged('may be the same machine under another name')).toHaveLength(1);
    await scene.passes(20);
    expect(scene.left(full)).toEqual([]);
    expect(scene.violations).toEqual([]);
  });

  test('both have instances: all of them are evacuated before the mark is cleared', async () => {
    boot(full, 2);
    boot('comp0', 2);
    scene.powerOff(full);
    await scene.fence('comp0');
    await scene.passes(20);
    expect(scene.left(full)).toEqual([]);
    expect(scene.left('comp0')).toEqual([]);
    expect(scene.mark('comp0')).toBe('no');
    expect(scene.violations).toEqual([]);
  });

  test('marks under both names are one incident: no host is worked on twice, and both marks end', async () => {
    boot(full, 4);
    boot('comp0', 4);
    scene.powerOff(full);
    await scene.fence('comp0');
    scene.setMark(full, 'yes');
    await scene.passes(20);
    expect(scene.left(full)).toEqual([]);
    expect(scene.left('comp0')).toEqual([]);
    expect(scene.requestsPerInstance()).toEqual(Array(8).fill(1));
    expect([scene.mark('comp0'), scene.mark(full)]).toEqual(['no', 'no']);
    expect(scene.logged('Initiating evacuation')).toHaveLength(2);
    expect(scene.violations).toEqual([]);
  });

  test('none has any: "0 of 0" is a warning that names both', async () => {
    scene.powerOff(full);
    await scene.fence('comp0');
    await scene.passes(20);
    const [line, ...more] = scene.logged('0 of 0');
    expect(line).toMatch(/^warn Completed evacuation of comp0: 0 of 0 instances evacuated\./);
    expect(line).toContain(`${full} may be the same machine as comp0`);
    expect(more).toEqual([]);
  });

  test('the one of the full name reports: it is another machine, and left alone', async () => {
    boot(full, 2);
    boot('comp0', 2);
    await scene.fence('comp0');
    await scene.passes(20);
    expect(scene.left(full)).toEqual(expect.arrayContaining([`${full}-0`, `${full}-1`]));
    expect(scene.left('comp0')).toEqual([]);
    expect(scene.host(full).forcedDown).toBe(false);
    expect(scene.violations).toEqual([]);
    expect(scene.logged(`warn ${full} might be the same machine as comp0`)).toHaveLength(1);
  });

  test('two nodes of the cluster are two machines', async () => {
    scene.pacemaker.remotes.add(full);
    boot(full, 2);
    boot('comp0', 2);
    scene.powerOff(full);
    await scene.fence('comp0');
    await scene.passes(20);
    expect(scene.left(full)).toHaveLength(2);
    expect(scene.left('comp0')).toEqual([]);
    expect(scene.mark('comp0')).toBe('no');
  });
});

describe('a host that instances and records spell otherwise', () => {
  test('is the same host', async () => {
    boot('comp1', 3);
    await scene.fence('comp1');
    scene.cloud.knobs.oldHostCase = true;
    await scene.outcome();
    expect(scene.mark('comp1')).toBe('no');
    expect(scene.left('comp1')).toEqual([]);
    expect(scene.logged('Completed evacuation of comp1: 3 of 3')).toHaveLength(1);
    expect(scene.violations).toEqual([]);
  });
});

describe('a Nova that leaves out the services of a cell that does not answer', () => {
  beforeEach(() => {
    scene.cloud.knobs.maxMicroversion = '2.60';
    boot('comp1', 3);
  });

  test('the mark is kept, and nobody is told to remove it', async () => {
    await scene.fence('comp1');
    scene.cloud.knobs.cellDown = true;
    const outcome = await scene.outcome();
    expect(outcome.troubled).toBe(true);
    expect(JSON.stringify(outcome)).toContain('Nova lists no nova-compute service at all');
    expect(scene.log.join('\n')).not.toContain('remove the mark');
    scene.cloud.knobs.cellDown = false;
    await scene.passes(20);
    expect(scene.left('comp1')).toEqual([]);
  });

  test('fence_compute off succeeds, and its mark stays', async () => {
    scene.cloud.knobs.cellDown = true;
    await scene.fence('comp1');
    expect(scene.mark('comp1')).toBe('yes');
    expect(scene.logged('Nova could not be told that comp1 is down')).toHaveLength(1);
  });

  test('a name that Placement does not know either is refused', async () => {
    scene.setMark('nosuch', 'yes');
    const outcome = await scene.outcome();
    expect(JSON.stringify(outcome)).toContain('remove the mark');
    expect(await scene.fenceCompute('off', 'neither')).toContain('was taken back');
  });
});
