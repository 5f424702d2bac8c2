import type { Migration, NovaHost, Server } from '@openstack-ts/nova-client';
import { pacing } from '../incident/pacing.ts';
import { isFailed } from '../look/records.ts';
import type { Asked, InstanceFacts } from './instance.ts';

// What records, looks and requests prove of one another: which came first, and what may still follow.

/**
 * Whether a host is dead, as seen after a time on Nova's clock (ms): one that was dead before may have been taken back. Dead is
 * what the cluster fenced, or Nova holds forced down, and what is silent besides: a machine that has booted bears its mark until it
 * is released, and whoever starts its nova-compute before that has it carry out what lies in its queue. A host that is only silent
 * is not dead.
 */
export function isFencedSince(
  facts: Pick<InstanceFacts, 'destination' | 'destinationKnownAt' | 'reported'> & Times,
  host: NovaHost,
  since: number,
): boolean {
  return isHeldDown(facts, host, since) && isSilentSince(facts, host, since);
}

/** Whether a host was seen after a time on Nova's clock (ms) to bear a mark, or to be forced down. */
export function isHeldDown(
  facts: Pick<InstanceFacts, 'destination' | 'destinationKnownAt'> & Times,
  host: NovaHost,
  since: number,
): boolean {
  if (facts.destination(host) !== 'dead') return false;
  const knownAt = facts.destinationKnownAt(host);
  if (isAhead(facts, since)) return facts.setBack !== null && knownAt > facts.setBack.since;
  return knownAt + facts.clockOffsetMs >= since + pacing.clockMarginMs;
}

/**
 * Whether nothing can be at work on a host by what Nova has heard of it, looked at long enough after a time on Nova's clock (ms) for a
 * report of whoever was at work then. Holding it down writes its service too, so this takes a minute.
 */
function isSilentSince(
  { reported, clockOffsetMs, setBack }: Pick<InstanceFacts, 'reported'> & Times,
  host: NovaHost,
  since: number,
): boolean {
  const { readAt, updatedAt, told } = reported(host);
  if (!told) return false;
  if (updatedAt === null) return true;
  const then = { now: readAt, clockOffsetMs, setBack };
  return ageAtLeast(then, since) >= pacing.freshSignMs && ageAtLeast(then, updatedAt) >= pacing.reportingMs;
}

type Times = Pick<InstanceFacts, 'now' | 'clockOffsetMs' | 'setBack'>;

export function novaNow(facts: Times): number {
  return facts.now + facts.clockOffsetMs;
}

export function seenAtOnNova(facts: InstanceFacts): number {
  return facts.seenAt + facts.clockOffsetMs;
}

/** A change on Nova's clock that is so recent that the rest may follow any moment. */
export function isYoung(facts: Times, at: number): boolean {
  return ageAtLeast(facts, at) < pacing.staleRecordMs;
}

/** Whether a time on Nova's clock lies ahead of it, so that it is from before that clock was set back. */
export function isAhead(facts: Times, at: number): boolean {
  return at > novaNow(facts) + pacing.clockMarginMs;
}

/** How long ago a time on Nova's clock is at least, in ms: what lies ahead of it is as old as the step of the clock is known. */
export function ageAtLeast(facts: Times, at: number): number {
  if (!isAhead(facts, at)) return novaNow(facts) - at;
  return facts.setBack === null ? 0 : facts.now - facts.setBack.since;
}

/** How long ago a time on Nova's clock is at most, in ms: what bears one ahead of it may be as old as the incident. */
export function ageAtMost(facts: Times & Pick<InstanceFacts, 'fencedAt'>, at: number): number {
  return isAhead(facts, at) ? Math.max(0, facts.now - facts.fencedAt) : novaNow(facts) - at;
}

/** When a record or its instance last changed, on Nova's clock. */
export function lastTouched(record: Migration, server: Server): number {
  return Math.max(record.updatedAt, record.createdAt, server.updatedAt ?? 0);
}

/** An open record that nothing has touched for long, neither itself nor its instance. */
export function isStale(facts: Times, record: Migration, server: Server): boolean {
  return !isYoung(facts, lastTouched(record, server));
}

/** The server was read before, or about when, the record settled. */
export function needsLook(facts: InstanceFacts, settledRecord: Migration): boolean {
  // What lies ahead of Nova's clock was written before that was seen.
  if (isAhead(facts, settledRecord.updatedAt)) {
    return facts.setBack === null || facts.seenAt < facts.setBack.since;
  }
  const seen = seenAtOnNova(facts);
  if (isFailed(settledRecord)) return seen < settledRecord.updatedAt + 1_000 && facts.now > facts.seenAt;
  // Its host changes right before its record does, so one read on its old host about then has moved most likely.
  return Math.abs(settledRecord.updatedAt - seen) <= pacing.clockMarginMs;
}

/** This pass asked for it lately, and no record shows what came of that. */
export function isAskedWithoutRecord(facts: InstanceFacts): boolean {
  const { asked, now, records, clockOffsetMs } = facts;
  if (asked === null || now - asked.at >= pacing.unansweredMs) return false;
  return !showsRequest(asked, records.at(-1), clockOffsetMs);
}

/** Whether a record was made by this very request, not by an earlier one. */
export function showsRequest(asked: Asked, record: Migration | undefined, clockOffsetMs: number): boolean {
  return (
    record !== undefined &&
    record.id !== asked.lastRecord &&
    record.createdAt >= asked.at + clockOffsetMs - pacing.clockMarginMs
  );
}
