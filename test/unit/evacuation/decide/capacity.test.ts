import { type HostCapacity, novaHost, type Server } from '@openstack-ts/nova-client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Demand,
  demandOf,
  hostsWithRoom,
  planRoom,
  type RoomRequest,
  type Target,
  traitsOf,
} from '../../../../lib/evacuation/decide/capacity.ts';
import { named, plainly } from '../../names.ts';

type Flavor = Server['flavor'];

function instance(
  extraSpecs: Readonly<Record<string, string>> | null = null,
  {
    imageId = 'image',
    size = {},
  }: { imageId?: string | null; size?: Partial<NonNullable<Flavor['size']>> } = {},
): Pick<Server, 'flavor' | 'imageId'> {
  const base = { vcpus: 4, memoryMb: 8192, rootGb: 20, ephemeralGb: 0, swapMb: 0 };
  return { imageId, flavor: { id: null, name: 'm', extraSpecs, size: { ...base, ...size } } };
}

describe('what an instance takes', () => {
  test('the size of its flavour', () => {
    expect(demandOf(instance())).toEqual({ VCPU: 4, MEMORY_MB: 8192, DISK_GB: 20 });
  });

  test('all its disks, in whole GiB', () => {
    expect(demandOf(instance(null, { size: { ephemeralGb: 10, swapMb: 1 } }))).toMatchObject({ DISK_GB: 31 });
    expect(demandOf(instance(null, { size: { swapMb: 2048 } }))).toMatchObject({ DISK_GB: 22 });
  });

  test('no root disk where it boots from a volume, but the others', () => {
    expect(demandOf(instance(null, { imageId: null }))).toEqual({ VCPU: 4, MEMORY_MB: 8192 });
    expect(demandOf(instance(null, { imageId: null, size: { ephemeralGb: 5 } }))).toMatchObject({
      DISK_GB: 5,
    });
  });

  test('nothing is known where Nova does not tell the size', () => {
    const { flavor } = instance();
    expect(demandOf({ imageId: 'image', flavor: { ...flavor, size: null } })).toBeNull();
  });

  test.each<[string, Record<string, string>, Demand]>([
    ['a class set to nothing is not asked for', { 'resources:VCPU': '0' }, { MEMORY_MB: 8192, DISK_GB: 20 }],
    [
      'a class set to another amount',
      { 'resources:MEMORY_MB': '512' },
      { VCPU: 4, MEMORY_MB: 512, DISK_GB: 20 },
    ],
    [
      'a class of its own, as bare metal has',
      {
        'resources:VCPU': '0',
        'resources:MEMORY_MB': '0',
        'resources:DISK_GB': '0',
        'resources:CUSTOM_GOLD': '1',
      },
      { CUSTOM_GOLD: 1 },
    ],
    [
      'groups come on top',
      { 'resources1:VGPU': '1', resources2: '9', 'resources_b:VGPU': '2' },
      { VCPU: 4, MEMORY_MB: 8192, DISK_GB: 20, VGPU: 3 },
    ],
    [
      'what is no amount, or no class, is not counted',
      { 'resources:VGPU': 'many', 'resources:vgpu': '1', 'hw:mem_page_size': 'large', 'trait:X': 'required' },
      { VCPU: 4, MEMORY_MB: 8192, DISK_GB: 20 },
    ],
    [
      'dedicated processors may be PCPU or VCPU',
      { 'hw:cpu_policy': 'dedicated' },
      { MEMORY_MB: 8192, DISK_GB: 20 },
    ],
    ['shared ones are VCPU', { 'hw:cpu_policy': 'shared' }, { VCPU: 4, MEMORY_MB: 8192, DISK_GB: 20 }],
  ])('%s', (_, specs, demand) => {
    expect(demandOf(instance(specs))).toEqual(demand);
  });
});

