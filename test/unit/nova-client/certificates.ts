// Certificates made for one test run: an authority, a server's and a client's, signed by it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificates {
  readonly directory: string;
  readonly caFile: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  /** Certificate and key in one file. */
  readonly clientBothFile: string;
  /** A directory as `c_rehash` makes it. */
  readonly hashedDirectory: string;
  readonly remove: () => void;
}

export function makeCertificates(): Certificates {
  const directory = mkdtempSync(join(tmpdir(), 'nova-client-tls-'));
  const file = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
  );
  const sign = (name: string, extensions: string) => {
    writeFileSync(file(`${name}.ext`), extensions);
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const out = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-days', '2', '-extfile', `${name}.ext`];
    openssl('x509', '-req', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', ...out);
  };
  sign('server', 'subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost\n');
  sign('client', 'extendedKeyUsage=clientAuth\n');
  writeFileSync(
    file('both.pem'),
    readFileSync(file('client.pem'), 'utf8') + readFileSync(file('client.key'), 'utf8'),
  );
  const hash = openssl('x509', '-in', 'ca.pem', '-noout', '-hash').toString().trim();
  execFileSync('mkdir', [file('hashed')]);
  writeFileSync(file(`hashed/${hash}.0`), readFileSync(file('ca.pem')));
  return {
    directory,
    caFile: file('ca.pem'),
    serverCert: readFileSync(file('server.pem'), 'utf8'),
    serverKey: readFileSync(file('server.key'), 'utf8'),
    clientCertFile: file('client.pem'),
    clientKeyFile: file('client.key'),
    clientBothFile: file('both.pem'),
    hashedDirectory: file('hashed'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
