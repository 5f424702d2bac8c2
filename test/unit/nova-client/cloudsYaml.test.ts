import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CloudSettings, cloudConfig, loadCloud, overlaid } from '@openstack-ts/nova-client';
import { describe, expect, it, onTestFinished } from 'vitest';

/** Files by path; nothing else is there. */
const files = (content: Readonly<Record<string, string>>) => (path: string) =>
  Promise.resolve(content[path] ?? null);
const etc = '/etc/openstack/clouds.yaml';
const load = (name: string, content: string, more: Readonly<Record<string, string>> = {}, env = {}) =>
  loadCloud(name, { env, readFile: files({ [etc]: content, ...more }) });

const password = `
clouds:
  prod:
    region_name: RegionTwo
    interface: internal
    cacert: /etc/ssl/ours.pem
    auth:
      auth_url: https://keystone:5000/v3
      username: ha
      password: 12345
      project_name: admin
      user_domain_name: Default
      project_domain_id: default
  other:
    auth: {}
`;

describe('an entry of clouds.yaml', () => {
  it('gives a connection by password, also one that YAML takes for a number', async () => {
    expect(cloudConfig(await load('prod', password))).toEqual({
      authUrl: 'https://keystone:5000/v3',
      credentials: {
        kind: 'password',
        username: 'ha',
        password: '12345',
        userDomain: { name: 'Default' },
        project: { name: 'admin', domain: { id: 'default' } },
      },
      region: 'RegionTwo',
      endpointInterface: 'internal',
      tls: { verify: true, caFile: '/etc/ssl/ours.pem' },
    });
  });

  it.each([
    ['0123', '0123'],
    ['1e10', '1e10'],
    ['089', '089'],
    ['1.50', '1.50'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['0x1F', '0x1F'],
    ['1_000', '1_000'],
    ['yes', 'yes'],
    ['.inf', '.inf'],
    ['2026-11-01', '2026-11-01'],
    ['!!int 07', '07'],
    ['!!str 07', '07'],
    ['"~"', '~'],
    ["'null'", 'null'],
    ['a#b', 'a#b'],
    ['a #b', 'a'],
    ['~', undefined],
    ['null', undefined],
    ['', undefined],
  ])('has text where text is meant: %s', async (written, meant) => {
    expect((await load('c', `clouds:\n  c:\n    auth:\n      password: ${written}\n`)).password).toBe(meant);
  });

  it('follows merge keys', async () => {
    const content = `
x-common: &common {region_name: R, auth: &auth {auth_url: "http://k/v3", username: ha, password: first}}
clouds:
  a: *common
  b: {<<: *common, region_name: S}
  c: {auth: {<<: [*auth, {project_name: p}], password: second}}
`;
    const settings = { authUrl: 'http://k/v3', username: 'ha' };
    expect(await load('a', content)).toEqual({ ...settings, password: 'first', region: 'R' });
    expect(await load('b', content)).toEqual({ ...settings, password: 'first', region: 'S' });
    expect(await load('c', content)).toEqual({ ...settings, password: 'second', projectName: 'p' });
  });

  it('may have what belongs to auth beside it, and hyphens', async () => {
    const content = `clouds: {c: {username: ha, project-name: p, user-domain-name: heat, region-name: R,
      auth: {auth-url: 'http://k/v3', password: hunter, project_name: other}}}`;
    expect(await load('c', content)).toEqual({
      authUrl: 'http://k/v3',
      username: 'ha',
      password: 'hunter',
      projectName: 'p',
      userDomain: { name: 'heat' },
      region: 'R',
    });
  });

  it('has values of its own for a region', async () => {
    const content = `clouds: {c: {interface: internal, regions: [one, {name: two, values: {interface: public}}]}}`;
    expect(await load('c', content)).toEqual({ region: 'one', endpointInterface: 'internal' });
    const deps = { env: {}, readFile: files({ [etc]: content }) };
    expect(await loadCloud('c', { ...deps, region: 'two' })).toEqual({
      region: 'two',
      endpointInterface: 'public',
    });
    expect((await loadCloud('c', { ...deps, region: 'three' })).endpointInterface).toBe('internal');
    expect(await load('c', 'clouds: {c: {region_name: "one, two"}}')).toEqual({ region: 'one' });
  });

  it('builds on a profile of clouds-public.yaml', async () => {
    const profiles = {
      '/etc/openstack/clouds-public.yaml':
        'public-clouds: {big: {auth: {auth_url: "http://big/v3"}, region_name: R, interface: public}}',
    };
    for (const key of ['profile', 'cloud']) {
      const content = `clouds: {c: {${key}: big, region_name: S, auth: {username: ha}}}`;
      expect(await load('c', content, profiles)).toEqual({
        authUrl: 'http://big/v3',
        username: 'ha',
        region: 'S',
        endpointInterface: 'public',
      });
    }
    await expect(load('c', 'clouds: {c: {profile: small}}', profiles)).rejects.toThrow(
      /^In \/etc\/openstack\/clouds\.yaml, clouds\.c builds on the profile small, which is in none of .*: write what it says/,
    );
  });

  it('says where single services are', async () => {
    const content = `clouds: {c: {compute_endpoint_override: 'http://n', image_interface: admin, volume_endpoint: 'http://c',
      placement_region_name: P, identity_endpoint_override: 'http://k/v3'}}`;
    expect((await load('c', content)).services).toEqual({
      compute: { endpoint: 'http://n' },
      image: { endpointInterface: 'admin' },
      'block-storage': { endpoint: 'http://c' },
      placement: { region: 'P' },
      identity: { endpoint: 'http://k/v3' },
    });
  });

  it('gives a connection by application credential', async () => {
    const settings = await load(
      'prod',
      `clouds: {prod: {auth_type: v3applicationcredential, verify: false, cert: /c.pem, key: /k.pem, regions: [{name: one}],
        auth: {auth_url: 'http://k/v3', application_credential_id: ac, application_credential_secret: hush}}}`,
    );
    expect(cloudConfig(settings)).toEqual({
      authUrl: 'http://k/v3',
      credentials: { kind: 'applicationCredential', id: 'ac', secret: 'hush' },
      region: 'one',
      endpointInterface: 'internal',
      tls: { verify: false, certFile: '/c.pem', keyFile: '/k.pem' },
    });
  });

  it('gives an application credential by name with its user', async () => {
    const settings = await load(
      'prod',
      `clouds: {prod: {auth_type: v3applicationcredential, auth: {auth_url: 'http://k/v3', username: bob,
        user_domain_name: heat, application_credential_name: ac, application_credential_secret: hush}}}`,
    );
    expect(cloudConfig(settings).credentials).toEqual({
      kind: 'applicationCredential',
      name: 'ac',
      user: { name: 'bob', domain: { name: 'heat' } },
      secret: 'hush',
    });
  });

  it.each([
    ['insecure: true', false],
    ['insecure: "1"', false],
    ['insecure: false', undefined],
    ['verify: false', false],
    ['verify: "no"', false],
    ['verify: true', true],
  ])('%s means verify %s', async (line, verify) => {
    expect((await load('c', `clouds: {c: {${line}}}`)).verify).toBe(verify);
  });

  it('shares a domain between user and project', async () => {
    const settings = await load('c', 'clouds: {c: {auth: {domain_name: heat, user_domain_id: own}}}');
    expect(settings).toEqual({ userDomain: { id: 'own' }, projectDomain: { name: 'heat' } });
  });

  it('is completed by secure.yaml', async () => {
    const settings = await load('prod', password, {
      '/etc/openstack/secure.yaml': 'clouds: {prod: {auth: {password: fromSecure}}}',
    });
    expect(settings).toMatchObject({ password: 'fromSecure', username: 'ha' });
  });

  it('leaves out what it does not say, so that parameters can be laid over it', async () => {
    const settings: CloudSettings = { ...(await load('other', password)), authUrl: 'http://k/v3' };
    expect(settings).toEqual({ authUrl: 'http://k/v3' });
  });
});

describe('where clouds.yaml is looked for', () => {
  const entry = (url: string) => `clouds: {c: {auth: {auth_url: '${url}'}}}`;

  it('the named file alone, then the home, then /etc', async () => {
    const everywhere = {
      '/my/clouds.yaml': entry('named'),
      '/root/.config/openstack/clouds.yaml': entry('home'),
      '/xdg/openstack/clouds.yml': entry('xdg'),
    };
    const from = async (env: Record<string, string>) =>
      (await load('c', entry('etc'), everywhere, env)).authUrl;
    expect(await from({})).toBe('etc');
    expect(await from({ HOME: '/root' })).toBe('home');
    expect(await from({ HOME: '/root', XDG_CONFIG_HOME: '/xdg' })).toBe('xdg');
    expect(await from({ HOME: '/root', OS_CLIENT_CONFIG_FILE: '/my/clouds.yaml' })).toBe('named');
    await expect(from({ OS_CLIENT_CONFIG_FILE: '/no/clouds.yaml' })).rejects.toThrow(
      'There is no clouds.yaml to find cloud c in: looked for /no/clouds.yaml',
    );
  });

  it('is the real file system by default', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'nova-client-clouds-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    mkdirSync(join(directory, 'openstack'));
    writeFileSync(join(directory, 'openstack/clouds.yaml'), entry('http://k/v3'));
    expect(await loadCloud('c', { env: { XDG_CONFIG_HOME: directory } })).toEqual({ authUrl: 'http://k/v3' });
    await expect(loadCloud('c', { env: { OS_CLIENT_CONFIG_FILE: directory } })).rejects.toMatchObject({
      code: 'config',
      message: `${directory} cannot be read: it is a directory`,
    });
  });
});

