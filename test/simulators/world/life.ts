import type { ComeBackOptions, PassOptions, PassOutcome } from '../../../lib/evacuation/index.ts';
import type { Knobs } from '../cloud/knobs.ts';
import { hasLocalDisk, type Server } from '../cloud/model.ts';
import type { Surroundings } from '../cloud/observer.ts';
import { addServers } from '../cloud/scenario.ts';
import { type Configuration, Controller } from './controller.ts';
import { password, Site, type SiteOptions } from './site.ts';
import type { Process } from './virtualTime.ts';

/** NovaEvacuate as it is when no parameter is set, but for the number of requests at once. */
export const plain: Configuration = {
  concurrency: 16,
  earlyReturn: 'release',
  release: 'auto',
  evacuateDelayMs: 0,
  noSharedStorage: false,
  dnsDomain: undefined,
  policy: { include: '', exclude: '', priority: '', other_states: 'leave' },
  limits: { maxFailedPercent: 100, maxFailedPerAggregate: 0, maxHostsAtOnce: 0 },
  timeoutMs: 600_000,
};

/** A cloud of middling speed: an evacuation takes some seconds. */
const middling: Partial<Knobs> = {
  serviceDownTime: 60_000,
  reportInterval: 10_000,
  firstReport: 3_000,
  startup: 500,
  spawn: 1_500,
  settle: 1_000,
};

export interface LifeOptions {
  readonly nodes?: readonly string[];
  /** What Nova adds to a node's name for its host: `.example.org`. */
  readonly domain?: string;
  /** How Pacemaker's tools answer. */
  readonly pacemaker?: SiteOptions['pacemaker'];
  /** By how much Nova's clock is wrong from the beginning, ms. */
  readonly novaClockMs?: number;
  /** Nova's hosts, where they are others than the nodes with their domain. */
  readonly hosts?: readonly string[];
  readonly seed?: number;
  readonly knobs?: Partial<Knobs>;
}

/** A pass that was begun: wait for its end, or kill it; null then. */
export interface BegunPass {
  readonly outcome: Promise<PassOutcome | null>;
  kill(): void;
}

/**
 * One life of hosts that fail and come back, as a test tells it: the data centre, NovaEvacuate on two controllers, and what
 * happens around them. The observer holds all that is asked and said against its rules from the beginning.
 */
export class Life {
  readonly site: Site;
  readonly ctl0: Controller;
  readonly ctl1: Controller;
  configuration: Configuration = plain;
  /** The numbers of instances in sentences are held against the truth. */
  judgesCounts = true;
  /** What is said by whom: each line of a log, and each result of a monitor. */
  tell: (who: string, line: string) => void = () => undefined;
  /** Why instances stay where they are, by id, where it is neither their state nor their metadata. */
  readonly staying = new Map<string, string>();
  readonly #bornAs = new Map<string, string>();
  readonly #paused = new Map<string, number>();
  readonly #takenBack = new Map<string, number>();
  readonly #monitors = new Map<string, Promise<void>>();
  readonly #monitored = new Set<string>();

