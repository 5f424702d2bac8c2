import {
  type ComputeService,
  type ConnectDeps,
  connect,
  type NovaClient,
  novaHost,
  serverId,
} from '@openstack-ts/nova-client';
import { describe, expect, it } from 'vitest';
import { type Plainly, plainly } from '../names.ts';
import { type Cloud, type CloudOptions, cloud, type Reply, type Seen, surroundings } from './loopback.ts';
import { fault, flavor, migration, oldServer, server, service } from './records.ts';

type Answers = NonNullable<CloudOptions['answer']>;

async function at(
  max: string,
  answer: (seen: Seen) => Reply | null,
  deps: ConnectDeps = {},
): Promise<{ one: Cloud; nova: Plainly<NovaClient> }> {
  const answers: Answers = (seen) => answer(seen);
  const one = await cloud({ version: { min: '2.1', max }, answer: answers });
  return { one, nova: plainly(await connect(one.config, surroundings(deps))) };
}

const always = (body: unknown) => (seen: Seen) =>
  seen.path.startsWith('/v2.1/') && seen.path !== '/v2.1/' ? { body } : null;
const sent = (one: Cloud) =>
  one.seen.slice(2).map((seen) => [`${seen.method} ${seen.path}`, seen.body && JSON.parse(seen.body)]);

