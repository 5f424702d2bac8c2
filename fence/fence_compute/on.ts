import { type ComputeService, NovaError } from '@openstack-ts/nova-client';
import { AttrdError, type MarkReading, type MarksReading } from '../../lib/attrd/index.ts';
import { isDisabledByUs, walkRelease } from '../../lib/evacuation/index.ts';
import { type FenceContext, FenceError, FenceExit } from '../../lib/fencing/index.ts';
import { hasJoined, startsComputeAtOnce } from './cluster.ts';
import { firstPending, targetMark } from './mark.ts';
import { type Found, findHost, insist, sentence } from './novaHost.ts';
import { powerDeadline } from './timing.ts';
import type { World } from './world.ts';

/** How long the attribute daemon may stay away before we give up, in ms: it is restarted within seconds. */
const ATTRD_PATIENCE_MS = 15_000;
/**
 * How long a pending mark is waited for where unfencing would start nova-compute, in ms. Until `on` returns no other
 * resource of the cluster is recovered: not NovaEvacuate either, whose work it waits for. Ending the evacuation changes
 * the CIB (the permanent copy of the mark), and that makes Pacemaker call `on` again at once.
 */
const MARK_PATIENCE_MS = 5_000;
/** Time kept back for Nova when waiting for the evacuations has taken all of the rest, in ms. */
const NOVA_RESERVE_MS = 10_000;

/**
 * The machine is coming back: takes the release of its host as far as it gets without waiting, and leaves the rest to
 * NovaCompute or NovaEvacuate. Fails where its success could start nova-compute too early, or where neither the
 * attribute daemon nor Nova can say whether it is safe. A service that somebody else disabled stays disabled.
 */
export async function on(ctx: FenceContext, world: World): Promise<FenceExit> {
  const deadline = powerDeadline(ctx, world.now());
  const all = await readMarks(ctx, world, Math.min(deadline, world.now() + ATTRD_PATIENCE_MS));
  const names = [targetMark(ctx.nodename, ctx.plug, all).name, ctx.plug];
  const joined = await hasJoined(world, names);
  if (await isLeftForNow(ctx, world, names, joined, all, deadline)) return FenceExit.success;
  const limit = deadline + NOVA_RESERVE_MS;
  let found: Found;
  try {
    found = await insist(world, limit, () => findHost(ctx, world, limit));
  } catch (error) {
    throw notAsked(ctx, error);
  }
  const { match } = found;
  if (match.kind === 'unknown') {
    ctx.log.warn(`${match.sentence} There is nothing to give back.`);
    return FenceExit.success;
  }
  if (match.kind === 'ambiguous') throw new FenceError(match.sentence);
  const { service } = match;
  const { host } = service;
  // The original agent kept the mark under Nova's name of the host.
  if (!names.includes(host) && (await isLeftForNow(ctx, world, [host], joined, all, deadline))) {
    return FenceExit.success;
  }
  return giveBack(ctx, world, found, { service, names: [...new Set([...names, host])], joined, limit });
}

/**
 * Whether a pending mark leaves nothing to do now. Waits for its end where the success of this call would start
 * nova-compute; throws {@link FenceError} when that does not come in time.
 */
async function isLeftForNow(
  ctx: FenceContext,
  world: World,
  names: readonly string[],
  joined: boolean | null,
  first: MarksReading,
  deadline: number,
): Promise<boolean> {
  const pause = Math.max(ctx.options.number('stonith_status_sleep'), 1) * 1000;
  const patience = Math.min(deadline, world.now() + MARK_PATIENCE_MS);
  for (let all = first, told = false; ; told = true) {
    const pending = firstPending(names, all);
    if (pending === null) return false;
    if (!told && (await isHarmless(ctx, world, pending, joined))) return true;
    if (world.now() + pause >= patience) {
      throw new FenceError(
        `Instances of ${ctx.plug} still wait for evacuation (the mark of ${pending.name} is not "no" yet), so it is not given back to Nova; Pacemaker tries again.`,
      );
    }
    if (!told) ctx.log.info(`Waiting for ${ctx.plug} to complete evacuations`);
    await world.sleep(pause);
    all = await readMarks(ctx, world, Math.min(deadline, world.now() + ATTRD_PATIENCE_MS));
  }
}

