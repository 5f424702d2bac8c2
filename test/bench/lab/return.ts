/**
 * How long it takes, in the lab, from nova-compute up (its process starts) to its service enabled, after an evacuation,
 * against the fastest that Nova allows: a bare loop that tries five times a second to force the host up, which Nova
 * refuses until nova-compute has settled its records, and enables it when Nova hears from it. Runs in turn, each
 * compared with its neighbour.
 *
 * Once for nova-compute that something else starts, which NovaEvacuate releases, run by the cluster every ten seconds;
 * and once for nova-compute that NovaCompute starts.
 */
import { disabledReason } from '../../../lib/evacuation/index.ts';
import { Cloud, waitFor } from '../../lab/driver/cloud.ts';
import { Cluster } from '../../lab/driver/cluster.ts';
import { reset } from '../../lab/driver/lab.ts';
import { control, onNode } from '../../lab/driver/node.ts';
import { addNovaCompute, computePids, RESOURCE, removeNovaCompute } from '../../lab/driver/novaCompute.ts';
import { hostOf } from '../../lab/driver/settings.ts';
import { describe } from '../goals.ts';
import { median } from '../pairs.ts';

const NODE = 'comp1';
/** One pass interval, in seconds. */
const GOAL = 10;
const INSTANCES = Number(process.env['INSTANCES'] ?? 10);
const PAIRS = Number(process.env['PAIRS'] ?? 2);
const POLL_MS = 200;

const cloud = new Cloud();
const cluster = new Cluster();

/** A host that was fenced and evacuated, and whose nova-compute is not there yet; nobody releases it without its mark. */
async function evacuated(): Promise<void> {
  await reset(cloud, cluster);
  const servers = await cloud.boot(INSTANCES, NODE, 'vm');
  await control('service', 'stop', `nova-compute-${NODE}`);
  await cloud.setService(NODE, { forced_down: true });
  await cloud.setService(NODE, { status: 'disabled', disabled_reason: disabledReason(new Date()) });
  await Promise.all(
    servers.map(({ id }) => cloud.request('POST', `/servers/${id}/action`, { evacuate: {} })),
  );
  const ours = new Set(servers.map(({ id }) => id));
  await waitFor(`${INSTANCES} instances evacuated`, 300, async () => {
    const done = (await cloud.evacuations(hostOf(NODE))).filter(
      (m) => ours.has(m.server) && m.status === 'done',
    );
    return done.length === INSTANCES || undefined;
  });
}

/** The mark of a host that was evacuated and is to be released. */
async function mark(): Promise<void> {
  await cluster.ask(['crm_attribute', '-N', NODE, '-n', 'evacuate', '-l', 'forever', '-v', 'no']);
  await cluster.ask(['attrd_updater', '-n', 'evacuate', '-N', NODE, '-U', 'no']);
}

/** The fastest that Nova allows. */
async function bareLoop(): Promise<void> {
  await waitFor(
    'Nova lets the host be forced up',
    120,
    async () => {
      await cloud.setService(NODE, { forced_down: false }).catch(() => undefined);
      return !(await cloud.service(NODE)).forcedDown || undefined;
    },
    POLL_MS,
  );
  await waitFor(
    'Nova hears from it',
    60,
    async () => (await cloud.service(NODE)).state === 'up' || undefined,
    POLL_MS,
  );
  await cloud.setService(NODE, { status: 'enabled' });
}

/** Starts nova-compute as a program of the node's own, as NovaCompute does for runtime=process. */
async function startProcess(): Promise<void> {
  const command = 'setsid nova-compute >>/var/log/nova/bare.log 2>&1 </dev/null &';
  await onNode(NODE, ['setpriv', '--reuid', 'nova', '--regid', 'nova', '--init-groups', 'sh', '-c', command]);
}

/** Seconds from the start of nova-compute's process until Nova uses the host. */
async function measure(
  name: string,
  start: () => Promise<unknown>,
  release: () => Promise<void>,
): Promise<number> {
  const starting = start();
  const begin = await waitFor(
    'a nova-compute',
    120,
    async () => (computePids(NODE).length > 0 ? Date.now() : undefined),
    50,
  );
  await release();
  const seconds = (Date.now() - begin) / 1000;
  await starting;
  console.log(`# ${name}: ${seconds.toFixed(1)} s`);
  return seconds;
}

/** Only watches how somebody else releases the host. */
async function watch(): Promise<void> {
  await waitFor(
    'the release',
    300,
    async () => {
      const { state, status, forcedDown } = await cloud.service(NODE);
      return (state === 'up' && status === 'enabled' && !forcedDown) || undefined;
    },
    POLL_MS,
  );
}

async function byHand(start: () => Promise<unknown>): Promise<number> {
  await evacuated();
  const seconds = await measure('the fastest that Nova allows', start, bareLoop);
  for (const pid of computePids(NODE)) process.kill(pid, 'SIGKILL');
  return seconds;
}

async function byNovaEvacuate(): Promise<number> {
  await evacuated();
  await mark();
  return measure('NovaEvacuate, run by the cluster', () => control('start-compute', NODE), watch);
}

async function byNovaCompute(): Promise<number> {
  await evacuated();
  await mark();
  const add = (): Promise<void> => addNovaCompute(cluster, [NODE], { runtime: 'process' });
  const seconds = await measure('NovaCompute', add, watch);
  await waitFor(
    'the end of its start',
    60,
    async () => (await cluster.status()).startedOn(RESOURCE).includes(NODE) || undefined,
  );
  await removeNovaCompute(cluster);
  return seconds;
}

interface Pair {
  readonly bare: number;
  readonly ours: number;
}

try {
  const unmanaged: Pair[] = [];
  const managed: Pair[] = [];
  for (let pair = 1; pair <= PAIRS; pair += 1) {
    unmanaged.push({
      bare: await byHand(() => control('start-compute', NODE)),
      ours: await byNovaEvacuate(),
    });
    managed.push({ bare: await byHand(startProcess), ours: await byNovaCompute() });
  }
  console.log(
    `\nIn the lab: from nova-compute up to its service enabled, ${INSTANCES} instances evacuated, against the fastest`,
  );
  for (const [what, pairs] of [
    ['NovaEvacuate, run every 10 s: difference', unmanaged],
    ['NovaCompute: difference', managed],
  ] as const) {
    const value = median(pairs.map(({ bare, ours }) => ours - bare));
    const runs = pairs.map(
      ({ bare, ours }) => `${ours.toFixed(1)}/${bare.toFixed(1)} = ${(ours / bare).toFixed(2)}`,
    );
    const detail = `of ${PAIRS} pairs, s: ${runs.join(', ')}`;
    console.log(`  ${describe({ what, value, unit: 's', goal: GOAL, detail })}`);
  }
} catch (error) {
  console.log(
    `\nIn the lab\n  could not be measured: ${error instanceof Error ? error.message : String(error)}`,
  );
  process.exitCode = 1;
} finally {
  await reset(cloud, cluster);
}
