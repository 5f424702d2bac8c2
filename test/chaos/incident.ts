import type { Server } from '../simulators/cloud/model.ts';
import type { Surroundings } from '../simulators/cloud/observer.ts';
import type { Process } from '../unit/evacuation/virtualTime.ts';
import { type Configuration, Controller } from './controller.ts';
import { Draw } from './draw.ts';
import { password, Site } from './site.ts';

/** As long as this, things go wrong. */
const stormMs = 240_000;
/** After that, everything has to be settled within this time. */
const calmMs = 3_600_000;
/** No pass takes longer than this. */
const passMs = 70_000;

/** Who starts nova-compute on a machine that is back. */
type Starter =
  /** NovaCompute: its start, then its monitors. */
  | 'NovaCompute'
  /** systemd, after `NovaCompute wait` said that it may. */
  | 'wait'
  /** systemd or a container manager, at once; but for luck, nothing would be safe. */
  | 'itself'
  /** Another resource of the cluster, once `fence_compute on` has succeeded. */
  | 'unfencing';

/** How NovaEvacuate moves about. What the mark cannot bear is left out; the claim is what a purge takes away. */
type Controllers =
  /** One controller; attributes are purged at any time, passes killed at any time. */
  | 'one'
  /** Two, one at a time: no pass is killed, and no purge comes, while a request of its is on its way. */
  | 'failover'
  /** Two at the same time every now and then; machines return, and purge their attributes, after the storm only. */
  | 'twins';

interface Machine {
  readonly name: string;
  readonly starter: Starter;
  /** Once it has failed it is repaired some day, long after this. */
  readonly staysDead: boolean;
  /** Counts its boots and deaths: whatever belongs to an older life has ended. */
  life: number;
  processes: Process[];
  /** A release may be owed: NovaCompute's flag file. */
  walking: boolean;
  fencing: boolean;
}

/** What may be broken on purpose, to see that the observer notices. */
export interface Sabotage {
  readonly configuration?: (configuration: Configuration) => Partial<Configuration>;
  /** NovaEvacuate has this name on every controller: it takes all claims for its own. */
  readonly controllerName?: string;
  /** nova-compute is started at once, whatever is being evacuated. */
  readonly startsUnasked?: boolean;
  /** Done to the data centre before anything fails. */
  readonly site?: (site: Site) => void;
}

/** One incident, drawn from a seed: what a data centre may go through while hosts fail and come back. */
export class Incident {
  readonly #seed: number;
  readonly #sabotage: Sabotage;
  readonly #draw: Draw;
  readonly #site: Site;
  #start: number;
  readonly #story: string[] = [];
  readonly #trouble: string[] = [];
  readonly #machines = new Map<string, Machine>();
  readonly #controllers: readonly [Controller, Controller];
  readonly #configuration: Configuration;
  readonly #mode: Controllers;
  readonly #purgesAfterFencing: boolean;
  /** Hosts that an operator had disabled, by the reason. */
  readonly #foreign = new Map<string, string>();
  /** The state of every instance before anything failed. */
  readonly #bornAs = new Map<string, string>();
  /** Whom the owner wants off. */
  readonly #off = new Set<string>();
  /** Nodes whose evacuation an operator has paused, '' for all of them: since when. */
  readonly #paused = new Map<string, number>();
  /** Since when evacuations lie in the queue of a nova-compute that died before Nova knew. */
  readonly #posted = new Map<string, number>();
  #healthySince: number | null;
  #hindrances = 0;
  #isRoomShort = false;
  #calm = false;
  #over = false;

