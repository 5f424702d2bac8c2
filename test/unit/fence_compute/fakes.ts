import {
  type ComputeService,
  type Migration,
  type NovaClient,
  NovaError,
  type NovaErrorCode,
  novaHost,
  type Server,
  serverId,
} from '@openstack-ts/nova-client';
import { options as declared } from '../../../fence/fence_compute/options.ts';
import type { World } from '../../../fence/fence_compute/world.ts';
import {
  AttrdError,
  type Incident,
  type Mark,
  type MarkMeant,
  type MarkReading,
  type MarkStore,
  markName,
  nodeName,
  nothingKnown,
} from '../../../lib/attrd/index.ts';
import type { NodesReading, Primitive } from '../../../lib/cluster/index.ts';
import type { FenceContext } from '../../../lib/fencing/index.ts';
import { FenceOptions } from '../../../lib/fencing/options.ts';
import { parseStdin } from '../../../lib/fencing/stdin.ts';

/** Where time begins, in ms since the epoch. */
export const START = Date.parse('2026-11-21T03:00:00Z');

export function service(host: string, more: Partial<ComputeService> = {}): ComputeService {
  return {
    id: `id-${host}`,
    host: novaHost(host),
    state: 'up',
    status: 'enabled',
    zone: 'nova',
    disabledReason: null,
    forcedDown: false,
    updatedAt: START,
    ...more,
  };
}

export function migration(id: string, status: string, ageMs: number): Migration {
  return {
    id: `m-${id}-${status}`,
    serverId: serverId(id),
    status,
    sourceHost: novaHost('comp0'),
    destHost: novaHost('comp1'),
    claimed: true,
    createdAt: START - ageMs,
    updatedAt: START - ageMs,
  };
}

export function server(id: string, taskState: string | null = null): Server {
  return {
    id: serverId(id),
    name: id,
    host: novaHost('comp0'),
    status: 'ACTIVE',
    vmState: 'active',
    taskState,
    powerState: 1,
    projectId: null,
    imageId: null,
    flavor: { id: null, name: null, extraSpecs: null, size: null },
    availabilityZone: null,
    volumeIds: [],
    serverGroupIds: null,
    metadata: {},
    locked: false,
    fault: null,
    updatedAt: null,
  };
}

export const failure = (code: NovaErrorCode, status?: number): NovaError =>
  new NovaError(code, `Nova says ${code}`, status === undefined ? {} : { status });

const incident = (id: string): Incident => ({
  id,
  phase: 'pending',
  owner: null,
  at: 0,
  by: 'ctl0',
  novaAt: null,
  estimated: false,
  echo: false,
  proven: false,
  adopted: false,
  known: nothingKnown,
});

/** Marks in memory, with the order of everything that happens in `journal`. */
export class FakeMarks implements MarkStore {
  readonly marks = new Map<string, Mark>();
  /** When an incident began on Nova's clock, as it was noted. */
  readonly novaAt = new Map<string, number>();
  nodes: string[] = ['ctl0', 'comp0', 'comp1'];
  /** Thrown by the methods named. */
  readonly failures = new Map<keyof MarkStore, AttrdError>();
  /** Called at each reading, before it. */
  onRead: () => void = () => undefined;
  readonly journal: string[];

  constructor(journal: string[]) {
    this.journal = journal;
  }

  async readAll() {
    this.onRead();
    this.#fail('readAll');
    const marks: MarkReading[] = [...this.marks].map(([name, mark]) => ({
      name: markName(name),
      mark,
      transient: mark,
      permanent: this.nodes.includes(name) && mark.kind === 'claimed' ? { kind: 'yes' as const } : mark,
      incident: null,
    }));
    return { marks, incidents: new Map(), clusterNodes: this.nodes.map(nodeName), words: [] };
  }

  async setYes(name: string) {
    this.#fail('setYes');
    this.journal.push(`mark ${name} yes`);
    this.marks.set(name, { kind: 'yes' });
    return { incident: this.nodes.includes(name) ? incident('new') : null };
  }

