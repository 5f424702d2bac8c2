import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measurement } from './goals.ts';
import { type Command, compareInPairs, median } from './pairs.ts';
import { measurePeakMemory } from './peakMemory.ts';
import { makeCluster, startAgent } from './simulatedCluster.ts';

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
    // There is no cloud behind this address: an idle monitor must not ask one.
    const cluster = makeCluster(root, scratch, 'http://127.0.0.1:9/v3', ['ctl0', 'comp0']);
    const base: Command = { file: process.execPath, args: ['-e', '0'], env: {} };
    const agent = join(root, 'dist/NovaEvacuate');
    const metaData: Command = { file: agent, args: ['meta-data'], env: {} };
    const monitor: Command = { file: agent, args: ['monitor'], env: cluster.env };
    startAgent(agent, cluster);

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
