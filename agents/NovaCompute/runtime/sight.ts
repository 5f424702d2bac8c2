import { type RuntimeSettings, unitName } from './find.ts';
import type { Machine } from './machine.ts';
import type { ProcessFacts } from './procfs.ts';
import { scan } from './scan.ts';

/**
 * Every nova-compute of the kind that the settings ask for, by what the kernel itself shows (/proc and the cgroups in it): the last
 * witness, where the engine, systemd or the list of users does not answer. Nothing but files of the kernel is read.
 *
 * Whose container a process is in is told by its engine alone, so a second nova-compute in a container is seen too.
 */
export function inSight(
  machine: Machine,
  settings: Pick<RuntimeSettings, 'runtime' | 'unit'>,
): readonly ProcessFacts[] {
  const { managed, others } = scan(machine, null);
  const unit = settings.unit === null ? null : unitName(settings.unit);
  const mine = managed.filter(({ manager }) => {
    if (settings.runtime === 'process') return false;
    if (manager.kind === 'container') return true;
    if (settings.runtime === 'systemd' || settings.runtime === 'auto')
      return unit === null || manager.name === unit;
    // Of a container that its unit keeps in its own cgroup (`--cgroups=disabled`).
    return /nova[-_]?compute/i.test(manager.name);
  });
  const byHand = ['process', 'auto'].includes(settings.runtime) ? others : [];
  return [...mine.map(({ process }) => process), ...byHand];
}

/** `as process 4711`, `as processes 12, 13`. */
export function asProcesses(processes: readonly Pick<ProcessFacts, 'pid'>[]): string {
  return `as process${processes.length === 1 ? '' : 'es'} ${processes.map(({ pid }) => pid).join(', ')}`;
}
