import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pick } from '../simulators/json.ts';
import { Stage } from './stage.ts';

/** Where an evacuated server may go, and what Nova says when there is no such place. */
let stage: Stage;
let source = '';
beforeAll(async () => {
  stage = await Stage.set();
  source = stage.host(0);
}, 60_000);
beforeEach(async () => {
  await stage.calm();
}, 120_000);
afterAll(async () => {
  await stage.calm();
  await stage.cloud.close();
}, 60_000);

const evacuate = async (id: string, body: Record<string, unknown> = {}, version = '2.87') => {
  const answer = await stage.admin.action(id, { evacuate: body }, version);
  expect(answer.status).toBe(200);
};
const broken = (id: string) => stage.settled(id, ({ status, task }) => status === 'ERROR' && task === null);
const nobodyOffers = 'No valid host was found. ';
const allFiltered = 'No valid host was found. There are not enough hosts available.';

describe('an evacuation to a host that is named', () => {
  it('is checked by the scheduler from 2.29 on, and the record keeps the name', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    const target = stage.host(1);
    await stage.setService(target, { status: 'disabled', disabled_reason: 'a test' });
    await stage.untilTrait(target);
    await evacuate(id, { host: target });
    expect(await broken(id)).toMatchObject({ host: source, fault: nobodyOffers });
    expect(await stage.migrations(id)).toMatchObject([{ status: 'error', dest: target }]);
  }, 60_000);

  it('is not checked below 2.29: a disabled one takes it', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    const target = stage.host(1);
    await stage.setService(target, { status: 'disabled', disabled_reason: 'a test' });
    await stage.untilTrait(target);
    await evacuate(id, { host: target, onSharedStorage: stage.cloud.sharedStorage }, '2.13');
    expect(await stage.evacuated(id)).toMatchObject({ status: 'ACTIVE', host: target });
    // Its former host has not cleaned up: with two allocations it cannot be forced anywhere, and stays what it is.
    await stage.fail(target);
    const third = { host: stage.host(2), onSharedStorage: stage.cloud.sharedStorage };
    await evacuate(id, third, '2.13');
    await stage.until(async () =>
      (await stage.migrations(id)).at(-1)?.status === 'error' ? true : undefined,
    );
    const still = await stage.settled(id, ({ task }) => task === null);
    expect(still).toMatchObject({ status: 'ACTIVE', host: target });
    // The scheduler does not mind.
    await evacuate(id);
    const last = await stage.evacuated(id);
    expect(last.status).toBe('ACTIVE');
    expect(stage.hosts.slice(2)).toContain(last.host);
  }, 90_000);
});

describe('the room', () => {
  it('of the other hosts decides; a place that is given up is taken by the next attempt', async () => {
    const memory = Math.min(...(await Promise.all(stage.hosts.map((host) => stage.memoryOf(host)))));
    // One fits on each host, and no second.
    const flavor = await stage.addFlavor({ ram: Math.floor(memory * 0.6), vcpus: 1, disk: 1 });
    try {
      const [id = ''] = await stage.boot(1, source, { flavor });
      const [second = ''] = await stage.boot(1, stage.host(1), { flavor });
      for (const host of stage.hosts.slice(2)) await stage.boot(1, host, { flavor });
      await stage.fail(source);
      await evacuate(id);
      expect(await broken(id)).toMatchObject({ host: source, fault: nobodyOffers });
      expect(await stage.migrations(id)).toMatchObject([{ status: 'error', dest: null }]);
      await stage.admin.call('DELETE', `/servers/${second}`);
      await stage.until(async () =>
        (await stage.admin.get(`/servers/${second}`)).status === 404 ? true : undefined,
      );
      await evacuate(id);
      expect(await stage.evacuated(id)).toMatchObject({ status: 'ACTIVE', host: stage.host(1) });
    } finally {
      await stage.admin.call('DELETE', `/flavors/${flavor}`);
    }
  }, 90_000);
});

