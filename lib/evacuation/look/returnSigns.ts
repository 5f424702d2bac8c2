import type { ComputeService } from '@openstack-ts/nova-client';
import { fencedAt } from '../incident/disabledReason.ts';
import { pacing } from '../incident/pacing.ts';

/** What was seen of a host at one look. Plain data: it is kept from pass to pass. */
export interface Signs {
  /** The machine's own sign (`pulses.ts`); '' when there is none. */
  readonly pulse: string;
  /** When Nova last wrote its service; null where Nova does not tell. */
  readonly updatedAt: number | null;
  /** Looks in a row that found `updatedAt` moved on although nothing else of the service had changed. */
  readonly heartbeats: number;
  /** What else Nova says of the service: a change of it explains a change of `updatedAt`. */
  readonly held: string;
  /** Whether a pulse has changed between two looks. */
  readonly pulsed: boolean;
  /** The last report of a nova-compute that has certainly run there since the fencing, on Nova's clock; null: none has. */
  readonly ranUntil: number | null;
  /** Since when the host is watched because it may be back, on our clock; null: nothing speaks for it. */
  readonly watchedSince: number | null;
}

/** A machine that is back, for certain: none that was switched off changes anything any more. */
export function isBack(signs: Signs): boolean {
  // One move of updated_at may be anybody's repeated request; two in a row, a look apart, are heartbeats.
  return signs.pulsed || signs.heartbeats >= 2;
}

/**
 * Whether guests may run on a host that is held down, because a nova-compute has reported from it: `yes` while it does, `maybe` once
 * it has certainly run and is silent, since its guests run on without it. Only a fencing after `signs.ranUntil` ends that, not its
 * age; a single report that is old is none, as anybody's repeated request looks like one.
 *
 * @param novaNow the time on Nova's clock, in ms since the epoch
 */
export function guestsMayRun(signs: Signs | null, novaNow: number): 'yes' | 'maybe' | 'no' {
  if (signs === null) return 'no';
  const { heartbeats, updatedAt } = signs;
  if (heartbeats > 0 && updatedAt !== null && novaNow - updatedAt < pacing.reportingMs) return 'yes';
  return signs.ranUntil === null ? 'no' : 'maybe';
}

/** Something hints at a machine that is back, so that it is worth waiting for a second look. */
export function mayBeBack(signs: Signs, service: ComputeService, clockOffsetMs: number): boolean {
  return signs.pulse !== '' || signs.heartbeats > 0 || wroteLate(service, clockOffsetMs);
}

/** Whether Nova wrote the service long after its fencing, which is the last that is written of a dead nova-compute. */
function wroteLate(service: ComputeService, clockOffsetMs: number): boolean {
  const fenced = fencedAt(service);
  const { updatedAt } = service;
  return fenced !== null && updatedAt !== null && updatedAt > fenced + clockOffsetMs + pacing.returnMarginMs;
}

/** What is seen now, in the light of the last look (null: the first). */
export function nextSigns(last: Signs | null, pulse: string, service: ComputeService): Signs {
  const held = `${service.state} ${service.status} ${service.forcedDown} ${service.disabledReason ?? ''}`;
  const { updatedAt } = service;
  if (last === null || last.held !== held) {
    return {
      pulse,
      updatedAt,
      heartbeats: 0,
      held,
      pulsed: last !== null && hasPulsed(last, pulse),
      ranUntil: last?.ranUntil ?? null,
      watchedSince: last?.watchedSince ?? null,
    };
  }
  const moved = updatedAt !== null && last.updatedAt !== null && updatedAt > last.updatedAt;
  const heartbeats = last.heartbeats + (moved ? 1 : 0);
  return {
    pulse,
    updatedAt,
    heartbeats,
    held,
    pulsed: hasPulsed(last, pulse),
    ranUntil: moved && heartbeats >= 2 ? updatedAt : last.ranUntil,
    watchedSince: last.watchedSince,
  };
}

/** That a nova-compute ran there until then is known, from whoever saw it. */
export function remembersRun(signs: Signs | null, ranUntil: number): Signs {
  const base = signs ?? { ...{ pulse: '', updatedAt: null, heartbeats: 0, held: '' }, ...unwatched };
  return { ...base, ranUntil: Math.max(base.ranUntil ?? 0, ranUntil) };
}

const unwatched = { pulsed: false, ranUntil: null, watchedSince: null } as const;

/** It was not heard of again: whether it is back is watched anew. That it has run stays known. */
export function watchedAnew(signs: Signs): Signs {
  return { ...signs, pulse: '', heartbeats: 0, pulsed: false, watchedSince: null };
}

function hasPulsed(last: Signs, pulse: string): boolean {
  return last.pulsed || (last.pulse !== '' && pulse !== '' && pulse !== last.pulse);
}
