import type { NovaError, NovaHost } from '@openstack-ts/nova-client';
import { pacing } from '../incident/pacing.ts';
import type { RefusalKind } from './throttleRules.ts';

/** How long nothing is asked for a host whose request was not taken, in ms, where Nova names no time. The throttle does the rest. */
const pauses = {
  rateLimited: 1_000,
  serverError: 3_000,
  timeout: 3_000,
  connectionLost: 3_000,
  unreachable: 10_000,
  tls: 10_000,
} as const;

/** What follows from an error that Nova answered a request to evacuate with. Nothing was accepted. */
export type AfterRefusal =
  /** The instance, or the host that was named for it, does not exist. */
  | { readonly kind: 'gone' }
  /** Nova asked us to slow down, or could not be reached: nothing new for so long. */
  | { readonly kind: 'pause'; readonly pauseMs: number; readonly because: RefusalKind }
  /** Nothing more for this host in this pass. `isUp`: Nova does not hold it down any more. */
  | { readonly kind: 'stop'; readonly isUp: boolean; readonly sentence: string }
  /** Nothing more for this host in this pass, but for others first in the next one: a policy may be about one project alone. */
  | { readonly kind: 'notAllowed'; readonly sentence: string; readonly message: string }
  /** It lies in the instance. `final`: Nova does not evacuate it in the state it is in, or with what it has. */
  | {
      readonly kind: 'refused';
      readonly message: string;
      readonly final: boolean;
      /** A task that is under way stands against it. */
      readonly forItsTask: boolean;
    };

/**
 * @param isAccepted whether Nova has accepted an evacuation from the host in this incident. Then a policy is about the
 *   instance's project: the user may evacuate others
 * @param obeys whether the time that Nova names counts; an operator's `go` ends that
 */
export function afterRefusal(
  error: NovaError,
  host: NovaHost,
  isAccepted: boolean,
  obeys = true,
): AfterRefusal {
  const { code, message } = error;
  const mayNot = `evacuation of ${host} is held up: Nova does not let this user evacuate (${message}); give the user the admin role.`;
  switch (code) {
    case 'notFound':
      return { kind: 'gone' };
    case 'unreachable':
    case 'tls':
    case 'rateLimited':
    case 'serverError':
    case 'connectionLost':
    case 'timeout': {
      const isNamed = code === 'rateLimited' || code === 'serverError' || code === 'timeout';
      return {
        kind: 'pause',
        pauseMs: obeys ? Math.min(error.retryAfterMs ?? pauses[code], pacing.backOffMs) : pauses[code],
        because: isNamed ? code : 'unreachable',
      };
    }
    case 'authFailed':
      return { kind: 'stop', isUp: false, sentence: mayNot };
    default:
      if (error.reason === 'policy' && !isAccepted) {
        return { kind: 'notAllowed', sentence: mayNot, message };
      }
      if (error.reason === 'hostInUse') {
        // Somebody let the host up again behind our back: it is held down anew before anything else.
        return {
          kind: 'stop',
          isUp: true,
          sentence: `evacuation of ${host} stopped: ${message}; the next pass holds it down again.`,
        };
      }
      return {
        kind: 'refused',
        message: message.replace(/\.+$/, ''),
        forItsTask: error.reason === 'taskState',
        final: (code === 'conflict' && error.reason === 'vmState') || error.reason === 'unsupported',
      };
  }
}
