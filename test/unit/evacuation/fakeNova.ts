import {
  type Aggregate,
  type CallOptions,
  type ComputeService,
  type EvacuateRequest,
  type Flavor,
  type FlavorSize,
  type HostCapacity,
  type Image,
  type Migration,
  type NovaClient,
  NovaError,
  type Project,
  type Server,
  type ServerAction,
  type ServerGroup,
  type Volume,
} from '@openstack-ts/nova-client';
import type { Process, VirtualTime } from './virtualTime.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export interface FakeHost {
  readonly name: string;
  powered: boolean;
  /** nova-compute reports and works. One that does not, on a host with power, goes on where it was once it does. */
  alive: boolean;
  lastSeen: number;
  /** The process nova-compute is there, whether it works yet (`alive`) or not; what the machine itself sees. */
  computeRuns: boolean;
  /** Counts the processes: what one has begun ends with it. */
  computeLife: number;
  /** When its first report was, on our clock; the others follow every `reportMs`. */
  reportsFrom: number;
  /** The last one of a nova-compute that does not report any more. */
  lastReport: number;
  /** When Nova last wrote its service for another reason than a report. */
  writtenAt: number;
  /** Power is back after it was lost, and it has not been released since: what ran there does not. */
  returned: boolean;
  /** Nova takes it for down until the first report after this. */
  heardAfter: number;
  forcedDown: boolean;
  enabled: boolean;
  disabledReason: string | null;
  /** Every spawn here fails. */
  refuses: boolean;
  /** What Placement counts as its own, allocation ratios and reserves included. */
  room: { vcpus: number; memoryMb: number };
  /** It does not see the storage that the others share: a mount is missing. */
  lacksDisks: boolean;
}

/** What an instance takes unless its test says otherwise. */
const smallSize: FlavorSize = { vcpus: 1, memoryMb: 512, rootGb: 1, ephemeralGb: 0, swapMb: 0 };

interface Instance {
  readonly server: Writable<Server>;
  /** Where a guest with this instance's disk runs or may run. */
  readonly copies: Set<string>;
  job: Job | null;
  /** What was done to it, newest first. */
  readonly actions: ServerAction[];
  /** When it was last asked to reboot. */
  bootedAt?: number;
}

interface Job {
  readonly record: Writable<Migration>;
  readonly instance: Instance;
  readonly source: string;
  /** The target that was named. */
  readonly wanted: string | null;
  readonly disk: EvacuateRequest['disk'];
  over: boolean;
}

export interface Call {
  readonly method: string;
  /** Server or host the call is about. */
  readonly about: string;
  /** How many calls of this method there were before. */
  readonly index: number;
}

export type Fault =
  /** An error instead of an answer; nothing is done. */
  | { readonly kind: 'refuse'; readonly error: NovaError }
  /** No answer ever; done after `ms`, or never. */
  | { readonly kind: 'hang'; readonly doneAfterMs: number | null }
  /** The connection breaks; done after `ms`, or never. */
  | { readonly kind: 'reset'; readonly doneAfterMs: number | null }
  | { readonly kind: 'slow'; readonly ms: number };

/** Nova takes a service for down when it was silent this long. */
const serviceDownMs = 10_000;
/** Tasks under which a guest is being switched on. */
const startingTasks = ['rebooting_hard', 'reboot_started_hard', 'powering-on'];
/** Who asks Nova in these tests. */
const agentUser = 'the-agents';
const ownerUser = 'the-owner';
/** The client's own bound of one request. */
const requestTimeoutMs = 60_000;

/**
 * Nova in memory, as far as evacuating goes, behaving as it was observed to: records that lag behind, whole seconds,
 * an instance that reads ACTIVE on its old host while its record is pre-migrating, a second evacuation answered 200
 * and wrecking the instance. It also keeps book of every request to evacuate, and of what must never happen.
 */
