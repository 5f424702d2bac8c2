// Loaded here, because the first load of what lib/attrd loads late would take real time.
import '@rgrove/parse-xml';
import { connect, type NovaClient } from '@openstack-ts/nova-client';
import { off } from '../../fence/fence_compute/off.ts';
import { on } from '../../fence/fence_compute/on.ts';
import { options as declared } from '../../fence/fence_compute/options.ts';
import type { World as FenceWorld } from '../../fence/fence_compute/world.ts';
import {
  type CommandRunner,
  createAttributes,
  createClusterState,
  createEvacuationModes,
  createFencingHistory,
  createMarkStore,
  type MarkStore,
} from '../../lib/attrd/index.ts';
import {
  type ComeBackOptions,
  type ComeBackOutcome,
  comeBack,
  type LocalCompute,
  type PassLog,
} from '../../lib/evacuation/index.ts';
import { type FenceContext, FenceError } from '../../lib/fencing/index.ts';
import { FenceOptions } from '../../lib/fencing/options.ts';
import { parseStdin } from '../../lib/fencing/stdin.ts';
import type { Knobs } from '../simulators/cloud/knobs.ts';
import type { Host } from '../simulators/cloud/model.ts';
import { CloudServices } from '../simulators/cloud/services.ts';
import { FakePacemaker } from '../unit/attrd/fakePacemaker.ts';
import { Process, seeded, VirtualTime } from '../unit/evacuation/virtualTime.ts';
import { addressOf, type Network, wireOf } from './wire.ts';

/** What nobody may ever read anywhere. */
export const password = 'Pa55-of-the-chaos';

export interface SiteOptions {
  /** Names of the compute nodes in the cluster. */
  readonly nodes: readonly string[];
  /** What Nova adds to a node's name for its host: `.example.org`. */
  readonly domain: string;
  readonly knobs: Partial<Knobs>;
  readonly scenario: Readonly<Record<string, unknown>>;
}

/**
 * A data centre in one process and in virtual time: the simulated cloud behind its real client, a cluster, two
 * controllers and the compute nodes. Everything an operator or a stranger could read is heard by the observer.
 */
export class Site {
  readonly time = new VirtualTime();
  readonly random: () => number;
  readonly cloud: CloudServices;
  readonly pacemaker: FakePacemaker;
  readonly network: Network;
  readonly nodes: readonly string[];
  /** All sentences that operators see: logs, exit reasons, attributes. */
  readonly told: string[] = [];
  toolLatency: () => number = () => 12;
  latency: () => number = () => 10;
  #senders = 0;
  readonly #domain: string;

  constructor(seed: number, { nodes, domain, knobs, scenario }: SiteOptions) {
    this.random = seeded(seed);
    this.nodes = nodes;
    this.#domain = domain;
    this.pacemaker = new FakePacemaker('2.1.5', ['ctl0', 'ctl1'], [...nodes]);
    this.cloud = new CloudServices({
      clock: this.time,
      knobs,
      scenario: { users: [{ name: 'ha', password, project: 'admin' }], ...scenario },
    });
    this.cloud.publish({
      keystone: addressOf('keystone'),
      nova: addressOf('nova'),
      glance: addressOf('glance'),
      placement: addressOf('placement'),
      cinder: addressOf('cinder'),
    });
    this.network = {
      cloud: this.cloud,
      time: this.time,
      closed: new Set(),
      evacuationsUnderWay: 0,
      latency: () => this.latency(),
    };
  }

  /** Nova's name of a node. */
  hostName(node: string): string {
    return node + this.#domain;
  }

  nodeName(host: string): string {
    return this.#domain !== '' && host.endsWith(this.#domain) ? host.slice(0, -this.#domain.length) : host;
  }

  host(node: string): Host {
    return this.cloud.world.host(this.hostName(node));
  }

  /** The copies of a mark, read past all tools. */
  mark(node: string): { readonly transient: string; readonly permanent: string } {
    return {
      transient: this.pacemaker.transient.get('evacuate')?.get(node) ?? '',
      permanent: this.pacemaker.permanent(node) ?? '',
    };
  }

  /** What a transient attribute of a node reads. */
  attribute(name: string, node: string): string {
    return this.pacemaker.transient.get(name)?.get(node) ?? '';
  }

  // The world as a process sees it.

  newProcess(): Process {
    return new Process(this.time);
  }

  /** Pacemaker's tools as a process calls them: they do their work even when it is killed meanwhile. */
  toolsFor(process: Process): CommandRunner {
    return (tool, args) =>
      new Promise((resolve, reject) => {
        this.time.after(this.toolLatency() / 2, () => {
          this.cloud.world.observer.heard('an argument list', `${tool} ${args.join(' ')}`);
          this.pacemaker.run(tool, args).then((result) => {
            this.cloud.world.observer.look();
            this.time.after(this.toolLatency() / 2, () => {
              if (process.alive) resolve(result);
            });
          }, reject);
        });
      });
  }

  marksFor(process: Process): MarkStore {
    return createMarkStore({ env: {}, timeoutMs: 10_000, run: this.toolsFor(process) });
  }

  attributesFor(process: Process) {
    return createAttributes({ env: {}, timeoutMs: 10_000, run: this.toolsFor(process) });
  }

