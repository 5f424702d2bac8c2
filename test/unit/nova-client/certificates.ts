// The certificates of test/certificates, as the client's tests use them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCertificates } from '../../certificates/make.ts';

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

export async function makeCertificates(): Promise<Certificates> {
  const directory = mkdtempSync(join(tmpdir(), 'nova-client-tls-'));
  await writeCertificates(directory);
  const file = (name: string) => join(directory, name);
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
