/**
 * How long it takes, in the lab, from the mark to the last instance done, against the same evacuations posted to Nova
 * at once by a bare loop and only waited for. All find a host that lost its power, was fenced, and does not come back.
 * Runs in turn (bare, agent, bare, agent …), each compared with its neighbour. `INSTANCES=50` and `PAIRS=1` are quicker.
 *
 * The agent is measured twice: with its monitor run at the mark, which is what the agent itself costs, and left to the
 * cluster, which runs the monitor up to ten seconds later.
 */
import { Cloud, waitFor } from '../../lab/driver/cloud.ts';
import { Cluster } from '../../lab/driver/cluster.ts';
import { reset } from '../../lab/driver/lab.ts';
import { control, onNode } from '../../lab/driver/node.ts';
import { letPasses, stopPasses } from '../../lab/driver/pass.ts';
import { hostOf } from '../../lab/driver/settings.ts';
import { describe } from '../goals.ts';
import { median } from '../pairs.ts';

const NODE = 'comp0';
const GOAL = 1.1;
const INSTANCES = Number(process.env['INSTANCES'] ?? 200);
const PAIRS = Number(process.env['PAIRS'] ?? 2);

const cloud = new Cloud();
const cluster = new Cluster();

/** Posts every evacuation at once. Nova queues them. */
async function bareLoop(servers: Servers): Promise<void> {
  await Promise.all(
    servers.map(({ id }) => cloud.request('POST', `/servers/${id}/action`, { evacuate: {} })),
  );
}

/** The resource's monitor at once, with the cluster's parameters on the node where it is started. */
async function monitor(): Promise<void> {
  const node = await cluster.nodeOf('nova-evacuate');
  const check = ['crm_resource', '--force-check', '--resource', 'nova-evacuate', '--timeout', '600s'];
  await onNode(node, check, 600);
}

type Servers = readonly { readonly id: string }[];

/**
 * Seconds from the mark until every instance is done.
 *
 * @param start what is done at the mark, while the cluster runs no monitor; null: the cluster runs it
 */
async function measure(name: string, start: ((servers: Servers) => Promise<void>) | null): Promise<number> {
  await letPasses(cluster);
  await reset(cloud, cluster);
  const servers = await cloud.boot(INSTANCES, NODE, 'vm');
  if (start !== null) await stopPasses(cluster);
  await control('boot-delay', NODE, 'never');
  await control('power-off', NODE);
  await waitFor('the mark', 90, async () => (await cluster.mark(NODE)).permanent === 'yes' || undefined, 100);
  const marked = Date.now();
  // fence_compute writes the mark first, and has Nova hold the host down after that.
  await waitFor('the end of the fencing', 60, async () => {
    const { forcedDown, status } = await cloud.service(NODE);
    return (forcedDown && status === 'disabled') || undefined;
  });

  const ours = new Set(servers.map(({ id }) => id));
  const begin = start === null ? marked : Date.now();
  const starting = start?.(servers);
  let firstSeen: number | null = null;
  await waitFor(`${INSTANCES} instances evacuated`, 1200, async () => {
    const all = await cloud.evacuations(hostOf(NODE));
    const evacuations = all.filter(({ server }) => ours.has(server));
    if (evacuations.length > 0) firstSeen ??= Date.now();
    const done = evacuations.filter(({ status }) => status === 'done' || status === 'completed');
    return done.length >= INSTANCES ? true : undefined;
  });
  const seconds = (Date.now() - begin) / 1000;
  await starting;
  const waited = ((firstSeen ?? begin) - begin) / 1000;
  console.log(`# ${name}: ${seconds.toFixed(1)} s, the first request after ${waited.toFixed(1)} s`);
  return seconds;
}

try {
  const atOnce: number[] = [];
  const byCluster: number[] = [];
  for (let pair = 1; pair <= PAIRS; pair += 1) {
    const bare = await measure('bare loop', bareLoop);
    atOnce.push((await measure('NovaEvacuate, run at the mark', monitor)) / bare);
    byCluster.push((await measure('NovaEvacuate, run by the cluster', null)) / bare);
  }
  console.log(`\nIn the lab: from the mark to the last of ${INSTANCES} instances, against a bare loop`);
  for (const [what, ratios] of [
    ['monitor run at the mark', atOnce],
    ['monitor run by the cluster, every 10 s', byCluster],
  ] as const) {
    const detail = `of ${PAIRS} pairs: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`;
    console.log(`  ${describe({ what, value: median(ratios), unit: 'ratio', goal: GOAL, detail })}`);
  }
} catch (error) {
  console.log(
    `\nIn the lab\n  could not be measured: ${error instanceof Error ? error.message : String(error)}`,
  );
  process.exitCode = 1;
} finally {
  await letPasses(cluster);
  await reset(cloud, cluster);
}