/** Whether success would start nothing that must not start while the mark is pending. */
async function isHarmless(
  ctx: FenceContext,
  world: World,
  pending: MarkReading,
  joined: boolean | null,
): Promise<boolean> {
  if (joined === false) {
    ctx.log.info(
      `${ctx.plug} has not joined the cluster yet, and the mark of ${pending.name} is not "no": nothing is given back to Nova; Pacemaker asks again once it has joined.`,
    );
    return true;
  }
  // Where the cluster does not say what it would start, or whether the node is there, anything may start.
  if (joined === null || (await startsComputeAtOnce(world))) return false;
  ctx.log.info(
    `Instances of ${ctx.plug} still wait for evacuation; nothing in the cluster starts its nova-compute before they are through, and its release is left to NovaEvacuate or NovaCompute.`,
  );
  return true;
}

async function readMarks(ctx: FenceContext, world: World, patience: number): Promise<MarksReading> {
  const pause = Math.max(ctx.options.number('stonith_status_sleep'), 1) * 1000;
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

interface Target {
  /** As it was found. */
  readonly service: ComputeService;
  readonly names: readonly string[];
  readonly joined: boolean | null;
  /** When Nova is given up, in ms since the epoch. */
  readonly limit: number;
}

async function giveBack(
  ctx: FenceContext,
  world: World,
  { nova }: Found,
  { service, names, joined, limit }: Target,
): Promise<FenceExit> {
  const { host } = service;
  const callOptions = { deadline: limit };
  const log = {
    warn: (text: string) => ctx.log.warn(text),
    notice: (text: string) => ctx.log.info(text),
    info: (text: string) => ctx.log.info(text),
    debug: (text: string) => ctx.log.debug(text),
  };
  try {
    const outcome = await walkRelease(
      { nova, marks: world.marks, clock: world, log, callOptions },
      {
        host,
        names,
        service: async () => {
          const services = await nova.listComputeServices(callOptions);
          return services.find((each) => each.host === host) ?? null;
        },
        // A machine that has joined is on, and one that is not is not to be scheduled to.
        compute: async () => (joined === false ? 'silent' : 'running'),
        start: async () => false,
      },
      // Whatever takes time is somebody else's: the cluster does nothing else until we return.
      () => world.now(),
    );
    if (outcome.kind === 'troubled') throw new FenceError(`${outcome.sentence}; Pacemaker tries again.`);
    if (outcome.kind === 'released') {
      if (outcome.sentence !== null) ctx.log.info(outcome.sentence);
      return FenceExit.success;
    }
    if (service.status === 'disabled' && !isDisabledByUs(service)) {
      ctx.log.warn(
        `${host} stays disabled: it was disabled by somebody else ("${service.disabledReason ?? ''}").`,
      );
    }
    if (outcome.for === 'evacuations' || outcome.for === 'mark') {
      throw new FenceError(
        `${outcome.sentence}, so the host is not given back to Nova; Pacemaker tries again.`,
      );
    }
    if (outcome.for === 'records') {
      // The words before the colon are those operators search their logs for.
      ctx.log.warn(
        `Exception from attempt to force host back up via nova API: ${outcome.sentence}. ${host} stays forced down until its nova-compute has started and cleaned up what was evacuated; NovaEvacuate or NovaCompute takes it back then.`,
      );
      return FenceExit.success;
    }
    ctx.log.info(`${outcome.sentence}; its release is left to NovaEvacuate or NovaCompute.`);
    return FenceExit.success;
  } catch (error) {
    if (error instanceof NovaError || error instanceof AttrdError) throw notAsked(ctx, error);
    throw error;
  }
}

function notAsked(ctx: FenceContext, error: unknown): unknown {
  if (!(error instanceof NovaError || error instanceof AttrdError)) return error;
  return new FenceError(`${ctx.plug} could not be given back to Nova: ${sentence(error)}.`, { cause: error });
}
