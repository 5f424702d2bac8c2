import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { items, pick } from '../simulators/json.ts';
import { Stage } from './stage.ts';
import type { WireAnswer } from './wire.ts';

let stage: Stage;
let source = '';
const nobody = '99999999-9999-4999-8999-999999999999';

beforeAll(async () => {
  stage = await Stage.set();
  source = stage.host(0);
}, 60_000);
afterAll(async () => {
  await stage.calm();
  await stage.cloud.close();
}, 60_000);

const refusal = (answer: WireAnswer) => {
  const kind = Object.keys(Object(answer.json))[0] ?? '';
  return { status: answer.status, kind, message: String(pick(answer.json, kind, 'message')) };
};
const evacuate = (id: string, version = '2.87', body: Record<string, unknown> = {}) =>
  stage.admin.action(id, { evacuate: body }, version);
const onSharedStorage = () => ({ onSharedStorage: stage.cloud.sharedStorage });
const setAll = async (change: (host: string) => Promise<unknown>) => {
  for (const host of stage.hosts) if (host !== source) await change(host);
};

describe('evacuate is refused', () => {
  let id = '';
  beforeAll(async () => {
    await stage.calm();
    id = (await stage.boot(1, source))[0] ?? '';
  }, 60_000);

  it('while the host is up', async () => {
    expect(refusal(await evacuate(id))).toEqual({
      status: 400,
      kind: 'badRequest',
      message: `Compute service of ${source} is still in use.`,
    });
  });

  it.each([
    ['2.1', {}, /'onSharedStorage' is a required property/],
    [
      '2.14',
      { onSharedStorage: false },
      /Additional properties are not allowed \('onSharedStorage' was unexpected\)/,
    ],
    ['2.29', { force: true }, /Can't force to a non-provided destination/],
    ['2.68', { force: true, host: 'x' }, /Additional properties are not allowed \('force' was unexpected\)/],
  ])('at %s with %j', async (version, body, message) => {
    const answer = refusal(await evacuate(id, version, body));
    expect(answer).toMatchObject({ status: 400, kind: 'badRequest' });
    expect(answer.message).toMatch(message);
  });

  it('to a host nobody knows, and for a server nobody knows', async () => {
    expect(refusal(await evacuate(id, '2.87', { host: 'nosuch' }))).toEqual({
      status: 404,
      kind: 'itemNotFound',
      message: 'Compute host nosuch not found.',
    });
    expect(refusal(await evacuate(nobody))).toEqual({
      status: 404,
      kind: 'itemNotFound',
      message: `Instance ${nobody} could not be found.`,
    });
  });

  it('for a paused server, in any case', async () => {
    expect((await stage.admin.action(id, { pause: null })).status).toBe(202);
    await stage.settled(id, ({ status }) => status === 'PAUSED');
    await stage.fail(source);
    expect(refusal(await evacuate(id))).toEqual({
      status: 409,
      kind: 'conflictingRequest',
      message: `Cannot 'evacuate' instance ${id} while it is in vm_state paused`,
    });
    expect(refusal(await evacuate(id, '2.87', { host: source })).status).toBeGreaterThanOrEqual(400);
  });
});

describe('a failed host', () => {
  beforeEach(async () => {
    await stage.calm();
  }, 120_000);

  it('is down some time after its nova-compute died, and evacuate is accepted then without force', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.cloud.killCompute(source);
    expect((await stage.service(source)).forcedDown).toBe(false);
    await stage.until(
      async () => ((await stage.service(source)).state === 'down' ? true : undefined),
      stage.cloud.downAfter + 10_000,
    );
    expect((await evacuate(id)).status).toBe(200);
    await stage.evacuated(id);
  }, 60_000);

  it('has its servers rebuilt elsewhere, and its records tell the way in order', async () => {
    const ids = await stage.boot(3, source);
    const [running = '', stopped = '', locked = ''] = ids;
    expect((await stage.admin.action(stopped, { 'os-stop': null })).status).toBe(202);
    await stage.settled(stopped, ({ status }) => status === 'SHUTOFF');
    expect((await stage.admin.action(locked, { lock: null })).status).toBe(202);
    await stage.fail(source);
    for (const id of ids) {
      const answer = await evacuate(id);
      expect([answer.status, answer.text]).toEqual([200, '']);
    }
    const order = ['accepted', 'pre-migrating', 'done'];
    const seen: string[] = [];
    const end = await stage.until(async () => {
      const record = (await stage.migrations(running)).at(-1);
      const server = await stage.server(running);
      if (record === undefined) return undefined;
      if (seen.at(-1) !== record.status) seen.push(record.status);
      // The record changes last: where it said done, the server has arrived. The other way round need not be so.
      if (record.status === 'accepted') expect(record.dest).toBeNull();
      else expect(stage.hosts).toContain(record.dest);
      if (record.status !== 'done') return undefined;
      expect(server.host).not.toBe(source);
      return server;
    });
    expect(end).toMatchObject({ status: 'ACTIVE', task: null });
    expect(end.host).not.toBe(source);
    expect(seen).toEqual(order.filter((status) => seen.includes(status)));
    expect(await stage.evacuated(stopped)).toMatchObject({ status: 'SHUTOFF' });
    expect(await stage.evacuated(locked)).toMatchObject({ status: 'ACTIVE' });
    // Its nova-compute completes the records once it is back.
    await stage.cloud.startCompute(source);
    await stage.until(async () => {
      const records = await Promise.all(ids.map((id) => stage.migrations(id)));
      return records.every((list) => list.at(-1)?.status === 'completed') ? true : undefined;
    });
    expect((await stage.service(source)).state).toBe('down');
    expect((await stage.setService(source, { forced_down: false })).status).toBe(200);
    await stage.until(async () => ((await stage.service(source)).state === 'up' ? true : undefined));
  }, 90_000);

  it('below 2.14 wants onSharedStorage and answers with a password', async () => {
    const [one = '', two = ''] = await stage.boot(2, source);
    await stage.fail(source);
    const generated = await evacuate(one, '2.1', onSharedStorage());
    expect(generated.status).toBe(200);
    expect(Object.keys(Object(generated.json))).toEqual(['adminPass']);
    const given = await evacuate(two, '2.13', { ...onSharedStorage(), adminPass: 'sekret' });
    expect([given.status, given.json]).toEqual([200, { adminPass: 'sekret' }]);
    await stage.evacuated(one);
    await stage.evacuated(two);
  }, 60_000);

  it('told the wrong thing about its storage fails the evacuation, and takes a right one afterwards', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    expect((await evacuate(id, '2.13', { onSharedStorage: !stage.cloud.sharedStorage })).status).toBe(200);
    const broken = await stage.settled(id, ({ status }) => status === 'ERROR');
    expect(broken.fault).toContain('Invalid state of instance files on shared storage');
    expect(broken.host).toBe(source);
    expect(await stage.migrations(id)).toMatchObject([{ status: 'failed' }]);
    expect((await evacuate(id)).status).toBe(200);
    expect(await stage.evacuated(id)).toMatchObject({ status: 'ACTIVE' });
  }, 60_000);

  it('leaves a server in ERROR where it was when no host can take it', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    await setAll((host) => stage.setService(host, { status: 'disabled', disabled_reason: 'a test' }));
    expect((await evacuate(id)).status).toBe(200);
    const broken = await stage.settled(id, ({ status }) => status === 'ERROR');
    expect(broken).toMatchObject({ host: source, task: null });
    expect(broken.fault).toMatch(/^No valid host was found\./);
    expect(await stage.migrations(id)).toMatchObject([{ status: 'error', dest: null }]);
    expect(await stage.steps(id)).toEqual(['rebuild_server Error']);
    await setAll((host) => stage.setService(host, { status: 'enabled' }));
    expect((await evacuate(id)).status).toBe(200);
    await stage.evacuated(id);
  }, 60_000);

  it('leaves a server in ERROR where it was when the target cannot spawn it', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    await setAll((host) => stage.cloud.spawnFail(host, true));
    expect((await evacuate(id)).status).toBe(200);
    const broken = await stage.settled(id, ({ status }) => status === 'ERROR');
    expect(broken).toMatchObject({ host: source, task: null });
    expect(broken.fault).toBeTruthy();
    const records = await stage.migrations(id);
    expect(records).toMatchObject([{ status: 'failed' }]);
    expect(records[0]?.dest).toBeTruthy();
    expect(await stage.steps(id)).toEqual([
      'rebuild_server Success',
      `compute_rebuild_instance Error ${records[0]?.dest}`,
    ]);
    await setAll((host) => stage.cloud.spawnFail(host, false));
    expect((await evacuate(id)).status).toBe(200);
    await stage.evacuated(id);
  }, 60_000);

  it('is waited for by the conductor: accepted, no destination, invisible to changes-since, done in the end', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    await stage.stopConductor();
    expect((await evacuate(id)).status).toBe(200);
    expect(await stage.server(id)).toMatchObject({ status: 'REBUILD', task: 'rebuilding', host: source });
    expect(await stage.migrations(id)).toMatchObject([{ status: 'accepted', dest: null, updatedAt: null }]);
    expect(await stage.steps(id)).toEqual([]);
    const since = '2020-01-01T00:00:00Z';
    const query = `instance_uuid=${id}&changes-since=${since}`;
    const hidden = await stage.admin.get(`/os-migrations?${query}`, '2.80');
    expect(items(hidden.json, 'migrations')).toEqual([]);
    await stage.cloud.conductor(true);
    await stage.evacuated(id);
    const shown = await stage.admin.get(`/os-migrations?${query}`, '2.80');
    expect(items(shown.json, 'migrations')).toHaveLength(1);
    const { host } = await stage.server(id);
    await stage.until(async () => {
      const steps = (await stage.steps(id)).join(', ');
      return steps === `rebuild_server Success, compute_rebuild_instance Success ${host}` ? true : undefined;
    });
  }, 60_000);

  it('whose target is dead without Nova knowing: accepted, no destination, carried out once the target is back', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    const target = stage.host(1);
    for (const host of stage.hosts) {
      if (host !== source && host !== target) await stage.setService(host, { status: 'disabled' });
    }
    await stage.cloud.killCompute(target);
    expect((await stage.service(target)).state).toBe('up');
    expect((await evacuate(id)).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, stage.cloud.kind === 'real' ? 3_000 : 500));
    expect(await stage.server(id)).toMatchObject({ status: 'REBUILD', task: 'rebuilding', host: source });
    expect(await stage.migrations(id)).toMatchObject([{ status: 'accepted', dest: null }]);
    expect(await stage.steps(id)).toEqual(['rebuild_server Success']);
    await stage.cloud.startCompute(target);
    expect(await stage.evacuated(id)).toMatchObject({ status: 'ACTIVE', host: target });
  }, 60_000);

  it('whose server is deleted in mid-evacuation keeps no record of it', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    await setAll((host) => stage.cloud.spawnDelay(host, 3));
    expect((await evacuate(id)).status).toBe(200);
    await stage.until(async () => ((await stage.server(id)).task === 'rebuild_spawning' ? true : undefined));
    expect((await stage.admin.call('DELETE', `/servers/${id}`)).status).toBe(204);
    await stage.until(async () =>
      (await stage.admin.get(`/servers/${id}`)).status === 404 ? true : undefined,
    );
    expect(await stage.migrations(id)).toEqual([]);
  }, 60_000);
});

