import { type ComputeService, NovaError } from '@openstack-ts/nova-client';
import {
  AttrdError,
  insist as insistOnTools,
  type MarkName,
  type MarkReading,
  type MarksReading,
  markName,
} from '../../lib/attrd/index.ts';
import { isDisabledByUs } from '../../lib/evacuation/incident/disabledReason.ts';
import { markOfHost, serviceNamed } from '../../lib/evacuation/incident/names.ts';
import { walkRelease } from '../../lib/evacuation/return/releaseWalk.ts';
import { type FenceContext, FenceError, FenceExit } from '../../lib/fencing/index.ts';
import { rethrowUnless } from '../../lib/rethrow.ts';
import { type Membership, membership, startsComputeAtOnce } from './cluster.ts';
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
  let all = await readMarks(ctx, world, deadline);
  const names = [targetMark(ctx.nodename, ctx.plug, all).name, markName(ctx.plug)];
  let asked: Promise<Membership> | null = null;
  const node = () => {
    asked ??= membership(world, names, deadline);
    return asked;
  };
  if (firstPending(names, all) === null) {
    await heedOwnView(ctx, world, await node());
    // What was read before the cluster could be believed may be from before the node was fenced.
    all = await readMarks(ctx, world, deadline);
  }
  if (await isLeftForNow(ctx, world, names, node, all, deadline)) return FenceExit.success;
  const limit = deadline + NOVA_RESERVE_MS;
  let found: Found;
  try {
    found = await insist(world, limit, () => findHost(ctx, world, limit));
  } catch (error) {
    throw notAsked(ctx, error);
  }
  const { match, untold } = found;
  if (untold !== null) {
    throw new FenceError(
      `${ctx.plug} is not given back to Nova yet: ${untold.sentence}; Pacemaker tries again (${untold.remedy}).`,
    );
  }
  if (match.kind === 'unknown') {
    ctx.log.warn(`${match.sentence} There is nothing to give back.`);
    return FenceExit.success;
  }
  if (match.kind === 'ambiguous') throw new FenceError(match.sentence);
  const { service } = match;
  const { host } = service;
  // The original agent kept the mark under Nova's name of the host.
  const underHost = markOfHost(host);
  if (!names.includes(underHost) && (await isLeftForNow(ctx, world, [underHost], node, all, deadline))) {
    return FenceExit.success;
  }
  return giveBack(ctx, world, found, { service, names: [...new Set([...names, underHost])], node, limit });
}

/**
 * Whether a pending mark leaves nothing to do now. Waits for its end where the success of this call would start
 * nova-compute; throws {@link FenceError} when that does not come in time.
 */
async function isLeftForNow(
  ctx: FenceContext,
  world: World,
  names: readonly MarkName[],
  node: () => Promise<Membership>,
  first: MarksReading,
  deadline: number,
): Promise<boolean> {
  const pause = Math.max(ctx.options.number('stonith_status_sleep'), 1) * 1000;
  const patience = Math.min(deadline, world.now() + MARK_PATIENCE_MS);
  for (let all = first, told = false; ; told = true) {
    const pending = firstPending(names, all);
    if (pending === null) return false;
    if (!told && (await isHarmless(ctx, world, pending, await node()))) return true;
    if (world.now() + pause >= patience) {
      throw new FenceError(
        `Instances of ${ctx.plug} still wait for evacuation (the mark of ${pending.name} is not "no" yet), so it is not given back to Nova; Pacemaker tries again.`,
      );
    }
    if (!told) ctx.log.info(`Waiting for ${ctx.plug} to complete evacuations`);
    await world.sleep(pause);
    all = await readMarks(ctx, world, deadline);
  }
}

/**
 * A mark that is not to be seen counts as absent only in a partition with quorum and a DC. Throws {@link FenceError} where
 * success could start nova-compute, and the cluster does not tell for certain that nothing speaks against it.
 */
async function heedOwnView(ctx: FenceContext, world: World, node: Membership): Promise<void> {
  if (node.kind !== 'untold' || (await startsComputeAtOnce(world)) === false) return;
  throw new FenceError(
    `${ctx.plug} is not given back to Nova, as nobody can say whether it is being evacuated: ${node.sentence}; Pacemaker tries again.`,
  );
}

/** Whether success would start nothing that must not start while the mark is pending. */
async function isHarmless(
  ctx: FenceContext,
  world: World,
  pending: MarkReading,
  node: Membership,
): Promise<boolean> {
  if (node.kind === 'absent') {
    ctx.log.info(
      `${ctx.plug} has not joined the cluster yet, and the mark of ${pending.name} is not "no": nothing is given back to Nova; Pacemaker asks again once it has joined.`,
    );
    return true;
  }
  // Where the cluster does not say what it would start, or whether the node is there, anything may start.
  if (node.kind !== 'joined' || (await startsComputeAtOnce(world)) !== false) return false;
  ctx.log.info(
    `Instances of ${ctx.plug} still wait for evacuation; nothing in the cluster starts its nova-compute before they are through, and its release is left to NovaEvacuate or NovaCompute.`,
  );
  return true;
}

async function readMarks(ctx: FenceContext, world: World, until: number): Promise<MarksReading> {
  try {
    return await insistOnTools({ clock: world, forMs: ATTRD_PATIENCE_MS, until }, () =>
      world.marks.readAll(),
    );
  } catch (error) {
    rethrowUnless(error, AttrdError);
    throw new FenceError(
      `${ctx.plug} is not given back to Nova, as nobody can say whether it is being evacuated: ${sentence(error)}.`,
      { cause: error },
    );
  }
}

interface Target {
  /** As it was found. */
  readonly service: ComputeService;
  readonly names: readonly MarkName[];
  /** What the cluster takes the node for; asked only where that decides something. */
  readonly node: () => Promise<Membership>;
  /** When Nova is given up, in ms since the epoch. */
  readonly limit: number;
}

async function giveBack(
  ctx: FenceContext,
  world: World,
  { nova }: Found,
  { service, names, node, limit }: Target,
): Promise<FenceExit> {
  const { host } = service;
  const callOptions = { deadline: limit };
  const held = service.forcedDown ? await node() : null;
  if (held?.kind === 'untold') {
    ctx.log.warn(
      `${host} stays forced down for now, as the cluster does not tell whether it has joined: ${held.sentence}; its release is left to NovaEvacuate or NovaCompute`,
    );
  }
  const log = {
    warn: (text: string) => ctx.log.warn(text),
    notice: (text: string) => ctx.log.info(text),
    info: (text: string) => ctx.log.info(text),
    debug: (text: string) => ctx.log.debug(text),
  };
  try {
    const walk = () =>
      walkRelease(
        { nova, marks: world.marks, clock: world, log, callOptions },
        {
          host,
          names,
          service: async () => {
            const services = await nova.listComputeServices(callOptions);
            return serviceNamed(services, host) ?? null;
          },
          // A machine that has joined is on; one that has not, or of which nobody can tell, is not to be scheduled to.
          compute: async () => {
            const { kind } = await node();
            return kind === 'absent' || kind === 'untold' ? 'silent' : 'running';
          },
          start: async () => false,
        },
        // Whatever takes time is somebody else's: the cluster does nothing else until we return.
        () => world.now(),
      );
    // It may be repeated anywhere: a tool that fails once does not fail the unfencing.
    const outcome = await insistOnTools({ clock: world, forMs: ATTRD_PATIENCE_MS, until: limit }, walk);
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
