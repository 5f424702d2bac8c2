import type { FailureKind } from '../judge/failureKind.ts';
import { answerWindow, rebuildWindow, type ThrottleState } from './throttleState.ts';

/** Why Nova did not take a request. */
export type RefusalKind = 'rateLimited' | 'serverError' | 'timeout' | 'unreachable';

/** Something that tells how Nova bears what it is asked. `at` is in ms, on our clock. */
export type ThrottleEvent =
  /** Nova took a request; `durationMs` is the time until its answer. */
  | { readonly what: 'accepted'; readonly at: number; readonly durationMs: number }
  | { readonly what: 'refused'; readonly at: number; readonly kind: RefusalKind }
  | { readonly what: 'done'; readonly at: number }
  | {
      readonly what: 'failed';
      readonly at: number;
      readonly kind: FailureKind;
      /** When Nova accepted what failed now. */
      readonly acceptedAt: number;
    }
  /** Whether as many evacuations are in flight as are allowed. */
  | { readonly what: 'busy'; readonly at: number; readonly busy: boolean };

/** How many evacuations at the same time it begins with: Nova's conductor and scheduler work on about ten. */
const startLimit = 16;
/** After a refusal, a slow answer or failures, whatever was asked for before may still bring more of the same, in ms. */
const fallPauseMs = 5_000;
/** So many failures among the last rebuilds are no accident any more. */
const failuresTooMany = 3;
/** Refusals in a row after which only one evacuation at a time is left. */
const refusalsInARow = 3;
/**
 * Answers up to here are quick, and up to the second never too slow, in ms: Nova's answer takes 0.15 to 0.9 s on a small
 * cloud whose processors do the rebuilds as well (measured with 200 instances).
 */
const quickMs = 1_500;
const slowMs = 3_000;
/** Where Nova is slow as such, its best answer is the measure. */
const quickFactor = 1.5;
const slowFactor = 2.5;
/** More than twice the start needs a rebuild that succeeded within this time, in ms. */
const provenMs = 120_000;

const refusalText: Readonly<Record<RefusalKind, string>> = {
  rateLimited: 'Nova answered 429 (too many requests)',
  serverError: 'Nova answered with a server error',
  timeout: 'Nova did not answer in time',
  unreachable: 'Nova could not be reached',
};

/** The state to begin with. */
export function firstState(bound: number, at: number): ThrottleState {
  return {
    limit: Math.min(startLimit, bound),
    at,
    busy: false,
    ceiling: null,
    credit: 0,
    answersMs: [],
    bestMs: null,
    rebuilds: [],
    doneAt: null,
    fellAt: null,
    refusals: 0,
    told: 'up',
    low: Math.min(startLimit, bound),
    sentence: null,
  };
}

/**
 * What an event makes of the state: additive increase, multiplicative decrease, as TCP does. Until the first trouble the
 * limit rises by one with each quick answer, so that it doubles with each round; after that more slowly, most so near where
 * trouble began. It falls to half, later to seven tenths, at most once per {@link fallPauseMs}.
 *
 * @param bound most evacuations at the same time, whatever Nova bears
 */
export function next(state: ThrottleState, event: ThrottleEvent, bound: number): ThrottleState {
  const now: ThrottleState = { ...state, at: event.at };
  switch (event.what) {
    case 'busy':
      return { ...now, busy: event.busy };
    case 'accepted':
      return answered(now, event.durationMs, bound);
    case 'refused': {
      const refusals = now.refusals + 1;
      const least = refusals >= refusalsInARow ? 1 : 2;
      return fall({ ...now, refusals }, least, refusalText[event.kind]);
    }
    case 'done':
      return { ...now, doneAt: event.at, rebuilds: [...now.rebuilds, 'done' as const].slice(-rebuildWindow) };
    case 'failed':
      return event.kind === 'rebuild' && isSinceFall(now, event.acceptedAt) ? rebuildFailed(now) : now;
  }
}

function answered(state: ThrottleState, durationMs: number, bound: number): ThrottleState {
  if (!isSinceFall(state, state.at - durationMs)) return { ...state, refusals: 0 };
  const answersMs = [...state.answersMs, durationMs].slice(-answerWindow);
  const bestMs = Math.min(durationMs, state.bestMs ?? durationMs);
  const now = { ...state, answersMs, bestMs, refusals: 0 };
  const typical = median(answersMs);
  if (answersMs.length >= answerWindow / 2 && typical > Math.max(slowMs, slowFactor * bestMs)) {
    return fall(now, 2, `Nova took ${(typical / 1000).toFixed(1)} s for an answer`);
  }
  if (!now.busy || durationMs > Math.max(quickMs, quickFactor * bestMs) || !mayRise(now, bound)) return now;
  return rise({ ...now, credit: now.credit + 1 });
}

function mayRise(state: ThrottleState, bound: number): boolean {
  const proven = state.doneAt !== null && state.at - state.doneAt <= provenMs;
  const most = proven ? bound : Math.min(bound, 2 * startLimit);
  return state.limit < most && countFailures(state) < failuresTooMany - 1;
}

function rise(state: ThrottleState): ThrottleState {
  if (state.credit < answersPerStep(state)) return state;
  const limit = state.limit + 1;
  const raised = { ...state, limit, credit: 0 };
  // Where it swings around what Nova bears, that need not be told again and again.
  if (state.told === 'up' || limit < 2 * state.low) return raised;
  const sentence = `evacuations at the same time raised again from ${state.low} to ${limit}: Nova answers quickly`;
  return { ...raised, told: 'up', sentence };
}

/** How many quick answers make the limit rise by one: many where trouble began last time, few before that and beyond. */
function answersPerStep({ limit, ceiling }: ThrottleState): number {
  if (ceiling === null) return 1;
  return limit < 0.8 * ceiling || limit > 1.3 * ceiling ? 2 : 8;
}

function rebuildFailed(state: ThrottleState): ThrottleState {
  const rebuilds = [...state.rebuilds, 'failed' as const].slice(-rebuildWindow);
  const now = { ...state, rebuilds };
  const failures = countFailures(now);
  if (failures < failuresTooMany) return now;
  return fall(now, 2, `${failures} of the last ${rebuilds.length} rebuilds failed`);
}

/** What was begun before the limit last fell says nothing of the new one. */
function isSinceFall({ fellAt }: ThrottleState, at: number): boolean {
  return fellAt === null || at >= fellAt;
}

function countFailures({ rebuilds }: ThrottleState): number {
  return rebuilds.filter((end) => end === 'failed').length;
}

/** Lowers the limit, unless it fell a moment ago: then this comes of what was asked for before. */
function fall(state: ThrottleState, least: number, why: string): ThrottleState {
  if (state.fellAt !== null && state.at - state.fellAt < fallPauseMs) return state;
  const factor = state.ceiling === null ? 0.5 : 0.7;
  const limit = Math.min(state.limit, Math.max(least, Math.floor(state.limit * factor)));
  const fallen = {
    ...state,
    limit,
    ceiling: state.limit,
    credit: 0,
    answersMs: [],
    rebuilds: [],
    fellAt: state.at,
  };
  if (limit === state.limit) return fallen;
  if (state.told === 'down') return { ...fallen, low: Math.min(state.low, limit) };
  const sentence = `evacuations at the same time lowered from ${state.limit} to ${limit}: ${why}`;
  return { ...fallen, low: limit, told: 'down', sentence };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
