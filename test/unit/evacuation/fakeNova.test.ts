// The cloud that the other tests here run on: what it does where Nova, Placement and Cinder were not simply watched.
import type { EvacuateRequest, NovaClient, Server } from '@openstack-ts/nova-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeNova } from './fakeNova.ts';
import { Process, seeded, VirtualTime } from './virtualTime.ts';

let time = new VirtualTime();
let nova = new FakeNova(time, seeded(1), []);
let client: NovaClient = nova.clientFor(new Process(time));
beforeEach(() => {
  time = new VirtualTime();
  nova = new FakeNova(time, seeded(1), ['comp0', 'comp1', 'comp2']);
  client = nova.clientFor(new Process(time));
});

const ask = <T>(request: Promise<T>) => time.until(request);
const caught = (request: Promise<unknown>) => ask(request.catch((error: unknown) => error));

/** The host of an instance dies, and the instance is evacuated to the end. */
async function evacuate(id: string, disk: EvacuateRequest['disk'], host = 'comp0'): Promise<Server> {
  nova.powerOff(host);
  nova.forceDown(host);
  await ask(client.evacuate(id, { disk }));
  await time.pass(30_000);
  return nova.instance(id).server;
}

const sized = (memoryMb: number, vcpus = 1) => ({
  flavor: {
    id: null,
    name: 'sized',
    extraSpecs: {},
    size: { vcpus, memoryMb, rootGb: 0, ephemeralGb: 0, swapMb: 0 },
  },
});

describe('the disk of an instance', () => {
  it('is found on shared storage, whatever is asked', async () => {
    nova.boot('kept', 'comp0');
    nova.boot('either', 'comp0');
    await evacuate('kept', 'keep');
    expect(await evacuate('either', 'either')).toMatchObject({ status: 'ACTIVE', vmState: 'active' });
    expect(nova.records.map(({ status }) => status)).toEqual(['done', 'done']);
    expect(nova.disksLost).toEqual([]);
    expect(nova.violations).toEqual([]);
  });

  it('that has to be kept and is not found fails the evacuation, and nothing is lost', async () => {
    nova.sharedStorage = false;
    nova.boot('i', 'comp0');
    expect(await evacuate('i', 'keep')).toMatchObject({
      host: 'comp0',
      status: 'ERROR',
      fault: { message: 'Invalid state of instance files on shared storage' },
    });
    expect(nova.records).toMatchObject([{ status: 'failed', destHost: expect.stringMatching(/comp[12]/) }]);
    expect(nova.disksLost).toEqual([]);
    expect(nova.violations).toEqual([]);
  });

  it('that is not found is lost where nothing else was said, which is a violation unless it is meant', async () => {
    nova.sharedStorage = false;
    nova.boot('i', 'comp0');
    nova.boot('meant', 'comp0');
    expect((await evacuate('i', 'either')).status).toBe('ACTIVE');
    expect(nova.violations).toEqual([expect.stringMatching(/ i lost its disk: it was rebuilt empty$/)]);
    nova.mayLoseDisks = true;
    await evacuate('meant', 'either');
    expect(nova.disksLost).toEqual(['i', 'meant']);
    expect(nova.violations).toHaveLength(1);
  });

  it('is a volume for some, which have none to keep and none to lose', async () => {
    nova.sharedStorage = false;
    nova.boot('one', 'comp0', { imageId: null });
    nova.boot('two', 'comp0', { imageId: null });
    expect((await evacuate('one', 'either')).status).toBe('ACTIVE');
    expect((await evacuate('two', 'keep')).status).toBe('ERROR');
    expect(nova.disksLost).toEqual([]);
    expect(nova.violations).toEqual([]);
  });

  it('is not found by a single host that lacks the mount', async () => {
    nova.host('comp1').lacksDisks = true;
    nova.host('comp2').enabled = false;
    nova.boot('i', 'comp0');
    expect((await evacuate('i', 'keep')).status).toBe('ERROR');
    nova.host('comp1').enabled = false;
    nova.host('comp2').enabled = true;
    expect((await evacuate('i', 'keep')).host).toBe('comp2');
  });
});

