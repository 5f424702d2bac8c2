import { hostname } from 'node:os';
import {
  AttrdError,
  type Incident,
  insist as insistOnTools,
  isPending,
  type MarkName,
  markName,
  type NodeName,
  type Patience,
} from '../../lib/attrd/index.ts';
import { holdDown } from '../../lib/evacuation/act/hold.ts';
import { type HostMatch, isSameHost } from '../../lib/evacuation/incident/names.ts';
import { crossCheck } from '../../lib/evacuation/look/crossCheck.ts';
import { type FenceContext, FenceError, FenceExit } from '../../lib/fencing/index.ts';
import { rethrowUnless } from '../../lib/rethrow.ts';
import { type TargetMark, targetMark } from './mark.ts';
import { type Found, findHost, insist, sentence } from './novaHost.ts';
import { powerDeadline } from './timing.ts';
import type { World } from './world.ts';

/** How long Nova is asked, before the mark is written, whether a host evacuated before has instances again, in ms. */
const ASK_FIRST_MS = 8_000;
/**
 * An evacuator that has just seen the machine alive, for the last time, may write its `no` this long after, in ms: half a
 * second between two looks, and a few calls of Pacemaker's tools.
 */
const LAST_SIGN_MS = 2_500;
/** How long the marks are asked for before one is written, in ms: writing may work where reading does not. */
const READ_PATIENCE_MS = 3_000;

/**
 * The machine has been switched off: leave the mark for NovaEvacuate, then tell Nova. The mark comes first, as Pacemaker
 * may kill us at any time, and it decides how this ends: a failing second device would have the machine powered off
 * again, ten times in twelve seconds, while NovaEvacuate makes sure of what Nova was told anyway.
 */
export async function off(ctx: FenceContext, world: World): Promise<FenceExit> {
  const deadline = powerDeadline(ctx, world.now());
  const { nodes, ...target } = await readMark(ctx, world, deadline);
  const find = (by: number) => findHost(ctx, world, by, nodes);
  let incident: Incident | null = null;
  const looksEmpty = () => isEmpty(ctx, world, find, Math.min(deadline, world.now() + ASK_FIRST_MS));
  let isLeft = target.mark.kind === 'no' && (await looksEmpty());
  if (isLeft) incident = await noteFencing(ctx, world, target.name, deadline);
  else incident = await writeMark(ctx, world, target, deadline);
  const code = await tellNova(ctx, world, find, { ...target, incident, isLeft }, deadline);
  if (isLeft) {
    // Until Nova held it down, an instance could still come to it.
    isLeft = await looksEmpty();
    if (isLeft) ctx.log.info(`${ctx.plug} was evacuated before and has no instances: its mark stays "no".`);
    else {
      incident = await writeMark(ctx, world, target, deadline, '');
      await tellNova(ctx, world, find, { ...target, incident, isLeft }, deadline);
    }
  }
  const wasThere = target.mark.kind === 'no' || isPending(target.mark);
  if (wasThere && (isLeft || incident === null)) await keepMark(ctx, world, target, deadline);
  if (!isLeft && incident === null) {
    ctx.log.warn(
      `${target.name} is no cluster node, so its mark has no permanent copy and is lost if the cluster restarts.`,
    );
  }
  return code;
}

type Find = (deadline: number) => Promise<Found>;

/** The mark to act on, with what this fencing has made of it. */
interface Target extends TargetMark {
  readonly incident: Incident | null;
  /** It stays `no`: the host was evacuated before, and has no instances. */
  readonly isLeft: boolean;
}

async function readMark(
  ctx: FenceContext,
  world: World,
  until: number,
): Promise<TargetMark & { readonly nodes: readonly NodeName[] }> {
  try {
    const patience = { clock: world, forMs: READ_PATIENCE_MS, until };
    const all = await insistOnTools(patience, () => world.marks.readAll());
    return { ...targetMark(ctx.nodename, ctx.plug, all), nodes: all.clusterNodes };
  } catch (error) {
    rethrowUnless(error, AttrdError);
    // Writing may still work, and says so itself if it does not.
    ctx.log.warn(`The marks could not be read: ${sentence(error)}.`);
    return { name: markName(ctx.nodename ?? ctx.plug), mark: { kind: 'none' }, reading: null, nodes: [] };
  }
}

