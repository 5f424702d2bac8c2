import { NovaError } from '@openstack-ts/nova-client';
import { expect, test } from 'vitest';
import { formatHints, type PassLog, parseHints } from '../../../lib/evacuation/index.ts';
import type { Call, FakeHost, Fault } from './fakeNova.ts';
import { type Controller, Rig } from './rig.ts';
import { Process } from './virtualTime.ts';

/**
 * Lives in which machines die, are fenced by fence_compute, boot again, early or late, and die again in the middle of
 * that, while NovaEvacuate, NovaCompute and fence_compute are killed at any await and Nova, attrd and hosts fail in
 * passing. An observer that knows nothing of the agents keeps book (the fake Nova, and `#observe`). Once the storm is
 * over all machines are brought back, and nothing may be left to do.
 *
 * `SEED=17` runs one life and prints its log; `SEEDS=5000` runs more than usual.
 */
const stormMs = 240_000;
/** Until then everything has to be settled. */
const calmMs = 3_600_000;
const one = process.env['SEED'];
const seeds = one === undefined ? Number(process.env['SEEDS'] ?? 100) : 1;
const firstSeed = one === undefined ? Number(process.env['FIRST'] ?? 1) : Number(one);

test(`${seeds} random lives in which machines return`, async () => {
  const bad: string[] = [];
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
    const life = new Life(seed);
    await life.run();
    if (one !== undefined) console.log(life.story());
    const trouble = life.trouble();
    if (trouble.length > 0) bad.push(`seed ${seed} (SEED=${seed} prints its story):`, ...trouble);
  }
  expect(bad).toEqual([]);
}, 1_200_000);

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

interface Machine {
  readonly name: string;
  readonly starter: Starter;
  /** Counts its boots and deaths: whatever belongs to an older life has ended. */
  life: number;
  processes: Process[];
  /** A release may be owed: NovaCompute's flag file. It survives reboots of a machine with disks. */
  walking: boolean;
  fencing: boolean;
  /** When fence_compute last reported its fencing; 0 once it is back. */
  fencedAt: number;
}

class Life {
  readonly #seed: number;
  readonly #rig: Rig;
  readonly #story: string[] = [];
  readonly #start: number;
  readonly #machines = new Map<string, Machine>();
  readonly #twoControllers: boolean;
  readonly #purgesAfterFencing: boolean;
  readonly #earlyReturn: 'release' | 'evacuate';
  readonly #foreign: boolean;
  readonly #trouble: string[] = [];
  /** Requests to evacuate that are on their way. */
  #sending = 0;
  #calm = false;
  #over = false;

  constructor(seed: number) {
    this.#seed = seed;
    this.#rig = new Rig(seed, ['comp0', 'comp1', 'comp2', 'comp3']);
    this.#start = this.#rig.time.now();
    this.#twoControllers = this.#chance(0.3);
    this.#purgesAfterFencing = this.#chance(0.4);
    this.#earlyReturn = this.#chance(0.8) ? 'release' : 'evacuate';
    this.#foreign = this.#chance(0.2);
  }