describe('compute services', () => {
  it('come with their id from 2.53 on', async () => {
    const { one, nova } = await at(
      '2.93',
      always({
        services: [service(), service({ host: 'comp2', state: 'up', forced_down: false, updated_at: null })],
      }),
    );
    expect(await nova.listComputeServices()).toEqual([
      {
        id: '225e0dd0-1a12-4ec0-b335-bcece8ea9b99',
        host: 'comp1',
        zone: 'nova',
        state: 'down',
        status: 'enabled',
        disabledReason: null,
        forcedDown: true,
        updatedAt: Date.UTC(2026, 10, 21, 2, 26, 58),
      },
      expect.objectContaining({ host: 'comp2', state: 'up', forcedDown: false, updatedAt: null }),
    ]);
    expect(one.calls()).toEqual(['GET /v2.1/os-services?binary=nova-compute']);
  });

  it('come with a number below, and without forced_down below 2.11', async () => {
    const { forced_down: _, ...oldest } = service({ id: 7, status: 'disabled', disabled_reason: 'because' });
    const { nova } = await at(
      '2.1',
      always({ services: [oldest, service({ binary: 'nova-conductor', id: 2 })] }),
    );
    expect(await nova.listComputeServices()).toEqual([
      {
        id: '7',
        host: 'comp1',
        zone: 'nova',
        state: 'down',
        status: 'disabled',
        disabledReason: 'because',
        forcedDown: false,
        updatedAt: Date.UTC(2026, 10, 21, 2, 26, 58),
      },
    ]);
  });

  it('of a cell whose database is gone are neither up nor down, and cannot be changed', async () => {
    const { one, nova } = await at(
      '2.93',
      always({ services: [{ binary: 'nova-compute', host: 'comp1', status: 'UNKNOWN' }] }),
    );
    const [unknown] = await nova.listComputeServices();
    expect(unknown).toMatchObject({ host: 'comp1', state: 'unknown', status: 'unknown', forcedDown: false });
    expect(unknown?.updatedAt).toBeNull();
    await expect(nova.setForcedDown(unknown as ComputeService, true)).rejects.toMatchObject({
      code: 'serverError',
      message:
        "Nova cannot force comp1 down for now: its record of comp1 is not whole, as when the database of the host's cell does not answer",
    });
    expect(one.calls()).toHaveLength(1);
  });

  it.each([
    [{ state: 'sideways' }, 'services[0].state is the string "sideways", "up" or "down" was expected'],
    [{ id: null }, 'services[0].id is null, a number or a string was expected'],
    [{ forced_down: 'no' }, 'services[0].forced_down is the string "no", a boolean was expected'],
  ])('of a wrong shape are not told, and the others are: %j', async (wrong, message) => {
    const lines: string[] = [];
    const body = { services: [service(wrong), service({ host: 'comp2', state: 'up' })] };
    const { nova } = await at('2.93', always(body), { log: (line) => lines.push(line) });
    expect(await nova.listComputeServices()).toMatchObject([
      { host: 'comp1', state: 'unknown', status: 'unknown', id: '' },
      { host: 'comp2', state: 'up' },
    ]);
    expect(lines).toContain(`Nova: comp1 counts as one that Nova does not tell about: ${message}`);
  });

  it('of a host without a name are an error that names the field', async () => {
    const { nova } = await at('2.93', always({ services: [service({ host: 12 })] }));
    await expect(nova.listComputeServices()).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('services[0].host is a number, a string was expected'),
    });
  });

  it('with a time that is none have not told it', async () => {
    const { nova } = await at('2.93', always({ services: [service({ updated_at: 5 })] }));
    expect(await nova.listComputeServices()).toMatchObject([{ state: 'down', updatedAt: null }]);
  });

  const host: ComputeService = {
    id: '7',
    host: novaHost('comp1'),
    state: 'up',
    status: 'enabled',
    zone: null,
    disabledReason: null,
    forcedDown: false,
    updatedAt: null,
  };

  it('are changed by id from 2.53 on', async () => {
    const { one, nova } = await at('2.53', always({ service: service() }));
    await nova.setForcedDown(host, true);
    await nova.setForcedDown(host, false);
    await nova.disableService(host, 'fenced');
    await nova.enableService(host);
    expect(sent(one)).toEqual([
      ['PUT /v2.1/os-services/7', { forced_down: true }],
      ['PUT /v2.1/os-services/7', { forced_down: false }],
      ['PUT /v2.1/os-services/7', { status: 'disabled', disabled_reason: 'fenced' }],
      ['PUT /v2.1/os-services/7', { status: 'enabled' }],
    ]);
  });

  it('are changed by host below', async () => {
    const { one, nova } = await at('2.52', always({ service: {} }));
    await nova.setForcedDown(host, true);
    await nova.disableService(host, 'fenced');
    await nova.enableService(host);
    const of = { host: 'comp1', binary: 'nova-compute' };
    expect(sent(one)).toEqual([
      ['PUT /v2.1/os-services/force-down', { ...of, forced_down: true }],
      ['PUT /v2.1/os-services/disable-log-reason', { ...of, disabled_reason: 'fenced' }],
      ['PUT /v2.1/os-services/enable', of],
    ]);
  });

  it('cannot be forced down below 2.11, which is said without asking', async () => {
    const { one, nova } = await at('2.10', always({}));
    await expect(nova.setForcedDown(host, true)).rejects.toMatchObject({
      code: 'badRequest',
      message:
        'Nova cannot force comp1 down: it speaks microversion 2.10 at most, and forced_down came with 2.11',
    });
    expect(one.calls()).toEqual([]);
  });

  it('are disabled with as much of the reason as Nova takes', async () => {
    const { one, nova } = await at('2.93', always({}));
    await nova.disableService(host, 'é'.repeat(400));
    expect(JSON.parse(one.seen.at(-1)?.body ?? '').disabled_reason).toHaveLength(255);
  });

  it('tell the request id of what was done', async () => {
    const { nova } = await at('2.93', (seen) =>
      seen.method === 'PUT' ? { headers: { 'x-compute-request-id': 'req-1' }, body: {} } : null,
    );
    expect((await nova.enableService(host)).requestId).toBe('req-1');
  });
});