export class FakeNova {
  readonly hosts = new Map<string, FakeHost>();
  readonly instances = new Map<string, Instance>();
  readonly records: Writable<Migration>[] = [];
  /** Null: the read fails with 403. */
  flavors: Flavor[] | null = [];
  images: Image[] | null = [];
  volumes: Volume[] | null = [];
  aggregates: Aggregate[] | null = [];
  projects: Project[] | null = [];
  serverGroups: ServerGroup[] = [];
  /** Without it asking for volumes is `noEndpoint`. */
  hasCinder = true;
  /** What asking for the hosts' free room comes to instead of an answer. */
  capacityRefusal: 'noEndpoint' | 'forbidden' | null = null;
  /** Whether the disks of instances that boot from an image lie where all hosts see them. */
  sharedStorage = true;
  /** An older Nova: evacuates nothing that has a task. */
  refusesTasks = false;
  /** The operator wants instances back without their disks (`no_shared_storage`). */
  mayLoseDisks = false;
  /** Instances that were rebuilt empty; unless `mayLoseDisks` each is a violation as well. */
  readonly disksLost: string[] = [];
  /** Nova's clock minus the agents'. */
  skewMs = 0;
  /** The database of the cell cannot be reached. */
  cellDown = false;
  /** Requests are accepted and wait for it. */
  conductorUp = true;
  fault: (call: Call) => Fault | null = () => null;
  /** How often a nova-compute reports. */
  reportMs = 10_000;
  /** From the start of a nova-compute to the end of its clean-up, and its first report. */
  initMs: () => number = () => 2_000;
  /** After forced_down is gone Nova waits for the next report before it takes the service for up. */
  upWithNextReport = true;
  /** How long after its start, and then how often, a nova-compute compares Nova's power states with its guests; 0: never. */
  powerSyncMs = 0;
  /** How long it takes to switch a guest on or off. */
  powerMs: () => number = () => 1_500;
  /** Guests that do not come up, whatever is asked. */
  readonly broken = new Set<string>();
  /** Whether a host bears a pending mark: what the checker of I1 asks. */
  isMarked: (host: string) => boolean = () => true;
  /** Called for each request to evacuate, when it is sent. */
  onEvacuate: (id: string) => void = () => undefined;
  readonly violations: string[] = [];
  /** Instances that were in ERROR: Nova does not know any more whether their guests were on or off. */
  readonly failed = new Set<string>();
  /** Requests to evacuate by instance, as they were sent. */
  readonly asked = new Map<string, number[]>();
  readonly calls: string[] = [];
  inFlightMax = 0;
  readonly #time: VirtualTime;
  readonly #random: () => number;
  readonly #counts = new Map<string, number>();
  /** Placement's allocations: which instances have a share of a host. */
  readonly #allocations = new Map<string, Set<string>>();

  constructor(time: VirtualTime, random: () => number, hosts: readonly string[]) {
    this.#time = time;
    this.#random = random;
    for (const name of hosts) {
      this.hosts.set(name, {
        name,
        powered: true,
        alive: true,
        lastSeen: time.now(),
        computeRuns: true,
        computeLife: 0,
        reportsFrom: time.now(),
        lastReport: time.now(),
        writtenAt: 0,
        returned: false,
        heardAfter: 0,
        forcedDown: false,
        enabled: true,
        disabledReason: null,
        refuses: false,
        room: { vcpus: 1_000, memoryMb: 1_000_000 },
        lacksDisks: false,
      });
      this.#allocations.set(name, new Set());
    }
  }

  host(name: string): FakeHost {
    const host = this.hosts.get(name);
    if (host === undefined) throw new Error(`the test knows no host ${name}`);
    return host;
  }

  boot(id: string, host: string, more: Partial<Server> = {}): void {
    const long = this.#second() - 3_600_000;
    const actions: ServerAction[] = [action('create', long, ownerUser)];
    if (more.vmState === 'stopped') actions.unshift(action('stop', long + 60_000, ownerUser));
    this.#allocations.get(more.host === undefined ? host : (more.host ?? ''))?.add(id);
    this.instances.set(id, {
      actions,
      server: {
        id,
        name: `name-of-${id}`,
        host,
        status: 'ACTIVE',
        vmState: 'active',
        taskState: null,
        powerState: 1,
        projectId: 'p',
        imageId: 'image',
        flavor: { id: null, name: 'small', extraSpecs: {}, size: smallSize },
        availabilityZone: 'nova',
        volumeIds: [],
        serverGroupIds: [],
        metadata: {},
        locked: false,
        fault: null,
        updatedAt: this.#second() - 3_600_000,
        ...more,
      },
      copies: new Set(more.vmState === 'stopped' ? [] : [host]),
      job: null,
    });
  }

  instance(id: string): Instance {
    const instance = this.instances.get(id);
    if (instance === undefined) throw new Error(`the test knows no instance ${id}`);
    return instance;
  }

  /** The host loses its power: whatever ran there does not any more, and what it had begun is never finished. */
  powerOff(name: string): void {
    const host = this.host(name);
    host.powered = false;
    this.silence(name);
    host.computeRuns = false;
    host.computeLife += 1;
    for (const instance of this.instances.values()) {
      instance.copies.delete(name);
      if (instance.job?.record.destHost === name) instance.job.over = true;
    }
  }

  /** nova-compute stops reporting and working, while guests run on: a hung process, a cut cable. */
  silence(name: string): void {
    const host = this.host(name);
    this.#endReports(host);
    host.alive = false;
  }

  /** nova-compute works again. */
  wake(name: string): void {
    const host = this.host(name);
    host.powered = true;
    host.alive = true;
    host.computeRuns = true;
    host.reportsFrom = this.#time.now();
  }

  forceDown(name: string): void {
    this.host(name).forcedDown = true;
  }

  /** The machine boots: its guests are off, and Nova's database says what it said before. */
  powerOn(name: string): void {
    const host = this.host(name);
    if (host.powered) return;
    host.powered = true;
    host.returned = true;
  }

