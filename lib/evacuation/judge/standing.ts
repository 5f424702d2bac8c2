import type { Migration, NovaHost, Server } from '@openstack-ts/nova-client';
import { timeOfDay } from '../incident/clock.ts';
import { overdueAfterMs, pacing } from '../incident/pacing.ts';
import { isDone, isOpen } from '../look/records.ts';
import type { Surroundings } from '../look/surroundings.ts';
import { begunOn, isRebuilding, type Trail } from '../look/trail.ts';
import { standsInFor } from '../look/unrecorded.ts';
import { ageAtLeast, ageAtMost, isAhead, isFencedSince, isStale, isYoung, lastTouched } from './evidence.ts';
import type { InstanceFacts } from './instance.ts';

/** What is known of one instance and its evacuations, as far as it decides whether one is under way. */
export type StandingFacts = Surroundings &
  Pick<InstanceFacts, 'server' | 'gone' | 'seenAt' | 'records' | 'trail' | 'underWay'>;

/** Where an instance stands with its last evacuation. `what` and `why` are clauses for a sentence about it. */
export type Standing =
  /** It does not exist any more. */
  | { readonly kind: 'gone' }
  /** It is on another host, and nothing is under way there. */
  | { readonly kind: 'moved'; readonly host: NovaHost | null }
  /** It was never asked for, as far as Nova's records tell. */
  | { readonly kind: 'none' }
  /**
   * Nova is at it, or may be. `silent`: its destination does not answer, and is not fenced; `watched`: nobody seems to work on it, and
   * its destination is watched until that is certain.
   */
  | {
      readonly kind: 'underWay';
      readonly record: Migration;
      readonly what: string;
      readonly silent: boolean;
      readonly watched?: true;
    }
  /**
   * Whoever has the request does not work on it, and may any time: nothing is asked a second time. Only something certain ends
   * it: Nova takes it up or gives it up, or an operator has the instance forget it.
   */
  | { readonly kind: 'mayStrike'; readonly record: Migration; readonly what: string }
  /** Its record is open, and nothing comes of it any more. */
  | { readonly kind: 'void'; readonly record: Migration; readonly orphan: boolean; readonly why: string }
  /** Its last record is closed. */
  | { readonly kind: 'settled'; readonly record: Migration }
  /** Nova tells neither its host nor its state. */
  | { readonly kind: 'untold' }
  /** It has to be looked at again before anything can be said. */
  | { readonly kind: 'look' };

/**
 * Whether an evacuation of an instance is under way, may still come, has moved it, or is over: the one answer for the table of
 * instances, for the end of an evacuation, for what stays on a host that is back, and for its release.
 *
 * A record alone does not tell, since Nova never cleans those that were left behind. Nova fills in the destination when that has
 * made its claim (`pre-migrating`), save for one that was named, which stands there from the beginning (nova/compute/api.py,
 * evacuate): an `accepted` record says nothing of where the request is.
 */
export function standingOf(facts: StandingFacts): Standing {
  const { server, markedHost, records } = facts;
  const latest = records.at(-1);
  if (server === null) return notListed(facts, latest);
  if (server.host !== null && server.host !== markedHost) return elsewhere(facts, server, latest);
  if (server.host === null || server.vmState === null || server.status === 'UNKNOWN')
    return { kind: 'untold' };
  if (latest === undefined) return { kind: 'none' };
  if (!isOpen(latest)) return { kind: 'settled', record: latest };
  return open(facts, server, latest);
}

/**
 * Whether the steps of its last request have to be read before anything can be said: it has stood for long, or its destination
 * died.
 */
export function needsTrail(facts: Omit<StandingFacts, 'trail'>): boolean {
  const { server } = facts;
  const latest = facts.records.at(-1);
  if (server === null || latest === undefined || !isOpen(latest) || !isRebuilding(server)) return false;
  if (server.host !== facts.markedHost) return false;
  if (latest.status === 'accepted' && facts.destination(latest.destHost) === 'dead') return true;
  return ageAtMost(facts, lastTouched(latest, server)) >= pacing.trailAfterMs;
}

/**
 * No longer listed on the marked host. That alone proves nothing, because Nova leaves out of its lists what is in a
 * cell that it cannot reach: a record that says so does, or an answer about this very instance.
 */
function notListed(facts: StandingFacts, latest: Migration | undefined): Standing {
  if (facts.gone) return { kind: 'gone' };
  if (latest === undefined) return { kind: 'look' };
  if (isDone(latest)) return { kind: 'moved', host: latest.destHost };
  if (!isOpen(latest) || !isYoung(facts, latest.updatedAt)) return { kind: 'look' };
  return underWay(facts, latest, `left the host, its record still reads ${latest.status}`);
}

/** On another host. The record is the last thing to change; only a young open one still means work. */
function elsewhere(facts: StandingFacts, server: Server, latest: Migration | undefined): Standing {
  if (latest !== undefined && isOpen(latest) && (isRebuilding(server) || !isStale(facts, latest, server))) {
    return underWay(facts, latest, `arrived on ${server.host}, its record still reads ${latest.status}`);
  }
  return { kind: 'moved', host: server.host };
}

