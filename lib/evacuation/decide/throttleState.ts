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

/** How many of the last answers and rebuilds count. */
export const answerWindow = 8;
export const rebuildWindow = 8;

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
