import { ComputeError } from '../../../lib/evacuation/return/localCompute.ts';
import { configFilesOf } from '../novaConf/places.ts';
import { forceAt } from './endProcesses.ts';
import { isNovaCompute } from './identity.ts';
import { lastLinesOf, said } from './lines.ts';
import type { Machine } from './machine.ts';
import { readProcess } from './procfs.ts';
import { whyNotASecond } from './scan.ts';
import type { Runtime, RuntimeState } from './types.ts';
import { findUser } from './user.ts';

/** A unit as `systemctl show` tells of it (org.freedesktop.systemd1(5)). */
export interface UnitFacts {
  /** As it was asked for. */
  readonly name: string;
  /** The name that its cgroup bears, where it was asked for by another one of its names. */
  readonly id: string;
  /** loaded, not-found, masked, bad-setting, error */
  readonly loadState: string;
  /** active, reloading, inactive, failed, activating, deactivating, maintenance, refreshing */
  readonly activeState: string;
  readonly subState: string;
  /** 0: no main process. */
  readonly mainPid: number;
  /** Why it last ended: success, exit-code, signal, timeout, start-limit-hit, ... */
  readonly result: string;
  /** A job (start, stop) of this unit is waiting or under way. */
  readonly hasJob: boolean;
  /** When its main process was started, in µs of the monotonic clock; 0: never. */
  readonly mainStartedMonotonic: number;
  readonly user: string;
  /** The command line of its ExecStart=. */
  readonly execStart: readonly string[];
}

const PROPERTIES = [
  'Id',
  'LoadState',
  'ActiveState',
  'SubState',
  'MainPID',
  'Result',
  'Job',
  'ExecMainStartTimestampMonotonic',
  'User',
  'ExecStart',
] as const;
/** Two tools that hang, one after the other, must leave a monitor time to say so. */
const SHOW_TIMEOUT_MS = 8_000;
const POLL_MS = 250;
/** A unit between two states mostly is so for a moment (a restart by systemd itself): so long it is looked at again. */
const SETTLE_MS = 2_000;

/** sd_booted(3): whether systemd is this machine's init. */
export function isBooted(machine: Pick<Machine, 'exists'>): boolean {
  return machine.exists('/run/systemd/system');
}

/** Asks systemd for units, in one call. Throws `ComputeError`. */
export async function showUnits(machine: Machine, names: readonly string[]): Promise<readonly UnitFacts[]> {
  const properties = PROPERTIES.join(',');
  const answer = await machine.run(
    'systemctl',
    ['show', `--property=${properties}`, '--', ...names],
    SHOW_TIMEOUT_MS,
  );
  const blocks = answer.stdout.trim().split(/\n\n+/);
  if (answer.exitCode !== 0 || blocks.length !== names.length) {
    throw new ComputeError(
      `systemctl does not tell the state of ${names.join(', ')}: ${said(answer.stderr, answer.exitCode)}`,
    );
  }
  return blocks.map((block, at) => parseUnit(names[at] ?? '', block));
}

