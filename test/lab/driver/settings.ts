import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The lab's own directory, `test/lab`. */
export const LAB = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** The repository's directory. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** Values of the shell's settings, asked of the shell so that they are written down once. */
function fromShell(names: readonly string[]): string[] {
  const script = `. ${JSON.stringify(`${LAB}/cloud/cloud.sh`)}; printf '%s\\n' ${names.map((n) => `"$${n}"`).join(' ')}`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trimEnd().split('\n');
}

const [
  run = '',
  netns = '',
  controllers = '',
  computes = '',
  domain = '',
  password = '',
  demo = '',
  keystoneUrl = '',
  novaUrl = '',
  proxyUrl = '',
  placementUrl = '',
  novaUid = '',
] = fromShell([
  'RUN',
  'NETNS',
  'CONTROLLERS',
  'COMPUTES',
  'DOMAIN',
  'ADMIN_PASSWORD',
  'DEMO_PASSWORD',
  'KEYSTONE_URL',
  'NOVA_URL',
  'PROXY_URL',
  'PLACEMENT_URL',
  'NOVA_UID',
]);

/** Directory of all run-time state. */
export const RUN = run;
/** What the names of the lab's network namespaces begin with. */
export const NETNS = netns;
/** Names of the full cluster nodes. */
export const CONTROLLERS: readonly string[] = controllers.split(' ');
/** Names of the compute nodes, in the cluster's spelling. */
export const COMPUTES: readonly string[] = computes.split(' ');
/** What Nova's host names have after the node's name. */
export const DOMAIN = domain;
/** User id of nova in the nodes. */
export const NOVA_UID = Number(novaUid);
export const ADMIN_PASSWORD = password;
export const DEMO_PASSWORD = demo;
export const KEYSTONE_URL = keystoneUrl;
export const NOVA_URL = novaUrl;
/** Where `proxy.ts` listens. */
export const PROXY_URL = proxyUrl;
export const PLACEMENT_URL = placementUrl;

/** Nova's name of a node's compute service. */
export const hostOf = (node: string): string => `${node}.${domain}`;
/** The cluster's name of the node of a compute service. */
export const nodeOf = (host: string): string => host.split('.')[0] ?? host;
