/** What TLS connections trust and present. Read once per client, and only when an https address is used. */
import type { SecureContextOptions } from 'node:tls';
import { NovaError } from './errors.ts';
import type { Environment } from './proxy.ts';
import type { TlsConfig } from './types.ts';

/** Where the operating systems keep the bundle of authorities they trust: Debian, RHEL, and SUSE. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
];

/**
 * The order is that of the Python clients operators know: an explicit file, else `REQUESTS_CA_BUNDLE` or
 * `CURL_CA_BUNDLE` (a file, or a directory as `c_rehash` makes it), else the system's store. Where the system
 * has none, `ca` stays away and Node's built-in list is used.
 */
export function secureContextOptions(config: TlsConfig, env: Environment): SecureContextOptions {
  const options: SecureContextOptions = {};
  if (config.verify) {
    const ca = authorities(config, env);
    if (ca !== null) options.ca = ca;
  }
  if (config.certFile !== undefined) {
    options.cert = readPem(config.certFile, 'the client certificate');
    options.key =
      config.keyFile === undefined ? options.cert : readPem(config.keyFile, "the client certificate's key");
  }
  return options;
}

function authorities(config: TlsConfig, env: Environment): string[] | null {
  if (config.caFile !== undefined) return readAuthorities(config.caFile, 'the CA certificate file');
  for (const name of ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE']) {
    const path = env[name];
    if (path !== undefined && path !== '') return readAuthorities(path, name);
  }
  const fs = process.getBuiltinModule('node:fs');
  const bundle = systemBundles.find((path) => fs.existsSync(path));
  return bundle === undefined ? null : readAuthorities(bundle, "the system's CA bundle");
}

function readAuthorities(path: string, what: string): string[] {
  const fs = process.getBuiltinModule('node:fs');
  if (!fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    const pem = readPem(path, what);
    if (!pem.includes('-----BEGIN ')) {
      throw new NovaError('config', `${path} (${what}) holds no certificate in PEM form`);
    }
    return [pem];
  }
  const hashed = fs.readdirSync(path).filter((name) => /^[0-9a-f]{8}\.\d+$/.test(name));
  if (hashed.length === 0) {
    throw new NovaError(
      'config',
      `The directory ${path} (${what}) holds no certificates; run c_rehash on it`,
    );
  }
  return hashed.sort().map((name) => readPem(`${path}/${name}`, what));
}

function readPem(path: string, what: string): string {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new NovaError('config', `${path} (${what}) cannot be read: ${plainReason(reason)}`);
  }
}

function plainReason(code: string): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    default:
      return code;
  }
}