  /**
   * nova-compute is started: it destroys what was evacuated, then completes the records, and only then reports
   * (nova/compute/manager.py, init_host). `guarded`: by an agent, which has to know that it is safe.
   */
  startCompute(name: string, guarded = true): void {
    const host = this.host(name);
    if (!host.powered || host.computeRuns) return;
    host.computeRuns = true;
    host.computeLife += 1;
    const life = host.computeLife;
    if (guarded) this.#mustHaveNoneInFlight(name, 'nova-compute was started');
    const ours = this.records.filter(
      ({ sourceHost, status }) =>
        sourceHost === name && ['accepted', 'pre-migrating', 'done'].includes(status),
    );
    this.#inLife(host, life, this.initMs(), () => {
      for (const record of ours) this.instances.get(record.serverId)?.copies.delete(name);
      // What is elsewhere gives back its share here only now.
      for (const id of this.#allocations.get(name) ?? []) {
        if (this.instances.get(id)?.server.host !== name) this.#allocations.get(name)?.delete(id);
      }
      for (const record of ours) Object.assign(record, { status: 'completed', updatedAt: this.#second() });
      for (const instance of this.instances.values()) {
        if (instance.server.host !== name || ours.some(({ serverId }) => serverId === instance.server.id))
          continue;
        const task = instance.server.taskState ?? '';
        if (startingTasks.includes(task) || task === 'powering-off') this.#work(instance, host);
        else if (task.startsWith('rebuild')) this.#fail(instance, 'it was being rebuilt when its host died');
      }
      host.alive = true;
      host.reportsFrom = this.#time.now();
      this.#syncPower(host, life);
    });
  }

  /** nova-compute ends: a graceful stop or a crash. Guests run on. */
  stopCompute(name: string): void {
    const host = this.host(name);
    this.#endReports(host);
    host.alive = false;
    host.computeRuns = false;
    host.computeLife += 1;
  }

  /** Where the guest of an instance runs, by the machines' own word. */
  runsOn(id: string): string[] {
    return [...this.instance(id).copies].filter((host) => this.host(host).powered).sort();
  }

  /** An evacuation that somebody asked for before, as Nova has it in its records. */
  addRecord(serverId: string, more: Partial<Migration> = {}): Writable<Migration> {
    const record: Writable<Migration> = {
      id: `${this.records.length + 1}`,
      serverId,
      status: 'accepted',
      sourceHost: this.instance(serverId).server.host ?? '',
      destHost: null,
      createdAt: this.#second(),
      updatedAt: this.#second(),
      ...more,
    };
    this.records.push(record);
    return record;
  }

  /** `openstack server set --state error`, by an operator who has made sure that nothing is under way. */
  resetByHand(id: string): void {
    this.#fail(this.instance(id), 'reset by hand');
  }

  /** The evacuation a `nova evacuate` by hand would start. */
  evacuateByHand(id: string): void {
    this.#accept(this.instance(id), { disk: 'either' });
  }

