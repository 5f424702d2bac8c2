import { existsSync, readFileSync, rmSync } from 'node:fs';
import type { Cloud } from './cloud.ts';
import { waitFor } from './cloud.ts';
import type { Cluster } from './cluster.ts';
import { control } from './node.ts';
import { computePids, removeNovaCompute, waitHeard } from './novaCompute.ts';
import { COMPUTES, CONTROLLERS, hostOf, RUN } from './settings.ts';
import { sleep } from './time.ts';

/** Some failures make Nova lose sight of a domain; with no servers left there must be none. */
async function dropDomains(node: string): Promise<void> {
  const file = `${RUN}/hypervisors/${hostOf(node)}.json`;
  if (!existsSync(file) || readFileSync(file, 'utf8').trim() === '{}') return;
  await control('kill-compute', node);
  rmSync(file);
  await control('start-compute', node);
}

/** Brings the lab back to where `up` left it: everything on, no servers, no marks, no faults, all services enabled. */
export async function reset(cloud: Cloud, cluster: Cluster): Promise<void> {
  try {
    await makeReady(cloud, cluster);
  } catch (error) {
    // Pacemaker may just have fenced a node once more that the scenario before had left dead.
    console.log(`# ready  not yet: ${error instanceof Error ? error.message : String(error)}`);
    await sleep(10_000);
    await makeReady(cloud, cluster);
  }
}

async function makeReady(cloud: Cloud, cluster: Cluster): Promise<void> {
  const begin = Date.now();
  const step = (text: string): void =>
    console.log(`# ready  ${((Date.now() - begin) / 1000).toFixed(1)}s ${text}`);
  await control('calm');
  await removeNovaCompute(cluster);
  await control('service', 'start', 'nova-api');
  await waitFor('Nova answers', 60, () => cloud.services().catch(() => undefined));
  await Promise.all([...CONTROLLERS, ...COMPUTES].map((node) => control('power-on', node)));
  // nova-compute turns the records of evacuations away from its host into "completed" when it starts, and Nova
  // refuses to clear forced_down before that.
  const owing = (await cloud.evacuations()).filter((m) => m.status === 'done').map((m) => m.source);
  for (const node of COMPUTES) {
    if (owing.includes(hostOf(node))) await control('kill-compute', node);
    await control('start-compute', node).catch(() => undefined);
  }
  for (const node of COMPUTES) {
    const pids = computePids(node);
    if (pids.length > 1) throw new Error(`several nova-compute run on ${node}: ${pids.join(', ')}`);
  }
  step('all nodes on');
  await cloud.purge();
  for (const node of COMPUTES) await dropDomains(node);
  step('no servers');
  await cluster.forget();
  step('no marks');
  for (const node of COMPUTES) {
    const { forcedDown, status } = await cloud.service(node);
    if (forcedDown) {
      await waitFor(`Nova takes ${node} back`, 60, () =>
        cloud.setService(node, { forced_down: false }).then(
          () => true,
          () => undefined,
        ),
      );
    }
    if (status !== 'enabled') await cloud.setService(node, { status: 'enabled' });
  }
  await cloud.waitComputes();
  await waitHeard(cloud);
  step('all computes up');
  await cluster.waitReady(120);
  await cluster.forget();
}
