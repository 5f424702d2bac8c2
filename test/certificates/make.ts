// Certificates made for one test run, with nothing but Node: an authority, a server's and a client's signed by it.
import 'reflect-metadata';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 24 * 3600_000;

/**
 * Writes into a directory: `ca.pem`, `server.pem` and `server.key` (for 127.0.0.1, ::1 and localhost), `client.pem`,
 * `client.key`, `both.pem` (the client's certificate and key in one file), and `hashed/`, a directory of authorities as
 * `c_rehash` makes it.
 */
export async function writeCertificates(directory: string): Promise<void> {
  const notBefore = new Date(Date.now() - dayMs);
  const notAfter = new Date(Date.now() + dayMs);
  const write = (name: string, text: string) =>
    writeFileSync(join(directory, name), `${text}\n`, { mode: 0o600 });

  const caKeys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=test authority',
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    keys: caKeys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  write('ca.pem', ca.toString('pem'));
  mkdirSync(join(directory, 'hashed'));
  write('hashed/0123abcd.0', ca.toString('pem'));

  const issue = async (name: string, serialNumber: string, extension: x509.Extension) => {
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber,
      subject: `CN=${name}`,
      issuer: ca.subject,
      notBefore,
      notAfter,
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      extensions: [extension],
    });
    const key = x509.PemConverter.encode(
      await crypto.subtle.exportKey('pkcs8', keys.privateKey),
      'PRIVATE KEY',
    );
    write(`${name}.pem`, certificate.toString('pem'));
    write(`${name}.key`, key);
    return `${certificate.toString('pem')}\n${key}`;
  };
  const names: x509.JsonGeneralNames = [
    { type: 'ip', value: '127.0.0.1' },
    { type: 'ip', value: '::1' },
    { type: 'dns', value: 'localhost' },
  ];
  await issue('server', '02', new x509.SubjectAlternativeNameExtension(names));
  write(
    'both.pem',
    await issue('client', '03', new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])),
  );
}
