import type { Server, ServerAction } from '@openstack-ts/nova-client';

/**
 * What an instance that stayed on a returned host needs. Its machine was switched off, so it is off as well, whatever
 * Nova's database says; what it should be is what it was before.
 */
export interface GuestFacts {
  readonly server: Server;
  /** Whether the hypervisor runs it; null when that could not be learned. */
  readonly running: boolean | null;
  /** What was done to it, newest first; null where the decision does not need it. */
  readonly actions: readonly ServerAction[] | null;
  /** Whether an evacuation of it failed, or came to nothing, since the fencing. */
  readonly evacuationFailed: boolean;
  /** When the host was fenced, or earlier, on Nova's clock, in ms since the epoch. */
  readonly fencedAt: number;
  /** An instance that was started at or after this time, on Nova's clock, is not started again. */
  readonly triedSince: number;
}

export type GuestStep =
  /** As it should be, or not ours to touch. */
  | { readonly kind: 'leave' }
  /** Its actions have to be read before anything can be said. */
  | { readonly kind: 'readActions' }
  /** Switch it on. A hard reboot builds the guest anew, whatever was left of it. */
  | { readonly kind: 'reboot' }
  /** It was switched off by Nova's power sync, which found it off after the machine's death. */
  | { readonly kind: 'start' }
  /** Have Nova forget the task of an evacuation that died with its destination: nothing else can be done with it before. */
  | { readonly kind: 'forget' }
  /** It was off before a failed evacuation put it into ERROR. */
  | { readonly kind: 'stop' }
  | { readonly kind: 'starting' }
  /** Does not run, and is not started: told to the operator. */
  | { readonly kind: 'name'; readonly sentence: string };

const startActions: ReadonlySet<string> = new Set(['reboot', 'start']);
const powerActions: ReadonlySet<string> = new Set([
  'create',
  'start',
  'stop',
  'reboot',
  'rebuild',
  'unpause',
  'resume',
  'unshelve',
  'unrescue',
]);

/** Decides for one instance. Nothing is started that runs already: that would be a reset of a customer's machine. */
export function decideGuest(facts: GuestFacts): GuestStep {
  const { server, running } = facts;
  if (/^(reboot|powering-on)/.test(server.taskState ?? '')) return { kind: 'starting' };
  if (facts.evacuationFailed && server.taskState?.startsWith('rebuild')) return leftRebuilding(facts);
  if (server.taskState === 'powering-off') return stoppingBySync(facts);
  if (server.taskState !== null || running === true) return { kind: 'leave' };
  switch (server.vmState) {
    case 'active':
      if (running === null) {
        return { kind: 'name', sentence: 'Nova cannot say whether it runs; look at it' };
      }
      // One whose evacuation failed may read ACTIVE only because its way back to off was cut short after its first half.
      return facts.evacuationFailed ? restored(facts) : whenNotTried(facts, { kind: 'reboot' });
    case 'error':
      return facts.evacuationFailed && running === false ? restored(facts) : startedInVain(facts);
    case 'stopped':
      return stoppedBySync(facts) ?? { kind: 'leave' };
    case 'paused':
    case 'suspended':
    case 'rescued':
      return {
        kind: 'name',
        sentence: `it was ${server.vmState} and is off; start it by hand if it is needed`,
      };
    default:
      return { kind: 'leave' };
  }
}

/**
 * The task is what an evacuation has left behind, unless its owner rebuilds it now: its host is back, and no evacuation is under
 * way any more. A nova-compute that starts leaves such instances alone (nova/compute/manager.py, init_host).
 */
function leftRebuilding(facts: GuestFacts): GuestStep {
  if (facts.actions === null) return { kind: 'readActions' };
  return facts.actions.at(0)?.action === 'evacuate' ? { kind: 'forget' } : { kind: 'leave' };
}

