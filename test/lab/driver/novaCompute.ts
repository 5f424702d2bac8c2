import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { Cloud } from './cloud.ts';
import { waitFor } from './cloud.ts';
import type { Cluster } from './cluster.ts';
import { control } from './node.ts';
import type { Lab } from './scenario.ts';
import {
  ADMIN_PASSWORD,
  COMPUTES,
  CONTROLLERS,
  DOMAIN,
  hostOf,
  KEYSTONE_URL,
  NETNS,
  NOVA_UID,
} from './settings.ts';

/** NovaCompute as a resource of the lab's cluster, and the nova-compute of a node as the machine sees it. */

/** The clone and its one primitive; `cluster/configure` knows nothing of them. */
export const RESOURCE = 'nova-compute';
const CLONE = `${RESOURCE}-clone`;

const CONNECTION: readonly (readonly [string, string])[] = [
  ['auth_url', KEYSTONE_URL],
  ['username', 'admin'],
  ['password', ADMIN_PASSWORD],
  ['tenant_name', 'admin'],
  ['user_domain', 'Default'],
  ['project_domain', 'Default'],
  ['domain', DOMAIN],
  ['region_name', 'RegionOne'],
  ['no_shared_storage', 'true'],
];

function nvpairs(prefix: string, pairs: readonly (readonly [string, string])[]): string {
  return pairs
    .map(([name, value]) => `<nvpair id="${prefix}-${name}" name="${name}" value="${value}"/>`)
    .join('');
}

function cloneXml(parameters: readonly (readonly [string, string])[]): string {
  const operation = (name: string, interval: string, timeout: string, inner = ''): string =>
    `<op id="${RESOURCE}-${name}-${interval}" name="${name}" interval="${interval}" timeout="${timeout}">${inner}</op>`;
  const depth = `<instance_attributes id="${RESOURCE}-depth">${nvpairs(`${RESOURCE}-depth`, [['OCF_CHECK_LEVEL', '10']])}</instance_attributes>`;
  return (
    `<clone id="${CLONE}"><meta_attributes id="${CLONE}-meta">${nvpairs(`${CLONE}-meta`, [['interleave', 'true']])}` +
    `</meta_attributes><primitive id="${RESOURCE}" class="ocf" provider="openstack" type="NovaCompute">` +
    `<instance_attributes id="${RESOURCE}-parameters">${nvpairs(`${RESOURCE}-parameters`, [...CONNECTION, ...parameters])}` +
    `</instance_attributes><operations>${operation('start', '0s', '600s')}${operation('stop', '0s', '30s')}` +
    `${operation('monitor', '10s', '20s')}${operation('monitor', '13s', '20s', depth)}</operations></primitive></clone>`
  );
}

/** Takes the clone away, if there is one, and waits until nothing of it runs. */
export async function removeNovaCompute(cluster: Cluster): Promise<void> {
  const there = await cluster.ask(['crm_resource', '--list-raw']);
  if (!there.split('\n').some((line) => line.split(':')[0] === RESOURCE)) return;
  const stop = ['crm_resource', '-r', CLONE, '--meta', '-p', 'target-role', '-v', 'Stopped'];
  await cluster.ask(stop).catch(() => undefined);
  await waitFor('NovaCompute stopped', 60, async () => {
    const status = await cluster.status().catch(() => undefined);
    return status?.startedOn(RESOURCE).length === 0 || undefined;
  }).catch(() => undefined);
  for (const id of [...CONTROLLERS, ...COMPUTES].map((node) => `${RESOURCE}-not-${node}`)) {
    await cluster.ask(['cibadmin', '--delete', '-o', 'constraints', '-X', `<rsc_location id="${id}"/>`]);
  }
  await cluster.ask(['cibadmin', '--delete', '-o', 'resources', '-X', `<clone id="${CLONE}"/>`]);
  await cluster.ask(['crm_resource', '--wait', '--timeout', '30'], 40).catch(() => undefined);
}

