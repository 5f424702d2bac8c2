import type { Allocations } from './allocations.ts';
import type { Clock } from './clock.ts';
import { fails } from './guests.ts';
import type { Knobs } from './knobs.ts';
import {
  type Action,
  type EvacuateWish,
  type Host,
  hasLocalDisk,
  type LostDisk,
  type Migration,
  type Server,
} from './model.ts';
import type { Scheduler } from './scheduler.ts';
import { beginStep, conductorHost, endStep } from './steps.ts';

/** What the conductor needs of the world around it. */
export interface Surroundings {
  readonly clock: Clock;
  readonly knobs: Knobs;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly servers: ReadonlyMap<string, Server>;
  isUp(host: Host): boolean;
  /** Whether its nova-compute takes messages at this moment. */
  serves(host: Host): boolean;
  touch(server: Server): void;
  spawnDomain(server: Server, on: Host): void;
  readonly observer: { rebuiltEmpty(server: Server): void };
  findsDisks(host: Host): boolean;
  isLocked(server: Server, on: Host): boolean;
  readonly allocations: Allocations;
  readonly scheduler: Scheduler;
  readonly disksLost: LostDisk[];
}

/** How soon a nova-compute that is thawed goes on with what it was doing, ms. */
const stuckMs = 500;

/** One evacuation on its way. It is live until it ended or its target died. */
interface Job {
  readonly server: Server;
  readonly migration: Migration;
  readonly action: Action;
  readonly wish: EvacuateWish;
  readonly wasStopped: boolean;
  target: Host | null;
  /** Sent to a target that was dead already: waits in its queue. */
  posted: boolean;
  /** The target is spawning it: nothing that comes in between stops it any more. */
  spawning: boolean;
  /** The target was spawning as many as it can take when this one began. */
  overloaded: boolean;
  /** Somebody reset the server's state: nova-compute, which expects the task that it had set, gives up. */
  reset: boolean;
  /** Another evacuation of the same server is in its way: it will not succeed. */
  disturbed: boolean;
  cancel: (() => void) | null;
}

/**
 * What nova-conductor, the scheduler and the receiving nova-compute do with evacuations, in the order and with the
 * intermediate states seen on Nova 26:
 * accepted -> pre-migrating (claimed by the target) -> rebuild_spawning -> ACTIVE but still on the old host -> done.
 */
export class Conductor {
  readonly #world: Surroundings;
  readonly #jobs = new Map<string, Job[]>();
  readonly #queue: Job[] = [];
  /** Sent to a nova-compute that is dead without Nova knowing it yet: waits in its message queue. */
  readonly #posted = new Map<string, Job[]>();
  #scheduling = 0;
  #alive = true;

