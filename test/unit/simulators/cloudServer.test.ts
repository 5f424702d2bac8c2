import { spawn } from 'node:child_process';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { type CloudOptions, type SimulatedCloud, startCloud } from '../../simulators/cloud/server.ts';
import { items, pick } from '../../simulators/json.ts';

let cloud: SimulatedCloud | undefined;
afterEach(async () => {
  await cloud?.stop();
  cloud = undefined;
});

const fast = { schedule: 5, prepare: 5, spawn: 5, settle: 5 };

async function start(options: CloudOptions = {}): Promise<SimulatedCloud> {
  cloud = await startCloud({ ...options, knobs: { ...fast, ...options.knobs } });
  return cloud;
}

async function login(at: SimulatedCloud, name = 'admin', password = 'adminpw'): Promise<string> {
  const response = await fetch(`${at.authUrl}/auth/tokens`, {
    method: 'POST',
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name, domain: { id: 'default' }, password } },
        },
        scope: { project: { name, domain: { name: 'Default' } } },
      },
    }),
  });
  expect(response.status).toBe(201);
  return response.headers.get('x-subject-token') ?? '';
}

async function nova(at: SimulatedCloud, token: string, path: string, version = '2.93'): Promise<Response> {
  return fetch(`${at.urls.nova}/v2.1${path}`, {
    headers: { 'X-Auth-Token': token, 'OpenStack-API-Version': `compute ${version}` },
  });
}

describe('pages', () => {
  it('lead through all servers, newest first, the last one empty when the pages come out even', async () => {
    const at = await start({ scenario: { servers: [{ count: 4, name: 'vm', host: 'comp0' }] } });
    const token = await login(at);
    const names: unknown[] = [];
    let pages = 0;
    let url: string | undefined = `${at.urls.nova}/v2.1/servers/detail?all_tenants=1&host=comp0&limit=2`;
    while (url !== undefined) {
      const answer: Response = await fetch(url, { headers: { 'X-Auth-Token': token } });
      const body: unknown = await answer.json();
      names.push(...items(body, 'servers').map((server) => pick(server, 'name')));
      const next = pick(body, 'servers_links', 0, 'href');
      url = typeof next === 'string' ? next : undefined;
      pages += 1;
    }
    expect(names).toEqual(['vm-4', 'vm-3', 'vm-2', 'vm-1']);
    expect(pages).toBe(3);
  });

  it('are never longer than the maximum', async () => {
    const at = await start({
      knobs: { maxLimit: 3 },
      scenario: { servers: [{ count: 5, name: 'vm', host: 'comp0' }] },
    });
    const answer = await nova(at, await login(at), '/servers?all_tenants=1&limit=1000');
    expect(await answer.json()).toMatchObject({ servers: [{}, {}, {}] });
  });
});

