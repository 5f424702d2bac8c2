import { connect, serverId } from '@openstack-ts/nova-client';
import { describe, expect, it } from 'vitest';
import { cloud, surroundings } from './loopback.ts';

const unauthorized = {
  status: 401,
  body: {
    error: {
      code: 401,
      title: 'Unauthorized',
      message: 'The request you have made requires authentication.',
    },
  },
};
const services = { body: { services: [] } };

describe('a token', () => {
  it("is renewed before it ends, by the length of its life and not by Keystone's clock", async () => {
    let now = 1_000_000;
    const one = await cloud({
      tokenLife: 3600,
      answer: (seen) => (seen.path.includes('os-services') ? services : null),
    });
    const client = await connect(one.config, surroundings({ now: () => now }));
    now += 3_539_000;
    await client.listComputeServices();
    expect(one.tokens()).toBe(1);
    now += 2_000;
    await client.listComputeServices();
    expect(one.tokens()).toBe(2);
    expect(one.seen.at(-1)?.headers['x-auth-token']).toBe('token-2');
  });

  it('with a short life is used for three quarters of it', async () => {
    let now = 1_000_000;
    const one = await cloud({
      tokenLife: 8,
      answer: (seen) => (seen.path.includes('os-services') ? services : null),
    });
    const client = await connect(one.config, surroundings({ now: () => now }));
    now += 5_900;
    await client.listComputeServices();
    expect(one.tokens()).toBe(1);
    now += 200;
    await client.listComputeServices();
    expect(one.tokens()).toBe(2);
  });

  it('is renewed when Nova refuses it, and the call goes on', async () => {
    const one = await cloud({
      answer: (seen) => {
        if (!seen.path.includes('os-services')) return null;
        return seen.headers['x-auth-token'] === 'token-1' ? unauthorized : services;
      },
    });
    const client = await connect(one.config, surroundings());
    expect(await client.listComputeServices()).toEqual([]);
    expect(one.calls()).toHaveLength(2);
    expect(one.tokens()).toBe(2);
  });

  it('is renewed once, also for many calls at the same time', async () => {
    const one = await cloud({
      answer: (seen) => {
        if (!seen.path.includes('os-services')) return null;
        return seen.headers['x-auth-token'] === 'token-1' ? unauthorized : services;
      },
    });
    const client = await connect(one.config, surroundings());
    await Promise.all(Array.from({ length: 8 }, () => client.listComputeServices()));
    expect(one.tokens()).toBe(2);
  });

  it('is waited for by each call within its own bounds', async () => {
    let logIns = 0;
    let now = 1_000_000;
    const one = await cloud({
      tokenLife: 8,
      answer: (seen) => {
        if (seen.path.includes('os-services')) return services;
        // The second log-in, which both calls need, is never answered.
        return seen.path === '/v3/auth/tokens' && ++logIns === 2 ? 'handled' : null;
      },
    });
    const client = await connect(one.config, surroundings({ now: () => now }));
    now += 10_000;
    const controller = new AbortController();
    const first = client.listComputeServices({ signal: controller.signal });
    const second = client.listComputeServices();
    const hasty = client.listComputeServices({ deadline: now + 50 });
    await expect(hasty).rejects.toMatchObject({ code: 'timeout' });
    controller.abort();
    await expect(first).rejects.toMatchObject({ code: 'timeout' });
    expect(await second).toEqual([]);
    expect(logIns).toBe(3);
  });

  it('that is refused again ends the call, without a third', async () => {
    const one = await cloud({ answer: (seen) => (seen.path.includes('os-services') ? unauthorized : null) });
    const client = await connect(one.config, surroundings());
    await expect(client.listComputeServices()).rejects.toMatchObject({
      code: 'authFailed',
      status: 401,
      method: 'GET',
      path: '/v2.1/os-services?binary=nova-compute',
      message: expect.stringMatching(/^Nova refuses the token that Keystone has just given/),
    });
    expect(one.calls()).toHaveLength(2);
    expect(one.tokens()).toBe(2);
  });

  it('is renewed for an evacuation too: a 401 did nothing', async () => {
    const one = await cloud({
      answer: (seen) => {
        if (seen.method !== 'POST' || !seen.path.endsWith('/action')) return null;
        return seen.headers['x-auth-token'] === 'token-1' ? unauthorized : { body: '' };
      },
    });
    const client = await connect(one.config, surroundings());
    await client.evacuate(serverId('s-1'), { disk: 'either' });
    expect(one.calls()).toEqual(['POST /v2.1/servers/s-1/action', 'POST /v2.1/servers/s-1/action']);
  });

  it('that cannot be renewed leaves no doubt about the evacuation', async () => {
    let logIns = 0;
    const one = await cloud({
      answer: (seen, raw) => {
        if (seen.path === '/v3/auth/tokens' && ++logIns > 1) {
          raw.destroy();
          return 'handled';
        }
        return seen.path.endsWith('/action') ? unauthorized : null;
      },
    });
    const client = await connect(one.config, surroundings());
    await expect(client.evacuate(serverId('s-1'), { disk: 'either' })).rejects.toMatchObject({
      code: 'connectionLost',
      unanswered: false,
      path: '/v3/auth/tokens',
    });
    expect(one.calls()).toHaveLength(1);
  });

  it('never shows in what is logged or thrown', async () => {
    const lines: string[] = [];
    const one = await cloud({
      answer: (seen) =>
        seen.path.includes('os-services')
          ? {
              status: 400,
              body: { badRequest: { code: 400, message: 'bad token token-1 of correct horse' } },
            }
          : null,
    });
    const client = await connect(one.config, surroundings({ log: (line) => lines.push(line) }));
    const failure: unknown = await client.listComputeServices().catch((error: unknown) => error);
    const printed = [
      ...lines,
      String(failure),
      JSON.stringify(failure),
      String((failure as Error).cause),
    ].join('\n');
    expect(printed).toContain('bad token *** of ***');
    expect(printed).not.toContain('token-1');
    expect(printed).not.toContain('correct horse');
    expect(lines).toContainEqual(
      expect.stringMatching(/^Keystone: POST \/v3\/auth\/tokens 201 in \d+ ms req-keystone$/),
    );
  });
});

