import type { Migration, Server } from '@openstack-ts/nova-client';
import { overdueAfterMs, pacing, retryLimit, retryPauseMs } from './pacing.ts';
import type { Selected } from './policy.ts';
import { failuresInARow, isDone, isFailed, isOpen } from './records.ts';

/** What a migration's destination is worth: `dead` means fenced, so that nothing can run there any more. */
export type Destination = 'alive' | 'dead' | 'silent' | 'unknown';

/** An evacuation this pass asked for. */
export interface Asked {
  /** When the request was sent, on our clock. */
  readonly at: number;
  /** False while no answer came: Nova may have carried it out. */
  readonly answered: boolean;
  /** Its latest record when it was sent: a later one shows that the request was carried out. */
  readonly lastRecord: string | null;
}

/** A request that Nova refused outright, or that we did not make; neither leaves a record. */
export interface Refusal {
  readonly count: number;
  /** When it was last refused, on our clock. */
  readonly at: number;
  readonly message: string;
  /** Nova will not evacuate this instance in the state it is in. */
  readonly final: boolean;
  /** It was not asked for, because the instance may run where it is. */
  readonly ours: boolean;
}

/** Everything known of one instance of a marked host, as plain data. All times in ms since the epoch. */
export interface InstanceFacts {
  readonly markedHost: string;
  /** Null: Nova no longer lists it on the marked host, for whatever reason, or it is `gone`. */
  readonly server: Server | null;
  /** Nova says that there is no such instance. */
  readonly gone: boolean;
  /** When the server was looked at, on our clock. */
  readonly seenAt: number;
  /** Its evacuations away from the marked host, oldest first. */
  readonly records: readonly Migration[];
  /** When this incident began, on Nova's clock: failures of earlier ones are no attempts of this one. */
  readonly incidentAt: number;
  /** How many evacuations from the marked host are under way, as far as Nova's records tell. */
  readonly underWay: number;
  readonly destination: (host: string | null) => Destination;
  /** When destinations were last judged, on our clock. */
  readonly destinationsAt: number;
  /** When it was last seen that a destination is what is said of it, on our clock. */
  readonly destinationKnownAt: (host: string | null) => number;
  /** Records whose destination was dead when it was looked at earlier, and may be back by now. */
  readonly orphans: ReadonlySet<string>;
  readonly asked: Asked | null;
  readonly refusal: Refusal | null;
  /** Nothing new is asked before this time, because a predecessor's last request may still be under way. */
  readonly quietUntil: number;
  readonly selected: Selected;
  /** Whether an instance that Nova refuses in its state is evacuated after its state was reset (`other_states`). */
  readonly recovers: boolean;
  /** What stands behind "No valid host", to follow it; `''`: nothing known (`groupNotes.ts`). */
  readonly groupNote: string;
  /** Its disk was found to lie on the marked host itself, so that it would be rebuilt empty (`diskGuard.ts`). */
  readonly diskIsLocal: boolean;
  /** Whether any compute host is up and enabled to take it. */
  readonly canLand: boolean;
  /** When a host last became available to take instances, on our clock: failures before that are tried again at once. */
  readonly capacityAt: number;
  /** Our clock, and what to add to it for Nova's. */
  readonly now: number;
  readonly clockOffsetMs: number;
}

export type InstanceClass =
  /** It no longer is on the marked host, or (not `moved`) no longer exists. */
  | { readonly kind: 'finished'; readonly moved: boolean; readonly sentence: string }
  | { readonly kind: 'inFlight'; readonly overdue: boolean; readonly sentence: string }
  /** `reset`: Nova refuses it as it is, so its state is reset first. */
  | { readonly kind: 'due'; readonly attempt: number; readonly reset: boolean; readonly sentence: string }
  /** To be asked for as soon as a host has room for it (`hostJudge.ts` says so, not this table). */
  | { readonly kind: 'deferred'; readonly sentence: string }
  /** To be asked for, but not before `until`. */
  | { readonly kind: 'waiting'; readonly until: number; readonly sentence: string }
  /** Nova reported a failure; the next attempt is made at `retryAt`. */
  | {
      readonly kind: 'failed';
      readonly attempts: number;
      readonly retryAt: number;
      /** It has failed so often that it is tried again only slowly. */
      readonly givenUp: boolean;
      readonly sentence: string;
    }
  /** Nova does not evacuate an instance in this state: left where it is, and named. */
  | { readonly kind: 'cannot'; readonly sentence: string }
  | { readonly kind: 'excluded'; readonly sentence: string }
  /** Nova does not tell enough to decide; nothing is done until it does. */
  | { readonly kind: 'unknown'; readonly sentence: string }
  /** The instance has to be looked at again before anything can be said. */
  | { readonly kind: 'look' };

