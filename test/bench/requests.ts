import type { Measurement } from './goals.ts';
import { evacuate, type Run } from './incident.ts';

const SIZES = [10, 100, 1000] as const;
const REQUESTS_GOAL = 1.3;
const MEMORY_GOAL_MB = 130;

/**
 * What evacuating a host asks of Nova, from the mark to its end, at several sizes.
 *
 * @param root of the checkout, with dist/ built
 */
export async function measureRequests(root: string): Promise<Measurement[]> {
  const runs: Run[] = [];
  for (const instances of SIZES)
    runs.push(await evacuate(root, { failedHosts: 1, instancesEach: instances }));
  const [small, , large] = runs;
  if (small === undefined || large === undefined) throw new Error('No run was made.');
  for (const run of runs) console.log(`  ${describeRun(run)}`);
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

/** A line for people: size, passes, time, and what was asked of Nova. */
export function describeRun(run: Run): string {
  const kinds = [...run.byKind].sort((a, b) => b[1] - a[1]).map(([kind, count]) => `${count} ${kind}`);
  const head = `${run.instances} instances, ${run.passes} passes, ${run.seconds.toFixed(0)} s`;
  return `${head}: ${run.requests} requests (${kinds.join(', ')})`;
}
