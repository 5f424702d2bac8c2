import { spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ComputeError } from '../../../lib/evacuation/return/localCompute.ts';
import { inWords } from '../../../lib/system/errno.ts';
import { placeFile } from '../../../lib/system/files.ts';
import type { CommandOutcome, Launch, Machine, OutputFile } from './machine.ts';

/** Where programs lie, whatever the agent's own PATH says. */
const USUAL_DIRECTORIES = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin'];
/** Files beyond this size are put aside when nova-compute is started: nobody else bounds them. */
const OUTPUT_LIMIT = 16 * 1024 * 1024;
const CAPTURE_LIMIT = 4 * 1024 * 1024;
/** A command that has ended may leave a child that holds its output open (podman's conmon): not waited for longer. */
const DRAIN_MS = 250;

/** What a command still gets when the action's time for looking is over: one that is well needs less. */
const AFTER_DEADLINE_MS = 300;

/**
 * The machine that the agent runs on. `path`: directories that programs are looked for in, before the usual ones;
 * `until`: when commands must have ended, in ms since the epoch, so that tools that hang one after the other leave the
 * action time to say so.
 */
export function createMachine(
  options: { readonly path?: readonly string[]; readonly until?: number } = {},
): Machine {
  const within = (timeoutMs: number) =>
    Math.min(timeoutMs, Math.max(AFTER_DEADLINE_MS, (options.until ?? Infinity) - Date.now()));
  const own = (options.path ?? []).filter((each) => each.startsWith('/'));
  const directories = [...new Set([...own, ...USUAL_DIRECTORIES])];
  const env = commandEnvironment(directories);
  return {
    path: directories.join(delimiter),
    uid: process.getuid?.() ?? 0,
    run: (command, args, timeoutMs) => runCommand(command, args, { env, timeoutMs: within(timeoutMs) }),
    findProgram: (name) => directories.map((each) => join(each, name)).find(isProgram) ?? null,
    launch,
    read: (path) => unlessGone(() => readFileSync(path, 'utf8'), null),
    list: (path) => unlessGone(() => readdirSync(path).sort(), []),
    exists: existsSync,
    readLink: (path) => {
      try {
        return readlinkSync(path);
      } catch {
        return null;
      }
    },
    tail: (path, bytes) => unlessGone(() => readTail(path, bytes), null),
    write: (path, text) => placeFile(path, text, 0o644),
    remove: (path) => rmSync(path, { force: true }),
    modifiedAt: (path) => unlessGone(() => statSync(path).mtimeMs, null),
    kill: sendSignal,
    now: Date.now,
    sleep: (ms) => sleep(ms),
  };
}

/** Built, not inherited: no OCF_RESKEY_*, no proxy, no DOCKER_HOST of whoever calls by hand. */
function commandEnvironment(directories: readonly string[]): Record<string, string> {
  return {
    PATH: directories.join(delimiter),
    HOME: process.getuid?.() === 0 ? '/root' : '/',
    LC_ALL: 'C',
    SYSTEMD_COLORS: '0',
    SYSTEMD_PAGER: '',
  };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Runs `read`; `gone` when what it reads is not there, a process that just ended included. */
function unlessGone<T>(read: () => T, gone: T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && 'code' in error && /^(ENOENT|ENOTDIR|ESRCH)$/.test(String(error.code))) {
      return gone;
    }
    throw error;
  }
}

/**
 * A log lies in a directory of the user that nova-compute runs as, and its end is shown in the cluster's log: a link
 * there under its name, to what only root may read, is not followed.
 */
function readTail(path: string, bytes: number): string | null {
  if (!lstatSync(path).isFile()) return null;
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const facts = fstatSync(fd);
    if (!facts.isFile()) return null;
    const buffer = Buffer.alloc(Math.min(bytes, facts.size));
    const length = readSync(fd, buffer, 0, buffer.length, facts.size - buffer.length);
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(fd);
  }
}

function sendSignal(pid: number, signal: 'SIGTERM' | 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw new ComputeError(`${signal} could not be sent to process ${pid}: ${inWords(error)}.`, {
      cause: error,
    });
  }
}

function runCommand(
  command: string,
  args: readonly string[],
  options: { readonly env: Record<string, string>; readonly timeoutMs: number },
): Promise<CommandOutcome> {
  const shown = [command, args.find((each) => !each.startsWith('-')) ?? ''].join(' ').trim();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: options.env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
    const captured = { stdout: '', stderr: '' };
    let drain: NodeJS.Timeout | undefined;
    const end = (settle: () => void): void => {
      clearTimeout(late);
      clearTimeout(drain);
      child.stdout.destroy();
      child.stderr.destroy();
      settle();
    };
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      // One that not even SIGKILL ends (a dead disk, a dead NFS) must not keep the agent.
      child.unref();
      end(() =>
        reject(
          new ComputeError(`${shown} did not end within ${options.timeoutMs / 1000} s and was stopped.`),
        ),
      );
    }, options.timeoutMs);
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        captured[stream] = (captured[stream] + text).slice(-CAPTURE_LIMIT);
      });
    }
    child.on('error', (error) =>
      end(() =>
        reject(new ComputeError(`${command} could not be run: ${inWords(error)}.`, { cause: error })),
      ),
    );
    const ended = (exitCode: number | null, signal: NodeJS.Signals | null): void =>
      end(() => {
        if (exitCode !== null) resolve({ exitCode, ...captured });
        else reject(new ComputeError(`${shown} was ended by ${signal}.`));
      });
    child.on('exit', (exitCode, signal) => {
      drain = setTimeout(() => ended(exitCode, signal), DRAIN_MS);
    });
    child.on('close', ended);
  });
}

/**
 * stdin is /dev/null; the session is its own, so that the SIGKILL with which Pacemaker ends a late agent (to the
 * agent's process group) does not reach it. Node resets the signal dispositions and closes all other files.
 */
async function launch(what: Launch): Promise<number> {
  const fd = openOutput(what.output);
  // Pacemaker runs agents with umask 0026; what systemd gives services is what nova-compute's files expect.
  const umask = process.umask(0o022);
  try {
    const child = spawn(what.file, what.args, {
      env: { ...what.env },
      cwd: '/',
      detached: true,
      stdio: ['ignore', fd, fd],
    });
    process.umask(umask);
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(child.pid ?? 0));
    });
    child.unref();
    return pid;
  } catch (error) {
    throw new ComputeError(`${what.file} could not be started: ${inWords(error)}.`, { cause: error });
  } finally {
    process.umask(umask);
    closeSync(fd);
  }
}

/**
 * The directory may belong to the user that nova-compute runs as, so a link or a pipe that lies there under our
 * name is not followed: root would write to wherever it leads.
 */
function openOutput(output: OutputFile): number {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    mkdirSync(dirname(output.path), { recursive: true });
    if ((unlessGone(() => statSync(output.path).size, 0) ?? 0) > OUTPUT_LIMIT) {
      renameSync(output.path, `${output.path}.1`);
    }
    const fd = openSync(output.path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o640);
    try {
      const facts = fstatSync(fd);
      if (!facts.isFile() || facts.nlink > 1) throw new Error('it is not a plain file of its own');
      if (output.owner !== null) fchownSync(fd, output.owner.uid, output.owner.gid);
      writeSync(fd, `${output.header}\n`);
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  } catch (error) {
    throw new ComputeError(
      `nova-compute is not started, because ${output.path} cannot be written to: ${inWords(error)}.`,
      {
        cause: error,
      },
    );
  }
}
