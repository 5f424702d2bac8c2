import type { CallOptions, NovaClient, ServerId } from '@openstack-ts/nova-client';
import { noCommand } from '../../attrd/index.ts';
import { guestPower } from '../look/guestPower.ts';
import { guestsMayRun } from '../look/returnSigns.ts';
import type { RequestedHost, RequestScope } from './requestScope.ts';

/** Whether guests may run on a fenced host: somebody started nova-compute before its evacuation had ended. */
export async function mayRunThere(
  { clock, nova, fencings }: Pick<RequestScope, 'clock' | 'nova' | 'fencings'>,
  { service: { host }, hints: { signs } }: RequestedHost,
): Promise<boolean> {
  const may = guestsMayRun(signs, clock.now() + nova.clockOffsetMs);
  if (may !== 'maybe' || signs === null) return may === 'yes';
  // One that was fenced again since must not keep its instances from being evacuated.
  const last = await fencings.lastInHistory(host);
  const reportedAt = (signs.ranUntil ?? 0) - nova.clockOffsetMs;
  return last === null || last <= reportedAt;
}

/**
 * A nova-compute that was started too early may have started guests as well (resume_guests_state_on_host_boot, or a
 * reboot that the host's death cut short): one that runs, or may, is not rebuilt elsewhere.
 *
 * @returns why an instance may run where it is, without a full stop; null: its guest is off
 */
export async function whyNotOff(
  nova: NovaClient,
  id: ServerId,
  { name, service: { host } }: Pick<RequestedHost, 'name' | 'service'>,
  options: CallOptions,
): Promise<string | null> {
  const power = await guestPower(nova, id, options);
  if (power.kind === 'off') return null;
  return power.kind === 'runs'
    ? `it runs on ${host}, whose nova-compute was started before its evacuation had ended, and is not started a second time; power the host off, or have it released (${noCommand(name)})`
    : `whether it runs on ${host}, where a nova-compute reports, cannot be told (${power.why})`;
}
