import { lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CloudConfig, connect, type TlsConfig } from '@openstack-ts/nova-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificates, makeCertificates } from './certificates.ts';
import { type Cloud, cloud, configOf, loopback, surroundings } from './loopback.ts';

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates.remove());

async function secure(options: { host?: string; clients?: boolean } = {}): Promise<Cloud> {
  const { serverCert: cert, serverKey: key, caFile } = certificates;
  const { readFileSync } = await import('node:fs');
  const clients = options.clients
    ? { requestCert: true, rejectUnauthorized: true, ca: readFileSync(caFile) }
    : {};
  return cloud({
    tls: { cert, key, ...clients },
    ...(options.host === undefined ? {} : { host: options.host }),
  });
}
const withTls = (config: CloudConfig, tls: TlsConfig): CloudConfig => ({ ...config, tls });

describe('an authority that is not known', () => {
  it('ends the connection before anything is sent, with the remedy', async () => {
    const one = await secure();
    const deps = surroundings();
    await expect(connect(one.config, deps)).rejects.toMatchObject({
      code: 'tls',
      unanswered: false,
      message:
        `The TLS connection to Keystone at ${one.url} failed: ` +
        'the certificate is signed by an authority that is not trusted here; give cacert',
    });
    expect(one.seen).toEqual([]);
    expect(deps.pauses).toEqual([]);
  });

  it.each(['127.0.0.1', '::1'])('is trusted by cacert, at %s', async (host) => {
    const one = await secure({ host });
    await connect(withTls(one.config, { verify: true, caFile: certificates.caFile }), surroundings());
    expect(one.lines()).toEqual(['POST /v3/auth/tokens', 'GET /v2.1/']);
  });

  it.each(['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'])(
    'is trusted by %s, a file or a directory',
    async (name) => {
      const one = await secure();
      await connect(one.config, surroundings({ env: { [name]: certificates.caFile } }));
      // What is left of certificates that were taken away, and what is none.
      const gone = join(certificates.hashedDirectory, 'deadbeef.0');
      if (lstatSync(gone, { throwIfNoEntry: false }) === undefined) {
        symlinkSync('/nonexistent/ca.pem', gone);
        writeFileSync(join(certificates.hashedDirectory, 'deadbeef.1'), 'no certificate');
      }
      await connect(one.config, surroundings({ env: { [name]: certificates.hashedDirectory } }));
      expect(one.seen).toHaveLength(4);
    },
  );

  it('is trusted by cacert whatever the environment says', async () => {
    const one = await secure();
    const env = { REQUESTS_CA_BUNDLE: '/etc/passwd' };
    await connect(withTls(one.config, { verify: true, caFile: certificates.caFile }), surroundings({ env }));
  });

  it('does not matter to insecure, which covers the discovery as well', async () => {
    const one = await secure();
    const tls = { verify: false, caFile: '/nonexistent' };
    await connect({ ...configOf(one.url), tls }, surroundings());
    expect(one.lines()).toEqual(['GET /', 'POST /v3/auth/tokens', 'GET /v2.1/']);
  });
});

describe('a certificate', () => {
  it('for another name is refused', async () => {
    const one = await secure({ host: '127.0.0.2' });
    const failure = connect(
      withTls(one.config, { verify: true, caFile: certificates.caFile }),
      surroundings(),
    );
    await expect(failure).rejects.toMatchObject({
      code: 'tls',
      message: expect.stringMatching(/the certificate is for another name$/),
    });
  });

  it('of ours is presented, from two files or one', async () => {
    const one = await secure({ clients: true });
    const { caFile, clientCertFile: certFile, clientKeyFile: keyFile, clientBothFile } = certificates;
    await connect(withTls(one.config, { verify: true, caFile, certFile, keyFile }), surroundings());
    await connect(withTls(one.config, { verify: true, caFile, certFile: clientBothFile }), surroundings());
    expect(one.seen).toHaveLength(4);
  });

  it('of ours that is missing is said to be', async () => {
    const one = await secure({ clients: true });
    const config = withTls(one.config, { verify: true, caFile: certificates.caFile });
    await expect(connect(config, surroundings())).rejects.toMatchObject({
      code: 'tls',
      message: expect.stringMatching(/the other side refused our client certificate or wants one$/),
    });
    expect(one.seen).toEqual([]);
  });
});

describe('files that cannot be used', () => {
  it.each([
    [
      { caFile: '/nonexistent/ca.pem' },
      '/nonexistent/ca.pem (the CA certificate file) cannot be read: there is no such file',
    ],
    [
      { certFile: '/nonexistent/c.pem' },
      '/nonexistent/c.pem (the client certificate) cannot be read: there is no such file',
    ],
    [{ caFile: '/etc/hostname' }, '/etc/hostname (the CA certificate file) holds no certificate in PEM form'],
  ])('are named: %j', async (tls, message) => {
    const one = await secure();
    await expect(
      connect(withTls(one.config, { verify: true, ...tls }), surroundings()),
    ).rejects.toMatchObject({
      code: 'config',
      message,
    });
    expect(one.seen).toEqual([]);
  });

  it("are named when the key is not the certificate's, or a directory is not hashed", async () => {
    const one = await secure();
    const broken = join(certificates.directory, 'broken.pem');
    writeFileSync(broken, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    const config = withTls(one.config, { verify: true, caFile: certificates.caFile, certFile: broken });
    await expect(connect(config, surroundings())).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining(
        `The certificate files (${certificates.caFile}, ${broken}) cannot be used: `,
      ),
    });
    const empty = join(certificates.directory, 'empty');
    mkdirSync(empty);
    await expect(
      connect(one.config, surroundings({ env: { REQUESTS_CA_BUNDLE: empty } })),
    ).rejects.toMatchObject({
      code: 'config',
      message: `The directory ${empty} (REQUESTS_CA_BUNDLE) holds no certificates; run c_rehash on it`,
    });
  });
});

describe('the wrong scheme', () => {
  it('https to a plain port', async () => {
    const one = await loopback(() => ({}));
    const config = configOf(`${one.url.replace('http:', 'https:')}/v3`);
    await expect(connect(config, surroundings())).rejects.toMatchObject({
      code: 'tls',
      message: expect.stringMatching(/the other side does not speak TLS there$/),
    });
  });

  it('http to a TLS port', async () => {
    const one = await secure();
    const config = configOf(`${one.url.replace('https:', 'http:')}/v3`);
    const failure = await connect(config, surroundings()).catch((error: unknown) => error);
    expect(['malformed', 'connectionLost', 'badRequest']).toContain((failure as { code: string }).code);
  });
});
