import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../simulators/cloud/clock.ts';
import type { Server } from '../../simulators/cloud/model.ts';
import { statusOf } from '../../simulators/cloud/nova/serverView.ts';
import { World } from '../../simulators/cloud/world.ts';

const by = { userId: 'admin', projectId: 'admin', requestId: 'req-1' };
const noCandidate = 'No valid host was found. ';
const allFiltered = 'No valid host was found. There are not enough hosts available.';
let clock: ManualClock;
let world: World;

beforeEach(() => {
  clock = new ManualClock(Date.parse('2026-11-21T02:27:27Z'));
  world = new World(clock, { schedule: 100, prepare: 100, spawn: 1_000, settle: 100, record: 50 });
  for (const name of ['comp0', 'comp1', 'comp2'])
    world.addHost(name, { VCPU: 4, MEMORY_MB: 400, DISK_GB: 8 });
  world.addImage('cirros');
  world.addFlavor('m1.tiny', { id: '1' });
});

function fail(host: string): void {
  world.killCompute(host, { power: false });
  world.setForcedDown(world.host(host), true);
}
const through = () => clock.advance(2_000);
const recordsOf = (server: Server) =>
  world.migrationsOf(server.id).map(({ status, destHost }) => `${status} to ${destHost}`);
const free = (host: string) => {
  const used = world.allocations.used(host);
  return [4 - used.VCPU, 400 - used.MEMORY_MB, 8 - used.DISK_GB];
};

describe('room', () => {
  it('is taken when the scheduler chooses, and the source keeps its own until it is back', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    expect([free('comp0'), free('comp1')]).toEqual([
      [3, 272, 7],
      [4, 400, 8],
    ]);
    world.evacuate(server, {}, by);
    clock.advance(100);
    expect([free('comp0'), free('comp1')]).toEqual([
      [3, 272, 7],
      [3, 272, 7],
    ]);
    through();
    expect(server.host).toBe('comp1');
    expect(free('comp0')).toEqual([3, 272, 7]);
    world.startCompute('comp0');
    through();
    expect([free('comp0'), free('comp1')]).toEqual([
      [4, 400, 8],
      [3, 272, 7],
    ]);
  });

  it('is given back by an attempt that fails on the target', () => {
    const server = world.addServer({ host: 'comp0' });
    world.host('comp1').spawnFail = true;
    world.host('comp2').disabled = true;
    fail('comp0');
    world.evacuate(server, {}, by);
    clock.advance(100);
    expect(free('comp1')).toEqual([3, 272, 7]);
    through();
    expect(statusOf(server)).toBe('ERROR');
    expect(free('comp1')).toEqual([4, 400, 8]);
  });

  it.each([
    ['vcpus', { vcpus: 3 }],
    ['memory', { memoryMb: 300 }],
    ['disk', { diskGb: 5 }],
    ['ephemeral disks', { ephemeralGb: 4 }],
    ['swap, in whole gigabytes', { ephemeralGb: 3, swapMb: 10 }],
  ])('is short of %s: ERROR, without another word', (_, size) => {
    const flavorId = world.addFlavor('large', size).id;
    const server = world.addServer({ host: 'comp0', flavorId });
    for (const host of ['comp1', 'comp2']) world.addServer({ host, flavorId });
    fail('comp0');
    world.evacuate(server, {}, by);
    through();
    expect([statusOf(server), server.host, server.fault?.message]).toEqual(['ERROR', 'comp0', noCandidate]);
    expect(recordsOf(server)).toEqual(['error to null']);
  });

  it('on the dead host itself makes for other words', () => {
    world.host('comp0').capacity.MEMORY_MB = 100_000;
    for (const host of ['comp1', 'comp2']) for (let i = 0; i < 3; i += 1) world.addServer({ host });
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, {}, by);
    through();
    expect(server.fault?.message).toBe(allFiltered);
  });

  it('for a root disk is not needed by a server that boots from a volume', () => {
    const flavorId = world.addFlavor('large', { diskGb: 7 }).id;
    for (const host of ['comp1', 'comp2']) world.addServer({ host, flavorId });
    const fromImage = world.addServer({ host: 'comp0', flavorId });
    const fromVolume = world.addServer({ host: 'comp0', flavorId, imageId: null });
    fail('comp0');
    for (const server of [fromImage, fromVolume]) world.evacuate(server, {}, by);
    through();
    expect([statusOf(fromImage), statusOf(fromVolume)]).toEqual(['ERROR', 'ACTIVE']);
  });

  it('goes to the host with the most memory left', () => {
    world.addServer({ host: 'comp1' });
    const servers = [1, 2, 3].map(() => world.addServer({ host: 'comp0' }));
    fail('comp0');
    for (const server of servers) world.evacuate(server, {}, by);
    through();
    expect(servers.map(({ host }) => host)).toEqual(['comp2', 'comp1', 'comp2']);
  });

  it('of a disabled host counts only once its nova-compute has told Placement', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.setDisabled(world.host('comp0'), true, 'a test');
    expect(world.host('comp0').disabledTrait).toBe(false);
    for (const host of ['comp1', 'comp2']) world.setDisabled(world.host(host), true, 'a test');
    world.evacuate(server, {}, by);
    through();
    // The dead host has no trait, and so is a candidate.
    expect(server.fault?.message).toBe(allFiltered);
    world.evacuate(server, { host: 'comp1' }, by);
    through();
    expect(server.fault?.message).toBe(noCandidate);
    world.startCompute('comp0');
    through();
    expect(world.host('comp0').disabledTrait).toBe(true);
  });
});

