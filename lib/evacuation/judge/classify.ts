import type { Migration, NovaHost, Server, ServerId } from '@openstack-ts/nova-client';
import { overdueAfterMs, retryPauseMs } from '../incident/pacing.ts';
import { failuresInARow, isDone, isWrongHost, provesMove } from '../look/records.ts';
import { isRebuilding } from '../look/trail.ts';
import { countedAttempts, isDiskMissing } from './diskGuard.ts';
import { due, failed, requested } from './due.ts';
import {
  ageAtMost,
  isAhead,
  isAskedWithoutRecord,
  isYoung,
  needsLook,
  seenAtOnNova,
  showsRequest,
} from './evidence.ts';
import type { InstanceClass, InstanceFacts } from './instance.ts';
import { type Standing, standingOf } from './standing.ts';

/**
 * What an instance of a marked host counts as. This table is the heart of the agent: Nova answers 200 to a second
 * evacuation of an instance that has one in flight, and wrecks it, so `due` is only said where no request can be
 * under way.
 */
export function classify(facts: InstanceFacts): InstanceClass {
  const { server } = facts;
  const standing = standingOf(facts);
  if (standing.kind === 'gone') return { kind: 'finished', moved: false, sentence: 'it no longer exists' };
  if (standing.kind === 'moved') return arrived(standing.host);
  if (standing.kind === 'underWay') return inFlight(facts, standing);
  if (standing.kind === 'look' || server === null) return { kind: 'look' };
  if (standing.kind === 'untold') {
    const { hiddenBy } = server;
    const sentence =
      hiddenBy === undefined
        ? 'Nova does not tell its host or state (is its cell down?)'
        : `Nova does not show its host or state to this user, who lacks the right of its policy ${hiddenBy}: give the user the admin role, or this right`;
    return { kind: 'unknown', sentence };
  }
  return isRebuilding(server) ? rebuilding(facts, server, standing) : idle(facts, server, standing);
}

function arrived(host: NovaHost | null): InstanceClass {
  return { kind: 'finished', moved: true, sentence: `it is on ${host}` };
}

/** A rebuild is under way on the marked host's instance, or was when its conductor or destination died. */
function rebuilding(facts: InstanceFacts, server: Server, standing: Standing): InstanceClass {
  if (standing.kind !== 'settled' && standing.kind !== 'none') return unsettled(facts, server, standing);
  if (standing.kind === 'none') {
    // The record is written within the request itself, so a task without one is either a request under way this
    // very moment, or a rebuild by the owner that the host's death cut short.
    return isYoung(facts, server.updatedAt ?? 0) || isAskedWithoutRecord(facts)
      ? { kind: 'inFlight', overdue: false, sentence: 'Nova has begun, its record is not there yet' }
      : due(facts, server, 'a rebuild on the dead host was cut short');
  }
  // A settled record contradicts the task: the server was read before the record changed, or Nova is about to
  // clear the task.
  const { record } = standing;
  if (needsLook(facts, record) || isYoung(facts, Math.max(record.updatedAt, server.updatedAt ?? 0))) {
    return { kind: 'look' };
  }
  return due(
    facts,
    server,
    `its last evacuation ended (${record.status}) and left the task ${server.taskState}`,
  );
}

/** No rebuild is under way as far as the server tells. */
function idle(facts: InstanceFacts, server: Server, standing: Standing): InstanceClass {
  if (isAskedWithoutRecord(facts)) return requested(facts);
  if (standing.kind === 'none') return due(facts, server, null);
  if (standing.kind !== 'settled') return unsettled(facts, server, standing);
  const { record } = standing;
  if (!isDone(record)) return failedAttempt(facts, server, record);
  // The record is the last thing to change, so one that this pass has asked for proves the move.
  if (provesMove(record) && facts.asked !== null && showsRequest(facts.asked, record, facts.clockOffsetMs)) {
    return arrived(record.destHost);
  }
  if (needsLook(facts, record)) return { kind: 'look' };
  if (record.updatedAt > seenAtOnNova(facts) && !isAhead(facts, record.updatedAt)) {
    return provesMove(record) ? arrived(record.destHost) : { kind: 'look' };
  }
  return due(facts, server, null);
}

