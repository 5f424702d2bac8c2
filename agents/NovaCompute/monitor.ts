import { ComputeError } from '../../lib/evacuation/return/localCompute.ts';
import { type OcfContext, OcfExit, understandsDegraded } from '../../lib/ocf/index.ts';
import { rethrowUnless } from '../../lib/rethrow.ts';
import { died } from './managedCompute.ts';
import { findNovaCompute } from './novaCompute.ts';
import { StateFiles } from './state.ts';
import { createWorld, type World } from './world.ts';

/**
 * `monitor`, and the probe. Whether nova-compute runs is said by the machine alone, with no parameter and no nova.conf
 * needed. A recurring one starts a nova-compute that `start` had to hold back, and goes on with a release that is owed,
 * which never makes it fail; with `OCF_CHECK_LEVEL` 10 and
 * nothing owed it also asks Nova.
 */
export async function monitor(ctx: OcfContext, world: World = createWorld(ctx)): Promise<OcfExit> {
  const files = new StateFiles(ctx);
  let found: Awaited<ReturnType<typeof findNovaCompute>>;
  try {
    found = await findNovaCompute(ctx, world);
  } catch (error) {
    rethrowUnless(error, ComputeError);
    ctx.exitReason(error.message);
    return OcfExit.generic;
  }
  const isProbe = ctx.intervalMs === 0 && ctx.checkLevel === 0;
  // A probe of a machine on which nobody started it finds nothing to explain.
  const expected = !isProbe || files.release !== 'unknown';
  if ('kind' in found) {
    if (expected) ctx.exitReason(`nova-compute is not there any more: ${found.sentence}`);
    return OcfExit.notRunning;
  }
  if (found.state.kind === 'stopped') {
    if (files.release === 'held') {
      if (isProbe) return OcfExit.success;
      return (await import('./goOn.ts')).startHeld(ctx, world, files, found);
    }
    if (expected) ctx.exitReason(await died(found.runtime, 'is not running any more'));
    return OcfExit.notRunning;
  }
  if (isProbe) return OcfExit.success;
  if (files.release !== 'settled') {
    await (await import('./goOn.ts')).goOn(ctx, world, files, found);
  }
  const attention = files.said('attention');
  if (attention !== null) {
    files.note('attention', null);
    ctx.exitReason(attention);
    return understandsDegraded(ctx.crmFeatureSet) ? OcfExit.degraded : OcfExit.success;
  }
  if (ctx.checkLevel < 10 || files.release !== 'settled') return OcfExit.success;
  return (await import('./deepLook.ts')).deepLook(ctx, world, files, found);
}
