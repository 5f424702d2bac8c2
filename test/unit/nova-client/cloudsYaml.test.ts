import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CloudSettings, cloudConfig, loadCloud } from '@openstack-ts/nova-client';
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
      message: `${directory} cannot be read: EISDIR`,
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
    ['just text', 'the body is the string "just text", an object was expected'],
    ['clouds: {c: 1}', 'clouds.c is a number, an object was expected'],
    ['clouds: {c: {auth: {username: [x]}}}', 'clouds.c.auth.username is a list, a string was expected'],
    ['clouds: {c: {verify: maybe}}', 'clouds.c.verify is the string "maybe", true or false was expected'],
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
