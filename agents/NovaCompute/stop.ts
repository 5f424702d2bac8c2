import { AttrdError } from '../../lib/attrd/index.ts';
import { ComputeError } from '../../lib/evacuation/return/localCompute.ts';
import { type OcfContext, OcfExit } from '../../lib/ocf/index.ts';
import { rethrowUnless } from '../../lib/rethrow.ts';
import { findNovaComputeAnyway, inSightOf } from './novaCompute.ts';
import { patiently } from './patience.ts';
import { endProcesses } from './runtime/endProcesses.ts';
import { asProcesses } from './runtime/sight.ts';
import { StateFiles } from './state.ts';
import { deadline, tidyMs } from './timing.ts';
import { createWorld, type World } from './world.ts';

/** So long what was ended by hand has to stay away, in ms: longer than an engine takes to restart a container. */
const awayMs = 2_000;

/** `stop`: needs neither parameters nor OpenStack nor a cluster that answers. */
export async function stop(ctx: OcfContext, world: World = createWorld(ctx)): Promise<OcfExit> {
  const tidied = takeDown(ctx, world);
  forget(ctx);
  try {
    await end(ctx, world);
  } catch (error) {
    rethrowUnless(error, ComputeError);
    ctx.exitReason(error.message);
    return OcfExit.generic;
  }
  await Promise.race([tidied, world.clock.sleep(tidyMs)]);
  return OcfExit.success;
}

/**
 * Ends nova-compute, through whoever manages it; where they do not answer for half of the time, by hand. Throws
 * `ComputeError` only when it was seen to run on: a stop that fails has the node fenced, with every guest on it.
 */
async function end(ctx: OcfContext, world: World): Promise<void> {
  const { clock } = world;
  const until = deadline(ctx);
  const askUntil = clock.now() + (until - clock.now()) / 2;
  try {
    await patiently(clock, askUntil, async () => {
      const found = await findNovaComputeAnyway(ctx, world);
      if (!('kind' in found)) await found.runtime.stop(until);
    });
  } catch (error) {
    rethrowUnless(error, ComputeError);
    await endByHand(ctx, world, error, until);
  }
}

/** What /proc shows is ended by signals; again where it comes back, until it stays away or the time is over. */
async function endByHand(ctx: OcfContext, world: World, trouble: ComputeError, until: number): Promise<void> {
  const why = trouble.message.replace(/\.$/, '');
  for (let round = 1; ; round += 1) {
    const running = inSightOf(ctx, world);
    if (running.length === 0) break;
    if (round > 1 && world.clock.now() + awayMs >= until) {
      throw new ComputeError(
        `nova-compute could not be stopped: ${why}, and something starts it again as often as it is ended (it runs ${asProcesses(running)})`,
      );
    }
    ctx.log.warn(`${why}, so nova-compute, which runs ${asProcesses(running)}, is ended by signals.`);
    await endProcesses(world.machine, running, until);
    await world.clock.sleep(Math.max(0, Math.min(awayMs, until - world.clock.now())));
  }
  ctx.log.warn(`${why}; /proc shows no nova-compute, so it counts as stopped.`);
}

function forget(ctx: OcfContext): void {
  try {
    new StateFiles(ctx).forget();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    ctx.log.warn(`Files in ${ctx.stateDir} could not be removed, so the next start looks once more: ${why}.`);
  }
}

/** Best effort: what is shown goes with the node's next purge anyway. */
async function takeDown(ctx: OcfContext, world: World): Promise<void> {
  const [{ releaseAttribute }, { returningAttribute }] = await Promise.all([
    import('../../lib/evacuation/return/shown.ts'),
    import('../../lib/evacuation/look/pulses.ts'),
  ]);
  await Promise.all(
    [releaseAttribute, returningAttribute].map(async (name) => {
      try {
        await world.attributes.deleteTransient(name, { private: name === returningAttribute });
      } catch (error) {
        rethrowUnless(error, AttrdError);
        ctx.log.debug(`What was shown could not be taken down: ${error.message}`);
      }
    }),
  );
}
