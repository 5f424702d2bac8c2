import { ComputeError } from '../../../lib/evacuation/return/localCompute.ts';
import type { Machine } from './machine.ts';
import { listProcesses, type ProcessFacts, readProcess } from './procfs.ts';

const POLL_MS = 100;

/** SIGTERM, and in time for the deadline SIGKILL for what remains of them and of the sessions that they lead. */
export async function endProcesses(
  machine: Machine,
  targets: readonly ProcessFacts[],
  deadline: number,
): Promise<void> {
  const remaining = (): readonly ProcessFacts[] => targets.filter((each) => isStill(machine, each));
  const waitUntil = async (moment: number): Promise<boolean> => {
    while (remaining().length > 0) {
      if (machine.now() >= moment) return false;
      await machine.sleep(Math.min(POLL_MS, Math.max(1, moment - machine.now())));
    }
    return true;
  };

  for (const each of remaining()) machine.kill(each.pid, 'SIGTERM');
  if (await waitUntil(forceAt(machine.now(), deadline))) return;
  for (const each of remaining()) {
    const session = each.session === each.pid ? each.pid : null;
    machine.kill(each.pid, 'SIGKILL');
    for (const member of listProcesses(machine)) {
      if (session !== null && member.session === session && member.pid !== each.pid) {
        machine.kill(member.pid, 'SIGKILL');
      }
    }
  }
  // What the kernel holds fast (a dead NFS server) does not end by SIGKILL either.
  if (await waitUntil(Math.max(deadline, machine.now() + 1_000))) return;
  const pids = remaining()
    .map(({ pid, state }) => `${pid} (state ${state})`)
    .join(', ');
  throw new ComputeError(`nova-compute did not end, not even by SIGKILL: process ${pids}.`);
}

/** When patience ends: a tenth of the time is kept for force, 2 to 10 s; half of it when there is hardly any. */
export function forceAt(now: number, deadline: number): number {
  const left = Math.max(0, deadline - now);
  return now + left - Math.min(left / 2, Math.max(2_000, Math.min(10_000, left / 10)));
}

/** Looked at again before each signal: a pid may have been given to somebody else meanwhile. */
function isStill(machine: Machine, before: ProcessFacts): boolean {
  const now = readProcess(machine, before.pid);
  return now !== null && now.startTicks === before.startTicks;
}