describe('servers', () => {
  it('are listed for all projects of a host', async () => {
    const { one, nova } = await at(
      '2.93',
      always({
        servers: [
          server({
            status: 'ERROR',
            fault,
            'os-extended-volumes:volumes_attached': [
              { id: '4ecb6e75-7a23-4b9a-a1d8-5a0e2dbcb2ef', delete_on_termination: false },
            ],
          }),
        ],
      }),
    );
    expect(await nova.listServers({ host: 'comp1.example.org' })).toEqual([
      {
        id: 'd15a8d3e-4c82-42dc-9c19-c087c63f49b3',
        name: 'web-1',
        host: 'comp1',
        status: 'ERROR',
        vmState: 'active',
        taskState: null,
        powerState: 1,
        projectId: '6ed5c9b5bd574ec68fc1d93c9a4cc779',
        imageId: '11111111-1111-4111-8111-111111111111',
        flavor: {
          id: null,
          name: 'm1.tiny',
          extraSpecs: { evacuable: 'true' },
          size: { vcpus: 2, memoryMb: 128, rootGb: 1, ephemeralGb: 5, swapMb: 64 },
        },
        availabilityZone: 'nova',
        volumeIds: ['4ecb6e75-7a23-4b9a-a1d8-5a0e2dbcb2ef'],
        serverGroupIds: null,
        metadata: { role: 'web' },
        locked: false,
        fault: {
          message: 'No valid host was found.',
          reason: 'noValidHost',
          code: 500,
          createdAt: Date.UTC(2026, 10, 21, 2, 27, 26),
        },
        updatedAt: Date.UTC(2026, 10, 21, 2, 27, 26),
      },
    ]);
    expect(one.calls()).toEqual(['GET /v2.1/servers/detail?host=comp1.example.org&all_tenants=1']);
  });

  it('have no flavour name, extra specs and lock in old Novas', async () => {
    const { nova } = await at('2.1', always({ servers: [oldServer({ image: '' })] }));
    expect(await nova.listServers({ host: 'comp1' })).toMatchObject([
      { flavor: { id: '1', name: null, extraSpecs: null, size: null }, locked: null, imageId: null },
    ]);
  });

  it.each([
    ['OS-EXT-SRV-ATTR:host', 'os_compute_api:os-extended-server-attributes'],
    ['OS-EXT-STS:vm_state', 'os_compute_api:os-extended-status'],
  ])('without %s, which Nova hides from some users, name the policy that does', async (key, policy) => {
    const shown = Object.fromEntries(Object.entries(server()).filter(([name]) => name !== key));
    const { nova } = await at('2.93', always({ servers: [shown, server({ [key]: null })] }));
    const [hidden, unknown] = await nova.listServers({ host: 'comp1' });
    expect([hidden?.hiddenBy, unknown?.hiddenBy]).toEqual([policy, undefined]);
  });

  it('of a cell whose database is gone come without what Nova does not know', async () => {
    const minimal = {
      id: 's-1',
      status: 'UNKNOWN',
      tenant_id: 'p-1',
      created: '2026-11-21T02:26:56Z',
      links: [],
    };
    const { nova } = await at('2.93', always({ servers: [minimal], server: minimal }));
    const unknown = {
      id: 's-1',
      name: 's-1',
      host: null,
      status: 'UNKNOWN',
      vmState: null,
      taskState: null,
      powerState: null,
      projectId: 'p-1',
      imageId: null,
      flavor: { id: null, name: null, extraSpecs: null, size: null },
      availabilityZone: null,
      volumeIds: [],
      serverGroupIds: null,
      metadata: {},
      locked: null,
      fault: null,
      updatedAt: null,
    };
    expect(await nova.listServers({ host: 'comp1' })).toEqual([unknown]);
    expect(await nova.getServer('s-1')).toEqual(unknown);
  });

  it('without a host (not scheduled) and with policies that hide extra specs', async () => {
    const { nova } = await at(
      '2.93',
      always({
        server: server({
          'OS-EXT-SRV-ATTR:host': null,
          'OS-EXT-AZ:availability_zone': '',
          flavor: { original_name: 'm1.tiny' },
        }),
      }),
    );
    expect(await nova.getServer('s-1')).toMatchObject({
      host: null,
      availabilityZone: null,
      flavor: { name: 'm1.tiny', extraSpecs: null, size: null },
    });
  });

  it('that are shown one at a time tell their groups from 2.71 on', async () => {
    const groups = ['0e1b1f6b-2f2b-4d0c-9d6e-2f6b7e6f1a10'];
    const { nova } = await at('2.71', always({ server: server({ server_groups: groups }) }));
    expect((await nova.getServer('s-1')).serverGroupIds).toEqual(groups);
  });

  it.each([
    [{ flavor: { vcpus: 1, ram: 128, disk: 1, ephemeral: 0 } }, 'server.flavor.swap is'],
    [{ 'os-extended-volumes:volumes_attached': [{}] }, 'volumes_attached[0].id is'],
    [{ server_groups: 'g' }, 'server.server_groups is the string "g", a list was expected'],
  ])('of a wrong shape are an error that names the field: %j', async (wrong, message) => {
    const { nova } = await at('2.93', always({ server: server(wrong) }));
    await expect(nova.getServer('s-1')).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining(message),
    });
  });

  it('come from every page, by our own way to Nova', async () => {
    const all = Array.from({ length: 5 }, (_, index) => server({ id: `s-${index}` }));
    const { one, nova } = await at('2.93', (seen) => {
      if (!seen.path.startsWith('/v2.1/servers/detail')) return null;
      const query = new URLSearchParams(seen.path.split('?')[1]);
      const start = query.has('marker') ? all.findIndex((each) => each.id === query.get('marker')) + 1 : 0;
      const page = all.slice(start, start + 2);
      const href = `http://10.9.9.9:8774/v2.1/servers/detail?all_tenants=1&host=comp1&marker=${page.at(-1)?.id}`;
      return {
        body: { servers: page, ...(start + 2 < 5 ? { servers_links: [{ rel: 'next', href }] } : {}) },
      };
    });
    expect((await nova.listServers({ host: 'comp1' })).map((each) => each.id)).toEqual(
      all.map((each) => each.id),
    );
    expect(one.calls()).toEqual([
      'GET /v2.1/servers/detail?host=comp1&all_tenants=1',
      'GET /v2.1/servers/detail?all_tenants=1&host=comp1&marker=s-1',
      'GET /v2.1/servers/detail?all_tenants=1&host=comp1&marker=s-3',
    ]);
  });

  it('are as many as asked for, and no page more', async () => {
    const href = 'http://x/v2.1/servers/detail?marker=s-1';
    const { one, nova } = await at(
      '2.93',
      always({ servers: [server(), server()], servers_links: [{ rel: 'next', href }] }),
    );
    expect(await nova.listServers({ host: 'comp1', limit: 1 })).toHaveLength(1);
    expect(one.calls()).toEqual(['GET /v2.1/servers/detail?host=comp1&all_tenants=1&limit=1']);
  });

  it('are not paged through for ever', async () => {
    const href = 'http://x/v2.1/servers/detail?marker=s-1';
    const { nova } = await at(
      '2.93',
      always({ servers: [server()], servers_links: [{ rel: 'next', href }] }),
    );
    await expect(nova.listServers({ host: 'comp1' })).rejects.toThrow(/the same next page again and again/);
  });

  it('are gone when Nova says so', async () => {
    const { nova } = await at('2.93', (seen) =>
      seen.path.includes('/servers/')
        ? { status: 404, body: { itemNotFound: { code: 404, message: 'Instance s-1 could not be found.' } } }
        : null,
    );
    await expect(nova.getServer('s-1')).rejects.toMatchObject({
      code: 'notFound',
      message: 'Nova refused to show server s-1: Instance s-1 could not be found (HTTP 404)',
    });
  });

  it.each([
    [{ 'OS-EXT-SRV-ATTR:host': 5 }, 'servers[1].OS-EXT-SRV-ATTR:host is a number, a string was expected'],
    [{ status: null }, 'servers[1].status is null, a string was expected'],
    [{ updated: 'yesterday' }, 'servers[1].updated is the string "yesterday", an ISO 8601 time was expected'],
    [{ metadata: { a: {} } }, 'servers[1].metadata.a is an object, a string was expected'],
    [{ image: 'x' }, 'servers[1].image is the string "x", an object was expected'],
    [
      { 'OS-EXT-STS:power_state': 'on' },
      'servers[1].OS-EXT-STS:power_state is the string "on", a number was expected',
    ],
  ])('of a wrong shape are not told, and the others are: %j', async (wrong, message) => {
    const lines: string[] = [];
    const body = { servers: [server(), server({ ...wrong, id: 's-odd' })], server: server(wrong) };
    const { nova } = await at('2.93', always(body), { log: (line) => lines.push(line) });
    expect(await nova.listServers({ host: 'comp1' })).toMatchObject([
      { host: 'comp1', status: 'ACTIVE', vmState: 'active' },
      { id: 's-odd', host: null, status: 'UNKNOWN', vmState: null, taskState: null },
    ]);
    expect(lines).toContain(`Nova: server s-odd counts as one that Nova does not tell about: ${message}`);
    // Asked for by itself, it is an error that names the field.
    await expect(nova.getServer('s-odd')).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining(message.replace('servers[1]', 'server')),
    });
  });

  it('without an id are an error that names the field', async () => {
    const { nova } = await at('2.93', always({ servers: [server(), server({ id: 7 })] }));
    await expect(nova.listServers({ host: 'comp1' })).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('servers[1].id is a number, a string was expected'),
    });
  });

  it('may have what is only shown, or what a tool wrote as a number, in another shape', async () => {
    const odd = { name: 5, metadata: { a: 1, b: true, c: null, d: 'x' }, fault: { code: 500, message: 7 } };
    const { nova } = await at('2.93', always({ servers: [server(odd)] }));
    expect(await nova.listServers({ host: 'comp1' })).toMatchObject([
      { status: 'ACTIVE', metadata: { a: '1', b: 'true', d: 'x' }, fault: { message: '', code: 500 } },
    ]);
  });
});

