import { AttrdError, insist, type NodeName } from '../../lib/attrd/index.ts';
import type { LocalCompute } from '../../lib/evacuation/index.ts';
import { ComputeError } from '../../lib/evacuation/return/localCompute.ts';
import { type OcfContext, OcfExit } from '../../lib/ocf/index.ts';
import { rethrowUnless } from '../../lib/rethrow.ts';
import { explainMismatch, type NovaHostName } from './hostName.ts';
import { findNovaCompute, readConf } from './novaCompute.ts';
import { NovaConfError } from './novaConf/index.ts';
import { findMs } from './timing.ts';
import { createWorld, type World } from './world.ts';

const longestSeconds = 24 * 3600;

/**
 * `wait [SECONDS]`: returns 0 once nova-compute may be started on this machine, by whoever called; else, when the time
 * is over, 1 and why. Needs no parameter; with a login, Nova too is asked whether an evacuation is in flight.
 */
export async function wait(
  ctx: OcfContext,
  args: readonly string[],
  // It may wait for a day, so that none of its looks is near the end.
  world: World = createWorld(ctx, Number.POSITIVE_INFINITY),
): Promise<OcfExit> {
  const timeoutMs = args.length === 0 ? ctx.timeoutMs : seconds(args);
  if (timeoutMs === null) {
    ctx.exitReason(
      `wait takes one number of seconds, up to ${longestSeconds}, not "${args.join(' ').slice(0, 80)}"`,
    );
    return OcfExit.args;
  }
  const deadline = ctx.startedAt + timeoutMs;
  let node: NodeName;
  let name: NovaHostName;
  try {
    // A cluster that is only just starting is waited for; tools that are not installed are not.
    const patience = { clock: world.clock, forMs: timeoutMs, until: deadline };
    node = await insist(patience, () => world.nodeName());
    name = await hostName(ctx, world, Math.min(deadline, world.clock.now() + findMs));
  } catch (error) {
    rethrowUnless(error, NovaConfError, ComputeError, AttrdError);
    ctx.exitReason(`nova-compute is not to be started on this machine: ${error.message}`);
    // Without Pacemaker's tools, or nova.conf, no waiting helps.
    const cannotMend = error instanceof NovaConfError || ('code' in error && error.code === 'missing');
    return cannotMend ? OcfExit.installed : OcfExit.generic;
  }
  await warnOfMismatch(ctx, world, node, name);
  const outcome = await world.comeBack({
    node,
    host: name.host,
    dnsDomain: ctx.parameters.given('domain') ? ctx.parameters.string('domain') : undefined,
    marks: world.marks,
    readNodes: () => world.readNodes(),
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
async function hostName(ctx: OcfContext, world: World, until: number): Promise<NovaHostName> {
  const found = await findNovaCompute(ctx, world, { until, surely: false });
  if ('kind' in found && found.kind === 'untold') throw found.trouble;
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
  node: NodeName,
  name: NovaHostName,
): Promise<void> {
  let plug: string | null = null;
  try {
    plug = (await world.attributes.queryHostMap('fence_compute')).get(node) ?? null;
  } catch (error) {
    rethrowUnless(error, AttrdError);
    return;
  }
  const mismatch = explainMismatch(node, plug, name);
  if (mismatch !== null) ctx.log.warn(`${mismatch}.`);
}

function seconds(args: readonly string[]): number | null {
  const [text = ''] = args;
  if (args.length !== 1 || !/^\d{1,5}$/.test(text) || Number(text) > longestSeconds) return null;
  return Number(text) * 1000;
}
