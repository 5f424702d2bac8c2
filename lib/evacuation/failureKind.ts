import type { Migration, Server } from '@openstack-ts/nova-client';
import { isDiskMissing } from './diskGuard.ts';
import type { FailureKind } from './throttle.ts';

/**
 * Why an evacuation failed, as far as it tells how much Nova bears: that no host was found, or that a server group's policy
 * stands against the one that was (nova/compute/manager.py, `_validate_instance_group_policy`), says nothing of that.
 *
 * @param server as it was read after the failure; null where it is not known
 */
export function failureKind(server: Server | null, record: Migration): FailureKind {
  if (record.destHost === null) return 'noValidHost';
  if (server === null) return 'rebuild';
  if (isDiskMissing(server, record)) return 'diskMissing';
  const fault = server.fault?.message ?? '';
  return /no valid host|instance group policy was violated/i.test(fault) ? 'noValidHost' : 'rebuild';
}
