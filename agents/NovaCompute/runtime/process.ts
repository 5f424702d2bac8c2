import { ComputeError } from '../../../lib/evacuation/return/localCompute.ts';
import { NovaConfError, readNovaConf } from '../novaConf/index.ts';
import { configFilesOf } from '../novaConf/places.ts';
import { endProcesses } from './endProcesses.ts';
import { behindLauncher, isNovaCompute } from './identity.ts';
import { launcherFor } from './launcher.ts';
import { lastLinesOf } from './lines.ts';
import type { Machine } from './machine.ts';
import { formatPidFile, parsePidFile } from './pidFile.ts';
import { bootId, listProcesses, type ProcessFacts, readProcess, startedAt } from './procfs.ts';
import { isOf, scan, whyNotASecond } from './scan.ts';
import type { Runtime, RuntimeState } from './types.ts';
import { findUser, type User } from './user.ts';

export interface ProcessSettings {
  readonly user: string;
  readonly stateDir: string;
  readonly instance: string;
}

const POLL_MS = 100;
/** So long a launcher may take to become nova-compute: it only changes its user. */
const BECOME_MS = 5_000;
const LOG_TAIL_BYTES = 64 * 1024;
const HEADER = /^--- .* NovaCompute starts nova-compute/;

/**
 * nova-compute as a process of our own: of a user, in its own session, with a pid file. One of that user that runs
 * without our pid file (the original agent started it, or this one was killed before it could write the file) is
 * found and taken over; one that a unit or a container manages is not ours and is never signalled.
 */
export function createProcessRuntime(settings: ProcessSettings, machine: Machine): Runtime {
  const pidFile = pidFileOf(settings);
  const title = `process of user ${settings.user}`;
  let launchedAt: number | null = null;

  const user = async (): Promise<User> => {
    const found = await findUser(machine, settings.user);
    if (found !== null) return found;
    throw new ComputeError(
      `There is no user ${settings.user} on this machine, whom nova-compute is to run as: set the parameter user.`,
    );
  };

  /** Every nova-compute of the user that is ours, and a sentence when the pid file was not to be trusted. */
  const look = (owner: User): { readonly ours: readonly ProcessFacts[]; readonly note: string | null } => {
    const written = readPidFile(machine, pidFile, owner);
    if (written.process !== null) return { ours: [written.process], note: null };
    return { ours: scan(machine, owner).ours, note: written.note };
  };

  const outputPath = (owner: User): string => {
    const directory = logDirectory(machine, owner) ?? '/var/log/nova';
    return machine.exists(directory)
      ? `${directory}/nova-compute.out`
      : `${settings.stateDir}/${settings.instance}.out`;
  };

  const state = async (): Promise<RuntimeState> => {
    const owner = await findUser(machine, settings.user);
    if (owner === null) {
      return { kind: 'missing', sentence: `There is no user ${settings.user} on this machine.` };
    }
    const { ours, note } = look(owner);
    const remark = note === null ? '' : ` ${note}`;
    const [first] = ours;
    if (first !== undefined) {
      const pids = ours.map(({ pid }) => pid).join(', ');
      const sentence = `nova-compute runs as process ${pids} of user ${settings.user}.${remark}`;
      return { kind: 'running', since: startedAt(machine, first), sentence };
    }
    return {
      kind: 'stopped',
      sentence: `No nova-compute of user ${settings.user} runs on this machine.${remark}`,
    };
  };

  const start = async (): Promise<void> => {
    const owner = await user();
    const program = machine.findProgram('nova-compute');
    if (program === null) throw new ComputeError('nova-compute is not installed on this machine.');
    const { ours } = look(owner);
    const [running] = ours;
    if (running !== undefined) {
      writePidFile(machine, pidFile, running);
      return;
    }
    const reason = whyNotASecond(machine, owner, () => false);
    if (reason !== null) throw new ComputeError(reason);

    const launcher = launcherFor(machine, owner, program);
    launchedAt = machine.now();
    const pid = await machine.launch({
      ...launcher,
      env: environmentOf(owner, machine.path),
      output: {
        path: outputPath(owner),
        header: `--- ${new Date(launchedAt).toISOString()} NovaCompute starts nova-compute (${settings.instance})`,
        owner: machine.uid === 0 ? { uid: owner.uid, gid: owner.gid } : null,
      },
    });
    // Killed before the next line, we leave a nova-compute without a pid file: `scan` finds it.
    const became = await becomesNovaCompute(machine, pid, owner);
    if (became !== null) writePidFile(machine, pidFile, became);
  };

  const stop = async (deadline: number): Promise<void> => {
    const owner = await findUser(machine, settings.user);
    if (owner === null) return;
    // Both ways of looking: a second one beside that of the pid file would go on running unseen.
    const targets = uniqueByPid([...look(owner).ours, ...scan(machine, owner).ours]);
    await endProcesses(machine, targets, deadline);
    forget(machine, pidFile);
  };

  const running = async (): Promise<ProcessFacts | null> => {
    const owner = await findUser(machine, settings.user);
    return owner === null ? null : (look(owner).ours[0] ?? null);
  };

  return {
    name: 'process',
    title,
    state,
    start,
    stop,
    lastLines: async (count) => {
      const owner = await findUser(machine, settings.user);
      if (owner === null) return [];
      const printed = linesSinceStart(machine.tail(outputPath(owner), LOG_TAIL_BYTES) ?? '', count);
      return printed.length > 0 ? printed : ownLog(machine, owner, launchedAt, count);
    },
    configFiles: async () => {
      const process = await running();
      const home = (await findUser(machine, settings.user))?.home ?? '/';
      const workingDirectory = process === null ? null : machine.readLink(`/proc/${process.pid}/cwd`);
      return configFilesOf(process?.argv ?? [], home, machine, workingDirectory ?? '/');
    },
    mountInfo: async () => machine.read(`/proc/${(await running())?.pid ?? 'self'}/mountinfo`),
  };
}

