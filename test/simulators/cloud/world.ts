import { randomUUID } from 'node:crypto';
import { Allocations } from './allocations.ts';
import type { Clock } from './clock.ts';
import { Conductor } from './conductor.ts';
import { type Author, Guests } from './guests.ts';
import { defaultKnobs, type Knobs, withKnobs } from './knobs.ts';
import {
  type Action,
  type Aggregate,
  badRequest,
  brokenOff,
  conflict,
  type EvacuateWish,
  type Flavor,
  type Host,
  type Image,
  type LostDisk,
  type Migration,
  noSuchServer,
  notFound,
  type Resources,
  type Server,
  type ServerGroup,
  type Volume,
} from './model.ts';
import { Moves } from './moves.ts';
import { Observer } from './observer.ts';
import { Scheduler } from './scheduler.ts';

/** Who asks, as far as the world has to remember it. */
export interface Requester extends Author {
  readonly userId: string;
  readonly projectId: string;
  readonly requestId: string;
}

/** How a server is wished for; everything but its host has a default. */
export interface ServerWish {
  readonly id?: string;
  readonly name?: string;
  readonly host: string | null;
  /** `active`, `stopped`, `paused`, `suspended`, `rescued`, `resized`, `error`, … */
  readonly vmState?: string;
  readonly taskState?: string | null;
  /** Null: it boots from a volume, which is made for it. */
  readonly imageId?: string | null;
  /** Image that its boot volume was made from. */
  readonly volumeImageId?: string;
  readonly flavorId?: string;
  /** The availability zone it is bound to. */
  readonly pinnedZone?: string;
  readonly groupId?: string;
  readonly projectId?: string;
  readonly metadata?: Record<string, string>;
  readonly locked?: boolean;
  readonly reservationId?: string;
}

const powerStates: Readonly<Record<string, number>> = {
  active: 1,
  rescued: 1,
  resized: 1,
  paused: 3,
  stopped: 4,
  suspended: 4,
  building: 0,
};

/** Instances that have a running guest on their host. */
const running = new Set(['active', 'paused', 'rescued', 'resized', 'error']);
/** Instances that are on no host. */
const hostless = new Set(['shelved_offloaded']);
/** A reason that the agents leave when they disable a host; theirs is to enable it again. */
const ownReason = /^Pacemaker fenced this host at /;

/**
 * The cloud itself: hosts, servers, evacuation records and what becomes of them in time. It knows nothing of HTTP;
 * what Nova's API would refuse is thrown as ApiError.
 */
export class World {
  readonly clock: Clock;
  readonly knobs: Knobs;
  readonly observer: Observer;
  readonly conductor: Conductor;
  readonly guests: Guests;
  readonly moves: Moves;
  readonly allocations = new Allocations();
  readonly scheduler: Scheduler;
  readonly hosts = new Map<string, Host>();
  /** Newest last, as they were made. */
  readonly servers = new Map<string, Server>();
  readonly migrations: Migration[] = [];
  readonly flavors = new Map<string, Flavor>();
  readonly images = new Map<string, Image>();
  readonly volumes = new Map<string, Volume>();
  readonly groups = new Map<string, ServerGroup>();
  readonly aggregates: Aggregate[] = [];
  /** Disks that were rebuilt from their image because the new host did not find them. */
  readonly disksLost: LostDisk[] = [];
  /**
   * Where Nova's API breaks off an evacuation that it has begun, and answers 500: its database or message bus fails right before
   * the request is noted as an action, before its record is written, or before the conductor is told. Null: it does not.
   */
  breaksOff: () => 'action' | 'record' | 'cast' | null = () => null;
  /** The same records as `migrations`, by server. */
  /** What nova-computes that hang will do once they are thawed, by host. */
  readonly #late = new Map<string, { readonly life: number; readonly action: () => void }[]>();
  readonly #migrationsOf = new Map<string, Migration[]>();
  readonly #groupOf = new Map<string, ServerGroup>();
  readonly #volumesOf = new Map<string, readonly Volume[]>();
  #numbers = { service: 3, server: 0, migration: 0, flavor: 0, aggregate: 0 };