describe('room', () => {
  const memory = async () =>
    (await ask(client.listCapacity())).map(({ host, resources }) => [host, resources['MEMORY_MB']?.used]);

  it('is counted by host, and what is full is left out', async () => {
    nova.host('comp1').room = { vcpus: 4, memoryMb: 1_024 };
    nova.boot('a', 'comp0', sized(256));
    nova.boot('b', 'comp1', sized(1_023, 3));
    expect((await ask(client.listCapacity()))[1]).toEqual({
      host: 'comp1',
      resources: { VCPU: { capacity: 4, used: 3 }, MEMORY_MB: { capacity: 1_024, used: 1_023 } },
    });
    nova.boot('c', 'comp1', sized(1));
    expect(await memory()).toEqual([
      ['comp0', 256],
      ['comp2', 0],
    ]);
  });

  it('decides where an instance goes, and whether', async () => {
    nova.host('comp1').room = { vcpus: 1_000, memoryMb: 511 };
    nova.host('comp2').room = { vcpus: 1, memoryMb: 512 };
    for (const id of ['fits', 'late']) nova.boot(id, 'comp0', sized(512));
    expect((await evacuate('fits', 'keep')).host).toBe('comp2');
    expect(await evacuate('late', 'keep')).toMatchObject({
      status: 'ERROR',
      fault: { message: 'No valid host was found. There are not enough hosts available.' },
    });
    expect(nova.records.at(-1)).toMatchObject({ status: 'error', destHost: null });
    nova.host('comp1').room.memoryMb = 512;
    expect((await evacuate('late', 'keep')).host).toBe('comp1');
  });

  it('is taken on the target when Nova has chosen it, given back by what fails, and by the dead host last', async () => {
    nova.host('comp2').enabled = false;
    nova.boot('a', 'comp0', sized(512));
    nova.boot('b', 'comp0', sized(512));
    await evacuate('a', 'keep');
    nova.host('comp1').refuses = true;
    await evacuate('b', 'keep');
    expect(await memory()).toEqual([
      ['comp0', 1_024],
      ['comp1', 512],
      ['comp2', 0],
    ]);
    nova.powerOn('comp0');
    nova.startCompute('comp0');
    await time.pass(10_000);
    expect(await memory()).toEqual([
      ['comp0', 512],
      ['comp1', 512],
      ['comp2', 0],
    ]);
    nova.delete('b');
    expect((await memory())[0]).toEqual(['comp0', 0]);
  });

  it.each(['noEndpoint', 'forbidden'] as const)('may be %s', async (code) => {
    nova.capacityRefusal = code;
    expect(await caught(client.listCapacity())).toMatchObject({ code });
  });
});

it('keeps the members of an anti-affinity group apart, also while they are on their way', async () => {
  nova.serverGroups = [
    { id: 'apart', name: 'apart', policy: 'anti-affinity' },
    { id: 'near', name: 'near', policy: 'soft-affinity' },
  ];
  nova.boot('there', 'comp1', { serverGroupIds: ['apart'] });
  for (const id of ['a', 'b', 'c']) nova.boot(id, 'comp0', { serverGroupIds: ['near', 'apart'] });
  nova.powerOff('comp0');
  nova.forceDown('comp0');
  await ask(Promise.all(['a', 'b'].map((id) => client.evacuate(id, { disk: 'keep' }))));
  await time.pass(30_000);
  const hosts = ['a', 'b'].map((id) => nova.instance(id).server.host);
  expect(hosts.sort()).toEqual(['comp0', 'comp2']);
  expect((await ask(client.getServer('c'))).serverGroupIds).toEqual(['near', 'apart']);
  expect((await ask(client.listServers({ host: 'comp0' })))[0]?.serverGroupIds).toBeNull();
  expect(await ask(client.getServerGroup('near'))).toMatchObject({ policy: 'soft-affinity' });
});

