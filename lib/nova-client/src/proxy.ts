/**
 * Which proxy a request goes through. Node's own agents can talk to proxies, but their reading of NO_PROXY knows
 * neither networks (`10.0.0.0/24`) nor that a bare domain covers its hosts, both of which deployments rely on
 * because curl and Python's requests do. So the decision is made here, and only the talking is left to Node.
 */
import { NovaError } from './errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy's URL, or null for a direct connection. Lower-case variables win over upper-case ones, as in curl. */
export function proxyFor(url: URL, env: Environment): string | null {
  const scheme = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const proxy = variable(env, scheme) ?? variable(env, 'all_proxy');
  if (proxy === null || isExempt(url, variable(env, 'no_proxy') ?? '')) return null;
  return checkedProxy(proxy, scheme);
}

function variable(env: Environment, name: string): string | null {
  return env[name] || env[name.toUpperCase()] || null;
}

function checkedProxy(text: string, name: string): string {
  const full = text.includes('://') ? text : `http://${text}`;
  const proxy = URL.canParse(full) ? new URL(full) : null;
  if (proxy === null || (proxy.protocol !== 'http:' && proxy.protocol !== 'https:')) {
    throw new NovaError('config', `The environment's ${name} is not the address of an HTTP proxy`);
  }
  return full;
}

/** Whether NO_PROXY exempts the URL's host. */
export function isExempt(url: URL, noProxy: string): boolean {
  const host = bare(url.hostname);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return noProxy
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => matches(entry.toLowerCase(), host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (inNetwork(host, entry)) return true;
  const withPort = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry);
  if (withPort !== null && withPort[2] !== port) return false;
  const name = bare(withPort?.[1] ?? entry).replace(/^\*?\./, '');
  return name !== '' && (host === name || (!isAddress(host) && host.endsWith(`.${name}`)));
}

function inNetwork(host: string, entry: string): boolean {
  const match = /^(.+)\/(\d{1,3})$/.exec(entry);
  const net = process.getBuiltinModule('node:net');
  const family = net.isIP(host);
  const network = bare(match?.[1] ?? '');
  if (match === null || family === 0 || net.isIP(network) !== family) return false;
  const prefix = Number(match[2]);
  if (prefix > (family === 4 ? 32 : 128)) return false;
  const list = new net.BlockList();
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(network, prefix, kind);
  return list.check(host, kind);
}

function isAddress(host: string): boolean {
  return process.getBuiltinModule('node:net').isIP(host) !== 0;
}

/** A host without the brackets that an IPv6 literal wears in a URL. */
export function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
}