describe('the catalogue', () => {
  const endpoint = (type: string, name: string, region: string | null, url: string) => ({
    type,
    endpoints: [{ interface: name, region, region_id: region, url }],
  });

  it('is searched by interface and region', async () => {
    const one = await cloud({
      catalogue: (url) => [
        endpoint('compute', 'public', 'one', `${url}/wrong`),
        endpoint('compute', 'internal', 'one', `${url}/wrong`),
        endpoint('compute', 'internal', 'two', `${url}/v2.1`),
      ],
    });
    await connect({ ...one.config, region: 'two' }, surroundings());
    expect(one.lines()[1]).toBe('GET /v2.1/');
  });

  it('may have entries that are none, unless they are what is looked for', async () => {
    const odd = [
      'text',
      { type: 'compute' },
      { type: 7, endpoints: [] },
      { type: 'metering', endpoints: [{ interface: null, url: 'x' }, 5] },
    ];
    const one = await cloud({
      catalogue: (url) => [...odd, endpoint('compute', 'internal', 'one', `${url}/v2.1`)],
    });
    await connect(one.config, surroundings());
    expect(one.lines()[1]).toBe('GET /v2.1/');
    const without = await cloud({ catalogue: () => odd });
    await expect(connect(without.config, surroundings())).rejects.toThrow(
      '5 of its entries cannot be read: token.catalog[0] is the string "text", an object was expected',
    );
  });

  it('is not looked at for a service whose address is given', async () => {
    const one = await cloud({ catalogue: () => [] });
    const services = { compute: { endpoint: `${one.url}/v2.1/` } };
    await connect({ ...one.config, services }, surroundings());
    expect(one.lines()[1]).toBe('GET /v2.1/');
    await expect(
      connect({ ...one.config, services: { compute: { endpoint: 'nova:8774' } } }, surroundings()),
    ).rejects.toMatchObject({
      code: 'config',
      message: 'The endpoint that is given for compute is not an http or https address',
    });
  });

  it('is searched by what is said of the one service', async () => {
    const one = await cloud({
      catalogue: (url) => [
        endpoint('compute', 'internal', 'one', `${url}/wrong`),
        endpoint('compute', 'public', 'two', `${url}/v2.1`),
      ],
    });
    const services = { compute: { region: 'two', endpointInterface: 'public' } } as const;
    await connect({ ...one.config, region: 'one', services }, surroundings());
    expect(one.lines()[1]).toBe('GET /v2.1/');
  });

  it('takes any region for none, and the spelling of old catalogues', async () => {
    const one = await cloud({ catalogue: (url) => [endpoint('compute', 'publicURL', null, `${url}/v2.1/`)] });
    await connect({ ...one.config, endpointInterface: 'public', region: '' }, surroundings());
    expect(one.lines()[1]).toBe('GET /v2.1/');
  });

  it.each([
    [
      {},
      'The catalogue has no internal endpoint of type compute; for compute it has admin in one, public in two',
    ],
    [
      { region: 'two', endpointInterface: 'admin' as const },
      'The catalogue has no admin endpoint of type compute in region two; for compute it has admin in one, public in two',
    ],
  ])('names what it has instead (%#)', async (wanted, message) => {
    const one = await cloud({
      catalogue: (url) => [
        endpoint('compute', 'public', 'two', `${url}/v2.1`),
        endpoint('compute', 'admin', 'one', `${url}/v2.1`),
        endpoint('image', 'internal', 'one', `${url}/image`),
      ],
    });
    await expect(connect({ ...one.config, ...wanted }, surroundings())).rejects.toMatchObject({
      code: 'noEndpoint',
      message,
    });
  });

  it('names the service types where there is no Nova at all', async () => {
    const one = await cloud({ catalogue: (url) => [endpoint('image', 'internal', 'one', url)] });
    await expect(connect(one.config, surroundings())).rejects.toThrow(
      'The catalogue has no internal endpoint of type compute; it has the service types image',
    );
  });

  it('is missing where the log-in has no project', async () => {
    const one = await cloud({ catalogue: () => undefined });
    await expect(connect(one.config, surroundings())).rejects.toThrow(
      /it is empty: the log-in is not scoped/,
    );
  });

  it('may hold an address that is none', async () => {
    const one = await cloud({
      catalogue: () => [endpoint('compute', 'internal', 'one', 'nova:8774/$(tenant_id)s')],
    });
    await expect(connect(one.config, surroundings())).rejects.toMatchObject({ code: 'noEndpoint' });
  });

  it('is not asked for images until they are', async () => {
    const one = await cloud({ catalogue: (url) => [endpoint('compute', 'internal', 'one', `${url}/v2.1`)] });
    const client = await connect(one.config, surroundings());
    await expect(client.listImagesByTag('evacuable')).rejects.toThrow(
      'The catalogue has no internal endpoint of type image; it has the service types compute',
    );
  });
});

