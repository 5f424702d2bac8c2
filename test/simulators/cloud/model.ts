import type { Step } from './steps.ts';

/** What the simulated cloud remembers. Times are ms since the epoch; null stands where Nova's database has NULL. */

export interface Host {
  readonly name: string;
  /** Number and uuid of its nova-compute service. */
  readonly serviceNumber: number;
  readonly serviceId: string;
  readonly hypervisorNumber: number;
  readonly hypervisorId: string;
  zone: string;
  disabled: boolean;
  /**
   * Placement's trait COMPUTE_STATUS_DISABLED. nova-compute sets it (nova/compute/resource_tracker.py): it follows
   * `disabled` while that runs, at once here and within a minute in Nova, and else when it starts.
   */
  disabledTrait: boolean;
  disabledReason: string | null;
  forcedDown: boolean;
  /** Its nova-compute runs and is not frozen. */
  alive: boolean;
  /** Its nova-compute is frozen in the middle of what it works on: that waits as well until it is thawed. */
  stuck: boolean;
  /** How often its nova-compute was started or ended: what an earlier life had planned is void. */
  life: number;
  /** The machine has power: domains that were not destroyed run on, whether or not nova-compute does. */
  powered: boolean;
  /** While it does not report (yet): its last report. */
  lastSeen: number;
  /** When its nova-compute had initialised itself: from then on it answers, and soon reports. */
  readyAt: number;
  /** When somebody wrote to the service through the API. */
  changedAt: number;
  /** When forced_down was cleared last: it counts as up only once it has reported since. */
  forcedUpAt: number;
  /** Knobs of this host alone; null = the cloud's. */
  spawn: number | null;
  /** Spawns fail here: all, or those of the servers named (id or name). */
  spawnFail: boolean | readonly string[];
  /** Hard reboots fail here, in the same way. */
  rebootFail: boolean | readonly string[];
  /** Spawns at the same time that go well; null = the cloud's. */
  spawnLimit: number | null;
  /** Whether it sees the disks of instances of other hosts; null = as the cloud does. */
  sharedStorage: boolean | null;
  /** What it can give to instances: Placement's capacity, reserves and ratios taken into account. */
  readonly capacity: Resources;
  /** Guests known to its hypervisor, by server id; true = running, whatever Nova holds. */
  readonly domains: Map<string, boolean>;
}

/** Resource classes of Placement that a host offers itself. */
export const resourceClasses = ['VCPU', 'MEMORY_MB', 'DISK_GB'] as const;
export type ResourceClass = (typeof resourceClasses)[number];
export type Resources = Record<ResourceClass, number>;

export interface Fault {
  readonly code: number;
  readonly message: string;
  readonly details: string;
  readonly created: number;
}

export interface Server {
  readonly id: string;
  readonly number: number;
  name: string;
  projectId: string;
  userId: string;
  host: string | null;
  vmState: string;
  taskState: string | null;
  powerState: number;
  /** Null when booted from a volume. */
  imageId: string | null;
  flavorId: string;
  /** The flavour as it was when the server was built, which is what 2.47 shows. */
  readonly flavor: Flavor;
  metadata: Record<string, string>;
  locked: boolean;
  zone: string;
  /** The availability zone its owner asked for: it never leaves that. */
  readonly pinnedZone: string | null;
  readonly reservationId: string;
  readonly createdAt: number;
  updatedAt: number;
  launchedAt: number | null;
  fault: Fault | null;
  readonly actions: Action[];
}

export interface Action {
  readonly action: string;
  readonly requestId: string;
  /** Null where nova-compute acts of its own accord. */
  readonly userId: string | null;
  readonly projectId: string | null;
  readonly startedAt: number;
  updatedAt: number;
  message: string | null;
  readonly steps: Step[];
}

/** Nova's `migration_type` of what is no evacuation. */
export type MoveKind = 'live-migration' | 'resize';

export interface Migration {
  readonly number: number;
  readonly id: string;
  readonly serverId: string;
  readonly type: 'evacuation' | MoveKind;
  readonly sourceHost: string;
  destHost: string | null;
  /** The target has claimed it: destination node and address are filled in too. */
  claimed: boolean;
  status: string;
  readonly createdAt: number;
  updatedAt: number | null;
  readonly userId: string;
  readonly projectId: string;
}

