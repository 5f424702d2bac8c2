import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { items, pick } from '../simulators/json.ts';
import { Stage } from './stage.ts';
import { request, Wire, type WireAnswer } from './wire.ts';

let stage: Stage;
let source = '';
let ids: string[] = [];
beforeAll(async () => {
  stage = await Stage.set();
  source = stage.host(0);
  ids = await stage.boot(4, source);
}, 60_000);
afterAll(async () => {
  await stage.calm();
  await stage.cloud.close();
});

const keys = (value: unknown) => Object.keys(Object(value)).sort();
const fault = (answer: WireAnswer) => ({
  status: answer.status,
  kind: keys(answer.json).join(),
  message: String(pick(answer.json, keys(answer.json)[0] ?? '', 'message')),
});

describe('versions', () => {
  it('are listed at the root and described at /v2.1/, without a token', async () => {
    const root = await request('GET', new URL('/', stage.admin.nova).href);
    expect(root.status).toBe(200);
    const v21 = items(root.json, 'versions').find((version) => pick(version, 'id') === 'v2.1');
    expect(pick(v21, 'status')).toBe('CURRENT');
    expect(pick(v21, 'min_version')).toBe('2.1');
    expect(pick(v21, 'version')).toMatch(/^2\.\d+$/);
    const document = await request('GET', `${stage.admin.nova}/`);
    expect(document.status).toBe(200);
    expect(pick(document.json, 'version', 'version')).toBe(pick(v21, 'version'));
  });

  it('that are too new are refused with 406, malformed ones with 400', async () => {
    const tooNew = await stage.admin.get('/flavors', '2.999');
    expect(fault(tooNew)).toMatchObject({ status: 406, kind: 'computeFault' });
    expect(fault(tooNew).message).toMatch(
      /^Version 2\.999 is not supported by the API\. Minimum is 2\.1 and maximum/,
    );
    expect(fault(await stage.admin.get('/flavors', 'two'))).toMatchObject({
      status: 400,
      kind: 'badRequest',
    });
  });

  it('come back in the headers, with the request id', async () => {
    const answer = await stage.admin.get('/flavors', '2.53');
    expect(answer.headers.get('openstack-api-version')).toBe('compute 2.53');
    expect(answer.headers.get('x-openstack-nova-api-version')).toBe('2.53');
    expect(answer.headers.get('x-openstack-request-id')).toMatch(/^req-/);
    expect(answer.headers.get('x-compute-request-id')).toMatch(/^req-/);
  });
});

