import { ComputeError } from '../../../lib/evacuation/return/localCompute.ts';
import {
  type ContainerEngine,
  type ContainerFacts,
  createContainerRuntime,
  inspectContainer,
  isAlive as isContainerAlive,
} from './container.ts';
import { mountsOfCommand } from './containerConfig.ts';
import type { Machine } from './machine.ts';
import { createProcessRuntime, runsByPidFile } from './process.ts';
import { scan } from './scan.ts';
import {
  createSystemdRuntime,
  isBooted,
  isAlive as isUnitAlive,
  runsContainer,
  showUnits,
  type UnitFacts,
  unitTrouble,
} from './systemd.ts';
import type { Runtime, RuntimeName } from './types.ts';
import { findUser } from './user.ts';

/** What the operator says about how nova-compute runs here. */
export interface RuntimeSettings {
  readonly runtime: 'auto' | RuntimeName;
  /** The systemd unit; null: the first known one that exists. */
  readonly unit: string | null;
  /** The container; null: `nova_compute`, its name in TripleO and Kolla. */
  readonly container: string | null;
  /** Whom a process of our own runs as. */
  readonly user: string;
  /** `HA_RSCTMP`, for the pid file. */
  readonly stateDir: string;
  /** `OCF_RESOURCE_INSTANCE`. */
  readonly instance: string;
}

/** There is nothing here that could be managed as the settings say. */
export interface MissingRuntime {
  readonly kind: 'missing';
  readonly sentence: string;
  /** Who could not be asked, so that it may be there all the same; nothing of it runs. */
  readonly unsure?: ComputeError;
}

/** Of RDO's packages, of Debian's and Ubuntu's. */
const UNITS = ['openstack-nova-compute.service', 'nova-compute.service'];
const CONTAINER = 'nova_compute';
const ENGINES: readonly ContainerEngine[] = ['podman', 'docker'];

/** Units that run the container: of TripleO, of Kolla with podman, of RHOSO's data plane, of `podman generate systemd`. */
function unitsOfContainer(container: string): readonly string[] {
  return [
    `tripleo_${container}.service`,
    `kolla-${container}-container.service`,
    `edpm_${container}.service`,
    `container-${container}.service`,
  ];
}

/**
 * The runtime that nova-compute has on this machine. `auto` takes what runs (unit, container, process), else what
 * could be started (container, unit, program). Throws `ComputeError` when a tool that would have to tell does not.
 */
export async function findRuntime(
  settings: RuntimeSettings,
  machine: Machine,
): Promise<Runtime | MissingRuntime> {
  switch (settings.runtime) {
    case 'process':
      return findProcess(settings, machine);
    case 'systemd':
      return findUnit(settings, machine);
    case 'podman':
    case 'docker':
      return findContainer(settings.runtime, settings, machine);
    case 'auto':
      return findAny(settings, machine);
  }
}

async function findProcess(settings: RuntimeSettings, machine: Machine): Promise<Runtime | MissingRuntime> {
  if ((await findUser(machine, settings.user)) === null) {
    return machine.findProgram('nova-compute') === null
      ? notInstalled
      : missing(
          `There is no user ${settings.user} on this machine, whom nova-compute is to run as: set the parameter user.`,
        );
  }
  const runtime = createProcessRuntime(settings, machine);
  // One that runs from elsewhere (a virtual environment) is managed all the same.
  const installed =
    machine.findProgram('nova-compute') !== null || (await runtime.state()).kind === 'running';
  return installed ? runtime : notInstalled;
}

async function findUnit(settings: RuntimeSettings, machine: Machine): Promise<Runtime | MissingRuntime> {
  if (!isBooted(machine))
    return missing('systemd does not run this machine, so runtime=systemd cannot be used.');
  const { all, best } = await lookUpUnits(settings, machine);
  if (best !== undefined) return systemdRuntime(best, settings, machine);
  // The one that was asked for, or that is masked, says more than that none of several is there.
  const telling =
    all.find(({ loadState }) => loadState !== 'not-found') ?? (all.length === 1 ? all[0] : undefined);
  return missing(
    (telling === undefined ? null : unitTrouble(telling)) ??
      `None of the systemd units ${all.map(({ name }) => name).join(', ')} is on this machine: set the parameter unit.`,
  );
}

async function findContainer(
  engine: ContainerEngine,
  settings: RuntimeSettings,
  machine: Machine,
): Promise<Runtime | MissingRuntime> {
  const name = settings.container ?? CONTAINER;
  if (machine.findProgram(engine) === null) return missing(`${engine} is not installed on this machine.`);
  const container = await inspectContainer(machine, engine, name);
  if (container === null) return missing(`There is no ${engine} container ${name} on this machine.`);
  return (await unitAround(container, settings, machine)) ?? createContainerRuntime(engine, name, machine);
}

/**
 * The unit that runs this container, if one does: it would start the container anew as soon as we stopped it, so
 * it is the unit that has to be started and stopped.
 */
