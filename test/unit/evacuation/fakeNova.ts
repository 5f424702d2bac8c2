import {
  type CallOptions,
  type ComputeService,
  type Flavor,
  type Image,
  type Migration,
  type NovaClient,
  NovaError,
  type Server,
} from '@openstack-ts/nova-client';
import type { Process, VirtualTime } from './virtualTime.ts';

const unused = (): never => {
  throw new Error('an evacuation does not ask for this');
};

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export interface FakeHost {
  readonly name: string;
  powered: boolean;
  /** nova-compute reports and works. One that does not, on a host with power, goes on where it was once it does. */
  alive: boolean;
  lastSeen: number;
  forcedDown: boolean;
  enabled: boolean;
  disabledReason: string | null;
  /** Every spawn here fails. */
  refuses: boolean;
}

interface Instance {
  readonly server: Writable<Server>;
  /** Where a guest with this instance's disk runs or may run. */
  readonly copies: Set<string>;
  job: Job | null;
}

interface Job {
  readonly record: Writable<Migration>;
  readonly instance: Instance;
  readonly source: string;
  /** The target that was named. */
  readonly wanted: string | null;
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
  /** Nova's clock minus the agents'. */
  skewMs = 0;
  /** The database of the cell cannot be reached. */
  cellDown = false;
  /** Requests are accepted and wait for it. */
  conductorUp = true;
  fault: (call: Call) => Fault | null = () => null;
  /** Whether a host bears a pending mark: what the checker of I1 asks. */
  isMarked: (host: string) => boolean = () => true;
  /** Called for each request to evacuate, when it is sent. */
  onEvacuate: (id: string) => void = () => undefined;
  readonly violations: string[] = [];
  /** Requests to evacuate by instance, as they were sent. */
  readonly asked = new Map<string, number[]>();
  readonly calls: string[] = [];
  inFlightMax = 0;
  readonly #time: VirtualTime;
  readonly #random: () => number;
  readonly #counts = new Map<string, number>();

  constructor(time: VirtualTime, random: () => number, hosts: readonly string[]) {
    this.#time = time;
    this.#random = random;
    for (const name of hosts) {
      this.hosts.set(name, {
        name,
        powered: true,
        alive: true,
        lastSeen: time.now(),
        forcedDown: false,
        enabled: true,
        disabledReason: null,
        refuses: false,
      });
    }
  }

  host(name: string): FakeHost {
    const host = this.hosts.get(name);
    if (host === undefined) throw new Error(`the test knows no host ${name}`);
    return host;
  }

