import { type CloudConfig, type Credentials, connect } from '@openstack-ts/nova-client';
import { describe, expect, it } from 'vitest';
import {
  cloud,
  configOf,
  loopback,
  plainCatalogue,
  type Reply,
  type Seen,
  surroundings,
  tokenReply,
} from './loopback.ts';

const v3 = (href: string) => ({ id: 'v3.14', status: 'stable', links: [{ rel: 'self', href }] });
const v2 = { id: 'v2.0', status: 'deprecated', links: [] };
const withCredentials = (config: CloudConfig, credentials: Credentials): CloudConfig => ({
  ...config,
  credentials,
});

describe('the log-in', () => {
  it('takes two requests in all where auth_url ends in /v3', async () => {
    const one = await cloud();
    const client = await connect(one.config, surroundings());
    expect(one.lines()).toEqual(['POST /v3/auth/tokens', 'GET /v2.1/']);
    expect(client.microversion).toBe('2.93');
    expect(client.requestCount).toBe(2);
    expect(one.seen[1]?.headers['x-auth-token']).toBe('token-1');
  });

  it('sends user, password, project and their domains', async () => {
    const one = await cloud();
    await connect(one.config, surroundings());
    expect(JSON.parse(one.seen[0]?.body ?? '')).toEqual({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'ha', domain: { name: 'Default' }, password: 'correct horse' } },
        },
        scope: { project: { name: 'admin', domain: { name: 'Default' } } },
      },
    });
  });

  it('names domains and projects by id where ids are given', async () => {
    const one = await cloud();
    const credentials: Credentials = {
      kind: 'password',
      username: 'ha',
      password: 'correct horse',
      userDomain: { id: 'default' },
      project: { id: 'p-1', domain: {} },
    };
    await connect(withCredentials(one.config, credentials), surroundings());
    const sent = JSON.parse(one.seen[0]?.body ?? '');
    expect(sent.auth.identity.password.user.domain).toEqual({ id: 'default' });
    expect(sent.auth.scope).toEqual({ project: { id: 'p-1' } });
  });

  it.each([
    [
      { id: 'ac-1', secret: 'hush' },
      { id: 'ac-1', secret: 'hush' },
    ],
    [
      { name: 'ha', user: { name: 'bob', domain: { name: 'Default' } }, secret: 'hush' },
      { name: 'ha', user: { name: 'bob', domain: { name: 'Default' } }, secret: 'hush' },
    ],
    [
      { name: 'ha', user: { id: 'u-1' }, secret: 'hush' },
      { name: 'ha', user: { id: 'u-1' }, secret: 'hush' },
    ],
  ])('with an application credential %j', async (given, expected) => {
    const one = await cloud();
    await connect(withCredentials(one.config, { kind: 'applicationCredential', ...given }), surroundings());
    expect(JSON.parse(one.seen[0]?.body ?? '')).toEqual({
      auth: { identity: { methods: ['application_credential'], application_credential: expected } },
    });
  });

  it.each([
    [
      { kind: 'password', username: '', password: 'x', userDomain: {}, project: { name: 'p', domain: {} } },
      'a user name',
    ],
    [
      { kind: 'password', username: 'u', password: '', userDomain: {}, project: { name: 'p', domain: {} } },
      'a password',
    ],
    [
      { kind: 'password', username: 'u', password: 'x', userDomain: {}, project: { domain: {} } },
      'a project',
    ],
    [{ kind: 'applicationCredential', secret: 'x' }, 'the id or the name of the application credential'],
    [
      { kind: 'applicationCredential', name: 'ha', secret: 'x' },
      'the user whom the application credential belongs to, because it is given by name',
    ],
    [{ kind: 'applicationCredential', id: 'a', secret: '' }, "the application credential's secret"],
  ] as const)('asks for what is missing before it sends anything (%#)', async (credentials, missing) => {
    const one = await cloud();
    await expect(connect(withCredentials(one.config, credentials), surroundings())).rejects.toMatchObject({
      code: 'config',
      message: `The log-in at Keystone needs ${missing}`,
    });
    expect(one.seen).toEqual([]);
  });

  it('says in one sentence what a 401 can mean, once', async () => {
    const one = await loopback(() => ({
      status: 401,
      headers: { 'x-openstack-request-id': 'req-9' },
      body: {
        error: {
          code: 401,
          title: 'Unauthorized',
          message: 'The request you have made requires authentication.',
        },
      },
    }));
    await expect(connect(configOf(`${one.url}/v3`), surroundings())).rejects.toMatchObject({
      code: 'authFailed',
      status: 401,
      requestId: 'req-9',
      method: 'POST',
      path: '/v3/auth/tokens',
      message:
        `Keystone at ${one.url} refused the log-in of user ha to project admin: ` +
        'wrong secret, unknown name, or no role in the project (HTTP 401, req-9)',
    });
    expect(one.seen).toHaveLength(1);
  });

  it.each([
    'The password is expired and needs to be changed for user: 0ca8f6.',
    'The account is locked for user: 0ca8f6.',
  ])('says what Keystone itself says with a 401: %s', async (message) => {
    const one = await loopback(() => ({ status: 401, body: { error: { code: 401, message } } }));
    await expect(connect(configOf(`${one.url}/v3`), surroundings())).rejects.toMatchObject({
      code: 'authFailed',
      message:
        `Keystone at ${one.url} refused the log-in of user ha to project admin: ` +
        `${message.replace(/\.$/, '')} (HTTP 401)`,
    });
  });

  it('takes secrets out of what Keystone quotes', async () => {
    const one = await loopback(() => ({
      status: 400,
      body: { error: { code: 400, message: "Invalid input for field 'password': correct horse" } },
    }));
    const failure = await connect(configOf(`${one.url}/v3`), surroundings()).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'badRequest',
      message: "Keystone refused to log in: Invalid input for field 'password': *** (HTTP 400)",
    });
  });

  it('rejects an answer without a token, and does without the times of one', async () => {
    const without = await loopback(() => ({ status: 201, body: { token: {} } }));
    await expect(connect(configOf(`${without.url}/v3`), surroundings())).rejects.toMatchObject({
      code: 'config',
    });
    const odd = await loopback(() => ({
      status: 201,
      headers: { 'x-subject-token': 't' },
      body: { token: { expires_at: 17, catalog: [] } },
    }));
    await expect(connect(configOf(`${odd.url}/v3`), surroundings())).rejects.toMatchObject({
      code: 'noEndpoint',
      message: expect.stringContaining('it is empty'),
    });
  });
});

