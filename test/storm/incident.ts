import type { Knobs } from '../simulators/cloud/knobs.ts';
import { releases } from '../simulators/cloud/releases.ts';
import type { Configuration } from '../simulators/world/controller.ts';
import { Site } from '../simulators/world/site.ts';
import { ControllerPair } from './controllers.ts';
import { Draw } from './draw.ts';
import { furnish } from './furnish.ts';
import { kindsOf, type Wish } from './kinds/index.ts';
import { Machines } from './machines.ts';
import { Operator } from './operator.ts';
import { calmMs, type Machine, passMs, type Sabotage, Scene, type Starter, stormMs } from './scene.ts';
import { surroundingsOf } from './surroundings.ts';
import { unsettled } from './unsettled.ts';

/** A pass that asks once more, and the next one, which tells of the refusal, have ended by then. */
const namedAgainMs = 2 * passMs;
const nodes = ['comp0', 'comp1', 'comp2', 'comp3', 'comp4'];

/** One incident, drawn from a seed: what a data centre may go through while hosts fail and come back. */
export class Incident {
  readonly #seed: number;
  readonly #wish: Wish;
  readonly #scene: Scene;
  readonly #machines: Machines;
  readonly #operator: Operator;
  readonly #kinds: string[] = [];

  constructor(seed: number, sabotage: Sabotage = {}, wish: Wish = {}) {
    this.#seed = seed;
    this.#wish = wish;
    const draw = new Draw(seed);
    const domain = draw.chance(0.3) ? '.example.org' : '';
    const machines = drawMachines(draw);
    // A nova-compute that does not wait for the evacuation stops instances in Nova's records before they are evacuated.
    const isGuarded = [...machines.values()].every(({ starter }) => starter !== 'itself');
    const site = new Site(seed, {
      nodes,
      domain,
      knobs: drawKnobs(seed, draw, isGuarded),
      scenario: { hosts: nodes.map((name) => ({ name: name + domain })) },
    });
    sabotage.site?.(site);
    const mode = draw.one(['one', 'one', 'failover', 'twins'] as const);
    const purgesAfterFencing = mode !== 'twins' && draw.chance(0.4);
    const configuration = drawConfiguration(draw, domain);
    this.#scene = new Scene({ site, draw, mode, configuration, sabotage, machines });
    this.#machines = new Machines(this.#scene, { purgesAfterFencing });
    this.#operator = new Operator(this.#scene, this.#machines);
  }

  async run(): Promise<void> {
    const scene = this.#scene;
    const { site } = scene;
    const { time, cloud } = site;
    furnish(scene);
    // What its owners did to an instance they did long before.
    await time.pass(3_600_000);
    scene.begin();
    cloud.world.observer.watch(surroundingsOf(scene));
    this.#connect();
    this.#plan();
    new ControllerPair(scene).monitorForEver();
    this.#observeForEver();
    // Whoever is broken on purpose need not come to an end.
    const isSound = Object.keys(scene.sabotage).length === 0;
    const end = scene.start + stormMs + (isSound ? calmMs : (scene.sabotage.patienceMs ?? 30_000));
    while (time.now() < end && !(scene.calm && unsettled(scene).length === 0)) await time.pass(5_000);
    // What is late may still come.
    await time.pass(90_000);
    // What Nova refuses for ever may be asked for at this very moment: it is named again once it is refused.
    const named = time.now() + namedAgainMs;
    while (scene.refused.size > 0 && unsettled(scene).length > 0 && time.now() < named)
      await time.pass(5_000);
    scene.over = true;
    this.#machines.killAll();
    await time.pass(1_000);
    cloud.world.observer.end(site.told, scene.off);
  }