  constructor(clock: Clock, knobs: Partial<Knobs> = {}) {
    this.clock = clock;
    this.knobs = withKnobs(defaultKnobs, knobs);
    this.observer = new Observer(this);
    this.scheduler = new Scheduler(this);
    this.conductor = new Conductor(this);
    this.guests = new Guests(this);
    this.moves = new Moves(this);
  }

  // ---- making things ---------------------------------------------------------------------------------------

  addHost(name: string, options: { zone?: string } & Partial<Resources> = {}): Host {
    if (this.hosts.has(name)) throw new Error(`There is a host "${name}" already.`);
    this.#numbers.service += 1;
    const now = this.clock.now();
    const host: Host = {
      name,
      serviceNumber: this.#numbers.service,
      serviceId: randomUUID(),
      hypervisorNumber: this.#numbers.service - 3,
      hypervisorId: randomUUID(),
      zone: options.zone ?? this.#aggregateZone(name) ?? 'nova',
      disabled: false,
      disabledTrait: false,
      disabledReason: null,
      forcedDown: false,
      alive: true,
      stuck: false,
      powered: true,
      life: 0,
      lastSeen: now,
      readyAt: now - this.knobs.firstReport,
      changedAt: now,
      forcedUpAt: 0,
      spawn: null,
      spawnFail: false,
      rebootFail: false,
      spawnLimit: null,
      sharedStorage: null,
      capacity: {
        VCPU: options.VCPU ?? 16_000,
        MEMORY_MB: options.MEMORY_MB ?? 800_000,
        DISK_GB: options.DISK_GB ?? 600_000,
      },
      domains: new Map(),
    };
    this.hosts.set(name, host);
    return host;
  }

  addFlavor(
    name: string,
    options: {
      id?: string;
      extraSpecs?: Record<string, string>;
      isPublic?: boolean;
      memoryMb?: number;
      vcpus?: number;
      diskGb?: number;
      ephemeralGb?: number;
      swapMb?: number;
    } = {},
  ): Flavor {
    this.#numbers.flavor += 1;
    const flavor: Flavor = {
      id: options.id ?? String(this.#numbers.flavor),
      name,
      memoryMb: options.memoryMb ?? 128,
      vcpus: options.vcpus ?? 1,
      diskGb: options.diskGb ?? 1,
      ephemeralGb: options.ephemeralGb ?? 0,
      swapMb: options.swapMb ?? 0,
      isPublic: options.isPublic ?? true,
      extraSpecs: options.extraSpecs ?? {},
    };
    this.flavors.set(flavor.id, flavor);
    return flavor;
  }

  addImage(name: string, options: Partial<Omit<Image, 'name' | 'createdAt'>> = {}): Image {
    const image: Image = {
      id: options.id ?? randomUUID(),
      name,
      tags: options.tags ?? [],
      properties: options.properties ?? {},
      hidden: options.hidden ?? false,
      visibility: options.visibility ?? 'public',
      owner: options.owner ?? 'admin',
      createdAt: this.clock.now(),
    };
    this.images.set(image.id, image);
    return image;
  }

  addAggregate(
    name: string,
    options: { zone?: string; hosts?: string[]; metadata?: Record<string, string> },
  ): Aggregate {
    this.#numbers.aggregate += 1;
    const aggregate: Aggregate = {
      number: this.#numbers.aggregate,
      id: randomUUID(),
      name,
      zone: options.zone ?? null,
      hosts: options.hosts ?? [],
      metadata: options.metadata ?? {},
      createdAt: this.clock.now(),
    };
    this.aggregates.push(aggregate);
    // A host is in the zone of its aggregate.
    if (aggregate.zone !== null) {
      for (const name of aggregate.hosts) {
        const host = this.hosts.get(name);
        if (host !== undefined) host.zone = aggregate.zone;
      }
    }
    return aggregate;
  }

  addToAggregate(aggregate: Aggregate, host: Host): void {
    if (!aggregate.hosts.includes(host.name)) aggregate.hosts.push(host.name);
    if (aggregate.zone !== null) host.zone = aggregate.zone;
  }

  removeFromAggregate(aggregate: Aggregate, host: Host): void {
    aggregate.hosts = aggregate.hosts.filter((name) => name !== host.name);
    if (aggregate.zone !== null) host.zone = this.#aggregateZone(host.name) ?? 'nova';
  }

  #aggregateZone(host: string): string | undefined {
    return (
      this.aggregates.find(({ zone, hosts }) => zone !== null && hosts.includes(host))?.zone ?? undefined
    );
  }

