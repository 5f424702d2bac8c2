import type { ComputeService, NovaHost } from '@openstack-ts/nova-client';
import { isDisabledByUs } from '../incident/disabledReason.ts';
import { shortList } from '../look/titles.ts';

/**
 * Taking a fenced host back, as a state machine. The order is Nova's: it refuses to take forced_down away until the
 * host's nova-compute has started and settled its evacuation records (`done` becomes `completed`), and a nova-compute
 * that starts while an instance is still being evacuated may run it a second time. Only from 24.0 (Xena) on does Nova
 * insist (nova/api/openstack/compute/services.py, _check_for_evacuations), so that `unsettled` is asked here, first.
 */
export interface ReleaseFacts {
  /** Nova's name of the host. */
  readonly host: NovaHost;
  /** Null: Nova has no such service. */
  readonly service: ComputeService | null;
  /**
   * Why it is not certain that no evacuation is in flight and no instance was left out of Nova's lists, as a main clause; null:
   * it is, or it was not asked yet.
   */
  readonly doubt: string | null;
  /** Titles of instances that are being evacuated from it at this moment. */
  readonly inFlight: readonly string[];
  /** Evacuated instances that its nova-compute has not cleaned up yet: records that read `done`. */
  readonly unsettled: number;
  /**
   * Its nova-compute: `held` = ours to start, and not started; `running` = the machine says so, or Nova has heard of
   * it since the fencing; `silent` = neither ours nor heard of.
   */
  readonly compute: 'held' | 'running' | 'silent';
  /** Its own instances, once its nova-compute can be asked; null before that. */
  readonly guests: GuestCount | null;
  /** `no`: evacuated, to be removed at the end; `pending`: still, or again, to be evacuated. */
  readonly mark: 'none' | 'no' | 'pending';
}

export interface GuestCount {
  /** Should run, do not, and have not been started yet. */
  readonly due: number;
  /** Being started, or not known yet whether they run. */
  readonly starting: number;
}

/** What a release waits for. The words are those that stand in front of each of its sentences. */
export type ReleaseWait =
  | 'mark'
  | 'evacuations'
  | 'nova-compute'
  | 'records'
  | 'heartbeat'
  | 'service'
  | 'cell'
  | 'instances';

export type ReleaseStep =
  | ReleaseAction
  | { readonly kind: 'wait'; readonly for: ReleaseWait; readonly sentence: string }
  | { readonly kind: 'released' };

export type ReleaseAction =
  /** Start nova-compute. */
  | { readonly kind: 'start' }
  /** Take forced_down away. */
  | { readonly kind: 'forceUp' }
  /** Start, in place, the instances that should run. */
  | { readonly kind: 'startGuests' }
  | { readonly kind: 'enable' }
  /** Remove the mark. */
  | { readonly kind: 'clear' };

/** The next step of a release; the order of the questions matters. */
export function nextStep(facts: ReleaseFacts): ReleaseStep {
  const { host, service, compute } = facts;
  if (facts.mark === 'pending') return wait('mark', `${host} waits for NovaEvacuate to evacuate it`);
  if (facts.inFlight.length > 0) {
    return wait('evacuations', `${host} waits for its evacuations in flight: ${shortList(facts.inFlight)}`);
  }
  if (facts.doubt !== null) return wait('cell', `${host} waits for its release: ${facts.doubt}`);
  if (compute === 'held') return { kind: 'start' };
  if (service === null) {
    // First boot: it registers itself. A service that is missing for a while only must not cost the host its release.
    return facts.mark === 'none'
      ? { kind: 'released' }
      : wait('service', `${host} waits for Nova to know a nova-compute of that name`);
  }
  if (service.state === 'unknown') {
    return wait(
      'cell',
      `${host} waits for Nova to tell its state (the database of its cell does not answer Nova)`,
    );
  }
  return service.forcedDown ? stepWhileForcedDown(facts) : stepAfterForcedDown(facts, service);
}

function stepWhileForcedDown({ host, compute, unsettled }: ReleaseFacts): ReleaseStep {
  if (unsettled > 0 && compute === 'running') {
    return wait(
      'records',
      `${host} waits for its nova-compute to clean up ${evacuated(unsettled)}; one that has run since before their evacuation does so only when it is restarted`,
    );
  }
  if (compute === 'silent') {
    const then = unsettled > 0 ? ` and clean up ${evacuated(unsettled)}` : '';
    return wait('nova-compute', `${host} waits for its nova-compute to start${then}`);
  }
  return { kind: 'forceUp' };
}

function stepAfterForcedDown(facts: ReleaseFacts, service: ComputeService): ReleaseStep {
  const { host, guests } = facts;
  if (service.state !== 'up') {
    return wait('heartbeat', `${host} waits for Nova to hear from its nova-compute`);
  }
  if (guests !== null && guests.due > 0) return { kind: 'startGuests' };
  if (isDisabledByUs(service)) return { kind: 'enable' };
  if (guests !== null && guests.starting > 0) {
    return wait('instances', `${host} waits for ${guests.starting} of its instances to start`);
  }
  return lastStep(facts);
}

function lastStep({ mark }: ReleaseFacts): ReleaseStep {
  return mark === 'no' ? { kind: 'clear' } : { kind: 'released' };
}

function wait(what: ReleaseWait, sentence: string): ReleaseStep {
  return { kind: 'wait', for: what, sentence };
}

function evacuated(count: number): string {
  return count === 1 ? '1 evacuated instance' : `${count} evacuated instances`;
}