/** What an evacuation request may say. */
export interface EvacuateWish {
  /** Below 2.14. */
  readonly onSharedStorage?: boolean;
  readonly host?: string;
  /** The scheduler is not asked whether the host suits: `force`, and below 2.29 any host that is named. */
  readonly force?: boolean;
  /** From 2.95 on: it is left stopped where it arrives. */
  readonly stopped?: boolean;
}

export interface ServerGroup {
  readonly id: string;
  readonly name: string;
  /** `anti-affinity`, `affinity`, `soft-anti-affinity`, `soft-affinity` */
  readonly policy: string;
  /** The rule max_server_per_host of an anti-affinity group; null where there is none, which means 1. */
  readonly maxPerHost: number | null;
  readonly projectId: string;
  readonly userId: string;
  /** Ids of servers. */
  readonly members: Set<string>;
}

/** A disk that an evacuation replaced by a new one, made from the image: what the owner had on it is gone. */
export interface LostDisk {
  readonly at: number;
  readonly serverId: string;
  readonly name: string;
  readonly source: string;
  readonly destination: string;
}

/** Whether something lies on its host that it would miss: its root disk, unless it boots from a volume, or an ephemeral disk. */
export function hasLocalDisk({ imageId, flavor }: Pick<Server, 'imageId' | 'flavor'>): boolean {
  return imageId !== null || flavor.ephemeralGb > 0;
}

export interface Flavor {
  readonly id: string;
  readonly name: string;
  readonly memoryMb: number;
  readonly vcpus: number;
  /** Of the root disk. */
  readonly diskGb: number;
  readonly ephemeralGb: number;
  readonly swapMb: number;
  readonly isPublic: boolean;
  readonly extraSpecs: Readonly<Record<string, string>>;
}

export interface Image {
  readonly id: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  /** Hidden ones are listed on request alone. */
  readonly hidden: boolean;
  /** `public`, `community`, `shared`, `private` */
  readonly visibility: string;
  /** Project. */
  readonly owner: string;
  readonly createdAt: number;
}

export interface Volume {
  readonly id: string;
  readonly name: string;
  readonly sizeGb: number;
  readonly bootable: boolean;
  readonly projectId: string;
  /** What Cinder copied of the image it was made from: `image_id`, `image_name` and the properties, but not the tags. */
  readonly imageMetadata: Readonly<Record<string, string>>;
  /** Servers it is attached to. */
  readonly serverIds: Set<string>;
  readonly createdAt: number;
}

export interface Aggregate {
  readonly number: number;
  readonly id: string;
  readonly name: string;
  readonly zone: string | null;
  hosts: string[];
  metadata: Record<string, string>;
  readonly createdAt: number;
}

/** An answer that is not a success, as Nova words it; thrown by the world, put on the wire by the API. */
export class ApiError extends Error {
  readonly status: number;
  /** Nova's top key: `badRequest`, `itemNotFound`, … */
  readonly kind: string;

  constructor(status: number, kind: string, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.kind = kind;
  }
}

/** Nova cannot reach the database of a cell, and the request needs it (nova/compute/api.py, `_get_instance`). */
export const cellDown = () =>
  new ApiError(500, 'computeFault', 'Cell cell1 is not responding and hence instance info is not available.');
/** What Nova says where its database or message bus fails in the middle of a request. */
export const brokenOff = () =>
  new ApiError(
    500,
    'computeFault',
    "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if possible.\n<class 'oslo_messaging.exceptions.MessageDeliveryFailure'>",
  );
export const badRequest = (message: string) => new ApiError(400, 'badRequest', message);
export const notFound = (message: string) => new ApiError(404, 'itemNotFound', message);
export const noSuchServer = (id: string) => notFound(`Instance ${id} could not be found.`);
export const conflict = (message: string) => new ApiError(409, 'conflictingRequest', message);
export const forbidden = (rule: string) =>
  new ApiError(403, 'forbidden', `Policy doesn't allow ${rule} to be performed.`);