  constructor(world: Surroundings) {
    this.#world = world;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** nova-conductor stops: what is asked of it waits, and is carried out once it is back. */
  stop(): void {
    this.#alive = false;
  }

  start(): void {
    this.#alive = true;
    this.#next();
  }

  /**
   * Whether an evacuation of the server is under way, or lies in the queue of a dead nova-compute: seen on Nova 26,
   * that one strikes when the compute returns, wherever the server has got to by then.
   */
  isLive(serverId: string): boolean {
    return this.#jobs.get(serverId)?.some((job) => !(job.posted && job.reset)) ?? false;
  }

  /** How many servers are being evacuated. */
  get inFlight(): number {
    return this.#jobs.size;
  }

  /** The message bus loses what waits for a conductor: records and tasks stay as Nova's API has left them. */
  lose(): void {
    for (const job of this.#queue.splice(0)) this.#drop(job);
  }

  /**
   * The conductor's question to Neutron or the scheduler is not answered (MessagingTimeout): it gives up, and takes nothing back
   * (nova/conductor/manager.py, rebuild_instance).
   */
  giveUp(): void {
    const now = this.#world.clock.now();
    for (const job of this.#queue.splice(0)) {
      beginStep(job.action, 'rebuild_server', conductorHost, now);
      endStep(job.action, 'MessagingTimeout', now);
      job.action.message = 'Error';
      this.#drop(job);
    }
  }

  /** An administrator has set the server's state and taken its task away: what had been asked for is refused when it strikes. */
  stateReset(server: Server): void {
    for (const job of this.#jobs.get(server.id) ?? []) job.reset = true;
  }

  /** Whether it lies in such a queue and waits for a nova-compute that does not run. */
  isPosted(serverId: string): boolean {
    return this.#jobs.get(serverId)?.some(({ posted }) => posted) ?? false;
  }

  inFlightFrom(host: string): Server[] {
    const servers = new Set<Server>();
    for (const jobs of this.#jobs.values()) {
      for (const job of jobs) {
        if (job.migration.sourceHost === host && !(job.posted && job.reset)) servers.add(job.server);
      }
    }
    return [...servers];
  }

  setStatus(migration: Migration, status: string): void {
    migration.status = status;
    migration.updatedAt = this.#world.clock.now();
  }

  evacuate(server: Server, migration: Migration, action: Action, wish: EvacuateWish): void {
    const all = this.#jobs.get(server.id) ?? [];
    const others = all.filter((other) => !other.posted);
    const job: Job = {
      server,
      migration,
      action,
      wish,
      // At 2.95 and above one in ERROR alone is left running (nova/compute/manager.py, _do_rebuild_instance).
      wasStopped: server.vmState === 'stopped' || (wish.stopped === true && server.vmState !== 'error'),
      target: null,
      posted: false,
      spawning: false,
      overloaded: false,
      reset: false,
      disturbed: others.length > 0,
      cancel: null,
    };
    // Seen on Nova 26: one that spawns already is finished, the server moves and is thrown into ERROR there by the
    // second; two that both have yet to spawn fail both.
    for (const other of others) if (!other.spawning) other.disturbed = true;
    // Of three at once, seen on Nova 26, one record stays `accepted` for ever.
    if (others.length >= 2) return;
    this.#jobs.set(server.id, [...all, job]);
    this.#queue.push(job);
    this.#next();
  }

  /** The server was deleted: whatever was under way ends without a trace. */
  forget(server: Server): void {
    for (const job of this.#jobs.get(server.id) ?? []) {
      job.cancel?.();
      const queued = this.#queue.indexOf(job);
      if (queued >= 0) this.#queue.splice(queued, 1);
    }
    for (const [host, posted] of this.#posted) {
      this.#posted.set(
        host,
        posted.filter((job) => job.server !== server),
      );
    }
    this.#jobs.delete(server.id);
  }

  targetDied(host: Host): void {
    for (const jobs of [...this.#jobs.values()]) {
      for (const job of jobs) {
        if (job.target !== host || job.cancel === null) continue;
        job.cancel();
        this.#drop(job);
      }
    }
  }

  targetStarted(host: Host): void {
    const posted = this.#posted.get(host.name) ?? [];
    this.#posted.delete(host.name);
    for (const job of posted) {
      job.posted = false;
      if (!this.#world.servers.has(job.server.id)) continue;
      const untouched =
        !job.reset && job.server.host === job.migration.sourceHost && job.server.taskState === 'rebuilding';
      if (untouched) {
        this.#receive(job, host);
        continue;
      }
      beginStep(job.action, 'compute_rebuild_instance', host.name, this.#world.clock.now());
      endStep(job.action, otherTask(job.server, 'rebuilding'), this.#world.clock.now());
      // Evacuated elsewhere meanwhile. Seen on Nova 26: the record fails and the server, wherever it runs by then, is
      // left with the task.
      this.setStatus(job.migration, 'failed');
      job.server.taskState = 'rebuilding';
      if (job.server.host !== host.name) this.#world.allocations.remove(host.name, job.server.id);
      this.#drop(job);
    }
  }

  #drop(job: Job): void {
    const left = (this.#jobs.get(job.server.id) ?? []).filter((other) => other !== job);
    if (left.length === 0) this.#jobs.delete(job.server.id);
    else this.#jobs.set(job.server.id, left);
  }

  #next(): void {
    const { clock, knobs } = this.#world;
    while (this.#alive && this.#scheduling < knobs.conductorConcurrency) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      this.#scheduling += 1;
      beginStep(job.action, 'rebuild_server', conductorHost, clock.now());
      clock.after(knobs.schedule, () => {
        this.#scheduling -= 1;
        if (!this.#alive) {
          // It had not been taken yet, as it were.
          job.action.steps.length = 0;
          this.#queue.unshift(job);
        } else if (this.#jobs.get(job.server.id)?.includes(job)) this.#schedule(job);
        this.#next();
      });
    }
  }

  #schedule(job: Job): void {
    const { wish, migration, server } = job;
    const { scheduler, allocations } = this.#world;
    const forced = wish.force === true ? wish.host : undefined;
    const named = wish.host === undefined ? {} : { named: wish.host };
    const choice =
      forced === undefined
        ? scheduler.choose(server, { source: migration.sourceHost, ...named })
        : scheduler.force(server, forced);
    if ('refusal' in choice) {
      // Where a host was forced, the server stays what it was (nova/conductor/manager.py, rebuild_instance).
      this.#fail(job, 'error', choice.refusal, { keepState: forced !== undefined });
      return;
    }
    const target = choice.host;
    endStep(job.action, null, this.#world.clock.now());
    // It counts against the target from now on, and against the source as well.
    allocations.add(target, server);
    job.target = target;
    if (this.#world.serves(target)) {
      this.#receive(job, target);
      return;
    }
    job.posted = true;
    this.#posted.set(target.name, [...(this.#posted.get(target.name) ?? []), job]);
  }

  /** On the target: claim, look at the group, prepare, spawn, move. */
  #receive(job: Job, target: Host): void {
    const { knobs } = this.#world;
    const { server, migration } = job;
    job.target = target;
    beginStep(job.action, 'compute_rebuild_instance', target.name, this.#world.clock.now());
    migration.destHost = target.name;
    migration.claimed = true;
    this.setStatus(migration, 'pre-migrating');
    const refusal = this.#world.scheduler.lateRefusal(server, target);
    if (refusal !== null) {
      this.#fail(job, 'failed', refusal, { keepState: !knobs.groupRefusalIsError });
      return;
    }
    server.powerState = 0;
    this.#world.touch(server);
    this.#later(job, knobs.prepare, () => {
      if (job.reset) {
        this.#fail(job, 'failed', otherTask(server, 'rebuilding'));
        return;
      }
      const { onSharedStorage } = job.wish;
      if (onSharedStorage !== undefined && onSharedStorage !== this.#world.findsDisks(target)) {
        this.#fail(job, 'failed', 'Invalid state of instance files on shared storage');
        return;
      }
      server.taskState = 'rebuild_spawning';
      this.#world.touch(server);
      const limit = target.spawnLimit ?? knobs.spawnLimit;
      job.overloaded = limit > 0 && this.#spawningOn(target) >= limit;
      job.spawning = true;
      this.#later(job, target.spawn ?? knobs.spawn, () => this.#spawned(job, target));
    });
  }

  #spawningOn(host: Host): number {
    let count = 0;
    for (const jobs of this.#jobs.values()) {
      for (const job of jobs) if (job.spawning && job.target === host) count += 1;
    }
    return count;
  }

  #spawned(job: Job, target: Host): void {
    const { server, migration } = job;
    const broken = this.#whatBroke(job, target);
    if (broken !== null) {
      this.#fail(job, 'failed', broken);
      return;
    }
    if (this.#world.isLocked(server, target)) {
      this.#fail(job, 'failed', 'libvirtError', { details: lockText });
      return;
    }
    job.spawning = false;
    if (hasLocalDisk(server) && !this.#world.findsDisks(target)) {
      this.#world.disksLost.push({
        at: this.#world.clock.now(),
        serverId: server.id,
        name: server.name,
        source: migration.sourceHost,
        destination: target.name,
      });
      this.#world.observer.rebuiltEmpty(server);
    }
    this.#world.spawnDomain(server, target);
    server.vmState = 'active';
    server.taskState = job.wasStopped ? 'powering-off' : null;
    server.powerState = 1;
    server.fault = null;
    server.launchedAt = this.#world.clock.now();
    this.#world.touch(server);
    this.#later(job, this.#world.knobs.settle, () => {
      if (job.wasStopped) {
        server.vmState = 'stopped';
        server.powerState = 4;
        target.domains.set(server.id, false);
      }
      server.taskState = null;
      server.host = target.name;
      server.zone = target.zone;
      this.#world.touch(server);
      // The record is the last thing to change.
      this.#later(job, this.#world.knobs.record, () => {
        this.setStatus(job.migration, 'done');
        endStep(job.action, null, this.#world.clock.now());
        job.action.updatedAt = this.#world.clock.now();
        this.#drop(job);
      });
    });
  }

  /** Why a spawn that has taken its time comes to nothing; null when it went well. */
  #whatBroke(job: Job, target: Host): string | null {
    // What a host that is asked for too much at once most often ends in: its network does not come up in time.
    if (job.overloaded) return 'Virtual Interface creation failed';
    if (fails(target.spawnFail, job.server)) {
      return `Build of instance ${job.server.id} aborted: labfake spawn_fail`;
    }
    return job.reset || job.disturbed ? otherTask(job.server, 'rebuild_spawning') : null;
  }

  #later(job: Job, ms: number, action: () => void): void {
    job.cancel = this.#world.clock.after(ms, () => {
      if (job.target?.stuck === true) {
        this.#later(job, stuckMs, action);
        return;
      }
      job.cancel = null;
      action();
    });
  }

  #fail(
    job: Job,
    status: 'error' | 'failed',
    message: string,
    {
      keepState = false,
      details = `Traceback: ${message}`,
    }: {
      readonly keepState?: boolean;
      readonly details?: string;
    } = {},
  ): void {
    const { server, migration, action } = job;
    const now = this.#world.clock.now();
    this.setStatus(migration, status);
    if (!keepState) server.vmState = 'error';
    server.taskState = null;
    server.fault = { code: 500, message, details, created: now };
    this.#world.touch(server);
    if (job.target !== null && server.host !== job.target.name) {
      job.target.domains.delete(server.id);
      this.#world.allocations.remove(job.target.name, server.id);
    }
    endStep(action, message, now);
    action.message = 'Error';
    action.updatedAt = now;
    this.#drop(job);
  }
}

/** QEMU's words (block/file-posix.c), as libvirt passes them on; Nova shows them in the details of the fault alone. */
const lockText =
  'libvirt.libvirtError: internal error: process exited while connecting to monitor: ' +
  'qemu-system-x86_64: -blockdev {...}: Failed to get "write" lock\nIs another process using the image [/var/lib/nova/instances/disk]?';

/** nova-compute has found another task than it had set, and gives up. */
function otherTask(server: Server, expected: string): string {
  return (
    `Conflict updating instance ${server.id}. Expected: {'task_state': ['${expected}']}. ` +
    "Actual: {'task_state': None}"
  );
}