  async noteFencing(name: string) {
    this.#fail('noteFencing');
    if (!this.nodes.includes(name)) return null;
    this.journal.push(`mark ${name} fenced`);
    return { ...incident('left'), phase: 'evacuated' as const };
  }

  async noteNovaTime({ name }: MarkMeant, novaAt: number) {
    this.novaAt.set(name, novaAt);
  }

  async remember() {
    return null;
  }

  async owe(name: string) {
    this.#fail('owe');
    this.journal.push(`mark ${name} no`);
    this.marks.set(name, { kind: 'no' });
  }

  async takeBack({ name }: MarkMeant, before: 'none' | 'no') {
    this.#fail('takeBack');
    if (before === 'no') await this.owe(name);
    else this.clear(name);
  }

  async clearNo(name: string) {
    if (this.marks.get(name)?.kind === 'no') this.clear(name);
  }

  clear(name: string): void {
    this.#fail('clearNo');
    this.journal.push(`mark ${name} cleared`);
    this.marks.delete(name);
  }

  async repair({ name }: MarkReading) {
    this.#fail('repair');
    this.journal.push(`mark ${name} repaired`);
    return { permanent: this.nodes.includes(name), incident: null };
  }

  async setNo(): Promise<boolean> {
    throw new Error('a fence agent ends no evacuation');
  }

  async own(): Promise<null> {
    throw new Error('a fence agent owns nothing');
  }

  async heedNo(): Promise<void> {
    throw new Error('a fence agent owns nothing');
  }

  async claim(): Promise<void> {
    throw new Error('a fence agent claims nothing');
  }

  async release(): Promise<void> {
    throw new Error('a fence agent releases nothing');
  }

  #fail(method: keyof MarkStore): void {
    const error = this.failures.get(method);
    if (error !== undefined) throw error;
  }
}

/** What the client tells a fence agent, without a Nova behind it. Whatever `failures` holds for a method is thrown first, one after the other. */
export class ClientStub {
  services: ComputeService[] = [service('comp0'), service('comp1')];
  servers: Server[] = [];
  clockOffsetMs = 0;
  isClockKnown = true;
  evacuations: Migration[] = [];
  /** What else Placement counts on every host. */
  allocated: string[] = [];
  /** Names of Placement's providers; null: those of the services. */
  providers: string[] | null = null;
  /** Hosts whose nova-compute does not report. */
  readonly silent = new Set<string>();
  /** Instances whose guest does not run. */
  readonly off = new Set<string>();
  readonly failures = new Map<string, NovaError[]>();
  /** Thrown always. */
  readonly outages = new Map<string, NovaError>();
  connects = 0;
  /** Called after each change. */
  onWrite: () => void = () => undefined;
  readonly journal: string[];

  constructor(journal: string[]) {
    this.journal = journal;
  }