describe('a reset', () => {
  it('makes a paused instance one that can be evacuated', async () => {
    nova.boot('i', 'comp0', { status: 'PAUSED', vmState: 'paused', taskState: 'unpausing' });
    nova.powerOff('comp0');
    nova.forceDown('comp0');
    expect(await caught(client.evacuate('i', { disk: 'keep' }))).toMatchObject({
      code: 'conflict',
      message: "Cannot 'evacuate' instance i while it is in vm_state paused",
    });
    await ask(client.resetServerState('i', 'active'));
    expect(nova.instance('i').server).toMatchObject({ status: 'ACTIVE', vmState: 'active', taskState: null });
    expect((await evacuate('i', 'keep')).host).not.toBe('comp0');
    await ask(client.resetServerState('i', 'error'));
    expect(nova.instance('i').server).toMatchObject({ status: 'ERROR', vmState: 'error' });
    expect(nova.violations).toEqual([]);
  });

  it('wrecks an evacuation that is under way, which is a violation', async () => {
    nova.boot('i', 'comp0');
    nova.powerOff('comp0');
    nova.forceDown('comp0');
    await ask(client.evacuate('i', { disk: 'keep' }));
    await ask(client.resetServerState('i', 'active'));
    await time.pass(30_000);
    expect(nova.instance('i').server).toMatchObject({ host: 'comp0', status: 'ERROR' });
    expect(nova.violations).toEqual([expect.stringMatching(/I2: i was reset while record 1 was in flight$/)]);
  });
});

it('refuses what has a task, where it is older', async () => {
  nova.refusesTasks = true;
  nova.boot('i', 'comp0', { taskState: 'powering-off' });
  nova.powerOff('comp0');
  nova.forceDown('comp0');
  expect(await caught(client.evacuate('i', { disk: 'keep' }))).toMatchObject({
    code: 'conflict',
    status: 409,
    message: "Cannot 'evacuate' instance i while it is in task_state powering-off",
  });
  expect(nova.records).toEqual([]);
  await ask(client.resetServerState('i', 'active'));
  expect((await evacuate('i', 'keep')).status).toBe('ACTIVE');
});

describe('the services beside Nova', () => {
  it('find images and volumes by property', async () => {
    const image = { id: 'image', name: 'image', tags: [], properties: { evacuable: 'False' } };
    nova.images = [image, { ...image, id: 'other', properties: {} }];
    const volume = { id: 'v', bootable: true, serverIds: ['i'], imageProperties: { evacuable: 'false' } };
    nova.volumes = [volume, { ...volume, id: 'w', imageProperties: { evacuable: 'true' } }];
    expect(await ask(client.listImagesByProperty('evacuable', 'false'))).toEqual([image]);
    expect(await ask(client.getImage('image'))).toEqual(image);
    expect(await caught(client.getImage('gone'))).toMatchObject({ code: 'notFound' });
    expect(await ask(client.listVolumesByImageProperty('evacuable', 'false'))).toEqual([volume]);
    expect(await ask(client.getVolume('v'))).toEqual(volume);
    nova.volumes = null;
    expect(await caught(client.getVolume('v'))).toMatchObject({ code: 'forbidden' });
    nova.hasCinder = false;
    expect(await caught(client.listVolumesByImageProperty('a', 'b'))).toMatchObject({ code: 'noEndpoint' });
  });

  it('list aggregates and projects', async () => {
    nova.projects = [{ id: 'p', name: 'web' }];
    nova.aggregates = [{ id: '1', name: 'ssd', availabilityZone: null, hosts: ['comp0'], metadata: {} }];
    expect(await ask(client.listProjects())).toEqual([{ id: 'p', name: 'web' }]);
    expect(await ask(client.listAggregates())).toHaveLength(1);
    nova.projects = null;
    expect(await caught(client.listProjects())).toMatchObject({ code: 'forbidden' });
  });
});