describe("Nova's endpoint", () => {
  const compute = (path: string) => (url: string) => [
    { type: 'compute', endpoints: [{ interface: 'internal', region: 'one', url: url + path }] },
  ];
  const version = (max: string) => ({
    body: { version: { id: 'v2.1', version: max, min_version: max && '2.1' } },
  });

  it.each([
    ['/v2.1', '/v2.1/', '/v2.1/os-services?binary=nova-compute'],
    ['/v2.1/', '/v2.1/', '/v2.1/os-services?binary=nova-compute'],
    ['/v2.1/abc', '/v2.1/', '/v2.1/abc/os-services?binary=nova-compute'],
    ['/v2/abc', '/v2.1/', '/v2.1/abc/os-services?binary=nova-compute'],
    ['', '/v2.1/', '/v2.1/os-services?binary=nova-compute'],
    ['/', '/v2.1/', '/v2.1/os-services?binary=nova-compute'],
    ['/compute/v2.1', '/compute/v2.1/', '/compute/v2.1/os-services?binary=nova-compute'],
    ['/compute', '/compute/v2.1/', '/compute/v2.1/os-services?binary=nova-compute'],
  ])('%j is asked at %s and used at %s', async (path, document, request) => {
    const one = await cloud({
      catalogue: compute(path),
      answer: (seen) => {
        if (seen.path === document) return version('2.60');
        return seen.path === request ? services : null;
      },
    });
    const client = await connect(one.config, surroundings());
    await client.listComputeServices();
    expect(client.microversion).toBe('2.60');
    expect(one.seen.at(-1)?.headers).toMatchObject({
      'openstack-api-version': 'compute 2.60',
      'x-openstack-nova-api-version': '2.60',
    });
  });

  it('may be of before microversions', async () => {
    const one = await cloud({
      catalogue: compute('/v2/abc'),
      answer: (seen) => {
        if (seen.path === '/v2.1/') return { status: 404, body: '' };
        return seen.path.startsWith('/v2/abc/os-services') ? services : null;
      },
    });
    const client = await connect(one.config, surroundings());
    expect(client.microversion).toBe('2.1');
    await client.listComputeServices();
  });

  it('never gets to hear of 2.95', async () => {
    const one = await cloud({ version: { min: '2.1', max: '2.104' } });
    expect((await connect(one.config, surroundings())).microversion).toBe('2.94');
  });

  it('may describe itself wrongly', async () => {
    const one = await cloud({
      answer: (seen) => (seen.path === '/v2.1/' ? { body: { version: { version: 2.1 } } } : null),
    });
    await expect(connect(one.config, surroundings())).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('version.version is a number, a string was expected'),
    });
  });
});

describe("Nova's clock", () => {
  it('is read from the Date of its answers', async () => {
    const one = await cloud({
      answer: (seen) =>
        seen.path === '/v2.1/'
          ? {
              headers: { date: 'Sat, 21 Nov 2026 01:02:13 GMT' },
              body: { version: { id: 'v2.1', version: '2.1', min_version: '2.1' } },
            }
          : null,
    });
    const client = await connect(one.config, surroundings({ now: () => Date.UTC(2026, 10, 21, 1, 2, 3) }));
    expect(client.clockOffsetMs).toBe(10_000);
  });
});
