/**
 * The public shapes of the client. Wire spelling stays on the wire: everything here is camelCase, checked once
 * when it came in, and in plain units (milliseconds since the epoch for times).
 */

import type { NovaHost, ServerId } from './names.ts';
import type { FaultReason } from './reason.ts';

/** Which of an endpoint's addresses is used. `internalURL`, `publicURL`, `adminURL` are accepted by {@link parseInterface}. */
export type EndpointInterface = 'internal' | 'public' | 'admin';

/** A domain is named either by its name or by its id, as Keystone v3 does. */
export interface DomainRef {
  readonly name?: string;
  readonly id?: string;
}

export type Credentials =
  | {
      readonly kind: 'password';
      /** Name of the user; empty where `userId` is given. */
      readonly username: string;
      /** Id of the user instead of a name and a domain. */
      readonly userId?: string;
      readonly password: string;
      readonly userDomain: DomainRef;
      /** Project name or id and its domain. */
      readonly project: { readonly name?: string; readonly id?: string; readonly domain: DomainRef };
    }
  | {
      readonly kind: 'applicationCredential';
      /** Either the id, or a name together with its owner. */
      readonly id?: string;
      readonly name?: string;
      readonly user?: { readonly name?: string; readonly id?: string; readonly domain?: DomainRef };
      readonly secret: string;
    };

export interface TlsConfig {
  /** False switches verification off for every request, discovery included. */
  readonly verify: boolean;
  /** PEM file that is trusted instead of the system's store. */
  readonly caFile?: string;
  /** Client certificate and its key (PEM files); the key may be in the certificate's file. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface CloudConfig {
  readonly authUrl: string;
  readonly credentials: Credentials;
  /** Empty or absent means any region. */
  readonly region?: string;
  readonly endpointInterface: EndpointInterface;
  /** What differs for single services, by their official names. */
  readonly services?: Readonly<Partial<Record<CloudServiceName, ServiceConfig>>>;
  readonly tls: TlsConfig;
}

/** The services that are asked besides Keystone for a token, by their names in the service types authority. */
export type CloudServiceName = 'compute' | 'image' | 'block-storage' | 'placement' | 'identity';

/** Where one service is, as far as it is not where all are. */
export interface ServiceConfig {
  /** The address that is used whatever the catalogue says. */
  readonly endpoint?: string;
  readonly endpointInterface?: EndpointInterface;
  readonly region?: string;
}

/** Bounds of one call: it ends by `deadline` (ms since the epoch) or when the signal fires, whichever is first. */
export interface CallOptions {
  readonly deadline?: number;
  readonly signal?: AbortSignal;
}

export interface ComputeService {
  /** Integer (below 2.53) or UUID (from 2.53), as text; empty while `state` is unknown. */
  readonly id: string;
  readonly host: NovaHost;
  /** Its availability zone; null where Nova does not tell. */
  readonly zone: string | null;
  /**
   * What Nova makes of the heartbeats; always `down` while forced down. `unknown` while Nova cannot reach the
   * database of the service's cell (2.69): such a service is neither known to be up nor down, and Nova then
   * leaves the servers of its host out of every filtered list without saying so.
   */
  readonly state: 'up' | 'down' | 'unknown';
  readonly status: 'enabled' | 'disabled' | 'unknown';
  readonly disabledReason: string | null;
  readonly forcedDown: boolean;
  /**
   * When the service's record was last written, ms since the epoch (Nova keeps whole seconds); null where Nova does
   * not tell. Moves with each report of a running nova-compute, forced down or not (seen on Nova 26), but with every
   * write to the service as well (force down, disable), so that a single move proves nothing: only one that follows
   * no write of ours, or several in a row, mean that nova-compute runs.
   */
  readonly updatedAt: number | null;
}

/** A flavour's size, in the units of Nova's API. */
export interface FlavorSize {
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly rootGb: number;
  readonly ephemeralGb: number;
  readonly swapMb: number;
}

export interface ServerFault {
  readonly message: string;
  /** What the fault means, as far as its message and its details (for administrators) tell. */
  readonly reason: FaultReason | null;
  readonly code: number | null;
  readonly createdAt: number | null;
}