describe('a zone', () => {
  it('that a server is bound to is not left', () => {
    world.addAggregate('rack', { zone: 'east', hosts: ['comp0', 'comp2'] });
    const bound = world.addServer({ host: 'comp0', pinnedZone: 'east' });
    world.addServer({ host: 'comp2' });
    const free = world.addServer({ host: 'comp0' });
    fail('comp0');
    for (const server of [bound, free]) world.evacuate(server, {}, by);
    through();
    expect([bound.host, free.host, free.zone]).toEqual(['comp2', 'comp1', 'nova']);
  });
});

describe('a server group', () => {
  it('with anti-affinity refuses hosts that have a member, as many as its rule says', () => {
    const one = world.addGroup('db', 'anti-affinity').id;
    const two = world.addGroup('web', 'anti-affinity', { maxPerHost: 2 }).id;
    const strict = world.addServer({ host: 'comp0', groupId: one });
    const lax = world.addServer({ host: 'comp0', groupId: two });
    for (const host of ['comp1', 'comp2']) {
      for (const groupId of [one, two]) world.addServer({ host, groupId });
    }
    fail('comp0');
    for (const server of [strict, lax]) world.evacuate(server, {}, by);
    through();
    expect([strict.fault?.message, statusOf(lax)]).toEqual([allFiltered, 'ACTIVE']);
  });

  it('with anti-affinity breaks one that arrives at a host another is bound for', () => {
    const groupId = world.addGroup('db', 'anti-affinity').id;
    const one = world.addServer({ host: 'comp0', groupId });
    const two = world.addServer({ host: 'comp1', groupId });
    fail('comp0');
    fail('comp1');
    for (const server of [one, two]) world.evacuate(server, {}, by);
    through();
    expect([statusOf(one), one.host]).toEqual(['ACTIVE', 'comp2']);
    expect([statusOf(two), two.host]).toEqual(['ERROR', 'comp1']);
    expect(two.fault?.message).toBe('Anti-affinity instance group policy was violated');
    expect(recordsOf(two)).toEqual(['failed to comp2']);
  });

  it('with anti-affinity shares a host, where Nova overlooks those that are on their way', () => {
    world.knobs.groupCountsArriving = false;
    const groupId = world.addGroup('db', 'anti-affinity').id;
    const one = world.addServer({ host: 'comp0', groupId });
    const two = world.addServer({ host: 'comp1', groupId });
    fail('comp0');
    fail('comp1');
    for (const server of [one, two]) world.evacuate(server, {}, by);
    through();
    expect([one, two].map(({ host }) => host)).toEqual(['comp2', 'comp2']);
  });

  it.each([
    [true, 'ERROR'],
    [false, 'SHUTOFF'],
  ])(
    'with anti-affinity, refused by the host that was forced: an error (%s) leaves it %s',
    (isError, status) => {
      world.knobs.groupRefusalIsError = isError;
      const groupId = world.addGroup('db', 'anti-affinity').id;
      const server = world.addServer({ host: 'comp0', vmState: 'stopped', groupId });
      world.addServer({ host: 'comp1', groupId });
      fail('comp0');
      world.evacuate(server, { host: 'comp1', force: true }, by);
      through();
      expect([statusOf(server), server.taskState, server.host]).toEqual([status, null, 'comp0']);
      expect(recordsOf(server)).toEqual(['failed to comp1']);
    },
  );

  it('with affinity finds no host, because its dead one counts among those of the group', () => {
    const groupId = world.addGroup('pair', 'affinity').id;
    const server = world.addServer({ host: 'comp0', groupId });
    fail('comp0');
    world.evacuate(server, {}, by);
    through();
    expect(server.fault?.message).toBe(allFiltered);
  });

  it.each(['soft-affinity', 'soft-anti-affinity'])('with %s stands in nobody’s way', (policy) => {
    const groupId = world.addGroup('soft', policy).id;
    const server = world.addServer({ host: 'comp0', groupId });
    for (const host of ['comp1', 'comp2']) world.addServer({ host, groupId });
    fail('comp0');
    world.evacuate(server, {}, by);
    through();
    expect(statusOf(server)).toBe('ACTIVE');
  });
});

