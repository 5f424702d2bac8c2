import type { Migration, Server } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { diskOf, isDiskMissing, localDisks } from '../../../lib/evacuation/diskGuard.ts';
import { aServer } from './fakeLists.ts';
import { Rig } from './rig.ts';

const said = 'Invalid state of instance files on shared storage';
const broken = (id: string): Server =>
  aServer({ id, fault: { message: `${said}.`, code: 500, createdAt: 0 }, vmState: 'error' });

let count = 0;
function attempt(serverId: string, destHost: string | null, status = 'failed'): Migration {
  count += 1;
  const at = count * 1_000;
  return { id: `${count}`, serverId, status, sourceHost: 'comp0', destHost, createdAt: at, updatedAt: at };
}

describe('what an evacuation may do with a disk', () => {
  test.each([
    ['it boots from an image, storage is shared', 'image', true, 'keep'],
    ['it boots from a volume', null, true, 'either'],
    ['the operator gives disks up', 'image', false, 'either'],
    ['both', null, false, 'either'],
  ] as const)('%s', (_what, imageId, shared, disk) => {
    expect(diskOf(aServer({ imageId }), shared)).toBe(disk);
  });
});

describe('whether the last attempt ended because the disk was not there', () => {
  test.each<[string, string | null, string | null, boolean]>([
    ["in Nova's words", said, 'failed', true],
    ['longer', `Build of instance x aborted: ${said.toLowerCase()}, and more`, 'failed', true],
    ['another fault', 'No valid host was found', 'error', false],
    ['no fault is told', null, 'failed', false],
    ['an old fault, and the last one has succeeded', said, 'done', false],
    ['an old fault, and one is under way', said, 'pre-migrating', false],
    ['an old fault, and nothing was asked for yet', said, null, false],
  ])('%s', (_what, message, status, expected) => {
    const fault = message === null ? null : { message, code: 500, createdAt: 0 };
    const latest = status === null ? undefined : attempt('i', 'comp1', status);
    expect(isDiskMissing(aServer({ fault }), latest)).toBe(expected);
  });
});

describe('whose disks are certainly on the dead host', () => {
  const others = (number: number) =>
    Array.from({ length: number }, (_, index) => ({ server: aServer({ id: `o${index}` }), records: [] }));
  const refused = (id: string, ...hosts: string[]) => ({
    server: broken(id),
    records: hosts.map((host) => attempt(id, host)),
  });
  const found = (...args: Parameters<typeof localDisks>) => [...localDisks(...args)].sort();

  test('refused again and again by the one that Nova keeps choosing, and none has arrived: all of the host', () => {
    expect(found([refused('a', 'comp1', 'comp1'), ...others(2)], 0, 3)).toEqual([]);
    expect(found([refused('a', 'comp1', 'comp1', 'comp1'), ...others(2)], 0, 3)).toEqual(['a', 'o0', 'o1']);
  });

  test('an attempt for which no host was found is no refusal', () => {
    const { server, records } = refused('a', 'comp1', 'comp1');
    expect(
      found([{ server, records: [attempt('a', null, 'error'), ...records] }, ...others(2)], 0, 3),
    ).toEqual([]);
  });

  test('the same where another has arrived: only once it would be given up, and that one alone', () => {
    const often = (times: number) => refused('a', ...Array<string>(times).fill('comp1'));
    expect(found([often(5), ...others(2)], 1, 3)).toEqual([]);
    expect(found([often(6), ...others(2)], 1, 3)).toEqual(['a']);
  });

  test('nothing was tried: none', () => {
    expect(found(others(3), 0, 3)).toEqual([]);
  });

  test('one destination refused, and there are more: it may lack the mount, nobody is certain', () => {
    expect(found([refused('a', 'comp1'), ...others(2)], 0, 2)).toEqual([]);
    expect(found([refused('a', 'comp1'), refused('b', 'comp1'), ...others(2)], 0, 2)).toEqual([]);
  });

  test('two destinations refused and none took one: all, so that no more end in ERROR', () => {
    expect(found([refused('a', 'comp1'), refused('b', 'comp2'), ...others(2)], 0, 5)).toEqual([
      'a',
      'b',
      'o0',
      'o1',
    ]);
  });

  test('the only destination there is refused: all', () => {
    expect(found([refused('a', 'comp1'), ...others(1)], 0, 1)).toEqual(['a', 'o0']);
  });

  test('one has arrived with its disk: only those that were refused twice', () => {
    const all = [refused('a', 'comp1'), refused('b', 'comp2'), refused('c', 'comp1', 'comp2'), ...others(2)];
    expect(found(all, 1, 2)).toEqual(['c']);
  });

  test('refused twice by one and the same host, and there are others: it may be that host, nobody is certain', () => {
    expect(found([refused('a', 'comp1', 'comp1'), ...others(2)], 1, 2)).toEqual([]);
    expect(found([refused('a', 'comp1', 'comp1'), ...others(2)], 1, 1)).toEqual(['a']);
  });

  test('refused once by the only host there is now, after others had arrived: not certain yet', () => {
    expect(found([refused('a', 'comp1'), ...others(2)], 1, 1)).toEqual([]);
  });

  test('refusals before it was last evacuated do not count', () => {
    const records = [attempt('a', 'comp1'), attempt('a', 'comp3', 'done'), attempt('a', 'comp2')];
    expect(found([{ server: broken('a'), records }], 1, 3)).toEqual([]);
  });

  test('a failure for another reason says nothing of disks', () => {
    const server = aServer({ id: 'a', fault: { message: 'Failed to spawn', code: 500, createdAt: 0 } });
    expect(found([{ server, records: [attempt('a', 'comp1'), attempt('a', 'comp2')] }], 0, 1)).toEqual([]);
  });
});

describe('in a cloud', () => {
  function cloud(instances: number, hosts: readonly string[], seed = 2) {
    const rig = new Rig(seed, hosts);
    for (let index = 0; index < instances; index += 1) rig.nova.boot(`i${index}`, 'comp0');
    rig.fence('comp0');
    return rig;
  }

  test('one destination lacks the mount: every instance arrives on the other, with its disk', async () => {
    for (let seed = 1; seed <= 6; seed += 1) {
      const rig = cloud(10, ['comp0', 'comp1', 'comp2'], seed);
      rig.nova.host('comp1').lacksDisks = true;
      await rig.passes(60);
      expect([seed, rig.nova.disksLost, rig.nova.violations]).toEqual([seed, [], []]);
      expect([seed, rig.nova.whereabouts()['comp2']?.length, rig.mark('comp0')]).toEqual([seed, 10, 'no']);
      expect(rig.logged('its disk lies on comp0 itself')).toEqual([]);
    }
  });

  test('no destination finds the disks: two attempts tell, the others are not touched', async () => {
    const rig = cloud(10, ['comp0', 'comp1', 'comp2', 'comp3']);
    rig.nova.sharedStorage = false;
    await rig.passes(60, rig.ctl0, {
      settings: { concurrency: 1, onSharedStorage: true, evacuateDelayMs: 0, earlyReturn: 'release' },
    });
    expect(rig.nova.disksLost).toEqual([]);
    expect(rig.nova.whereabouts()['comp0']).toHaveLength(10);
    expect([...rig.nova.asked.values()].flat().length).toBeLessThanOrEqual(4);
    expect(rig.logged('its disk lies on comp0 itself').length).toBeGreaterThanOrEqual(10);
    expect(rig.mark('comp0')).toBe('no');
  });
});
