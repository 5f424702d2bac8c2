import { type ComputeService, type NovaClient, NovaError } from '@openstack-ts/nova-client';
import { AttrdError, type MarksReading } from '../../lib/attrd/index.ts';
import { fencedAt } from '../../lib/evacuation/index.ts';
import { type FenceContext, FenceError, FenceExit } from '../../lib/fencing/index.ts';
import { firstInFlight } from './inFlight.ts';
import { firstPending, targetMark } from './mark.ts';
import { type Found, findHost, insist, sentence } from './novaHost.ts';
import { powerDeadline } from './timing.ts';
import type { World } from './world.ts';

/** How long the attribute daemon may stay away before we give up, in ms: it is restarted within seconds. */
const ATTRD_PATIENCE_MS = 15_000;
/**
 * How long a pending mark is waited for, in ms. Pacemaker (2.1.5, seen in the lab) calls `on` as unfencing device within
 * seconds of the fencing, while the node is still dead, and until it returns no other resource of the cluster is
 * recovered: not NovaEvacuate either, whose work it waits for. Ending the evacuation changes the CIB (the permanent
 * copy of the mark), and that makes Pacemaker call `on` again at once.
 */
const MARK_PATIENCE_MS = 5_000;
/** Time kept back for Nova when waiting for the evacuations has taken all of the rest, in ms. */
const NOVA_RESERVE_MS = 10_000;

/**
 * The machine is coming back: wait until no evacuation of its instances is pending, then give the host back to Nova.
 * Without an answer from the attribute daemon or from Nova nothing is given back. A service that an operator disabled
 * for a reason of their own stays disabled.
 */
export async function on(ctx: FenceContext, world: World): Promise<FenceExit> {
  const deadline = powerDeadline(ctx, world.now());
  await waitForMark(ctx, world, [], deadline);
  let found: Found;
  try {
    found = await insist(world, deadline + NOVA_RESERVE_MS, () =>
      findHost(ctx, world, deadline + NOVA_RESERVE_MS),
    );
  } catch (error) {
    throw notAsked(ctx, error);
  }
  const { nova, match } = found;
  if (match.kind === 'unknown') {
    ctx.log.warn(`${match.sentence} There is nothing to give back.`);
    return FenceExit.success;
  }
  if (match.kind === 'ambiguous') throw new FenceError(match.sentence);
  // The original agent kept the mark under Nova's name of the host.
  await waitForMark(ctx, world, [match.service.host], deadline);
  try {
    await giveBack(ctx, world, nova, match.service, deadline);
  } catch (error) {
    if (error instanceof NovaError) throw notAsked(ctx, error);
    throw error;
  }
  return FenceExit.success;
}

/** Returns once none of the target's names bears a pending mark; throws {@link FenceError} when the time is over. */
async function waitForMark(
  ctx: FenceContext,
  world: World,
  names: readonly string[],
  deadline: number,
): Promise<void> {
  const pause = Math.max(ctx.options.number('stonith_status_sleep'), 1) * 1000;
  const patience = Math.min(deadline, world.now() + ATTRD_PATIENCE_MS);
  const markDeadline = Math.min(deadline, world.now() + MARK_PATIENCE_MS);
  for (let told = false; ; ) {
    const all = await readMarks(ctx, world, pause, patience);
    const { name } = targetMark(ctx.nodename, ctx.plug, all);
    const pending = firstPending([name, ctx.plug, ...names], all);
    if (pending === null) return;
    if (world.now() + pause >= markDeadline) {
      throw new FenceError(
        `Instances of ${ctx.plug} still wait for evacuation (the mark of ${pending.name} is not "no" yet), so it is not given back to Nova; Pacemaker tries again.`,
      );
    }
    if (!told) ctx.log.info(`Waiting for ${ctx.plug} to complete evacuations`);
    told = true;
    await world.sleep(pause);
  }
}

async function readMarks(
  ctx: FenceContext,
  world: World,
  pause: number,
  patience: number,
): Promise<MarksReading> {
  for (;;) {
    try {
      return await world.marks.readAll();
    } catch (error) {
      if (!(error instanceof AttrdError)) throw error;
      if (error.code === 'missing' || world.now() + pause >= patience) {
        throw new FenceError(
          `${ctx.plug} is not given back to Nova, as nobody can say whether it is being evacuated: ${sentence(error)}.`,
          { cause: error },
        );
      }
      await world.sleep(pause);
    }
  }
}

async function giveBack(
  ctx: FenceContext,
  world: World,
  nova: NovaClient,
  service: ComputeService,
  deadline: number,
): Promise<void> {
  const { host } = service;
  const limit = { deadline: deadline + NOVA_RESERVE_MS };
  if (service.forcedDown) {
    const inFlight = await firstInFlight(nova, host, world.now(), limit);
    if (inFlight !== null) {
      throw new FenceError(
        `Instance ${inFlight} is being evacuated from ${host} at this moment, so the host is not given back to Nova; Pacemaker tries again.`,
      );
    }
    ctx.log.info(`Forcing nova-compute back up on ${host}`);
    try {
      await nova.setForcedDown(service, false, limit);
    } catch (error) {
      if (!(error instanceof NovaError) || error.status !== 400) throw error;
      // Nova takes a host back only after its nova-compute has started and settled its evacuated instances.
      ctx.log.warn(
        `Exception from attempt to force host back up via nova API: ${sentence(error)}. ${host} stays forced down until its nova-compute has started and cleaned up what was evacuated.`,
      );
      return;
    }
    ctx.log.info(`Forced nova-compute back up on ${host}`);
  }
  if (service.status !== 'disabled') return;
  if (fencedAt(service) === null && (service.disabledReason ?? '') !== '') {
    ctx.log.warn(`${host} stays disabled: it was disabled by somebody else ("${service.disabledReason}").`);
    return;
  }
  ctx.log.info(`Enabling nova-compute on ${host}`);
  await nova.enableService(service, limit);
}

function notAsked(ctx: FenceContext, error: unknown): unknown {
  if (!(error instanceof NovaError)) return error;
  return new FenceError(`${ctx.plug} could not be given back to Nova: ${sentence(error)}.`, { cause: error });
}