describe('an evacuation', () => {
  const whole = (body: unknown) => (seen: Seen) =>
    seen.method === 'POST' && seen.path.endsWith('/action')
      ? { headers: { 'x-openstack-request-id': 'req-e' }, body }
      : null;
  const said = (one: Cloud) => {
    const last = one.seen.at(-1);
    const version = last?.headers['openstack-api-version'];
    expect(last?.headers['x-openstack-nova-api-version']).toBe(String(version).replace('compute ', ''));
    return [version, JSON.parse(last?.body ?? '')];
  };

  it.each([
    ['2.1', { disk: 'either' }, '2.1', { onSharedStorage: false }],
    ['2.13', { disk: 'either' }, '2.13', { onSharedStorage: false }],
    ['2.14', { disk: 'either' }, '2.14', {}],
    ['2.28', { disk: 'either', host: 'comp2' }, '2.28', {}],
    ['2.29', { disk: 'either', host: 'comp2' }, '2.29', { host: 'comp2' }],
    ['2.93', { disk: 'either' }, '2.93', {}],
    ['2.1', { disk: 'keep' }, '2.1', { onSharedStorage: true }],
    ['2.13', { disk: 'keep' }, '2.13', { onSharedStorage: true }],
    ['2.14', { disk: 'keep' }, '2.13', { onSharedStorage: true }],
    ['2.93', { disk: 'keep', host: 'comp2' }, '2.13', { onSharedStorage: true, host: 'comp2' }],
  ] as const)('at %s for %j is asked with %s and %j', async (max, request, version, body) => {
    const { one, nova } = await at(max, whole(''));
    expect(await nova.evacuate('s-1', request)).toEqual({ requestId: 'req-e' });
    expect(one.calls()).toEqual(['POST /v2.1/servers/s-1/action']);
    expect(said(one)).toEqual([`compute ${version}`, { evacuate: body }]);
  });

  it('that was asked with a lower microversion leaves the others alone', async () => {
    const { one, nova } = await at('2.93', (seen) => whole('')(seen) ?? always({ server: server() })(seen));
    await nova.evacuate('s-1', { disk: 'keep' });
    await nova.getServer('s-1');
    expect(one.seen.at(-1)?.headers['openstack-api-version']).toBe('compute 2.93');
  });

  it('hands on the request id and nothing of the answer, which may hold a password', async () => {
    const lines: string[] = [];
    const one = await cloud({ answer: whole({ adminPass: 'Z3iKdsU3PZLU' }) });
    const nova = await connect(one.config, surroundings({ log: (line) => lines.push(line) }));
    expect(await nova.evacuate(serverId('s-1'), { disk: 'keep' })).toEqual({ requestId: 'req-e' });
    expect(lines.join('\n')).toContain('POST /v2.1/servers/s-1/action 200');
    expect(lines.join('\n')).not.toContain('Z3iK');
  });
});