  /** Which rules were broken. */
  broken(): ReadonlySet<string> {
    return new Set(this.#scene.site.cloud.world.observer.violations.map(({ rule }) => rule));
  }

  /** What went wrong, in sentences. */
  trouble(): string[] {
    const violations = this.#scene.site.cloud.world.observer.violations.map(
      ({ at, rule, sentence }) => `${this.#scene.time(at)} ${rule}: ${sentence}`,
    );
    return [
      ...violations,
      ...this.#scene.trouble,
      ...unsettled(this.#scene).map((what) => `I9: at the end ${what}`),
    ];
  }

  story(): string {
    const { machines, configuration, mode, story } = this.#scene;
    const whose = [...machines.values()].map(
      ({ name, starter, staysDead }) => `${name} by ${starter}${staysDead ? ', repaired never' : ''}`,
    );
    const head = `seed ${this.#seed}: ${mode}; ${whose.join('; ')}; ${JSON.stringify(configuration)}`;
    return [head, `what goes wrong: ${this.#kinds.join(', ')}`, ...story, ...this.trouble()].join('\n');
  }

  #connect(): void {
    const scene = this.#scene;
    const { site, mode, machines } = scene;
    site.latency = () => 5 + scene.random() * 60;
    // What two evacuators read of each other's claims is only as good as the tools are fast.
    const slow = mode === 'twins' ? 60 : 400;
    site.tools.latency = () => 5 + scene.random() * (scene.chance(0.1) ? slow : 60);
    for (const { name, starter } of machines.values()) {
      if (starter === 'NovaCompute') site.pacemaker.active.set(name, ['NovaCompute']);
    }
    if ([...machines.values()].some(({ starter }) => starter === 'unfencing')) {
      site.pacemaker.primitives =
        '<xpath-query><primitive id="nova" class="systemd" type="openstack-nova-compute"/></xpath-query>';
    }
  }

  #plan(): void {
    const scene = this.#scene;
    const { time } = scene.site;
    time.after(1_000, () => this.#machines.die('comp0'));
    for (const { kind, draw } of kindsOf(this.#seed, this.#wish)) {
      this.#kinds.push(kind.name);
      kind.begin(scene, draw, this.#machines);
    }
    time.after(stormMs, () => this.#endStorm());
    // Until then any answer may be late.
    scene.hinder(1);
  }

  #endStorm(): void {
    const scene = this.#scene;
    const { cloud, pacemaker } = scene.site;
    scene.tell('the storm is over');
    scene.calm = true;
    for (const host of cloud.world.hosts.values()) host.capacity.MEMORY_MB = 800_000;
    // An operator has seen what is deferred.
    if (scene.configuration.limits.maxFailedPercent < 100) pacemaker.properties.set('evacuation', 'go');
    for (const rule of cloud.faults.list()) {
      if (!scene.lasting.has(rule.id)) cloud.faults.remove(rule.id);
    }
    scene.hinder(-1);
  }

  #observeForEver(): void {
    const { time, cloud } = this.#scene.site;
    const look = () => {
      if (this.#scene.over) return;
      cloud.world.observer.look();
      this.#operator.look();
      time.after(500, look);
    };
    look();
  }
}

function drawMachines(draw: Draw): ReadonlyMap<string, Machine> {
  const starters: readonly Starter[] = ['NovaCompute', 'NovaCompute', 'wait', 'itself', 'unfencing'];
  return new Map(
    nodes.map((name) => {
      const starter = draw.one(starters);
      // One machine at least has to be there at the end.
      const staysDead = name !== 'comp4' && draw.chance(0.25);
      return [name, { name, starter, staysDead, life: 0, processes: [], walking: false, fencing: false }];
    }),
  );
}

/** One incident in four has Nova as it was before its fixes, whichever microversion ends it. */
function novaOf(seed: number, maxMicroversion: string): Partial<Knobs> {
  if (seed % 4 !== 1) return { maxMicroversion };
  const isNewer = Number(maxMicroversion.slice(2)) > Number(releases.victoria.maxMicroversion.slice(2));
  return { release: 'victoria', ...(isNewer ? {} : { maxMicroversion }) };
}

function drawKnobs(seed: number, draw: Draw, isGuarded: boolean): Partial<Knobs> {
  return {
    ...novaOf(seed, draw.one(['2.93', '2.93', '2.90', '2.72', '2.60', '2.53', '2.35', '2.14'])),
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
  };
}

function drawConfiguration(draw: Draw, domain: string): Configuration {
  return {
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
