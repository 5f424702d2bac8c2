/** Why Nova did not take a request. */
export type RefusalKind = 'rateLimited' | 'serverError' | 'timeout' | 'unreachable';

/** Why a rebuild failed. Only `rebuild` may come from too many at the same time. */
export type FailureKind = 'rebuild' | 'noValidHost' | 'diskMissing';

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

/** What is known of Nova's strength, as plain data, to be kept from pass to pass. */
export interface ThrottleState {
  /** Most evacuations at the same time. */
  readonly limit: number;
  /** When it was last heard of Nova, in ms. */
  readonly at: number;
  /** Whether the limit is used up. */
  readonly busy: boolean;
  /** The limit at which trouble last began; null: there was none so far. */
  readonly ceiling: number | null;
  /** Quick answers since the limit last changed. */
  readonly credit: number;
  /** How long the last answers took, in ms, oldest first, since the limit last fell. */
  readonly answersMs: readonly number[];
  /** The shortest answer so far, in ms. */
  readonly bestMs: number | null;
  /** How the last rebuilds ended, oldest first, since the limit last fell. */
  readonly rebuilds: readonly ('done' | 'failed')[];
  /** When a rebuild last succeeded, in ms. */
  readonly doneAt: number | null;
  /** When the limit last fell, in ms. */
  readonly fellAt: number | null;
  /** Refusals since the last answer. */
  readonly refusals: number;
  /** The direction that was last told. */
  readonly told: 'up' | 'down';
  /** The lowest limit since it was told to fall. */
  readonly low: number;
  /** A sentence that nobody has fetched yet. */
  readonly sentence: string | null;
}

/** How many evacuations at the same time it begins with: Nova's conductor and scheduler work on about ten. */
const startLimit = 16;
/** After a refusal, a slow answer or failures, whatever was asked for before may still bring more of the same, in ms. */
const fallPauseMs = 5_000;
/** How many of the last answers and rebuilds count. */
const answerWindow = 8;
const rebuildWindow = 8;
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
/** What was learnt of Nova is forgotten after this time, in ms. */
const forgetMs = 600_000;

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

/** Finds how many evacuations at the same time Nova bears, with {@link next}. */
export class Throttle {
  readonly #bound: number;
  readonly #now: () => number;
  #state: ThrottleState;

  /**
   * @param bound most evacuations at the same time, whatever Nova bears
   * @param now our clock, in ms
   * @param kept the state that an earlier pass left; null: none did
   */
  constructor(bound: number, now: () => number, kept: ThrottleState | null) {
    this.#bound = bound;
    this.#now = now;
    const age = kept === null ? forgetMs : now() - kept.at;
    this.#state =
      kept === null || age >= forgetMs || age < 0
        ? firstState(bound, now())
        : { ...kept, limit: Math.min(kept.limit, bound) };
  }

  get limit(): number {
    return this.#state.limit;
  }

  /** To be kept for the next pass. */
  get state(): ThrottleState {
    return this.#state;
  }

  /** Nova took a request; it answered after `durationMs`. */
  accepted(durationMs: number): void {
    this.#note({ what: 'accepted', at: this.#now(), durationMs });
  }

  /** Nova did not take a request, for a reason that does not lie in the instance. */
  refused(kind: RefusalKind): void {
    this.#note({ what: 'refused', at: this.#now(), kind });
  }

  /** An instance is elsewhere. */
  done(): void {
    this.#note({ what: 'done', at: this.#now() });
  }

  /** Nova reported an evacuation as failed that it had accepted at `acceptedAt` (our clock; just now if left out). */
  failed(kind: FailureKind, acceptedAt = this.#now()): void {
    this.#note({ what: 'failed', at: this.#now(), kind, acceptedAt });
  }

  /** Whether as many evacuations are in flight as are allowed: it never rises while they are not. */
  busy(busy: boolean): void {
    this.#note({ what: 'busy', at: this.#now(), busy });
  }

  /** What to log, once at each change of direction, without a full stop; null: nothing new. */
  sentence(): string | null {
    const { sentence } = this.#state;
    if (sentence !== null) this.#state = { ...this.#state, sentence: null };
    return sentence;
  }

  #note(event: ThrottleEvent): void {
    this.#state = next(this.#state, event, this.#bound);
  }
}

/** Reads what was kept of a state; null for anything that {@link Throttle.state} did not give. */
export function readThrottle(data: unknown): ThrottleState | null {
  if (typeof data !== 'object' || data === null) return null;
  const from: { readonly [key in keyof ThrottleState]?: unknown } = data;
  const { limit, at, credit, refusals, low, told } = from;
  if (
    !isCount(limit) ||
    !Number.isInteger(limit) ||
    limit < 1 ||
    !isCount(at) ||
    !isCount(credit) ||
    !isCount(refusals) ||
    !isCount(low)
  ) {
    return null;
  }
  if (told !== 'up' && told !== 'down') return null;
  const numbers = Array.isArray(from.answersMs) ? from.answersMs : [];
  const ends = Array.isArray(from.rebuilds) ? from.rebuilds : [];
  return {
    limit,
    at,
    busy: from.busy === true,
    ceiling: isCount(from.ceiling) ? from.ceiling : null,
    credit,
    answersMs: numbers.filter(isCount).slice(-answerWindow),
    bestMs: isCount(from.bestMs) ? from.bestMs : null,
    rebuilds: ends.filter((end) => end === 'done' || end === 'failed').slice(-rebuildWindow),
    doneAt: isCount(from.doneAt) ? from.doneAt : null,
    fellAt: isCount(from.fellAt) ? from.fellAt : null,
    refusals,
    told,
    low,
    sentence: typeof from.sentence === 'string' ? from.sentence : null,
  };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