describe('a host that is forced', () => {
  const force = { host: 'comp2', force: true };

  it('takes what it has room for, disabled or not', () => {
    world.host('comp2').disabled = true;
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, force, by);
    through();
    expect([statusOf(server), server.host]).toEqual(['ACTIVE', 'comp2']);
  });

  it.each([
    ['has no room', 'There is not enough capacity on the host for the instance.'],
    ['is not the first', 'The instance has complex allocations on the source host so move cannot be forced.'],
  ])('and %s leaves the server in the state it was in', (why, text) => {
    const server = world.addServer({ host: 'comp0', vmState: 'stopped' });
    if (why === 'has no room') for (let i = 0; i < 3; i += 1) world.addServer({ host: 'comp2' });
    else world.allocations.add(world.host('comp1'), server);
    fail('comp0');
    world.evacuate(server, force, by);
    through();
    expect([server.vmState, server.taskState, server.host]).toEqual(['stopped', null, 'comp0']);
    expect(server.fault?.message).toBe(
      `No valid host was found. Unable to move instance ${server.id} to host comp2. ${text}`,
    );
    expect(recordsOf(server)).toEqual(['error to comp2']);
  });
});

describe('disks', () => {
  beforeEach(() => {
    world.knobs.sharedStorage = false;
  });

  it('are lost where the new host does not find them, unless the server boots from a volume', () => {
    const image = world.addServer({ host: 'comp0', name: 'image' });
    const volume = world.addServer({ host: 'comp0', name: 'volume', imageId: null });
    world.host('comp2').sharedStorage = true;
    fail('comp0');
    for (const server of [image, volume]) world.evacuate(server, { host: 'comp1' }, by);
    through();
    expect([image.host, volume.host]).toEqual(['comp1', 'comp1']);
    expect(world.disksLost).toMatchObject([{ name: 'image', source: 'comp0', destination: 'comp1' }]);
  });

  it('are lost of a server that boots from a volume where its flavour has an ephemeral disk', () => {
    world.addFlavor('scratch', { id: '9', ephemeralGb: 1 });
    const server = world.addServer({ host: 'comp0', name: 'scratch', imageId: null, flavorId: '9' });
    fail('comp0');
    world.evacuate(server, { host: 'comp1' }, by);
    through();
    expect(world.disksLost).toMatchObject([{ name: 'scratch' }]);
  });

  it('are kept on a host that has storage in common', () => {
    const server = world.addServer({ host: 'comp0' });
    world.host('comp1').sharedStorage = true;
    fail('comp0');
    world.evacuate(server, { host: 'comp1', onSharedStorage: true }, by);
    through();
    expect([server.host, world.disksLost]).toEqual(['comp1', []]);
  });

  it('that have to be there and are not: ERROR, and nothing is lost', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, { onSharedStorage: true }, by);
    through();
    expect([statusOf(server), server.host]).toEqual(['ERROR', 'comp0']);
    expect(server.fault?.message).toBe('Invalid state of instance files on shared storage');
    expect(recordsOf(server)).toEqual(['failed to comp1']);
    expect(world.disksLost).toEqual([]);
    expect(free('comp1')).toEqual([4, 400, 8]);
  });
});

