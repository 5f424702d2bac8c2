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
  /** Whether an evacuation of it failed since the fencing. */
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

/** One attempt: what does not start is named, not tried again and again. */
function whenNotTried(facts: GuestFacts, step: GuestStep): GuestStep {
  if (facts.actions === null) return { kind: 'readActions' };
  const tried = facts.actions.some(
    ({ action, startedAt }) => startActions.has(action) && startedAt >= facts.triedSince,
  );
  return tried ? { kind: 'name', sentence: 'it was started and does not run; look at it' } : step;
}

/** An instance in ERROR that was started since the fencing: it is that start which failed. */
function startedInVain(facts: GuestFacts): GuestStep {
  // Nothing has changed it since the fencing, so it was in ERROR before.
  if ((facts.server.updatedAt ?? 0) < facts.fencedAt) return { kind: 'leave' };
  return whenNotTried(facts, { kind: 'leave' });
}

/** An instance that a failed evacuation put into ERROR goes back to what its owner last made of it. */
function restored(facts: GuestFacts): GuestStep {
  if (facts.actions === null) return { kind: 'readActions' };
  const last = facts.actions.find(
    ({ action, startedAt }) => powerActions.has(action) && startedAt < facts.fencedAt,
  );
  return last?.action === 'stop' ? { kind: 'stop' } : whenNotTried(facts, { kind: 'reboot' });
}

/** Nova's power sync acts without a user; an owner who stopped it wanted it off. */
function stoppedBySync(facts: GuestFacts): GuestStep | null {
  // Nothing has changed it since the fencing, so it was off before.
  if ((facts.server.updatedAt ?? 0) < facts.fencedAt) return null;
  if (facts.actions === null) return { kind: 'readActions' };
  const last = lastPowerAction(facts.actions);
  const bySync = last?.action === 'stop' && last.userId === null && last.startedAt >= facts.fencedAt;
  return bySync ? { kind: 'start' } : null;
}

/** What was last made of an instance's power, by whomever. Actions are newest first. */
export function lastPowerAction(actions: readonly ServerAction[]): ServerAction | undefined {
  return actions.find(({ action }) => powerActions.has(action));
}
