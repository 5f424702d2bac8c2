import type { ComputeService, NovaHost } from '@openstack-ts/nova-client';
import { isDisabledByUs } from '../../lib/evacuation/incident/disabledReason.ts';

/** Nova does not hear from a nova-compute before it has started, connected and reported; its default is 60 s until then. */
export const settlingMs = 90_000;
/** Nova's `service_down_time`, by default; one that was written later may just have been forced up. */
const silentMs = 60_000;

/** What a running nova-compute looks like from Nova. */
export interface ServiceFacts {
  /** Nova's name of this host. */
  readonly host: NovaHost;
  /** Null: Nova has none of this name. */
  readonly service: ComputeService | null;
  /** The nova-computes of all other hosts. */
  readonly others: readonly ComputeService[];
  /** How long nova-compute has been running in a host that is not held down, in ms. */
  readonly inServiceMs: number;
  /** How long ago Nova wrote its service, on Nova's clock, in ms; null where Nova does not tell. */
  readonly heartbeatAgeMs: number | null;
  readonly mark: 'none' | 'no' | 'pending';
}

export type ServiceVerdict =
  | { readonly kind: 'fine'; readonly sentence: string }
  /** A release, or before it an evacuation, is still to be dealt with. */
  | { readonly kind: 'owed'; readonly sentence: string }
  /** nova-compute runs and does nothing. */
  | { readonly kind: 'hung'; readonly sentence: string }
  /** Worth a sentence; nothing that a restart of nova-compute would help. `attention`: somebody has to see to it. */
  | { readonly kind: 'odd'; readonly sentence: string; readonly attention: boolean };

/** What to make of it. The order of the questions matters. */
export function judgeService(facts: ServiceFacts): ServiceVerdict {
  const { host, service, mark } = facts;
  if (mark === 'pending') {
    return { kind: 'owed', sentence: `${host} is marked for evacuation although its nova-compute runs` };
  }
  if (service === null) return judgeUnknown(facts);
  if (service.state === 'unknown') {
    return odd(`Nova cannot tell how ${host} is: the database of its cell does not answer Nova`);
  }
  const held = service.forcedDown || service.status === 'disabled';
  if (held && (isDisabledByUs(service) || mark === 'no')) {
    return { kind: 'owed', sentence: `${host} is still held down in Nova since it was fenced` };
  }
  if (service.forcedDown) {
    return odd(
      `${host} was forced down in Nova by somebody else and gets no instances until they force it up again`,
    );
  }
  const silence = service.state === 'down' ? judgeSilence(facts) : null;
  if (silence !== null && silence.kind !== 'fine') return silence;
  if (service.status === 'disabled') {
    return odd(
      `${host} was disabled in Nova by somebody else (${quoted(service.disabledReason)}) and stays disabled`,
    );
  }
  return silence ?? { kind: 'fine', sentence: `Nova heard from ${host} ${ago(facts.heartbeatAgeMs)}` };
}

function judgeUnknown({ host, inServiceMs }: ServiceFacts): ServiceVerdict {
  if (inServiceMs < settlingMs) return { kind: 'fine', sentence: `Nova does not know ${host} yet` };
  return {
    kind: 'odd',
    sentence: `Nova has no compute service ${host} although its nova-compute has been running for ${seconds(inServiceMs)}: look at its log`,
    attention: true,
  };
}

/** Nova does not hear from it. Whose fault that is shows in the others. */
function judgeSilence({ host, others, inServiceMs, heartbeatAgeMs }: ServiceFacts): ServiceVerdict {
  const heard = heartbeatAgeMs !== null && heartbeatAgeMs < silentMs;
  if (inServiceMs < settlingMs || heard) {
    return { kind: 'fine', sentence: `Nova does not hear from ${host} yet` };
  }
  const asked = others.filter((other) => !other.forcedDown && other.state !== 'unknown');
  const up = asked.filter(({ state }) => state === 'up').length;
  if (asked.length > 0 && up * 2 >= asked.length) {
    return {
      kind: 'hung',
      sentence: `nova-compute of ${host} hangs: it runs, but Nova last heard from it ${ago(heartbeatAgeMs)}, and hears from ${up} of ${asked.length} others`,
    };
  }
  return odd(
    asked.length === 0
      ? `Nova does not hear from ${host}, and there is no other host to tell whether that is its fault`
      : `Nova does not hear from ${host}, nor from ${asked.length - up} of ${asked.length} others: look at the message bus and the conductors`,
  );
}

function odd(sentence: string): ServiceVerdict {
  return { kind: 'odd', sentence, attention: false };
}

function ago(ms: number | null): string {
  return ms === null ? 'at a time it does not tell' : `${seconds(ms)} ago`;
}

function seconds(ms: number): string {
  return `${Math.max(0, Math.round(ms / 1000))} s`;
}

function quoted(reason: string | null): string {
  return reason === null || reason === '' ? 'without a reason' : `"${reason}"`;
}