  constructor(seed: number, sabotage: Sabotage = {}) {
    this.#seed = seed;
    this.#sabotage = sabotage;
    const draw = new Draw(seed);
    this.#draw = draw;
    const nodes = ['comp0', 'comp1', 'comp2', 'comp3', 'comp4'];
    const domain = draw.chance(0.3) ? '.example.org' : '';
    const starters: readonly Starter[] = ['NovaCompute', 'NovaCompute', 'wait', 'itself', 'unfencing'];
    for (const name of nodes) {
      const starter = draw.one(starters);
      // One machine at least has to be there at the end.
      const staysDead = name !== 'comp4' && draw.chance(0.25);
      const nothing = { life: 0, processes: [], walking: false, fencing: false };
      this.#machines.set(name, { name, starter, staysDead, ...nothing });
    }
    // A nova-compute that does not wait for the evacuation stops instances in Nova's records before they are evacuated.
    const isGuarded = [...this.#machines.values()].every(({ starter }) => starter !== 'itself');
    this.#site = new Site(seed, {
      nodes,
      domain,
      knobs: {
        maxMicroversion: draw.one(['2.93', '2.93', '2.90', '2.72', '2.60', '2.53', '2.35', '2.14']),
        serviceDownTime: draw.one([10_000, 60_000]),
        // Nova itself breaks an evacuation that is asked for while a nova-compute that did not wait starts.
        startup: isGuarded ? draw.between(500, 6_000) : 0,
        firstReport: draw.between(300, 5_000),
        reportInterval: draw.one([2_000, 10_000]),
        conductorConcurrency: 2 + draw.whole(10),
        schedule: draw.between(100, 800),
        prepare: draw.between(100, 1_500),
        spawn: draw.between(300, 4_000),
        settle: draw.between(0, 3_000),
        record: draw.between(10, 400),
        cleanup: draw.between(10, 300),
        sharedStorage: draw.chance(0.8),
        apiSlowdownFrom: draw.one([0, 0, 4]),
        apiSlowdownMs: draw.one([0, 100, 400]),
        rateLimitAbove: draw.one([0, 0, 0, 6]),
        rateLimitPerSecond: draw.one([0, 0, 0, 15]),
        spawnLimit: draw.one([0, 0, 0, 4]),
        power: draw.between(300, 4_000),
        powerSync: isGuarded && draw.chance(0.5) ? draw.between(20_000, 80_000) : 0,
        disableWhileUp: draw.chance(0.3) ? draw.between(0, 3_000) : 0,
        tokenLifetime: draw.one([90_000, 3_600_000]),
        maxLimit: draw.one([2, 5, 1_000]),
      },
      scenario: { hosts: nodes.map((name) => ({ name: name + domain })) },
    });
    this.#start = this.#site.time.now();
    this.#healthySince = this.#start;
    const { controllerName } = sabotage;
    this.#controllers = [
      new Controller(this.#site, 'ctl0', controllerName),
      new Controller(this.#site, 'ctl1', controllerName),
    ];
    sabotage.site?.(this.#site);
    this.#mode = draw.one(['one', 'one', 'failover', 'twins']);
    this.#purgesAfterFencing = this.#mode !== 'twins' && draw.chance(0.4);
    this.#configuration = {
      concurrency: draw.one([1, 3, 16, 64]),
      earlyReturn: draw.chance(0.8) ? 'release' : 'evacuate',
      release: draw.chance(0.2) ? 'on' : 'auto',
      evacuateDelayMs: draw.chance(0.15) ? 20_000 : 0,
      noSharedStorage: draw.chance(0.2),
      dnsDomain: draw.chance(0.5) && domain !== '' ? domain.slice(1) : undefined,
      policy: {
        include: '',
        exclude: draw.chance(0.3) ? 'name=amphora-*' : '',
        priority: draw.chance(0.3) ? 'metadata:tier=gold:900' : '',
        other_states: draw.chance(0.3) ? 'recover' : 'leave',
      },
      limits: {
        maxFailedPercent: draw.one([100, 100, 100, 40]),
        maxFailedPerAggregate: 0,
        maxHostsAtOnce: draw.one([0, 0, 1, 2]),
      },
      timeoutMs: draw.one([20_000, 60_000, 600_000]),
    };
  }