describe('faults', () => {
  it('answer with a status so often as asked, then no more', async () => {
    const at = await start();
    const token = await login(at);
    at.faults.add({
      path: '^/v2.1/os-services',
      skip: 1,
      times: 2,
      status: 503,
      headers: { 'Retry-After': '1' },
    });
    const statuses: number[] = [];
    for (let i = 0; i < 4; i += 1) statuses.push((await nova(at, token, '/os-services')).status);
    expect(statuses).toEqual([200, 503, 503, 200]);
  });

  it('reset the connection after the request was carried out', async () => {
    const at = await start({ scenario: { servers: [{ name: 'vm', host: 'comp0' }] } });
    const token = await login(at);
    at.world.setForcedDown(at.world.host('comp0'), true);
    at.faults.add({ method: 'POST', path: '/action$', reset: 'after' });
    const id = at.world.findServer('vm')?.id ?? '';
    const asked = fetch(`${at.urls.nova}/v2.1/servers/${id}/action`, {
      method: 'POST',
      headers: { 'X-Auth-Token': token, 'OpenStack-API-Version': 'compute 2.90' },
      body: '{"evacuate": {}}',
    });
    await expect(asked).rejects.toThrow();
    expect(at.world.migrations).toHaveLength(1);
  });

  it('break off half of the body', async () => {
    const at = await start();
    const token = await login(at);
    at.faults.add({ path: '/flavors/detail', truncate: true });
    const answer = await nova(at, token, '/flavors/detail');
    await expect(answer.text()).rejects.toThrow();
  });

  it('change members of the right answer', async () => {
    const at = await start();
    const token = await login(at);
    at.faults.add({
      path: '/os-services',
      patch: { 'services.0.host': 7, 'services.1': null },
      remove: ['services.2.state'],
    });
    const answer = await nova(at, token, '/os-services?binary=nova-compute');
    const body = await answer.json();
    expect(pick(body, 'services', 0, 'host')).toBe(7);
    expect(pick(body, 'services', 1)).toBeNull();
    expect(pick(body, 'services', 2)).not.toHaveProperty('state');
  });

  it('strike at random as the seed says, the same each time', async () => {
    const at = await start();
    const token = await login(at);
    const round = async () => {
      at.faults.clear();
      at.faults.add({ path: '/flavors', probability: 0.5, seed: 42, status: 500 });
      const statuses: number[] = [];
      for (let i = 0; i < 10; i += 1) statuses.push((await nova(at, token, '/flavors')).status);
      return statuses;
    };
    const first = await round();
    expect(new Set(first)).toEqual(new Set([200, 500]));
    expect(await round()).toEqual(first);
  });

  it('that no one knows are refused', async () => {
    const at = await start();
    expect(() => at.faults.add({ stauts: 500 })).toThrow('A fault has no member "stauts".');
    expect(() => at.faults.add({ reset: 'now' })).toThrow('cannot be "now"');
  });
});

