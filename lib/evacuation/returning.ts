import type { ComputeService } from '@openstack-ts/nova-client';
import { AttrdError, type Attributes } from '../attrd/index.ts';
import { fencedAt } from './hold.ts';
import { pacing } from './pacing.ts';

/**
 * The private transient attribute by which a machine that is back says so, while it waits for its evacuation to end:
 * `HOST@EPOCH`, on its own node, refreshed every `pacing.pulseMs`. One that is left over never changes.
 */
export const returningAttribute = 'nova-compute-returning';

/** What was seen of a host at one look. Plain data: it is kept from pass to pass. */
export interface Signs {
  /** Value of {@link returningAttribute}; '' when there is none. */
  readonly pulse: string;
  /** When Nova last wrote its service; null where Nova does not tell. */
  readonly updatedAt: number | null;
  /** Looks in a row that found `updatedAt` moved on although nothing else of the service had changed. */
  readonly heartbeats: number;
  /** What else Nova says of the service: a change of it explains a change of `updatedAt`. */
  readonly held: string;
  /** Whether a pulse has changed between two looks. */
  readonly pulsed: boolean;
  /** Since when the host is watched because it may be back, on our clock; null: nothing speaks for it. */
  readonly watchedSince: number | null;
}

/** A machine that is back, for certain: none that was switched off changes anything any more. */
export function isBack(signs: Signs): boolean {
  // One move of updated_at may be anybody's repeated request; two in a row, a look apart, are heartbeats.
  return signs.pulsed || signs.heartbeats >= 2;
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
      watchedSince: last?.watchedSince ?? null,
    };
  }
  const moved = updatedAt !== null && last.updatedAt !== null && updatedAt > last.updatedAt;
  return {
    pulse,
    updatedAt,
    heartbeats: last.heartbeats + (moved ? 1 : 0),
    held,
    pulsed: hasPulsed(last, pulse),
    watchedSince: last.watchedSince,
  };
}

function hasPulsed(last: Signs, pulse: string): boolean {
  return last.pulsed || (last.pulse !== '' && pulse !== '' && pulse !== last.pulse);
}

/** The pulse of each Nova host that a machine gives in its name. A cluster that cannot be asked shows none. */
export async function readPulses(attributes: Attributes): Promise<ReadonlyMap<string, string>> {
  try {
    const values = await attributes.queryTransient(returningAttribute);
    return new Map(
      values
        .map(({ value }): [string, string] => [value.replace(/@\d+$/, ''), value])
        .filter(([host]) => host !== ''),
    );
  } catch (error) {
    if (!(error instanceof AttrdError)) throw error;
    return new Map();
  }
}
