// Loaded here, because the first load of what lib/attrd loads late would take real time.
import '@rgrove/parse-xml';
import { connect, type Exchange, type NovaClient, novaHost } from '@openstack-ts/nova-client';
import { off } from '../../../fence/fence_compute/off.ts';
import { on } from '../../../fence/fence_compute/on.ts';
import { options as declared } from '../../../fence/fence_compute/options.ts';
import { toolsDeadline } from '../../../fence/fence_compute/timing.ts';
import type { World as FenceWorld } from '../../../fence/fence_compute/world.ts';
import {
  type AttrdOptions,
  type CommandRunner,
  createAttributes,
  createEvacuationModes,
  createMarkStore,
  type MarkStore,
  nodeName,
} from '../../../lib/attrd/index.ts';
import { createClusterNodes, createClusterState, createFencingHistory } from '../../../lib/cluster/index.ts';
import {
  type ComeBackOptions,
  type ComeBackOutcome,
  comeBack,
  type LocalCompute,
  type PassLog,
} from '../../../lib/evacuation/index.ts';
import type { EvacuationEvent } from '../../../lib/evacuation/tell/events.ts';
import { type FenceContext, FenceError } from '../../../lib/fencing/index.ts';
import { FenceOptions } from '../../../lib/fencing/options.ts';
import { parseStdin } from '../../../lib/fencing/stdin.ts';
import type { Knobs } from '../cloud/knobs.ts';
import type { Host } from '../cloud/model.ts';
import { CloudServices } from '../cloud/services.ts';
import { Clocks } from './clocks.ts';
import { FakePacemaker, type manners } from './fakePacemaker.ts';
import { Tools } from './tools.ts';
import { Process, seeded, VirtualTime } from './virtualTime.ts';
import { addressOf, type Network, wireOf } from './wire.ts';

/** What nobody may ever read anywhere. */
export const password = 'Pa55-of-the-storm';

/** The cluster node whose fencer runs the fence agents. */
export const fencer = 'ctl0';

export interface SiteOptions {
  /** Names of the compute nodes in the cluster. */
  readonly nodes: readonly string[];
  /** What Nova adds to a node's name for its host: `.example.org`. */
  readonly domain: string;
  /** How Pacemaker's tools answer; as 3.0.0 unless said otherwise. */
  readonly pacemaker?: keyof typeof manners;
  /** By how much Nova's clock is wrong from the beginning, ms. */
  readonly novaClockMs?: number;
  readonly knobs: Partial<Knobs>;
  readonly scenario: Readonly<Record<string, unknown>>;
}

/**
 * A data centre in one process and in virtual time: the simulated cloud behind its real client, a cluster, two
 * controllers and the compute nodes. Everything an operator or a stranger could read is heard by the observer.
 */
export class Site {
  readonly time = new VirtualTime();
  /** Of every machine; `nova` is the one that Nova's services and their database run on. */
  readonly clocks = new Clocks(this.time);
  readonly random: () => number;
  readonly cloud: CloudServices;
  readonly pacemaker: FakePacemaker;
  readonly network: Network;
  readonly nodes: readonly string[];
  /** All sentences that operators see: logs, exit reasons, attributes. */
  readonly told: string[] = [];
  /** What NovaEvacuate reported, in order. */
  readonly events: EvacuationEvent[] = [];
  /** Nodes that a fence device calls otherwise than Nova does (pcmk_host_map), with Nova's names. */
  readonly hostMap = new Map<string, string>();
  /** What `crm_mon` shows at this moment: exit reasons by resource and node, attributes by name. */
  readonly shown = new Map<string, string>();
  readonly tools: Tools;
  /** For how long what a tool does not answer is asked again, ms; the agents set 8 s, the storm none. */
  patienceMs = 0;
  /** The bound of one call of a tool, ms. */
  toolTimeoutMs = 10_000;
  latency: () => number = () => 10;
  /** Told of each request as it is sent. */
  sent: (exchange: Exchange) => void = () => undefined;
  #senders = 0;
  /** The id in what a node's attribute reads: the observer looks at it thousands of times. */
  readonly #incidentsRead = new Map<string, string>();
  readonly #domain: string;

