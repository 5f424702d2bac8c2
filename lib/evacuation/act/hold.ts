import type { CallOptions, ComputeService, NovaClient } from '@openstack-ts/nova-client';
import { disabledReason } from '../incident/disabledReason.ts';

/** Result of making sure that Nova holds a host down. */
export interface HoldDownResult {
  /** forced_down was written now (false: it was already so). */
  readonly forcedDown: boolean;
  readonly disabled: boolean;
  /** For the log. */
  readonly sentence: string;
}

/**
 * Makes Nova hold a fenced host down: forced_down first, then disabled. The order matters: since Train, disabling
 * waits for an answer of the nova-compute while Nova takes it for up. A service that somebody else disabled keeps
 * their reason, so that a release knows to leave it disabled.
 */
export async function holdDown(
  nova: NovaClient,
  service: ComputeService,
  now: Date,
  options: CallOptions = {},
): Promise<HoldDownResult> {
  // Below 2.11 there is no forced_down: Nova holds the host down once its heartbeats are too old, not before.
  const downAsItIs = service.state === 'down' && Number(nova.microversion.split('.')[1]) < 11;
  const forcedDown = !service.forcedDown && !downAsItIs;
  if (forcedDown) await nova.setForcedDown(service, true, options);
  const disabled = service.status === 'enabled';
  if (disabled) await nova.disableService(service, disabledReason(now), options);
  const done = [forcedDown ? 'forced down' : '', disabled ? 'disabled' : ''].filter((word) => word !== '');
  const sentence =
    done.length === 0
      ? `nova-compute on ${service.host} was ${downAsItIs ? 'down' : 'forced down'} and disabled already.`
      : `nova-compute on ${service.host} is now ${done.join(' and ')}.`;
  return { forcedDown, disabled, sentence };
}
