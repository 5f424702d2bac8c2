import type { Server } from '@openstack-ts/nova-client';
import { pacing, retryLimit, retryPauseMs } from '../incident/pacing.ts';
import { failuresInARow } from '../look/records.ts';
import { isAskedWithoutRecord } from './evidence.ts';
import type { InstanceClass, InstanceFacts } from './instance.ts';
import { mayRunElsewhere } from './moving.ts';

/** Nova accepts an evacuation in these states only (nova/compute/api.py, check_instance_state of evacuate). */
const evacuableStates: ReadonlySet<string> = new Set(['active', 'stopped', 'error']);
/**
 * States that a reset makes evacuable without harm: the guest is gone with its host, its disk is the one it boots from. One
 * that is resized has a second disk on the host it came from, one that is shelved an image; those are their owners' to solve.
 */
const recoverableStates: ReadonlySet<string> = new Set(['paused', 'suspended', 'rescued']);

/** To be evacuated, unless state, selection, a refusal or a predecessor's last request stand against it. */
export function due(facts: InstanceFacts, server: Server, why: string | null): InstanceClass {
  if (isAskedWithoutRecord(facts)) return requested(facts);
  const recovers = facts.recovers && server.vmState !== null && recoverableStates.has(server.vmState);
  const left = leftBehind(facts, server, recovers);
  if (left !== null) return left;
  const elsewhere = mayRunElsewhere(facts, server);
  if (elsewhere !== null) return { kind: 'held', stopsHost: false, sentence: elsewhere };
  if (facts.diskWaits !== null) return { kind: 'deferred', sentence: facts.diskWaits };
  const { refusal } = facts;
  // Nova before the fix of its bug 1978983 (26.0, 25.1, 24.2, 23.2.2; no 22) refuses an instance with a task under way; the
  // host that did it is dead.
  const stuck = refusal !== null && server.taskState !== null && refusal.forItsTask;
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

export function failed(
  attempts: number,
  retryAt: number,
  sentence: string,
  counted = attempts,
): InstanceClass {
  return { kind: 'failed', attempts, retryAt, givenUp: counted >= retryLimit, sentence };
}

/** Asked for by this pass; what came of it does not show yet. */
export function requested(facts: InstanceFacts): InstanceClass {
  const sentence =
    facts.asked?.answered === false
      ? 'the request was not answered, Nova may be at it'
      : 'requested, its record is not there yet';
  return { kind: 'inFlight', overdue: false, sentence };
}
