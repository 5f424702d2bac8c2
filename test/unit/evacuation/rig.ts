// Loaded here, because the first load of what lib/attrd loads late would take real time.
import '@rgrove/parse-xml';
import type { NovaClient } from '@openstack-ts/nova-client';
import { off } from '../../../fence/fence_compute/off.ts';
import { on } from '../../../fence/fence_compute/on.ts';
import { options as declared } from '../../../fence/fence_compute/options.ts';
import type { World } from '../../../fence/fence_compute/world.ts';
import {
  type CommandRunner,
  createAttributes,
  createClusterState,
  createEvacuationModes,
  createFencingHistory,
  createMarkStore,
  type MarkStore,
  parseMark,
} from '../../../lib/attrd/index.ts';
import type { EvacuationEvent, PassFigures } from '../../../lib/evacuation/events.ts';
import {
  type ComeBackOptions,
  type ComeBackOutcome,
  comeBack,
  Hints,
  type LocalCompute,
  type PassLog,
  type PassOptions,
  type PassOutcome,
  type Policy,
  readPulses,
  runPass,
} from '../../../lib/evacuation/index.ts';
import { type FenceContext, FenceError } from '../../../lib/fencing/index.ts';
import { FenceOptions } from '../../../lib/fencing/options.ts';
import { parseStdin } from '../../../lib/fencing/stdin.ts';
import { FakePacemaker } from '../attrd/fakePacemaker.ts';
import { FakeNova } from './fakeNova.ts';
import { Process, seeded, VirtualTime } from './virtualTime.ts';

/** A controller that NovaEvacuate runs on: what outlives a pass there. */
export interface Controller {
  readonly name: string;
  hints: Hints;
}

export interface RunningPass {
  readonly process: Process;
  readonly outcome: Promise<PassOutcome>;
}

export interface RunningComeBack {
  readonly process: Process;
  readonly outcome: Promise<ComeBackOutcome>;
}

/** `0`, or the sentence that a fence agent failed with. */
export interface RunningFenceAgent {
  readonly process: Process;
  readonly outcome: Promise<'0' | string>;
}

/** The policy of an installation that has none. */
export const everyone: Policy = { include: [], exclude: [], priorities: [], otherStates: 'leave' };

/** A cluster and a cloud in memory, and passes over them in virtual time. */
export class Rig {
  readonly time = new VirtualTime();
  readonly random: () => number;
  readonly nova: FakeNova;
  readonly pacemaker = new FakePacemaker(
    '2.1.5',
    ['ctl0', 'ctl1'],
    ['comp0', 'comp1', 'comp2', 'comp3', 'comp4'],
  );
  readonly ctl0: Controller = { name: 'ctl0', hints: new Hints() };
  readonly ctl1: Controller = { name: 'ctl1', hints: new Hints() };
  readonly hostMap = new Map<string, string>();
  /** Every line of every pass, as `level sentence`. */
  readonly log: string[] = [];
  /** What every pass reported, in order; the figures of the last one. */
  readonly events: EvacuationEvent[] = [];
  figures: PassFigures | null = null;
  /** What `crm_mon -A` showed, in order. */
  readonly progress: string[] = [];
  /** Writes of the transient mark, as `comp0=yes`. */
  readonly writes: string[] = [];
  options: Partial<PassOptions> = {};
  /** How long a tool takes, in ms. */
  toolLatency: () => number = () => 12;

  constructor(seed = 1, hosts: readonly string[] = ['comp0', 'comp1', 'comp2', 'comp3']) {
    this.random = seeded(seed);
    this.nova = new FakeNova(this.time, this.random, hosts);
    this.nova.isMarked = (host) => this.isPending(host) || this.isPending(host.split('.', 1)[0] ?? '');
  }