/**
 * Whether a host whose instances were evacuated before has none, by two answers that do not share their fate
 * (`crossCheck.ts`). When Nova cannot be asked, or its answer may be incomplete, it counts as not empty: NovaEvacuate
 * has the time to make sure. Throws what {@link tellNova} throws for a host that Nova does not know: nothing has been
 * written then.
 */
async function isEmpty(ctx: FenceContext, world: World, find: Find, deadline: number): Promise<boolean> {
  try {
    const { nova, match, untold } = await find(deadline);
    if (untold !== null) return false;
    if (match.kind !== 'host') throw new FenceError(`${match.sentence} Nothing was marked.`);
    for (const { host, state } of [match.service, ...match.twins]) {
      if (state === 'unknown') return false;
      const servers = await nova.listServers({ host, limit: 1 }, { deadline });
      if (servers.length > 0) return false;
      const look = await crossCheck({
        nova,
        host,
        isKnown: () => false,
        services: () => nova.listComputeServices({ deadline }),
        clock: world,
        options: { deadline },
      });
      if (look.kind !== 'told') return false;
    }
    return true;
  } catch (error) {
    if (error instanceof FenceError) throw error;
    ctx.log.debug(`Nova could not be asked for the instances of ${ctx.plug}: ${sentence(error)}.`);
    return false;
  }
}

/**
 * The mark of a host without instances reads `no` already, so what cannot be noted is no reason to have the machine switched off again:
 * an evacuation to it is then found to be lost by the cluster's memory of its fencing, ten minutes later.
 */
async function noteFencing(
  ctx: FenceContext,
  world: World,
  name: MarkName,
  deadline: number,
): Promise<Incident | null> {
  try {
    const until = Math.min(deadline, world.now() + READ_PATIENCE_MS);
    return await insistOnTools(patienceUntil(world, until), () => world.marks.noteFencing(name, hostname()));
  } catch (error) {
    rethrowUnless(error, AttrdError);
    ctx.log.warn(`That ${name} was fenced could not be noted: ${sentence(error)}.`);
    return null;
  }
}

/** A new incident, also where a mark says the same: what ends the one before must not end this one. */
async function writeMark(
  ctx: FenceContext,
  world: World,
  { name }: TargetMark,
  deadline: number,
  untold = 'Nova was not told anything.',
): Promise<Incident | null> {
  try {
    // Tried until it is written or there is no time left: without it this fencing fails, and the machine is powered off again.
    const { incident } = await insistOnTools(patienceUntil(world, deadline), () =>
      world.marks.setYes(name, hostname()),
    );
    ctx.log.info(`${name} is marked for evacuation.`);
    return incident;
  } catch (error) {
    rethrowUnless(error, AttrdError);
    throw new FenceError(
      `${name} could not be marked for evacuation: ${sentence(error)}. ${await whatStands(ctx, world)}${untold}`.trim(),
      { cause: error },
    );
  }
}

/** What was reached of a mark all the same, as a sentence; '' where nothing is known to be. */
async function whatStands(ctx: FenceContext, world: World): Promise<string> {
  try {
    const { name, reading } = targetMark(ctx.nodename, ctx.plug, await world.marks.readAll());
    if (reading === null || !(isPending(reading.transient) || isPending(reading.permanent))) return '';
    const { transient, permanent } = reading;
    const missing = !isPending(permanent)
      ? ', but has no permanent copy yet and may be lost'
      : isPending(transient)
        ? ''
        : ', but in its permanent copy alone';
    return `${name} bears a mark all the same${missing}. `;
  } catch (error) {
    rethrowUnless(error, AttrdError);
    return '';
  }
}

function patienceUntil(world: World, until: number): Patience {
  return { clock: world, forMs: Number.POSITIVE_INFINITY, until };
}

/**
 * A mark that is no cluster node's has no incident. If its evacuation, or the release of one that was left as it is, ended at this very
 * moment (because the machine had been back), what ended is not this failure's: a host that is held down without any
 * mark would be released by nobody.
 */
async function keepMark(
  ctx: FenceContext,
  world: World,
  { name, mark }: TargetMark,
  deadline: number,
): Promise<void> {
  if (isPending(mark)) await world.sleep(LAST_SIGN_MS);
  try {
    // Nova has had its time by then.
    const until = Math.max(deadline, world.now() + READ_PATIENCE_MS);
    await insistOnTools(patienceUntil(world, until), async () => {
      const now = targetMark(ctx.nodename, ctx.plug, await world.marks.readAll());
      if (isPending(now.mark) || (mark.kind === 'no' && now.mark.kind === 'no')) return;
      await world.marks.setYes(name, hostname());
      ctx.log.info(`${name} is marked for evacuation anew: the one before ended meanwhile.`);
    });
  } catch (error) {
    rethrowUnless(error, AttrdError);
    throw new FenceError(`${name} could not be marked for evacuation: ${sentence(error)}.`, { cause: error });
  }
}