/** Nova accepts an evacuation in these states only (nova/compute/api.py, check_instance_state of evacuate). */
const evacuableStates: ReadonlySet<string> = new Set(['active', 'stopped', 'error']);
/**
 * States that a reset makes evacuable without harm: the guest is gone with its host, its disk is the one it boots from. One
 * that is resized has a second disk on the host it came from, one that is shelved an image; those are their owners' to solve.
 */
const recoverableStates: ReadonlySet<string> = new Set(['paused', 'suspended', 'rescued']);

/**
 * What an instance of a marked host counts as. This table is the heart of the agent: Nova answers 200 to a second
 * evacuation of an instance that has one in flight, and wrecks it, so `due` is only said where no request can be
 * under way. The order of the questions matters.
 */
export function classify(facts: InstanceFacts): InstanceClass {
  const { server, markedHost, records } = facts;
  const latest = records.at(-1);
  if (server === null) return notListed(facts, latest);
  if (server.host !== null && server.host !== markedHost) return movedAway(facts, server, latest);
  if (server.host === null || server.vmState === null || server.status === 'UNKNOWN') {
    return { kind: 'unknown', sentence: 'Nova does not tell its host or state (is its cell down?)' };
  }
  if (server.taskState?.startsWith('rebuild')) return rebuilding(facts, server, latest);
  return idle(facts, server, latest);
}

/**
 * No longer listed on the marked host. That alone proves nothing, because Nova leaves out of its lists what is in a
 * cell that it cannot reach: a record that says so does, or an answer about this very instance.
 */
function notListed(facts: InstanceFacts, latest: Migration | undefined): InstanceClass {
  if (facts.gone) return { kind: 'finished', moved: false, sentence: 'it no longer exists' };
  if (latest !== undefined && isDone(latest)) return arrived(latest.destHost);
  if (latest !== undefined && isOpen(latest) && isYoung(facts, latest.updatedAt)) {
    return inFlight(facts, latest, `left the host, its record still reads ${latest.status}`);
  }
  return { kind: 'look' };
}

function arrived(host: string | null): InstanceClass {
  return { kind: 'finished', moved: true, sentence: `it is on ${host}` };
}

/** On another host. The record is the last thing to change; only a young open one still means work. */
function movedAway(facts: InstanceFacts, server: Server, latest: Migration | undefined): InstanceClass {
  const rebuildUnderWay = server.taskState?.startsWith('rebuild') ?? false;
  if (latest !== undefined && isOpen(latest) && (rebuildUnderWay || !isStale(facts, latest, server))) {
    return inFlight(facts, latest, `arrived on ${server.host}, its record still reads ${latest.status}`);
  }
  return arrived(server.host);
}

/** A rebuild is under way on the marked host's instance, or was when its conductor or destination died. */
function rebuilding(facts: InstanceFacts, server: Server, latest: Migration | undefined): InstanceClass {
  if (latest === undefined) {
    // The record is written within the request itself, so a task without one is either a request under way this
    // very moment, or a rebuild by the owner that the host's death cut short.
    return isYoung(facts, server.updatedAt ?? 0) || isAskedWithoutRecord(facts)
      ? { kind: 'inFlight', overdue: false, sentence: 'Nova has begun, its record is not there yet' }
      : due(facts, server, 'a rebuild on the dead host was cut short');
  }
  if (isOpen(latest)) {
    if (isLost(facts, latest)) return orphaned(facts, server, latest);
    return inFlight(facts, latest, `${latest.status}${to(latest)}`);
  }
  // A settled record contradicts the task: the server was read before the record changed, or Nova is about to
  // clear the task.
  if (needsLook(facts, latest) || isYoung(facts, Math.max(latest.updatedAt, server.updatedAt ?? 0))) {
    return { kind: 'look' };
  }
  return due(
    facts,
    server,
    `its last evacuation ended (${latest.status}) and left the task ${server.taskState}`,
  );
}

