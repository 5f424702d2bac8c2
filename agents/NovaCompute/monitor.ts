import { type OcfContext, OcfExit, understandsDegraded } from '../../lib/ocf/index.ts';
import { died } from './managedCompute.ts';
import { findNovaCompute, inSightOf } from './novaCompute.ts';
import type { Untold } from './patience.ts';
import { asProcesses } from './runtime/sight.ts';
import { StateFiles } from './state.ts';
import { isLate, lookBy } from './timing.ts';
import { createWorld, type World } from './world.ts';

/**
 * `monitor`, and the probe. Whether nova-compute runs is said by the machine alone, with no parameter and no nova.conf
 * needed. A recurring one starts a nova-compute that `start` had to hold back, and goes on with a release that is owed,
 * which never makes it fail; with `OCF_CHECK_LEVEL` 10 and
 * nothing owed it also asks Nova.
 */
export async function monitor(ctx: OcfContext, world: World = createWorld(ctx)): Promise<OcfExit> {
  const files = new StateFiles(ctx);
  const isProbe = ctx.intervalMs === 0 && ctx.checkLevel === 0;
  // A probe of a machine on which nobody started it finds nothing to explain.
  const expected = !isProbe || files.release !== 'unknown';
  const found = await findNovaCompute(ctx, world, { until: lookBy(ctx), surely: false });
  if ('kind' in found && found.kind === 'untold') return untold(ctx, world, files, found);
  if ('kind' in found) {
    if (expected) ctx.exitReason(`nova-compute is not there any more: ${found.sentence}`);
    return OcfExit.notRunning;
  }
  if (found.state.kind === 'stopped') {
    if (files.release === 'held') {
      if (isProbe) return OcfExit.success;
      if (isLate(ctx, world.clock.now())) {
        ctx.exitReason(
          'nova-compute is held back; the next monitor sees whether it may start, as this one has taken long to look',
        );
        return OcfExit.success;
      }
      return (await import('./goOn.ts')).startHeld(ctx, world, files, found);
    }
    if (expected) ctx.exitReason(await died(found.runtime, 'is not running any more'));
    return OcfExit.notRunning;
  }
  if (isProbe || isLate(ctx, world.clock.now())) return OcfExit.success;
  if (files.release !== 'settled') {
    await (await import('./goOn.ts')).goOn(ctx, world, files, found);
  }
  const attention = files.said('attention');
  if (attention !== null) {
    files.note('attention', null);
    ctx.exitReason(attention);
    return runsDegraded(ctx);
  }
  if (ctx.checkLevel < 10 || files.release !== 'settled') return OcfExit.success;
  return (await import('./deepLook.ts')).deepLook(ctx, world, files, found);
}

/**
 * Nobody who manages nova-compute answers, so the kernel decides: a healthy nova-compute is not restarted, and its node
 * not fenced, for an engine that is away.
 */
function untold(ctx: OcfContext, world: World, files: StateFiles, { trouble }: Untold): OcfExit {
  const running = inSightOf(ctx, world);
  const why = trouble.message.replace(/\.$/, '');
  if (running.length > 0) {
    ctx.exitReason(
      `${why}; nova-compute is left alone, as /proc shows that it runs, ${asProcesses(running)}, and the next monitor looks again`,
    );
    return runsDegraded(ctx);
  }
  if (files.release === 'held') {
    ctx.exitReason(
      `nova-compute is held back, and cannot be started now: ${why}; the next monitor tries again`,
    );
    return runsDegraded(ctx);
  }
  ctx.exitReason(`nova-compute is not running, as far as /proc shows: ${why}`);
  return OcfExit.notRunning;
}

/** Runs, and is worth somebody's look; where Pacemaker has no word for that, it just runs. */
function runsDegraded(ctx: OcfContext): OcfExit {
  return understandsDegraded(ctx.crmFeatureSet) ? OcfExit.degraded : OcfExit.success;
}