function parseUnit(name: string, block: string): UnitFacts {
  const properties = new Map(
    block.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const text = (key: (typeof PROPERTIES)[number]): string => properties.get(key) ?? '';
  const number = (key: (typeof PROPERTIES)[number]): number =>
    /^\d+$/.test(text(key)) ? Number(text(key)) : 0;
  if (text('LoadState') === '' || text('ActiveState') === '') {
    throw new ComputeError(`systemctl does not tell the state of ${name}: its answer has no state in it.`);
  }
  return {
    name,
    id: text('Id') || name,
    loadState: text('LoadState'),
    activeState: text('ActiveState'),
    subState: text('SubState'),
    mainPid: number('MainPID'),
    result: text('Result'),
    hasJob: number('Job') !== 0,
    mainStartedMonotonic: number('ExecMainStartTimestampMonotonic'),
    user: text('User'),
    // systemctl(1) prints it as `{ path=… ; argv[]=… ; ignore_errors=no ; … }`.
    execStart: (/argv\[\]=(.*?) ;/.exec(text('ExecStart'))?.[1] ?? '').split(' ').filter(Boolean),
  };
}

/** Why a unit cannot be used at all, or null. */
export function unitTrouble(unit: UnitFacts): string | null {
  switch (unit.loadState) {
    case 'loaded':
      return null;
    case 'not-found':
      return `There is no systemd unit ${unit.name} on this machine.`;
    case 'masked':
      return `The systemd unit ${unit.name} is masked and cannot be started: unmask it, or set another runtime.`;
    default:
      return `systemd cannot use the unit ${unit.name} (${unit.loadState}): systemctl status ${unit.name} tells why.`;
  }
}

/** Whether a unit does nothing but run a container, as TripleO's and Kolla's with podman do. */
export function runsContainer(unit: UnitFacts): boolean {
  return /(^|\/)(podman|docker)$/.test(unit.execStart[0] ?? '');
}

/** Whether nova-compute is alive in a unit. */
export function isAlive(unit: UnitFacts): boolean {
  switch (unit.activeState) {
    case 'active':
    case 'reloading':
    case 'refreshing':
      // `active (exited)` is a unit whose program ended and that stays "active" all the same.
      return unit.subState !== 'exited';
    case 'activating':
    case 'deactivating':
      // Started and not ready yet (Type=notify), or on its way out: there all the same.
      return unit.mainPid !== 0;
    default:
      return false;
  }
}

/**
 * nova-compute as a systemd unit. `inside` is the container that the unit runs, if it does: it knows better where
 * nova.conf lies and what nova-compute wrote.
 */
export function createSystemdRuntime(name: string, machine: Machine, inside: Runtime | null): Runtime {
  /** Which run of the unit `start` brought about: another one means that this one ended and systemd restarted it. */
  let launchedRun: number | null = null;

  const show = async (): Promise<UnitFacts> => {
    const [unit] = await showUnits(machine, [name]);
    if (unit === undefined) throw new ComputeError(`systemctl does not tell the state of ${name}.`);
    return unit;
  };

  const settled = async (): Promise<UnitFacts> => {
    const until = machine.now() + SETTLE_MS;
    for (;;) {
      const unit = await show();
      const between = ['activating', 'deactivating'].includes(unit.activeState) && !isAlive(unit);
      if (!between || machine.now() >= until) return unit;
      await machine.sleep(POLL_MS);
    }
  };

  const state = async (): Promise<RuntimeState> => {
    const unit = await settled();
    if (isAlive(unit) && launchedRun !== null && unit.mainStartedMonotonic !== launchedRun) {
      return { kind: 'stopped', sentence: `The unit ${name} has ended and was restarted by systemd since.` };
    }
    if (isAlive(unit)) {
      const sentence = `The unit ${name} is ${unit.activeState} (${unit.subState}).`;
      return { kind: 'running', since: startedAt(machine, unit), sentence };
    }
    const within = await inside?.state();
    if (within?.kind === 'running') {
      const sentence = `${within.sentence} Its unit ${name} is ${unit.activeState} (${unit.subState}).`;
      return { ...within, sentence };
    }
    const trouble = unitTrouble(unit);
    if (trouble !== null) return { kind: 'missing', sentence: trouble };
    const ended = ['success', ''].includes(unit.result) ? '' : `, its last run ended with ${unit.result}`;
    return {
      kind: 'stopped',
      sentence: `The unit ${name} is ${unit.activeState} (${unit.subState})${ended}.`,
    };
  };

  const start = async (deadline: number): Promise<void> => {
    const begun = machine.now();
    const before = await show();
    const trouble = unitTrouble(before);
    if (trouble !== null) throw new ComputeError(trouble);
    const reason = whyNotASecond(machine, null, (manager) =>
      manager.kind === 'unit' ? manager.name === before.id : inside !== null,
    );
    if (reason !== null) throw new ComputeError(reason);
    // After several failures in a row systemd refuses to start a unit until this; that it had none is no error.
    await machine.run('systemctl', ['reset-failed', '--', name], SHOW_TIMEOUT_MS);
    // Not waited for by systemctl: a unit of Type=notify is "starting" until nova-compute has reached the message bus.
    const answer = await machine.run('systemctl', ['start', '--no-block', '--', name], SHOW_TIMEOUT_MS);
    if (answer.exitCode !== 0) {
      throw new ComputeError(
        `The unit ${name} could not be started: ${said(answer.stderr, answer.exitCode)}`,
      );
    }
    for (;;) {
      const unit = await show();
      if (isAlive(unit)) {
        launchedRun = unit.mainStartedMonotonic;
        return;
      }
      // It was launched and has ended, or cannot be: the state and the journal say why.
      if (!unit.hasJob && ['failed', 'inactive', 'active'].includes(unit.activeState)) return;
      if (unit.subState === 'auto-restart') return;
      if (machine.now() >= deadline) {
        const seconds = Math.round((machine.now() - begun) / 1000);
        throw new ComputeError(
          `The unit ${name} has not started nova-compute within ${seconds} s: it is ${unit.activeState} ` +
            `(${unit.subState}), held up by its ExecStartPre= or by units that it needs.`,
        );
      }
      await machine.sleep(POLL_MS);
    }
  };

  const stop = async (deadline: number): Promise<void> => {
    const force = forceAt(machine.now(), deadline);
    const ended = async (until: number): Promise<UnitFacts | null> => {
      for (;;) {
        const unit = await show();
        if (['inactive', 'failed'].includes(unit.activeState) && !unit.hasJob) return null;
        if (machine.now() >= until) return unit;
        await machine.sleep(POLL_MS);
      }
    };
    const before = await show();
    if (unitTrouble(before) === null || isAlive(before)) {
      const answer = await machine.run('systemctl', ['stop', '--no-block', '--', name], SHOW_TIMEOUT_MS);
      if (answer.exitCode !== 0) {
        throw new ComputeError(
          `The unit ${name} could not be stopped: ${said(answer.stderr, answer.exitCode)}`,
        );
      }
      if ((await ended(Math.max(force, machine.now() + 500))) !== null) {
        // The unit's whole cgroup: what nova-compute started there goes with it, as at any stop of a unit.
        await machine.run('systemctl', ['kill', '--signal=SIGKILL', '--', name], SHOW_TIMEOUT_MS);
      }
    }
    // A container is not in its unit's cgroup, and may have been started without it.
    if ((await inside?.state())?.kind === 'running') await inside?.stop(deadline);
    const remains = await ended(Math.max(deadline, machine.now() + 1_000));
    if (remains === null) return;
    throw new ComputeError(
      `The unit ${name} did not end, not even by SIGKILL: it is ${remains.activeState} (${remains.subState}).`,
    );
  };

  return {
    name: 'systemd',
    title: inside === null ? `unit ${name}` : `unit ${name} (${inside.title})`,
    state,
    start,
    stop,
    lastLines: async (count) => {
      const written = await inside?.lastLines(count);
      if (written !== undefined && written.length > 0) return written;
      const args = ['--unit', name, '--lines', String(count), '--output=cat', '--no-pager', '--quiet'];
      const answer = await machine.run('journalctl', args, SHOW_TIMEOUT_MS);
      return answer.exitCode === 0 ? lastLinesOf(answer.stdout, count) : [];
    },
    configFiles: async () => {
      if (inside !== null) return inside.configFiles();
      const unit = await show();
      const process = unit.mainPid === 0 ? null : readProcess(machine, unit.mainPid);
      const argv = process !== null && isNovaCompute(process.argv) ? process.argv : unit.execStart;
      const home = (await findUser(machine, unit.user || 'root'))?.home ?? '/';
      return configFilesOf(argv, home, machine);
    },
    mountInfo: async () => {
      if (inside !== null) return inside.mountInfo();
      const { mainPid } = await show();
      return (
        (mainPid === 0 ? null : machine.read(`/proc/${mainPid}/mountinfo`)) ??
        machine.read('/proc/self/mountinfo')
      );
    },
  };
}

/** The monotonic clock starts with the boot, but for the time a machine was suspended. */
function startedAt(machine: Machine, unit: UnitFacts): number | null {
  const boot = /^btime (\d+)$/m.exec(machine.read('/proc/stat') ?? '')?.[1];
  if (boot === undefined || unit.mainStartedMonotonic === 0) return null;
  return Number(boot) * 1000 + unit.mainStartedMonotonic / 1000;
}