  async run(): Promise<void> {
    const { nova, time, pacemaker } = this.#rig;
    const instances = 1 + this.#whole(8);
    for (let index = 0; index < instances; index += 1) {
      nova.boot(`a${index}`, 'comp0', this.#chance(0.25) ? { status: 'SHUTOFF', vmState: 'stopped' } : {});
    }
    for (let index = 0; index < this.#whole(4); index += 1) nova.boot(`b${index}`, 'comp1');
    if (this.#chance(0.3)) nova.boot('paused', 'comp0', { status: 'PAUSED', vmState: 'paused' });
    nova.skewMs = this.#chance(0.5) ? 0 : Math.round((this.#random() - 0.5) * 8_000);
    nova.reportMs = this.#chance(0.5) ? 10_000 : 2_000;
    nova.initMs = () => 500 + this.#random() * 8_000;
    nova.powerMs = () => 300 + this.#random() * 4_000;
    nova.upWithNextReport = this.#chance(0.5);
    nova.fault = (call) => this.#fault(call);
    nova.onEvacuate = (id) => {
      this.#tell(`asked for ${id}`);
      this.#sending += 1;
      time.after(400, () => {
        this.#sending -= 1;
      });
    };
    this.#rig.toolLatency = () => 5 + this.#random() * (this.#chance(0.1) ? 400 : 60);
    const starters: readonly Starter[] = ['NovaCompute', 'NovaCompute', 'wait', 'itself', 'unfencing'];
    for (const name of nova.hosts.keys()) {
      const starter = starters[this.#whole(starters.length)] ?? 'NovaCompute';
      this.#machines.set(name, {
        name,
        starter,
        life: 0,
        processes: [],
        walking: false,
        fencing: false,
        fencedAt: 0,
      });
      if (starter === 'NovaCompute') pacemaker.active.set(name, ['NovaCompute']);
    }
    // A nova-compute that does not wait for the evacuation stops instances in Nova's records before they are evacuated.
    const isGuarded = [...this.#machines.values()].every(({ starter }) => starter !== 'itself');
    nova.powerSyncMs = isGuarded && this.#chance(0.5) ? 20_000 + this.#random() * 60_000 : 0;
    if ([...this.#machines.values()].some(({ starter }) => starter === 'unfencing')) {
      pacemaker.primitives =
        '<xpath-query><primitive id="nova" class="systemd" type="openstack-nova-compute"/></xpath-query>';
    }
    if (this.#foreign) {
      Object.assign(nova.host('comp0'), { enabled: false, disabledReason: 'broken fan' });
      this.#tell('comp0 was disabled by an operator');
    }
    this.#plan();
    this.#evacuateForEver();
    this.#observeForEver();
    const end = this.#start + stormMs + calmMs;
    while (time.now() < end && !(this.#calm && this.#isSettled())) await time.pass(5_000);
    // What is late may still come.
    await time.pass(60_000);
    this.#over = true;
    for (const machine of this.#machines.values()) this.#killAll(machine);
    await time.pass(1_000);
  }

  /** What is wrong, in sentences. */
  trouble(): string[] {
    return [...this.#rig.nova.violations, ...this.#trouble, ...this.#unsettled()];
  }

  story(): string {
    const machines = [...this.#machines.values()].map(({ name, starter }) => `${name} by ${starter}`);
    return [`seed ${this.#seed}: ${machines.join(', ')}`, ...this.#story, ...this.trouble()].join('\n');
  }

  #isSettled(): boolean {
    return this.#unsettled().length === 0;
  }

  #unsettled(): string[] {
    const { nova } = this.#rig;
    return [
      ...[...nova.hosts.values()].flatMap((host) => this.#unsettledHost(host)),
      ...[...nova.instances.keys()].flatMap((id) => this.#unsettledInstance(id)),
    ];
  }

  #unsettledHost(host: FakeHost): string[] {
    const { pacemaker } = this.#rig;
    const { name } = host;
    const left: string[] = [];
    if (!host.powered) left.push(`${name} is off`);
    const permanent = pacemaker.permanent(name) ?? '';
    for (const mark of [this.#rig.mark(name), permanent]) {
      if (mark !== '') left.push(`a mark of ${name} reads ${mark}`);
    }
    if (host.forcedDown) left.push(`${name} is still forced down`);
    const wished = this.#foreign && name === 'comp0' ? 'broken fan' : null;
    if (host.enabled !== (wished === null) || host.disabledReason !== wished) {
      left.push(`I7: ${name} is enabled: ${host.enabled} (${host.disabledReason}); before it was: ${wished}`);
    }
    for (const attribute of ['nova-compute-release', 'nova-compute-returning']) {
      const value = this.#rig.attribute(attribute, name);
      if (value !== '') left.push(`${attribute} of ${name} still reads ${value}`);
    }
    return left;
  }

  #unsettledInstance(id: string): string[] {
    const { nova } = this.#rig;
    const { server } = nova.instance(id);
    if (id === 'paused') return [];
    const left: string[] = [];
    if (server.taskState !== null) left.push(`${id} is still ${server.taskState}`);
    const wished = this.#wish(id);
    // Nova forgets that an instance was off when its evacuation fails, and a later one leaves it on.
    if (server.vmState !== wished && !nova.failed.has(id)) {
      left.push(`${id} ended ${server.vmState}, not ${wished}`);
    }
    const runs = nova.runsOn(id).join(' and ');
    if (runs !== (server.vmState === 'active' ? server.host : '')) {
      left.push(`${id} is ${server.vmState} on ${server.host} and runs on ${runs || 'none'}`);
    }
    return left;
  }

  /** What its owner wants: the owner's own last word. */
  #wish(id: string): 'active' | 'stopped' {
    const actions = this.#rig.nova.instance(id).actions.filter(({ userId }) => userId === 'the-owner');
    return actions[0]?.action === 'stop' ? 'stopped' : 'active';
  }

  // The storm.

  #plan(): void {
    const { nova, pacemaker, time } = this.#rig;
    const soon = (task: () => void) => time.after(this.#random() * stormMs * 0.8, task);
    const forAWhile = (what: string, begin: () => void, end: () => void) =>
      soon(() => {
        this.#tell(`${what}: begins`);
        begin();
        time.after(1_000 + this.#random() * 25_000, () => {
          this.#tell(`${what}: ends`);
          end();
        });
      });
    time.after(1_000, () => this.#die('comp0'));
    const deaths = 1 + this.#whole(4);
    for (let count = 0; count < deaths; count += 1) {
      soon(() => this.#die(this.#chance(0.7) ? 'comp0' : `comp${this.#whole(4)}`));
    }
    if (this.#chance(0.3)) {
      forAWhile(
        'cell down',
        () => {
          nova.cellDown = true;
        },
        () => {
          nova.cellDown = false;
        },
      );
    }
    if (this.#chance(0.3)) {
      forAWhile(
        'conductor down',
        () => {
          nova.conductorUp = false;
        },
        () => {
          nova.conductorUp = true;
        },
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
    if (this.#chance(0.5)) {
      const refusing = ['comp1', 'comp2', 'comp3'].filter(() => this.#chance(0.8));
      forAWhile(
        `${refusing.join(', ')} refuse to spawn`,
        () => {
          for (const name of refusing) nova.host(name).refuses = true;
        },
        () => {
          for (const name of refusing) nova.host(name).refuses = false;
        },
      );
    }
    time.after(stormMs, () => {
      this.#tell('the storm is over');
      this.#calm = true;
    });
  }

  #fault({ method }: Call): Fault | null {
    if (this.#calm) return null;
    const drawn = this.#random();
    if (method === 'evacuate') {
      const doneAfterMs = this.#chance(0.7) ? this.#random() * 9_000 : null;
      // What is on its way when a pass is killed and its claim purged is more than two controllers can bear.
      if (!this.#twoControllers && drawn < 0.05) return { kind: 'hang', doneAfterMs };
      if (!this.#twoControllers && drawn < 0.1) return { kind: 'reset', doneAfterMs };
      if (drawn < 0.13) return { kind: 'refuse', error: failure('serverError') };
      return null;
    }
    // Asked for twice because the first was not answered and carried out late: nobody could tell.
    const late = ['rebootServer', 'startServer', 'stopServer', 'resetServerState'].includes(method)
      ? 0
      : 1_000;
    if (drawn < 0.03) return { kind: 'refuse', error: failure('serverError') };
    if (drawn < 0.04) return { kind: 'reset', doneAfterMs: this.#random() * late };
    if (drawn < 0.1 && late > 0) return { kind: 'slow', ms: this.#random() * 3_000 };
    return null;
  }

  #die(name: string): void {
    const machine = this.#machine(name);
    const { nova, pacemaker, time } = this.#rig;
    if (this.#calm || !nova.host(name).powered || machine.fencing) return;
    // Hosts that are all back and all evacuated all the same would wait for each other for ever.
    if (this.#earlyReturn === 'evacuate' && name === 'comp3') return;
    this.#tell(`${name} loses its power`);
    machine.life += 1;
    this.#killAll(machine);
    machine.fencing = true;
    nova.powerOff(name);
    pacemaker.lost.add(name);
    pacemaker.active.delete(name);
    // Somebody pulled the power, or a resource of it failed: soon or at once.
    void this.#fence(machine, this.#chance(0.5) ? this.#random() * 1_000 : this.#random() * 10_000).then(
      () => {
        const fast = this.#chance(0.5);
        time.after(this.#random() * (fast ? 12_000 : 90_000), () => this.#boot(machine));
      },
    );
  }

  /** Pacemaker fences until fence_compute reports success. */
  async #fence(machine: Machine, delay: number): Promise<void> {
    const { time, pacemaker } = this.#rig;
    const { name } = machine;
    await this.#sleep(delay);
    pacemaker.noteFencing(name, null);
    for (;;) {
      this.#tell(`fence_compute off ${name}`);
      const running = this.#rig.fenceCompute('off', name, { log: this.#log(`off ${name}`) });
      const killed = !this.#calm && this.#chance(0.1);
      if (killed) time.after(this.#random() * 2_000, () => running.process.kill());
      const outcome = await Promise.race([running.outcome, this.#sleep(60_000).then(() => 'killed')]);
      this.#tell(`fence_compute off ${name}: ${outcome}`);
      if (outcome === '0') break;
      await this.#sleep(1_000);
    }
    machine.fencing = false;
    machine.fencedAt = time.now();
    pacemaker.noteFencing(name, machine.fencedAt);
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
    machine.fencedAt = 0;
    this.#rig.boot(name);
    const { life } = machine;
    const isMine = () => machine.life === life && !this.#over;
    if (machine.starter === 'NovaCompute') {
      this.#rig.pacemaker.active.set(name, ['NovaCompute']);
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
    const { time, nova } = this.#rig;
    const { name } = machine;
    await this.#sleep(this.#random() * 3_000);
    machine.walking = true;
    while (isMine() && machine.walking) {
      const now = time.now();
      const isStart = !nova.host(name).computeRuns;
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
    const { time, nova } = this.#rig;
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
        nova.startCompute(machine.name);
        return;
      }
      await this.#sleep(1_000);
    }
  }

  async #startItself(machine: Machine, isMine: () => boolean): Promise<void> {
    const { nova } = this.#rig;
    const { name } = machine;
    await this.#sleep(2_000 + this.#random() * 10_000);
    while (isMine() && this.#hasJob(name)) await this.#sleep(1_000);
    if (!isMine()) return;
    this.#tell(`nova-compute on ${name} starts by itself`);
    nova.startCompute(name, false);
    await this.#restartInVain(machine, isMine);
  }

  /** What was evacuated after nova-compute started is settled by its next start only. */
  async #restartInVain(machine: Machine, isMine: () => boolean): Promise<void> {
    const { nova } = this.#rig;
    const { name } = machine;
    for (;;) {
      await this.#sleep(60_000);
      if (!isMine()) return;
      const owed = nova.records.some((record) => record.sourceHost === name && record.status === 'done');
      if (!owed || this.#rig.mark(name) !== 'no' || this.#hasJob(name)) continue;
      this.#tell(`somebody restarts nova-compute on ${name}`);
      nova.stopCompute(name);
      nova.startCompute(name, false);
    }
  }

  /** Pacemaker unfences the node while its connection is started, and once more when it has joined. */
  async #unfence(machine: Machine, isMine: () => boolean): Promise<void> {
    const { name } = machine;
    const { nova } = this.#rig;
    await this.#sleep(this.#random() * 2_000);
    while (isMine()) {
      const running = this.#rig.fenceCompute('on', name, { log: this.#log(`on ${name}`) });
      machine.processes.push(running.process);
      const outcome = await Promise.race([running.outcome, this.#sleep(60_000).then(() => 'killed')]);
      if (!isMine()) return;
      this.#tell(`fence_compute on ${name}: ${outcome}`);
      if (outcome === '0') break;
      await this.#sleep(2_000 + this.#random() * 8_000);
    }
    if (machine.starter !== 'unfencing') return;
    await this.#sleep(this.#random() * 2_000);
    if (!isMine()) return;
    this.#tell(`the cluster starts nova-compute on ${name}`);
    nova.startCompute(name);
    await this.#restartInVain(machine, isMine);
  }

  /** One call of comeBack, killed at a random moment every now and then; null then. */
  async #walked(machine: Machine, more: Parameters<Rig['comeBack']>[1]) {
    const running = this.#rig.comeBack(machine.name, { ...more, log: this.#log(machine.name) });
    machine.processes.push(running.process);
    let kill: (value: null) => void = () => undefined;
    const death = new Promise<null>((resolve) => {
      kill = resolve;
    });
    if (!this.#calm && this.#chance(0.4)) {
      this.#rig.time.after(this.#random() * 20_000, () => {
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

  /** No agent can help where nova-compute starts without asking while an evacuation is in flight. */
  #hasJob(name: string): boolean {
    return [...this.#rig.nova.instances.values()].some(
      ({ job }) => job !== null && !job.over && job.source === name,
    );
  }

  // The controllers.

  #evacuateForEver(): void {
    const timeoutMs = [20_000, 60_000, 600_000][this.#whole(3)] ?? 60_000;
    const concurrency = 1 + this.#whole(8);
    const release = this.#chance(0.2) ? 'on' : 'auto';
    const again = async () => {
      let controller = this.#rig.ctl0;
      while (!this.#over) {
        const killed = await this.#pass(controller, concurrency, timeoutMs, release);
        if (killed && this.#twoControllers && this.#chance(0.6)) {
          controller = controller === this.#rig.ctl0 ? this.#rig.ctl1 : this.#rig.ctl0;
          await this.#sleep(this.#random() * 30_000);
        }
        await this.#sleep(killed ? this.#random() * 10_000 : 10_000);
      }
    };
    void again();
  }

  async #pass(
    controller: Controller,
    concurrency: number,
    timeoutMs: number,
    release: 'on' | 'auto',
  ): Promise<boolean> {
    const { time } = this.#rig;
    // A killed pass leaves what it kept before.
    const hints = parseHints(formatHints(controller.hints));
    // The monitor brings copies in step that a killed pass left apart.
    const own = new Process(time);
    const marks = this.#rig.marksFor(own);
    try {
      for (const reading of (await marks.readAll()).marks) {
        if (['no', 'none'].includes(reading.mark.kind)) await marks.repair(reading);
      }
    } catch {
      return false;
    }
    const running = this.#rig.start(controller, {
      hints,
      keepHints: () => {
        controller.hints = parseHints(formatHints(hints));
      },
      timeoutMs,
      release,
      settings: { concurrency, onSharedStorage: true, evacuateDelayMs: 0, earlyReturn: this.#earlyReturn },
      log: this.#log(controller.name),
    });
    let killed = false;
    let kill: (value: null) => void = () => undefined;
    const death = new Promise<null>((resolve) => {
      kill = resolve;
    });
    const tryToKill = () => {
      if (this.#twoControllers && this.#sending > 0) {
        time.after(500, tryToKill);
        return;
      }
      killed = true;
      running.process.kill();
      kill(null);
    };
    let ended = false;
    if (!this.#calm && this.#chance(0.3)) {
      time.after(this.#random() * 25_000, () => {
        if (!ended) tryToKill();
      });
    }
    const outcome = await Promise.race([running.outcome, death]);
    ended = true;
    if (outcome === null) this.#tell(`killed the pass on ${controller.name}`);
    else controller.hints = hints;
    if (outcome?.sentence) this.#tell(`pass on ${controller.name}: ${outcome.sentence}`);
    return killed;
  }

  // The observer.

  #observeForEver(): void {
    const { nova, time } = this.#rig;
    const look = () => {
      if (this.#over) return;
      for (const machine of this.#machines.values()) {
        const { name, fencedAt } = machine;
        if (fencedAt === 0 || nova.host(name).powered || this.#rig.isPending(name)) continue;
        const left = [...nova.instances.values()].filter(
          ({ server, job }) => server.host === name && server.id !== 'paused' && (job === null || job.over),
        );
        if (left.length > 0) {
          this.#trouble.push(
            `${this.#time()} I4: ${name} is off, its mark reads "${this.#rig.mark(name)}", and ${left.map(({ server }) => server.id).join(', ')} are on it`,
          );
          machine.fencedAt = 0;
        }
      }
      this.#operate();
      time.after(500, look);
    };
    look();
  }

  /** NovaEvacuate names what seems to be under way for ever and leaves it to the operator, who looks after a while. */
  #operate(): void {
    const { nova, time } = this.#rig;
    for (const { server, job } of nova.instances.values()) {
      const since = time.now() + nova.skewMs - (server.updatedAt ?? 0);
      if (!server.taskState?.startsWith('rebuild') || !job?.over || since < 900_000) continue;
      this.#tell(`an operator resets ${server.id}`);
      nova.resetByHand(server.id);
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
      this.#rig.time.after(ms, resolve);
    });
  }

  #log(who: string): PassLog {
    const line = (level: string) => (sentence: string) => this.#tell(`${who} ${level}: ${sentence}`);
    return { warn: line('warn'), notice: line('notice'), info: line('info'), debug: () => undefined };
  }

  #time(): string {
    return ((this.#rig.time.now() - this.#start) / 1000).toFixed(3).padStart(9);
  }

  #tell(what: string): void {
    this.#story.push(`${this.#time()} ${what}`);
  }

  #random(): number {
    return this.#rig.random();
  }

  #chance(part: number): boolean {
    return this.#random() < part;
  }

  /** 0 … below - 1 */
  #whole(below: number): number {
    return Math.floor(this.#random() * below);
  }
}

function failure(code: 'serverError'): NovaError {
  return new NovaError(code, `Nova answered ${code}`, { status: 500 });
}