/** Its record is open, and it is on the marked host. */
function open(facts: StandingFacts, server: Server, record: Migration): Standing {
  const { trail } = facts;
  const lostTo = diedWith(facts, record);
  if (lostTo !== null) {
    // The destination may have finished it right before it died: only what is seen after that counts.
    if (facts.seenAt < facts.destinationsAt) return { kind: 'look' };
    const why = `its destination ${lostTo} died in mid-evacuation and was fenced`;
    return { kind: 'void', record, orphan: true, why };
  }
  if (!isRebuilding(server)) return openAndIdle(facts, server, record);
  if (trail.kind === 'ended' && ageAtLeast(facts, trail.at) > pacing.clockMarginMs) {
    const by = trail.by === 'conductor' ? 'a nova-conductor' : `${trail.host ?? 'its destination'}`;
    const why = `${by} gave its evacuation up and left the record ${record.status}`;
    return { kind: 'void', record, orphan: false, why };
  }
  if (record.status === 'accepted') return accepted(facts, server, record);
  return underWay(facts, record, statusOf(record));
}

/** Somewhere between Nova's API and the destination: in a queue, with a conductor, or lost. */
function accepted(facts: StandingFacts, server: Server, record: Migration): Standing {
  const { destHost } = record;
  const { trail } = facts;
  if (trail.kind === 'destination')
    return underWay(facts, record, `accepted, ${trail.host ?? 'its destination'} is at it`);
  // Named by us, and fenced after that: the request may lie in its queue, and is carried out when it is back.
  if (destHost !== null && isFencedSince(facts, destHost, record.updatedAt)) {
    const what = `its evacuation was sent to ${destHost}, which was fenced before it began and may still carry it out when it is back`;
    return { kind: 'mayStrike', record, what };
  }
  if (ageAtMost(facts, lastTouched(record, server)) < overdueAfterMs(facts.underWay)) {
    return underWay(facts, record, statusOf(record));
  }
  const isOld = isAhead(facts, record.createdAt);
  const since = isOld
    ? "before Nova's clock was set back"
    : timeOfDay(record.createdAt - facts.clockOffsetMs);
  const at = isOld ? since : `at ${since}`;
  const asked = {
    request: `its evacuation was asked for ${at}, Nova has no record of it`,
    untold: `it has been rebuilt since ${since}, Nova does not tell by whose request`,
    record: `Nova accepted its evacuation ${at}`,
  }[standsInFor(record) ?? 'record'];
  return { kind: 'mayStrike', record, what: `${asked}, and ${whereabouts(trail)}` };
}

function whereabouts(trail: Trail): string {
  switch (trail.kind) {
    case 'untaken':
      return 'no nova-conductor has taken it up: it waits in the message bus, or was lost there';
    case 'conductor':
      return trail.passedOn
        ? 'the destination that a nova-conductor chose has not taken it up'
        : 'the nova-conductor that took it up has not passed it on';
    default:
      return 'Nova does not tell how far it has come';
  }
}

/** No rebuild is under way as far as the server tells. */
function openAndIdle(facts: StandingFacts, server: Server, record: Migration): Standing {
  // A destination that went silent at the very end may run the guest already, however old the record is.
  if (facts.destination(record.destHost) === 'silent' || !isStale(facts, record, server)) {
    return underWay(facts, record, statusOf(record));
  }
  // One that hung goes on where it was as soon as it is back: what it had begun looks abandoned until it has ended.
  if (!hadTime(facts, server, record)) {
    return { kind: 'underWay', record, what: statusOf(record), silent: false, watched: true };
  }
  // What is known of the server may be older than the record's silence: it has to be seen idle now.
  if (facts.now - facts.seenAt > pacing.clockMarginMs) return { kind: 'look' };
  const why = `an older record was left ${record.status} by Nova`;
  return { kind: 'void', record, orphan: false, why };
}

/** Whether the destination of a record, if it lives, certainly had the time to end what it had begun. */
function hadTime(facts: StandingFacts, server: Server, record: Migration): boolean {
  const { destHost } = record;
  if (destHost === null) return true;
  const touched = lastTouched(record, server);
  if (!facts.outlived.has(record.id) && isFencedSince(facts, destHost, touched)) return true;
  // A watch does not go on over a step of Nova's clock.
  return facts.hasLived(destHost, isAhead(facts, touched) ? 0 : touched);
}

/** The destination that had begun it and was fenced since; null: none has, or it lives. */
function diedWith(facts: StandingFacts, record: Migration): string | null {
  const begun = begunOn(record, facts.trail);
  if (begun === null) return null;
  if (facts.orphans.has(record.id)) return begun.host;
  // One whose nova-compute was started too early takes up what lay in its queue, while it still bears its mark.
  if (facts.outlived.has(record.id)) return null;
  return isFencedSince(facts, begun.host, begun.since) ? begun.host : null;
}

function underWay(facts: StandingFacts, record: Migration, what: string): Standing {
  const silent = facts.destination(record.destHost) === 'silent';
  return { kind: 'underWay', record, what, silent };
}

/** What Nova says of its evacuation, and no more where it shows no record of it. */
function statusOf(record: Migration): string {
  const missing = standsInFor(record);
  if (missing === 'request') return 'asked for, without a record in Nova';
  if (missing === 'untold') return 'rebuilding (Nova does not tell by whose request)';
  return record.destHost === null ? record.status : `${record.status} to ${record.destHost}`;
}
