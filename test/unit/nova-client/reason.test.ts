import { faultReason, NovaError } from '@openstack-ts/nova-client';
import { describe, expect, it } from 'vitest';

describe("what Nova's words mean", () => {
  it.each([
    ['conflict', "Cannot 'evacuate' instance i while it is in task_state migrating", 'taskState'],
    ['conflict', "Cannot 'evacuate' instance i while it is in vm_state paused", 'vmState'],
    ['conflict', "Cannot 'get_diagnostics' instance i while it is in power state shutdown", 'powerState'],
    ['badRequest', 'Compute service of comp0 is still in use.', 'hostInUse'],
    ['badRequest', "The target host can't be the same one.", null],
    ['serverError', 'in task_state, says somebody who is not Nova', null],
  ] as const)('a refusal (%s): %s', (code, message, reason) => {
    expect(new NovaError(code, message).reason).toBe(reason);
  });

  it.each([
    ['No valid host was found. There are not enough hosts available.', '', 'noValidHost'],
    ['Invalid state of instance files on shared storage', '', 'diskMissing'],
    ['Anti-affinity instance group policy was violated.', '', 'groupPolicy'],
    ['libvirtError', 'Traceback …\nqemu: -blockdev …: Failed to get "write" lock', 'diskLocked'],
    ['libvirtError', 'Failed to get shared "write" lock', 'diskLocked'],
    ['libvirtError', 'Failed to get "consistent read" lock', 'diskLocked'],
    ['libvirtError', 'Is another process using the image [/disk]?', 'diskLocked'],
    ['libvirtError', 'Failed to get a lock on the weather', null],
    // Only its own words count: a traceback quotes what came before.
    ['Build aborted', 'raised while handling: No valid host was found.', null],
  ] as const)('a fault: %s, %s', (message, details, reason) => {
    expect(faultReason(message, details)).toBe(reason);
  });
});
