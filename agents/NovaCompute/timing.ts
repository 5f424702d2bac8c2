import type { OcfContext } from '../../lib/ocf/index.ts';

/**
 * Bound of one call of Pacemaker's tools, in ms: long enough for one that is slow by seconds, short enough to ask again within
 * a start's wait where one hangs.
 */
export const toolTimeoutMs = 6_000;
/** For how long a start asks what it cannot begin without, in ms. */
export const askMs = 8_000;
/** How long the shown attributes may hold up a stop, in ms. */
export const tidyMs = 2_000;

/**
 * When an action must have ended, in ms since the epoch: in time to say why before Pacemaker's SIGKILL, which comes
 * without a warning when the operation's timeout is over.
 */
export function deadline(ctx: Pick<OcfContext, 'startedAt' | 'timeoutMs'>): number {
  return ctx.startedAt + ctx.timeoutMs - Math.min(10_000, ctx.timeoutMs * 0.1);
}

/**
 * How long a start waits, before nova-compute runs and after, in ms. Pacemaker begins nothing new while an action is
 * under way (2.1.5, seen in the lab): a start that waits for an evacuation keeps every other node from being fenced, a
 * destination of that very evacuation perhaps. What takes longer is gone on with by the monitors.
 */
export const startWaitMs = 10_000;

/** nova-compute is not started later than this: it has to be seen alive before the deadline. */
export function startBy(ctx: Pick<OcfContext, 'startedAt' | 'timeoutMs'>): number {
  const latest = deadline(ctx) - Math.min(10_000, ctx.timeoutMs * 0.2);
  return Math.min(latest, ctx.startedAt + startWaitMs);
}

/** How late in its walk a monitor still starts a nova-compute that was held back, in ms before the walk's end. */
export const seenAliveMs = 3_000;

/** How long before an action's deadline the last look ends, in ms: the rest is for saying what /proc shows. */
const lastLookMs = 1_000;

/**
 * Until when a monitor looks for nova-compute, in ms since the epoch. One that must answer in less than the reserve
 * looks once.
 */
export function lookBy(ctx: Pick<OcfContext, 'startedAt' | 'timeoutMs'>): number {
  return deadline(ctx) - lastLookMs;
}

/**
 * For how long a start, or a wait, looks for nova-compute, in ms: an engine's daemon that restarts is away for less. Longer
 * would keep Pacemaker from beginning anything else.
 */
export const findMs = 30_000;

/** How long a monitor walks on with a release, in ms. */
export function walkMs(ctx: Pick<OcfContext, 'timeoutMs'>): number {
  return Math.min(ctx.timeoutMs / 2, 8_000);
}

/**
 * Whether the look itself has taken so long that a walk, or a question to Nova, would not end in time: the next monitor
 * has both.
 */
export function isLate(ctx: Pick<OcfContext, 'startedAt' | 'timeoutMs'>, now: number): boolean {
  return now > ctx.startedAt + ctx.timeoutMs * 0.4;
}

/** How long a monitor asks Nova, in ms. */
export function lookMs(ctx: Pick<OcfContext, 'timeoutMs'>): number {
  return Math.min(ctx.timeoutMs / 2, 30_000);
}