describe('an evacuation', () => {
  it.each(['paused', 'suspended', 'rescued', 'resized', 'shelved', 'building'])(
    'of a server that is %s is refused',
    (vmState) => {
      const server = world.addServer({ host: 'comp0', vmState });
      fail('comp0');
      expect(() => world.evacuate(server, {}, by)).toThrow(
        `Cannot 'evacuate' instance ${server.id} while it is in vm_state ${vmState}`,
      );
      expect(world.migrations).toEqual([]);
    },
  );

  it('of a server that is on no host is refused in the words for one that is to stay', () => {
    const server = world.addServer({ host: 'comp0', vmState: 'shelved_offloaded' });
    fail('comp0');
    expect(() => world.evacuate(server, {}, by)).toThrow("The target host can't be the same one.");
  });

  it('of a server that has a task is refused by an older Nova alone', () => {
    const server = world.addServer({ host: 'comp0', taskState: 'powering-off' });
    fail('comp0');
    world.knobs.evacuateRefusesTasks = true;
    expect(() => world.evacuate(server, {}, by)).toThrow(
      `Cannot 'evacuate' instance ${server.id} while it is in task_state powering-off`,
    );
    world.guests.resetState(server, 'error', by);
    world.evacuate(server, {}, by);
    through();
    expect(statusOf(server)).toBe('ACTIVE');
  });

  it.each([
    ['active', 'SHUTOFF'],
    ['stopped', 'SHUTOFF'],
    ['error', 'ACTIVE'],
  ])('that is to leave it stopped, as from 2.95 on, ends for one that is %s with %s', (vmState, status) => {
    const server = world.addServer({ host: 'comp0', vmState });
    fail('comp0');
    world.evacuate(server, { stopped: true }, by);
    through();
    expect([statusOf(server), server.host]).toEqual([status, 'comp1']);
  });

  it.each([50, 150, 300, 900])('is wrecked by a reset of the state after %d ms', (ms) => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, {}, by);
    clock.advance(ms);
    world.guests.resetState(server, 'active', by);
    through();
    expect([statusOf(server), server.host]).toEqual(['ERROR', 'comp0']);
    expect(server.fault?.message).toMatch(/^Conflict updating instance .* Actual: \{'task_state': None\}$/);
    expect(recordsOf(server)[0]).toMatch(/^failed to comp[12]$/);
    expect(world.conductor.inFlight).toBe(0);
  });

  it('fails on a host that spawns as many as it can already', () => {
    world.host('comp1').spawnLimit = 2;
    world.host('comp2').disabled = true;
    const servers = [1, 2, 3].map(() => world.addServer({ host: 'comp0' }));
    fail('comp0');
    for (const server of servers) world.evacuate(server, {}, by);
    through();
    expect(servers.map(statusOf)).toEqual(['ACTIVE', 'ACTIVE', 'ERROR']);
    expect(servers[2]?.fault?.message).toBe('Virtual Interface creation failed');
    // It goes once the others are through with it, on their way home though they are.
    const more = world.addServer({ host: 'comp0' });
    for (const server of servers.slice(0, 2)) world.deleteServer(server);
    world.host('comp1').spawnLimit = 1;
    world.evacuate(servers[2] ?? more, {}, by);
    clock.advance(1_050);
    world.evacuate(more, {}, by);
    through();
    expect([servers[2], more].map((server) => server && statusOf(server))).toEqual(['ACTIVE', 'ACTIVE']);
  });

  it('leaves its room on a target that died, for ever', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, {}, by);
    clock.advance(500);
    fail('comp1');
    world.evacuate(server, {}, by);
    through();
    expect(server.host).toBe('comp2');
    world.startCompute('comp1');
    through();
    expect(world.allocations.hostsOf(server.id)).toEqual(['comp0', 'comp1', 'comp2']);
    world.deleteServer(server);
    expect(world.allocations.hostsOf(server.id)).toEqual([]);
  });
});
