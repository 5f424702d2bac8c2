import { faultReason, type Migration, type NovaHost, type Server } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import {
  countedAttempts,
  type DiskFacts,
  diskOf,
  isDiskMissing,
  judgeDisks,
  type Kept,
} from '../../../../lib/evacuation/judge/diskGuard.ts';
import { addFlavor } from '../../../simulators/cloud/scenario.ts';
import { named } from '../../names.ts';
import { aServer } from '../fakeLists.ts';
import { Scene } from '../scene.ts';

const said = 'Invalid state of instance files on shared storage';
const broken = (id: string): Server =>
  aServer({
    id,
    fault: { message: `${said}.`, reason: faultReason(said), code: 500, createdAt: 0 },
    vmState: 'error',
  });

let count = 0;
function attempt(serverId: string, destHost: string | null, status = 'failed'): Migration {
  count += 1;
  const at = count * 1_000;
  const [createdAt, updatedAt] = [at, at];
  return named<Migration>({
    id: `${count}`,
    serverId,
    status,
    sourceHost: 'comp0',
    destHost,
    claimed: destHost !== null,
    createdAt,
    updatedAt,
  });
}

const size = { vcpus: 1, memoryMb: 1, rootGb: 1, ephemeralGb: 0, swapMb: 0 };

describe('what an evacuation may do with a disk', () => {
  test.each([
    ['it boots from an image, storage is shared', 'image', size, true, 'keep'],
    ['it boots from a volume', null, size, true, 'either'],
    ['from a volume, and it has an ephemeral disk', null, { ...size, ephemeralGb: 20 }, true, 'keep'],
    ['from a volume, and it has swap', null, { ...size, swapMb: 512 }, true, 'either'],
    ['from a volume, and nobody tells what else it has', null, null, true, 'either'],
    ['the operator gives disks up', 'image', size, false, 'either'],
    ['the operator gives ephemeral disks up', null, { ...size, ephemeralGb: 20 }, false, 'either'],
  ] as const)('%s', (_what, imageId, ofFlavor, shared, disk) => {
    const flavor = { id: null, name: 'f', extraSpecs: {}, size: ofFlavor };
    expect(diskOf(aServer({ imageId, flavor }), shared)).toBe(disk);
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
    const fault =
      message === null ? null : { message, reason: faultReason(message), code: 500, createdAt: 0 };
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
  const names = (count: number) => Array.from({ length: count }, (_, index) => `comp${index + 1}`);
  /** By who found a disk and who did not, with so many destinations in all. */
  const found = (instances: readonly Kept[], shared: string[], lacking: string[], targets: number) => {
    const hosts = named<{ shared: NovaHost[]; lacking: NovaHost[]; all: NovaHost[] }>({
      ...{ shared, lacking, all: names(targets) },
    });
    const { local, waiting } = judgeDisks(instances, {
      ...{ sharedWith: hosts.shared, lackedBy: hosts.lacking, able: () => hosts.all },
    });
    return { local: [...local].sort(), waiting: [...waiting.keys()].sort() };
  };
  const none: string[] = [];

  test('nothing was tried: none, and nobody waits', () => {
    expect(found(others(3), none, none, 3)).toEqual({ local: [], waiting: [] });
  });

  test('one destination refused, however often: nobody is certain, and what was not tried yet waits', () => {
    const all = [refused('a', ...Array<string>(7).fill('comp1')), refused('b', 'comp1'), ...others(2)];
    expect(found(all, none, ['comp1'], 3)).toEqual({ local: [], waiting: ['o0', 'o1'] });
  });

  test('not even when it is the only one there is', () => {
    const all = [refused('a', 'comp1', 'comp1'), ...others(1)];
    expect(found(all, none, ['comp1'], 1)).toEqual({ local: [], waiting: ['o0'] });
  });

  test('two refused, and there is a third: it may find them', () => {
    const all = [refused('a', 'comp1', 'comp2'), ...others(1)];
    expect(found(all, none, ['comp1', 'comp2'], 3)).toEqual({ local: [], waiting: ['o0'] });
  });

  test('all there are refused: all, so that no more end in ERROR', () => {
    const all = [refused('a', 'comp1'), refused('b', 'comp2'), ...others(2)];
    expect(found(all, none, ['comp1', 'comp2'], 2)).toEqual({ local: ['a', 'b', 'o0', 'o1'], waiting: [] });
  });

  test('eight of many refused: all', () => {
    expect(found([refused('a', 'comp1'), ...others(1)], none, names(8), 50).local).toEqual(['a', 'o0']);
  });

  test('one destination found a disk: only what two did not find, one of them the finder', () => {
    const all = [refused('a', 'comp1'), refused('b', 'comp2', 'comp1'), refused('c', 'comp1', 'comp3')];
    expect(found([...all, ...others(2)], ['comp3'], ['comp1', 'comp2', 'comp3'], 4)).toEqual({
      local: ['c'],
      waiting: [],
    });
  });

  test('one that would be given up has failed everywhere: local, though not every refusal was seen', () => {
    const all = [refused('a', 'comp1', 'comp2', 'comp1', 'comp2', 'comp1', 'comp2')];
    expect(found(all, none, ['comp1'], 2).local).toEqual(['a']);
    expect(found(all, none, ['comp1'], 3).local).toEqual([]);
    const once = [refused('a', 'comp1', 'comp1', 'comp1', 'comp1', 'comp1', 'comp1')];
    expect(found(once, none, ['comp1'], 1).local).toEqual([]);
  });

  test('a failure for another reason is no refusal of the disk', () => {
    const all = [refused('a', 'comp1', 'comp2')];
    expect(found(all, ['comp2'], ['comp2'], 2).local).toEqual([]);
  });

  test('refusals before it was last evacuated do not count', () => {
    const records = [attempt('a', 'comp1'), attempt('a', 'comp3', 'done'), attempt('a', 'comp2')];
    expect(found([{ server: broken('a'), records }], ['comp3'], ['comp1', 'comp2'], 2).local).toEqual([]);
  });

  test('as long as a destination is left that may find its disk, the search is not given up', () => {
    const probed = (tried: string[], lacking: string[], all: string[]) => {
      const hosts = named<{ lackedBy: NovaHost[]; all: NovaHost[] }>({ lackedBy: lacking, all });
      const facts = { sharedWith: [], lackedBy: hosts.lackedBy, able: () => hosts.all };
      return [...judgeDisks([refused('a', ...tried)], facts).probed];
    };
    const often = Array<string>(7).fill('comp1');
    expect(probed(often, ['comp1'], names(2))).toEqual(['a']);
    expect(probed(often, ['comp1'], names(1))).toEqual([]);
    expect(probed(['comp1'], ['comp1', 'comp2'], names(3))).toEqual(['a']);
    expect(probed(names(2), names(2), names(2))).toEqual([]);
    expect(probed(names(8), names(8), names(50))).toEqual([]);
    expect([countedAttempts(7, true), countedAttempts(7, false), countedAttempts(2, true)]).toEqual([
      5, 7, 2,
    ]);
  });

  test('where nothing comes of the one that is tried, the others do not wait for ever', () => {
    const { waiting } = judgeDisks([refused('a', 'comp1'), ...others(1)], {
      ...named<Pick<DiskFacts, 'sharedWith' | 'lackedBy'>>({ sharedWith: [], lackedBy: ['comp1'] }),
      able: () => [],
    });
    const until = [...waiting.values()][0] ?? Number.POSITIVE_INFINITY;
    expect(until - count * 1_000).toBeLessThanOrEqual(60_000);
  });
});

const one = { concurrency: 1, onSharedStorage: true, evacuateDelayMs: 0, earlyReturn: 'release' } as const;

describe('in a cloud', () => {
  async function fenced(nodes: readonly string[], seed = 2) {
    const scene = new Scene(seed, { nodes });
    scene.bootSome(10);
    await scene.fence('comp0');
    return scene;
  }

  test('one destination lacks the mount: every instance arrives on the other, with its disk', async () => {
    for (let seed = 1; seed <= 6; seed += 1) {
      const scene = await fenced(['comp0', 'comp1', 'comp2'], seed);
      scene.host('comp1').sharedStorage = false;
      await scene.passes(60);
      expect([seed, scene.cloud.disksLost, scene.violations]).toEqual([seed, [], []]);
      expect([seed, scene.left('comp2').length, scene.mark('comp0')]).toEqual([seed, 10, 'no']);
      expect(scene.logged('its disk lies on comp0 itself')).toEqual([]);
    }
  });

  test('no destination finds the disks: two attempts tell, the others are not touched', async () => {
    const scene = await fenced(['comp0', 'comp1', 'comp2', 'comp3']);
    scene.cloud.knobs.sharedStorage = false;
    scene.configure({ concurrency: 1 });
    await scene.passes(60);
    expect([scene.cloud.disksLost, scene.violations]).toEqual([[], []]);
    expect(scene.left('comp0')).toHaveLength(10);
    expect([...scene.asked.values()].flat().length).toBeLessThanOrEqual(4);
    expect(scene.logged('its disk lies on comp0 itself').length).toBeGreaterThanOrEqual(10);
    expect(scene.mark('comp0')).toBe('no');
  });

  test('the one that Nova prefers lacks the mount: another is named for one instance, then all go there', async () => {
    const scene = await fenced(['comp0', 'comp1', 'comp2', 'comp3']);
    for (const node of ['comp1', 'comp2']) scene.host(node).sharedStorage = false;
    scene.host('comp1').capacity.MEMORY_MB = 900_000;
    await scene.passes(30);
    expect([scene.cloud.disksLost, scene.violations]).toEqual([[], []]);
    expect([scene.left('comp3').length, scene.mark('comp0')]).toEqual([10, 'no']);
  });

  test('an instance that failed for other reasons first is tried on every destination all the same, soon', async () => {
    const scene = new Scene(2, { nodes: ['comp0', 'comp1', 'comp2', 'comp3', 'comp4'] });
    scene.boot('a', 'comp0');
    scene.cloud.knobs.sharedStorage = false;
    await scene.fence('comp0');
    for (let failure = 0; failure < 4; failure += 1) {
      scene.addRecord('a', { status: 'error', destHost: null });
    }
    const begin = scene.time.now();
    while (scene.time.now() - begin < 900_000 && scene.mark('comp0') !== 'no') {
      await scene.outcome();
      await scene.time.pass(10_000);
    }
    expect([scene.cloud.disksLost, scene.violations]).toEqual([[], []]);
    expect(scene.mark('comp0')).toBe('no');
  });

  test('the only destination there is does not find them: they stay pending, and go once another is there', async () => {
    const scene = await fenced(['comp0', 'comp1', 'comp2']);
    scene.host('comp1').sharedStorage = false;
    scene.setEnabled('comp2', false);
    await scene.passes(20, scene.ctl0, { settings: one });
    expect(scene.mark('comp0')).not.toBe('no');
    expect([...scene.asked.keys()].length).toBe(1);
    expect(
      scene.logged('Nova did not find a disk of comp0 on comp1; no host has found one yet'),
    ).toHaveLength(1);
    scene.setEnabled('comp2', true);
    await scene.passes(20);
    expect([scene.cloud.disksLost, scene.violations]).toEqual([[], []]);
    expect([scene.left('comp2').length, scene.mark('comp0')]).toEqual([10, 'no']);
  });

  test('an ephemeral disk of one that boots from a volume is kept; its swap is made anew, and that is said', async () => {
    const scene = new Scene(2, { nodes: ['comp0', 'comp1', 'comp2'] });
    const flavor = (name: string, more: Readonly<Record<string, unknown>>) =>
      addFlavor(scene.cloud, { name, vcpus: 1, memoryMb: 128, diskGb: 1, ...more });
    flavor('eph', { ephemeralGb: 20 });
    flavor('swp', { swapMb: 512 });
    scene.boot('ephemeral', 'comp0', { image: null, flavor: 'eph' });
    scene.boot('swap', 'comp0', { image: null, flavor: 'swp' });
    scene.cloud.knobs.sharedStorage = false;
    await scene.fence('comp0');
    await scene.passes(30);
    expect([scene.cloud.disksLost, scene.violations]).toEqual([[], []]);
    expect([scene.left('comp0'), scene.mark('comp0')]).toEqual([['ephemeral'], 'no']);
    expect(scene.logged('its swap disk may be made anew')).toHaveLength(1);
  });
});