  constructor({
    nodes = ['comp0', 'comp1', 'comp2', 'comp3'],
    domain = '',
    pacemaker = '3.0.0',
    novaClockMs = 0,
    hosts = nodes.map((name) => name + domain),
    seed = 1,
    knobs,
  }: LifeOptions = {}) {
    this.site = new Site(seed, {
      nodes,
      domain,
      pacemaker,
      novaClockMs,
      knobs: { ...middling, ...knobs },
      scenario: { hosts: hosts.map((name) => ({ name })) },
    });
    this.site.patienceMs = 8_000;
    this.site.toolTimeoutMs = 6_000;
    this.ctl0 = new Controller(this.site, 'ctl0');
    this.ctl1 = new Controller(this.site, 'ctl1');
    this.observer.watch(this.#surroundings());
  }

  get observer() {
    return this.site.cloud.world.observer;
  }

  /** What was against a rule, in sentences. */
  get violations(): readonly string[] {
    return this.observer.violations.map(({ rule, sentence }) => `${rule}: ${sentence}`);
  }

  /** Adds servers as a scenario does (test/simulators/README.md), whose ids count up unless they are given, and whose owner has made them. */
  addServers(wish: Readonly<Record<string, unknown>>): Server[] {
    const { world, keystone } = this.site.cloud;
    const owner = { userId: 'the-owner', projectId: 'admin', requestId: 'req-owner' };
    const count = Number(wish['count'] ?? 1);
    const { count: _, ...one } = wish;
    return Array.from({ length: count }, (_, index) => {
      const id = wish['id'] ?? `00000000-0000-4000-8000-${String(world.servers.size + 1).padStart(12, '0')}`;
      const name = count === 1 ? wish['name'] : `${String(wish['name'])}-${index + 1}`;
      const [server] = addServers(world, keystone, { host: this.site.hostName('comp0'), ...one, id, name });
      if (server === undefined) throw new Error(`${String(name)} was not made`);
      // Long before.
      const at = world.clock.now() - 3_600_000;
      for (const action of server.vmState === 'stopped' ? ['create', 'stop'] : ['create']) {
        Object.assign(world.recordAction(server, action, owner), { startedAt: at, updatedAt: at });
      }
      this.#bornAs.set(server.id, server.vmState);
      return server;
    });
  }

  // What happens.

  /** The machine loses its power, and the cluster sees that it is gone. */
  lose(node: string): void {
    this.site.cloud.world.killCompute(this.site.hostName(node), { power: false });
    this.site.loseCluster(node);
  }

  /** It loses its power if it still has any, and is fenced until fence_compute reports success. */
  fence(node: string): Promise<void> {
    return this.site.time.until(this.fencing(node));
  }

  /** The same while other things happen. */
  async fencing(node: string): Promise<void> {
    const { site } = this;
    const { pacemaker, time } = site;
    this.#takenBack.delete(node);
    if (site.host(node).powered) this.lose(node);
    pacemaker.noteFencing(node, null);
    for (let attempt = 0; (await this.#callFenceCompute('off', node)) !== '0'; attempt += 1) {
      if (attempt === 20) throw new Error(`the fencing of ${node} failed`);
      await this.sleep(1_000);
    }
    pacemaker.noteFencing(node, time.now());
    pacemaker.unclean.delete(node);
    this.observer.fenced(site.hostName(node));
    this.observer.look();
  }

  /** `fence_compute off` or `on`, to its end: `0`, or the sentence it failed with. `plug`: Nova's host, where it is another. */
  fenceCompute(action: 'off' | 'on', node: string, plug?: string): Promise<string> {
    return this.site.time.until(this.#callFenceCompute(action, node, plug));
  }

  async #callFenceCompute(action: 'off' | 'on', node: string, plug?: string): Promise<string> {
    const who = `fence_compute ${action}`;
    const running = this.site.fenceCompute(action, node, (line) => this.tell(who, line), plug);
    const outcome = await running.outcome;
    if (outcome !== '0') this.tell(who, `fails: ${outcome}`);
    return outcome;
  }

  /** One whole monitor; null when another pass holds the lock of that controller. */
  async pass(controller = this.ctl0, more: Partial<PassOptions> = {}): Promise<PassOutcome | null> {
    return this.site.time.until(this.begin(controller, more).outcome);
  }

  /** `more`: what the pass is given instead of what the configuration and the site have. */
  begin(controller = this.ctl0, more: Partial<PassOptions> = {}): BegunPass {
    let kill: () => void = () => undefined;
    const outcome = controller.monitor(
      this.configuration,
      (line) => this.tell(controller.name, line),
      (_process, killed) => {
        kill = killed;
      },
      more,
    );
    return { outcome, kill: () => kill() };
  }

  /** Monitors every ten seconds, as Pacemaker calls them, until no mark is pending. */
  async passes(
    most: number,
    controller = this.ctl0,
    more: Partial<PassOptions> = {},
  ): Promise<(PassOutcome | null)[]> {
    const outcomes: (PassOutcome | null)[] = [];
    while (outcomes.length < most && this.#anyPending()) {
      outcomes.push(await this.pass(controller, more));
      await this.site.time.pass(10_000);
    }
    return outcomes;
  }

  /** From now on a controller monitors every ten seconds, whatever else happens. */
  monitorFrom(controller = this.ctl0): void {
    this.#monitored.add(controller.name);
    const again = async () => {
      while (this.#monitored.has(controller.name)) {
        await this.begin(controller).outcome;
        await this.sleep(10_000);
      }
    };
    this.#monitors.set(controller.name, again());
  }

  /** The one that is running comes to its end; no other begins. */
  stopMonitors(): void {
    this.#monitored.clear();
  }

  /** NovaCompute's start on a machine that is back, or its monitor, for as long as it may take. */
  comeBack(node: string, more: Partial<ComeBackOptions> = {}): ReturnType<Site['comeBack']> {
    const startBy = more.startBy ?? this.site.clocks.now(node) + 200_000;
    return this.site.comeBack(node, (line) => this.tell(`NovaCompute on ${node}`, line), {
      startBy,
      releaseMs: 120_000,
      deadline: startBy + 70_000,
      ...more,
    });
  }

  /** NovaCompute on a machine, called again until nothing is owed; the returned function ends it with its machine. */
  novaCompute(node: string): () => void {
    let process: Process | null = null;
    let isOver = false;
    const again = async () => {
      while (!isOver) {
        const running = this.comeBack(node);
        process = running.process;
        if ((await running.outcome).kind === 'released') return;
        await this.sleep(5_000);
      }
    };
    void again();
    return () => {
      isOver = true;
      process?.kill();
    };
  }

  /** Sets a mark by hand: the transient copy and, where it is given, the permanent one. */
  setMark(node: string, transient: string, permanent?: string): void {
    const { pacemaker, time } = this.site;
    const bare = node.split('.', 1)[0] ?? node;
    const wasPending = this.isPending(node);
    pacemaker.setTransient('evacuate', node, transient);
    if (permanent !== undefined) {
      const attributes = pacemaker.nodes.get(node) ?? new Map<string, string>();
      pacemaker.nodes.set(node, attributes.set('evacuate', permanent));
    }
    if (this.isPending(node)) this.#takenBack.delete(bare);
    else if (wasPending) this.#takenBack.set(bare, time.now());
  }

  /** An operator's word of all nodes (''), or of one; null takes it back. */
  say(node: string, word: string | null): void {
    const { pacemaker, time } = this.site;
    const said =
      node === '' ? pacemaker.properties : (pacemaker.nodes.get(node) ?? new Map<string, string>());
    if (node !== '') pacemaker.nodes.set(node, said);
    if (word === null) said.delete('evacuation');
    else said.set('evacuation', word);
    // Any other word counts as a pause.
    if (word !== null && word !== 'go') this.#paused.set(node, time.now());
    else this.#paused.delete(node);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.site.time.after(ms, resolve);
    });
  }