  boot(id: string, host: string, more: Partial<Server> = {}): void {
    this.instances.set(id, {
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
        flavor: { id: null, name: 'small', extraSpecs: {} },
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
    for (const instance of this.instances.values()) {
      instance.copies.delete(name);
      if (instance.job?.record.destHost === name) instance.job.over = true;
    }
  }

  /** nova-compute stops reporting and working, while guests run on: a hung process, a cut cable. */
  silence(name: string): void {
    const host = this.host(name);
    if (host.alive) host.lastSeen = this.#time.now();
    host.alive = false;
  }

  /** nova-compute works again. */
  wake(name: string): void {
    const host = this.host(name);
    host.powered = true;
    host.alive = true;
  }

  forceDown(name: string): void {
    this.host(name).forcedDown = true;
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

  /** The evacuation a `nova evacuate` by hand would start. */
  evacuateByHand(id: string): void {
    this.#accept(this.instance(id), null);
  }

  delete(id: string): void {
    const instance = this.instances.get(id);
    if (instance?.job) instance.job.over = true;
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
          this.host(service.host).forcedDown = forcedDown;
          return { requestId: null };
        }),
      disableService: (service, reason, options) =>
        ask('disableService', service.host, options, () => {
          this.#reachable(service);
          const host = this.host(service.host);
          host.enabled = false;
          host.disabledReason = reason;
          return { requestId: null };
        }),
      enableService: (service, options) =>
        ask('enableService', service.host, options, () => {
          this.host(service.host).enabled = true;
          return { requestId: null };
        }),
      listServers: ({ host }, options) =>
        ask('listServers', host, options, () =>
          this.cellDown
            ? []
            : [...this.instances.values()]
                .filter(({ server }) => server.host === host)
                .map(({ server }) => ({ ...server })),
        ),
      getServer: (id, options) => ask('getServer', id, options, () => this.#getServer(id)),
      evacuate: (id, { host }, options) => {
        this.#noteRequest(id);
        return ask('evacuate', id, options, () => this.#evacuate(id, host ?? null), true);
      },
      isGuestRunning: (id, options) =>
        ask('isGuestRunning', id, options, () => {
          const { server, copies } = this.instance(id);
          return server.host !== null && copies.has(server.host);
        }),
      rebootServer: unused,
      startServer: unused,
      stopServer: unused,
      resetServerState: unused,
      listActions: unused,
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
      listAggregates: (options) => ask('listAggregates', '', options, () => []),
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
      updatedAt: host.alive ? this.#second() : host.lastSeen,
    };
  }

  #isDown(host: FakeHost): boolean {
    return host.forcedDown || (!host.alive && this.#time.now() - host.lastSeen > serviceDownMs);
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
    if (source.powered) this.#violation(`I1: ${id} was asked for while ${host} has power`);
  }

  #evacuate(id: string, wanted: string | null): { requestId: string } {
    const instance = this.instances.get(id);
    if (instance === undefined)
      throw new NovaError('notFound', `Instance ${id} could not be found`, { status: 404 });
    const { server } = instance;
    const host = this.host(server.host ?? '');
    if (!this.#isDown(host)) {
      throw new NovaError('badRequest', `Compute service of ${host.name} is still in use.`, { status: 400 });
    }
    if (!['active', 'stopped', 'error'].includes(server.vmState ?? '')) {
      const said = `Cannot 'evacuate' instance ${id} while it is in vm_state ${server.vmState}`;
      throw new NovaError('conflict', said, { status: 409 });
    }
    if (instance.job !== null && !instance.job.over) {
      this.#violation(`I2: ${id} was evacuated while record ${instance.job.record.id} was in flight`);
      instance.job.over = true;
      this.addRecord(id, { status: 'failed' });
      this.#fail(instance, "Conflict updating instance. Expected: {'task_state': ['rebuild_spawning']}");
      return { requestId: 'req' };
    }
    this.#accept(instance, wanted);
    return { requestId: 'req' };
  }

  #accept(instance: Instance, wanted: string | null): void {
    const record = this.addRecord(instance.server.id);
    const job: Job = { record, instance, source: record.sourceHost, wanted, over: false };
    instance.job = job;
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
        (job.wanted === null || host.name === job.wanted),
    );
    const target = targets[Math.floor(this.#random() * targets.length)];
    if (target === undefined) {
      this.#settle(job, 'error');
      this.#fail(instance, 'No valid host was found. There are not enough hosts available.');
      return;
    }
    Object.assign(record, { status: 'pre-migrating', destHost: target.name, updatedAt: this.#second() });
    this.#change(instance, { taskState: 'rebuild_block_device_mapping' });
    // Nova learns late that a host is gone; what it sends there comes to nothing.
    job.over = !target.powered;
    this.#later(job, 300, 1_500, () => this.#onTarget(job, target, () => this.#spawning(job, target)));
  }

  #spawning(job: Job, target: FakeHost): void {
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
    const stopped = instance.server.vmState === 'stopped';
    if (!stopped) {
      const others = [...instance.copies].filter((host) => host !== target.name && this.host(host).powered);
      if (others.length > 0) {
        this.#violation(`${instance.server.id} runs on ${target.name} and on ${others.join(', ')}`);
      }
      instance.copies.add(target.name);
    }
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
    job.over = true;
  }

  #fail(instance: Instance, message: string): void {
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
  #second(): number {
    return Math.floor((this.#time.now() + this.skewMs) / 1000) * 1000;
  }
}

function readable<T>(list: readonly T[] | null): readonly T[] {
  if (list === null) throw new NovaError('forbidden', 'Policy does not allow it', { status: 403 });
  return list;
}

/** What is done after nobody listens any more may be refused without anybody hearing of it. */
function silently(serve: () => unknown): void {
  try {
    serve();
  } catch (error) {
    if (!(error instanceof NovaError)) throw error;
  }
}