describe('evacuation records', () => {
  it('are those of evacuations from the host, oldest first', async () => {
    const { one, nova } = await at(
      '2.93',
      always({
        migrations: [
          migration({ id: 3, uuid: 'u-3', created_at: '2026-11-21T02:27:30.000000' }),
          migration({
            id: 2,
            uuid: 'u-2',
            status: 'accepted',
            dest_compute: null,
            created_at: '2026-11-21T02:27:30.000000',
            updated_at: null,
          }),
          migration({ id: 1, uuid: 'u-1', status: 'error', created_at: '2026-11-21T02:27:20.000000' }),
          migration({ id: 4, uuid: 'u-4', migration_type: 'live-migration' }),
          migration({ id: 5, uuid: 'u-5', source_compute: 'comp2' }),
        ],
      }),
    );
    const records = await nova.listEvacuations({ sourceHost: 'comp1' });
    expect(records.map((record) => record.id)).toEqual(['u-1', 'u-2', 'u-3']);
    expect(records[1]).toEqual({
      id: 'u-2',
      serverId: 'e590cd65-63e8-4693-ab75-1653f17e1c49',
      status: 'accepted',
      sourceHost: 'comp1',
      destHost: null,
      claimed: false,
      createdAt: Date.UTC(2026, 10, 21, 2, 27, 30),
      updatedAt: Date.UTC(2026, 10, 21, 2, 27, 30),
    });
    expect(one.calls()).toEqual(['GET /v2.1/os-migrations?migration_type=evacuation&source_compute=comp1']);
  });

  it('have a number instead of a uuid below 2.59, and no type below 2.23', async () => {
    const { uuid: _, migration_type: __, ...oldest } = migration();
    const { nova } = await at('2.1', always({ migrations: [oldest] }));
    expect(await nova.listEvacuations({ sourceHost: 'comp1' })).toMatchObject([{ id: '72', status: 'done' }]);
  });

  it("since a time include what was just accepted, which Nova's own filter hides", async () => {
    const { one, nova } = await at(
      '2.93',
      always({
        migrations: [
          migration({
            id: 1,
            uuid: 'u-1',
            created_at: '2026-11-20T00:00:00.000000',
            updated_at: '2026-11-20T00:00:09.000000',
          }),
          migration({
            id: 2,
            uuid: 'u-2',
            created_at: '2026-11-20T00:00:00.000000',
            updated_at: '2026-11-21T02:00:00.000000',
          }),
          migration({
            id: 3,
            uuid: 'u-3',
            status: 'accepted',
            created_at: '2026-11-21T02:00:00.000000',
            updated_at: null,
          }),
        ],
      }),
    );
    const changedSince = Date.UTC(2026, 10, 21, 1);
    const records = await nova.listEvacuations({ sourceHost: 'comp1', changedSince });
    expect(records.map((record) => record.id)).toEqual(['u-2', 'u-3']);
    expect(one.calls()[0]).not.toContain('changes-since');
  });

  it('come from every page', async () => {
    const next =
      'http://x/v2.1/os-migrations?limit=1&migration_type=evacuation&source_compute=comp1&marker=u-2';
    const { one, nova } = await at('2.59', (seen) => {
      if (!seen.path.startsWith('/v2.1/os-migrations')) return null;
      if (seen.path.includes('marker=u-2'))
        return { body: { migrations: [migration({ id: 1, uuid: 'u-1' })] } };
      const page = [migration({ id: 2, uuid: 'u-2' })];
      return { body: { migrations: page, migrations_links: [{ rel: 'next', href: next }] } };
    });
    expect((await nova.listEvacuations({ sourceHost: 'comp1' })).map((each) => each.id)).toEqual([
      'u-1',
      'u-2',
    ]);
    expect(one.calls()).toHaveLength(2);
  });

  it('of a wrong shape are an error that names the field', async () => {
    const { nova } = await at('2.93', always({ migrations: [migration({ created_at: null })] }));
    await expect(nova.listEvacuations({ sourceHost: 'comp1' })).rejects.toThrow(
      /migrations\[0\]\.created_at is null, a string was expected$/,
    );
  });
});