export interface Server {
  readonly id: ServerId;
  /** The id where Nova does not tell the name (cell down). */
  readonly name: string;
  /** `OS-EXT-SRV-ATTR:host`; null where Nova does not tell (cell down, deleted, not scheduled). */
  readonly host: NovaHost | null;
  /** The policy of Nova that hides `host` or `vmState` from this user; absent: neither is hidden. */
  readonly hiddenBy?: string;
  /** The API's status (`ACTIVE`, `SHUTOFF`, `ERROR`, …; `UNKNOWN` while its cell is down). */
  readonly status: string;
  /** `OS-EXT-STS:vm_state` (`active`, `stopped`, `paused`, …); null where Nova does not tell. */
  readonly vmState: string | null;
  /** `OS-EXT-STS:task_state`; null when nothing is under way. */
  readonly taskState: string | null;
  /** `OS-EXT-STS:power_state`: 0 unknown, 1 running, 3 paused, 4 shut down, 6 crashed, 7 suspended. */
  readonly powerState: number | null;
  readonly projectId: string | null;
  /** Null for a server booted from a volume. */
  readonly imageId: string | null;
  readonly flavor: {
    /** Below 2.47. */
    readonly id: string | null;
    /** From 2.47. */
    readonly name: string | null;
    /** From 2.47; null where the policy hides them or the microversion is too low. */
    readonly extraSpecs: Readonly<Record<string, string>> | null;
    /** What it takes of a host, from 2.47; null below. */
    readonly size: FlavorSize | null;
  };
  /** `OS-EXT-AZ:availability_zone`: the zone of its host. */
  readonly availabilityZone: string | null;
  /** Ids of the volumes that are attached to it. */
  readonly volumeIds: readonly string[];
  /** Ids of the server groups it is in, from 2.71 and by `getServer` only: Nova's lists do not tell. Null there. */
  readonly serverGroupIds: readonly string[] | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** From 2.9. */
  readonly locked: boolean | null;
  readonly fault: ServerFault | null;
  readonly updatedAt: number | null;
}

