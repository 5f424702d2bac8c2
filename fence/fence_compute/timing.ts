import type { FenceContext } from '../../lib/fencing/index.ts';

/**
 * `off` and `on` stop asking Nova this long after the process began, in ms, where Pacemaker keeps the time. It would
 * grant 60 s (`stonith-timeout`, `pcmk_off_timeout`) and then kill without warning; but as long as a fencing runs it
 * recovers nothing else in the cluster, and that may include the very address that Nova is to be reached at.
 */
const UNDER_PACEMAKER_MS = 20_000;
/** An attempt at the mark that has begun may take this much longer. */
const LAST_ATTEMPT_MS = 10_000;
/** However much of that `delay` took, Nova gets this long. */
const AT_LEAST_MS = 8_000;
/** `monitor`, `list` and `status` often run with Pacemaker's default timeout of 20 s. */
const LOOK_MS = 15_000;
/** One request may take this long. */
const STEP_MS = 10_000;
/**
 * One call of Pacemaker's tools may take this long: they answer within hundredths of a second, or within seconds on a machine
 * under load, and where one hangs there has to be time to ask again.
 */
const TOOL_MS = 6_000;

/** When `off` or `on` gives up on what it can leave to others, in ms since the epoch. */
export function powerDeadline(ctx: FenceContext, now: number): number {
  const seconds = ctx.timeoutsDisabled ? 0 : ctx.options.number('power_timeout');
  if (seconds > 0) return now + seconds * 1000;
  return Math.max(ctx.startedAt + UNDER_PACEMAKER_MS, now + AT_LEAST_MS);
}

/**
 * When one of Pacemaker's tools is no longer waited for, in ms since the epoch. An attempt to write the mark that has begun in time
 * is brought to its end, though each of its five tools takes five seconds: a failure has the machine powered off again.
 */
export function toolsDeadline(ctx: FenceContext, now: number): number {
  return powerDeadline(ctx, now) + LAST_ATTEMPT_MS;
}

/** When an action that only looks gives up. */
export function lookDeadline(ctx: FenceContext): number {
  return ctx.startedAt + LOOK_MS;
}

/** Bound of one call of Pacemaker's attribute tools, in ms; `power_timeout` where it applies. */
export function toolTimeoutMs(ctx: FenceContext): number {
  return limit(ctx, 'power_timeout', true, TOOL_MS);
}

/** Bound of one call of crm_mon, in ms: `on` asks it again where it does not answer. */
export function nodesTimeoutMs(ctx: FenceContext): number {
  return Math.min(toolTimeoutMs(ctx), TOOL_MS);
}

/** Bound of one request to the cloud, in ms. */
export function requestTimeoutMs(ctx: FenceContext): number {
  return limit(ctx, 'shell_timeout', ctx.options.given('shell_timeout'), STEP_MS);
}

/** When the log-in has to be through: the action's deadline, or sooner when `login_timeout` says so. */
export function loginDeadline(ctx: FenceContext, now: number, deadline: number): number {
  const seconds = ctx.options.number('login_timeout');
  const applies = !ctx.timeoutsDisabled && ctx.options.given('login_timeout') && seconds > 0;
  return applies ? Math.min(deadline, now + seconds * 1000) : deadline;
}

function limit(ctx: FenceContext, option: string, applies: boolean, otherwise: number): number {
  const seconds = ctx.timeoutsDisabled || !applies ? 0 : ctx.options.number(option);
  return seconds > 0 ? seconds * 1000 : otherwise;
}