  delete(id: string): void {
    const instance = this.instances.get(id);
    if (instance?.job) instance.job.over = true;
    for (const ids of this.#allocations.values()) ids.delete(id);
    this.instances.delete(id);
  }

  /** Where instances are, by host. */
  whereabouts(): Record<string, string[]> {
    const byHost: Record<string, string[]> = {};
    for (const { server } of this.instances.values()) {
      const list = byHost[server.host ?? '?'] ?? [];
      byHost[server.host ?? '?'] = list;
      list.push(server.id);
    }
    return byHost;
  }

  clientFor(process: Process): NovaClient {
    let offset = 0;
    let count = 0;
    const ask = async <T>(
      method: string,
      about: string,
      options: CallOptions | undefined,
      serve: () => T,
      changesState = false,
    ): Promise<T> => {
      count += 1;
      try {
        return await this.#exchange(process, method, about, options, serve, changesState);
      } finally {
        offset = this.#second() - this.#time.now();
      }
    };
    return {
      microversion: '2.90',
      get clockOffsetMs() {
        return offset;
      },
      get requestCount() {
        return count;
      },
      listComputeServices: (options) =>
        ask('listComputeServices', '', options, () =>
          [...this.hosts.values()].map((host) => this.#service(host)),
        ),
      setForcedDown: (service, forcedDown, options) =>
        ask('setForcedDown', service.host, options, () => {
          this.#reachable(service);
          if (forcedDown) this.#forceDown(service.host);
          else this.#forceUp(service.host);
          return { requestId: null };
        }),
      disableService: (service, reason, options) =>
        ask('disableService', service.host, options, () => {
          this.#reachable(service);
          const host = this.host(service.host);
          host.enabled = false;
          host.disabledReason = reason;
          host.writtenAt = this.#time.now();
          return { requestId: null };
        }),
      enableService: (service, options) =>
        ask('enableService', service.host, options, () => {
          const host = this.host(service.host);
          if (!host.enabled && !/^Pacemaker fenced this host/.test(host.disabledReason ?? '')) {
            this.#violation(`I7: ${host.name} was enabled, which "${host.disabledReason}" had disabled`);
          }
          host.enabled = true;
          host.disabledReason = null;
          host.writtenAt = this.#time.now();
          return { requestId: null };
        }),
      listServers: ({ host }, options) =>
        ask('listServers', host, options, () =>
          this.cellDown
            ? []
            : [...this.instances.values()]
                .filter(({ server }) => server.host === host)
                // Nova's lists do not tell the groups.
                .map(({ server }) => ({ ...server, serverGroupIds: null })),
        ),
      getServer: (id, options) => ask('getServer', id, options, () => this.#getServer(id)),
      evacuate: (id, request, options) => {
        this.#noteRequest(id);
        return ask('evacuate', id, options, () => this.#evacuate(id, request), true);
      },
      isGuestRunning: (id, options) => ask('isGuestRunning', id, options, () => this.#diagnose(id)),
      rebootServer: (id, _type, options) => ask('rebootServer', id, options, () => this.#reboot(id), true),
      startServer: (id, options) => ask('startServer', id, options, () => this.#start(id), true),
      stopServer: (id, options) => ask('stopServer', id, options, () => this.#stop(id), true),
      resetServerState: (id, state, options) =>
        ask('resetServerState', id, options, () => this.#reset(id, state), true),
      listActions: (id, options) => ask('listActions', id, options, () => [...this.#existing(id).actions]),
      listEvacuations: ({ sourceHost, changedSince }, options) =>
        ask('listEvacuations', sourceHost, options, () =>
          this.records
            .filter(
              (record) =>
                record.sourceHost === sourceHost &&
                (changedSince === undefined || Math.max(record.updatedAt, record.createdAt) >= changedSince),
            )
            .map((record) => ({ ...record })),
        ),
      listFlavors: (options) => ask('listFlavors', '', options, () => readable(this.flavors)),
      listImagesByTag: (tag, options) =>
        ask('listImagesByTag', tag, options, () =>
          readable(this.images).filter((image) => image.tags.includes(tag)),
        ),
      listImagesByProperty: (name, value, options) =>
        ask('listImagesByProperty', name, options, () =>
          readable(this.images).filter((image) => isText(image.properties[name], value)),
        ),
      getImage: (id, options) => ask('getImage', id, options, () => found(readable(this.images), id)),
      listVolumesByImageProperty: (name, value, options) =>
        ask('listVolumesByImageProperty', name, options, () =>
          readable(this.#cinder()).filter((volume) => isText(volume.imageProperties[name], value)),
        ),
      getVolume: (id, options) => ask('getVolume', id, options, () => found(readable(this.#cinder()), id)),
      listAggregates: (options) => ask('listAggregates', '', options, () => readable(this.aggregates)),
      listCapacity: (options) => ask('listCapacity', '', options, () => this.#capacity()),
      getServerGroup: (id, options) => ask('getServerGroup', id, options, () => found(this.serverGroups, id)),
      listProjects: (options) => ask('listProjects', '', options, () => readable(this.projects)),
    };
  }

  /** A request on its way there and back; what a killed client had sent is served all the same. */
  #exchange<T>(
    process: Process,
    method: string,
    about: string,
    options: CallOptions | undefined,
    serve: () => T,
    changesState: boolean,
  ): Promise<T> {
    const index = this.#counts.get(method) ?? 0;
    this.#counts.set(method, index + 1);
    this.calls.push(about === '' ? method : `${method} ${about}`);
    const fault = this.fault({ method, about, index });
    const latency = 20 + this.#random() * (method === 'evacuate' ? 300 : 80);
    return new Promise((resolve, reject) => {
      const answer = (after: number, give: () => void) => {
        this.#time.after(after, () => {
          if (process.alive) give();
        });
      };
      const bound = Math.min(
        options?.deadline ?? Number.POSITIVE_INFINITY,
        this.#time.now() + requestTimeoutMs,
      );
      const giveUp = new NovaError('timeout', `Nova did not answer ${method}`, { unanswered: changesState });
      answer(bound - this.#time.now(), () => reject(giveUp));
      if (fault?.kind === 'refuse') return answer(latency, () => reject(fault.error));
      if (fault?.kind === 'hang' || fault?.kind === 'reset') {
        if (fault.doneAfterMs !== null) this.#time.after(fault.doneAfterMs, () => silently(serve));
        if (fault.kind === 'reset') {
          const lost = new NovaError('connectionLost', 'Nova broke off', { unanswered: changesState });
          answer(latency, () => reject(lost));
        }
        return;
      }
      this.#time.after(latency / 2 + (fault?.ms ?? 0), () => {
        let give: () => void;
        try {
          const result = serve();
          give = () => resolve(result);
        } catch (error) {
          give = () => reject(error);
        }
        answer(latency / 2, give);
      });
    });
  }

  #service(host: FakeHost): ComputeService {
    if (this.cellDown) {
      return {
        id: '',
        host: host.name,
        state: 'unknown',
        status: 'unknown',
        disabledReason: null,
        forcedDown: false,
        updatedAt: null,
      };
    }
    return {
      id: `id-${host.name}`,
      host: host.name,
      state: this.#isDown(host) ? 'down' : 'up',
      status: host.enabled ? 'enabled' : 'disabled',
      disabledReason: host.disabledReason,
      forcedDown: host.forcedDown,
      updatedAt: this.#second(Math.max(this.#lastReport(host), host.writtenAt)),
    };
  }

  /** Nova takes it for up for a while from now on, and what it wrote last is the last report. */
  #endReports(host: FakeHost): void {
    if (!host.alive) return;
    host.lastReport = this.#lastReport(host);
    host.lastSeen = this.#time.now();
  }

  #lastReport(host: FakeHost): number {
    if (!host.alive) return host.lastReport;
    const since = this.#time.now() - host.reportsFrom;
    return host.reportsFrom + Math.floor(since / this.reportMs) * this.reportMs;
  }

  #isDown(host: FakeHost): boolean {
    if (host.forcedDown || this.#lastReport(host) < host.heardAfter) return true;
    return !host.alive && this.#time.now() - host.lastSeen > serviceDownMs;
  }

  #forceDown(name: string): void {
    const host = this.host(name);
    host.forcedDown = true;
    host.writtenAt = this.#time.now();
  }

  #forceUp(name: string): void {
    const host = this.host(name);
    if (!host.forcedDown) return;
    this.#mustHaveNoneInFlight(name, 'forced_down was cleared');
    if (this.records.some(({ sourceHost, status }) => sourceHost === name && status === 'done')) {
      throw new NovaError(
        'badRequest',
        `Unable to force up host ${name} as \`done\` evacuation migration records remain associated with the host. Ensure the compute service has been restarted, allowing these records to move to \`completed\` before retrying this request.`,
        { status: 400 },
      );
    }
    host.forcedDown = false;
    host.returned = false;
    host.writtenAt = this.#time.now();
    if (this.upWithNextReport) host.heardAfter = this.#time.now();
  }

  /** The book's I3: nobody may run, or give back to Nova, a host that instances are being evacuated from. */
  #mustHaveNoneInFlight(name: string, what: string): void {
    for (const { job, server } of this.instances.values()) {
      if (job === null || job.over || job.source !== name) continue;
      this.#violation(`I3: ${what} on ${name} while ${server.id} was being evacuated from it`);
    }
  }

  #inLife(host: FakeHost, life: number, ms: number, step: () => void): void {
    this.#time.after(ms, () => {
      if (host.computeLife === life) step();
    });
  }

  #diagnose(id: string): boolean {
    const instance = this.#existing(id);
    const { server, copies } = instance;
    if (server.host === null || !this.host(server.host).alive) {
      throw new NovaError('serverError', `Nova heard nothing of the host of ${id}`, { status: 500 });
    }
    if (copies.has(server.host)) return true;
    // The answer leaves a fault, which hides the older one.
    const message = `Instance ${id} in power state running. Cannot get_diagnostics`;
    server.fault = { message, code: 409, createdAt: this.#second() };
    return false;
  }

  #existing(id: string): Instance {
    const instance = this.instances.get(id);
    if (instance === undefined)
      throw new NovaError('notFound', `Instance ${id} could not be found`, { status: 404 });
    return instance;
  }

  #demand(
    instance: Instance,
    verb: string,
    states: readonly string[],
    tasks: readonly (string | null)[],
  ): void {
    const { id, vmState, taskState } = instance.server;
    const said = (what: string) =>
      new NovaError('conflict', `Cannot '${verb}' instance ${id} while it is in ${what}`, { status: 409 });
    if (!states.includes(vmState ?? '')) throw said(`vm_state ${vmState}`);
    if (!tasks.includes(taskState)) throw said(`task_state ${taskState}`);
  }

  #reboot(id: string): { requestId: string } {
    const instance = this.#existing(id);
    const { server, copies } = instance;
    this.#demand(
      instance,
      'reboot',
      ['active', 'stopped', 'paused', 'suspended', 'error'],
      [null, 'rebooting_hard', 'reboot_started_hard'],
    );
    if (copies.has(server.host ?? '')) this.#violation(`${id} runs and was reset by a hard reboot`);
    // Two that ask within half a second cannot know of each other.
    else if (server.taskState !== null && this.#time.now() - (instance.bootedAt ?? 0) > 500) {
      this.#violation(`${id} was being started and was rebooted again`);
    }
    instance.bootedAt = this.#time.now();
    return this.#begin(instance, 'reboot', { status: 'HARD_REBOOT', taskState: 'rebooting_hard' });
  }

  #start(id: string): { requestId: string } {
    const instance = this.#existing(id);
    this.#demand(instance, 'start', ['stopped'], [null]);
    return this.#begin(instance, 'start', { taskState: 'powering-on' });
  }

  #stop(id: string): { requestId: string } {
    const instance = this.#existing(id);
    this.#demand(instance, 'stop', ['active', 'error'], [null]);
    return this.#begin(instance, 'stop', { taskState: 'powering-off' });
  }

  #begin(instance: Instance, what: string, change: Partial<Server>): { requestId: string } {
    instance.actions.unshift(action(what, this.#second(), agentUser));
    this.#change(instance, change);
    const host = this.host(instance.server.host ?? '');
    if (host.alive) this.#work(instance, host);
    return { requestId: 'req' };
  }

  /** nova-compute carries out the task of one of its guests; one that was begun before its start is taken up again. */
  #work(instance: Instance, host: FakeHost): void {
    const life = host.computeLife;
    const ms = this.powerMs();
    const isReboot = instance.server.taskState?.startsWith('reboot') ?? false;
    if (isReboot) {
      this.#inLife(host, life, ms / 2, () => this.#change(instance, { taskState: 'reboot_started_hard' }));
    }
    this.#inLife(host, life, ms, () => {
      const { id, taskState } = instance.server;
      if (instance.server.host !== host.name || taskState === null) return;
      if (taskState === 'powering-off') {
        instance.copies.delete(host.name);
        this.#change(instance, { status: 'SHUTOFF', vmState: 'stopped', taskState: null, powerState: 4 });
      } else if (this.broken.has(id)) {
        this.#change(instance, { status: 'ACTIVE', vmState: 'active', taskState: null });
      } else {
        this.#run(instance, host.name);
        this.#change(instance, {
          status: 'ACTIVE',
          vmState: 'active',
          taskState: null,
          powerState: 1,
          fault: null,
        });
      }
    });
  }

  /** A guest starts on a host; the book looks for another copy of it. */
  #run(instance: Instance, name: string): void {
    const others = [...instance.copies].filter((host) => host !== name && this.host(host).powered);
    if (others.length > 0) {
      this.#violation(`${instance.server.id} runs on ${name} and on ${others.join(', ')}`);
    }
    instance.copies.add(name);
  }

  /** Nova's power sync: what it finds off, it holds for stopped by its owner, and stops. */
  #syncPower(host: FakeHost, life: number): void {
    if (this.powerSyncMs === 0) return;
    this.#inLife(host, life, this.powerSyncMs, () => {
      for (const instance of this.instances.values()) {
        const { server, copies } = instance;
        if (server.host !== host.name || server.vmState !== 'active' || server.taskState !== null) continue;
        if (copies.has(host.name)) continue;
        instance.actions.unshift(action('stop', this.#second(), null));
        this.#change(instance, { status: 'SHUTOFF', vmState: 'stopped', powerState: 4 });
      }
      this.#syncPower(host, life);
    });
  }

  #cinder(): Volume[] | null {
    if (!this.hasCinder) throw new NovaError('noEndpoint', 'The catalogue has no endpoint of type volumev3');
    return this.volumes;
  }

  /** As Placement tells it: down or disabled hosts are there, full ones are not. */
  #capacity(): HostCapacity[] {
    if (this.capacityRefusal === 'noEndpoint') {
      throw new NovaError('noEndpoint', 'The catalogue has no endpoint of type placement');
    }
    if (this.capacityRefusal === 'forbidden') return [...readable<HostCapacity>(null)];
    return [...this.hosts.values()]
      .map((host) => {
        const used = this.#used(host.name);
        return {
          host: host.name,
          resources: {
            VCPU: { capacity: host.room.vcpus, used: used.vcpus },
            MEMORY_MB: { capacity: host.room.memoryMb, used: used.memoryMb },
          },
        };
      })
      .filter(({ resources: { MEMORY_MB } }) => MEMORY_MB.used < MEMORY_MB.capacity);
  }

  #used(name: string): { vcpus: number; memoryMb: number } {
    const used = { vcpus: 0, memoryMb: 0 };
    for (const id of this.#allocations.get(name) ?? []) {
      const size = this.instances.get(id)?.server.flavor.size;
      used.vcpus += size?.vcpus ?? 0;
      used.memoryMb += size?.memoryMb ?? 0;
    }
    return used;
  }

  #hasRoom(host: FakeHost, { flavor, id }: Server): boolean {
    if (flavor.size === null || this.#allocations.get(host.name)?.has(id)) return true;
    const used = this.#used(host.name);
    return (
      used.vcpus + flavor.size.vcpus <= host.room.vcpus &&
      used.memoryMb + flavor.size.memoryMb <= host.room.memoryMb
    );
  }

  /** Nova's anti-affinity: none of its groups has another member there, or on the way there. */
  #suitsGroups(host: FakeHost, { id, serverGroupIds }: Server): boolean {
    const apart = (serverGroupIds ?? []).filter((groupId) =>
      this.serverGroups.some((group) => group.id === groupId && group.policy === 'anti-affinity'),
    );
    return ![...this.instances.values()].some(
      ({ server, job }) =>
        server.id !== id &&
        apart.some((groupId) => server.serverGroupIds?.includes(groupId)) &&
        (server.host === host.name || (job !== null && !job.over && job.record.destHost === host.name)),
    );
  }

  #reset(id: string, state: 'active' | 'error'): { requestId: string } {
    const instance = this.#existing(id);
    instance.actions.unshift(action('resetState', this.#second(), agentUser));
    if (instance.job !== null && !instance.job.over) {
      this.#violation(`I2: ${id} was reset while record ${instance.job.record.id} was in flight`);
      this.#settle(instance.job, 'failed');
      this.#fail(instance, "Conflict updating instance. Expected: {'task_state': ['rebuild_spawning']}");
    } else if (state === 'error') {
      this.#change(instance, { status: 'ERROR', vmState: 'error', taskState: null });
    } else {
      // Nova shows a fault in ERROR only.
      this.#change(instance, { status: 'ACTIVE', vmState: 'active', taskState: null, fault: null });
    }
    return { requestId: 'req' };
  }

  #reachable(service: ComputeService): void {
    if (this.cellDown || service.id === '') {
      throw new NovaError('malformed', `Nova does not tell the id of ${service.host}, for its cell is down`);
    }
  }

  #getServer(id: string): Server {
    const instance = this.instances.get(id);
    if (instance === undefined)
      throw new NovaError('notFound', `Instance ${id} could not be found`, { status: 404 });
    const { server } = instance;
    if (!this.cellDown) return { ...server };
    return {
      ...server,
      name: id,
      host: null,
      status: 'UNKNOWN',
      vmState: null,
      taskState: null,
      updatedAt: null,
    };
  }

  /** The book, kept when a request is sent: I1, and the half of I2 that says where the instance has to be. */
  #noteRequest(id: string): void {
    this.asked.set(id, [...(this.asked.get(id) ?? []), this.#time.now()]);
    this.onEvacuate(id);
    const host = this.instances.get(id)?.server.host;
    if (host === undefined || host === null) return;
    if (!this.isMarked(host)) this.#violation(`I1: ${id} was asked for while ${host} bears no pending mark`);
    const source = this.host(host);
    if (!this.#isDown(source)) this.#violation(`I1: ${id} was asked for while Nova takes ${host} for up`);
    if (source.powered && !source.returned) {
      this.#violation(`I1: ${id} was asked for while ${host} has power`);
    }
    if (this.runsOn(id).includes(host)) this.#violation(`I1: ${id} was asked for while it runs on ${host}`);
  }

  #evacuate(id: string, request: EvacuateRequest): { requestId: string } {
    const instance = this.#existing(id);
    const { server } = instance;
    const host = this.host(server.host ?? '');
    if (!this.#isDown(host)) {
      throw new NovaError('badRequest', `Compute service of ${host.name} is still in use.`, { status: 400 });
    }
    if (!['active', 'stopped', 'error'].includes(server.vmState ?? '')) {
      const said = `Cannot 'evacuate' instance ${id} while it is in vm_state ${server.vmState}`;
      throw new NovaError('conflict', said, { status: 409 });
    }
    const { job } = instance;
    const inFlight = job !== null && !job.over;
    if (inFlight) this.#violation(`I2: ${id} was evacuated while record ${job.record.id} was in flight`);
    if (this.refusesTasks && server.taskState !== null) {
      const said = `Cannot 'evacuate' instance ${id} while it is in task_state ${server.taskState}`;
      throw new NovaError('conflict', said, { status: 409 });
    }
    if (inFlight) {
      this.#end(job);
      this.addRecord(id, { status: 'failed' });
      this.#fail(instance, "Conflict updating instance. Expected: {'task_state': ['rebuild_spawning']}");
      return { requestId: 'req' };
    }
    this.#accept(instance, request);
    return { requestId: 'req' };
  }

  #accept(instance: Instance, { disk, host }: EvacuateRequest): void {
    const record = this.addRecord(instance.server.id);
    // With the microversion that keeps disks no host is named.
    const wanted = disk === 'keep' ? null : (host ?? null);
    const job: Job = { record, instance, source: record.sourceHost, wanted, disk, over: false };
    instance.job = job;
    instance.actions.unshift(action('evacuate', this.#second(), agentUser));
    this.#change(instance, { status: 'REBUILD', taskState: 'rebuilding' });
    const inFlight = [...this.instances.values()].filter(
      (each) => each.job !== null && !each.job.over,
    ).length;
    this.inFlightMax = Math.max(this.inFlightMax, inFlight);
    this.#later(job, 200, 800, () => this.#schedule(job));
  }

  #schedule(job: Job): void {
    if (!this.conductorUp) {
      this.#later(job, 500, 500, () => this.#schedule(job));
      return;
    }
    const { record, instance } = job;
    const targets = [...this.hosts.values()].filter(
      (host) =>
        host.enabled &&
        !this.#isDown(host) &&
        host.name !== job.source &&
        (job.wanted === null || host.name === job.wanted) &&
        this.#hasRoom(host, instance.server) &&
        this.#suitsGroups(host, instance.server),
    );
    const target = targets[Math.floor(this.#random() * targets.length)];
    if (target === undefined) {
      this.#settle(job, 'error');
      this.#fail(instance, 'No valid host was found. There are not enough hosts available.');
      return;
    }
    this.#allocations.get(target.name)?.add(instance.server.id);
    Object.assign(record, { status: 'pre-migrating', destHost: target.name, updatedAt: this.#second() });
    this.#change(instance, { taskState: 'rebuild_block_device_mapping' });
    // Nova learns late that a host is gone; what it sends there comes to nothing.
    job.over = !target.powered;
    this.#later(job, 300, 1_500, () => this.#onTarget(job, target, () => this.#spawning(job, target)));
  }

  #spawning(job: Job, target: FakeHost): void {
    // An instance that boots from a volume has no disk that a host could find.
    const hasDisk = job.instance.server.imageId !== null && this.sharedStorage && !target.lacksDisks;
    if (job.disk === 'keep' && !hasDisk) {
      this.#settle(job, 'failed');
      this.#fail(job.instance, 'Invalid state of instance files on shared storage');
      return;
    }
    this.#change(job.instance, { taskState: 'rebuild_spawning' });
    this.#later(job, 300, 3_000, () => this.#onTarget(job, target, () => this.#spawned(job, target)));
  }

  #spawned(job: Job, target: FakeHost): void {
    const { instance } = job;
    if (target.refuses) {
      this.#settle(job, 'failed');
      this.#fail(instance, `Failed to spawn on ${target.name}`);
      return;
    }
    if (instance.server.imageId !== null && (!this.sharedStorage || target.lacksDisks)) {
      this.disksLost.push(instance.server.id);
      if (!this.mayLoseDisks) this.#violation(`${instance.server.id} lost its disk: it was rebuilt empty`);
    }
    const stopped = instance.server.vmState === 'stopped';
    if (!stopped) this.#run(instance, target.name);
    // Its host, and last its record, change up to three seconds later.
    this.#change(instance, {
      status: stopped ? 'SHUTOFF' : 'ACTIVE',
      vmState: stopped ? 'stopped' : 'active',
      taskState: null,
      fault: null,
    });
    this.#later(job, 0, 3_000, () =>
      this.#onTarget(job, target, () => {
        this.#change(instance, { host: target.name });
        this.#later(job, 0, 400, () => this.#onTarget(job, target, () => this.#settle(job, 'done')));
      }),
    );
  }

  /** A step that the target takes: one that has hung takes it once it works again, one without power never. */
  #onTarget(job: Job, target: FakeHost, step: () => void): void {
    if (target.alive) step();
    else if (target.powered) this.#later(job, 1_000, 1_000, () => this.#onTarget(job, target, step));
    else job.over = true;
  }

  #settle(job: Job, status: string): void {
    Object.assign(job.record, { status, updatedAt: this.#second() });
    if (status === 'done') job.over = true;
    else this.#end(job);
  }

  /** It comes to nothing, and gives back its share of the target. */
  #end(job: Job): void {
    job.over = true;
    const { destHost } = job.record;
    const { id, host } = job.instance.server;
    if (destHost !== null && destHost !== host) this.#allocations.get(destHost)?.delete(id);
  }

  #fail(instance: Instance, message: string): void {
    this.failed.add(instance.server.id);
    this.#change(instance, {
      status: 'ERROR',
      vmState: 'error',
      taskState: null,
      fault: { message, code: 500, createdAt: this.#second() },
    });
  }

  #change(instance: Instance, change: Partial<Server>): void {
    Object.assign(instance.server, change, { updatedAt: this.#second() });
  }

  #later(job: Job, leastMs: number, mostMs: number, step: () => void): void {
    this.#time.after(leastMs + this.#random() * (mostMs - leastMs), () => {
      if (!job.over) step();
    });
  }

  #violation(what: string): void {
    this.violations.push(`${new Date(this.#time.now()).toISOString()} ${what}`);
  }

  /** Nova's time: whole seconds, by its own clock. */
  #second(at = this.#time.now()): number {
    return Math.floor((at + this.skewMs) / 1000) * 1000;
  }
}

function action(what: string, startedAt: number, userId: string | null): ServerAction {
  return { action: what, startedAt, userId, requestId: 'req', message: null };
}

function readable<T>(list: readonly T[] | null): readonly T[] {
  if (list === null) throw new NovaError('forbidden', 'Policy does not allow it', { status: 403 });
  return list;
}

function found<T extends { readonly id: string }>(list: readonly T[], id: string): T {
  const one = list.find((each) => each.id === id);
  if (one === undefined) throw new NovaError('notFound', `${id} could not be found`, { status: 404 });
  return one;
}

/** As the databases of most clouds compare. */
function isText(text: string | undefined, value: string): boolean {
  return text?.toLowerCase() === value.toLowerCase();
}

/** What is done after nobody listens any more may be refused without anybody hearing of it. */
function silently(serve: () => unknown): void {
  try {
    serve();
  } catch (error) {
    if (!(error instanceof NovaError)) throw error;
  }
}