/** Whether our pid file names a nova-compute that runs: then it is ours, and nothing else has to be looked at. */
export async function runsByPidFile(settings: ProcessSettings, machine: Machine): Promise<boolean> {
  const path = pidFileOf(settings);
  if (!machine.exists(path)) return false;
  const owner = await findUser(machine, settings.user);
  return owner !== null && readPidFile(machine, path, owner).process !== null;
}

function pidFileOf(settings: ProcessSettings): string {
  return `${settings.stateDir}/${settings.instance}.pid`;
}

function readPidFile(
  machine: Machine,
  path: string,
  owner: User,
): { readonly process: ProcessFacts | null; readonly note: string | null } {
  const ignored = (why: string) => ({ process: null, note: `The pid file ${path} is ignored: ${why}.` });
  let text: string | null;
  try {
    text = machine.read(path);
  } catch {
    return ignored('it cannot be read');
  }
  if (text === null) return { process: null, note: null };
  const content = parsePidFile(text);
  if (content === null) return ignored('what it holds is none of ours');
  // The rest is what is left behind when nova-compute ended, and nothing to speak of.
  if (content.bootId !== bootId(machine)) return { process: null, note: null };
  const process = readProcess(machine, content.pid);
  if (process === null) return { process: null, note: null };
  if (process.startTicks !== content.startTicks) {
    return ignored(`process ${content.pid} is another one by now`);
  }
  if (!isNovaCompute(behindLauncher(process.argv))) {
    return ignored(`process ${content.pid} is no nova-compute`);
  }
  if (!isOf(process, owner)) return ignored(`process ${content.pid} is not of user ${owner.name}`);
  return { process, note: null };
}

