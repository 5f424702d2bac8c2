import { firstState, next } from '../../../../lib/evacuation/decide/throttleRules.ts';
import type { ThrottleState } from '../../../../lib/evacuation/decide/throttleState.ts';
import { seeded } from '../../../simulators/world/virtualTime.ts';

/** How a Nova bears `inFlight` evacuations at the same time. Times in ms. */
export interface LoadedNova {
  /** How long it takes to answer one more request. */
  answerMs(inFlight: number): number;
  /** How long the rebuild takes that begins now. */
  rebuildMs(inFlight: number): number;
  /** Whether it answers one more request with 429. */
  refuses(inFlight: number): boolean;
  /** How likely a rebuild that begins now fails. */
  failureRate(inFlight: number): number;
}

export interface Run {
  /** Until the last instance is elsewhere, in ms. */
  readonly tookMs: number;
  /** The limit, each time it changed. */
  readonly limits: readonly { readonly at: number; readonly limit: number }[];
  readonly sentences: readonly string[];
  readonly refusals: number;
}

/** A bound that moves with what Nova does, or one that stands. */
type Bound =
  | { readonly kind: 'adaptive'; readonly bound: number }
  | { readonly kind: 'fixed'; readonly limit: number };

/** Nothing new is asked for this long after a refusal. */
const pauseMs = 1_000;
const timeoutMs = 30_000;
/** What failed is tried again after this time. */
const retryMs = 10_000;

/** A closed loop: as many evacuations in flight as the bound allows, until `count` instances are elsewhere. */
export function evacuate(nova: LoadedNova, count: number, bound: Bound, seed = 1): Run {
  const random = seeded(seed);
  const events: { at: number; order: number; run: () => void }[] = [];
  let order = 0;
  let now = 0;
  const after = (ms: number, run: () => void) => {
    order += 1;
    events.push({ at: now + ms, order, run });
  };
  let state: ThrottleState = firstState(bound.kind === 'adaptive' ? bound.bound : bound.limit, 0);
  const limit = () => (bound.kind === 'adaptive' ? state.limit : bound.limit);
  const limits: { at: number; limit: number }[] = [{ at: 0, limit: limit() }];
  const sentences: string[] = [];
  const note = (event: Parameters<typeof next>[1]) => {
    if (bound.kind === 'fixed') return;
    const before = state;
    state = next(state, event, bound.bound);
    if (state.limit !== before.limit) limits.push({ at: now, limit: state.limit });
    if (state.sentence !== null && state.sentence !== before.sentence) sentences.push(state.sentence);
  };
  let waiting = count;
  let inFlight = 0;
  let done = 0;
  let refusals = 0;
  let notBefore = 0;
  const fill = () => {
    while (waiting > 0 && inFlight < limit() && now >= notBefore) ask();
    note({ what: 'busy', at: now, busy: waiting > 0 && inFlight >= limit() });
  };
  const again = () => {
    waiting += 1;
    fill();
  };
  const ask = () => {
    const sentAt = now;
    const taken = Math.min(nova.answerMs(inFlight), timeoutMs);
    if (nova.refuses(inFlight)) {
      notBefore = now + pauseMs;
      refusals += 1;
      after(taken, () => note({ what: 'refused', at: now, kind: 'rateLimited' }));
      after(pauseMs, fill);
      return;
    }
    waiting -= 1;
    inFlight += 1;
    const acceptedAt = now + taken;
    const fails = random() < nova.failureRate(inFlight);
    const rebuildMs = nova.rebuildMs(inFlight) * (0.8 + 0.4 * random());
    after(taken, () => {
      if (taken < timeoutMs) note({ what: 'accepted', at: now, durationMs: now - sentAt });
      // Nobody waits longer for an answer. Nova carries it out all the same.
      else note({ what: 'refused', at: now, kind: 'timeout' });
      fill();
      after(rebuildMs, () => {
        inFlight -= 1;
        if (fails) after(retryMs, again);
        else done += 1;
        note(fails ? { what: 'failed', at: now, kind: 'rebuild', acceptedAt } : { what: 'done', at: now });
        fill();
      });
    });
  };
  fill();
  while (done < count && now < 86_400_000) {
    events.sort((a, b) => a.at - b.at || a.order - b.order);
    const event = events.shift();
    if (event === undefined) break;
    now = event.at;
    event.run();
  }
  return { tookMs: now, limits, sentences, refusals };
}

/** The time of the best limit that stands, out of some near a capacity. */
export function bestFixed(nova: LoadedNova, count: number, capacity: number): number {
  const limits = [0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5].map((part) => Math.ceil(part * capacity));
  return Math.min(...limits.map((limit) => evacuate(nova, count, { kind: 'fixed', limit }).tookMs));
}