describe('a server group', () => {
  const groups: string[] = [];
  const addGroup = async (policy: string) => {
    const wish = { name: `contract-${policy}`, policy };
    const made = await stage.admin.call('POST', '/os-server-groups', '2.64', { server_group: wish });
    const id = String(pick(made.json, 'server_group', 'id'));
    groups.push(id);
    return id;
  };
  afterAll(async () => {
    for (const id of groups) await stage.admin.call('DELETE', `/os-server-groups/${id}`);
  });

  it('tells its policy and members, by version, and its members tell it', async () => {
    const group = await addGroup('anti-affinity');
    const [id = ''] = await stage.boot(1, source, { group });
    const show = async (version: string) =>
      pick((await stage.admin.get(`/os-server-groups/${group}`, version)).json, 'server_group');
    expect(await show('2.12')).toEqual({
      id: group,
      name: 'contract-anti-affinity',
      policies: ['anti-affinity'],
      metadata: {},
      members: [id],
    });
    const now = await show('2.64');
    expect(now).toMatchObject({ policy: 'anti-affinity', rules: {}, members: [id] });
    expect(Object.keys(Object(now)).sort()).toEqual([
      'id',
      'members',
      'name',
      'policy',
      'project_id',
      'rules',
      'user_id',
    ]);
    const one = await stage.admin.get(`/servers/${id}`, '2.71');
    expect(pick(one.json, 'server', 'server_groups')).toEqual([group]);
    expect(pick((await stage.admin.get(`/servers/${id}`, '2.70')).json, 'server')).not.toHaveProperty(
      'server_groups',
    );
    const list = await stage.admin.get(`/servers/detail?all_tenants=1&host=${source}`, '2.87');
    expect(pick(list.json, 'servers', 0)).not.toHaveProperty('server_groups');
    const nobody = '99999999-9999-4999-8999-999999999999';
    const gone = await stage.admin.get(`/os-server-groups/${nobody}`);
    expect([gone.status, pick(gone.json, 'itemNotFound', 'message')]).toEqual([
      404,
      `Instance group ${nobody} could not be found.`,
    ]);
  }, 60_000);

  it('with anti-affinity refuses a host that has a member; once that is gone the host is taken', async () => {
    const group = await addGroup('anti-affinity');
    const [id = ''] = await stage.boot(1, source, { group });
    const [second = ''] = await stage.boot(1, stage.host(1), { group });
    for (const host of stage.hosts.slice(2)) await stage.boot(1, host, { group });
    await stage.fail(source);
    await evacuate(id);
    expect(await broken(id)).toMatchObject({ host: source, fault: allFiltered });
    expect(await stage.migrations(id)).toMatchObject([{ status: 'error', dest: null }]);
    await stage.admin.call('DELETE', `/servers/${second}`);
    await stage.until(async () =>
      (await stage.admin.get(`/servers/${second}`)).status === 404 ? true : undefined,
    );
    await evacuate(id);
    expect(await stage.evacuated(id)).toMatchObject({ status: 'ACTIVE', host: stage.host(1) });
  }, 90_000);

  it('with affinity cannot be evacuated: its own dead host is the only one that Nova would have', async () => {
    const group = await addGroup('affinity');
    const [id = ''] = await stage.boot(1, source, { group });
    await stage.fail(source);
    await evacuate(id);
    expect(await broken(id)).toMatchObject({ host: source, fault: allFiltered });
  }, 60_000);
});

describe('an availability zone', () => {
  it('that a server is bound to is never left', async () => {
    const zone = 'contract-zone';
    const wish = { name: 'contract-zone', availability_zone: zone };
    const made = await stage.admin.call('POST', '/os-aggregates', '2.87', { aggregate: wish });
    const aggregate = String(pick(made.json, 'aggregate', 'id'));
    const change = (what: string, host: string) =>
      stage.admin.call('POST', `/os-aggregates/${aggregate}/action`, '2.87', { [what]: { host } });
    try {
      expect((await change('add_host', source)).status).toBe(200);
      const [bound = ''] = await stage.boot(1, source, { zone });
      expect((await stage.server(bound)).zone).toBe(zone);
      const [free = ''] = (await stage.boot(2, source)).filter((id) => id !== bound);
      await stage.fail(source);
      await evacuate(bound);
      // Its own host has room, to Placement, and is the only one in its zone.
      expect(await broken(bound)).toMatchObject({ host: source, fault: allFiltered });
      await evacuate(free);
      expect(await stage.evacuated(free)).toMatchObject({ status: 'ACTIVE', zone: 'nova' });
    } finally {
      await stage.calm();
      await change('remove_host', source);
      await stage.admin.call('DELETE', `/os-aggregates/${aggregate}`);
    }
  }, 120_000);
});
