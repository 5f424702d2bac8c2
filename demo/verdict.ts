import { statusOf } from '../test/simulators/cloud/nova/serverView.ts';
import type { SimulatedCloud } from '../test/simulators/cloud/server.ts';
import type { Cluster } from './cluster.ts';
import type { ComputeHost } from './computeHost.ts';

/** How an instance of the failed host has to end, by its status before. */
export const expected: Readonly<Record<string, { status: string; moves: boolean; why: string }>> = {
  ACTIVE: { status: 'ACTIVE', moves: true, why: 'runs again elsewhere' },
  SHUTOFF: { status: 'SHUTOFF', moves: true, why: 'moved and kept off, as it was' },
  ERROR: { status: 'ACTIVE', moves: true, why: 'evacuated and running' },
  PAUSED: { status: 'PAUSED', moves: false, why: 'left: Nova does not evacuate a paused instance' },
};

export interface Judgement {
  /** What is not as it should be, as sentences. */
  readonly wrong: readonly string[];
  /** Instances that are on another host now. */
  readonly evacuated: number;
  /** Instances that stayed, with the reason. */
  readonly stayed: readonly string[];
}

/** Judges each instance by what Nova says of it, and the whole by what the cloud's observer saw. */
export function judgeInstances(
  { world }: SimulatedCloud,
  before: ReadonlyMap<string, string>,
  failed: string,
): Judgement {
  const wrong = world.observer.violations.map(({ sentence }) => sentence);
  const stayed: string[] = [];
  let evacuated = 0;
  for (const server of world.servers.values()) {
    const records = world.migrationsOf(server.id);
    const was = before.get(server.id) ?? '';
    const wanted = expected[was];
    const runsOn = [...world.hosts.values()].filter((host) => host.domains.get(server.id) === true);
    const should = wanted?.status ?? was;
    if (runsOn.length !== (should === 'ACTIVE' ? 1 : 0)) {
      wrong.push(
        `${server.name} runs on ${runsOn.length} hosts: ${runsOn.map(({ name }) => name).join(', ')}`,
      );
    }
    if (records.length === 0 && server.host !== failed) continue;
    const moved = server.host !== failed;
    if (wanted === undefined || statusOf(server) !== wanted.status || moved !== wanted.moves) {
      wrong.push(`${server.name} was ${was} and is ${statusOf(server)} on ${server.host}`);
    } else if (moved && records.length !== 1) {
      wrong.push(`${server.name} was evacuated ${records.length} times`);
    } else if (moved) {
      evacuated += 1;
    } else {
      stayed.push(`${server.name}: ${wanted.why}`);
    }
  }
  return { wrong, evacuated, stayed };
}

/** Whether the failed host is in service again, and nothing is left of its failure. */
export async function judgeReturn(
  { world }: SimulatedCloud,
  cluster: Cluster,
  machine: ComputeHost,
  failed: string,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  const check = (right: boolean, sentence: string) => {
    if (!right) wrong.push(sentence);
  };
  const host = world.host(failed);
  check(machine.computePid() !== null, `nova-compute does not run on ${failed}`);
  check(world.isUp(host) && !host.forcedDown, `Nova holds ${failed} down`);
  check(!host.disabled, `${failed} is disabled (${host.disabledReason})`);
  for (const record of world.migrations) {
    check(record.status === 'completed', `an evacuation record of ${failed} reads ${record.status}`);
  }
  const marks = [await cluster.transient('evacuate', failed), await cluster.permanent('evacuate', failed)];
  check(
    marks.every((mark) => mark === null || mark === ''),
    `the mark of ${failed} is still there: ${marks.join(' and ')}`,
  );
  for (const name of ['nova-compute-release', 'nova-compute-returning']) {
    const value = await cluster.transient(name, failed);
    check(value === null || value === '', `${name} of ${failed} is still there: ${value}`);
  }
  return wrong;
}
