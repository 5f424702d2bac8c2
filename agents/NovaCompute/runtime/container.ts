import { ComputeError } from '../../../lib/evacuation/return/localCompute.ts';
import { bare, type ContainerMount, configFilesInContainer } from './containerConfig.ts';
import { forceAt } from './endProcesses.ts';
import { lastLinesOf, said } from './lines.ts';
import type { Machine } from './machine.ts';
import { whyNotASecond } from './scan.ts';
import type { Runtime, RuntimeState } from './types.ts';

export type ContainerEngine = 'podman' | 'docker';

/** A container as `inspect` tells of it; podman and docker spell these parts alike. */
export interface ContainerFacts {
  /** created, running, paused, restarting, removing, exited, dead; of podman also configured, stopped, stopping. */
  readonly status: string;
  /** 0: no process. */
  readonly pid: number;
  readonly exitCode: number;
  readonly startedAt: string;
  readonly mounts: readonly ContainerMount[];
  /** The systemd unit that made it, where podman was told so. */
  readonly unit: string | null;
}

const INSPECT_TIMEOUT_MS = 8_000;
/** What the engine itself may take to end a container, beyond the time that the container is given. */
const ENGINE_MS = 3_000;
const POLL_MS = 250;

/** Asks an engine for a container; null when it has none of this name. Throws `ComputeError`. */
export async function inspectContainer(
  machine: Machine,
  engine: ContainerEngine,
  name: string,
): Promise<ContainerFacts | null> {
  // Without --format: podman 4.3 takes `{{json .}}` for no format at all and prints a list, docker the object alone.
  const args = ['inspect', '--type', 'container', name];
  const answer = await machine.run(engine, args, INSPECT_TIMEOUT_MS);
  if (answer.exitCode === 0) return parseContainer(engine, name, answer.stdout);
  if (/no such (container|object)/i.test(answer.stderr)) return null;
  throw new ComputeError(
    `${engine} does not tell the state of container ${name}: ${said(answer.stderr, answer.exitCode)}`,
  );
}

function parseContainer(engine: ContainerEngine, name: string, text: string): ContainerFacts {
  const bad = (): ComputeError =>
    new ComputeError(
      `${engine} does not tell the state of container ${name}: its answer has no state in it.`,
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad();
  }
  if (Array.isArray(value)) [value] = value;
  const state = member(value, 'State');
  const status = member(state, 'Status');
  if (typeof status !== 'string') throw bad();
  const pid = member(state, 'Pid');
  const exitCode = member(state, 'ExitCode');
  const startedAt = member(state, 'StartedAt');
  const mounts = member(value, 'Mounts');
  const unit = member(member(member(value, 'Config'), 'Labels'), 'PODMAN_SYSTEMD_UNIT');
  return {
    status: status.toLowerCase(),
    pid: typeof pid === 'number' ? pid : 0,
    exitCode: typeof exitCode === 'number' ? exitCode : 0,
    startedAt: typeof startedAt === 'string' ? startedAt : '',
    mounts: (Array.isArray(mounts) ? mounts : []).flatMap((mount: unknown) => {
      const source = member(mount, 'Source');
      const destination = member(mount, 'Destination');
      if (typeof source !== 'string' || typeof destination !== 'string') return [];
      return source === '' || destination === ''
        ? []
        : [{ source: bare(source), destination: bare(destination) }];
    }),
    unit: typeof unit === 'string' && unit !== '' ? unit : null,
  };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? new Map<string, unknown>(Object.entries(value)).get(name)
    : undefined;
}

/** Whether nova-compute is alive in a container. A paused one is frozen and does nothing until it is started again. */
export function isAlive(container: ContainerFacts): boolean {
  return ['running', 'stopping'].includes(container.status);
}

/**
 * nova-compute as a podman or docker container that the deployment made. `unitMounts`: the mounts that its unit gives it, where
 * it is made at each start and is not there before (`podman run --rm --replace`).
 */
