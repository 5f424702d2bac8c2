import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../simulators/cloud/clock.ts';
import type { ApiReply, ServiceName } from '../../simulators/cloud/http.ts';
import type { Knobs } from '../../simulators/cloud/knobs.ts';
import { type Release, releases } from '../../simulators/cloud/releases.ts';
import { CloudServices } from '../../simulators/cloud/services.ts';
import { items, pick } from '../../simulators/json.ts';

const urls = {
  keystone: 'http://k',
  nova: 'http://n',
  glance: 'http://g',
  placement: 'http://p',
  cinder: 'http://c',
};
const start = Date.parse('2026-11-21T02:27:27Z');

/** The services with a user logged in to each request. */
class Desk {
  readonly clock = new ManualClock(start);
  readonly cloud: CloudServices;
  #token = '';

  constructor(scenario: unknown = {}, knobs: Partial<Knobs> = {}) {
    this.cloud = new CloudServices({ clock: this.clock, scenario, knobs });
    this.cloud.publish(urls);
  }

  async login(name = 'admin'): Promise<unknown> {
    const user = { name, domain: { id: 'default' }, password: `${name}pw` };
    const scope = { project: { name, domain: { id: 'default' } } };
    const auth = { identity: { methods: ['password'], password: { user } }, scope };
    const reply = await this.ask('keystone', '/v3/auth/tokens', { method: 'POST', body: { auth } });
    this.#token = reply.headers['X-Subject-Token'] ?? '';
    return reply.json;
  }