  async run(): Promise<void> {
    const { time, cloud, pacemaker } = this.#site;
    this.#furnish();
    // What its owners did to an instance they did long before.
    await time.pass(3_600_000);
    this.#start = time.now();
    this.#healthySince = this.#start;
    cloud.world.observer.watch(this.#surroundings());
    this.#site.latency = () => 5 + this.#random() * 60;
    // What two evacuators read of each other's claims is only as good as the tools are fast.
    const slow = this.#mode === 'twins' ? 60 : 400;
    this.#site.toolLatency = () => 5 + this.#random() * (this.#chance(0.1) ? slow : 60);
    for (const { name, starter } of this.#machines.values()) {
      if (starter === 'NovaCompute') pacemaker.active.set(name, ['NovaCompute']);
    }
    if ([...this.#machines.values()].some(({ starter }) => starter === 'unfencing')) {
      pacemaker.primitives =
        '<xpath-query><primitive id="nova" class="systemd" type="openstack-nova-compute"/></xpath-query>';
    }
    this.#plan();
    this.#monitorForEver();
    this.#observeForEver();
    // Whoever is broken on purpose need not come to an end.
    const isSound = Object.keys(this.#sabotage).length === 0;
    const end = this.#start + stormMs + (isSound ? calmMs : 30_000);
    while (time.now() < end && !(this.#calm && this.#unsettled().length === 0)) await time.pass(5_000);
    // What is late may still come.
    await time.pass(90_000);
    this.#over = true;
    for (const machine of this.#machines.values()) this.#killAll(machine);
    await time.pass(1_000);
    cloud.world.observer.end(this.#site.told, this.#wishes());
  }

  /** Which rules were broken. */
  broken(): ReadonlySet<string> {
    return new Set(this.#site.cloud.world.observer.violations.map(({ rule }) => rule));
  }

  /** What went wrong, in sentences. */
  trouble(): string[] {
    const violations = this.#site.cloud.world.observer.violations.map(
      ({ at, rule, sentence }) => `${this.#time(at)} ${rule}: ${sentence}`,
    );
    return [...violations, ...this.#trouble, ...this.#unsettled().map((what) => `I9: at the end ${what}`)];
  }

  story(): string {
    const machines = [...this.#machines.values()].map(
      ({ name, starter, staysDead }) => `${name} by ${starter}${staysDead ? ', repaired never' : ''}`,
    );
    const configuration = JSON.stringify(this.#configuration);
    const head = `seed ${this.#seed}: ${this.#mode}; ${machines.join('; ')}; ${configuration}`;
    return [head, ...this.#story, ...this.trouble()].join('\n');
  }

  // What is there.

  #furnish(): void {
    const { world } = this.#site.cloud;
    const owner = { userId: 'the-owner', projectId: 'admin', requestId: 'req-owner' };
    const grouped = this.#chance(0.3);
    const add = (id: number, name: string, node: string, vmState: string) => {
      const metadata: Record<string, string> = {};
      if (this.#chance(0.05)) metadata['evacuable'] = 'false';
      if (grouped && this.#chance(0.5))
        metadata['evacuation_group'] = this.#draw.one(['a-db', 'b-app', 'c-web']);
      else if (this.#chance(0.2)) metadata['tier'] = 'gold';
      const server = world.addServer({
        id: `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`,
        name,
        host: this.#site.hostName(node),
        vmState,
        metadata,
        locked: this.#chance(0.1),
        ...(this.#chance(0.3) ? { imageId: null } : {}),
      });
      this.#bornAs.set(server.id, vmState);
      world.recordAction(server, 'create', owner);
      if (vmState === 'stopped') {
        world.recordAction(server, 'stop', owner);
        this.#off.add(server.id);
      }
    };
    let id = 0;
    for (const node of this.#site.nodes) {
      const count = node === 'comp0' ? 1 + this.#whole(10) : this.#whole(4);
      for (let index = 0; index < count; index += 1) {
        id += 1;
        const name = this.#chance(0.05) ? `amphora-${id}-` : `vm${id}-`;
        add(id, name, node, this.#chance(0.2) ? 'stopped' : 'active');
      }
    }
    for (const state of ['paused', 'suspended', 'rescued', 'resized']) {
      id += 1;
      if (this.#chance(0.2)) add(id, `${state}-`, 'comp0', state);
    }
    if (this.#chance(0.2)) {
      const host = this.#site.host('comp0');
      host.disabled = true;
      host.disabledReason = 'broken fan';
      this.#foreign.set(host.name, 'broken fan');
      this.#tell('comp0 was disabled by an operator');
    }
    for (const host of world.hosts.values())
      if (this.#chance(0.2)) host.spawn = 500 + this.#random() * 15_000;
  }

  #surroundings(): Surroundings {
    const site = this.#site;
    return {
      mark: (host) => site.mark(site.nodeName(host)),
      nodeOf: (sender) => sender.split(' ', 1)[0] ?? '',
      healthySince: () => this.#healthySince,
      staysBecause: (server) => this.#staysBecause(server),
      cannotLeaveBecause: (server) => this.#cannotLeaveBecause(server),
      // One that no host has room for holds nobody up.
      groupOf: (server) => (this.#isRoomShort ? null : this.#groupOf(server)),
      pausedSince: (host) => this.#paused.get(site.nodeName(host)) ?? this.#paused.get('') ?? null,
      // An operator's `go` overrides the limits.
      hostsAtOnce: () => (this.#saysGo() ? 0 : this.#configuration.limits.maxHostsAtOnce),
      failedPercent: () => (this.#saysGo() ? 100 : this.#configuration.limits.maxFailedPercent),
      givesUpDisks: this.#configuration.noSharedStorage,
      secrets: [password],
    };
  }

  #saysGo(): boolean {
    return this.#site.pacemaker.properties.get('evacuation') === 'go';
  }

  #staysBecause({ id, metadata, name }: Server): string | null {
    const { exclude, other_states } = this.#configuration.policy;
    if (metadata['evacuable'] === 'false') return 'evacuable=false';
    if (exclude !== '' && name.startsWith('amphora-')) return 'the operator excludes it';
    // As it was before anybody reset it.
    const vmState = this.#bornAs.get(id) ?? 'active';
    if (['active', 'stopped', 'error'].includes(vmState)) return null;
    const recovers = other_states === 'recover' && ['paused', 'suspended', 'rescued'].includes(vmState);
    return recovers ? null : `it is ${vmState}`;
  }

  #cannotLeaveBecause({ imageId }: Server): string | null {
    const { sharedStorage } = this.#site.cloud.world.knobs;
    const isLocal = imageId !== null && !sharedStorage && !this.#configuration.noSharedStorage;
    return isLocal ? 'its disk lies there' : null;
  }

  /** All of one priority, so that groups are ordered by name. */
  #groupOf({ metadata }: Server): number | null {
    const own = metadata['evacuation_group'];
    if (own === undefined) return null;
    return ['a-db', 'b-app', 'c-web'].indexOf(own);
  }

  // The end.

  #unsettled(): string[] {
    return [
      ...[...this.#machines.values()].flatMap((machine) => this.#unsettledMachine(machine)),
      ...[...this.#site.cloud.world.servers.values()].flatMap((server) => this.#unsettledServer(server)),
    ];
  }

  #unsettledMachine({ name, life, staysDead }: Machine): string[] {
    const host = this.#site.host(name);
    const { transient, permanent } = this.#site.mark(name);
    const left: string[] = [];
    if (!host.powered) {
      if (!staysDead) left.push(`${name} is off`);
      if ([transient, permanent].some((copy) => copy !== '' && copy !== 'no')) {
        left.push(`the marks of ${name}, which is off, read "${transient}" and "${permanent}"`);
      }
      return left;
    }
    if (life === 0) return left;
    if (transient !== '' || permanent !== '') {
      left.push(`the marks of ${name}, which is back, read "${transient}" and "${permanent}"`);
    }
    if (!host.alive) left.push(`nova-compute of ${name} does not run`);
    if (host.forcedDown) left.push(`${name} is still forced down`);
    const reason = this.#foreign.get(host.name) ?? null;
    if (host.disabled !== (reason !== null) || host.disabledReason !== reason) {
      left.push(`${name} is disabled: ${host.disabled} (${host.disabledReason}); before it was: ${reason}`);
    }
    for (const attribute of ['nova-compute-release', 'nova-compute-returning']) {
      const value = this.#site.attribute(attribute, name);
      if (value !== '') left.push(`${attribute} of ${name} still reads ${value}`);
    }
    return left;
  }

  #unsettledServer(server: Server): string[] {
    const left: string[] = [];
    if ((this.#staysBecause(server) ?? this.#cannotLeaveBecause(server)) !== null) return left;
    const host = this.#site.cloud.world.host(server.host ?? '');
    if (server.taskState !== null) left.push(`${server.name} on ${host.name} is still ${server.taskState}`);
    if (server.vmState === 'error') left.push(`${server.name} on ${host.name} is in error`);
    if (!host.powered) left.push(`${server.name} is left on ${host.name}, which is off`);
    else if (server.vmState === 'active' && host.domains.get(server.id) !== true && !this.#isNamed(server)) {
      left.push(`${server.name} does not run on ${host.name}`);
    }
    return left;
  }

  /** It was started in vain, and somebody was told to look at it. */
  #isNamed({ id }: Server): boolean {
    return this.#site.told.some((line) => line.includes(id) && line.includes('does not run'));
  }

  /** Who has to be off at the end. */
  #wishes(): ReadonlySet<string> {
    return this.#off;
  }

  // The storm.

  #plan(): void {
    const { time, network, pacemaker, cloud } = this.#site;
    const { world } = cloud;
    const soon = (task: () => void) => time.after(this.#random() * stormMs * 0.8, task);
    const forAWhile = (what: string, begin: () => void, end: () => void, hinders = true) =>
      soon(() => {
        this.#tell(`${what}: begins`);
        begin();
        if (hinders) this.#hinder(1);
        time.after(1_000 + this.#random() * 25_000, () => {
          this.#tell(`${what}: ends`);
          end();
          if (hinders) this.#hinder(-1);
        });
      });
    time.after(1_000, () => this.#die('comp0'));
    for (let count = this.#whole(4); count > 0; count -= 1) {
      soon(() => this.#die(this.#chance(0.5) ? 'comp0' : `comp${this.#whole(5)}`));
    }
    if (this.#chance(0.3)) {
      forAWhile(
        'cell down',
        () => {
          world.knobs.cellDown = true;
        },
        () => {
          world.knobs.cellDown = false;
        },
      );
    }
    if (this.#chance(0.3)) {
      forAWhile(
        'conductor down',
        () => world.conductor.stop(),
        () => world.conductor.start(),
        false,
      );
    }
    if (this.#chance(0.3)) {
      forAWhile(
        'attrd down',
        () => {
          pacemaker.running = false;
        },
        () => {
          pacemaker.running = true;
        },
      );
    }
    for (const service of ['keystone', 'nova', 'glance'] as const) {
      if (!this.#chance(0.2)) continue;
      forAWhile(
        `${service} down`,
        () => {
          network.closed.add(service);
        },
        () => {
          network.closed.delete(service);
        },
      );
    }
    if (this.#chance(0.15)) soon(() => cloud.keystone.revokeAll());
    if (this.#chance(0.25)) this.#pause(this.#chance(0.5) ? '' : 'comp0');
    if (this.#chance(0.25)) {
      this.#isRoomShort = true;
      const small = 128 * (1 + this.#whole(6));
      for (const host of world.hosts.values()) host.capacity.MEMORY_MB = small;
      this.#tell(`every host has room for ${small / 128} instances`);
    }
    if (this.#chance(0.5)) {
      const refusing = ['comp1', 'comp2', 'comp3', 'comp4'].filter(() => this.#chance(0.6));
      const refuse = (is: boolean) => () => {
        for (const name of refusing) this.#site.host(name).spawnFail = is;
      };
      forAWhile(`${refusing.join(', ')} refuse to spawn`, refuse(true), refuse(false), false);
    }
    if (this.#chance(0.3)) {
      const hanging = this.#site.hostName('comp3');
      let life = -1;
      forAWhile(
        'comp3 hangs',
        () => {
          if (world.host(hanging).alive) life = world.host(hanging).life;
          if (world.host(hanging).alive) world.freezeCompute(hanging);
        },
        () => {
          if (world.host(hanging).life === life) world.thawCompute(hanging);
        },
        false,
      );
    }
    this.#faults();
    time.after(stormMs, () => {
      this.#tell('the storm is over');
      this.#calm = true;
      for (const host of world.hosts.values()) host.capacity.MEMORY_MB = 800_000;
      // An operator has seen what is deferred.
      if (this.#configuration.limits.maxFailedPercent < 100) pacemaker.properties.set('evacuation', 'go');
      cloud.faults.clear();
      this.#hinder(-1);
    });
    // Until then any answer may be late.
    this.#hinder(1);
  }

  /** An operator pauses the evacuation of a node, or of all, for a while. */
  #pause(node: string): void {
    const { pacemaker, time } = this.#site;
    const said = () => {
      if (node === '') return pacemaker.properties;
      const attributes = pacemaker.nodes.get(node) ?? new Map<string, string>();
      pacemaker.nodes.set(node, attributes);
      return attributes;
    };
    time.after(this.#random() * 60_000, () => {
      this.#tell(`pause of ${node || 'all'}: begins`);
      said().set('evacuation', 'pause');
      this.#paused.set(node, time.now());
      this.#hinder(1);
      time.after(20_000 + this.#random() * 60_000, () => {
        this.#tell(`pause of ${node || 'all'}: ends`);
        said().delete('evacuation');
        this.#paused.delete(node);
        this.#hinder(-1);
      });
    });
  }

  /** What becomes of single requests, by the simulator's own rules. */
  #faults(): void {
    const { faults } = this.#site.cloud;
    const seed = () => 1 + this.#whole(1_000_000);
    const evacuate = { service: 'nova', method: 'POST', path: '/action$', body: '"evacuate"' };
    const add = (rule: Record<string, unknown>, probability: number) =>
      faults.add({ ...rule, probability, seed: seed() });
    // Carried out late: within what a killed pass's successor waits.
    const late = () => Math.round(this.#random() * 9_000);
    if (this.#mode !== 'failover') {
      add({ ...evacuate, hang: true }, 0.02);
      add({ ...evacuate, hang: true, effect: true, delayMs: late() }, 0.03);
      add({ ...evacuate, reset: 'before' }, 0.02);
      add({ ...evacuate, reset: 'after', delayMs: late() }, 0.03);
      add({ ...evacuate, truncate: true }, 0.02);
      add({ ...evacuate, delayMs: late() }, 0.1);
    }
    add({ ...evacuate, status: 500 }, 0.03);
    add({ ...evacuate, status: 429, headers: { 'Retry-After': '3' } }, 0.03);
    const post = { service: 'nova', method: 'POST', path: '/action$' };
    add({ ...post, status: 503, text: '<html>Service Unavailable</html>' }, 0.03);
    add({ ...post, reset: 'after' }, 0.02);
    for (const service of ['nova', 'keystone', 'glance'] as const) {
      const read = service === 'keystone' ? { service } : { service, method: 'GET' };
      add({ ...read, status: 500, json: { computeFault: { code: 500, message: `no: ${password}` } } }, 0.01);
      add({ ...read, status: 503, text: '<html>Service Unavailable</html>' }, 0.01);
      add({ ...read, status: 429, headers: { 'Retry-After': '2' } }, 0.01);
      add({ ...read, reset: 'before' }, 0.005);
      add({ ...read, truncate: true }, 0.005);
      add({ ...read, hang: true }, 0.002);
      add({ ...read, delayMs: Math.round(this.#random() * 4_000) }, 0.05);
    }
    add({ service: 'nova', method: 'PUT', status: 500 }, 0.03);
    add({ service: 'nova', method: 'PUT', reset: 'after' }, 0.03);
  }

  #hinder(by: 1 | -1): void {
    this.#hindrances += by;
    this.#healthySince = this.#hindrances === 0 ? this.#site.time.now() : null;
  }

  #die(name: string): void {
    const machine = this.#machine(name);
    const { cloud, time } = this.#site;
    if (this.#calm || !this.#site.host(name).powered || machine.fencing) return;
    // Hosts that are all back and all evacuated all the same would wait for each other for ever.
    if (this.#configuration.earlyReturn === 'evacuate' && name === 'comp4') return;
    this.#tell(`${name} loses its power`);
    machine.life += 1;
    this.#killAll(machine);
    machine.fencing = true;
    cloud.world.killCompute(this.#site.hostName(name), { power: false });
    this.#site.loseCluster(name);
    void this.#fence(machine, this.#chance(0.5) ? this.#random() * 1_000 : this.#random() * 10_000).then(
      () => {
        if (machine.staysDead) return;
        const early = this.#random() * (this.#chance(0.5) ? 12_000 : 90_000);
        const left = Math.max(0, this.#start + stormMs + passMs - time.now());
        time.after(this.#mode === 'twins' ? early + left : early, () => this.#boot(machine));
      },
    );
  }

  /** Pacemaker fences until fence_compute reports success. */
  async #fence(machine: Machine, delay: number): Promise<void> {
    const { time, pacemaker, cloud } = this.#site;
    const { name } = machine;
    await this.#sleep(delay);
    for (;;) {
      this.#tell(`fence_compute off ${name}`);
      const running = this.#site.fenceCompute('off', name, this.#teller(`off ${name}`));
      if (!this.#calm && this.#chance(0.1)) {
        time.after(this.#random() * 2_000, () => running.process.kill());
      }
      const outcome = await Promise.race([running.outcome, this.#sleep(60_000).then(() => 'killed')]);
      running.process.kill();
      this.#tell(`fence_compute off ${name}: ${outcome}`);
      if (outcome === '0') break;
      await this.#sleep(1_000);
    }
    machine.fencing = false;
    const completed = new Date(time.now())
      .toISOString()
      .replace('T', ' ')
      .replace(/\.\d+Z$/, 'Z');
    pacemaker.fencing.unshift({ target: name, action: 'reboot', status: 'success', completed });
    cloud.world.observer.fenced(this.#site.hostName(name));
    cloud.world.observer.look();
    if (this.#purgesAfterFencing) {
      await this.#sleep(this.#random() * 400);
      this.#tell(`attributes of ${name} purged`);
      pacemaker.purge(name);
    }
  }

  // The machines.

  #boot(machine: Machine): void {
    const { name } = machine;
    this.#tell(`${name} boots, its nova-compute to be started by ${machine.starter}`);
    machine.life += 1;
    this.#site.boot(name);
    const { life } = machine;
    const isMine = () => machine.life === life && !this.#over;
    if (machine.starter === 'NovaCompute') {
      this.#site.pacemaker.active.set(name, ['NovaCompute']);
      void this.#novaCompute(machine, isMine);
    } else if (machine.starter === 'wait') {
      void this.#waitAndStart(machine, isMine);
    } else if (machine.starter === 'itself') {
      void this.#startItself(machine, isMine);
    }
    if (machine.starter === 'unfencing' || this.#chance(0.5)) void this.#unfence(machine, isMine);
  }

  /** NovaCompute: start until nova-compute runs, then monitor until nothing is owed. */
  async #novaCompute(machine: Machine, isMine: () => boolean): Promise<void> {
    const { time } = this.#site;
    const { name } = machine;
    await this.#sleep(this.#random() * 3_000);
    machine.walking = true;
    while (isMine() && machine.walking) {
      const now = time.now();
      const isStart = !this.#site.host(name).alive;
      const startMs = 30_000 + this.#random() * 200_000;
      const times = isStart
        ? { startBy: now + startMs, releaseMs: 120_000, deadline: now + startMs + 20_000 }
        : { startBy: now + 9_000, releaseMs: 8_000, deadline: now + 18_000 };
      this.#tell(`NovaCompute ${isStart ? 'start' : 'monitor'} on ${name}`);
      const outcome = await this.#walked(machine, times);
      if (!isMine()) return;
      this.#tell(`NovaCompute on ${name}: ${outcome === null ? 'killed' : JSON.stringify(outcome)}`);
      if (outcome?.kind === 'released') machine.walking = false;
      else await this.#sleep(outcome?.kind === 'owed' ? 10_000 : 2_000 + this.#random() * 3_000);
    }
  }

  async #waitAndStart(machine: Machine, isMine: () => boolean): Promise<void> {
    const { time } = this.#site;
    await this.#sleep(this.#random() * 3_000);
    while (isMine()) {
      let mayStart = false;
      const deadline = time.now() + 20_000 + this.#random() * 600_000;
      const outcome = await this.#walked(machine, {
        startBy: deadline,
        releaseMs: 0,
        deadline,
        compute: {
          isRunning: async () => mayStart,
          start: async () => {
            mayStart = true;
          },
        },
      });
      if (!isMine()) return;
      this.#tell(`wait on ${machine.name}: ${outcome === null ? 'killed' : JSON.stringify(outcome)}`);
      if (outcome !== null && outcome.kind !== 'unsafe') {
        this.#site.startCompute(machine.name);
        return;
      }
      await this.#sleep(1_000);
    }
  }

  /** No agent can help where nova-compute starts without asking while an evacuation is in flight. */
  async #startItself(machine: Machine, isMine: () => boolean): Promise<void> {
    const { name } = machine;
    await this.#sleep(2_000 + this.#random() * 10_000);
    while (
      !this.#sabotage.startsUnasked &&
      isMine() &&
      (this.#hasJob(name) || this.#site.network.evacuationsUnderWay > 0)
    )
      await this.#sleep(200);
    if (!isMine()) return;
    this.#tell(`nova-compute on ${name} starts by itself`);
    this.#site.startCompute(name);
    await this.#restartInVain(machine, isMine);
  }

  /** What was evacuated after nova-compute started is settled by its next start only. */
  async #restartInVain(machine: Machine, isMine: () => boolean): Promise<void> {
    const { world } = this.#site.cloud;
    const { name } = machine;
    const host = this.#site.hostName(name);
    for (;;) {
      await this.#sleep(60_000);
      if (!isMine()) return;
      const owed = world.migrations.some(
        ({ sourceHost, status }) => sourceHost === host && status === 'done',
      );
      const { transient, permanent } = this.#site.mark(name);
      if (!owed || (transient || permanent) !== 'no' || this.#hasJob(name)) continue;
      this.#tell(`somebody restarts nova-compute on ${name}`);
      world.killCompute(host, { power: true });
      this.#site.startCompute(name);
    }
  }

  /** Pacemaker unfences the node while its connection is started, and once more when it has joined. */
  async #unfence(machine: Machine, isMine: () => boolean): Promise<void> {
    const { name } = machine;
    await this.#sleep(this.#random() * 2_000);
    while (isMine()) {
      const running = this.#site.fenceCompute('on', name, this.#teller(`on ${name}`));
      machine.processes.push(running.process);
      const outcome = await Promise.race([running.outcome, this.#sleep(60_000).then(() => 'killed')]);
      running.process.kill();
      if (!isMine()) return;
      this.#tell(`fence_compute on ${name}: ${outcome}`);
      if (outcome === '0') break;
      await this.#sleep(2_000 + this.#random() * 8_000);
    }
    if (machine.starter !== 'unfencing') return;
    await this.#sleep(this.#random() * 2_000);
    if (!isMine()) return;
    this.#tell(`the cluster starts nova-compute on ${name}`);
    this.#site.startCompute(name);
    await this.#restartInVain(machine, isMine);
  }

  /** One call of comeBack, killed at a random moment every now and then; null then. */
  async #walked(machine: Machine, times: Parameters<Site['comeBack']>[2]) {
    const running = this.#site.comeBack(machine.name, this.#teller(machine.name), times);
    machine.processes.push(running.process);
    let kill: (value: null) => void = () => undefined;
    const death = new Promise<null>((resolve) => {
      kill = resolve;
    });
    if (!this.#calm && this.#chance(0.4)) {
      this.#site.time.after(this.#random() * 20_000, () => {
        running.process.kill();
        kill(null);
      });
    }
    return Promise.race([running.outcome, death, this.#dead(running.process)]);
  }

  /** Resolves once a process was killed. */
  async #dead(process: Process): Promise<null> {
    while (process.alive) await this.#sleep(5_000);
    return null;
  }

  #killAll(machine: Machine): void {
    for (const process of machine.processes) process.kill();
    machine.processes = [];
  }

  #hasJob(name: string): boolean {
    return this.#site.cloud.world.conductor.inFlightFrom(this.#site.hostName(name)).length > 0;
  }

  // The controllers.

  #monitorForEver(): void {
    const again = async () => {
      let [here, there] = this.#controllers;
      while (!this.#over) {
        // Pacemaker may be late to notice that the resource was moved.
        if (this.#mode === 'twins' && !this.#calm && this.#chance(0.3)) void this.#monitor(there);
        const killed = await this.#monitor(here);
        if (killed && this.#mode !== 'one' && this.#chance(0.6)) {
          [here, there] = [there, here];
          await this.#sleep(this.#random() * 10_000);
        }
        await this.#sleep(killed ? this.#random() * 10_000 : 10_000);
      }
    };
    again().catch((error: unknown) => {
      this.#trouble.push(`${this.#time()} I9: NovaEvacuate threw ${String(error)}`);
    });
  }

  /** Whether it was killed. */
  async #monitor(controller: Controller): Promise<boolean> {
    const { time, network } = this.#site;
    let killed = false;
    let ended = false;
    const sabotaged = this.#sabotage.configuration?.(this.#configuration);
    await controller.monitor(
      { ...this.#configuration, ...sabotaged },
      this.#teller(controller.name),
      (process, kill) => {
        if (this.#calm || !this.#chance(0.3)) return;
        const tryToKill = () => {
          if (ended || !process.alive) return;
          if (this.#mode === 'failover' && network.evacuationsUnderWay > 0) {
            time.after(100, tryToKill);
            return;
          }
          this.#tell(`killed the pass on ${controller.name}`);
          killed = true;
          kill();
        };
        time.after(this.#random() * 25_000, tryToKill);
      },
    );
    ended = true;
    return killed;
  }

  // Everybody else.

  #observeForEver(): void {
    const { time, cloud } = this.#site;
    const look = () => {
      if (this.#over) return;
      cloud.world.observer.look();
      this.#operate();
      time.after(500, look);
    };
    look();
  }

  /** NovaEvacuate names what seems to be under way for ever and leaves it to the operator, who looks after a while. */
  #operate(): void {
    const { world } = this.#site.cloud;
    for (const server of world.servers.values()) {
      const since = this.#site.time.now() - server.updatedAt;
      const { conductor } = world;
      const now = this.#site.time.now();
      if (!conductor.isPosted(server.id)) this.#posted.delete(server.id);
      else if (!this.#posted.has(server.id)) this.#posted.set(server.id, now);
      else if (now - (this.#posted.get(server.id) ?? now) > 900_000) {
        this.#tell(`an operator empties the queue that ${server.name} lies in`);
        conductor.forget(server);
      }
      const isLive = conductor.isLive(server.id) && !conductor.isPosted(server.id);
      if (!server.taskState?.startsWith('rebuild') || isLive || since < 900_000) continue;
      this.#tell(`an operator resets ${server.name}`);
      // And empties the queue of the dead host that it was sent to.
      conductor.forget(server);
      server.vmState = 'error';
      server.taskState = null;
      world.touch(server);
    }
  }

  // Small things.

  #machine(name: string): Machine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new Error(`no machine ${name}`);
    return machine;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#site.time.after(ms, resolve);
    });
  }

  #teller(who: string): (line: string) => void {
    return (line) => this.#tell(`${who} ${line}`);
  }

  #time(at = this.#site.time.now()): string {
    return ((at - this.#start) / 1000).toFixed(3).padStart(9);
  }

  #tell(what: string): void {
    this.#story.push(`${this.#time()} ${what}`);
  }

  #random(): number {
    return this.#draw.random();
  }

  #chance(part: number): boolean {
    return this.#draw.chance(part);
  }

  #whole(below: number): number {
    return this.#draw.whole(below);
  }
}