  // What is so.

  /** What a node's mark reads: the transient copy where there is one. */
  mark(node: string): string {
    const { transient, permanent } = this.site.mark(node);
    return transient || permanent;
  }

  isPending(node: string): boolean {
    return /^(yes|.+@\d+)$/.test(this.mark(node));
  }

  /** Names of the servers that Nova has on a node. */
  on(node: string): string[] {
    return this.#servers()
      .filter(({ host }) => host === this.site.hostName(node))
      .map(({ name }) => name);
  }

  /** Hosts on which a guest of this server runs, whatever Nova holds. */
  runsOn({ id }: Server): string[] {
    return [...this.site.cloud.world.hosts.values()]
      .filter((host) => host.powered && host.domains.get(id) === true)
      .map(({ name }) => name);
  }

  server(name: string): Server {
    const server = this.site.cloud.world.findServer(name);
    if (server === undefined) throw new Error(`there is no server ${name}`);
    return server;
  }

  /** What is odd about the servers: one that should run and does not, or runs elsewhere or twice, or has a task. */
  oddities(): string[] {
    return this.#servers().flatMap((server) => {
      const should = server.vmState === 'active' ? (server.host ?? '') : '';
      const runs = this.runsOn(server).join(' and ');
      const task = server.taskState === null ? [] : [`${server.name} is ${server.taskState}`];
      return runs === should
        ? task
        : [...task, `${server.name} is on ${server.host} and runs on ${runs || 'none'}`];
    });
  }

  /** Requests that change something, in order: `evacuate vm-1`. Those that Nova refused have its status after them. */
  changes(): string[] {
    return this.site.cloud.requests.entries.flatMap((entry) => describeChange(this.site, entry) ?? []);
  }

  #servers(): Server[] {
    return [...this.site.cloud.world.servers.values()];
  }

  #anyPending(): boolean {
    const { pacemaker } = this.site;
    const names = [...(pacemaker.transient.get('evacuate')?.keys() ?? []), ...pacemaker.nodes.keys()];
    return names.some((name) => this.isPending(name));
  }

  #surroundings(): Surroundings {
    const { site } = this;
    const saysGo = () => site.pacemaker.properties.get('evacuation') === 'go';
    const configuration = () => this.configuration;
    const judgesCounts = () => this.judgesCounts;
    return {
      now: () => site.time.now(),
      // A mark may be kept under either name.
      mark: (host) => {
        const names = [...(site.pacemaker.transient.get('evacuate')?.keys() ?? [])].filter(
          (name) => name.split('.', 1)[0] === host.split('.', 1)[0],
        );
        // An operator takes one of them back, and means the host.
        const isTakenBack = this.#takenBack.has(site.nodeName(host));
        const pending = isTakenBack ? undefined : names.find((name) => this.isPending(name));
        return site.mark(pending ?? site.nodeName(host));
      },
      nodeOf: (sender) => sender.split(' ', 1)[0] ?? '',
      // When somebody has to be at work is what each story tells.
      healthySince: () => null,
      staysBecause: ({ id, metadata }) => {
        const reason = this.staying.get(id);
        if (reason !== undefined) return reason;
        if (metadata['evacuable'] === 'false') return 'evacuable=false';
        const vmState = this.#bornAs.get(id) ?? 'active';
        if (['active', 'stopped', 'error'].includes(vmState)) return null;
        const recovers = configuration().policy.other_states === 'recover';
        return recovers && ['paused', 'suspended', 'rescued'].includes(vmState) ? null : `it is ${vmState}`;
      },
      cannotLeaveBecause: (server) => {
        const { world } = site.cloud;
        const targets = [...world.hosts.values()].filter((host) => !host.disabled && world.isUp(host));
        const isFound = targets.length === 0 || targets.some((host) => world.findsDisks(host));
        const isLocal = hasLocalDisk(server) && !(world.knobs.sharedStorage && isFound);
        return isLocal && !configuration().noSharedStorage ? 'its disk lies there' : null;
      },
      groupOf: () => null,
      pausedSince: (host) => this.#paused.get(site.nodeName(host)) ?? this.#paused.get('') ?? null,
      takenBackSince: (host) => this.#takenBack.get(site.nodeName(host)) ?? null,
      hostOf: (name) => site.hostName(site.nodeName(name)),
      shown: () => [],
      get judgesCounts() {
        return judgesCounts();
      },
      wantsCommands: false,
      hostsAtOnce: () => (saysGo() ? 0 : configuration().limits.maxHostsAtOnce),
      failedPercent: () => (saysGo() ? 100 : configuration().limits.maxFailedPercent),
      get givesUpDisks() {
        return configuration().noSharedStorage;
      },
      secrets: [password],
    };
  }
}

