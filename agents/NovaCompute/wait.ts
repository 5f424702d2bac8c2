import { AttrdError } from '../../lib/attrd/index.ts';
import type { LocalCompute } from '../../lib/evacuation/index.ts';
import { ComputeError } from '../../lib/evacuation/localCompute.ts';
import { type OcfContext, OcfExit } from '../../lib/ocf/index.ts';
import { explainMismatch, type NovaHostName } from './hostName.ts';
import { findNovaCompute, readConf } from './novaCompute.ts';
import { NovaConfError } from './novaConf/index.ts';
import { createWorld, type World } from './world.ts';

/** Pause between two questions to a cluster that does not answer yet, in ms. */
const pauseMs = 2_000;
const longestSeconds = 24 * 3600;

/**
 * `wait [SECONDS]`: returns 0 once nova-compute may be started on this machine, by whoever called; else, when the time
 * is over, 1 and why. Needs no parameter; with a login, Nova too is asked whether an evacuation is in flight.
 */
export async function wait(
  ctx: OcfContext,
  args: readonly string[],
  world: World = createWorld(ctx),
): Promise<OcfExit> {
  const timeoutMs = args.length === 0 ? ctx.timeoutMs : seconds(args);
  if (timeoutMs === null) {
    ctx.exitReason(
      `wait takes one number of seconds, up to ${longestSeconds}, not "${args.join(' ').slice(0, 80)}"`,
    );
    return OcfExit.args;
  }
  const deadline = ctx.startedAt + timeoutMs;
  let node: string;
  let name: NovaHostName;
  try {
    node = await insist(world, deadline, () => world.nodeName());
    name = await hostName(ctx, world);
  } catch (error) {
    const isLocal = error instanceof NovaConfError || error instanceof ComputeError;
    if (!isLocal && !(error instanceof AttrdError)) throw error;
    ctx.exitReason(`nova-compute is not to be started on this machine: ${error.message}`);
    // Without Pacemaker's tools, or nova.conf, no waiting helps.
    return isLocal || error.code === 'missing' ? OcfExit.installed : OcfExit.generic;
  }
  await warnOfMismatch(ctx, world, node, name);
  const outcome = await world.comeBack({
    node,
    host: name.host,
    dnsDomain: ctx.parameters.given('domain') ? ctx.parameters.string('domain') : undefined,
    marks: world.marks,
    attributes: world.attributes,
    connect: world.connect,
    compute: toBeStartedByOthers(),
    clock: world.clock,
    // It starts nothing itself.
    log: { ...ctx.log, info: ctx.log.debug },
    startBy: deadline,
    releaseMs: 0,
    deadline,
  });
  if (outcome.kind !== 'unsafe') return OcfExit.success;
  ctx.exitReason(outcome.sentence);
  return OcfExit.generic;
}

/** Starting it is what the caller does once this call returns. */
function toBeStartedByOthers(): LocalCompute {
  let mayStart = false;
  return {
    isRunning: async () => mayStart,
    start: async () => {
      mayStart = true;
    },
  };
}

/** On a machine where nothing was found to run (a call from within the container), the usual nova.conf is read. */
async function hostName(ctx: OcfContext, world: World): Promise<NovaHostName> {
  const found = await findNovaCompute(ctx, world);
  const runtime =
    'kind' in found
      ? {
          configFiles: async () => ({
            files: ['/etc/nova/nova.conf'],
            directories: ['/etc/nova/nova.conf.d'],
          }),
        }
      : found.runtime;
  return (await readConf(runtime, world)).name;
}

/** Starting is safe all the same: a host that is not found is not evacuated. */
async function warnOfMismatch(
  ctx: OcfContext,
  world: World,
  node: string,
  name: NovaHostName,
): Promise<void> {
  let plug: string | null = null;
  try {
    plug = (await world.attributes.queryHostMap('fence_compute')).get(node) ?? null;
  } catch (error) {
    if (!(error instanceof AttrdError)) throw error;
    return;
  }
  const mismatch = explainMismatch(node, plug, name);
  if (mismatch !== null) ctx.log.warn(`${mismatch}.`);
}

/** A cluster that is only just starting is waited for; tools that are not installed are not. */
async function insist<T>(world: World, deadline: number, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const passing = error instanceof AttrdError && error.code !== 'missing';
      if (!passing || world.clock.now() + pauseMs >= deadline) throw error;
      await world.clock.sleep(pauseMs);
    }
  }
}

function seconds(args: readonly string[]): number | null {
  const [text = ''] = args;
  if (args.length !== 1 || !/^\d{1,5}$/.test(text) || Number(text) > longestSeconds) return null;
  return Number(text) * 1000;
}