  connect(): NovaClient {
    this.connects += 1;
    this.#fail('connect');
    const unused = () => {
      throw new Error('a fence agent does not ask for this');
    };
    return {
      microversion: '2.90',
      clockOffsetMs: this.clockOffsetMs,
      isClockKnown: this.isClockKnown,
      requestCount: 0,
      listComputeServices: async () => {
        this.#fail('listComputeServices');
        return this.services;
      },
      setForcedDown: async ({ host }, forcedDown) => {
        this.#fail('setForcedDown');
        const state = forcedDown || this.silent.has(host) ? 'down' : 'up';
        this.#change(host, forcedDown ? 'forced down' : 'forced up', { forcedDown, state });
        return { requestId: null };
      },
      disableService: async ({ host }, reason) => {
        this.#fail('disableService');
        this.#change(host, `disabled (${reason})`, { status: 'disabled', disabledReason: reason });
        return { requestId: null };
      },
      enableService: async ({ host }) => {
        this.#fail('enableService');
        this.#change(host, 'enabled', { status: 'enabled', disabledReason: null });
        return { requestId: null };
      },
      listServers: async ({ host }) => {
        this.#fail('listServers');
        return this.servers.filter((each) => each.host === host);
      },
      getServer: async (id) => {
        const found = this.servers.find((each) => each.id === id);
        if (found === undefined) throw failure('notFound', 404);
        return found;
      },
      listEvacuations: async (filter) => {
        this.#fail('listEvacuations');
        return this.evacuations.filter((record) =>
          'sourceHost' in filter
            ? record.sourceHost === filter.sourceHost
            : record.destHost === filter.destHost,
        );
      },
      evacuate: unused,
      isGuestRunning: async (id) => !this.off.has(id),
      rebootServer: unused,
      startServer: unused,
      stopServer: unused,
      resetServerState: unused,
      // What was done to its servers is told to nobody here.
      listActions: async () => [],
      listActionEvents: unused,
      listMoves: unused,
      listFlavors: unused,
      listImagesByTag: unused,
      listAggregates: unused,
      listImagesByProperty: unused,
      getImage: unused,
      listVolumesByImageProperty: unused,
      getVolume: unused,
      listCapacity: unused,
      listAllocations: async (host) => {
        this.#fail('listAllocations');
        return [...this.servers.filter((each) => each.host === host).map(({ id }) => id), ...this.allocated];
      },
      listProviderNames: async () => {
        this.#fail('listProviderNames');
        return this.providers ?? this.services.map(({ host }) => host);
      },
      getServerGroup: unused,
      listProjects: unused,
    };
  }

  #change(host: string, what: string, change: Partial<ComputeService>): void {
    this.journal.push(`nova ${host} ${what}`);
    this.services = this.services.map((each) => (each.host === host ? { ...each, ...change } : each));
    this.onWrite();
  }

  #fail(method: string): void {
    const error = this.failures.get(method)?.shift() ?? this.outages.get(method);
    if (error !== undefined) throw error;
  }
}

export interface Stage {
  readonly marks: FakeMarks;
  readonly nova: ClientStub;
  readonly world: World;
  /** What the cluster tells: as it stands, no nodes and no resources. */
  readonly cluster: { nodes: NodesReading | (() => NodesReading); primitives: Primitive[] | AttrdError };
  /** Everything that was changed, in order. */
  readonly journal: string[];
  /** Virtual time passed, in ms. */
  readonly elapsed: () => number;
  readonly context: (stdin: string, more?: Partial<FenceContext>) => FenceContext;
  readonly messages: string[];
  readonly printed: () => string;
}

/** A world in memory with a clock that only sleeping moves. */
export function stage(): Stage {
  const journal: string[] = [];
  const messages: string[] = [];
  let printed = '';
  let now = START;
  const marks = new FakeMarks(journal);
  const cluster: Stage['cluster'] = { nodes: { known: true, nodes: [] }, primitives: [] };
  const nova = new ClientStub(journal);
  const say = (level: string) => (message: string) => void messages.push(`${level} ${message}`);
  return {
    marks,
    nova,
    journal,
    messages,
    elapsed: () => now - START,
    printed: () => printed,
    cluster,
    world: {
      marks,
      cluster: {
        nodes: async () => (typeof cluster.nodes === 'function' ? cluster.nodes() : cluster.nodes),
        primitives: async () => {
          if (cluster.primitives instanceof AttrdError) throw cluster.primitives;
          return cluster.primitives;
        },
      },
      connect: async () => nova.connect(),
      now: () => now,
      sleep: async (ms) => {
        now += ms;
      },
    },
    context: (stdin, more = {}) => {
      const parsed = parseStdin(declared, stdin);
      const options = new FenceOptions(declared, parsed);
      return {
        action: options.string('action'),
        options,
        plug: options.string('port'),
        nodename: parsed.nodename,
        env: {},
        log: { error: say('error'), warn: say('warn'), info: say('info'), debug: say('debug') },
        out: (text) => (printed += text),
        startedAt: START,
        timeoutsDisabled: true,
        ...more,
      };
    },
  };
}

export const attrdGone = new AttrdError('noCluster', 'attrd_updater could not connect to attrd', {
  exitCode: 102,
});
