import { AttrdError, isPending, type Mark } from '../../lib/attrd/index.ts';
import { type HostMatch, holdDown } from '../../lib/evacuation/index.ts';
import { type FenceContext, FenceError, FenceExit } from '../../lib/fencing/index.ts';
import { type TargetMark, targetMark } from './mark.ts';
import { findHost, insist, sentence } from './novaHost.ts';
import { powerDeadline } from './timing.ts';
import type { World } from './world.ts';

/** How long Nova is asked, before the mark is written, whether a host evacuated before has instances again, in ms. */
const ASK_FIRST_MS = 8_000;
/**
 * An evacuator that has just seen the machine alive, for the last time, may write its `no` this long after, in ms: half a
 * second between two looks, and a few calls of Pacemaker's tools.
 */
const LAST_SIGN_MS = 2_500;

/**
 * The machine has been switched off: leave the mark for NovaEvacuate, then tell Nova. The mark comes first, as Pacemaker
 * may kill us at any time, and it decides how this ends: a failing second device would have the machine powered off
 * again, ten times in twelve seconds, while NovaEvacuate makes sure of what Nova was told anyway.
 */
export async function off(ctx: FenceContext, world: World): Promise<FenceExit> {
  const deadline = powerDeadline(ctx, world.now());
  const target = await readMark(ctx, world);
  let permanent = true;
  if (
    target.mark.kind === 'no' &&
    (await isEmpty(ctx, world, Math.min(deadline, world.now() + ASK_FIRST_MS)))
  ) {
    ctx.log.info(`${ctx.plug} was evacuated before and has no instances: its mark stays "no".`);
  } else {
    ({ permanent } = await writeMark(ctx, world, target));
  }
  const code = await tellNova(ctx, world, target, deadline);
  if (target.mark.kind === 'no' || isPending(target.mark)) await keepMark(ctx, world, target);
  if (!permanent) {
    ctx.log.warn(
      `${target.name} is no cluster node, so its mark has no permanent copy and is lost if the cluster restarts.`,
    );
  }
  return code;
}

async function readMark(ctx: FenceContext, world: World): Promise<TargetMark> {
  try {
    return targetMark(ctx.nodename, ctx.plug, await world.marks.readAll());
  } catch (error) {
    if (!(error instanceof AttrdError)) throw error;
    // Writing may still work, and says so itself if it does not.
    ctx.log.warn(`The marks could not be read: ${sentence(error)}.`);
    return { name: ctx.nodename ?? ctx.plug, mark: { kind: 'none' }, reading: null };
  }
}

/**
 * Whether Nova knows that a host whose instances were evacuated before has none. When Nova cannot be asked, or its
 * answer may be incomplete (the host's cell is down), it counts as not empty. Throws what {@link tellNova} throws
 * for a host that Nova does not know: nothing has been written then.
 */
async function isEmpty(ctx: FenceContext, world: World, deadline: number): Promise<boolean> {
  try {
    const { nova, match } = await findHost(ctx, world, deadline);
    if (match.kind !== 'host') throw new FenceError(`${match.sentence} Nothing was marked.`);
    if (match.service.state === 'unknown') return false;
    const servers = await nova.listServers({ host: match.service.host, limit: 1 }, { deadline });
    return servers.length === 0;
  } catch (error) {
    if (error instanceof FenceError) throw error;
    ctx.log.debug(`Nova could not be asked for the instances of ${ctx.plug}: ${sentence(error)}.`);
    return false;
  }
}

/** A mark that says the same is left as it is (somebody may be about to claim it), with both its copies made right. */
async function writeMark(
  ctx: FenceContext,
  world: World,
  { name, mark, reading }: TargetMark,
): Promise<{ readonly permanent: boolean }> {
  try {
    const written =
      isPending(mark) && reading !== null
        ? await world.marks.repair(reading)
        : await world.marks.setYes(name);
    ctx.log.info(`${name} is marked for evacuation.`);
    return written;
  } catch (error) {
    if (!(error instanceof AttrdError)) throw error;
    throw new FenceError(
      `${name} could not be marked for evacuation: ${sentence(error)}. Nova was not told anything.`,
      { cause: error },
    );
  }
}

/**
 * A mark that was there before belongs to an earlier failure. If its evacuation, or its release, ended at this very
 * moment (because the machine had been back), what ended is not this failure's: a host that is held down without any
 * mark would be released by nobody.
 */
async function keepMark(ctx: FenceContext, world: World, { name, mark }: TargetMark): Promise<void> {
  if (isPending(mark)) await world.sleep(LAST_SIGN_MS);
  try {
    const now = targetMark(ctx.nodename, ctx.plug, await world.marks.readAll());
    if (isPending(now.mark) || (mark.kind === 'no' && now.mark.kind === 'no')) return;
    await world.marks.setYes(name);
    ctx.log.info(`${name} is marked for evacuation anew: the one before ended meanwhile.`);
  } catch (error) {
    if (!(error instanceof AttrdError)) throw error;
    throw new FenceError(`${name} could not be marked for evacuation: ${sentence(error)}.`, { cause: error });
  }
}

/** Whatever happens here, the mark is safe: only a name that means no host, or several, is a failure. */
async function tellNova(
  ctx: FenceContext,
  world: World,
  target: TargetMark,
  deadline: number,
): Promise<FenceExit> {
  let match: HostMatch;
  try {
    match = await insist(world, deadline, async () => {
      const found = await findHost(ctx, world, deadline);
      if (found.match.kind === 'host') {
        const now = new Date(world.now());
        const held = await holdDown(found.nova, found.match.service, now, { deadline });
        ctx.log.info(held.sentence);
      }
      return found.match;
    });
  } catch (error) {
    // The words before the colon are those operators search their logs for.
    ctx.log.warn(
      `Exception from attempt to force host down via nova API: ${sentence(error)}. ${target.name} is marked, and NovaEvacuate tells Nova before it evacuates.`,
    );
    return FenceExit.success;
  }
  if (match.kind === 'host') return FenceExit.success;
  throw new FenceError(`${match.sentence} ${await takeBack(world, target.name, target.mark)}`);
}

/** Puts the mark back to what it was before, for a name that Nova has nothing to evacuate for. */
async function takeBack(world: World, name: string, before: Mark): Promise<string> {
  try {
    if (before.kind === 'no') await world.marks.setNo(name);
    else if (before.kind === 'none' || before.kind === 'unknown') await world.marks.clear(name);
    else return `The mark of ${name}, which was there before, was left.`;
    return `The mark of ${name} was taken back.`;
  } catch (error) {
    if (!(error instanceof AttrdError)) throw error;
    return `The mark of ${name} could not be taken back: ${sentence(error)}.`;
  }
}
