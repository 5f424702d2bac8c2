// Loaded here, because the first load of what lib/attrd loads late would take real time.
import '@rgrove/parse-xml';
import type { NovaClient } from '@openstack-ts/nova-client';
import {
  type CommandRunner,
  createClusterState,
  createMarkStore,
  type MarkStore,
  parseMark,
} from '../../../lib/attrd/index.ts';
import { type Hints, type PassOptions, type PassOutcome, runPass } from '../../../lib/evacuation/index.ts';
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
  readonly ctl0: Controller = { name: 'ctl0', hints: new Map() };
  readonly ctl1: Controller = { name: 'ctl1', hints: new Map() };
  readonly hostMap = new Map<string, string>();
  /** Every line of every pass, as `level sentence`. */
  readonly log: string[] = [];
  /** What `crm_mon -A` showed, in order. */
  readonly progress: string[] = [];
  /** Writes of the transient mark, as `comp0=yes`. */
  readonly writes: string[] = [];
  /** What machines that are back say of themselves, by Nova's name of the host. */
  readonly pulses = new Map<string, string>();
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
    if (options.tellNova !== false) {
      const state = this.nova.host(host);
      state.forcedDown = true;
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

  marksFor(process: Process): MarkStore {
    const run: CommandRunner = (tool, args) =>
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
    return createMarkStore({ env: {}, timeoutMs: 10_000, run });
  }

  /** Begins a pass on a controller. */
  start(controller: Controller = this.ctl0, more: Partial<PassOptions> = {}): RunningPass {
    const process = new Process(this.time);
    const line = (level: string) => (sentence: string) => {
      if (process.alive) this.log.push(`${level} ${sentence}`);
    };
    const outcome = runPass({
      marks: this.marksFor(process),
      readHostMap: async () => this.hostMap,
      connect: async (): Promise<NovaClient> => this.nova.clientFor(process),
      me: controller.name,
      dnsDomain: undefined,
      settings: { concurrency: 16, onSharedStorage: true, evacuateDelayMs: 0, earlyReturn: 'release' },
      hints: controller.hints,
      keepHints: () => undefined,
      clock: process,
      log: { warn: line('warn'), notice: line('notice'), info: line('info'), debug: () => undefined },
      showProgress: async (name, text) => {
        this.progress.push(`${name}: ${text}`);
        await process.sleep(12);
      },
      clearProgress: async (name) => {
        this.progress.push(`${name}:`);
        await process.sleep(12);
      },
      readPulses: async () => {
        await process.sleep(12);
        return this.pulses;
      },
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