/** No rebuild is under way as far as the server tells. */
function idle(facts: InstanceFacts, server: Server, latest: Migration | undefined): InstanceClass {
  if (isAskedWithoutRecord(facts)) return requested(facts);
  if (latest === undefined) return due(facts, server, null);
  if (isOpen(latest)) {
    const destination = facts.destination(latest.destHost);
    if (isLost(facts, latest)) return orphaned(facts, server, latest);
    // A destination that went silent at the very end may run the guest already, however old the record is.
    if (destination === 'silent' || !isStale(facts, latest, server)) {
      return inFlight(facts, latest, `${latest.status}${to(latest)}`);
    }
    // What is known of the server may be older than the record's silence: it has to be seen idle now.
    if (facts.now - facts.seenAt > pacing.clockMarginMs) return { kind: 'look' };
    return due(facts, server, `an older record was left ${latest.status} by Nova`);
  }
  if (isDone(latest)) {
    // The record is the last thing to change, so one that this pass has asked for proves the move.
    if (facts.asked !== null && showsRequest(facts.asked, latest, facts.clockOffsetMs)) {
      return arrived(latest.destHost);
    }
    if (needsLook(facts, latest)) return { kind: 'look' };
    if (latest.updatedAt > seenAtOnNova(facts)) return arrived(latest.destHost);
    return due(facts, server, null);
  }
  return failedAttempt(facts, server, latest);
}

/** Nova settled an attempt as failed: pause, then try anew. */
function failedAttempt(facts: InstanceFacts, server: Server, latest: Migration): InstanceClass {
  // The fault's text comes with the server, and its state must be that after the failure.
  if (needsLook(facts, latest)) return { kind: 'look' };
  const attempts = Math.max(1, failuresInARow(facts.records, facts.incidentAt));
  const failedAt = latest.updatedAt - facts.clockOffsetMs;
  const retryAt = failedAt < facts.capacityAt ? facts.capacityAt : failedAt + retryPauseMs(attempts);
  const why = `${failureText(server, latest)}${facts.groupNote}`;
  const sentence = `attempt ${attempts} failed: ${why}`;
  const next = due(facts, server, sentence);
  if (next.kind !== 'due' || facts.now >= retryAt) return next;
  return failed(attempts, retryAt, sentence);
}

function isLost(facts: InstanceFacts, record: Migration): boolean {
  return facts.orphans.has(record.id) || isOrphan(facts, record);
}

/** Whether a record's destination is dead, as seen after Nova had chosen it: one that was may have been taken back. */
export function isOrphan(
  facts: Pick<InstanceFacts, 'destination' | 'destinationKnownAt' | 'clockOffsetMs'>,
  record: Migration,
): boolean {
  const knownAt = facts.destinationKnownAt(record.destHost) + facts.clockOffsetMs;
  return facts.destination(record.destHost) === 'dead' && knownAt >= record.updatedAt + pacing.clockMarginMs;
}

/** Its destination was fenced in mid-evacuation. Nova leaves such a record pre-migrating for ever. */
function orphaned(facts: InstanceFacts, server: Server, record: Migration): InstanceClass {
  // The destination may have finished it right before it died: only what is seen after that counts.
  if (facts.seenAt < facts.destinationsAt) return { kind: 'look' };
  return due(facts, server, `its destination ${record.destHost} died in mid-evacuation and was fenced`);
}

/** To be evacuated, unless state, selection, a refusal or a predecessor's last request stand against it. */
function due(facts: InstanceFacts, server: Server, why: string | null): InstanceClass {
  if (isAskedWithoutRecord(facts)) return requested(facts);
  const recovers = facts.recovers && server.vmState !== null && recoverableStates.has(server.vmState);
  const left = leftBehind(facts, server, recovers);
  if (left !== null) return left;
  const { refusal } = facts;
  // Nova before the fix of its bug 1978983 refuses an instance with a task under way; the host that did it is dead.
  const stuck = refusal !== null && server.taskState !== null && /task_state/.test(refusal.message);
  if (refusal !== null && !(stuck && refusal.count === 1)) {
    // One that we did not ask for is looked at again: the machine that may run it may die.
    const count = refusal.ours ? Math.min(refusal.count, retryLimit - 1) : refusal.count;
    const retryAt = refusal.at + retryPauseMs(count);
    const sentence = refusal.ours ? refusal.message : `Nova refused: ${refusal.message}`;
    if (facts.now < retryAt) return failed(count, retryAt, sentence);
  }
  if (facts.now < facts.quietUntil) {
    return {
      kind: 'waiting',
      until: facts.quietUntil,
      sentence: 'the last pass was cut short, its last requests are given time to show',
    };
  }
  const attempt = failuresInARow(facts.records, facts.incidentAt) + (refusal?.count ?? 0) + 1;
  if (!facts.canLand) {
    // Nova would answer 200 and put it into ERROR; another attempt on the record helps nobody.
    const sentence = `no compute host is up and enabled to take it${why === null ? '' : `; ${why}`}`;
    return failed(attempt - 1, facts.now + pacing.servicesFreshMs, sentence);
  }
  return { kind: 'due', attempt, reset: recovers || stuck, sentence: why ?? 'it is still on the dead host' };
}

