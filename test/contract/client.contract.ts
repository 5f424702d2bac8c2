import { connect, NovaError } from '@openstack-ts/nova-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pick } from '../simulators/json.ts';
import { plainly } from '../unit/names.ts';
import { Stage } from './stage.ts';

/** The same cloud seen through the client that the agents use. */
let stage: Stage;
let source = '';
beforeAll(async () => {
  stage = await Stage.set();
  source = stage.host(0);
}, 60_000);
afterAll(async () => {
  await stage.calm();
  await stage.cloud.close();
}, 60_000);

async function client() {
  const { authUrl, admin } = stage.cloud;
  const connected = await connect(
    {
      authUrl,
      credentials: {
        kind: 'password',
        username: admin.username,
        password: admin.password,
        userDomain: { name: 'Default' },
        project: { name: admin.project, domain: { name: 'Default' } },
      },
      endpointInterface: 'internal',
      region: stage.cloud.region,
      tls: { verify: true },
    },
    { env: {} },
  );
  return plainly(connected);
}

describe('the client', () => {
  it('walks a host from fencing to the end of its evacuation', async () => {
    const nova = await client();
    expect(Number(nova.microversion.split('.')[1])).toBeLessThan(95);
    const ids = await stage.boot(2, source);
    await stage.cloud.killCompute(source);
    const service = (await nova.listComputeServices()).find(({ host }) => host === source);
    if (service === undefined) throw new Error(`The client does not see ${source}.`);
    await nova.setForcedDown(service, true);
    await nova.disableService(service, 'a contract test');
    const held = (await nova.listComputeServices()).find(({ host }) => host === source);
    expect(held).toMatchObject({
      state: 'down',
      status: 'disabled',
      forcedDown: true,
      disabledReason: 'a contract test',
    });
    const servers = await nova.listServers({ host: source });
    expect(servers.map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect(servers[0]).toMatchObject({ host: source, vmState: 'active', taskState: null, locked: false });
    const disk = stage.cloud.sharedStorage ? 'keep' : 'either';
    for (const { id } of servers) await nova.evacuate(id, { disk });
    await stage.until(async () => {
      const records = await nova.listEvacuations({ sourceHost: source });
      const mine = records.filter(({ serverId }) => ids.includes(serverId));
      return mine.length === 2 && mine.every(({ status }) => status === 'done') ? true : undefined;
    });
    for (const id of ids) {
      const server = await nova.getServer(id);
      expect(server.vmState).toBe('active');
      expect(server.host).not.toBe(source);
    }
    await stage.bringBack(source);
  }, 90_000);

  it('tells whether a guest runs, starts it where it is, and what was done to it', async () => {
    await stage.calm();
    const nova = await client();
    const [id = ''] = await stage.boot(1, source);
    const noteOf = async () => (await nova.listComputeServices()).find(({ host }) => host === source);
    const before = await noteOf();
    expect(Math.abs((before?.updatedAt ?? 0) - Date.now() - nova.clockOffsetMs)).toBeLessThan(15_000);
    expect(await nova.isGuestRunning(id)).toBe(true);
    await stage.powerCycle(source);
    expect((await noteOf())?.updatedAt).toBeGreaterThan(before?.updatedAt ?? Number.POSITIVE_INFINITY);
    expect(await nova.isGuestRunning(id)).toBe(false);
    expect(await nova.getServer(id)).toMatchObject({ vmState: 'active', powerState: 1 });
    await nova.rebootServer(id, 'HARD');
    await stage.settled(id, ({ task }) => task === null);
    expect(await nova.isGuestRunning(id)).toBe(true);
    await nova.stopServer(id);
    await stage.settled(id, ({ status }) => status === 'SHUTOFF');
    await expect(nova.stopServer(id)).rejects.toMatchObject({ code: 'conflict' });
    await nova.startServer(id);
    await stage.settled(id, ({ status }) => status === 'ACTIVE');
    await nova.resetServerState(id, 'active');
    const actions = await nova.listActions(id);
    const names = actions.map(({ action }) => action);
    expect(names).toEqual(stage.recorded('resetState', 'start', 'stop', 'reboot', 'create'));
    expect(new Set(actions.map(({ userId }) => userId))).toEqual(new Set([stage.admin.userId]));
    await expect(nova.isGuestRunning('99999999-9999-4999-8999-999999999999')).rejects.toMatchObject({
      code: 'notFound',
    });
  }, 90_000);

  it('tells a server that is gone, a conflict and a host that is up apart', async () => {
    const nova = await client();
    const [id = ''] = await stage.boot(1, source);
    const failure = async (ask: Promise<unknown>) => {
      const error = await ask.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(NovaError);
      return error instanceof NovaError ? { code: error.code, status: error.status } : undefined;
    };
    const gone = nova.getServer('99999999-9999-4999-8999-999999999999');
    expect(await failure(gone)).toMatchObject({ code: 'notFound', status: 404 });
    const up = nova.evacuate(id, { disk: 'either' });
    expect(await failure(up)).toMatchObject({ status: 400 });
  }, 60_000);

  it('keeps a disk that all hosts see, and fails rather than lose one that they do not', async () => {
    await stage.calm();
    const nova = await client();
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    await nova.evacuate(id, { disk: 'keep' });
    if (stage.cloud.sharedStorage) {
      expect(await stage.evacuated(id)).toMatchObject({ status: 'ACTIVE' });
    } else {
      await stage.settled(id, ({ status }) => status === 'ERROR');
      const { fault, host } = await nova.getServer(id);
      expect(fault?.message).toMatch(/^Invalid state of instance files on shared storage/);
      expect(host).toBe(source);
      await nova.evacuate(id, { disk: 'either' });
      await stage.evacuated(id);
    }
    await stage.bringBack(source);
  }, 90_000);

  it("tells the room of every host by Nova's name, and that a server takes of it", async () => {
    await stage.calm();
    const nova = await client();
    const usedOn = async (host: string) => {
      const { resources } = (await nova.listCapacity()).find((each) => each.host === host) ?? {};
      return resources?.['MEMORY_MB']?.used;
    };
    expect((await nova.listCapacity()).map(({ host }) => host).sort()).toEqual(stage.hosts);
    const before = await usedOn(source);
    if (before === undefined) throw new Error(`Placement does not know ${source}.`);
    const [id = ''] = await stage.boot(1, source);
    const { size } = (await nova.getServer(id)).flavor;
    expect(size?.memoryMb).toBeGreaterThan(0);
    expect(await usedOn(source)).toBe(before + (size?.memoryMb ?? 0));
  }, 60_000);

  it('knows the projects, an image by its id, and groups that are not there', async () => {
    const nova = await client();
    const { admin, member, image } = stage.cloud;
    const names = (await nova.listProjects()).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([admin.project, member.project]));
    expect((await nova.getImage(image)).id).toBe(image);
    const nobody = '99999999-9999-4999-8999-999999999999';
    await expect(nova.getImage(nobody)).rejects.toMatchObject({ code: 'notFound' });
    await expect(nova.getServerGroup(nobody)).rejects.toMatchObject({ code: 'notFound' });
    const [id = ''] = await stage.boot(1, source);
    expect(await nova.getServer(id)).toMatchObject({ serverGroupIds: [], volumeIds: [] });
    const listed = (await nova.listServers({ host: source })).find((server) => server.id === id);
    expect(listed?.serverGroupIds).toBeNull();
  }, 60_000);

  it('lists flavours with their extra specs and images by tag', async () => {
    const nova = await client();
    const tagged = (await nova.listFlavors()).filter(({ extraSpecs }) => extraSpecs['evacuable'] === 'true');
    expect(tagged.map(({ id }) => id)).toEqual([stage.cloud.taggedFlavor]);
    expect((await nova.listImagesByTag('evacuable')).map(({ id }) => id)).toEqual([stage.cloud.taggedImage]);
  });

  it('tells what every host has room for, and what a server takes of it', async () => {
    await stage.calm();
    const nova = await client();
    const roomOf = async (host: string) => {
      const capacity = await nova.listCapacity();
      expect(capacity.map((one) => one.host).sort()).toEqual([...stage.hosts]);
      return capacity.find((one) => one.host === host)?.resources;
    };
    const before = await roomOf(source);
    const group = await stage.admin.call('POST', '/os-server-groups', '2.64', {
      server_group: { name: 'contract-client', policy: 'soft-anti-affinity' },
    });
    const groupId = String(pick(group.json, 'server_group', 'id'));
    try {
      const [id = ''] = await stage.boot(1, source, { group: groupId });
      const after = await roomOf(source);
      const server = await nova.getServer(id);
      const size = { vcpus: 1, memoryMb: 128, rootGb: 1, ephemeralGb: 0, swapMb: 0 };
      expect(server).toMatchObject({ flavor: { size }, availabilityZone: 'nova', volumeIds: [] });
      for (const [name, by] of [
        ['VCPU', 1],
        ['MEMORY_MB', 128],
        ['DISK_GB', 1],
      ] as const) {
        expect(after?.[name]?.capacity, name).toBe(before?.[name]?.capacity);
        expect(after?.[name]?.used, name).toBe((before?.[name]?.used ?? Number.NaN) + by);
      }
      expect(server.serverGroupIds).toEqual([groupId]);
      expect(await nova.getServerGroup(groupId)).toEqual({
        id: groupId,
        name: 'contract-client',
        policy: 'soft-anti-affinity',
      });
    } finally {
      await stage.admin.call('DELETE', `/os-server-groups/${groupId}`);
    }
    await expect(nova.getServerGroup(groupId)).rejects.toMatchObject({ code: 'notFound' });
    const projects = (await nova.listProjects()).map(({ name }) => name);
    expect(projects).toEqual(expect.arrayContaining([stage.cloud.admin.project, stage.cloud.member.project]));
  }, 60_000);

  it('keeps the disk of a server, or has Nova leave it where it is', async () => {
    await stage.calm();
    const nova = await client();
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    await stage.cloud.sharedDisks(false);
    await nova.evacuate(id, { disk: 'keep' });
    await stage.settled(id, ({ status }) => status === 'ERROR');
    expect(await nova.getServer(id)).toMatchObject({
      host: source,
      fault: { message: 'Invalid state of instance files on shared storage' },
    });
    await stage.cloud.sharedDisks(true);
    await nova.evacuate(id, { disk: 'keep' });
    expect(await stage.evacuated(id)).toMatchObject({ status: 'ACTIVE' });
  }, 60_000);
});