  addGroup(
    name: string,
    policy: string,
    options: Partial<Pick<ServerGroup, 'id' | 'maxPerHost' | 'projectId' | 'userId'>> = {},
  ): ServerGroup {
    const group: ServerGroup = {
      id: options.id ?? randomUUID(),
      name,
      policy,
      maxPerHost: options.maxPerHost ?? null,
      projectId: options.projectId ?? 'admin',
      userId: options.userId ?? 'admin',
      members: new Set(),
    };
    this.groups.set(group.id, group);
    return group;
  }

  deleteGroup(group: ServerGroup): void {
    this.groups.delete(group.id);
    for (const id of group.members) this.#groupOf.delete(id);
  }

  addVolume(
    name: string,
    options: Partial<Omit<Volume, 'name' | 'serverIds' | 'createdAt' | 'imageMetadata'>> & {
      imageId?: string;
      imageMetadata?: Readonly<Record<string, string>>;
      serverIds?: readonly string[];
    } = {},
  ): Volume {
    const image = options.imageId === undefined ? undefined : this.images.get(options.imageId);
    const copied =
      image === undefined ? {} : { image_id: image.id, image_name: image.name, ...image.properties };
    const volume: Volume = {
      id: options.id ?? randomUUID(),
      name,
      sizeGb: options.sizeGb ?? 1,
      bootable: options.bootable ?? image !== undefined,
      projectId: options.projectId ?? 'admin',
      imageMetadata: { ...copied, ...options.imageMetadata },
      serverIds: new Set(options.serverIds),
      createdAt: this.clock.now(),
    };
    this.volumes.set(volume.id, volume);
    for (const id of volume.serverIds) this.#volumesOf.set(id, [...this.volumesOf(id), volume]);
    return volume;
  }

  addServer(wish: ServerWish): Server {
    const flavorId = wish.flavorId ?? this.flavors.keys().next().value ?? '1';
    const flavor = this.flavors.get(flavorId);
    if (flavor === undefined) throw notFound(`Flavor ${flavorId} could not be found.`);
    if (wish.host !== null && !this.hosts.has(wish.host)) {
      throw badRequest(`Compute host ${wish.host} could not be found.`);
    }
    const group = wish.groupId === undefined ? undefined : this.groups.get(wish.groupId);
    if (wish.groupId !== undefined && group === undefined) {
      throw badRequest(`Server group ${wish.groupId} could not be found.`);
    }
    this.#numbers.server += 1;
    const now = this.clock.now();
    const vmState = wish.vmState ?? 'active';
    const server: Server = {
      id: wish.id ?? randomUUID(),
      number: this.#numbers.server,
      name: wish.name ?? `vm-${this.#numbers.server}`,
      projectId: wish.projectId ?? 'admin',
      userId: 'admin',
      host: hostless.has(vmState) ? null : wish.host,
      vmState,
      taskState: wish.taskState ?? null,
      powerState: powerStates[vmState] ?? 1,
      imageId: wish.imageId === undefined ? (this.images.keys().next().value ?? null) : wish.imageId,
      flavorId,
      flavor,
      metadata: wish.metadata ?? {},
      locked: wish.locked ?? false,
      zone: (wish.host === null ? undefined : this.hosts.get(wish.host)?.zone) ?? 'nova',
      pinnedZone: wish.pinnedZone ?? null,
      reservationId: wish.reservationId ?? `r-${randomUUID().slice(0, 8)}`,
      createdAt: now,
      updatedAt: now,
      launchedAt: vmState === 'building' ? null : now,
      fault: null,
      actions: [],
    };
    if (vmState === 'error') {
      server.fault = { code: 500, message: 'Seeded in error.', details: '', created: now };
    }
    this.servers.set(server.id, server);
    this.#settle(server, group, wish.volumeImageId);
    return server;
  }