  async ask(
    service: ServiceName,
    target: string,
    options: { method?: string; version?: string; body?: unknown } = {},
  ): Promise<ApiReply> {
    const outcome = await this.cloud.answer({
      service,
      method: options.method ?? 'GET',
      target,
      headers: {
        ...(this.#token === '' ? {} : { 'x-auth-token': this.#token }),
        ...(options.version === undefined ? {} : { 'openstack-api-version': options.version }),
      },
      body: options.body === undefined ? '' : JSON.stringify(options.body),
      origin: urls[service],
    });
    if (outcome.kind !== 'reply') throw new Error(outcome.kind);
    return outcome.reply;
  }
}

async function desk(scenario?: unknown, knobs?: Partial<Knobs>): Promise<Desk> {
  const made = new Desk(scenario, knobs);
  await made.login();
  return made;
}

const names = (reply: ApiReply, list: string) => items(reply.json, list).map((one) => pick(one, 'name'));

describe('the catalogue', () => {
  it('has Placement, and Cinder with the project of the token', async () => {
    const answer = await new Desk().login();
    const services = items(answer, 'token', 'catalog');
    const urlOf = (type: string) =>
      pick(
        services.find((one) => pick(one, 'type') === type),
        'endpoints',
        0,
        'url',
      );
    expect([urlOf('placement'), urlOf('volumev3')]).toEqual(['http://p', 'http://c/v3/admin']);
  });
});

describe('Placement', () => {
  const scenario = {
    hosts: [{ name: 'comp0', vcpus: 4, memoryMb: 256, diskGb: 10 }, 'comp1'],
    servers: [{ name: 'vm', count: 2, host: 'comp0' }],
  };
  const summaries = async (at: Desk, query: string, version = 'placement 1.29') => {
    const reply = await at.ask('placement', `/allocation_candidates?${query}`, { version });
    const hosts = [...at.cloud.world.hosts.values()];
    const found = Object(pick(reply.json, 'provider_summaries'));
    return Object.fromEntries(
      Object.entries(found).map(([id, summary]) => [
        hosts.find((host) => host.hypervisorId === id)?.name,
        summary,
      ]),
    );
  };

  it('leaves a host without room out of candidates and summaries alike', async () => {
    const at = await desk(scenario);
    expect(Object.keys(await summaries(at, 'resources=MEMORY_MB:1'))).toEqual(['comp1']);
    const both = await summaries(at, 'resources=VCPU:1');
    expect(pick(both, 'comp0', 'resources')).toEqual({
      VCPU: { capacity: 4, used: 2 },
      MEMORY_MB: { capacity: 256, used: 256 },
      DISK_GB: { capacity: 10, used: 2 },
    });
    expect(Object.keys(await summaries(at, 'resources=VCPU:3'))).toEqual(['comp1']);
  });

  it('tells the classes that were asked for below 1.27, all from there on', async () => {
    const at = await desk(scenario);
    const classes = async (version: string) =>
      Object.keys(Object(pick(await summaries(at, 'resources=VCPU:1', version), 'comp1', 'resources')));
    expect(await classes('placement 1.26')).toEqual(['VCPU']);
    expect(await classes('placement 1.27')).toEqual(['VCPU', 'MEMORY_MB', 'DISK_GB']);
  });

  it('refuses what it does not speak, and has no candidates before 1.10', async () => {
    const at = await desk({}, { placementMicroversion: '1.28' });
    const refused = await at.ask('placement', '/allocation_candidates?resources=VCPU:1', {
      version: 'placement 1.29',
    });
    expect([refused.status, pick(refused.json, 'errors', 0, 'max_version')]).toEqual([406, '1.28']);
    expect((await at.ask('placement', '/allocation_candidates?resources=VCPU:1')).status).toBe(404);
    const version = 'placement 1.28';
    expect((await at.ask('placement', '/allocation_candidates', { version })).status).toBe(400);
    expect((await at.ask('placement', '/resource_providers', { method: 'DELETE', version })).status).toBe(
      405,
    );
    await at.login('demo');
    expect((await at.ask('placement', '/resource_providers', { version })).status).toBe(403);
  });
});

describe('Cinder', () => {
  const scenario = {
    images: [{ name: 'plain' }, { name: 'ha', tags: ['evacuable'], properties: { evacuable: 'True' } }],
    servers: [
      { name: 'data', host: 'comp0' },
      { name: 'boots', host: 'comp0', image: null, volumeImage: 'ha', project: 'gold' },
      { name: 'other', host: 'comp0', image: null, volumeImage: 'plain' },
      { name: 'theirs', host: 'comp0', image: null, volumeImage: 'plain', project: 'demo' },
    ],
    volumes: [
      { name: 'spare', image: 'ha' },
      { name: 'disk', servers: ['data'], sizeGb: 20 },
    ],
  };
  const filter = (value: unknown) => `glance_metadata=${encodeURIComponent(JSON.stringify(value))}`;
  const list = async (at: Desk, query: string, version = 'volume 3.4') =>
    at.ask('cinder', `/v3/admin/volumes/detail?${query}`, { version });

  it('finds the volumes of all projects that were made from an image with a property', async () => {
    const at = await desk(scenario);
    const reply = await list(at, `all_tenants=1&${filter({ evacuable: 'true' })}`);
    const server = at.cloud.world.findServer('boots');
    expect(items(reply.json, 'volumes').map((one) => pick(one, 'attachments', 0, 'server_id'))).toEqual([
      undefined,
      server?.id,
    ]);
    const boot = pick(reply.json, 'volumes', 1);
    expect(boot).toMatchObject({
      bootable: 'true',
      status: 'in-use',
      volume_image_metadata: { image_name: 'ha', evacuable: 'True' },
      'os-vol-tenant-attr:tenant_id': 'gold',
    });
    // The tags of an image are not copied.
    expect(JSON.stringify(pick(boot, 'volume_image_metadata'))).not.toContain('tags');
    const shown = await at.ask('nova', `/v2.1/servers/${server?.id}`, { version: 'compute 2.90' });
    expect(pick(shown.json, 'server', 'os-extended-volumes:volumes_attached', 0, 'id')).toBe(
      pick(boot, 'id'),
    );
    const one = await at.ask('cinder', `/v3/admin/volumes/${String(pick(boot, 'id'))}`);
    expect(pick(one.json, 'volume', 'id')).toBe(pick(boot, 'id'));
  });

  it('drops the filter below 3.4 and for others than administrators', async () => {
    const at = await desk(scenario);
    const wanted = `all_tenants=1&${filter({ image_name: 'ha' })}`;
    expect(items((await list(at, wanted)).json, 'volumes')).toHaveLength(2);
    expect(items((await list(at, wanted, 'volume 3.3')).json, 'volumes')).toHaveLength(5);
    expect(items((await list(at, filter({ image_name: 'ha' }))).json, 'volumes')).toHaveLength(1);
    await at.login('demo');
    const own = await at.ask('cinder', `/v3/demo/volumes/detail?${wanted}`, { version: 'volume 3.4' });
    expect(items(own.json, 'volumes').map((one) => pick(one, 'volume_image_metadata', 'image_name'))).toEqual(
      ['plain'],
    );
    expect((await list(at, wanted)).status).toBe(400);
  });

  it('gives pages that lead to one another', async () => {
    const at = await desk(
      { servers: [{ count: 5, name: 'v', host: 'comp0', image: null }] },
      { maxLimit: 2 },
    );
    const ids: unknown[] = [];
    let target: string | undefined = '/v3/admin/volumes/detail?all_tenants=1';
    for (let pages = 0; target !== undefined && pages < 9; pages += 1) {
      const reply: ApiReply = await at.ask('cinder', target);
      ids.push(...items(reply.json, 'volumes').map((one) => pick(one, 'id')));
      const next = pick(reply.json, 'volumes_links', 0, 'href');
      target = typeof next === 'string' ? next.replace(urls.cinder, '') : undefined;
    }
    expect(new Set(ids).size).toBe(5);
    expect(ids).toHaveLength(5);
  });

  it('refuses a version that it does not speak', async () => {
    const at = await desk();
    expect((await list(at, '', 'volume 3.999')).status).toBe(406);
  });
});

describe('Glance', () => {
  const scenario = {
    images: [
      { name: 'ha', properties: { evacuable: 'TRUE', os_distro: 'debian' } },
      { name: 'no', properties: { evacuable: 'false' } },
      { name: 'tagged', tags: ['evacuable'] },
      { name: 'old', hidden: true, properties: { evacuable: 'true' } },
      { name: 'theirs', visibility: 'community', owner: 'gold', properties: { evacuable: 'true' } },
    ],
  };
  const list = async (at: Desk, query: string) =>
    names(await at.ask('glance', `/v2/images?${query}`), 'images');

  it('finds images by property, whatever the letter case; hidden and community ones on request', async () => {
    const at = await desk(scenario);
    expect(await list(at, 'evacuable=true')).toEqual(['ha']);
    expect(await list(at, 'evacuable=true&os_hidden=true')).toEqual(['old']);
    expect(await list(at, 'evacuable=true&visibility=all')).toEqual(['theirs', 'ha']);
    expect(await list(at, 'evacuable=true&os_distro=debian')).toEqual(['ha']);
    expect(await list(at, 'nosuch=true')).toEqual([]);
    expect(await list(at, 'tag=evacuable')).toEqual(['tagged']);
  });

  it('shows properties as members of the image, those of hidden ones too', async () => {
    const at = await desk(scenario);
    const image = [...at.cloud.world.images.values()].find(({ name }) => name === 'old');
    const reply = await at.ask('glance', `/v2/images/${image?.id}`);
    expect(reply.json).toMatchObject({ name: 'old', evacuable: 'true', os_hidden: true });
  });
});

describe('Keystone', () => {
  it('lists projects, those that servers are in among them', async () => {
    const at = await desk({
      projects: [{ id: 'f00', name: 'silver' }, 'bronze'],
      servers: [
        { name: 'a', host: 'comp0', project: 'silver' },
        { name: 'b', host: 'comp0', project: 'gold' },
      ],
    });
    expect(names(await at.ask('keystone', '/v3/projects'), 'projects')).toEqual([
      'admin',
      'demo',
      'silver',
      'bronze',
      'gold',
    ]);
    expect(at.cloud.world.findServer('a')?.projectId).toBe('f00');
  });
});

describe('a Nova that has too much to do', () => {
  const scenario = { servers: [{ count: 5, name: 'vm', host: 'comp0' }] };
  const fail = (at: Desk) => {
    at.cloud.world.killCompute('comp0');
    at.cloud.world.setForcedDown(at.cloud.world.host('comp0'), true);
    return [...at.cloud.world.servers.keys()];
  };
  const evacuate = (at: Desk, id: string | undefined) =>
    at.ask('nova', `/v2.1/servers/${id}/action`, {
      method: 'POST',
      version: 'compute 2.90',
      body: { evacuate: {} },
    });

  it('refuses further evacuations with 429, and other requests not', async () => {
    const at = await desk(scenario, { rateLimitAbove: 2, retryAfter: 7 });
    const ids = fail(at);
    for (const id of ids.slice(0, 2)) expect((await evacuate(at, id)).status).toBe(200);
    const refused = await evacuate(at, ids[2]);
    expect([refused.status, refused.headers['Retry-After']]).toEqual([429, '7']);
    expect(at.cloud.world.migrations).toHaveLength(2);
    expect((await at.ask('nova', '/v2.1/servers')).status).toBe(200);
    at.clock.advance(10_000);
    expect((await evacuate(at, ids[2])).status).toBe(200);
  });

  it('refuses requests that come too fast', async () => {
    const at = await desk(scenario, { rateLimitPerSecond: 2 });
    const statuses: number[] = [];
    for (let i = 0; i < 3; i += 1) statuses.push((await at.ask('nova', '/v2.1/servers')).status);
    at.clock.advance(1_000);
    statuses.push((await at.ask('nova', '/v2.1/servers')).status);
    expect(statuses).toEqual([200, 200, 429, 200]);
  });

  it('answers the later the more evacuations are in flight beyond a number', async () => {
    const at = await desk(scenario, { apiSlowdownFrom: 1, apiSlowdownMs: 100 });
    const ids = fail(at);
    const settled: number[] = [];
    for (const id of ids.slice(0, 3)) void evacuate(at, id).then(() => settled.push(at.clock.now() - start));
    for (let ms = 0; ms < 250; ms += 50) {
      await new Promise((resolve) => setImmediate(resolve));
      at.clock.advance(50);
    }
    expect(settled).toEqual([0, 100, 200]);
  });
});

describe('a release', () => {
  const victoria = { maxMicroversion: '2.87', placementMicroversion: '1.36', evacuateRefusesTasks: true };

  it('is Zed unless said otherwise; each tells its newest microversion', async () => {
    expect(new CloudServices().world.knobs).toMatchObject({ release: 'zed', maxMicroversion: '2.93' });
    for (const [release, { maxMicroversion }] of Object.entries(releases)) {
      const at = await desk({ knobs: { release } });
      const { json } = await at.ask('nova', '/v2.1/');
      expect(pick(json, 'version', 'version')).toBe(maxMicroversion);
    }
  });

  it('brings what follows from it, and a knob of its own counts more, wherever it is said', () => {
    const one = new CloudServices({ knobs: { release: 'victoria', evacuateRefusesTasks: false } });
    expect(one.world.knobs).toMatchObject({ ...victoria, evacuateRefusesTasks: false });
    const other = new CloudServices({
      scenario: { knobs: { maxMicroversion: '2.60', release: 'victoria' } },
      speed: 10,
    });
    expect(other.world.knobs).toMatchObject({ ...victoria, maxMicroversion: '2.60' });
  });

  it('that nobody knows is refused', () => {
    expect(() => new CloudServices({ scenario: { knobs: { release: 'yoga' } } })).toThrow(
      'The knob "release" wants one of victoria, zed, 2025.1, 2026.2, not "yoga".',
    );
  });

  it('decides whether a reset of the state is an action', () => {
    const by = { userId: 'admin', projectId: 'admin', requestId: 'req-1' };
    const actionsIn = (release: Release) => {
      const { world } = new CloudServices({
        knobs: { release },
        scenario: { servers: [{ name: 'vm', host: 'comp0' }] },
      });
      const server = [...world.servers.values()][0];
      if (server === undefined) throw new Error('There is no server.');
      world.guests.resetState(server, 'error', by);
      return server.actions.map(({ action }) => action);
    };
    expect([actionsIn('victoria'), actionsIn('zed')]).toEqual([[], ['resetState']]);
  });
});

describe('a scenario', () => {
  it('may be that of the README, every member of it', () => {
    const readme = readFileSync(new URL('../../simulators/README.md', import.meta.url), 'utf8');
    const example: unknown = JSON.parse(/^ {4}\{ "knobs"[\s\S]*?\] \}$/m.exec(readme)?.[0] ?? '');
    const { world, keystone } = new CloudServices({ scenario: example });
    expect(world.findServer('m')).toMatchObject({
      projectId: 'gold',
      pinnedZone: 'east',
      metadata: { k: 'v' },
    });
    expect(world.host('comp2').capacity).toEqual({ VCPU: 8, MEMORY_MB: 4096, DISK_GB: 40 });
    expect([...world.volumes.values()].map(({ name }) => name)).toEqual(['', 'data']);
    expect(keystone.projects.map(({ id }) => id)).toContain('f00d');
  });

  it.each([
    ['a server group', { serverGroups: [{ name: 'g', policy: 'affinity', members: [] }] }],
    ['a volume', { volumes: [{ name: 'v', size: 1 }] }],
    ['a project', { projects: [{ name: 'p', tags: [] }] }],
    ['an image', { images: [{ name: 'i', property: {} }] }],
    ['a host', { hosts: [{ name: 'h', cores: 1 }] }],
    ['a flavour', { flavors: [{ name: 'f', swap: 1 }] }],
    ['a server', { servers: [{ name: 's', host: 'comp0', serverGroup: 'g' }] }],
  ])('with a stray member in %s is an error', (_, scenario) => {
    expect(() => new CloudServices({ scenario })).toThrow(/has no member/);
  });

  it.each([
    ['server group', { servers: [{ name: 's', host: 'comp0', group: 'nosuch' }] }],
    ['image', { servers: [{ name: 's', host: 'comp0', image: null, volumeImage: 'nosuch' }] }],
    ['server', { volumes: [{ name: 'v', servers: ['nosuch'] }] }],
  ])('that names a %s which is not there is an error', (_, scenario) => {
    expect(() => new CloudServices({ scenario })).toThrow(/There is no .* "nosuch"\./);
  });
});