/** Configures the clone for some nodes, and waits until it is started there. */
export async function addNovaCompute(
  cluster: Cluster,
  nodes: readonly string[],
  parameters: Readonly<Record<string, string>>,
): Promise<void> {
  const elsewhere = [...CONTROLLERS, ...COMPUTES].filter((n) => !nodes.includes(n));
  const locations = elsewhere.map(
    (node) =>
      `<rsc_location id="${RESOURCE}-not-${node}" rsc="${CLONE}" node="${node}" score="-INFINITY" ` +
      'resource-discovery="never"/>',
  );
  const constraints = `<constraints>${locations.join('')}</constraints>`;
  const resources = `<resources>${cloneXml(Object.entries(parameters))}</resources>`;
  const configuration = `<configuration>${resources}${constraints}</configuration>`;
  await cluster.ask(['cibadmin', '--modify', '--allow-create', '-o', 'configuration', '-X', configuration]);
  await waitFor(`NovaCompute started on ${nodes.join(', ')}`, 90, async () => {
    const started = (await cluster.status()).startedOn(RESOURCE);
    return nodes.every((n) => started.includes(n)) || undefined;
  });
}

/**
 * Has the cluster manage nova-compute of some nodes, which nothing else starts at boot then, until the scenario ends.
 * Waits until Nova hears from it.
 */
export async function manageNovaCompute(
  lab: Lab,
  nodes: readonly string[],
  parameters: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (const node of nodes) {
    await control('compute-at-boot', node, 'off');
    await control('service', 'stop', `nova-compute-${node}`);
  }
  const stopped = Date.now();
  lab.afterwards(() => removeNovaCompute(lab.cluster));
  await addNovaCompute(lab.cluster, nodes, parameters);
  // What Nova heard of before may be the nova-compute that was stopped; it counts as up for ten seconds more.
  await waitFor(`Nova hears of nova-compute on ${nodes.join(', ')}`, 60, async () => {
    const services = await Promise.all(nodes.map((node) => lab.cloud.service(node)));
    return services.every((s) => s.state === 'up' && s.updatedAt > stopped) || undefined;
  });
  lab.say(`the cluster manages nova-compute of ${nodes.join(', ')}: ${JSON.stringify(parameters)}`);
}

/** Process ids, seen from the machine, of what user nova runs in a node: its nova-compute, whatever started that. */
export function computePids(node: string): number[] {
  const network = `net:[${statSync(`/run/netns/${NETNS}-${node}`).ino}]`;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        if (readlinkSync(`/proc/${entry}/ns/net`) !== network) return false;
        const uid = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1];
        return Number(uid) === NOVA_UID;
      } catch {
        return false; // It has ended meanwhile.
      }
    })
    .map(Number);
}

/** Clock ticks in a second, in which the kernel gives a process's start (proc(5)). */
const TICKS = 100;

/** When a process started, in ms since 1970; undefined when it has ended. */
function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The 22nd field; the second is a name in brackets, which may hold spaces.
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    return Date.now() - (uptime - ticks / TICKS) * 1000;
  } catch {
    return undefined;
  }
}

/**
 * Waits until Nova hears from the nova-compute that runs on each node now. One that was killed counts as up for ten
 * seconds more, and the one started after it sets to ERROR what it finds in the middle of a build: it reports for the
 * first time when it is done with that (nova/compute/manager.py `_init_instance`, nova/service.py `start`).
 */
export async function waitHeard(cloud: Cloud, nodes: readonly string[] = COMPUTES): Promise<void> {
  await waitFor(`Nova hears from the nova-compute that runs on ${nodes.join(', ')}`, 90, async () => {
    const services = await cloud.services();
    const heard = nodes.every((node) => {
      const starts = computePids(node).map(startOf);
      const service = services.find((s) => s.host === hostOf(node));
      // Nova writes whole seconds, cut off.
      return starts.length > 0 && starts.every((at) => at !== undefined && (service?.updatedAt ?? 0) > at);
    });
    return heard || undefined;
  });
}