describe('a clouds.yaml that does not help', () => {
  it.each([
    ['', 'has no cloud c: it has no entry under clouds'],
    ['clouds: {}', 'has no cloud c: it has no entry under clouds'],
    ['other: 1', 'has no cloud c: it has no entry under clouds'],
    [password, 'has no cloud c: it has other, prod'],
    ['clouds: [c]', 'In /etc/openstack/clouds.yaml, clouds is a list, an object was expected'],
    ['just text', 'In /etc/openstack/clouds.yaml, the whole is a string, an object was expected'],
    ['clouds: {c: 1}', 'clouds.c is a string, an object was expected'],
    ['clouds: {c: [1]}', 'clouds.c is a list, an object was expected'],
    ['clouds: {c: {auth: {username: [x]}}}', 'clouds.c.auth.username is a list, a string was expected'],
    ['clouds: {c: {verify: maybe}}', 'clouds.c.verify is a string, true or false was expected'],
    [
      'clouds: {c: {auth: {system_scope: all}}}',
      'clouds.c.auth.system_scope asks for a token of system scope',
    ],
    ['clouds: {c: {auth: {trust_id: t}}}', 'clouds.c.auth.trust_id asks for a log-in by trust'],
    ['clouds: {c: {image_interface: outer}}', 'clouds.c.image_interface is none of internal, public, admin'],
    ['clouds: {c: {interface: outer}}', 'clouds.c.interface is none of internal, public, admin'],
    [
      'clouds: {c: {auth_type: v2password}}',
      'clouds.c.auth_type is v2password, but only password, v3password,',
    ],
  ])('%j', async (content, message) => {
    await expect(load('c', content)).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining(message),
    });
  });

  it.each([
    ['*hunter22', 'line 4 (a value that begins with * has to stand in quotation marks)'],
    ['!hunter22', 'line 4 (a value that begins with ! has to stand in quotation marks)'],
    ['&hunter22', 'line 4 (a value that begins with & has to stand in quotation marks)'],
    ['@hunter22', 'line 4 (BAD_SCALAR_START)'],
    ['"hunter22', 'is not YAML: line'],
    ['a: hunter22', 'is not YAML: line 4'],
    ['[hunter22]', 'clouds.c.auth.password is a list, a string was expected'],
    ['{hunter22}', 'clouds.c.auth.password is an object, a string was expected'],
    ['!!binary aHVudGVyMjI=', 'clouds.c.auth.password is an object, a string was expected'],
  ])('is not quoted for a password that is not in quotation marks: %s', async (written, message) => {
    const content = `clouds:\n  c:\n    auth:\n      password: ${written}\n`;
    const failure: unknown = await load('c', content).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'config', message: expect.stringContaining(message) });
    expect(String(failure)).not.toMatch(/hunter22|aHVudGVyMjI/);
  });

  it('is not quoted where a secret stands in the wrong place', async () => {
    for (const content of [
      'hunter22',
      'clouds: hunter22',
      'clouds: {c: hunter22}',
      'clouds: {c: {auth: hunter22}}',
    ]) {
      const failure: unknown = await load('c', content).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'config' });
      expect(String(failure)).not.toContain('hunter22');
    }
  });

  it('is not quoted where it is broken, for it holds passwords', async () => {
    const failure: unknown = await load('c', 'clouds:\n  c:\n    auth: {password: "hunter22\n').catch(
      (e: unknown) => e,
    );
    expect(failure).toMatchObject({
      code: 'config',
      message: expect.stringMatching(/is not YAML: line \d+ \([A-Z_]+\)$/),
    });
    expect(String(failure)).not.toContain('hunter22');
  });

  it.each([
    [{}, 'The connection to the cloud lacks auth_url, the address of Keystone'],
    [{ authUrl: 'x' }, 'The connection to the cloud lacks username'],
    [{ authUrl: 'x', username: 'u' }, 'The connection to the cloud lacks password'],
    [
      { authUrl: 'x', userId: 'u', password: 'p' },
      'The connection to the cloud lacks tenant_name (project_name), the project to log in to',
    ],
    [
      { authUrl: 'x', applicationCredentialId: 'a' },
      'The connection to the cloud lacks application_credential_secret',
    ],
    [
      { authUrl: 'x', applicationCredentialName: 'a', applicationCredentialSecret: 's' },
      'The connection to the cloud lacks username, to whom the application credential of that name belongs',
    ],
    [
      { authUrl: 'x', username: 'u', password: 'p', projectName: 'a', keyFile: '/k' },
      'A client key is given without its certificate',
    ],
  ])('and settings that are not enough: %j', (settings, message) => {
    expect(() => cloudConfig(settings)).toThrow(message);
  });
});