function host(name: string, free: Readonly<Record<string, number>>): HostCapacity {
  return {
    host: novaHost(name),
    traits: new Set(),
    resources: Object.fromEntries(
      Object.entries(free).map(([name, amount]) => [name, { capacity: amount + 10, used: 10 }]),
    ),
  };
}

const small: Demand = { VCPU: 1, MEMORY_MB: 1024 };
const big: Demand = { VCPU: 4, MEMORY_MB: 8192 };

const anywhere = { traits: { required: [], forbidden: [] }, zone: null };
const inZone = (zone: string | null) => (name: string) => ({ host: name, zone });

function plan(
  demands: Readonly<Record<string, Demand | null>>,
  hosts: readonly HostCapacity[],
  askedSince: readonly Demand[] = [],
  targets: readonly string[] = hosts.map((one) => one.host),
) {
  const requests = Object.entries(demands).map(([id, demand]) => ({ id, demand, ...anywhere }));
  return plainly(plainly(planRoom)(requests, hosts, targets.map(inZone('nova')), askedSince));
}

function fitting(...args: Parameters<typeof plan>): string[] {
  return [...plan(...args)].filter(([, room]) => room.fits).map(([id]) => id);
}

describe('what finds room', () => {
  test('in the order of the queue; what comes behind one that does not fit may still fit', () => {
    const hosts = [host('comp2', { VCPU: 4, MEMORY_MB: 4096 })];
    expect(fitting({ a: small, b: big, c: small, d: small, e: small, f: small }, hosts)).toEqual([
      'a',
      'c',
      'd',
      'e',
    ]);
  });

  test('spread over the hosts by the memory that is left, so that a big one may no longer fit', () => {
    const hosts = [
      host('comp2', { VCPU: 16, MEMORY_MB: 8192 }),
      host('comp3', { VCPU: 16, MEMORY_MB: 8192 }),
    ];
    expect(fitting({ a: small, b: big, c: big }, hosts)).toEqual(['a', 'b']);
    expect(fitting({ b: big, c: big, a: small }, hosts)).toEqual(['b', 'c']);
  });

  test('the roomiest is filled first, wherever it stands in the list', () => {
    const hosts = [
      host('comp2', { VCPU: 16, MEMORY_MB: 10_000 }),
      host('comp3', { VCPU: 16, MEMORY_MB: 9_000 }),
    ];
    expect(fitting({ a: small, b: big, c: big }, hosts)).toEqual(['a', 'b', 'c']);
    expect(fitting({ a: small, b: big, c: big }, [...hosts].reverse())).toEqual(['a', 'b', 'c']);
  });

  test('only on hosts that are up and enabled', () => {
    const hosts = [host('dead', { VCPU: 64, MEMORY_MB: 65536 }), host('comp2', { VCPU: 1, MEMORY_MB: 1024 })];
    expect(fitting({ a: small, b: small }, hosts, [], ['comp2'])).toEqual(['a']);
  });

  test('a class that a host does not report is not limited there', () => {
    expect(fitting({ a: { ...small, DISK_GB: 500 } }, [host('comp2', small)])).toEqual(['a']);
    expect(fitting({ a: { ...small, DISK_GB: 500 } }, [host('comp2', { ...small, DISK_GB: 499 })])).toEqual(
      [],
    );
  });

  test('a host that gives away more than it has (the ratio was lowered) has nothing left, not less', () => {
    const over = { ...host('comp2', {}), resources: { MEMORY_MB: { capacity: 100, used: 300 } } };
    expect(plan({ a: small }, [over]).get('a')).toEqual({
      fits: false,
      elsewhere: false,
      sentence: 'no host has room for it now: it needs 1024 MB of memory, the roomiest (comp2) has 0 MB left',
    });
  });

  test('one of which nobody knows what it takes, fits and takes nothing', () => {
    expect(fitting({ a: null, b: small, c: small }, [host('comp2', small)])).toEqual(['a', 'b']);
  });

  test('of one that takes no memory nothing can be said', () => {
    expect(fitting({ a: { CUSTOM_GOLD: 1 }, b: {}, c: small }, [])).toEqual(['a', 'b']);
  });

  test('what was asked for since the counts were read is taken already', () => {
    const hosts = [
      host('comp2', { VCPU: 8, MEMORY_MB: 9000 }),
      host('comp3', { VCPU: 8, MEMORY_MB: 10_000 }),
    ];
    expect(fitting({ a: big, b: big }, hosts)).toEqual(['a', 'b']);
    expect(fitting({ a: big, b: big }, hosts, [small])).toEqual(['a', 'b']);
    expect(fitting({ a: big, b: big }, hosts, [big])).toEqual(['a']);
    expect(fitting({ a: big }, hosts, [big, big, big])).toEqual([]);
  });
});

