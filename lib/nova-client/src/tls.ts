/** What TLS connections trust and present. Read once per client, and only when an https address is used. */
import type { SecureContext, SecureContextOptions } from 'node:tls';
import { NovaError } from './errors.ts';
import { fileReason } from './fileReason.ts';
import type { Environment } from './proxy.ts';
import { tellable } from './secrets.ts';
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

/**
 * Reads what the configuration names and has TLS make something of it, without a connection. Throws `NovaError` with code
 * `config`, and as its cause what the file system said of a file that cannot be read.
 */
export function checkFiles(config: TlsConfig): void {
  const { caFile, certFile } = config;
  if (caFile === undefined && certFile === undefined) return;
  createSecureContext({ ...config, verify: caFile !== undefined }, {});
}

/** A context of TLS, made once: parsing the system's hundred and more authorities for every connection is what costs. */
export function createSecureContext(config: TlsConfig, env: Environment): SecureContext {
  const options = secureContextOptions(config, env);
  try {
    return process.getBuiltinModule('node:tls').createSecureContext(options);
  } catch (error) {
    const files = [config.caFile, config.certFile, config.keyFile].filter((file) => file !== undefined);
    const why = error instanceof Error ? tellable(error.message, 200) : 'unknown reason';
    throw new NovaError(
      'config',
      `The certificate files (${files.join(', ') || 'of the environment'}) cannot be used: ${why}`,
    );
  }
}

function authorities(config: TlsConfig, env: Environment): string[] | null {
  if (config.caFile !== undefined) return readAuthorities(config.caFile, 'the CA certificate file');
  for (const name of ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE']) {
    const path = env[name];
    if (path !== undefined && path !== '') return readAuthorities(path, name);
  }
  const fs = process.getBuiltinModule('node:fs');
  // Nobody asked for these by name: one that is broken must not hold up what another, or Node's own list, can do.
  for (const path of systemBundles.filter((each) => fs.existsSync(each))) {
    const pem = readIfPem(path);
    if (pem !== null) return [pem];
  }
  return null;
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
  // A link of a certificate that was taken away since, or a file that is none, is in nobody's way.
  const hashed = fs
    .readdirSync(path)
    .filter((name) => /^[0-9a-f]{8}\.\d+$/.test(name))
    .sort()
    .map((name) => readIfPem(`${path}/${name}`))
    .filter((pem) => pem !== null);
  if (hashed.length === 0) {
    throw new NovaError(
      'config',
      `The directory ${path} (${what}) holds no certificates; run c_rehash on it`,
    );
  }
  return hashed;
}

/** Null for what cannot be read or holds no certificate. */
function readIfPem(path: string): string | null {
  try {
    const text = process.getBuiltinModule('node:fs').readFileSync(path, 'utf8');
    return text.includes('-----BEGIN ') ? text : null;
  } catch {
    return null;
  }
}

function readPem(path: string, what: string): string {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(path, 'utf8');
  } catch (error) {
    throw new NovaError('config', `${path} (${what}) cannot be read: ${fileReason(error)}`, { cause: error });
  }
}