  /** The host loses its power, and fence_compute marks it and tells Nova. */
  fence(host: string, options: { tellNova?: boolean; name?: string } = {}): void {
    this.nova.powerOff(host);
    this.pacemaker.lost.add(options.name ?? host);
    this.pacemaker.noteFencing(options.name ?? host, this.time.now());
    if (options.tellNova !== false) {
      const state = this.nova.host(host);
      state.forcedDown = true;
      state.writtenAt = this.time.now();
      state.enabled = false;
      const at = new Date(this.time.now()).toISOString().replace(/\.\d+Z$/, 'Z');
      state.disabledReason ??= `Pacemaker fenced this host at ${at} (fence_compute); its instances are evacuated`;
    }
    this.setMark(options.name ?? host, 'yes', 'yes');
  }

  /** Writes a mark by hand: the transient copy and, where it is given, the permanent one. */
  setMark(name: string, transient: string, permanent?: string): void {
    const values = this.pacemaker.transient.get('evacuate') ?? new Map<string, string>();
    this.pacemaker.transient.set('evacuate', values.set(name, transient));
    const isNode = this.pacemaker.remotes.has(name) || this.pacemaker.nodes.has(name);
    if (permanent === undefined || !isNode) return;
    const attributes = this.pacemaker.nodes.get(name) ?? new Map<string, string>();
    this.pacemaker.nodes.set(name, attributes.set('evacuate', permanent));
  }

  mark(name: string): string {
    return this.pacemaker.transient.get('evacuate')?.get(name) || (this.pacemaker.permanent(name) ?? '');
  }

  isPending(name: string): boolean {
    const { kind } = parseMark(this.mark(name));
    return kind === 'yes' || kind === 'claimed';
  }

  /** The machine boots and joins the cluster, which forgets its transient attributes. nova-compute is not started. */
  boot(host: string, node = host): void {
    this.nova.powerOn(host);
    this.pacemaker.lost.delete(node);
    this.pacemaker.purge(node);
  }