describe('flavours', () => {
  it('bring their extra specs in the list from 2.61 on, private ones too', async () => {
    const { one, nova } = await at(
      '2.61',
      always({
        flavors: [
          flavor({ extra_specs: { evacuable: 'true' } }),
          flavor({ id: '3', name: 'm1.big', extra_specs: {} }),
        ],
      }),
    );
    expect(await nova.listFlavors()).toEqual([
      { id: '2', name: 'm1.evacuable', extraSpecs: { evacuable: 'true' } },
      { id: '3', name: 'm1.big', extraSpecs: {} },
    ]);
    expect(one.calls()).toEqual(['GET /v2.1/flavors/detail?is_public=None']);
  });

  it('are asked one by one below, and may be deleted meanwhile', async () => {
    const { one, nova } = await at('2.60', (seen) => {
      if (seen.path.startsWith('/v2.1/flavors/detail')) {
        return { body: { flavors: ['a', 'b', 'gone', 'd', 'e'].map((id) => flavor({ id, name: id })) } };
      }
      const id = /\/flavors\/(\w+)\/os-extra_specs$/.exec(seen.path)?.[1];
      if (id === 'gone') return { status: 404, body: {} };
      return id === undefined ? null : { body: { extra_specs: { own: id } } };
    });
    expect((await nova.listFlavors()).map((each) => each.extraSpecs)).toEqual(
      ['a', 'b', 'd', 'e'].map((id) => ({ own: id })),
    );
    expect(one.calls()).toHaveLength(6);
  });

  it('whose extra specs a policy hides are not taken for flavours without any', async () => {
    const { nova } = await at('2.93', (seen) => {
      if (seen.path.includes('/flavors/detail')) return { body: { flavors: [flavor()] } };
      return seen.path.includes('os-extra_specs')
        ? { status: 403, body: { forbidden: { code: 403, message: "Policy doesn't allow it" } } }
        : null;
    });
    await expect(nova.listFlavors()).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('come from every page', async () => {
    const { nova } = await at('2.93', (seen) => {
      if (!seen.path.includes('/flavors/detail')) return null;
      if (seen.path.includes('marker=2'))
        return { body: { flavors: [flavor({ id: '3', extra_specs: {} })] } };
      const href = 'http://x/v2.1/flavors/detail?is_public=None&marker=2';
      return { body: { flavors: [flavor({ extra_specs: {} })], flavors_links: [{ rel: 'next', href }] } };
    });
    expect((await nova.listFlavors()).map((each) => each.id)).toEqual(['2', '3']);
  });
});

describe('aggregates', () => {
  it('come with hosts and metadata', async () => {
    const aggregate = {
      id: 1,
      uuid: '19811761-702e-423c-ae2b-908390390360',
      name: 'ha',
      hosts: ['comp0'],
      metadata: { evacuable: 'true' },
      created_at: '2026-11-21T02:29:31.000000',
      deleted: false,
      availability_zone: null,
    };
    const { nova } = await at('2.93', always({ aggregates: [aggregate] }));
    expect(await nova.listAggregates()).toEqual([
      { id: '1', name: 'ha', availabilityZone: null, hosts: ['comp0'], metadata: { evacuable: 'true' } },
    ]);
  });
});
