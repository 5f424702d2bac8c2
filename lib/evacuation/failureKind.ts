import type { Migration, Server } from '@openstack-ts/nova-client';
import { isDiskMissing } from './diskGuard.ts';
import { isFailed } from './records.ts';
import type { FailureKind } from './throttle.ts';

/**
 * Whether an attempt ended because no host was found. Its record then has no destination, save for a destination that was
 * named: Nova notes it before it asks the scheduler.
 *
 * @param server as it was read after the failure
 */
export function isNoHostFound(server: Server, record: Migration): boolean {
  return isFailed(record) && (record.destHost === null || /no valid host/i.test(server.fault?.message ?? ''));
}

/**
 * Why an evacuation failed, as far as it tells how much Nova bears: that no host was found, or that a server group's policy
 * stands against the one that was (nova/compute/manager.py, `_validate_instance_group_policy`), says nothing of that.
 *
 * @param server as it was read after the failure; null where it is not known
 */
export function failureKind(server: Server | null, record: Migration): FailureKind {
  if (server === null) return record.destHost === null ? 'noValidHost' : 'rebuild';
  if (isNoHostFound(server, record)) return 'noValidHost';
  if (isDiskMissing(server, record)) return 'diskMissing';
  return /instance group policy was violated/i.test(server.fault?.message ?? '') ? 'noValidHost' : 'rebuild';
}