describe('version discovery', () => {
  /** A Keystone under a prefix, with its answers to the discovery. */
  const keystone = async (root: Reply, prefix = '') => {
    let url = '';
    const server = await loopback((seen: Seen) => {
      if (seen.path === `${prefix}/` && seen.method === 'GET') return root;
      if (seen.path === `${prefix}/v3/auth/tokens`) return tokenReply('t', 3600, plainCatalogue(url));
      if (seen.path === '/v2.1/')
        return { body: { version: { id: 'v2.1', version: '2.1', min_version: '2.1' } } };
      return { status: 404, body: {} };
    });
    url = server.url;
    return server;
  };

  it.each(['', '/'])('finds v3 in a list (300) behind auth_url%s', async (slash) => {
    const one = await keystone({
      status: 300,
      body: { versions: { values: [v2, v3('http://elsewhere/other/v3/')] } },
    });
    await connect(configOf(one.url + slash), surroundings());
    expect(one.lines()).toEqual(['GET /', 'POST /v3/auth/tokens', 'GET /v2.1/']);
  });

  it.each(['/v3', '/v3/'])('takes auth_url%s at its word', async (path) => {
    const one = await keystone({ status: 500 });
    await connect(configOf(one.url + path), surroundings());
    expect(one.lines()).toEqual(['POST /v3/auth/tokens', 'GET /v2.1/']);
  });

  it('finds v3 in a single answer (200) and in a flat list', async () => {
    const single = await keystone({ body: { version: v3('/v3/') } });
    await connect(configOf(single.url), surroundings());
    const flat = await keystone({ body: { versions: [v3('/v3/')] } });
    await connect(configOf(flat.url), surroundings());
    expect(flat.lines()[1]).toBe('POST /v3/auth/tokens');
  });

  it('works under a prefix, and with the old /v2.0 still in auth_url', async () => {
    const one = await keystone(
      { status: 300, body: { versions: { values: [v3('/identity/v3/')] } } },
      '/identity',
    );
    await connect(configOf(`${one.url}/identity/v2.0`), surroundings());
    expect(one.lines()).toEqual(['GET /identity/', 'POST /identity/v3/auth/tokens', 'GET /v2.1/']);
  });

  it('assumes v3 at its usual place where the list is hidden', async () => {
    const one = await keystone({ status: 403, body: '<html>Forbidden</html>' });
    await connect(configOf(one.url), surroundings());
    expect(one.lines()[1]).toBe('POST /v3/auth/tokens');
  });

  it('looks for another place when /v3 is not there', async () => {
    const one = await keystone({ status: 300, body: { versions: { values: [v3('/v3/')] } } }, '/v3');
    await expect(connect(configOf(`${one.url}/v3`), surroundings())).rejects.toMatchObject({
      code: 'config',
    });
    expect(one.lines()).toEqual(['POST /v3/auth/tokens', 'GET /', 'POST /v3/auth/tokens']);
  });

  it.each(['', '/v2.0', '/v3'])(
    'says plainly that Keystone behind auth_url%s speaks v2 only',
    async (path) => {
      const one = await loopback((seen) =>
        seen.method === 'GET' && seen.path === '/'
          ? { status: 300, body: { versions: { values: [v2] } } }
          : { status: 404, body: { error: { message: 'The resource could not be found.', code: 404 } } },
      );
      await expect(connect(configOf(one.url + path), surroundings())).rejects.toMatchObject({
        code: 'keystoneV2',
        message: `Keystone at ${one.url} speaks the Identity API v2 only, but v3 is needed`,
      });
    },
  );

  it('says so when the address is something else', async () => {
    const page = await loopback(() => ({
      headers: { 'content-type': 'text/html' },
      body: '<html>It works!</html>',
    }));
    await expect(connect(configOf(page.url), surroundings())).rejects.toMatchObject({
      code: 'malformed',
      message: `Keystone at ${page.url} sent a body that is not JSON (text/html) when asked to name its API versions`,
    });
    const moved = await loopback(() => ({ status: 301, headers: { location: 'https://new.example/x?y' } }));
    await expect(connect(configOf(moved.url), surroundings())).rejects.toMatchObject({
      code: 'badRequest',
      message: expect.stringContaining('redirects to https://new.example; give that address'),
    });
  });
});

describe('auth_url', () => {
  it.each([
    ['', /is missing/],
    ['keystone', /is not an address/],
    ['ftp://keystone/v3', /is not an address/],
    ['http://', /is not an address/],
    ['http://u:secret@keystone:5000/v3', /must not hold a user name or password/],
  ])('%j is refused before anything is sent', async (url, message) => {
    const failure = await connect(configOf(url), surroundings()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'config', message: expect.stringMatching(message) });
    expect(String(failure)).not.toContain('secret');
  });

  it('may be an IPv6 literal', async () => {
    const one = await cloud({ host: '::1' });
    const client = await connect(one.config, surroundings());
    expect(client.microversion).toBe('2.93');
    expect(one.seen[0]?.headers.host).toBe(`[::1]:${one.port}`);
  });
});
