import type { ComputeService } from '@openstack-ts/nova-client';
import type { Incident } from '../../attrd/index.ts';
import { fencedAt } from './disabledReason.ts';
import { pacing } from './pacing.ts';

/** Who noted something of when a host was fenced. */
export interface IncidentWitnesses {
  readonly incident: Incident | null;
  readonly service: ComputeService | null;
  /** When this node first saw the mark, in ms since the epoch. */
  readonly firstSeen: number;
  readonly now: number;
  /** Nova's clock less ours, in ms. */
  readonly clockOffsetMs: number;
}

/**
 * When a host was fenced, in ms on our clock. What the incident carries on Nova's clock counts alone, as its distance to ours is
 * measured, unless it lies ahead of that clock, which was set back since then. Without it the earliest counts of what was noted on other machines' clocks; none can be later than when this
 * node first saw the mark, and nothing lies in the future. The service tells nothing where a fencing has written the incident: it
 * keeps the reason of the failure before while its host was not released since.
 */
export function incidentTime({
  incident,
  service,
  firstSeen,
  now,
  clockOffsetMs,
}: IncidentWitnesses): number {
  if (incident !== null && incident.novaAt !== null) {
    const at = incident.novaAt - clockOffsetMs;
    if (at <= now + pacing.clockMarginMs) return Math.min(at, now);
  }
  const isWritten = incident !== null && !incident.adopted;
  const told = service === null || isWritten ? null : fencedAt(service);
  const noted = [told, incident?.at ?? null, firstSeen];
  return Math.min(now, ...noted.filter((at) => at !== null));
}

/**
 * From when on Nova's records belong to an incident, in ms on Nova's clock. What is noted on that clock is compared with records of
 * the same clock as it is: one that was set in mid-pass moves the distance to ours, not what was written before. One that was set back
 * writes what comes next under an earlier time.
 *
 * @param at when the host was fenced, on our clock
 * @param clockOffsetMs Nova's clock less ours, as measured now
 */
export function recordsSince(incident: Incident | null, at: number, clockOffsetMs: number): number {
  const moved = at + clockOffsetMs;
  return Math.min(incident?.novaAt ?? moved, moved) - pacing.clockMarginMs;
}