  constructor(
    seed: number,
    { nodes, domain, pacemaker = '3.0.0', novaClockMs = 0, knobs, scenario }: SiteOptions,
  ) {
    this.random = seeded(seed);
    this.nodes = nodes;
    this.#domain = domain;
    this.pacemaker = new FakePacemaker(pacemaker, ['ctl0', 'ctl1'], [...nodes]);
    this.clocks.set('nova', novaClockMs);
    this.cloud = new CloudServices({
      clock: {
        now: () => this.clocks.now('nova'),
        after: (ms, action) => this.time.after(ms, action),
      },
      knobs,
      scenario: { users: [{ name: 'ha', password, project: 'admin' }], ...scenario },
    });
    const { observer } = this.cloud.world;
    this.tools = new Tools(
      this.time,
      this.pacemaker,
      (line) => observer.heard('an argument list', line),
      () => observer.look(),
    );
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
      sent: (exchange) => this.sent(exchange),
      latency: () => this.latency(),
    };
  }

  /** Nova's name of a node. */
  hostName(node: string): string {
    return this.hostMap.get(node) ?? node + this.#domain;
  }

  nodeName(host: string): string {
    for (const [node, name] of this.hostMap) if (name === host) return node;
    return this.#domain !== '' && host.endsWith(this.#domain) ? host.slice(0, -this.#domain.length) : host;
  }

  host(node: string): Host {
    return this.cloud.world.host(this.hostName(node));
  }

  /** The copies of a mark, read past all tools. */
  mark(node: string): { readonly transient: string; readonly permanent: string; readonly incident: string } {
    return {
      incident: this.#incidentIn(this.pacemaker.nodes.get(node)?.get('evacuate-incident') ?? ''),
      transient: this.pacemaker.transient.get('evacuate')?.get(node) ?? '',
      permanent: this.pacemaker.permanent(node) ?? '',
    };
  }

  #incidentIn(noted: string): string {
    if (noted === '') return '';
    const known = this.#incidentsRead.get(noted);
    if (known !== undefined) return known;
    const id = /\bid=(\S+)/.exec(noted)?.[1] ?? '';
    this.#incidentsRead.set(noted, id);
    return id;
  }

  /** What a transient attribute of a node reads. */
  attribute(name: string, node: string): string {
    return this.pacemaker.transient.get(name)?.get(node) ?? '';
  }

  // The world as a process sees it.

  /** `machine`: whose clock it reads. */
  newProcess(machine: string): Process {
    return new Process(this.time, this.clocks.now(machine));
  }

  toolsFor(process: Process): CommandRunner {
    return this.tools.for(process, this.toolTimeoutMs);
  }

  #asking(process: Process): AttrdOptions {
    const asking = { env: {}, timeoutMs: this.toolTimeoutMs, run: this.toolsFor(process) };
    if (this.patienceMs === 0) return asking;
    const patience = { clock: process, forMs: this.patienceMs, until: process.toolsUntil };
    return { ...asking, patience };
  }

  marksFor(process: Process): MarkStore {
    return createMarkStore({ ...this.#asking(process), now: () => process.now() });
  }

  attributesFor(process: Process) {
    return createAttributes(this.#asking(process));
  }

  modesFor(process: Process) {
    return createEvacuationModes(this.#asking(process));
  }

  fencingFor(process: Process) {
    return createFencingHistory(this.#asking(process));
  }

  nodesFor(process: Process) {
    return createClusterNodes({
      env: {},
      timeoutMs: this.toolTimeoutMs,
      run: this.toolsFor(process),
    });
  }

  clusterFor(process: Process) {
    return createClusterState(this.#asking(process));
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
    this.cloud.world.observer.said(sentence);
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
    this.pacemaker.connecting.delete(node);
    this.pacemaker.purge(node);
  }

  /** It is to be fenced from now on. */
  loseCluster(node: string): void {
    this.pacemaker.lost.add(node);
    this.pacemaker.unclean.add(node);
    this.pacemaker.connecting.delete(node);
    this.pacemaker.active.delete(node);
  }

  /** NovaCompute brings a host back, on its own machine. */
  comeBack(
    node: string,
    log: (line: string) => void,
    more: Pick<ComeBackOptions, 'startBy' | 'releaseMs' | 'deadline'> & Partial<ComeBackOptions>,
  ): { readonly process: Process; readonly outcome: Promise<ComeBackOutcome> } {
    const process = this.newProcess(node);
    const outcome = comeBack({
      node: nodeName(node),
      host: novaHost(this.hostName(node)),
      dnsDomain: undefined,
      marks: this.marksFor(process),
      attributes: this.attributesFor(process),
      readNodes: () => this.nodesFor(process).read(),
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
    plug = this.hostName(node),
  ): { readonly process: Process; readonly outcome: Promise<'0' | string> } {
    const process = this.newProcess(fencer);
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
      startedAt: process.now(),
      timeoutsDisabled: true,
    };
    process.toolsUntil = toolsDeadline(context, process.now());
    const world: FenceWorld = {
      marks: this.marksFor(process),
      cluster: {
        nodes: () => this.nodesFor(process).read(),
        primitives: () => this.clusterFor(process).primitives(),
      },
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