interface Asked {
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly status: number | null;
}

/** A request that changes something in Nova, in a few words; null for one that reads. */
export function describeChange(site: Site, { service, method, path, body, status }: Asked): string | null {
  if (service !== 'nova' || method === 'GET') return null;
  const refused = status !== null && status >= 400 ? ` (${status})` : '';
  const told: Record<string, unknown> = body === '' ? {} : JSON.parse(body);
  const [, serverId] = /\/servers\/([^/]+)\/action$/.exec(path) ?? [];
  if (serverId !== undefined) {
    const [action = '', wish] = Object.entries(told)[0] ?? [];
    const name = site.cloud.world.servers.get(serverId)?.name ?? serverId;
    const { host } = { host: undefined, ...(typeof wish === 'object' ? wish : {}) };
    return `${action} ${name}${host === undefined ? '' : ` to ${String(host)}`}${refused}`;
  }
  const [, serviceId] = /\/os-services\/([^/?]+)$/.exec(path) ?? [];
  const named = [...site.cloud.world.hosts.values()].find((each) => each.serviceId === serviceId);
  const host = String(named?.name ?? told['host'] ?? '');
  const wishes = [
    told['forced_down'] === undefined ? [] : `forced_down=${String(told['forced_down'])}`,
    told['status'] === undefined ? [] : String(told['status']),
    /\/(enable|disable|disable-log-reason|force-down)$/.exec(path)?.[1] ?? [],
  ];
  return `service ${host}: ${wishes.flat().join(' ') || `${method} ${path}`}${refused}`;
}
