import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCloud } from '../simulators/cloud/server.ts';
import type { Measurement } from './goals.ts';
import { measurePeakMemory } from './peakMemory.ts';
import { makeCluster, startAgent } from './simulatedCluster.ts';

const SIZES = [10, 100, 1000] as const;
const REQUESTS_GOAL = 1.3;
const MEMORY_GOAL_MB = 130;
const TARGETS = ['comp1', 'comp2', 'comp3', 'comp4'];

interface Run {
  readonly instances: number;
  readonly passes: number;
  readonly seconds: number;
  /** Requests to Nova, by method and kind, and all of them. */
  readonly requests: number;
  readonly byKind: ReadonlyMap<string, number>;
  readonly megabytes: number;
}

/**
 * What evacuating a host asks of Nova, from the mark to its end, at several sizes. The simulated cloud takes the time
 * that a real one takes for each instance, because what is asked while waiting counts as well; monitors follow each
 * other until the mark is gone, the last of them included.
 *
 * @param root of the checkout, with dist/ built
 */
export async function measureRequests(root: string): Promise<Measurement[]> {
  const runs: Run[] = [];
  for (const instances of SIZES) runs.push(await evacuateHost(root, instances));
  const [small, , large] = runs;
  if (small === undefined || large === undefined) throw new Error('No run was made.');
  for (const run of runs) {
    const kinds = [...run.byKind].sort((a, b) => b[1] - a[1]).map(([kind, count]) => `${count} ${kind}`);
    const head = `${run.instances} instances, ${run.passes} passes, ${run.seconds.toFixed(0)} s`;
    console.log(`  ${head}: ${run.requests} requests (${kinds.join(', ')})`);
  }
  const perInstance = (run: Run): number => run.requests / run.instances;
  return [
    ...runs.map(
      (run): Measurement => ({
        what: `requests to Nova per instance, ${run.instances} instances`,
        value: perInstance(run),
        unit: 'ratio',
        // The goal is set for the large host; a small one pays the fixed part alone.
        goal: run === large ? REQUESTS_GOAL : Number.POSITIVE_INFINITY,
        detail: `${run.requests} requests`,
      }),
    ),
    {
      what: 'growth of requests from 10 to 1000, linear is 1',
      value: perInstance(large) / perInstance(small),
      unit: 'ratio',
      goal: 1,
      detail: 'requests per instance at 1000 / at 10',
    },
    {
      what: 'peak resident memory, 1000 instances',
      value: large.megabytes,
      unit: 'MB',
      goal: MEMORY_GOAL_MB,
      detail: 'the highest of all passes',
    },
  ];
}

async function evacuateHost(root: string, instances: number): Promise<Run> {
  const scratch = mkdtempSync(join(tmpdir(), 'bench-requests-'));
  const cloud = await startCloud({
    scenario: {
      hosts: ['comp0', ...TARGETS].map((name) => ({ name, memoryMb: 4_000_000 })),
      servers: [{ host: 'comp0', name: 'instance', count: instances, state: 'active' }],
    },
  });
  try {
    const cluster = makeCluster(root, scratch, cloud.authUrl);
    const { env } = cluster;
    const agent = join(root, 'dist/NovaEvacuate');
    startAgent(agent, cluster);
    cloud.world.killCompute('comp0', { power: false });
    await fence(join(root, 'dist/fence_compute'), env, cloud.authUrl);
    cloud.requests.clear();

    const started = Date.now();
    let passes = 0;
    let megabytes = 0;
    while (cluster.mark('comp0') !== 'no') {
      const pass = await measurePeakMemory({ file: agent, args: ['monitor'], env });
      passes += 1;
      megabytes = Math.max(megabytes, pass.megabytes);
      if (passes > 100) throw new Error(`${instances} instances were not evacuated in 100 passes.`);
    }
    const seconds = (Date.now() - started) / 1000;
    const left = [...cloud.world.servers.values()].filter(({ host }) => host === 'comp0').length;
    const violation = cloud.world.observer.violations[0];
    if (violation !== undefined) throw new Error(`A rule was broken: ${violation.sentence}`);
    if (left > 0) throw new Error(`${left} of ${instances} instances were not evacuated.`);

    const toNova = cloud.requests.entries.filter(({ service }) => service === 'nova');
    const byKind = new Map<string, number>();
    for (const { method, path } of toNova) {
      const kind = `${method} ${kindOf(path)}`;
      byKind.set(kind, (byKind.get(kind) ?? 0) + 1);
    }
    return { instances, passes, seconds, requests: toNova.length, byKind, megabytes };
  } finally {
    await cloud.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** `/v2.1/servers/UUID/action` -> `servers/action` */
function kindOf(path: string): string {
  const words = path.replace(/\?.*/, '').split('/').slice(2);
  return words.filter((word) => !/^[0-9a-f-]{36}$/.test(word)).join('/') || 'versions';
}

function fence(agent: string, env: Readonly<Record<string, string>>, authUrl: string): Promise<void> {
  const options = ['-k', authUrl, '-l', 'admin', '-p', 'adminpw', '-t', 'admin', '-o', 'off', '-n', 'comp0'];
  return new Promise((resolve, reject) => {
    // Not synchronously: the cloud it talks to lives in this process.
    const child = spawn(agent, options, { env, stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`fence_compute ended with ${code}.`)),
    );
  });
}
