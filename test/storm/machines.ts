import { fencer, type Site } from '../simulators/world/site.ts';
import type { Process } from '../simulators/world/virtualTime.ts';
import { type Machine, passMs, type Scene, stormMs } from './scene.ts';

/** The compute nodes: they die, are fenced, come back, and whoever does so starts their nova-compute. */
export class Machines {
  readonly #scene: Scene;
  readonly #options: { readonly purgesAfterFencing: boolean };
  /** Who is told of each fencing that went well. */
  readonly fenced: ((machine: Machine) => void)[] = [];

  constructor(scene: Scene, options: { readonly purgesAfterFencing: boolean }) {
    this.#scene = scene;
    this.#options = options;
  }

  killAll(): void {
    for (const machine of this.#scene.machines.values()) this.#killAll(machine);
  }

  /** Whether processes may be killed at this moment. */
  #kills(): boolean {
    return this.#scene.kills && !this.#scene.calm;
  }

  /** An operator has the cluster fence a machine, which may be running well. */
  fenceByHand(name: string): void {
    if (this.#scene.machine(name).fencing) return;
    this.#lose(name);
  }

  die(name: string): void {
    const machine = this.#scene.machine(name);
    if (this.#scene.calm || !this.#scene.site.host(name).powered || machine.fencing) return;
    // Hosts that are all back and all evacuated all the same would wait for each other for ever.
    if (this.#scene.configuration.earlyReturn === 'evacuate' && name === 'comp4') return;
    this.#lose(name);
  }

  #lose(name: string): void {
    const machine = this.#scene.machine(name);
    const { cloud, time } = this.#scene.site;
    this.#scene.tell(`${name} loses its power`);
    machine.life += 1;
    this.#killAll(machine);
    machine.fencing = true;
    cloud.world.killCompute(this.#scene.site.hostName(name), { power: false });
    this.#scene.site.loseCluster(name);
    void this.#fence(
      machine,
      this.#scene.chance(0.5) ? this.#scene.random() * 1_000 : this.#scene.random() * 10_000,
    ).then(() => {
      if (machine.staysDead && !this.#scene.calm) return;
      const early = this.#scene.random() * (this.#scene.chance(0.5) ? 12_000 : 90_000);
      const left = Math.max(0, this.#scene.start + stormMs + passMs - time.now());
      time.after(this.#scene.mode === 'twins' ? early + left : early, () => this.#boot(machine));
    });
  }

  /** Pacemaker tries to reach a machine that is off, and shows it online meanwhile. */
  #tryConnection({ name }: Machine): void {
    const { time, pacemaker } = this.#scene.site;
    time.after(this.#scene.random() * 20_000, () => {
      if (!pacemaker.lost.has(name) || pacemaker.unclean.has(name)) return;
      this.#scene.tell(`the connection of ${name} is tried`);
      pacemaker.connecting.add(name);
      time.after(17_000 + this.#scene.random() * 39_000, () => pacemaker.connecting.delete(name));
    });
  }

  /** Pacemaker fences until fence_compute reports success. */
  async #fence(machine: Machine, delay: number): Promise<void> {
    const { time, clocks, pacemaker, cloud } = this.#scene.site;
    const { name } = machine;
    await this.#scene.sleep(delay);
    for (;;) {
      this.#scene.tell(`fence_compute off ${name}`);
      const running = this.#scene.site.fenceCompute('off', name, this.#scene.teller(`off ${name}`));
      if (this.#kills() && this.#scene.chance(0.1)) {
        time.after(this.#scene.random() * 2_000, () => running.process.kill());
      }
      const outcome = await Promise.race([running.outcome, this.#scene.sleep(60_000).then(() => 'killed')]);
      running.process.kill();
      this.#scene.tell(`fence_compute off ${name}: ${outcome}`);
      if (outcome === '0') break;
      await this.#scene.sleep(1_000);
    }
    machine.fencing = false;
    const completed = new Date(clocks.now(fencer))
      .toISOString()
      .replace('T', ' ')
      .replace(/\.\d+Z$/, 'Z');
    pacemaker.fencing.unshift({ target: name, action: 'reboot', status: 'success', completed });
    pacemaker.unclean.delete(name);
    if (!this.#scene.calm && this.#scene.chance(0.3)) this.#tryConnection(machine);
    for (const told of this.fenced) told(machine);
    cloud.world.observer.fenced(this.#scene.site.hostName(name));
    cloud.world.observer.look();
    if (this.#options.purgesAfterFencing) {
      await this.#scene.sleep(this.#scene.random() * 400);
      this.#scene.tell(`attributes of ${name} purged`);
      pacemaker.purge(name);
    }
  }

  #boot(machine: Machine): void {
    const { name } = machine;
    this.#scene.tell(`${name} boots, its nova-compute to be started by ${machine.starter}`);
    machine.life += 1;
    this.#scene.site.boot(name);
    const { life } = machine;
    const isMine = () => machine.life === life && !this.#scene.over;
    if (machine.starter === 'NovaCompute') {
      this.#scene.site.pacemaker.active.set(name, ['NovaCompute']);
      void this.#novaCompute(machine, isMine);
    } else if (machine.starter === 'wait') {
      void this.#waitAndStart(machine, isMine);
    } else if (machine.starter === 'itself') {
      void this.#startItself(machine, isMine);
    }
    if (machine.starter === 'unfencing' || this.#scene.chance(0.5)) void this.#unfence(machine, isMine);
  }

  /** NovaCompute: start until nova-compute runs, then monitor until nothing is owed. */
  async #novaCompute(machine: Machine, isMine: () => boolean): Promise<void> {
    const { clocks } = this.#scene.site;
    const { name } = machine;
    await this.#scene.sleep(this.#scene.random() * 3_000);
    machine.walking = true;
    while (isMine() && machine.walking) {
      const now = clocks.now(name);
      const isStart = !this.#scene.site.host(name).alive;
      const startMs = 30_000 + this.#scene.random() * 200_000;
      const times = isStart
        ? { startBy: now + startMs, releaseMs: 120_000, deadline: now + startMs + 20_000 }
        : { startBy: now + 9_000, releaseMs: 8_000, deadline: now + 18_000 };
      this.#scene.tell(`NovaCompute ${isStart ? 'start' : 'monitor'} on ${name}`);
      const outcome = await this.#walked(machine, times);
      if (!isMine()) return;
      this.#scene.tell(`NovaCompute on ${name}: ${outcome === null ? 'killed' : JSON.stringify(outcome)}`);
      if (outcome?.kind === 'released' && !outcome.leftShown) machine.walking = false;
      else await this.#scene.sleep(outcome?.kind === 'owed' ? 10_000 : 2_000 + this.#scene.random() * 3_000);
    }
  }

  async #waitAndStart(machine: Machine, isMine: () => boolean): Promise<void> {
    const { clocks } = this.#scene.site;
    await this.#scene.sleep(this.#scene.random() * 3_000);
    while (isMine()) {
      let mayStart = false;
      const deadline = clocks.now(machine.name) + 20_000 + this.#scene.random() * 600_000;
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
      this.#scene.tell(`wait on ${machine.name}: ${outcome === null ? 'killed' : JSON.stringify(outcome)}`);
      if (outcome !== null && outcome.kind !== 'unsafe') {
        this.#scene.site.startCompute(machine.name);
        return;
      }
      await this.#scene.sleep(1_000);
    }
  }

  /** No agent can help where nova-compute starts without asking while an evacuation is in flight. */
  async #startItself(machine: Machine, isMine: () => boolean): Promise<void> {
    const { name } = machine;
    await this.#scene.sleep(2_000 + this.#scene.random() * 10_000);
    while (
      !this.#scene.sabotage.startsUnasked &&
      isMine() &&
      (this.#hasJob(name) || this.#scene.site.network.evacuationsUnderWay > 0)
    )
      await this.#scene.sleep(200);
    if (!isMine()) return;
    this.#scene.tell(`nova-compute on ${name} starts by itself`);
    this.#scene.site.startCompute(name);
    await this.#restartInVain(machine, isMine);
  }

  /** What was evacuated after nova-compute started is settled by its next start only. */
  async #restartInVain(machine: Machine, isMine: () => boolean): Promise<void> {
    const { world } = this.#scene.site.cloud;
    const { name } = machine;
    const host = this.#scene.site.hostName(name);
    for (;;) {
      await this.#scene.sleep(60_000);
      if (!isMine()) return;
      const owed = world.migrations.some(
        ({ sourceHost, status }) => sourceHost === host && status === 'done',
      );
      const { transient, permanent } = this.#scene.site.mark(name);
      if (!owed || (transient || permanent) !== 'no' || this.#hasJob(name)) continue;
      this.#scene.tell(`somebody restarts nova-compute on ${name}`);
      world.killCompute(host, { power: true });
      this.#scene.site.startCompute(name);
    }
  }

  /** Pacemaker unfences the node while its connection is started, and once more when it has joined. */
  async #unfence(machine: Machine, isMine: () => boolean): Promise<void> {
    const { name } = machine;
    await this.#scene.sleep(this.#scene.random() * 2_000);
    while (isMine()) {
      const running = this.#scene.site.fenceCompute('on', name, this.#scene.teller(`on ${name}`));
      machine.processes.push(running.process);
      const outcome = await Promise.race([running.outcome, this.#scene.sleep(60_000).then(() => 'killed')]);
      running.process.kill();
      if (!isMine()) return;
      this.#scene.tell(`fence_compute on ${name}: ${outcome}`);
      if (outcome === '0') break;
      await this.#scene.sleep(2_000 + this.#scene.random() * 8_000);
    }
    if (machine.starter !== 'unfencing') return;
    await this.#scene.sleep(this.#scene.random() * 2_000);
    if (!isMine()) return;
    this.#scene.tell(`the cluster starts nova-compute on ${name}`);
    this.#scene.site.startCompute(name);
    await this.#restartInVain(machine, isMine);
  }

  /** One call of comeBack, killed at a random moment every now and then; null then. */
  async #walked(machine: Machine, times: Parameters<Site['comeBack']>[2]) {
    const running = this.#scene.site.comeBack(machine.name, this.#scene.teller(machine.name), times);
    machine.processes.push(running.process);
    let kill: (value: null) => void = () => undefined;
    const death = new Promise<null>((resolve) => {
      kill = resolve;
    });
    if (this.#kills() && this.#scene.chance(0.4)) {
      this.#scene.site.time.after(this.#scene.random() * 20_000, () => {
        running.process.kill();
        kill(null);
      });
    }
    return Promise.race([running.outcome, death, this.#dead(running.process)]);
  }

  /** Resolves once a process was killed. */
  async #dead(process: Process): Promise<null> {
    while (process.alive) await this.#scene.sleep(5_000);
    return null;
  }

  #killAll(machine: Machine): void {
    for (const process of machine.processes) process.kill();
    machine.processes = [];
  }

  #hasJob(name: string): boolean {
    return this.#scene.site.cloud.world.conductor.inFlightFrom(this.#scene.site.hostName(name)).length > 0;
  }
}
