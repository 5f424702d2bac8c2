import { AttrdError } from '../../lib/attrd/index.ts';
import { ComputeError } from '../../lib/evacuation/return/localCompute.ts';
import { type OcfContext, OcfExit } from '../../lib/ocf/index.ts';
import { rethrowUnless } from '../../lib/rethrow.ts';
import { findNovaComputeAnyway } from './novaCompute.ts';
import { StateFiles } from './state.ts';
import { deadline, tidyMs } from './timing.ts';
import { createWorld, type World } from './world.ts';

/** `stop`: needs neither parameters nor OpenStack nor a cluster that answers. */
export async function stop(ctx: OcfContext, world: World = createWorld(ctx)): Promise<OcfExit> {
  const tidied = takeDown(ctx, world);
  forget(ctx);
  try {
    const found = await findNovaComputeAnyway(ctx, world);
    if (!('kind' in found)) await found.runtime.stop(deadline(ctx));
  } catch (error) {
    rethrowUnless(error, ComputeError);
    ctx.exitReason(error.message);
    return OcfExit.generic;
  }
  await Promise.race([tidied, world.clock.sleep(tidyMs)]);
  return OcfExit.success;
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
