import type { Machine } from './machine.ts';

/** A process as /proc shows it (proc(5)). */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** One letter: R, S, D, T, Z (has ended, nobody asked how), ... */
  readonly state: string;
  /** When it was started, in clock ticks since boot: with the pid it names a process for certain. */
  readonly startTicks: number;
  /** Its real user. */
  readonly uid: number;
  readonly argv: readonly string[];
}

type Files = Pick<Machine, 'read' | 'list'>;

/** USER_HZ: 100 on every architecture these agents are built for. */
const TICKS_PER_SECOND = 100;

/** The process of a pid; null when there is none, or one that has ended and only waits for its parent (a zombie). */
export function readProcess(files: Files, pid: number): ProcessFacts | null {
  const stat = files.read(`/proc/${pid}/stat`);
  const status = files.read(`/proc/${pid}/status`);
  const cmdline = files.read(`/proc/${pid}/cmdline`);
  if (stat === null || status === null || cmdline === null) return null;
  // The second field is the program's name in parentheses, and may itself hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = '', parent, group, session] = fields;
  const uid = /^Uid:\s+(\d+)/m.exec(status)?.[1];
  if (uid === undefined || state === 'Z' || state === 'X') return null;
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    state,
    startTicks: Number(fields[19]),
    uid: Number(uid),
    argv: cmdline.replace(/\0$/, '').split('\0'),
  };
}

/** Every process of this pid namespace. */
export function listProcesses(files: Files): readonly ProcessFacts[] {
  return files
    .list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(files, Number(name)) ?? []);
}

/** When a process was started, in ms since the epoch; null when the kernel does not say when it booted. */
export function startedAt(files: Files, process: Pick<ProcessFacts, 'startTicks'>): number | null {
  const boot = /^btime (\d+)$/m.exec(files.read('/proc/stat') ?? '')?.[1];
  return boot === undefined ? null : (Number(boot) + process.startTicks / TICKS_PER_SECOND) * 1000;
}

/** Names this boot of the machine: pids of another mean nothing. */
export function bootId(files: Files): string {
  return (files.read('/proc/sys/kernel/random/boot_id') ?? '').trim();
}