describe('os-migrations', () => {
  const base = [
    'created_at',
    'dest_compute',
    'dest_host',
    'dest_node',
    'id',
    'instance_uuid',
    'new_instance_type_id',
    'old_instance_type_id',
    'source_compute',
    'source_node',
    'status',
    'updated_at',
  ];

  it('show their members by version, and pages from 2.59 on', async () => {
    await stage.calm();
    const ids = await stage.boot(3, source);
    await stage.fail(source);
    for (const id of ids) expect((await evacuate(id)).status).toBe(200);
    for (const id of ids) await stage.evacuated(id);
    const list = (more: string, version: string) =>
      stage.admin.get(`/os-migrations?source_compute=${source}&migration_type=evacuation${more}`, version);
    const members = async (version: string) =>
      Object.keys(Object(pick((await list('', version)).json, 'migrations', 0))).sort();
    expect(await members('2.1')).toEqual(base);
    expect(await members('2.23')).toEqual([...base, 'migration_type'].sort());
    expect(await members('2.59')).toEqual([...base, 'migration_type', 'uuid'].sort());
    expect(await members('2.80')).toEqual(
      [...base, 'migration_type', 'uuid', 'user_id', 'project_id'].sort(),
    );
    // Below 2.59 a limit means nothing.
    const all = items((await list('&limit=2', '2.23')).json, 'migrations').length;
    expect(all).toBeGreaterThanOrEqual(3);
    const first = await list('&limit=2', '2.59');
    expect(items(first.json, 'migrations')).toHaveLength(2);
    const next = pick(first.json, 'migrations_links', 0, 'href');
    expect(next).toMatch(/limit=2.*marker=[0-9a-f-]{36}$/);
    const second = await stage.admin.get(String(next), '2.59');
    const newest = items(first.json, 'migrations').map((one) => Number(pick(one, 'id')));
    const older = items(second.json, 'migrations').map((one) => Number(pick(one, 'id')));
    expect(Math.max(...older)).toBeLessThan(Math.min(...newest));
    const stray = refusal(await list('&colour=red', '2.59'));
    expect(stray).toMatchObject({ status: 400, kind: 'badRequest' });
  }, 60_000);
});
