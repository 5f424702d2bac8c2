import { AttrdError, insist, type NodeName } from '../../lib/attrd/index.ts';
import { ComputeError } from '../../lib/evacuation/return/localCompute.ts';
import { type OcfContext, OcfExit } from '../../lib/ocf/index.ts';
import { rethrowUnless } from '../../lib/rethrow.ts';
import { dangers } from './dangers.ts';
import { heldBack } from './goOn.ts';
import { explainMismatch, type NovaHostName } from './hostName.ts';
import { findNovaCompute, readConf } from './novaCompute.ts';
import { NovaConfError } from './novaConf/index.ts';
import type { Runtime } from './runtime/types.ts';
import { StateFiles } from './state.ts';
import { askMs, deadline, findMs, lookBy, startBy, startWaitMs } from './timing.ts';
import { StateDirectoryError, settle, type Walker, walk } from './walk.ts';
import { createWorld, type World } from './world.ts';

/** Why a start ends before it did anything. */
interface Refusal {
  readonly code: OcfExit;
  readonly sentence: string;
}

/** `start`; the parameters were checked before. */
export async function start(ctx: OcfContext, world: World = createWorld(ctx)): Promise<OcfExit> {
  try {
    const until = Math.min(ctx.startedAt + findMs, lookBy(ctx));
    const found = await findNovaCompute(ctx, world, { until, surely: true });
    if ('kind' in found && found.kind === 'untold') throw found.trouble;
    if ('kind' in found) return refuse(ctx, { code: OcfExit.installed, sentence: found.sentence });
    if (found.state.kind === 'running') {
      // Something else may have started it while Nova still holds the host down: monitor goes on from there.
      new StateFiles(ctx).owe();
      return OcfExit.success;
    }
    const checked = await check(ctx, world, found.runtime);
    return 'code' in checked ? refuse(ctx, checked) : await comeBack(ctx, world, checked);
  } catch (error) {
    rethrowUnless(error, ComputeError, StateDirectoryError);
    return refuse(ctx, { code: OcfExit.generic, sentence: error.message });
  }
}

/** Everything that has to be right before nova-compute may be started; without any effect. */
async function check(ctx: OcfContext, world: World, runtime: Runtime): Promise<Walker | Refusal> {
  const missing = (sentence: string): Refusal => ({ code: OcfExit.installed, sentence });
  let read: Awaited<ReturnType<typeof readConf>>;
  try {
    read = await readConf(runtime, world);
  } catch (error) {
    rethrowUnless(error, NovaConfError);
    return missing(error.message);
  }
  let node: NodeName;
  let plug: string | null;
  try {
    const patience = { clock: world.clock, forMs: askMs, until: startBy(ctx) };
    node = await insist(patience, () => world.nodeName());
    plug = await insist(patience, () => plugOf(node, read.name, world));
  } catch (error) {
    rethrowUnless(error, AttrdError);
    const sentence = `nova-compute is not started, as nobody can say whether this host is being evacuated: ${error.message}`;
    return { code: OcfExit.generic, sentence };
  }
  const mismatch = explainMismatch(node, plug, read.name);
  if (mismatch !== null) return missing(`nova-compute is not started: ${mismatch}`);
  const warnings = dangers({
    conf: read.conf,
    noSharedStorage: ctx.parameters.boolean('no_shared_storage'),
    mountInfo: await mountInfo(runtime),
    clockOffsetMs: null,
  });
  for (const warning of warnings) ctx.log.warn(warning);
  return { runtime, node, name: read.name };
}

/** What pcmk_host_map makes of the node's name; null where no map has it. Throws `AttrdError`. */
async function plugOf(node: NodeName, name: NovaHostName, world: World): Promise<string | null> {
  try {
    return (await world.attributes.queryHostMap('fence_compute')).get(node) ?? null;
  } catch (error) {
    // Not being able to read the map matters only where the names differ without it.
    if (error instanceof AttrdError && explainMismatch(node, null, name) === null) return null;
    throw error;
  }
}

/** Null where the mounts cannot be told: then nothing is said of storage. */
async function mountInfo(runtime: Runtime): Promise<string | null> {
  try {
    return await runtime.mountInfo();
  } catch (error) {
    if (error instanceof ComputeError) return null;
    throw error;
  }
}

async function comeBack(ctx: OcfContext, world: World, walker: Walker): Promise<OcfExit> {
  const outcome = await walk(ctx, world, walker, {
    startBy: startBy(ctx),
    releaseMs: Math.min(ctx.parameters.integer('evacuation_delay') * 1000, startWaitMs),
    deadline: deadline(ctx),
  });
  switch (outcome.kind) {
    case 'released':
      settle(ctx, outcome);
      return OcfExit.success;
    case 'owed':
      ctx.exitReason(outcome.sentence);
      return OcfExit.success;
    case 'unsafe':
      // The resource is started all the same: its monitors start nova-compute as soon as that is safe.
      hold(ctx);
      ctx.exitReason(heldBack(outcome.sentence));
      return OcfExit.success;
  }
}

function hold(ctx: OcfContext): void {
  try {
    new StateFiles(ctx).hold();
  } catch (cause) {
    throw new StateDirectoryError(ctx.stateDir, cause);
  }
}

function refuse(ctx: OcfContext, { code, sentence }: Refusal): OcfExit {
  ctx.exitReason(sentence);
  return code;
}
