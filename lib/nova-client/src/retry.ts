/**
 * The one retry policy of the client: which failures are worth another attempt, how long to wait, and when to
 * stop. What may be repeated at all is said by each request: GETs, PUTs of a state and the log-in may; a request
 * to evacuate never is, because Nova answers 200 to a second evacuation of the same server and wrecks it.
 */
import type { NovaError } from './errors.ts';

export interface RetryLimits {
  /** Attempts in all, the first one included. */
  readonly attempts: number;
  /** The pause doubles from the first to the longest, in ms. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

export const defaultRetryLimits: RetryLimits = { attempts: 5, firstPauseMs: 500, longestPauseMs: 8_000 };

/** Statuses that a healthy cloud gives in passing: overload, a database or message bus that fails over. */
const passingStatuses: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);
/**
 * The same said of a request without a body, which can neither have been sent too slowly nor be too large: a proxy that
 * closes an idle connection says 408, and Nova's old rate limiter 413.
 */
const passingForGet: ReadonlySet<number> = new Set([408, 413]);

/** Whether the same request may succeed if it is sent again a little later. */
export function isPassing(error: NovaError): boolean {
  switch (error.code) {
    case 'connectionLost':
    case 'timeout':
      return true;
    case 'unreachable':
      // A name that the name service denies is a mistake in the configuration, not a failure in passing.
      return !(error.cause instanceof Error && 'code' in error.cause && error.cause.code === 'ENOTFOUND');
    default:
      if (error.status === null) return false;
      return passingStatuses.has(error.status) || (error.method === 'GET' && passingForGet.has(error.status));
  }
}

/**
 * The pause in ms before attempt number `done + 1`, or null when there is none. The cloud's Retry-After is
 * honoured as it is; otherwise the pause grows and is drawn from its upper half, so that the agents of many
 * nodes do not come back in step.
 */
export function pauseAfter(
  error: NovaError,
  done: number,
  limits: RetryLimits,
  random: number,
): number | null {
  if (done >= limits.attempts || !isPassing(error)) return null;
  if (error.retryAfterMs !== null) return error.retryAfterMs;
  const whole = Math.min(limits.longestPauseMs, limits.firstPauseMs * 2 ** (done - 1));
  return Math.round(whole / 2 + (whole / 2) * random);
}

/** `Retry-After` in ms from `now`: seconds or an HTTP date; null when it is neither. */
export function parseRetryAfter(text: string | null, now: number): number | null {
  if (text === null) return null;
  if (/^\d{1,7}$/.test(text.trim())) return Number(text.trim()) * 1000;
  const date = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
