import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measurement } from './goals.ts';
import { type Command, compareInPairs, median } from './pairs.ts';
import { measurePeakMemory } from './peakMemory.ts';

const PAIRS = 31;
const MEMORY_RUNS = 7;
const MEMORY_GOAL_MB = 75;

/**
 * What it costs to be called: Pacemaker asks for meta-data at any time, and runs an idle monitor every few
 * seconds for ever. The base is the embedded Node doing nothing.
 *
 * @param root of the checkout, with dist/ built
 */
export async function measureStartup(root: string): Promise<Measurement[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'bench-startup-'));
  try {
    const cluster = join(scratch, 'cluster');
    const simulator = join(root, 'test/simulators/attrd/new-cluster');
    const made = spawnSync(simulator, [cluster, 'controller', 'comp0', 'comp1', 'comp2'], {
      encoding: 'utf8',
    });
    if (made.status !== 0) throw new Error(`The simulated cluster could not be made: ${made.stderr}`);

    const base: Command = { file: process.execPath, args: ['-e', '0'], env: {} };
    const agent = join(root, 'dist/NovaEvacuate');
    const metaData: Command = { file: agent, args: ['meta-data'], env: {} };
    const monitor: Command = { file: agent, args: ['monitor'], env: monitorEnvironment(cluster, scratch) };

    const start = spawnSync(agent, ['start'], { env: monitor.env, encoding: 'utf8' });
    if (start.status !== 0) throw new Error(`NovaEvacuate start failed: ${start.stderr}`);

    return [
      ratio('meta-data', 1.3, base, metaData),
      await memory('meta-data', metaData),
      ratio('idle monitor', 1.6, base, monitor),
      await memory('idle monitor', monitor),
    ];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** As the executor calls it; the cloud does not exist, because an idle monitor must not ask it. */
function monitorEnvironment(cluster: string, scratch: string): Readonly<Record<string, string>> {
  return {
    PATH: `${join(cluster, 'bin')}:/usr/sbin:/usr/bin:/sbin:/bin`,
    OCF_ROOT: '/usr/lib/ocf',
    OCF_RA_VERSION_MAJOR: '1',
    OCF_RESOURCE_INSTANCE: 'nova-evacuate',
    OCF_RESOURCE_TYPE: 'NovaEvacuate',
    HA_RSCTMP: scratch,
    OCF_RESKEY_auth_url: 'http://127.0.0.1:9/v3',
    OCF_RESKEY_username: 'admin',
    OCF_RESKEY_password: 'secret',
    OCF_RESKEY_tenant_name: 'admin',
    OCF_RESKEY_CRM_meta_timeout: '20000',
    OCF_RESKEY_CRM_meta_interval: '10000',
  };
}

function ratio(what: string, goal: number, base: Command, subject: Command): Measurement {
  const pairing = compareInPairs(base, subject, PAIRS);
  const [subjectMs, baseMs] = [pairing.subjectMs.toFixed(0), pairing.baseMs.toFixed(0)];
  return {
    what: `${what}, time against node -e 0`,
    value: pairing.ratio,
    unit: 'ratio',
    goal,
    detail: `medians ${subjectMs} and ${baseMs} ms of ${PAIRS} pairs`,
  };
}

async function memory(what: string, subject: Command): Promise<Measurement> {
  const peaks: number[] = [];
  for (let run = 0; run < MEMORY_RUNS; run += 1) {
    const { exitCode, megabytes } = await measurePeakMemory(subject);
    if (exitCode !== 0) throw new Error(`${what} ended with ${exitCode} while its memory was measured.`);
    peaks.push(megabytes);
  }
  return {
    what: `${what}, peak resident memory`,
    value: median(peaks),
    unit: 'MB',
    goal: MEMORY_GOAL_MB,
    detail: `median of ${MEMORY_RUNS} runs, highest ${Math.max(...peaks).toFixed(0)} MB`,
  };
}