describe('tokens', () => {
  it('end with their time and with a revocation', async () => {
    const at = await start({ knobs: { tokenLifetime: 50 } });
    const token = await login(at);
    expect((await nova(at, token, '/flavors')).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect((await nova(at, token, '/flavors')).status).toBe(401);
    at.world.knobs.tokenLifetime = 60_000;
    const second = await login(at);
    at.keystone.revokeAll();
    expect((await nova(at, second, '/flavors')).status).toBe(401);
  });

  it('of one who is no administrator open little', async () => {
    const at = await start();
    const token = await login(at, 'demo', 'demopw');
    for (const path of ['/os-services', '/os-migrations', '/os-hypervisors', '/servers?all_tenants=1']) {
      expect((await nova(at, token, path)).status, path).toBe(403);
    }
  });
});

describe('the control API', () => {
  it('stops a service, port and all, and brings it back to the same address', async () => {
    const at = await start();
    const control = (path: string) => fetch(`${at.urls.control}/_sim/${path}`, { method: 'POST' });
    expect((await fetch(at.urls.nova)).status).toBe(200);
    await control('services/nova/stop');
    await expect(fetch(at.urls.nova)).rejects.toThrow();
    await control('services/nova/start');
    expect((await fetch(at.urls.nova)).status).toBe(200);
  });

  it('counts the requests of the services, not its own', async () => {
    const at = await start();
    await fetch(at.urls.nova);
    await fetch(at.authUrl);
    const answer = await fetch(`${at.urls.control}/_sim/text/requests`);
    expect(await answer.text()).toBe('GET nova / 200\nGET keystone /v3 200\n');
  });

  it('says what is wrong with a wish', async () => {
    const at = await start();
    const ask = async (path: string, body: unknown) =>
      (await fetch(`${at.urls.control}/_sim/${path}`, { method: 'POST', body: JSON.stringify(body) })).text();
    expect(await ask('servers', { host: 'comp9' })).toBe('Compute host comp9 could not be found.\n');
    expect(await ask('servers', { host: 'comp0', colour: 'red' })).toContain('no member "colour"');
    expect(await ask('scenario', { knobs: { spwan: 1 }, hosts: [] })).toContain('no knob "spwan"');
  });
});

it('lists a thousand servers in one page, quickly', async () => {
  const at = await start({ scenario: { servers: [{ count: 1000, name: 'vm', host: 'comp0' }] } });
  const token = await login(at);
  const began = performance.now();
  const body = await (await nova(at, token, '/servers/detail?all_tenants=1&host=comp0')).json();
  expect(items(body, 'servers')).toHaveLength(1000);
  expect(performance.now() - began).toBeLessThan(2000);
});

describe('a nova-compute that is a process', () => {
  const control = (at: SimulatedCloud, path: string, body: unknown) =>
    fetch(`${at.urls.control}/_sim/${path}`, { method: 'POST', body: JSON.stringify(body) });
  const until = async (holds: () => boolean) => {
    for (const end = Date.now() + 3_000; !holds(); await new Promise((resolve) => setTimeout(resolve, 10))) {
      if (Date.now() > end) throw new Error(`not so: ${holds.toString()}`);
    }
  };
  function sleeper() {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  }

  it('lives as long as that, hangs while it is stopped, and is another once another says so', async () => {
    const at = await start();
    const host = at.world.host('comp0');
    at.world.killCompute('comp0');
    const first = sleeper();
    await control(at, 'hosts/comp0/start', { pid: first.pid });
    expect(host.alive).toBe(true);
    first.kill('SIGSTOP');
    await until(() => !host.alive);
    first.kill('SIGCONT');
    await until(() => host.alive);
    const { life } = host;
    first.kill('SIGKILL');
    const second = sleeper();
    await control(at, 'hosts/comp0/start', { pid: second.pid });
    expect(host.alive).toBe(true);
    expect(host.life).toBeGreaterThan(life);
    second.kill('SIGKILL');
    await until(() => !host.alive);
  });

  it('makes a host known that Nova did not know', async () => {
    const at = await start();
    const child = sleeper();
    await control(at, 'hosts/comp9/start', { pid: child.pid });
    expect(at.world.isUp(at.world.host('comp9'))).toBe(true);
    child.kill('SIGKILL');
    await until(() => !at.world.host('comp9').alive);
  });

  it('is forgotten with its machine', async () => {
    const at = await start();
    const host = at.world.host('comp0');
    const child = sleeper();
    await control(at, 'hosts/comp0/start', { pid: child.pid });
    await control(at, 'hosts/comp0/kill', {});
    await control(at, 'hosts/comp0/boot', {});
    await control(at, 'hosts/comp0/start', {});
    child.kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(host.alive).toBe(true);
  });
});

describe('a cell that does not answer one query', () => {
  it('lists leave out what is in it, once and without a word; the services name its hosts from 2.69 on', async () => {
    const at = await start({ scenario: { servers: [{ count: 2, name: 'vm', host: 'comp0' }] } });
    const token = await login(at);
    const listed = async (path: string, name: string, version?: string) =>
      items(await (await nova(at, token, path, version)).json(), name);
    const servers = '/servers/detail?all_tenants=1&host=comp0';
    at.faults.add({ service: 'nova', path: '/(servers|os-services)', withoutCell: true, times: 3 });
    expect(await listed(servers, 'servers')).toEqual([]);
    expect(await listed('/os-services?binary=nova-compute&host=comp0', 'services')).toEqual([
      { binary: 'nova-compute', host: 'comp0', status: 'UNKNOWN' },
    ]);
    expect(await listed('/os-services?binary=nova-compute', 'services', '2.68')).toEqual([]);
    expect(await listed(servers, 'servers')).toHaveLength(2);
  });
});

describe('hosts that are spelled otherwise', () => {
  it('are found by filters whatever their case, and shown as they were called once', async () => {
    const at = await start({
      knobs: { oldHostCase: true },
      scenario: { servers: [{ count: 1, name: 'vm', host: 'comp0' }] },
    });
    const token = await login(at);
    const answer: unknown = await (await nova(at, token, '/servers/detail?all_tenants=1&host=comp0')).json();
    expect(items(answer, 'servers').map((one) => pick(one, 'OS-EXT-SRV-ATTR:host'))).toEqual(['COMP0']);
    const services: unknown = await (await nova(at, token, '/os-services?host=comp0')).json();
    expect(items(services, 'services').map((one) => pick(one, 'host'))).toEqual(['comp0']);
  });
});
