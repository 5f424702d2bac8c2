import { rethrowUnless } from '../../../lib/rethrow.ts';
import { type Lock, LockError, lockNode } from '../lock.ts';
import { type AlertFacts, AlertSpool } from './alertSpool.ts';
import { reasonOf } from './incident.ts';

/** How long the program may take for one alert, and how long after SIGTERM it is killed, in ms. */
const programMs = 30_000;
const graceMs = 5_000;
/** Built, not inherited. */
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** What a worker needs of the agent's environment: where to log. It gets no parameter of the cloud. */
const passedOn = ['HA_LOGFACILITY', 'HA_LOGFILE', 'HA_DEBUGLOG', 'HA_LOGTAG', 'HA_debug', 'PATH', 'OCF_ROOT'];
const passedOnParameters = ['OCF_RESKEY_log_format', 'OCF_RESKEY_verbose'];

/** Name of the lock that the process at work holds. */
const lockName = (instance: string) => `alerts of ${instance}`;
/** The action of the agent that works the queue off. */
const alertsAction = 'alerts';

export interface AlertRun {
  readonly program: string;
  readonly stateDir: string;
  readonly instance: string;
  readonly log: { warn(sentence: string): void; debug(sentence: string): void };
  /** Tests shorten it. */
  readonly programMs?: number;
  readonly graceMs?: number;
}

/**
 * Runs the program for every alert that waits, one at a time and in order, until none does. Returns at once where
 * another process is at it. Never throws.
 */
export async function runAlerts(run: AlertRun): Promise<void> {
  const spool = new AlertSpool(run.stateDir, run.instance);
  // What is put down after the last look is for whoever puts it down to see to: it finds the lock free.
  for (let refused = 0; refused < 3; ) {
    let lock: Lock;
    try {
      lock = await lockNode(run.stateDir, lockName(run.instance));
    } catch (error) {
      rethrowUnless(error, LockError);
      run.log.warn(`Alerts wait: ${error.message}; the next pass tries again.`);
      return;
    }
    if (lock.kind === 'held') {
      try {
        for (let facts = spool.take(); facts !== null; facts = spool.take()) await alert(run, facts, spool);
      } catch (error) {
        run.log.warn(
          `Alerts cannot be taken from ${spool.directory} (${reasonOf(error)}); the next pass tries again.`,
        );
        return;
      } finally {
        lock.release();
      }
      if (spool.waiting() === 0) return;
    } else {
      // Somebody is at work; or a pass holds the lock for a moment, to see whether anybody is.
      refused += 1;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Whether a process works the queue off, and will look into it once more before it ends. */
export async function isAlertWorkerRunning(stateDir: string, instance: string): Promise<boolean> {
  const lock = await lockNode(stateDir, lockName(instance));
  if (lock.kind === 'held') lock.release();
  return lock.kind === 'taken';
}

/**
 * Starts this very program as {@link alertsAction}, in a session of its own, so that whoever ends the pass, with its
 * process group, does not end it. Rejects when it cannot be started; waits for nothing else.
 */
export async function startAlertWorker(options: {
  readonly program: string;
  readonly stateDir: string;
  readonly instance: string;
  readonly env: NodeJS.ProcessEnv;
  /** Arguments before the action, where this program is no binary of ours: tests run the sources. */
  readonly args?: readonly string[];
}): Promise<void> {
  const { spawn } = await import('node:child_process');
  const env: NodeJS.ProcessEnv = {
    HA_RSCTMP: options.stateDir,
    OCF_RESOURCE_INSTANCE: options.instance,
    OCF_RESKEY_alert: options.program,
  };
  for (const name of [...passedOn, ...passedOnParameters]) {
    if (options.env[name] !== undefined) env[name] = options.env[name];
  }
  // Leads to this very program even where an upgrade has replaced its file meanwhile.
  const child = spawn('/proc/self/exe', [...(options.args ?? []), alertsAction], {
    argv0: 'NovaEvacuate',
    cwd: '/',
    env,
    stdio: 'ignore',
    detached: true,
  });
  child.unref();
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
}

/** A failure is a warning where the last alert did not fail in the same way. */
async function alert(run: AlertRun, facts: AlertFacts, spool: AlertSpool): Promise<void> {
  const failure = await runProgram(run, { PATH: path, ...facts });
  const about = `${facts['OS_ALERT_WHAT']} of ${facts['OS_ALERT_INSTANCE_NAME'] || facts['OS_ALERT_HOST']}`;
  const known = spool.failure();
  if (failure !== known) spool.keepFailure(failure);
  if (failure === '') return run.log.debug(`The alert program was run for ${about}.`);
  if (failure === known) return run.log.debug(`The alert program ${failure} (${about}).`);
  run.log.warn(
    `The alert program ${run.program} ${failure} (${about}); the next alerts are tried all the same.`,
  );
}

/** `''` when it ended well, else what happened. What it leaves in the background is not waited for. */
async function runProgram(run: AlertRun, env: Record<string, string>): Promise<string> {
  const { spawn } = await import('node:child_process');
  const limitMs = run.programMs ?? programMs;
  return new Promise((resolve) => {
    const child = spawn(run.program, [], { cwd: '/', env, stdio: 'ignore', detached: true });
    let late = false;
    const end = (signal: NodeJS.Signals) => {
      late = true;
      if (child.pid === undefined) return;
      try {
        // Its whole process group.
        process.kill(-child.pid, signal);
      } catch {
        child.kill(signal);
      }
    };
    const timers = [
      setTimeout(() => end('SIGTERM'), limitMs),
      setTimeout(() => end('SIGKILL'), limitMs + (run.graceMs ?? graceMs)),
    ];
    const finish = (failure: string) => {
      for (const timer of timers) clearTimeout(timer);
      resolve(failure);
    };
    child.once('error', (error) => finish(`cannot be run (${reasonOf(error)})`));
    child.once('exit', (code, signal) => {
      if (late) finish(`did not end within ${limitMs / 1000} s and was stopped`);
      else if (signal !== null) finish(`was ended by ${signal}`);
      else finish(code === 0 ? '' : `ended with ${code}`);
    });
  });
}