/** One attempt: what does not start is named, not tried again and again. */
function whenNotTried(facts: GuestFacts, step: GuestStep): GuestStep {
  if (facts.actions === null) return { kind: 'readActions' };
  const tried = facts.actions.some(
    ({ action, startedAt }) => startActions.has(action) && startedAt >= facts.triedSince,
  );
  return tried ? { kind: 'name', sentence: 'it was started and does not run; look at it' } : step;
}

/**
 * An instance in ERROR that was started since the fencing: it is that start which failed. One that an operator has reset, as it
 * may have run elsewhere, is not started unasked: what a resize that was cut short has made of its disk is not known. No command
 * that starts it is named for one that was off: whoever follows it would start what its owner wants off.
 */
function startedInVain(facts: GuestFacts): GuestStep {
  const { server, running, actions } = facts;
  // Nothing has changed it since the fencing, so it was in ERROR before.
  if ((server.updatedAt ?? 0) < facts.fencedAt) return { kind: 'leave' };
  if (actions === null) return { kind: 'readActions' };
  const sentence = wasOff(actions, facts.fencedAt)
    ? `it is in ERROR and stays off, as it was off before its host failed; have Nova show it as off with: openstack server stop ${server.id}`
    : `it is in ERROR and off; see what was done to it last (openstack server event list ${server.id}), and start it with: openstack server reboot --hard ${server.id}`;
  return whenNotTried(facts, running === false ? { kind: 'name', sentence } : { kind: 'leave' });
}

/** An instance that a failed evacuation put into ERROR goes back to what its owner last made of it. */
function restored(facts: GuestFacts): GuestStep {
  if (facts.actions === null) return { kind: 'readActions' };
  return wasOff(facts.actions, facts.fencedAt) ? { kind: 'stop' } : whenNotTried(facts, { kind: 'reboot' });
}

/** It is started once that is through; what takes longer was left behind. */
function stoppingBySync(facts: GuestFacts): GuestStep {
  if (facts.actions === null) return { kind: 'readActions' };
  const { id } = facts.server;
  const stop = stopBySync(facts, facts.actions);
  if (stop === null) return { kind: 'leave' };
  if (stop.startedAt >= facts.triedSince) return { kind: 'starting' };
  return {
    kind: 'name',
    sentence: `Nova began to switch it off, as it was off, and left the task powering-off; go on with: openstack server set --state active ${id}, and openstack server reboot --hard ${id}`,
  };
}

/** What Nova's power sync did to it since the fencing, if that was the last of its power. */
function stopBySync(facts: GuestFacts, actions: readonly ServerAction[]): ServerAction | null {
  const last = lastPowerAction(actions);
  const is = last?.action === 'stop' && last.userId === null && last.startedAt >= facts.fencedAt;
  return is ? last : null;
}

/** Nova's power sync acts without a user; an owner who stopped it wanted it off. */
function stoppedBySync(facts: GuestFacts): GuestStep | null {
  // Nothing has changed it since the fencing, so it was off before.
  if ((facts.server.updatedAt ?? 0) < facts.fencedAt) return null;
  if (facts.actions === null) return { kind: 'readActions' };
  return stopBySync(facts, facts.actions) === null ? null : { kind: 'start' };
}

/**
 * Whether an instance was off, by what was last made of its power: the one answer, for what is switched off again on another host and
 * for what stays off at home. Its owner's word counts whenever it was given. Nova's power sync finds every guest of a dead machine
 * off: what it has stopped from a time on that Nova's clock tells (ms) says nothing; by default all counts.
 */
export function wasOff(actions: readonly ServerAction[], fencedAt = Number.POSITIVE_INFINITY): boolean {
  const told = actions.filter(({ userId, startedAt }) => userId !== null || startedAt < fencedAt);
  return lastPowerAction(told)?.action === 'stop';
}

/** What was last made of its power, by whomever. Actions are newest first. */
function lastPowerAction(actions: readonly ServerAction[]): ServerAction | undefined {
  return actions.find(({ action }) => powerActions.has(action));
}
