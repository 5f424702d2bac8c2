import {
  type ComputeService,
  type Migration,
  type NovaClient,
  NovaError,
  type NovaErrorCode,
  type Server,
} from '@openstack-ts/nova-client';
import { options as declared } from '../../../fence/fence_compute/options.ts';
import type { World } from '../../../fence/fence_compute/world.ts';
import {
  AttrdError,
  type Mark,
  type MarkReading,
  type MarkStore,
  type NodeState,
  type Primitive,
} from '../../../lib/attrd/index.ts';
import type { FenceContext } from '../../../lib/fencing/index.ts';
import { FenceOptions } from '../../../lib/fencing/options.ts';
import { parseStdin } from '../../../lib/fencing/stdin.ts';

/** Where time begins, in ms since the epoch. */
export const START = Date.parse('2026-11-21T03:00:00Z');

export function service(host: string, more: Partial<ComputeService> = {}): ComputeService {
  return {
    id: `id-${host}`,
    host,
    state: 'up',
    status: 'enabled',
    disabledReason: null,
    forcedDown: false,
    updatedAt: START,
    ...more,
  };
}

export function migration(serverId: string, status: string, ageMs: number): Migration {
  return {
    id: `m-${serverId}-${status}`,
    serverId,
    status,
    sourceHost: 'comp0',
    destHost: 'comp1',
    createdAt: START - ageMs,
    updatedAt: START - ageMs,
  };
}

export function server(id: string, taskState: string | null = null): Server {
  return {
    id,
    name: id,
    host: 'comp0',
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

/** Marks in memory, with the order of everything that happens in `journal`. */
export class FakeMarks implements MarkStore {
  readonly marks = new Map<string, Mark>();
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
      name,
      mark,
      transient: mark,
      permanent: this.nodes.includes(name) && mark.kind === 'claimed' ? { kind: 'yes' as const } : mark,
    }));
    return { marks, clusterNodes: this.nodes, words: [] };
  }

  async setYes(name: string) {
    this.#fail('setYes');
    this.journal.push(`mark ${name} yes`);
    this.marks.set(name, { kind: 'yes' });
    return { permanent: this.nodes.includes(name) };
  }

  async setNo(name: string) {
    this.#fail('setNo');
    this.journal.push(`mark ${name} no`);
    this.marks.set(name, { kind: 'no' });
  }

  async clearNo(name: string) {
    if (this.marks.get(name)?.kind === 'no') await this.clear(name);
  }

  async clear(name: string) {
    this.#fail('clear');
    this.journal.push(`mark ${name} cleared`);
    this.marks.delete(name);
  }

  async repair({ name }: MarkReading) {
    this.#fail('repair');
    this.journal.push(`mark ${name} repaired`);
    return { permanent: this.nodes.includes(name) };
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

/** A Nova in memory. Whatever `failures` holds for a method is thrown first, one after the other. */
export class FakeNova {
  services: ComputeService[] = [service('comp0'), service('comp1')];
  servers: Server[] = [];
  evacuations: Migration[] = [];
  /** Hosts whose nova-compute does not report. */
  readonly silent = new Set<string>();
  /** Instances whose guest does not run. */
  readonly off = new Set<string>();
  readonly failures = new Map<string, NovaError[]>();
  /** Thrown always. */
  readonly outages = new Map<string, NovaError>();
  connects = 0;
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
      clockOffsetMs: 0,
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
      listEvacuations: async ({ sourceHost }) => {
        this.#fail('listEvacuations');
        return this.evacuations.filter((record) => record.sourceHost === sourceHost);
      },
      evacuate: unused,
      isGuestRunning: async (id) => !this.off.has(id),
      rebootServer: unused,
      startServer: unused,
      stopServer: unused,
      resetServerState: unused,
      listActions: unused,
      listFlavors: unused,
      listImagesByTag: unused,
      listAggregates: unused,
      listImagesByProperty: unused,
      getImage: unused,
      listVolumesByImageProperty: unused,
      getVolume: unused,
      listCapacity: unused,
      getServerGroup: unused,
      listProjects: unused,
    };
  }

  #change(host: string, what: string, change: Partial<ComputeService>): void {
    this.journal.push(`nova ${host} ${what}`);
    this.services = this.services.map((each) => (each.host === host ? { ...each, ...change } : each));
  }

  #fail(method: string): void {
    const error = this.failures.get(method)?.shift() ?? this.outages.get(method);
    if (error !== undefined) throw error;
  }
}

export interface Stage {
  readonly marks: FakeMarks;
  readonly nova: FakeNova;
  readonly world: World;
  /** What the CIB says; empty as where it does not answer. */
  readonly cluster: { nodes: NodeState[]; primitives: Primitive[] };
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
  const cluster: Stage['cluster'] = { nodes: [], primitives: [] };
  const nova = new FakeNova(journal);
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
      cluster: { nodes: async () => cluster.nodes, primitives: async () => cluster.primitives },
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
