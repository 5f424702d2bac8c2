import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ConnectionParameterName,
  type ConnectionValues,
  connectionParameters,
  missingParameter,
  toCloudConfig,
} from '../../../lib/connection/index.ts';

type Strings = Partial<Record<ConnectionParameterName, string>>;

const values = (strings: Strings, insecure: boolean | null = null): ConnectionValues => ({
  strings,
  insecure,
});
const password: Strings = { auth_url: 'http://k:5000', username: 'u', password: 'secret', tenant_name: 't' };

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'connection-'));
  writeFileSync(join(dir, 'ca.pem'), 'PEM');
  writeFileSync(
    join(dir, 'clouds.yaml'),
    'clouds:\n  main:\n    auth: {auth_url: "http://yaml:5000", username: y, password: z, project_name: p}\n    region_name: R\n    verify: false\n',
  );
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('which parameter is missing for a log-in', () => {
  test.each<[string, Strings, ConnectionParameterName | null]>([
    ['nothing at all', {}, 'auth_url'],
    ['user and password', password, null],
    ['no auth_url', { ...password, auth_url: '' }, 'auth_url'],
    ['no username', { ...password, username: '' }, 'username'],
    ['no password', { ...password, password: '' }, 'password'],
    ['no project', { ...password, tenant_name: '' }, 'tenant_name'],
    ['clouds.yaml', { cloud: 'main' }, null],
    [
      'application credential',
      { auth_url: 'http://k', application_credential_id: 'i', application_credential_secret: 's' },
      null,
    ],
    ['its secret', { auth_url: 'http://k', application_credential_id: 'i' }, 'application_credential_secret'],
    ['its auth_url', { application_credential_id: 'i', application_credential_secret: 's' }, 'auth_url'],
    [
      'by name, its owner',
      { auth_url: 'http://k', application_credential_name: 'n', application_credential_secret: 's' },
      'username',
    ],
    [
      'by name',
      {
        auth_url: 'http://k',
        application_credential_name: 'n',
        username: 'u',
        application_credential_secret: 's',
      },
      null,
    ],
  ])('%s', (_what, strings, missing) => {
    expect(missingParameter(values(strings))).toBe(missing);
  });
});

describe('from parameters to the configuration of a cloud', () => {
  test('what is not given is left to defaults', async () => {
    expect(await toCloudConfig(values(password), {})).toMatchObject({
      authUrl: expect.stringMatching(/^http:\/\/k:5000/),
      endpointInterface: 'internal',
      tls: { verify: true },
      credentials: { kind: 'password', username: 'u', password: 'secret', project: { name: 't' } },
    });
  });

  test('every parameter arrives', async () => {
    const config = await toCloudConfig(
      values(
        {
          ...password,
          user_domain: 'Users',
          project_domain: 'Projects',
          endpoint_type: 'publicURL',
          region_name: 'R',
          cacert: join(dir, 'ca.pem'),
        },
        true,
      ),
      {},
    );
    expect(config).toMatchObject({
      endpointInterface: 'public',
      region: 'R',
      tls: { verify: false, caFile: join(dir, 'ca.pem') },
    });
    expect(JSON.stringify(config)).toContain('Users');
    expect(JSON.stringify(config)).toContain('Projects');
  });

  test('insecure=0 means verify, also over an entry of clouds.yaml that says otherwise', async () => {
    const env = { OS_CLIENT_CONFIG_FILE: join(dir, 'clouds.yaml') };
    expect((await toCloudConfig(values({ cloud: 'main' }), env)).tls.verify).toBe(false);
    expect((await toCloudConfig(values({ cloud: 'main' }, false), env)).tls.verify).toBe(true);
    expect(await toCloudConfig(values({ cloud: 'main', region_name: 'other' }), env)).toMatchObject({
      region: 'other',
      authUrl: expect.stringContaining('yaml'),
    });
  });

  test.each<[Strings, RegExp]>([
    [{ ...password, auth_url: 'k:5000' }, /^auth_url is not an http or https address/],
    [{ ...password, auth_url: 'ftp://k' }, /^auth_url is not an http or https address/],
    [{ ...password, endpoint_type: 'odd' }, /^endpoint_type must be internalURL, publicURL or adminURL$/],
    [{ ...password, cacert: '/no/such' }, /^The file \/no\/such of cacert cannot be read$/],
    [{ ...password, cert: '/no/such' }, /^The file \/no\/such of cert cannot be read$/],
    [{ ...password, key: '/no/such' }, /^key is given without cert$/],
    [{ cloud: 'nosuch' }, /nosuch/],
  ])('%j is refused in one sentence without a secret', async (strings, message) => {
    const env = { OS_CLIENT_CONFIG_FILE: join(dir, 'clouds.yaml') };
    const error = await toCloudConfig(values(strings), env).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'NovaError',
      code: 'config',
      message: expect.stringMatching(message),
    });
    expect(String(error)).not.toMatch(/secret|\n/);
  });

  test('a clouds.yaml that cannot be read is named', async () => {
    const path = join(dir, 'unreadable.yaml');
    writeFileSync(path, 'clouds: {}');
    chmodSync(path, 0);
    const env = { OS_CLIENT_CONFIG_FILE: path };
    await expect(toCloudConfig(values({ cloud: 'main' }), env)).rejects.toMatchObject({ code: 'config' });
  });
});

test('secrets are declared as such, and every parameter has its texts', () => {
  expect(connectionParameters.filter(({ secret }) => secret).map(({ name }) => name)).toEqual([
    'password',
    'application_credential_secret',
  ]);
  for (const { name, shortdesc, longdesc, fencing } of connectionParameters) {
    expect([name, shortdesc !== '' && longdesc.endsWith('.'), fencing.long.includes('_')]).toEqual([
      name,
      true,
      false,
    ]);
  }
});