describe('an instance that not every host suits', () => {
  const east = { ...host('comp1', { VCPU: 9, MEMORY_MB: 512 }), traits: new Set(['HW_CPU_X86_AVX2']) };
  const west = { ...host('comp2', { VCPU: 9, MEMORY_MB: 9000 }), traits: new Set(['CUSTOM_SLOW']) };
  const targets = [inZone('east')('comp1'), inZone('west')('comp2')];
  const roomOf = (wish: Partial<Omit<RoomRequest, 'id' | 'demand'>>, demand = small) =>
    plainly(plainly(planRoom)([{ id: 'a', demand, ...anywhere, ...wish }], [east, west], targets, [])).get(
      'a',
    );

  test('has room in its own zone, or waits for that, told from room elsewhere', () => {
    expect(roomOf({ zone: 'west' })).toEqual({ fits: true });
    expect(roomOf({ zone: 'east' })).toEqual({
      fits: false,
      elsewhere: true,
      sentence:
        'no host of zone east has room for it now: it needs 1 VCPU and 1024 MB of memory, the roomiest (comp1) has 9 VCPU and 512 MB left',
    });
    expect(roomOf({ zone: 'east' }, { MEMORY_MB: 99_999 })).toMatchObject({ fits: false, elsewhere: false });
    expect(roomOf({ zone: 'north' })).toMatchObject({
      elsewhere: true,
      sentence:
        'no host of zone north has room for it now: it needs 1 VCPU and 1024 MB of memory, and no such host has any memory left',
    });
  });

  test('has room where the traits are that its flavour asks for, and those are not that it forbids', () => {
    const traits = (required: string[], forbidden: string[] = []) => ({ traits: { required, forbidden } });
    expect(roomOf(traits(['CUSTOM_SLOW']))).toEqual({ fits: true });
    expect(roomOf(traits(['HW_CPU_X86_AVX2']))).toMatchObject({
      fits: false,
      sentence: expect.stringContaining('no host with HW_CPU_X86_AVX2 has room'),
    });
    expect(roomOf(traits([], ['CUSTOM_SLOW']))).toMatchObject({
      fits: false,
      sentence: expect.stringContaining('no host with no CUSTOM_SLOW has room'),
    });
  });

  test('is named a host only that suits and has room', () => {
    const hostsFor = (wish: Partial<RoomRequest>) =>
      hostsWithRoom({ demand: small, ...anywhere, ...wish }, [east, west], named<Target[]>(targets));
    expect(hostsFor({})).toEqual(['comp2']);
    expect(hostsFor({ zone: 'east' })).toEqual([]);
    expect(hostsFor({ zone: 'east', demand: { MEMORY_MB: 512 } })).toEqual(['comp1']);
    expect(
      hostsFor({ demand: { MEMORY_MB: 1 }, traits: { required: [], forbidden: ['CUSTOM_SLOW'] } }),
    ).toEqual(['comp1']);
  });

  test('says by its flavour what it asks for', () => {
    const specs = {
      'trait:A': 'required',
      'trait:B': 'forbidden',
      'trait1:C': ' required ',
      'trait:d': 'required',
      trait: 'required',
    };
    expect(traitsOf(instance(specs))).toEqual({ required: ['A', 'C'], forbidden: ['B'] });
    expect(traitsOf(instance())).toEqual({ required: [], forbidden: [] });
  });
});