describe('tokens and roles', () => {
  it('refuses a token that is none with 401 before it looks at anything', async () => {
    const answer = await request('GET', `${stage.admin.nova}/nosuch`, {
      headers: { 'X-Auth-Token': 'none' },
    });
    expect(answer.status).toBe(401);
    expect(pick(answer.json, 'error', 'title')).toBe('Unauthorized');
  });

  it('refuses what only administrators may with 403', async () => {
    const member = await Wire.login(stage.cloud.authUrl, stage.cloud.member, stage.cloud.region);
    for (const path of [
      '/os-services',
      '/os-migrations',
      '/os-hypervisors',
      '/servers/detail?all_tenants=1',
    ]) {
      const answer = fault(await member.get(path));
      expect(answer, path).toMatchObject({ status: 403, kind: 'forbidden' });
      expect(answer.message).toMatch(/^Policy doesn't allow os_compute_api:\S+ to be performed\.$/);
    }
  });
});

describe('services', () => {
  const base = ['binary', 'disabled_reason', 'host', 'id', 'state', 'status', 'updated_at', 'zone'];

  it.each([
    ['2.1', base],
    ['2.11', [...base, 'forced_down']],
    ['2.53', [...base, 'forced_down']],
    ['2.87', [...base, 'forced_down']],
  ])('at %s have the members %j', async (version, members) => {
    const answer = await stage.admin.get(`/os-services?host=${source}&binary=nova-compute`, version);
    expect(answer.status).toBe(200);
    expect(items(answer.json, 'services')).toHaveLength(1);
    const service = pick(answer.json, 'services', 0);
    expect(keys(service)).toEqual([...members].sort());
    expect(typeof pick(service, 'id')).toBe(Number(version.slice(2)) >= 53 ? 'string' : 'number');
    expect(pick(service, 'updated_at')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000$/);
  });

  it('of a host nobody knows are none', async () => {
    const answer = await stage.admin.get('/os-services?host=nosuch&binary=nova-compute');
    expect([answer.status, answer.json]).toEqual([200, { services: [] }]);
  });

  it('are forced down and disabled by host below 2.53, and the wrong form is refused', async () => {
    const host = stage.host(2);
    const put = (action: string, more: Record<string, unknown>) =>
      stage.admin.call('PUT', `/os-services/${action}`, '2.11', { host, binary: 'nova-compute', ...more });
    const down = await put('force-down', { forced_down: true });
    expect([down.status, down.json]).toEqual([
      200,
      { service: { host, binary: 'nova-compute', forced_down: true } },
    ]);
    expect(await stage.service(host)).toMatchObject({ state: 'down', forcedDown: true, status: 'enabled' });
    const off = await put('disable-log-reason', { disabled_reason: 'a test' });
    expect([off.status, off.json]).toEqual([
      200,
      { service: { host, binary: 'nova-compute', disabled_reason: 'a test', status: 'disabled' } },
    ]);
    const on = await put('enable', {});
    expect([on.status, pick(on.json, 'service', 'status')]).toEqual([200, 'enabled']);
    expect((await put('force-down', { forced_down: false })).status).toBe(200);
    const { id } = await stage.service(host);
    const byId = await stage.admin.call('PUT', `/os-services/${id}`, '2.11', { forced_down: true });
    expect(fault(byId)).toMatchObject({ status: 400, kind: 'badRequest' });
    const unknown = await stage.admin.call('PUT', '/os-services/force-down', '2.11', {
      host: 'nosuch',
      binary: 'nova-compute',
      forced_down: true,
    });
    expect(fault(unknown)).toEqual({
      status: 404,
      kind: 'itemNotFound',
      message: "Host 'nosuch' is not mapped to any cell",
    });
  });

  it('are forced down and disabled by uuid from 2.53 on, and the wrong form is refused', async () => {
    const host = stage.host(2);
    const down = await stage.setService(host, { forced_down: true });
    expect(down.status).toBe(200);
    expect(pick(down.json, 'service')).toMatchObject({ host, state: 'down', forced_down: true });
    const off = await stage.setService(host, { status: 'disabled', disabled_reason: 'a test' });
    expect(pick(off.json, 'service')).toMatchObject({ status: 'disabled', disabled_reason: 'a test' });
    const on = await stage.setService(host, { status: 'enabled' });
    expect(pick(on.json, 'service')).toMatchObject({ status: 'enabled', disabled_reason: null });
    await stage.setService(host, { forced_down: false });
    await stage.until(async () => ((await stage.service(host)).state === 'up' ? true : undefined));
    const byHost = await stage.admin.call('PUT', '/os-services/force-down', '2.53', {
      host,
      binary: 'nova-compute',
      forced_down: true,
    });
    expect(fault(byHost)).toMatchObject({ status: 400, kind: 'badRequest' });
    expect(fault(byHost).message).toMatch(/Additional properties are not allowed \(.*unexpected\)/);
    const nobody = '99999999-9999-4999-8999-999999999999';
    const unknown = await stage.admin.call('PUT', `/os-services/${nobody}`, '2.87', { forced_down: true });
    expect(fault(unknown)).toMatchObject({ status: 404, kind: 'itemNotFound' });
    const odd = await stage.admin.call('PUT', '/os-services/notauuid', '2.87', { forced_down: true });
    expect(fault(odd)).toEqual({ status: 400, kind: 'badRequest', message: 'Invalid uuid notauuid' });
  });
});

describe('servers', () => {
  const oldest = [
    'OS-DCF:diskConfig',
    'OS-EXT-AZ:availability_zone',
    'OS-EXT-SRV-ATTR:host',
    'OS-EXT-SRV-ATTR:hypervisor_hostname',
    'OS-EXT-SRV-ATTR:instance_name',
    'OS-EXT-STS:power_state',
    'OS-EXT-STS:task_state',
    'OS-EXT-STS:vm_state',
    'OS-SRV-USG:launched_at',
    'OS-SRV-USG:terminated_at',
    'accessIPv4',
    'accessIPv6',
    'addresses',
    'config_drive',
    'created',
    'flavor',
    'hostId',
    'id',
    'image',
    'key_name',
    'links',
    'metadata',
    'name',
    'os-extended-volumes:volumes_attached',
    'progress',
    'status',
    'tenant_id',
    'updated',
    'user_id',
  ];
  const attributes = [
    'hostname',
    'kernel_id',
    'launch_index',
    'ramdisk_id',
    'reservation_id',
    'root_device_name',
    'user_data',
  ];
  const since3 = attributes.map((name) => `OS-EXT-SRV-ATTR:${name}`);

  it.each([
    ['2.1', oldest],
    ['2.9', [...oldest, ...since3, 'locked']],
    ['2.47', [...oldest, ...since3, 'locked', 'host_status', 'description', 'tags']],
    [
      '2.87',
      [
        ...oldest,
        ...since3,
        'locked',
        'host_status',
        'description',
        'tags',
        'trusted_image_certificates',
        'locked_reason',
      ],
    ],
  ])('at %s have exactly the members Nova shows', async (version, members) => {
    const answer = await stage.admin.get(`/servers/detail?all_tenants=1&host=${source}`, version);
    // 2.96 and later add more, but not at these versions.
    expect(keys(pick(answer.json, 'servers', 0)).filter((key) => key !== 'security_groups')).toEqual(
      [...members].sort(),
    );
  });

  it('name their flavour by id below 2.47 and embed it from there on', async () => {
    const old = await stage.admin.get(`/servers/${ids[0]}`, '2.46');
    expect(keys(pick(old.json, 'server', 'flavor'))).toEqual(['id', 'links']);
    const embedded = await stage.admin.get(`/servers/${ids[0]}`, '2.47');
    expect(keys(pick(embedded.json, 'server', 'flavor'))).toEqual([
      'disk',
      'ephemeral',
      'extra_specs',
      'original_name',
      'ram',
      'swap',
      'vcpus',
    ]);
  });

  it('tell their size, their zone and their volumes', async () => {
    const answer = await stage.admin.get(`/servers/${ids[0]}`, '2.87');
    expect(pick(answer.json, 'server', 'flavor')).toMatchObject({
      vcpus: 1,
      ram: 128,
      disk: 1,
      ephemeral: 0,
      swap: 0,
      extra_specs: {},
    });
    expect(pick(answer.json, 'server', 'OS-EXT-AZ:availability_zone')).toBe('nova');
    expect(pick(answer.json, 'server', 'os-extended-volumes:volumes_attached')).toEqual([]);
    expect(pick(answer.json, 'server', 'server_groups')).toEqual([]);
  });

  it('come in pages that lead to one another, newest first; a full last page is followed by an empty one', async () => {
    const seen: string[] = [];
    let url: string | undefined = `/servers/detail?all_tenants=1&host=${source}&limit=2`;
    let pages = 0;
    while (url !== undefined) {
      const answer: WireAnswer = await stage.admin.get(url);
      expect(answer.status).toBe(200);
      seen.push(...items(answer.json, 'servers').map((server) => String(pick(server, 'id'))));
      const next: unknown = pick(answer.json, 'servers_links', 0, 'href');
      if (next !== undefined) {
        expect(pick(answer.json, 'servers_links', 0, 'rel')).toBe('next');
        expect(next).toMatch(/^http.*\/servers\/detail\?all_tenants=1&host=.*&limit=2&marker=[0-9a-f-]{36}$/);
      }
      url = typeof next === 'string' ? next : undefined;
      pages += 1;
    }
    expect(seen).toEqual(ids);
    expect(pages).toBe(3);
  });

  it('refuse bad limits and markers, and cut large limits silently', async () => {
    expect(fault(await stage.admin.get('/servers?limit=-1'))).toMatchObject({ status: 400 });
    const marker = '99999999-9999-4999-8999-999999999999';
    expect(fault(await stage.admin.get(`/servers?limit=2&marker=${marker}`))).toEqual({
      status: 400,
      kind: 'badRequest',
      message: `marker [${marker}] not found`,
    });
    expect((await stage.admin.get('/servers?all_tenants=1&limit=100000')).status).toBe(200);
  });

  it('of a host nobody knows are none, one nobody knows is 404', async () => {
    const none = await stage.admin.get('/servers/detail?all_tenants=1&host=nosuch');
    expect([none.status, none.json]).toEqual([200, { servers: [] }]);
    const id = '99999999-9999-4999-8999-999999999999';
    expect(fault(await stage.admin.get(`/servers/${id}`))).toEqual({
      status: 404,
      kind: 'itemNotFound',
      message: `Instance ${id} could not be found.`,
    });
  });
});

describe('flavours, aggregates, hypervisors', () => {
  it('show extra specs inline from 2.61 on, and on request below', async () => {
    const inline = await stage.admin.get('/flavors/detail?is_public=None', '2.61');
    const flavor = items(inline.json, 'flavors').find((one) => pick(one, 'id') === stage.cloud.taggedFlavor);
    expect(pick(flavor, 'extra_specs')).toEqual({ evacuable: 'true' });
    const below = await stage.admin.get('/flavors/detail?is_public=None', '2.60');
    expect(pick(below.json, 'flavors', 0)).not.toHaveProperty('extra_specs');
    const specs = await stage.admin.get(`/flavors/${stage.cloud.taggedFlavor}/os-extra_specs`, '2.60');
    expect(specs.json).toEqual({ extra_specs: { evacuable: 'true' } });
  });

  it('show hypervisors by number and with figures at 2.1', async () => {
    const old = pick((await stage.admin.get('/os-hypervisors/detail', '2.1')).json, 'hypervisors', 0);
    expect(typeof pick(old, 'id')).toBe('number');
    expect(old).toHaveProperty('vcpus_used');
  });

  it('show what hypervisors have and have given away up to 2.87, by uuid and host from 2.53 on', async () => {
    const answer = await stage.admin.get('/os-hypervisors/detail', '2.87');
    const found = items(answer.json, 'hypervisors').find((one) => pick(one, 'service', 'host') === source);
    expect(pick(found, 'id')).toMatch(/^[0-9a-f-]{36}$/);
    for (const figure of [
      'vcpus',
      'memory_mb',
      'local_gb',
      'vcpus_used',
      'memory_mb_used',
      'local_gb_used',
    ]) {
      expect(typeof pick(found, figure), figure).toBe('number');
    }
    expect(Number(pick(found, 'vcpus_used'))).toBeGreaterThanOrEqual(ids.length);
  });

  it('list aggregates', async () => {
    const answer = await stage.admin.get('/os-aggregates');
    expect(answer.status).toBe(200);
    expect(Array.isArray(pick(answer.json, 'aggregates'))).toBe(true);
  });

  it('list images by tag', async () => {
    const answer = await stage.admin.get(`${stage.admin.glance}/v2/images?tag=evacuable`);
    const found = items(answer.json, 'images').map((image) => pick(image, 'id'));
    expect(found).toEqual([stage.cloud.taggedImage]);
  });
});