/** Its record is open. */
function unsettled(facts: InstanceFacts, server: Server, standing: Standing): InstanceClass {
  switch (standing.kind) {
    case 'void':
      return due(facts, server, standing.why);
    case 'mayStrike':
      return held(
        `${standing.what}; it is not asked for a second time while that may be; if you are sure that it will not be (see nova-conductor and the message bus), go on with: ${forget(server.id)}`,
      );
    default:
      return { kind: 'look' };
  }
}

/** Nova settled an attempt as failed: pause, then try anew. */
function failedAttempt(facts: InstanceFacts, server: Server, latest: Migration): InstanceClass {
  // The fault's text comes with the server, and its state must be that after the failure.
  if (needsLook(facts, latest)) return { kind: 'look' };
  if (server.fault?.reason === 'diskLocked' && latest.createdAt >= facts.incidentAt)
    return locked(facts, server);
  if (isWrongHost(latest)) {
    const why = `${latest.destHost} does not take it (${failureText(server, latest)}), so Nova chooses`;
    return due(facts, server, why);
  }
  const attempts = Math.max(1, failuresInARow(facts.records, facts.incidentAt));
  const counted = countedAttempts(attempts, facts.diskProbed);
  const failedAt = facts.now - ageAtMost(facts, latest.updatedAt);
  const retryAt = failedAt < facts.capacityAt ? facts.capacityAt : failedAt + retryPauseMs(counted);
  const why = `${failureText(server, latest)}${facts.groupNote}${missingDisk(facts, server, latest)}`;
  const sentence = `attempt ${attempts} failed: ${why}`;
  const next = due(facts, server, sentence);
  if (next.kind !== 'due' || facts.now >= retryAt) return next;
  return failed(attempts, retryAt, sentence, counted);
}

/** Who did not find its disk, and what ends that. */
function missingDisk({ markedHost }: InstanceFacts, server: Server, latest: Migration): string {
  if (!isDiskMissing(server, latest)) return '';
  return ` (${latest.destHost} does not find its disk: see that it has what ${markedHost} had mounted; where disks lie on ${markedHost} itself, no_shared_storage=1 gives them up)`;
}

/** Somebody has the disk open. The host that was to be off is the first to think of. */
function locked({ markedHost }: InstanceFacts, server: Server): InstanceClass {
  return {
    kind: 'held',
    stopsHost: true,
    sentence: `its disk is locked by another process, so it may still run on ${markedHost}: nothing more is asked for ${markedHost}; fence it again (pcs stonith fence ${markedHost}), and it goes on by itself; or make sure that it is off and that nothing holds the disk, and go on with: openstack server set --state active ${server.id}`,
  };
}

function held(sentence: string): InstanceClass {
  return { kind: 'held', stopsHost: false, sentence };
}

function inFlight(
  facts: InstanceFacts,
  { record, what, silent, watched }: Extract<Standing, { kind: 'underWay' }>,
): InstanceClass {
  const age = ageAtMost(facts, record.createdAt);
  const isLong = age > overdueAfterMs(facts.underWay);
  const since = isAhead(facts, record.createdAt)
    ? "since before Nova's clock was set back"
    : `for ${Math.max(0, Math.round(age / 1000))} s`;
  if (watched) {
    const until = `${record.destHost}, which may have hung, has worked for a minute`;
    return {
      kind: 'inFlight',
      overdue: false,
      sentence: `${what} ${since}, though nobody seems to work on it: waiting until ${until}`,
    };
  }
  const sentence = silent
    ? `${what} ${since}, but ${record.destHost} went silent and is not fenced: waiting until it is back or fenced`
    : isLong
      ? `${what} ${since}, and never asked for a second time meanwhile; if nobody is at it (see the log of nova-compute there), go on with: ${forget(record.serverId)}`
      : `${what} ${since}`;
  if (silent && !isLong) return { kind: 'inFlight', overdue: true, mayGoOn: true, sentence };
  return { kind: 'inFlight', overdue: isLong, sentence };
}

/** Has Nova forget the task of an instance: what comes of the request later is refused then. The operator's word. */
function forget(id: ServerId): string {
  return `openstack server set --state error ${id}`;
}

/** Nova's own words for a failure, else what its record says. */
function failureText(server: Server, record: Migration): string {
  const fault = server.fault?.message.trim().replace(/\.+$/, '') ?? '';
  if (fault !== '') return fault.replace(/\s+/g, ' ');
  return record.destHost === null ? 'no host was found for it' : `${record.destHost} could not rebuild it`;
}
