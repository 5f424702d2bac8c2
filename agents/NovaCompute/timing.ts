import type { OcfContext } from '../../lib/ocf/index.ts';

/** Bound of one call of Pacemaker's tools, in ms. */
export const toolTimeoutMs = 10_000;
/** How long the shown attributes may hold up a stop, in ms. */
export const tidyMs = 2_000;

/**
 * When an action must have ended, in ms since the epoch: in time to say why before Pacemaker's SIGKILL, which comes
 * without a warning when the operation's timeout is over.
 */
export function deadline(ctx: Pick<OcfContext, 'startedAt' | 'timeoutMs'>): number {
  return ctx.startedAt + ctx.timeoutMs - Math.min(10_000, ctx.timeoutMs * 0.1);
}

/** nova-compute is not started later than this: it has to be seen alive before the deadline. */
export function startBy(ctx: Pick<OcfContext, 'startedAt' | 'timeoutMs'>): number {
  return deadline(ctx) - Math.min(10_000, ctx.timeoutMs * 0.2);
}

/** How long a monitor walks on with a release, in ms. */
export function walkMs(ctx: Pick<OcfContext, 'timeoutMs'>): number {
  return Math.min(ctx.timeoutMs / 2, 8_000);
}

/** How long a monitor asks Nova, in ms. */
export function lookMs(ctx: Pick<OcfContext, 'timeoutMs'>): number {
  return Math.min(ctx.timeoutMs / 2, 30_000);
}
