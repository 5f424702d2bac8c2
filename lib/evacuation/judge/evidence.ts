import type { Migration, NovaHost, Server } from '@openstack-ts/nova-client';
import { pacing } from '../incident/pacing.ts';
import { isFailed } from '../look/records.ts';
import type { Asked, InstanceFacts } from './instance.ts';

// What records, looks and requests prove of one another: which came first, and what may still follow.

/**
 * Whether a host is dead, as seen after a time on Nova's clock (ms): one that was dead before may have been taken back. Dead is
 * what the cluster fenced, or Nova holds forced down; a host that is only silent is not.
 */
export function isFencedSince(
  facts: Pick<InstanceFacts, 'destination' | 'destinationKnownAt' | 'clockOffsetMs'>,
  host: NovaHost,
  since: number,
): boolean {
  const knownAt = facts.destinationKnownAt(host) + facts.clockOffsetMs;
  return facts.destination(host) === 'dead' && knownAt >= since + pacing.clockMarginMs;
}

type Times = Pick<InstanceFacts, 'now' | 'clockOffsetMs'>;

export function novaNow(facts: Times): number {
  return facts.now + facts.clockOffsetMs;
}

export function seenAtOnNova(facts: InstanceFacts): number {
  return facts.seenAt + facts.clockOffsetMs;
}

/** A change on Nova's clock that is so recent that the rest may follow any moment. */
export function isYoung(facts: Times, at: number): boolean {
  return novaNow(facts) - at < pacing.staleRecordMs;
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