  /** Pacemaker's tools as a process calls them. */
  toolsFor(process: Process): CommandRunner {
    return (tool, args) =>
      new Promise((resolve, reject) => {
        // The tool does its work even when the agent is killed meanwhile.
        this.time.after(this.toolLatency() / 2, () => {
          if (args.includes('-U')) this.writes.push(`${args[args.indexOf('-N') + 1]}=${args.at(-1)}`);
          this.pacemaker.run(tool, args).then((result) => {
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

  /** nova-compute as its machine sees it; starting it takes two seconds. */
  computeOn(host: string, process: Process): LocalCompute {
    return {
      isRunning: async () => {
        await process.sleep(3);
        return this.nova.host(host).computeRuns;
      },
      start: async () => {
        await process.sleep(100);
        this.nova.startCompute(host);
        await process.sleep(2_000);
      },
    };
  }

  /** NovaCompute brings a host back, on its own machine. */
  comeBack(host: string, more: Partial<ComeBackOptions> = {}): RunningComeBack {
    const process = new Process(this.time);
    const run = this.toolsFor(process);
    const now = this.time.now();
    const outcome = comeBack({
      node: host,
      host,
      dnsDomain: undefined,
      marks: this.marksFor(process),
      attributes: createAttributes({ env: {}, timeoutMs: 10_000, run }),
      connect: async () => this.nova.clientFor(process),
      compute: this.computeOn(host, process),
      clock: process,
      log: this.logOf(process),
      startBy: now + 200_000,
      releaseMs: 120_000,
      deadline: now + 270_000,
      ...more,
    });
    return { process, outcome };
  }

  /** `fence_compute off` or `on`, as Pacemaker's fencer calls it. */
  fenceCompute(
    action: 'off' | 'on',
    host: string,
    more: { readonly node?: string; readonly connect?: World['connect']; readonly log?: PassLog } = {},
  ): RunningFenceAgent {
    const process = new Process(this.time);
    const parsed = parseStdin(declared, `action=${action}\nnodename=${more.node ?? host}\nport=${host}`);
    const log = more.log ?? this.logOf(process);
    const context: FenceContext = {
      action,
      options: new FenceOptions(declared, parsed),
      plug: host,
      nodename: parsed.nodename,
      env: {},
      log: { error: log.warn, warn: log.warn, info: log.info, debug: log.debug },
      out: () => undefined,
      startedAt: this.time.now(),
      timeoutsDisabled: true,
    };
    const world: World = {
      marks: this.marksFor(process),
      cluster: createClusterState({ env: {}, timeoutMs: 10_000, run: this.toolsFor(process) }),
      connect: more.connect ?? (async () => this.nova.clientFor(process)),
      now: () => process.now(),
      sleep: (ms) => process.sleep(ms),
    };
    const outcome = (action === 'off' ? off : on)(context, world).then(String, (error: unknown) => {
      if (!(error instanceof FenceError)) throw error;
      return error.message;
    });
    return { process, outcome };
  }

  logOf(process: Process): PassLog {
    const line = (level: string) => (sentence: string) => {
      if (process.alive) this.log.push(`${level} ${sentence}`);
    };
    return { warn: line('warn'), notice: line('notice'), info: line('info'), debug: () => undefined };
  }

  /** What a transient attribute of a node reads. */
  attribute(name: string, node: string): string {
    return this.pacemaker.transient.get(name)?.get(node) ?? '';
  }

  /** Begins a pass on a controller. */
  start(controller: Controller = this.ctl0, more: Partial<PassOptions> = {}): RunningPass {
    const process = new Process(this.time);
    const outcome = runPass({
      marks: this.marksFor(process),
      readHostMap: async () => this.hostMap,
      connect: async (): Promise<NovaClient> => this.nova.clientFor(process),
      me: controller.name,
      dnsDomain: undefined,
      settings: { concurrency: 16, onSharedStorage: true, evacuateDelayMs: 0, earlyReturn: 'release' },
      policy: everyone,
      limits: { maxFailedPercent: 100, maxFailedPerAggregate: 0, maxHostsAtOnce: 0 },
      readModes: () =>
        createEvacuationModes({ env: {}, timeoutMs: 10_000, run: this.toolsFor(process) }).readModes(),
      readFencing: (node) =>
        createFencingHistory({ env: {}, timeoutMs: 10_000, run: this.toolsFor(process) }).readFencing(node),
      report: {
        event: (event) => {
          if (process.alive) this.events.push(event);
        },
        figures: (figures) => {
          this.figures = figures;
        },
      },
      apiErrors: () => ({}),
      hints: controller.hints,
      keepHints: () => undefined,
      clock: process,
      log: this.logOf(process),
      showProgress: async (name, text) => {
        this.progress.push(`${name}: ${text}`);
        await process.sleep(12);
      },
      clearProgress: async (name) => {
        this.progress.push(`${name}:`);
        await process.sleep(12);
      },
      readPulses: () =>
        readPulses(createAttributes({ env: {}, timeoutMs: 10_000, run: this.toolsFor(process) })),
      release: 'auto',
      readNodes: async () => {
        await process.sleep(20);
        return createClusterState({ env: {}, timeoutMs: 1_000, run: this.pacemaker.run }).nodes();
      },
      startedAt: this.time.now(),
      timeoutMs: 600_000,
      ...this.options,
      ...more,
    });
    return { process, outcome };
  }

  /** One whole pass. */
  async pass(controller?: Controller, more?: Partial<PassOptions>): Promise<PassOutcome> {
    return this.time.until(this.start(controller, more).outcome);
  }

  /** Passes every ten seconds, as Pacemaker calls them, until nothing is pending; gives all outcomes. */
  async passes(most: number, controller?: Controller, more?: Partial<PassOptions>): Promise<PassOutcome[]> {
    const outcomes: PassOutcome[] = [];
    while (outcomes.length < most && this.#anyPending()) {
      outcomes.push(await this.pass(controller, more));
      await this.time.pass(10_000);
    }
    return outcomes;
  }

  /** Lines of the log that contain a text. */
  logged(text: string): string[] {
    return this.log.filter((line) => line.includes(text));
  }

  #anyPending(): boolean {
    const names = new Set([
      ...(this.pacemaker.transient.get('evacuate')?.keys() ?? []),
      ...this.pacemaker.nodes.keys(),
    ]);
    return [...names].some((name) => this.isPending(name));
  }
}