/** What keeps an instance where it is, whatever else is known of it; null: nothing. */
function leftBehind(facts: InstanceFacts, server: Server, recovers: boolean): InstanceClass | null {
  const { vmState, taskState } = server;
  const { selected, refusal } = facts;
  const cannot = (sentence: string): InstanceClass => ({ kind: 'cannot', sentence });
  if (vmState === null || !(evacuableStates.has(vmState) || recovers)) {
    return cannot(`Nova does not evacuate an instance that is ${vmState}`);
  }
  if (taskState === 'deleting' || taskState === 'soft-deleting') return cannot('it is being deleted');
  if (selected.kind === 'no') return { kind: 'excluded', sentence: selected.rule };
  if (selected.kind === 'undecided') return { kind: 'unknown', sentence: selected.reason };
  if (facts.diskIsLocal) {
    return cannot(
      `its disk lies on ${facts.markedHost} itself and it would be rebuilt empty; it waits there for the host's return (no_shared_storage=1 gives such disks up)`,
    );
  }
  return refusal?.final === true && !recovers ? cannot(refusal.message) : null;
}

function failed(attempts: number, retryAt: number, sentence: string): InstanceClass {
  return { kind: 'failed', attempts, retryAt, givenUp: attempts >= retryLimit, sentence };
}

/** Asked for by this pass; what came of it does not show yet. */
function requested(facts: InstanceFacts): InstanceClass {
  const sentence =
    facts.asked?.answered === false
      ? 'the request was not answered, Nova may be at it'
      : 'requested, its record is not there yet';
  return { kind: 'inFlight', overdue: false, sentence };
}

function inFlight(facts: InstanceFacts, record: Migration, what: string): InstanceClass {
  const age = novaNow(facts) - record.createdAt;
  const silent = facts.destination(record.destHost) === 'silent';
  const overdue = age > overdueAfterMs(facts.underWay) || silent;
  const since = `for ${Math.max(0, Math.round(age / 1000))} s`;
  const sentence = silent
    ? `${what} ${since}, but ${record.destHost} went silent and is not fenced: waiting until it is back or fenced`
    : `${what} ${since}`;
  return { kind: 'inFlight', overdue, sentence };
}

/** Nova's own words for a failure, else what its record says. */
function failureText(server: Server, record: Migration): string {
  const fault = server.fault?.message.trim().replace(/\.+$/, '') ?? '';
  if (fault !== '') return fault.replace(/\s+/g, ' ');
  return record.destHost === null ? 'no host was found for it' : `${record.destHost} could not rebuild it`;
}

function to(record: Migration): string {
  return record.destHost === null ? '' : ` to ${record.destHost}`;
}

function novaNow(facts: InstanceFacts): number {
  return facts.now + facts.clockOffsetMs;
}

function seenAtOnNova(facts: InstanceFacts): number {
  return facts.seenAt + facts.clockOffsetMs;
}

/** A change on Nova's clock that is so recent that the rest may follow any moment. */
function isYoung(facts: InstanceFacts, at: number): boolean {
  return novaNow(facts) - at < pacing.staleRecordMs;
}

/** An open record that nothing has touched for long, neither itself nor its instance. */
function isStale(facts: InstanceFacts, record: Migration, server: Server): boolean {
  return !isYoung(facts, Math.max(record.updatedAt, record.createdAt, server.updatedAt ?? 0));
}

/** The server was read before, or about when, the record settled. */
function needsLook(facts: InstanceFacts, settledRecord: Migration): boolean {
  const seen = seenAtOnNova(facts);
  if (isFailed(settledRecord)) return seen < settledRecord.updatedAt + 1_000 && facts.now > facts.seenAt;
  // Its host changes right before its record does, so one read on its old host about then has moved most likely.
  return Math.abs(settledRecord.updatedAt - seen) <= pacing.clockMarginMs;
}

/** This pass asked for it lately, and no record shows what came of that. */
function isAskedWithoutRecord(facts: InstanceFacts): boolean {
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