describe('settings laid over others', () => {
  const byPassword: CloudSettings = {
    authUrl: 'http://k/v3',
    userId: 'u-1',
    password: 'old',
    projectId: 'p-1',
    projectDomain: { id: 'd-1' },
    region: 'R',
    certFile: '/c',
    keyFile: '/k',
    services: { compute: { endpoint: 'http://n', endpointInterface: 'admin', region: 'S' } },
  };
  const byCredential: CloudSettings = {
    authUrl: 'http://k/v3',
    applicationCredentialId: 'ac',
    applicationCredentialSecret: 'hush',
  };
  it.each<[string, CloudSettings, CloudSettings, CloudSettings]>([
    ['nothing', byPassword, {}, byPassword],
    ['a user by name', byPassword, { username: 'ha' }, { username: 'ha', userId: undefined } as never],
    [
      'a project by name',
      byPassword,
      { projectName: 'p' },
      { projectName: 'p', projectId: undefined } as never,
    ],
    ['a certificate', byPassword, { certFile: '/d' }, { certFile: '/d', keyFile: undefined } as never],
    [
      'another cloud',
      byPassword,
      { authUrl: 'http://l' },
      { authUrl: 'http://l', services: undefined } as never,
    ],
    [
      'another region',
      byPassword,
      { region: 'T' },
      { region: 'T', services: { compute: { endpointInterface: 'admin' } } },
    ],
    [
      'another interface',
      byPassword,
      { endpointInterface: 'public' },
      { endpointInterface: 'public', services: { compute: { region: 'S' } } },
    ],
  ])('%s', (_what, below, above, changed) => {
    const expected = Object.entries({ ...below, ...changed }).filter(([, value]) => value !== undefined);
    expect(overlaid(below, above)).toEqual(Object.fromEntries(expected));
  });

  it('a password instead of an application credential, and the other way round', () => {
    expect(overlaid(byCredential, { username: 'ha', password: 'new', projectName: 'p' })).toEqual({
      authUrl: 'http://k/v3',
      username: 'ha',
      password: 'new',
      projectName: 'p',
    });
    const { certFile, keyFile, services, region, authUrl } = byPassword;
    const rest = { authUrl, region, certFile, keyFile, services };
    expect(
      overlaid(byPassword, { applicationCredentialId: 'new', applicationCredentialSecret: 's' }),
    ).toEqual({ ...rest, applicationCredentialId: 'new', applicationCredentialSecret: 's' });
    expect(overlaid(byCredential, { applicationCredentialName: 'n', username: 'ha' })).toEqual({
      authUrl: 'http://k/v3',
      applicationCredentialName: 'n',
      username: 'ha',
      applicationCredentialSecret: 'hush',
    });
  });
});