/** One evacuation of one server: Nova's migration record of type `evacuation`. */
export interface Migration {
  /** The record's uuid (2.59) or its number as text. */
  readonly id: string;
  readonly serverId: ServerId;
  /** `accepted`, `pre-migrating`, `done`, `completed`, `error`, `failed`, `cancelled`, … */
  readonly status: string;
  readonly sourceHost: NovaHost;
  readonly destHost: NovaHost | null;
  /**
   * Whether the destination has taken it up (`dest_node` is set). A host that was named is the record's destination from the request
   * on; one that the scheduler refused, or that could not claim the room, never took it up.
   */
  readonly claimed: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/**
 * A move of a server other than an evacuation, as Nova records it: a live migration, a resize, a migration of a server that is off.
 */
export interface Move extends Migration {
  /** `live-migration`, `resize`, `migration`; '' below 2.23, where Nova does not tell. */
  readonly kind: string;
}

/** One step of an action, as whoever took it noted it. */
export interface ActionEvent {
  /** `rebuild_server` of the conductor, `compute_rebuild_instance` of the destination, … */
  readonly event: string;
  readonly startedAt: number;
  /** Null: not finished, or whoever was at it has died. */
  readonly finishedAt: number | null;
  /** `Success`, `Error`; null while it is not finished. */
  readonly result: string | null;
  /** Whose step it was; null below 2.62. */
  readonly host: NovaHost | null;
}

export interface Flavor {
  readonly id: string;
  readonly name: string;
  readonly extraSpecs: Readonly<Record<string, string>>;
}

export interface Image {
  readonly id: string;
  readonly name: string | null;
  readonly tags: readonly string[];
  /** The image's own properties (those that are text). */
  readonly properties: Readonly<Record<string, string>>;
}

/** A volume, as far as the server that boots from it is concerned. */
export interface Volume {
  readonly id: string;
  readonly bootable: boolean;
  /** Ids of the servers it is attached to. */
  readonly serverIds: readonly ServerId[];
  /**
   * What Cinder copied of the image that it was made from (`volume_image_metadata`): the image's properties, and its id and
   * name as `image_id` and `image_name`. Empty for a volume that was made from none.
   */
  readonly imageProperties: Readonly<Record<string, string>>;
}

/** What one compute host has and has given away, as Placement counts: allocation ratios and reserves are in it. */
export interface HostCapacity {
  /** Nova's name of the host. */
  readonly host: NovaHost;
  /** By resource class: `VCPU`, `MEMORY_MB`, `DISK_GB`, …; a class that the host itself does not offer is missing. */
  readonly resources: Readonly<Record<string, { readonly capacity: number; readonly used: number }>>;
  /** Of the host and of what is below it (NUMA nodes, devices): `HW_CPU_X86_AVX2`, `CUSTOM_…`. */
  readonly traits: ReadonlySet<string>;
}

export interface ServerGroup {
  readonly id: string;
  readonly name: string;
  /** `anti-affinity`, `affinity`, `soft-anti-affinity`, `soft-affinity`; '' where Nova does not tell. */
  readonly policy: string;
}

export interface Project {
  readonly id: string;
  readonly name: string;
}

export interface Aggregate {
  readonly id: string;
  readonly name: string;
  readonly availabilityZone: string | null;
  readonly hosts: readonly NovaHost[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Something that was done to a server, or begun: one record of `os-instance-actions`. */
export interface ServerAction {
  /**
   * `create`, `reboot`, `stop`, `start`, `evacuate`, … `resetState` from 23.0 (Wallaby) and 22.2.1 on: before Launchpad 1911924
   * a reset left no record.
   */
  readonly action: string;
  /** Ms since the epoch; Nova keeps whole seconds. */
  readonly startedAt: number;
  /** Who asked for it; null where Nova did it of its own accord, as when it found the guest of an instance off. */
  readonly userId: string | null;
  readonly requestId: string | null;
  /** `Error` once it failed. */
  readonly message: string | null;
}

/** What a request was answered with, where only the fact and the request id matter. */
export interface Accepted {
  readonly requestId: string | null;
}

/** How a server is to be evacuated. */
export interface EvacuateRequest {
  /**
   * `keep`: only onto a host that finds the server's disk on shared storage. Nova checks that on the destination before it
   * touches anything, and fails the evacuation ("Invalid state of instance files on shared storage") where the disk is
   * not there. It is told so (`onSharedStorage`) up to microversion 2.13 only, so the request is sent with 2.13 at most.
   * That goes for the local disks of servers that boot from volumes as well.
   * `either`: where the disk is not found the server is rebuilt from its image, empty; right for servers booted from a
   * volume that have no ephemeral disk, as they lose nothing. From 2.14 on Nova looks for the disk itself; below, `onSharedStorage` is sent as false.
   */
  readonly disk: 'keep' | 'either';
  /**
   * The host to rebuild it on; without it the scheduler chooses. With `either` the scheduler checks it; it is sent from 2.29 on.
   * With `keep` Nova takes it without asking the scheduler (nova/conductor/manager.py, `rebuild_instance`): what Placement has
   * for it, its server group, devices and NUMA nodes are still checked, its zone, aggregates and traits are the caller's.
   */
  readonly host?: NovaHost;
}

/** Evacuations away from a host, or to it. `changedSince` (ms) leaves out what was neither created nor changed since. */
export type EvacuationFilter = ({ readonly sourceHost: NovaHost } | { readonly destHost: NovaHost }) & {
  readonly changedSince?: number;
};

/**
 * The Compute API (and the little of Glance that selecting instances needs) of one cloud, logged in.
 * Every method throws `NovaError` and nothing else for what can go wrong outside this process.
 */
export interface NovaClient {
  /** The microversion negotiated for all calls, e.g. `2.90`; `2.1` where the cloud has nothing newer. */
  readonly microversion: string;
  /** Nova's clock minus ours in ms, taken from the last answer's Date header (resolution 1 s); 0 before the first. */
  readonly clockOffsetMs: number;
  /** Whether any answer has told Nova's time: a proxy may leave that out. */
  readonly isClockKnown: boolean;
  /** Requests sent so far, log-ins and repetitions included: what the benchmark counts. */
  readonly requestCount: number;

  /** All nova-compute services. */
  listComputeServices(options?: CallOptions): Promise<readonly ComputeService[]>;
  /**
   * Idempotent. PUT os-services/{uuid} from 2.53, PUT os-services/force-down by host below. Before 24.0 (Xena) Nova does not
   * refuse to force a host up whose `done` evacuation records remain; the caller looks.
   */
  setForcedDown(service: ComputeService, forcedDown: boolean, options?: CallOptions): Promise<Accepted>;
  /** Idempotent. `disable-log-reason` below 2.53. */
  disableService(service: ComputeService, reason: string, options?: CallOptions): Promise<Accepted>;
  enableService(service: ComputeService, options?: CallOptions): Promise<Accepted>;

  /**
   * Servers of all projects on a host, every page; `limit` ends the list after so many. Faults of servers in
   * ERROR come with the list. Servers of a cell whose database Nova cannot reach are missing without a word:
   * look at the `state` of the host's service before an empty list is taken for an empty host.
   */
  listServers(
    filter: { readonly host: NovaHost; readonly limit?: number },
    options?: CallOptions,
  ): Promise<readonly Server[]>;
  /** Throws `NovaError` with code `notFound` once the server is gone. */
  getServer(id: ServerId, options?: CallOptions): Promise<Server>;
  /**
   * Asks Nova to rebuild a server of a down host elsewhere. NEVER repeated by the client: when the error says
   * `unanswered`, Nova may have carried it out, and the caller has to look before it asks again. A server with a task is
   * refused with code `conflict` by a Nova that has Launchpad 1978983 still (up to 22, and 23 to 25 without their fixes).
   */
  evacuate(serverId: ServerId, request: EvacuateRequest, options?: CallOptions): Promise<Accepted>;

  /**
   * Whether the server's guest runs, as its hypervisor says: Nova asks the nova-compute of the server's host, whatever
   * its own records hold. False for a guest that is off, paused, crashed or not there at all.
   *
   * Ask only while the host's nova-compute runs: Nova waits a minute for one that does not, and the call ends in
   * `timeout` or `serverError`. And read a server's fault first: the answer for a guest that does not run leaves a
   * fault of its own, which Nova then shows instead of the older one.
   */
  isGuestRunning(serverId: ServerId, options?: CallOptions): Promise<boolean>;
  /**
   * The four that follow ask Nova to change a server and do not wait for it: Nova's compute service does the work
   * after the answer. NEVER repeated by the client, as {@link NovaClient.evacuate}. Nova refuses with code `conflict`
   * what the server's state or task does not allow.
   *
   * `HARD` takes the guest off and defines and starts it anew. Nova takes it for a server that is active, stopped,
   * paused, suspended or in error, and also while a hard reboot is under way.
   */
  rebootServer(serverId: ServerId, type: 'HARD', options?: CallOptions): Promise<Accepted>;
  /** Only for a server whose vm_state is `stopped`. */
  startServer(serverId: ServerId, options?: CallOptions): Promise<Accepted>;
  /** Only for a server whose vm_state is `active` or `error`. */
  stopServer(serverId: ServerId, options?: CallOptions): Promise<Accepted>;
  /** Sets vm_state and forgets the task; the guest is not touched. For administrators. */
  resetServerState(serverId: ServerId, state: 'active' | 'error', options?: CallOptions): Promise<Accepted>;
  /** What was done to a server, newest first: the last thousand at most. */
  listActions(serverId: ServerId, options?: CallOptions): Promise<readonly ServerAction[]>;
  /** The steps of one action, oldest first: none has been taken while there are none. */
  listActionEvents(
    serverId: ServerId,
    requestId: string,
    options?: CallOptions,
  ): Promise<readonly ActionEvent[]>;

  /** Evacuation records of all servers that were on a host, or were sent to it, every page, newest last. */
  listEvacuations(filter: EvacuationFilter, options?: CallOptions): Promise<readonly Migration[]>;

  /** Live migrations, resizes and the like of one server, newest last. */
  listMoves(serverId: ServerId, options?: CallOptions): Promise<readonly Move[]>;

  /** All flavours, private ones too, with their extra specs. */
  listFlavors(options?: CallOptions): Promise<readonly Flavor[]>;
  /** Images that bear a tag exactly. */
  listImagesByTag(tag: string, options?: CallOptions): Promise<readonly Image[]>;
  /**
   * Images with a property of this value, hidden ones too. Where Glance's database does not heed letter case (MySQL), a
   * value in another case is found as well; elsewhere it is not.
   */
  listImagesByProperty(name: string, value: string, options?: CallOptions): Promise<readonly Image[]>;
  /** Throws `NovaError` with code `notFound` once the image is gone. */
  getImage(id: string, options?: CallOptions): Promise<Image>;
  /**
   * Volumes of all projects that were made from an image with this property (Cinder's filter `glance_metadata`; `image_id`
   * is a property as well); letter case as in `listImagesByProperty`. Throws `NovaError` with code `noEndpoint` in a cloud
   * without Cinder.
   */
  listVolumesByImageProperty(name: string, value: string, options?: CallOptions): Promise<readonly Volume[]>;
  /**
   * A volume of any project. Throws `NovaError` with code `notFound` once it is gone, `noEndpoint` in a cloud without
   * Cinder.
   */
  getVolume(id: string, options?: CallOptions): Promise<Volume>;
  listAggregates(options?: CallOptions): Promise<readonly Aggregate[]>;
  /**
   * What every compute host has room for, by Placement's own count: the same that Nova's scheduler goes by. A host whose
   * memory is given away to the last megabyte is missing. Two requests.
   */
  listCapacity(options?: CallOptions): Promise<readonly HostCapacity[]>;
  /**
   * Who takes something of a compute host, as Placement has noted it down: ids of instances, and of migrations that keep the
   * room of an instance which is on its way elsewhere. An instance that was evacuated is among them until its old host's
   * nova-compute has started again, and allocations that leaked stay for ever. Null: Placement knows no such host. What Nova's
   * cells hold has no part in it, but for the id of the host's provider. Two requests, three where that id is not told.
   */
  listAllocations(host: NovaHost, options?: CallOptions): Promise<readonly string[] | null>;
  /** Names of all resource providers, compute nodes among them, by Placement: Nova's cells have no part in it. */
  listProviderNames(options?: CallOptions): Promise<readonly string[]>;
  getServerGroup(id: string, options?: CallOptions): Promise<ServerGroup>;
  /** All projects, from Keystone. */
  listProjects(options?: CallOptions): Promise<readonly Project[]>;
}
