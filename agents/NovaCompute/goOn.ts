import type { ComeBackOutcome } from '../../lib/evacuation/index.ts';
import { ComputeError } from '../../lib/evacuation/return/localCompute.ts';
import { type OcfContext, OcfExit } from '../../lib/ocf/index.ts';
import { type Found, readConf } from './novaCompute.ts';
import { type StateFiles, sayOnce } from './state.ts';
import { deadline, seenAliveMs, walkMs } from './timing.ts';
import { StateDirectoryError, settle, type WalkTimes, walk } from './walk.ts';
import type { World } from './world.ts';

/** A walk that does not keep to its bounds is left behind this long before the action's end, in ms, and not sooner than so much after them. */
const graceMs = 1_000;

/**
 * Starts a nova-compute that was held back, if that is safe by now. One that cannot be started, or dies at once, is a
 * failure of the resource; whatever else stands against it is said, and the next monitor tries again.
 */
export async function startHeld(
  ctx: OcfContext,
  world: World,
  files: StateFiles,
  found: Found,
): Promise<OcfExit> {
  const walkUntil = world.clock.now() + walkMs(ctx);
  try {
    const times = { startBy: walkUntil - seenAliveMs, releaseMs: walkMs(ctx), deadline: walkUntil };
    const outcome = await walkWith(ctx, world, found, times);
    if (outcome.kind === 'released') settle(ctx, outcome);
    else ctx.exitReason(outcome.kind === 'owed' ? outcome.sentence : heldBack(outcome.sentence));
    return OcfExit.success;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (error instanceof ComputeError || error instanceof StateDirectoryError) {
      ctx.exitReason(why);
      return OcfExit.generic;
    }
    sayOnce(files, 'release', `${heldBack(why)}.`, ctx.log.warn);
    return OcfExit.success;
  }
}

/** For the exit reason. */
export function heldBack(why: string): string {
  return `nova-compute is held back: ${why}`;
}

/** A piece of the release. What stands against it, a defect of ours too, is said, once; the next monitor tries again. */
export async function goOn(ctx: OcfContext, world: World, files: StateFiles, found: Found): Promise<void> {
  // Its last steps are several tools each, which a machine under load needs seconds for: cut off between them they leave an empty mark.
  const left = deadline(ctx) - world.clock.now() - graceMs;
  const tooLate = world.clock.sleep(Math.max(walkMs(ctx) + graceMs, left)).then(() => null);
  try {
    const outcome = await Promise.race([walkOn(ctx, world, found), tooLate]);
    if (outcome === null) throw new Error('the cluster or Nova did not answer in time');
    if (outcome.kind === 'released') {
      settle(ctx, outcome);
      files.note('release', null);
    } else {
      files.owe();
      ctx.exitReason(outcome.sentence);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
    sayOnce(files, 'release', `The release of this host could not go on: ${why}.`, ctx.log.warn);
  }
}

async function walkOn(ctx: OcfContext, world: World, found: Found): Promise<ComeBackOutcome> {
  const walkUntil = world.clock.now() + walkMs(ctx);
  return walkWith(ctx, world, found, { startBy: 0, releaseMs: walkMs(ctx), deadline: walkUntil });
}

async function walkWith(
  ctx: OcfContext,
  world: World,
  { runtime }: Found,
  times: WalkTimes,
): Promise<ComeBackOutcome> {
  const [node, { name }] = await Promise.all([world.nodeName(), readConf(runtime, world)]);
  return walk(ctx, world, { runtime, node, name }, times);
}
