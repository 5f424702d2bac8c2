import { novaHost } from '@openstack-ts/nova-client';
import type { OcfContext } from '../../lib/ocf/index.ts';
import type { NovaHostName } from './hostName.ts';
import { type NovaConf, readNovaConf } from './novaConf/index.ts';
import { parseRuntime } from './parameters.ts';
import { type LookUntil, lookPatiently, type Untold } from './patience.ts';
import type { MissingRuntime, RuntimeSettings } from './runtime/find.ts';
import type { ProcessFacts } from './runtime/procfs.ts';
import { inSight } from './runtime/sight.ts';
import type { Runtime, RuntimeState } from './runtime/types.ts';
import type { World } from './world.ts';

/** nova-compute as it was found on this machine. */
export interface Found {
  readonly runtime: Runtime;
  readonly state: Exclude<RuntimeState, { kind: 'missing' }>;
}

/**
 * What runs, or could be started, here. A `runtime` that is no word for one counts as `auto`: a probe and a stop have
 * to find what is there. Who does not answer is asked again for as long as the patience lasts.
 */
export async function findNovaCompute(
  ctx: OcfContext,
  world: World,
  patience: LookUntil,
): Promise<Found | MissingRuntime | Untold> {
  const settings = settingsOf(ctx);
  return lookPatiently(world, patience, () => look(world, settings));
}

/**
 * One look of a stop: where what the parameters name does not exist, what there is instead. Throws `ComputeError` when
 * whoever would have to tell does not answer.
 */
export async function findNovaComputeAnyway(ctx: OcfContext, world: World): Promise<Found | MissingRuntime> {
  const settings = settingsOf(ctx);
  const anything = { ...settings, runtime: 'auto', unit: null, container: null } as const;
  let found: Found | MissingRuntime = await look(world, settings);
  for (const wider of [anything, { ...anything, user: 'nova' }]) {
    if ('kind' in found) found = await look(world, wider);
  }
  return found;
}

async function look(world: World, settings: RuntimeSettings): Promise<Found | MissingRuntime> {
  const runtime = await world.findRuntime(settings);
  if ('kind' in runtime) return runtime;
  const state = await runtime.state();
  return state.kind === 'missing' ? { kind: 'missing', sentence: state.sentence } : { runtime, state };
}

/** Every nova-compute that /proc shows here: what is known where whoever has to tell does not answer. */
export function inSightOf(ctx: OcfContext, world: World): readonly ProcessFacts[] {
  return inSight(world.machine, settingsOf(ctx));
}

function settingsOf(ctx: OcfContext): RuntimeSettings {
  const { parameters } = ctx;
  const given = (name: string) => (parameters.given(name) ? parameters.string(name) : null);
  return {
    runtime: parseRuntime(parameters.string('runtime')) ?? 'auto',
    unit: given('unit'),
    container: given('container'),
    user: parameters.string('user'),
    stateDir: ctx.stateDir,
    instance: ctx.instance,
  };
}

/** nova.conf as this nova-compute reads it, and the name Nova knows the machine by. Throws `NovaConfError`, `ComputeError`. */
export async function readConf(
  runtime: Pick<Runtime, 'configFiles'>,
  world: World,
): Promise<{ readonly conf: NovaConf; readonly name: NovaHostName }> {
  const conf = readNovaConf(await runtime.configFiles(), world.machine);
  const file = conf.get('DEFAULT', 'host')?.file;
  return {
    conf,
    name:
      conf.host === null
        ? { host: novaHost(world.machineName), source: "the machine's own name, as nova.conf sets no host" }
        : { host: novaHost(conf.host), source: `host in ${file ?? 'nova.conf'}` },
  };
}