async function unitAround(
  container: ContainerFacts,
  settings: RuntimeSettings,
  machine: Machine,
): Promise<Runtime | null> {
  if (!isBooted(machine)) return null;
  const own = container.unit === null ? [] : [container.unit];
  const names = [...new Set([...own, ...unitsOfContainer(settings.container ?? CONTAINER)])];
  const usable = (await showUnits(machine, names)).filter(
    (unit) => unitTrouble(unit) === null && runsContainer(unit),
  );
  const unit = usable.find(isUnitAlive) ?? (isContainerAlive(container) ? undefined : usable[0]);
  return unit === undefined ? null : systemdRuntime(unit, settings, machine);
}

async function findAny(settings: RuntimeSettings, machine: Machine): Promise<Runtime | MissingRuntime> {
  // What runs. Cheapest first, for the monitor that finds all well: our own process needs no tool at all.
  if (await runsByPidFile(settings, machine)) return createProcessRuntime(settings, machine);
  const units = await settle(async () => (isBooted(machine) ? lookUpUnits(settings, machine) : null));
  const unit = units.value?.best;
  if (unit !== undefined && isUnitAlive(unit)) return systemdRuntime(unit, settings, machine);

  const name = settings.container ?? CONTAINER;
  // At the same time: one that hangs must not use up the time of the other.
  const containers = await Promise.all(
    ENGINES.map((engine) =>
      settle(async () => {
        if (machine.findProgram(engine) === null) return null;
        const container = await inspectContainer(machine, engine, name);
        return container === null ? null : { engine, container };
      }),
    ),
  );
  const found = containers.flatMap(({ value }) => value ?? []);
  const containerRuntime = async ({ engine, container }: (typeof found)[number]): Promise<Runtime> =>
    (await unitAround(container, settings, machine)) ?? createContainerRuntime(engine, name, machine);
  const running = found.find(({ container }) => isContainerAlive(container));
  if (running !== undefined) return containerRuntime(running);
  const process = await findProcess(settings, machine);
  if (!('kind' in process) && (await process.state()).kind === 'running') return process;

  // Nothing that could be seen runs. What could not be looked at must not be taken for something that does not run.
  const troubles = [units, ...containers].flatMap(({ trouble }) => trouble ?? []);
  const [anyTrouble] = troubles;
  if (anyTrouble !== undefined && scan(machine, null).managed.length > 0) throw anyTrouble;
  const [container] = found;
  if (container !== undefined) return containerRuntime(container);
  if (unit !== undefined) return systemdRuntime(unit, settings, machine);
  if (!('kind' in process)) return process;
  const trouble = troubles.find(({ message }) => !isDaemonAway(message));
  if (trouble !== undefined) throw trouble;
  // The program is there, its user is not.
  if (process !== notInstalled) return process;
  const nothing = missing(
    'nova-compute is not on this machine: neither a systemd unit nor a container nor the program was found.',
  );
  return anyTrouble === undefined ? nothing : { ...nothing, unsure: anyTrouble };
}

/** docker's command without docker's daemon: then no container of it can be running. */
function isDaemonAway(message: string): boolean {
  return /cannot connect to the docker daemon|is the docker daemon running/i.test(message);
}

/** The units that may be nova-compute's, and of them the one that is, if any: what is alive, else the first usable. */
async function lookUpUnits(
  settings: RuntimeSettings,
  machine: Machine,
): Promise<{ readonly all: readonly UnitFacts[]; readonly best: UnitFacts | undefined }> {
  const names =
    settings.unit === null
      ? [...UNITS, ...unitsOfContainer(settings.container ?? CONTAINER)]
      : [unitName(settings.unit)];
  const all = await showUnits(machine, names);
  const usable = all.filter((unit) => unitTrouble(unit) === null);
  return { all, best: all.find(isUnitAlive) ?? usable.find(runsContainer) ?? usable[0] };
}

/** systemctl(1) takes a name without a suffix for a service; so do we, and say the whole name. */
export function unitName(name: string): string {
  return name.endsWith('.service') ? name : `${name}.service`;
}

async function systemdRuntime(
  unit: UnitFacts,
  settings: RuntimeSettings,
  machine: Machine,
): Promise<Runtime> {
  const engine = ENGINES.find((each) => unit.execStart[0]?.endsWith(each) === true);
  const inside =
    engine === undefined || !runsContainer(unit)
      ? null
      : createContainerRuntime(
          engine,
          settings.container ?? CONTAINER,
          machine,
          mountsOfCommand(unit.execStart),
        );
  return createSystemdRuntime(unit.name, machine, inside);
}

interface Settled<T> {
  readonly value: T | null;
  readonly trouble: ComputeError | null;
}

async function settle<T>(look: () => Promise<T | null>): Promise<Settled<T>> {
  try {
    return { value: await look(), trouble: null };
  } catch (error) {
    if (error instanceof ComputeError) return { value: null, trouble: error };
    throw error;
  }
}

function missing(sentence: string): MissingRuntime {
  return { kind: 'missing', sentence };
}

const notInstalled = missing('nova-compute is not installed on this machine.');