  /** The server takes its place: on its host, in its group, on its volume. */
  #settle(server: Server, group: ServerGroup | undefined, volumeImageId: string | undefined): void {
    if (server.host !== null) {
      const host = this.host(server.host);
      host.domains.set(server.id, running.has(server.vmState));
      this.allocations.add(host, server);
    }
    if (group !== undefined) {
      group.members.add(server.id);
      this.#groupOf.set(server.id, group);
    }
    if (server.imageId !== null) return;
    this.addVolume('', {
      sizeGb: server.flavor.diskGb,
      bootable: true,
      projectId: server.projectId,
      serverIds: [server.id],
      ...(volumeImageId === undefined ? {} : { imageId: volumeImageId }),
    });
  }

  /** A new server finds its host, or ends in ERROR on none. */
  boot(server: Server, named?: string): void {
    const choice = this.scheduler.choose(server, named === undefined ? {} : { named });
    server.taskState = null;
    this.touch(server);
    if ('refusal' in choice) {
      server.vmState = 'error';
      server.fault = { code: 500, message: choice.refusal, details: '', created: this.clock.now() };
      return;
    }
    const { host } = choice;
    this.allocations.add(host, server);
    server.host = host.name;
    server.zone = host.zone;
    server.vmState = 'active';
    server.powerState = 1;
    server.launchedAt = this.clock.now();
    this.spawnDomain(server, host);
  }

  // ---- looking at things -----------------------------------------------------------------------------------

  host(name: string): Host {
    const host = this.hosts.get(name);
    if (host === undefined) throw notFound(`Compute host ${name} could not be found.`);
    return host;
  }

  /** By id or, for tests, by name. */
  findServer(idOrName: string): Server | undefined {
    const byId = this.servers.get(idOrName);
    if (byId !== undefined) return byId;
    for (const server of this.servers.values()) if (server.name === idOrName) return server;
    return undefined;
  }

  server(id: string): Server {
    const server = this.servers.get(id);
    if (server === undefined) throw noSuchServer(id);
    return server;
  }

  /** What Nova makes of a host's reports; forced down it never is up. */
  isUp(host: Host): boolean {
    if (host.forcedDown) return false;
    const report = this.lastReport(host);
    // Seen on Nova 26: just forced up, it may stay down until the next report.
    if (report < host.forcedUpAt) return false;
    return this.#reports(host) || this.clock.now() - report <= this.knobs.serviceDownTime;
  }

  serves(host: Host): boolean {
    return host.alive && this.clock.now() >= host.readyAt;
  }

  #reports(host: Host): boolean {
    return host.alive && this.clock.now() >= host.readyAt + this.knobs.firstReport;
  }

  /** When its nova-compute reported last: forced down or not makes no difference. */
  lastReport(host: Host): number {
    if (!this.#reports(host)) return host.lastSeen;
    const { firstReport, reportInterval } = this.knobs;
    const first = host.readyAt + firstReport;
    return first + Math.floor((this.clock.now() - first) / reportInterval) * reportInterval;
  }

  migrationsOf(serverId: string): readonly Migration[] {
    return this.#migrationsOf.get(serverId) ?? [];
  }

  groupOf(serverId: string): ServerGroup | undefined {
    return this.#groupOf.get(serverId);
  }

  volumesOf(serverId: string): readonly Volume[] {
    return this.#volumesOf.get(serverId) ?? [];
  }

  /** Whether the disk of a server is held open by a guest on another host, and is locked against a second one (`diskLocks`). */
  isLocked(server: Server, on: Host): boolean {
    if (!this.knobs.diskLocks || !this.findsDisks(on)) return false;
    return [...this.hosts.values()].some(
      (host) => host !== on && host.powered && host.domains.get(server.id) === true,
    );
  }

  /** Whether a host finds the disks that an instance had on another one. */
  findsDisks(host: Host): boolean {
    return host.sharedStorage ?? this.knobs.sharedStorage;
  }

  // ---- the lives of hosts ----------------------------------------------------------------------------------

  /**
   * A nova-compute dies (with `power: false` the whole machine, guests included). Evacuations it was receiving are
   * never finished: their records stay pre-migrating for ever, as with the real one.
   */
  killCompute(name: string, options: { power?: boolean } = {}): void {
    const host = this.host(name);
    host.lastSeen = this.lastReport(host);
    host.alive = false;
    host.stuck = false;
    host.life += 1;
    if (options.power === false) {
      host.powered = false;
      for (const id of host.domains.keys()) host.domains.set(id, false);
    }
    this.conductor.targetDied(host);
  }

  /**
   * A nova-compute hangs: it neither reports nor answers, and goes on where it was when it is thawed. What it works on it
   * finishes all the same, unless it hangs `inMidWork`.
   */
  freezeCompute(name: string, { inMidWork = false } = {}): void {
    const host = this.host(name);
    host.stuck = inMidWork;
    host.lastSeen = this.lastReport(host);
    host.alive = false;
  }

  thawCompute(name: string): void {
    const host = this.host(name);
    host.alive = true;
    host.stuck = false;
    // What was sent to it meanwhile lies in its queue.
    if (this.serves(host)) this.conductor.targetStarted(host);
    const late = this.#late.get(name) ?? [];
    this.#late.delete(name);
    for (const { life, action } of late) if (host.life === life) action();
  }

  /** The machine is powered (again): its guests are off, and its nova-compute does not run until it is started. */
  bootMachine(name: string): void {
    this.killCompute(name, { power: false });
    this.host(name).powered = true;
  }

  /**
   * nova-compute comes (back) up. As Nova 26 does (nova/compute/manager.py, init_host), it destroys the guests that are
   * or were being evacuated, then completes the newest record of each; only then it answers, and soon reports.
   */
  startCompute(name: string): void {
    const host = this.host(name);
    if (host.alive) return;
    for (const server of this.conductor.inFlightFrom(name)) {
      this.observer.record(
        'I3',
        name,
        server.id,
        `nova-compute was started on ${name} while ${server.name} was being evacuated from it.`,
      );
    }
    host.lastSeen = this.lastReport(host);
    this.#late.delete(name);
    host.alive = true;
    host.powered = true;
    host.life += 1;
    host.readyAt = Number.POSITIVE_INFINITY;
    this.inLifeOf(host, this.knobs.startup, () => {
      const evacuated = this.#evacuatedFrom(name);
      for (const id of [...host.domains.keys()]) {
        if (evacuated.has(id) || !this.servers.has(id)) host.domains.delete(id);
      }
      this.inLifeOf(host, this.knobs.cleanup * evacuated.size, () => {
        for (const migration of evacuated.values()) {
          this.conductor.setStatus(migration, 'completed');
          // Until now Placement counted it against both hosts.
          if (this.servers.get(migration.serverId)?.host !== name) {
            this.allocations.remove(name, migration.serverId);
          }
        }
        host.disabledTrait = host.disabled;
        host.readyAt = this.clock.now();
        this.guests.initialise(host, evacuated);
        this.conductor.targetStarted(host);
      });
    });
  }

  /** Runs `action` later, unless the host's nova-compute has ended or was started anew by then. One that hangs is late. */
  inLifeOf(host: Host, ms: number, action: () => void): void {
    const { life } = host;
    this.clock.after(ms, () => {
      if (host.life !== life) return;
      if (host.alive) action();
      else this.whenThawed(host, action);
    });
  }

  /** What a nova-compute that hangs was about to do, or is told meanwhile, it does once it is thawed; one that ends never does. */
  whenThawed(host: Host, action: () => void): void {
    this.#late.set(host.name, [...(this.#late.get(host.name) ?? []), { life: host.life, action }]);
  }

  /** The newest record that is not over yet of every server that is or was being evacuated from the host. */
  #evacuatedFrom(name: string): Map<string, Migration> {
    const open = ['accepted', 'pre-migrating', 'done'];
    return new Map(
      this.migrations
        .filter(
          ({ sourceHost, status, type }) =>
            type === 'evacuation' && sourceHost === name && open.includes(status),
        )
        .map((migration) => [migration.serverId, migration]),
    );
  }

  setForcedDown(host: Host, forcedDown: boolean): void {
    if (!forcedDown) {
      const done = this.migrations.filter(
        (m) => m.type === 'evacuation' && m.sourceHost === host.name && m.status === 'done',
      );
      if (done.length > 0 && !this.knobs.forcesUpEarly) {
        throw badRequest(
          `Unable to force up host ${host.name} as \`done\` evacuation migration records remain associated with ` +
            'the host. Ensure the compute service has been restarted, allowing these records to move to ' +
            '`completed` before retrying this request.',
        );
      }
      if (host.forcedDown) {
        for (const { serverId } of done) {
          this.observer.record(
            'I3',
            host.name,
            serverId,
            `forced_down of ${host.name} was cleared before its nova-compute had cleaned up ${serverId}, which was evacuated from it.`,
          );
        }
        for (const server of this.conductor.inFlightFrom(host.name)) {
          this.observer.record(
            'I3',
            host.name,
            server.id,
            `forced_down of ${host.name} was cleared while ${server.name} was being evacuated from it.`,
          );
        }
      }
    }
    const now = this.clock.now();
    if (host.forcedDown && !forcedDown) host.forcedUpAt = now;
    host.forcedDown = forcedDown;
    host.changedAt = now;
  }

  setDisabled(host: Host, disabled: boolean, reason: string | null): void {
    const theirs = host.disabledReason !== null && !ownReason.test(host.disabledReason);
    if (host.disabled && !disabled && theirs) {
      this.observer.record(
        'I7',
        host.name,
        null,
        `${host.name} was enabled although somebody had disabled it: ${host.disabledReason}`,
      );
    }
    host.disabled = disabled;
    if (this.serves(host)) host.disabledTrait = disabled;
    host.disabledReason = disabled ? reason : null;
    host.changedAt = this.clock.now();
  }

  // ---- the lives of servers --------------------------------------------------------------------------------

  /** Accepts or refuses an evacuation exactly as Nova's API does, and sets it going. */
  evacuate(server: Server, wish: EvacuateWish, by: Requester): void {
    const source = server.host;
    this.#observeEvacuate(server);
    this.observer.evacuating(server, by.requestId);
    if (wish.host !== undefined && !this.hosts.has(wish.host)) {
      throw notFound(`Compute host ${wish.host} not found.`);
    }
    // Of a server that is on no host, such as a shelved one, Nova says the same when no host is named.
    if (source === null || source === wish.host) throw badRequest("The target host can't be the same one.");
    if (!['active', 'stopped', 'error'].includes(server.vmState)) {
      throw conflict(`Cannot 'evacuate' instance ${server.id} while it is in vm_state ${server.vmState}`);
    }
    if (this.knobs.evacuateRefusesTasks && server.taskState !== null) {
      throw conflict(`Cannot 'evacuate' instance ${server.id} while it is in task_state ${server.taskState}`);
    }
    if (this.isUp(this.host(source))) {
      throw badRequest(`Compute service of ${source} is still in use.`);
    }
    // In the order of nova/compute/api.py, evacuate; nothing takes back what was written.
    const breaksBefore = this.breaksOff();
    server.taskState = 'rebuilding';
    this.touch(server);
    if (breaksBefore === 'action') throw brokenOff();
    const action = this.recordAction(server, 'evacuate', by);
    if (breaksBefore === 'record') throw brokenOff();
    this.#numbers.migration += 1;
    const migration: Migration = {
      number: this.#numbers.migration,
      id: randomUUID(),
      serverId: server.id,
      type: 'evacuation',
      sourceHost: source,
      destHost: wish.host ?? null,
      claimed: false,
      status: 'accepted',
      createdAt: this.clock.now(),
      updatedAt: null,
      userId: server.userId,
      projectId: server.projectId,
    };
    this.#keep(migration);
    if (breaksBefore === 'cast') throw brokenOff();
    this.conductor.evacuate(server, migration, action, wish);
  }

  /** A record of a live migration or a resize (moves.ts). */
  addMove(server: Server, move: Pick<Migration, 'type' | 'destHost' | 'status'>): Migration {
    this.#numbers.migration += 1;
    const now = this.clock.now();
    const migration: Migration = {
      ...move,
      number: this.#numbers.migration,
      id: randomUUID(),
      serverId: server.id,
      sourceHost: server.host ?? '',
      claimed: true,
      createdAt: now,
      updatedAt: now,
      userId: server.userId,
      projectId: server.projectId,
    };
    this.#keep(migration);
    return migration;
  }

  #keep(migration: Migration): void {
    this.migrations.push(migration);
    const records = this.#migrationsOf.get(migration.serverId);
    if (records === undefined) this.#migrationsOf.set(migration.serverId, [migration]);
    else records.push(migration);
  }

  #observeEvacuate(server: Server): void {
    const host = server.host === null ? undefined : this.hosts.get(server.host);
    if (host === undefined) return;
    if (this.conductor.isLive(server.id)) {
      this.observer.record(
        'I2',
        host.name,
        server.id,
        `A second evacuation of ${server.name} was requested while one was in flight.`,
      );
    }
    if (!this.isUp(host)) return;
    const arrived = this.migrationsOf(server.id).some(
      (m) => m.destHost === host.name && ['done', 'completed'].includes(m.status),
    );
    this.observer.record(
      arrived ? 'I2' : 'I1',
      host.name,
      server.id,
      arrived
        ? `An evacuation of ${server.name} was requested although it had already arrived on ${host.name}.`
        : `An evacuation of ${server.name} was requested although ${host.name} is up.`,
    );
  }

  recordAction(server: Server, action: string, by: Author): Action {
    const now = this.clock.now();
    const entry: Action = {
      action,
      requestId: by.requestId,
      userId: by.userId,
      projectId: by.projectId,
      startedAt: now,
      updatedAt: now,
      message: null,
      steps: [],
    };
    server.actions.push(entry);
    return entry;
  }

  /** Gone at once, as Nova deletes locally when the host is down; its records are deleted with it. */
  deleteServer(server: Server): void {
    this.observer.noteArrivals();
    this.conductor.forget(server);
    this.servers.delete(server.id);
    this.allocations.removeAll(server.id);
    this.#groupOf.get(server.id)?.members.delete(server.id);
    this.#groupOf.delete(server.id);
    for (const volume of this.volumesOf(server.id)) volume.serverIds.delete(server.id);
    this.#volumesOf.delete(server.id);
    this.#migrationsOf.delete(server.id);
    for (let i = this.migrations.length - 1; i >= 0; i -= 1) {
      if (this.migrations[i]?.serverId === server.id) this.migrations.splice(i, 1);
    }
    const host = server.host === null ? undefined : this.hosts.get(server.host);
    if (host?.alive) host.domains.delete(server.id);
  }

  /** A guest starts on a host: the moment in which it may come to run twice. */
  spawnDomain(server: Server, on: Host): void {
    for (const other of this.hosts.values()) {
      if (other !== on && other.powered && other.domains.get(server.id) === true) {
        this.observer.record(
          'twice',
          on.name,
          server.id,
          `${server.name} was started on ${on.name} while it still ran on ${other.name}.`,
        );
      }
    }
    on.domains.set(server.id, true);
  }

  touch(server: Server): void {
    server.updatedAt = this.clock.now();
  }
}
