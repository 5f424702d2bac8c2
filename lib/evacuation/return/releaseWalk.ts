import type { ComputeService, NovaHost } from '@openstack-ts/nova-client';
import { isDisabledByUs } from '../incident/disabledReason.ts';
import { pacing } from '../incident/pacing.ts';
import { shortList } from '../look/titles.ts';
import { GuestStarter } from './guestStarter.ts';
import {
  nextStep,
  type ReleaseAction,
  type ReleaseFacts,
  type ReleaseStep,
  type ReleaseWait,
} from './release.ts';
import { ReleaseLook } from './releaseLook.ts';
import type { ReleasedHost, ReleaseOutcome, ReleaseScope } from './releaseScope.ts';
import { ReleaseSteps } from './releaseSteps.ts';

/** What can be expected within seconds is waited for; a machine that is still off is not. */
const worthLingering: ReadonlySet<ReleaseWait> = new Set([
  'evacuations',
  'records',
  'heartbeat',
  'instances',
]);

/**
 * Walks the release of one host until it is released, until only time or somebody else can go on, or until `until`.
 * Everything is read anew at each look, so it may begin, end, and be repeated anywhere, by several at once: every step
 * is one that Nova's answer shows to be due. Throws what `start` throws, and `AttrdError` when the mark cannot be removed.
 */
export async function walkRelease(
  scope: ReleaseScope,
  released: ReleasedHost,
  until: () => number,
): Promise<ReleaseOutcome> {
  const { clock } = scope;
  const guests = new GuestStarter(scope.nova, released.host, scope.log, scope.callOptions);
  const look = new ReleaseLook(scope, released, guests);
  const steps = new ReleaseSteps(scope, released, guests);
  let last: ReleaseStep['kind'] | null = null;
  for (;;) {
    const world = await look.world();
    if (world.mark === 'none' && world.service !== null && isDisabledByUs(world.service)) {
      await steps.restoreMark();
    }
    const facts = await look.facts(world);
    const step = decide(facts, steps);
    if (step.kind === 'released') return tellReleased(scope, facts, look, steps, guests);
    if (step.kind === 'wait') {
      await scope.show?.(step);
      const now = clock.now();
      if (!worthLingering.has(step.for) || now + pacing.releasePollMs >= until()) {
        return { kind: 'waiting', for: step.for, sentence: step.sentence };
      }
      await clock.sleep(pacing.releasePollMs);
      look.forgetDoubt();
      last = null;
      continue;
    }
    // No evacuation in flight, no instance to be started: not for the want of an answer.
    if (!(await look.bearsOut(step.kind))) continue;
    if (!(await look.hasSameMarks(world))) continue;
    // Whatever was accepted and shows no effect is not asked for over and over; instances are bounded one by one.
    if (step.kind === last) {
      if (step.kind !== 'startGuests' || clock.now() + pacing.releasePollMs >= until()) {
        return { kind: 'troubled', sentence: noEffect(released.host, step.kind) };
      }
      await clock.sleep(pacing.releasePollMs);
    }
    last = step.kind;
    const trouble = await steps.take(step, facts.service);
    if (trouble !== null) return trouble;
  }
}

/** The next step. Where Nova refused to take forced_down away, a record stands against it that was not seen yet. */
function decide(facts: ReleaseFacts, steps: ReleaseSteps): ReleaseStep {
  const { refusal } = steps;
  const unsettled = refusal === null ? facts.unsettled : Math.max(1, facts.unsettled);
  const step = nextStep({ ...facts, unsettled });
  if (step.kind !== 'wait' || step.for !== 'records' || refusal === null) return step;
  steps.forgetRefusal();
  return { ...step, sentence: `${step.sentence} (${refusal})` };
}

function tellReleased(
  { log }: ReleaseScope,
  { host, service }: ReleaseFacts,
  { wasFenced }: ReleaseLook,
  { done, hasCleared }: ReleaseSteps,
  { started, named }: GuestStarter,
): ReleaseOutcome {
  const parts = [...done];
  if (started.length > 0)
    parts.push(`${started.length} of its instances started in place: ${shortList(started)}`);
  if (service !== null && service.status === 'disabled' && wasFenced) {
    const sentence = staysDisabled(service);
    log.warn(
      `${host}: ${sentence}; enable it with: openstack compute service set --enable ${host} nova-compute`,
    );
    parts.push(sentence);
  }
  if (named.length > 0) parts.push(`not running there: ${shortList(named)}`);
  const changed = parts.length > 0 || hasCleared;
  return {
    kind: 'released',
    sentence: changed ? `Released ${host}${parts.length === 0 ? '' : `: ${parts.join('; ')}`}.` : null,
    troubled: named.length > 0,
  };
}

/** I7. */
function staysDisabled({ disabledReason: reason }: ComputeService): string {
  const quoted = reason === null || reason === '' ? 'without a reason' : `"${reason}"`;
  return `it stays disabled, as somebody else disabled it (${quoted})`;
}

function noEffect(host: NovaHost, action: ReleaseAction['kind']): string {
  const what: Readonly<Record<ReleaseAction['kind'], string>> = {
    start: 'its nova-compute was started and does not run',
    forceUp: 'Nova accepted to take forced_down away and still holds it forced down',
    startGuests: 'Nova accepted to start its instances, and they still do not run',
    enable: 'Nova accepted to enable it, and it is still disabled',
    clear: 'its mark was removed and is still there',
  };
  return `${host} waits for its release: ${what[action]}`;
}