/** Whatever happens here, the mark is safe: only a name that means no host, or several, is a failure. */
async function tellNova(
  ctx: FenceContext,
  world: World,
  find: Find,
  target: Target,
  deadline: number,
): Promise<FenceExit> {
  const next = target.isLeft
    ? 'Whether it has instances is asked once more.'
    : `${target.name} is marked, and NovaEvacuate tells Nova before it evacuates.`;
  let found: Found;
  try {
    found = await insist(world, deadline, async () => {
      const { nova, match, untold } = await find(deadline);
      if (match.kind === 'host' && isCertain(ctx, match)) {
        const now = new Date(world.now());
        const held = await holdDown(nova, match.service, now, { deadline });
        ctx.log.info(held.sentence);
      }
      if (match.kind === 'host') await noteNovaTime(ctx, world, target, nova);
      return { nova, match, untold };
    });
  } catch (error) {
    // The words before the colon are those operators search their logs for.
    ctx.log.warn(`Exception from attempt to force host down via nova API: ${sentence(error)}. ${next}`);
    return FenceExit.success;
  }
  const { match, untold } = found;
  if (match.kind === 'host') {
    tellTwins(ctx, match);
    return FenceExit.success;
  }
  if (untold !== null) {
    ctx.log.warn(
      `Nova could not be told that ${ctx.plug} is down: ${untold.sentence} (${untold.remedy}). ${next}`,
    );
    return FenceExit.success;
  }
  throw new FenceError(`${match.sentence} ${await takeBack(world, target)}`);
}

/** Controllers' clocks may differ from ours: what they compare it with is on Nova's. */
async function noteNovaTime(
  ctx: FenceContext,
  world: World,
  { name, incident }: { readonly name: MarkName; readonly incident: Incident | null },
  { clockOffsetMs, isClockKnown }: Pick<Found['nova'], 'clockOffsetMs' | 'isClockKnown'>,
): Promise<void> {
  if (incident === null || !isClockKnown) return;
  try {
    await world.marks.noteNovaTime({ name, incident }, incident.at + clockOffsetMs, true);
  } catch (error) {
    rethrowUnless(error, AttrdError);
    ctx.log.debug(`When ${name} was fenced, on Nova's clock, could not be noted: ${sentence(error)}.`);
  }
}

type HostFound = Extract<HostMatch, { kind: 'host' }>;

/**
 * Whether the service is that of the machine that was switched off. One of another name, beside a record that bears the plug's
 * and is left over, is so most likely; NovaEvacuate makes sure that it does not report before it is held down.
 */
function isCertain({ plug }: FenceContext, { service, twins }: HostFound): boolean {
  return twins.length === 0 || isSameHost(service.host, plug);
}

function tellTwins(ctx: FenceContext, match: HostFound): void {
  const { host } = match.service;
  const others = [...new Set(match.twins.map((twin) => twin.host))].filter((twin) => twin !== host);
  if (others.length === 0) return;
  const held = isCertain(ctx, match) ? '' : ', which is not held down in Nova before that';
  ctx.log.warn(
    `${ctx.plug} is taken for Nova's host ${host}${held}; ${others.join(' and ')} may be the same machine under another name, and NovaEvacuate looks at both. If a service is left over, delete it: openstack compute service delete ID`,
  );
}

/** Puts the mark back to what it was before, for a name that Nova has nothing to evacuate for. */
async function takeBack(world: World, { name, incident, mark: before, isLeft }: Target): Promise<string> {
  try {
    if (isLeft) return `The mark of ${name} stays "no".`;
    if (isPending(before)) return `The mark of ${name}, which was there before, was left.`;
    await world.marks.takeBack({ name, incident }, before.kind === 'no' ? 'no' : 'none');
    return `The mark of ${name} was taken back.`;
  } catch (error) {
    rethrowUnless(error, AttrdError);
    return `The mark of ${name} could not be taken back: ${sentence(error)}.`;
  }
}