  modesFor(process: Process) {
    return createEvacuationModes({ env: {}, timeoutMs: 10_000, run: this.toolsFor(process) });
  }

  fencingFor(process: Process) {
    return createFencingHistory({ env: {}, timeoutMs: 10_000, run: this.toolsFor(process) });
  }

  clusterFor(process: Process) {
    return createClusterState({ env: {}, timeoutMs: 10_000, run: this.toolsFor(process) });
  }

  /** Logs in with the real client. Requests bear the process's name, `ctl0 pass 17`, for the observer. */
  connectFor(process: Process, name: string): (deadline: number) => Promise<NovaClient> {
    this.#senders += 1;
    const sender = `${name} ${this.#senders}`;
    const credentials = {
      kind: 'password',
      username: 'ha',
      password,
      userDomain: { name: 'Default' },
      project: { name: 'admin', domain: { name: 'Default' } },
    } as const;
    return (deadline) =>
      connect(
        {
          authUrl: `${addressOf('keystone')}/v3`,
          credentials,
          endpointInterface: 'internal',
          tls: { verify: true },
        },
        {
          deadline,
          env: {},
          now: () => process.now(),
          sleep: (ms, signal) => interruptible(process, ms, signal),
          random: this.random,
          transport: wireOf(this.network, process, sender),
          log: (line) => this.cloud.world.observer.heard('a debug line', line),
        },
      );
  }

  logOf(process: Process, tell: (line: string) => void): PassLog {
    const line = (level: string) => (sentence: string) => {
      if (!process.alive) return;
      this.hear(sentence);
      tell(`${level}: ${sentence}`);
    };
    return { warn: line('warn'), notice: line('notice'), info: line('info'), debug: this.#debug };
  }

  readonly #debug = (sentence: string) => this.cloud.world.observer.heard('a debug line', sentence);

  /** A sentence that operators see. */
  hear(sentence: string): void {
    this.told.push(sentence);
    this.cloud.world.observer.heard('a log', sentence);
  }

  // The agents.

  /** nova-compute as its machine sees it; starting it takes two seconds. */
  computeOn(node: string, process: Process): LocalCompute {
    return {
      isRunning: async () => {
        await process.sleep(3);
        return this.host(node).alive;
      },
      start: async () => {
        await process.sleep(100);
        this.startCompute(node);
        await process.sleep(2_000);
      },
    };
  }

  startCompute(node: string): void {
    if (this.host(node).powered) this.cloud.world.startCompute(this.hostName(node));
  }

  /** The machine boots and joins the cluster, which forgets its transient attributes. nova-compute is not started. */
  boot(node: string): void {
    this.cloud.world.bootMachine(this.hostName(node));
    this.pacemaker.lost.delete(node);
    this.pacemaker.purge(node);
  }

  loseCluster(node: string): void {
    this.pacemaker.lost.add(node);
    this.pacemaker.active.delete(node);
  }

  /** NovaCompute brings a host back, on its own machine. */
  comeBack(
    node: string,
    log: (line: string) => void,
    more: Pick<ComeBackOptions, 'startBy' | 'releaseMs' | 'deadline'> & Partial<ComeBackOptions>,
  ): { readonly process: Process; readonly outcome: Promise<ComeBackOutcome> } {
    const process = this.newProcess();
    const outcome = comeBack({
      node,
      host: this.hostName(node),
      dnsDomain: undefined,
      marks: this.marksFor(process),
      attributes: this.attributesFor(process),
      connect: this.connectFor(process, node),
      compute: this.computeOn(node, process),
      clock: process,
      log: this.logOf(process, log),
      ...more,
    });
    return { process, outcome };
  }

  /** `fence_compute off` or `on`, as Pacemaker's fencer calls it. */
  fenceCompute(
    action: 'off' | 'on',
    node: string,
    tell: (line: string) => void,
  ): { readonly process: Process; readonly outcome: Promise<'0' | string> } {
    const process = this.newProcess();
    const plug = this.hostName(node);
    const parsed = parseStdin(declared, `action=${action}\nnodename=${node}\nport=${plug}`);
    const log = this.logOf(process, tell);
    const context: FenceContext = {
      action,
      options: new FenceOptions(declared, parsed),
      plug,
      nodename: parsed.nodename,
      env: {},
      log: { error: log.warn, warn: log.warn, info: log.info, debug: log.debug },
      out: () => undefined,
      startedAt: this.time.now(),
      timeoutsDisabled: true,
    };
    const world: FenceWorld = {
      marks: this.marksFor(process),
      cluster: this.clusterFor(process),
      connect: this.connectFor(process, 'fencer'),
      now: () => process.now(),
      sleep: (ms) => process.sleep(ms),
    };
    const outcome = (action === 'off' ? off : on)(context, world).then(String, (error: unknown) => {
      if (!(error instanceof FenceError)) throw error;
      this.hear(error.message);
      return error.message;
    });
    return { process, outcome };
  }
}

/** As the client's own: resolves after a while, or early when the signal fires; never for a process that was killed. */
function interruptible(process: Process, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal === undefined) return process.sleep(ms);
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      stop();
      signal.removeEventListener('abort', done);
      if (process.alive) resolve();
    };
    const stop = process.time.after(ms, done);
    signal.addEventListener('abort', done);
  });
}