export function createContainerRuntime(
  engine: ContainerEngine,
  name: string,
  machine: Machine,
  unitMounts: readonly ContainerMount[] = [],
): Runtime {
  const title = `container ${name} (${engine})`;
  const inspect = () => inspectContainer(machine, engine, name);
  const missing = `There is no ${engine} container ${name} on this machine.`;
  /** Which run of the container `start` brought about: another one means that this one ended and was restarted. */
  let launchedRun: string | null = null;
  /** Runs a command of the engine; gives what it said when it failed, else null. */
  const tell = async (args: readonly string[], timeoutMs: number): Promise<string | null> => {
    const answer = await machine.run(engine, args, timeoutMs);
    return answer.exitCode === 0 ? null : said(answer.stderr, answer.exitCode);
  };

  const state = async (): Promise<RuntimeState> => {
    const container = await inspect();
    if (container === null) return { kind: 'missing', sentence: missing };
    if (isAlive(container) && launchedRun !== null && container.startedAt !== launchedRun) {
      return { kind: 'stopped', sentence: `The ${title} has ended and was restarted by ${engine} since.` };
    }
    if (isAlive(container)) {
      const since = Date.parse(container.startedAt);
      const sentence = `The ${title} is ${container.status}.`;
      return { kind: 'running', since: Number.isFinite(since) ? since : null, sentence };
    }
    const ended = container.exitCode === 0 ? '' : `, its last run ended with exit code ${container.exitCode}`;
    return { kind: 'stopped', sentence: `The ${title} is ${container.status}${ended}.` };
  };

  const start = async (deadline: number): Promise<void> => {
    const container = await inspect();
    if (container === null) throw new ComputeError(missing);
    if (isAlive(container)) return;
    const reason = whyNotASecond(machine, null, ({ kind }) => kind === 'container');
    if (reason !== null) throw new ComputeError(reason);
    const verb = container.status === 'paused' ? 'unpause' : 'start';
    const failure = await tell([verb, name], Math.max(ENGINE_MS, deadline - machine.now()));
    if (failure !== null) throw new ComputeError(`The ${title} could not be started: ${failure}`);
    const launched = await inspect();
    launchedRun = launched !== null && isAlive(launched) ? launched.startedAt : null;
  };

  const stop = async (deadline: number): Promise<void> => {
    const before = await inspect();
    if (before === null) return;
    if (before.status === 'paused') {
      // A frozen process hears no SIGTERM, and podman refuses to stop it. Failure shows below.
      await tell(['unpause', name], ENGINE_MS);
    }
    // Also where nothing is alive at this moment: a restart policy would bring it back.
    if (['created', 'configured', 'exited', 'stopped', 'dead'].includes(before.status)) return;
    const patience = forceAt(machine.now(), deadline) - machine.now();
    const seconds = Math.max(1, Math.floor((patience - ENGINE_MS) / 1000));
    let trouble = await attempt(() =>
      tell(['stop', '-t', String(seconds), name], seconds * 1000 + ENGINE_MS),
    );
    if (trouble !== null) {
      trouble = await attempt(() =>
        tell(['kill', name], Math.max(1_000, deadline - machine.now() - ENGINE_MS)),
      );
    }
    const until = Math.max(deadline, machine.now() + 1_000);
    let after = await inspect();
    while (trouble === null && after !== null && isAlive(after) && machine.now() < until) {
      await machine.sleep(POLL_MS);
      after = await inspect();
    }
    if (after === null || !isAlive(after)) return;
    const why = trouble ?? `it is ${after.status} again: something beside the cluster starts it.`;
    throw new ComputeError(`The ${title} could not be stopped: ${why}`);
  };

  return {
    name: engine,
    title,
    state,
    start,
    stop,
    lastLines: async (count) => {
      const answer = await machine.run(engine, ['logs', '--tail', String(count), name], INSPECT_TIMEOUT_MS);
      if (answer.exitCode !== 0) return [];
      // The engine keeps what was written to the two apart; why a program died is mostly on stderr.
      return [...lastLinesOf(answer.stdout, count), ...lastLinesOf(answer.stderr, count)].slice(-count);
    },
    configFiles: async () => {
      const container = await inspect();
      if (container === null && unitMounts.length === 0) throw new ComputeError(missing);
      return configFilesInContainer(container?.mounts ?? unitMounts, machine, title);
    },
    mountInfo: async () => {
      const pid = (await inspect())?.pid ?? 0;
      return pid === 0 ? null : machine.read(`/proc/${pid}/mountinfo`);
    },
  };
}

/** Gives the failure's text, be it thrown or told. */
async function attempt(act: () => Promise<string | null>): Promise<string | null> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof ComputeError) return error.message;
    throw error;
  }
}
