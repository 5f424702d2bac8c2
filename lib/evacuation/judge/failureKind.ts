import type { Migration, Server } from '@openstack-ts/nova-client';
import { isFailed, isWrongHost } from '../look/records.ts';
import { isDiskMissing } from './diskGuard.ts';

/** Why a rebuild failed. Only `rebuild` may come from too many at the same time. */
export type FailureKind = 'rebuild' | 'noValidHost' | 'diskMissing';

/**
 * Whether an attempt ended because Nova's scheduler found no host: then its record has no destination. A destination that was
 * named is noted before the scheduler is asked, and says nothing of the other hosts.
 */
export function isNoHostFound(record: Migration): boolean {
  return isFailed(record) && record.destHost === null;
}

/**
 * Why an evacuation failed, as far as it tells how much Nova bears: that no host was found, or that a server group's policy
 * stands against the one that was (nova/compute/manager.py, `_validate_instance_group_policy`), says nothing of that.
 *
 * @param server as it was read after the failure; null where it is not known
 */
export function failureKind(server: Server | null, record: Migration): FailureKind {
  if (isNoHostFound(record) || isWrongHost(record)) return 'noValidHost';
  if (server === null) return 'rebuild';
  if (isDiskMissing(server, record)) return 'diskMissing';
  return server.fault?.reason === 'groupPolicy' ? 'noValidHost' : 'rebuild';
}