function writePidFile(machine: Machine, path: string, process: ProcessFacts): void {
  const text = formatPidFile({
    pid: process.pid,
    startTicks: process.startTicks,
    bootId: bootId(machine),
  });
  try {
    machine.write(path, text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ComputeError(
      `nova-compute runs as process ${process.pid}, but its pid file cannot be written: ${why}.`,
      {
        cause: error,
      },
    );
  }
}

/** One that cannot be removed names a process that is no more, which is seen when it is read. */
function forget(machine: Machine, path: string): void {
  try {
    machine.remove(path);
  } catch {
    return;
  }
}

/** What nova-compute gets of the environment: what a login would give, and the original agent's one setting. */
function environmentOf(owner: User, path: string): Record<string, string> {
  return {
    PATH: path,
    HOME: owner.home,
    USER: owner.name,
    LOGNAME: owner.name,
    SHELL: owner.shell,
    LANG: 'C.UTF-8',
    // Without it libguestfs asks a libvirt session of the user for its appliance, and hangs.
    LIBGUESTFS_ATTACH_METHOD: 'appliance',
  };
}

/**
 * The nova-compute that the launched process is, or has in its session; null when it ended before it became one. A
 * program that is called nova-compute and becomes something else could never be found again, so it is ended.
 */
async function becomesNovaCompute(
  machine: Machine,
  launched: number,
  owner: User,
): Promise<ProcessFacts | null> {
  const until = machine.now() + BECOME_MS;
  for (;;) {
    const members = listProcesses(machine).filter(({ session }) => session === launched);
    const found = members.filter(({ uid, argv }) => uid === owner.uid && isNovaCompute(argv));
    const main = found.find(({ pid }) => pid === launched) ?? found[0];
    if (main !== undefined) return main;
    const [first] = members;
    if (first === undefined) return null;
    if (machine.now() >= until) {
      await endProcesses(machine, members, machine.now() + BECOME_MS);
      throw new ComputeError(
        `The program nova-compute was started and became something else (process ${first.pid}: ` +
          `${first.argv.join(' ').slice(0, 80)}), which could not be managed; it was ended again.`,
      );
    }
    await machine.sleep(POLL_MS / 5);
  }
}

function uniqueByPid(processes: readonly ProcessFacts[]): readonly ProcessFacts[] {
  return [...new Map(processes.map((each) => [each.pid, each])).values()];
}

/** What was printed since nova-compute was last started. */
function linesSinceStart(text: string, count: number): readonly string[] {
  const lines = lastLinesOf(text, Number.MAX_SAFE_INTEGER);
  const header = lines.findLastIndex((line) => HEADER.test(line));
  return lines.slice(header + 1).slice(-count);
}

/** Nova's own log, where nova.conf names one: what it wrote since this agent started it. */
function ownLog(machine: Machine, owner: User, launchedAt: number | null, count: number): readonly string[] {
  const path = logFile(machine, owner);
  if (path === null) return [];
  if (launchedAt !== null && (machine.modifiedAt(path) ?? 0) < launchedAt) return [];
  return lastLinesOf(machine.tail(path, LOG_TAIL_BYTES) ?? '', count);
}

/** oslo.log: `log_file` is relative to `log_dir`; without it the program's name is taken. */
function logFile(machine: Machine, owner: User): string | null {
  const option = logOption(machine, owner);
  const directory = option('log_dir');
  const file = option('log_file') ?? (directory === null ? null : 'nova-compute.log');
  if (file === null) return null;
  return file.startsWith('/') || directory === null ? file : `${directory}/${file}`;
}

function logDirectory(machine: Machine, owner: User): string | null {
  const option = logOption(machine, owner);
  const file = option('log_file');
  if (file?.startsWith('/') === true) return file.slice(0, file.lastIndexOf('/')) || '/';
  return option('log_dir');
}

/** A broken nova.conf is said where it matters; here it only means that nothing is known of logs. */
function logOption(machine: Machine, owner: User): (name: string) => string | null {
  try {
    const conf = readNovaConf(configFilesOf([], owner.home, machine), machine);
    return (name) => conf.get('DEFAULT', name)?.value || null;
  } catch (error) {
    if (error instanceof NovaConfError) return () => null;
    throw error;
  }
}