describe('why it waits', () => {
  const sentenceOf = (demand: Demand, ...hosts: HostCapacity[]) => {
    const room = plan({ a: demand }, hosts).get('a');
    return room?.fits === false ? room.sentence : null;
  };

  test('the roomiest host and what it has left', () => {
    const hosts = [host('comp1', { VCPU: 9, MEMORY_MB: 1024 }), host('comp2', { VCPU: 2, MEMORY_MB: 4096 })];
    expect(sentenceOf(big, ...hosts)).toBe(
      'no host has room for it now: it needs 4 VCPU and 8192 MB of memory, the roomiest (comp2) has 2 VCPU and 4096 MB left',
    );
  });

  test('other classes only where they are short', () => {
    const demand = { ...small, DISK_GB: 40, VGPU: 1 };
    expect(sentenceOf(demand, host('comp2', { VCPU: 9, MEMORY_MB: 9999, DISK_GB: 30, VGPU: 2 }))).toBe(
      'no host has room for it now: it needs 1 VCPU, 1024 MB of memory and 40 GB of disk, the roomiest (comp2) has 9 VCPU, 9999 MB and 30 GB of disk left',
    );
  });

  test('hosts without any memory left are not in the counts', () => {
    expect(sentenceOf(small)).toBe(
      'no host has room for it now: it needs 1 VCPU and 1024 MB of memory, and no host has any memory left',
    );
  });
});

describe('properties', () => {
  const amounts = fc.record({
    VCPU: fc.integer({ min: 1, max: 16 }),
    MEMORY_MB: fc.integer({ min: 1, max: 64 }),
  });
  const hosts = fc
    .array(amounts, { minLength: 1, maxLength: 6 })
    .map((all) => all.map((free, index) => host(`h${index}`, free)));
  const demands = fc
    .array(amounts, { maxLength: 20 })
    .map((all) => Object.fromEntries(all.map((demand, index) => [`i${index}`, demand])));

  test('what finds room never takes more than there is', () => {
    fc.assert(
      fc.property(demands, hosts, fc.array(amounts, { maxLength: 4 }), (asked, there, since) => {
        const fits = fitting(asked, there, since);
        for (const name of ['VCPU', 'MEMORY_MB'] as const) {
          const taken = fits.reduce((sum, id) => sum + (asked[id]?.[name] ?? 0), 0);
          const free = there.reduce((sum, { resources }) => sum + (resources[name]?.capacity ?? 0) - 10, 0);
          expect(taken).toBeLessThanOrEqual(free);
        }
      }),
    );
  });

  test('the first of the queue is held back only if it fits on no host at all, and everybody is told about', () => {
    fc.assert(
      fc.property(demands, hosts, (asked, there) => {
        const all = plan(asked, there);
        expect([...all.keys()]).toEqual(Object.keys(asked));
        const [first] = Object.entries(asked);
        if (first === undefined) return;
        const [id, demand] = first;
        const somewhere = there.some(({ resources }) =>
          (['VCPU', 'MEMORY_MB'] as const).every(
            (name) => (demand[name] ?? 0) <= (resources[name]?.capacity ?? 0) - 10,
          ),
        );
        expect(all.get(id)?.fits).toBe(somewhere);
      }),
    );
  });

  test('who comes later changes nothing for those before', () => {
    fc.assert(
      fc.property(demands, hosts, fc.nat(20), (asked, there, count) => {
        const before = Object.fromEntries(Object.entries(asked).slice(0, count));
        const whole = plan(asked, there);
        for (const [id, room] of plan(before, there)) expect(whole.get(id)?.fits).toBe(room.fits);
      }),
    );
  });
});
