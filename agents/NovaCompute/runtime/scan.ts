import { type Manager, managerOf } from './cgroup.ts';
import { behindLauncher, isNovaCompute } from './identity.ts';
import type { Machine } from './machine.ts';
import { listProcesses, type ProcessFacts } from './procfs.ts';
import type { User } from './user.ts';

/** A nova-compute that runs on this machine and that somebody else looks after. */
export interface ManagedProcess {
  readonly process: ProcessFacts;
  readonly manager: Manager;
}

/** Every nova-compute on this machine, by whose it is. */
export interface Found {
  /** Of the user, in our pid and mount namespace, and managed by nobody; the oldest first. */
  readonly ours: readonly ProcessFacts[];
  /** In the cgroup of a unit or a container, with our network, of whatever user. */
  readonly managed: readonly ManagedProcess[];
  /** Like ours, but of another user. */
  readonly others: readonly ProcessFacts[];
}

/**
 * Looks for nova-compute among all processes. Children that nova-compute forks bear its command line for a moment and
 * are left out. Without an `owner` none is ours.
 */
export function scan(machine: Machine, owner: User | null): Found {
  const found = listProcesses(machine).filter((each) => isNovaCompute(behindLauncher(each.argv)));
  const pids = new Set(found.map(({ pid }) => pid));
  const own = machine.read('/proc/self/cgroup') ?? '';
  const ours: ProcessFacts[] = [];
  const managed: ManagedProcess[] = [];
  const others: ProcessFacts[] = [];
  for (const process of found.filter(({ parent }) => !pids.has(parent))) {
    const manager = managerOf(machine.read(`/proc/${process.pid}/cgroup`) ?? '', own);
    if (manager !== null) {
      if (sharesNamespace(machine, process.pid, 'net')) managed.push({ process, manager });
    } else if (['pid', 'mnt'].every((kind) => sharesNamespace(machine, process.pid, kind))) {
      (owner !== null && isOf(process, owner) ? ours : others).push(process);
    }
  }
  return { ours: ours.sort((a, b) => a.startTicks - b.startTicks), managed, others };
}

/** The launcher is still of whoever runs the agent; nova-compute itself is of its user alone. */
export function isOf(process: ProcessFacts, owner: User): boolean {
  return process.uid === owner.uid || (process.uid === 0 && behindLauncher(process.argv) !== process.argv);
}

/**
 * Why nova-compute must not be started now: another one runs, and two for one host would undo each other's work.
 * Null when there is none. `mine` says whether a manager is the one that would start it; `owner` as in {@link scan}.
 */
export function whyNotASecond(
  machine: Machine,
  owner: User | null,
  mine: (manager: Manager) => boolean,
): string | null {
  const { managed, others } = scan(machine, owner);
  const foreign = managed.find(({ manager }) => !mine(manager));
  if (foreign !== undefined) {
    const { process, manager } = foreign;
    const [by, cure] =
      manager.kind === 'unit'
        ? [`the systemd unit ${manager.name}`, `set runtime=systemd and unit=${manager.name}`]
        : [`a container (${manager.name})`, 'set runtime=podman or runtime=docker'];
    return `nova-compute already runs as process ${process.pid} of ${by}; a second one is not started: end it, or ${cure}.`;
  }
  const [other] = others;
  if (other === undefined) return null;
  const whose = owner === null ? '' : ` and not of ${owner.name}`;
  return (
    `nova-compute already runs as process ${other.pid}, of the user with id ${other.uid}${whose}; a second one is ` +
    'not started: end it, or set runtime=process and its user.'
  );
}

function sharesNamespace(machine: Machine, pid: number, kind: string): boolean {
  const theirs = machine.readLink(`/proc/${pid}/ns/${kind}`);
  return theirs !== null && theirs === machine.readLink(`/proc/self/ns/${kind}`);
}
