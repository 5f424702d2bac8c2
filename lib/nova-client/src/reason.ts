/** What Nova's prose means. The one place that reads it: callers go by the reasons. */

/** Why Nova refuses a request, where its words tell. */
export type RefusalReason =
  /** A task of the server stands against it (nova/exception.py, InstanceInvalidState: "… while it is in task_state …"). */
  | 'taskState'
  /** The state of the server does ("… while it is in vm_state …"). */
  | 'vmState'
  /** Its guest does not run ("… while it is in power state …"). */
  | 'powerState'
  /** Nova takes the host for up (ComputeServiceInUse: "Compute service of … is still in use."). */
  | 'hostInUse'
  /** What the server has Nova cannot evacuate (an accelerator, a vTPM, a share: nova/exception.py, "… not supported for …"). */
  | 'unsupported'
  /** A policy does not let the user do it (nova/exception.py, PolicyNotAuthorized: "Policy doesn't allow … to be performed."). */
  | 'policy';

/** What a server's fault says of its last failure, where its words tell. */
export type FaultReason =
  /** The scheduler found no host (NoValidHost: "No valid host was found. …"). */
  | 'noValidHost'
  /** The disk was not found on the destination (InvalidSharedStorage: "Invalid state of instance files on shared storage"). */
  | 'diskMissing'
  /** The policy of its server group stands against the destination (nova/compute/manager.py, `_validate_instance_group_policy`). */
  | 'groupPolicy'
  /**
   * Another process holds the lock of its disk: something runs the server, or did a moment ago. QEMU says so (block/file-posix.c),
   * and Nova passes it on in the details of the fault alone, whose message is `libvirtError`.
   */
  | 'diskLocked';

const refusals: readonly (readonly [RegExp, RefusalReason])[] = [
  [/\btask_state\b/, 'taskState'],
  [/\bvm_state\b/, 'vmState'],
  [/\bpower state\b/i, 'powerState'],
  [/still in use/i, 'hostInUse'],
  [/\bnot supported (for|with) |\bforbidden with instances\b/i, 'unsupported'],
  [/\bpolicy (doesn'?t|does not) allow\b/i, 'policy'],
];

const locked = /failed to get (shared )?"[a-z ]+" lock|is another process using the image/i;
const faults: readonly (readonly [RegExp, FaultReason])[] = [
  [/no valid host/i, 'noValidHost'],
  [/invalid state of instance files on shared storage/i, 'diskMissing'],
  [/instance group policy was violated/i, 'groupPolicy'],
];

/** Null: the words tell nothing that anybody goes by. */
export function refusalReason(message: string): RefusalReason | null {
  return refusals.find(([pattern]) => pattern.test(message))?.[1] ?? null;
}

/** @param details the traceback that administrators are shown; '' where there is none */
export function faultReason(message: string, details = ''): FaultReason | null {
  if (locked.test(message) || locked.test(details)) return 'diskLocked';
  return faults.find(([pattern]) => pattern.test(message))?.[1] ?? null;
}
