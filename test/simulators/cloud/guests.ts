import type { Clock } from './clock.ts';
import { newRequestId } from './http.ts';
import type { Knobs } from './knobs.ts';
import { type Action, conflict, type Host, type Migration, type Server } from './model.ts';
import { isCutShort } from './moves.ts';

/** Who did something to a server: somebody who asked, or nova-compute of its own accord. */
export interface Author {
  readonly userId: string | null;
  readonly projectId: string | null;
  readonly requestId: string;
}

/** What the guests need of the world around them. */
export interface GuestWorld {
  readonly clock: Clock;
  readonly knobs: Knobs;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly servers: ReadonlyMap<string, Server>;
  serves(host: Host): boolean;
  whenThawed(host: Host, action: () => void): void;
  inLifeOf(host: Host, ms: number, action: () => void): void;
  touch(server: Server): void;
  spawnDomain(server: Server, on: Host): void;
  recordAction(server: Server, action: string, by: Author): Action;
  readonly conductor: { stateReset(server: Server): void };
  readonly observer: { resetting(server: Server): void; rebooting(server: Server): void };
}

/** nova/compute/task_states.py, ALLOW_REBOOT */
const rebootable = [
  null,
  'rebooting',
  'reboot_pending',
  'reboot_started',
  'resuming',
  'rebooting_hard',
  'unpausing',
  'pausing',
  'suspending',
];
const hardRebooting = ['rebooting_hard', 'reboot_pending_hard', 'reboot_started_hard'];
const rebuilding = ['rebuilding', 'rebuild_block_device_mapping', 'rebuild_spawning'];

/**
 * Guests on their own hosts: started, stopped and rebooted as Nova 26 does, through the tasks seen on the way. A task
 * that a dead nova-compute cannot carry out stays; it is taken up when that starts.
 */
export class Guests {
  readonly #world: GuestWorld;

  constructor(world: GuestWorld) {
    this.#world = world;
  }

  /** What the hypervisor says, past Nova's records. A paused guest does not run. */
  runs(server: Server): boolean {
    return this.#hostOf(server)?.domains.get(server.id) === true && server.vmState !== 'paused';
  }

  start(server: Server, by: Author): void {
    requireState(server, 'start', ['stopped']);
    this.#begin(server, 'powering-on', 'start', by);
  }

  stop(server: Server, by: Author): void {
    requireState(server, 'stop', ['active', 'error']);
    this.#begin(server, 'powering-off', 'stop', by);
  }

  rebootHard(server: Server, by: Author): void {
    requireState(server, 'reboot', ['active', 'stopped', 'paused', 'suspended', 'error'], rebootable);
    this.#world.observer.rebooting(server);
    this.#begin(server, 'rebooting_hard', 'reboot', by);
  }

  /** The administrator's way: at once, and the guest is not touched. */
  resetState(server: Server, state: string, by: Author): void {
    this.#world.observer.resetting(server);
    if (this.#world.knobs.recordsResets) this.#world.recordAction(server, 'resetState', by);
    server.vmState = state;
    server.taskState = null;
    this.#world.conductor.stateReset(server);
    this.#world.touch(server);
  }

  /**
   * What a nova-compute does about the servers of its host when it starts (nova/compute/manager.py, _init_instance):
   * those that were being evacuated are left alone, what it was asked for and had not finished is taken up.
   */
  initialise(host: Host, evacuated: ReadonlyMap<string, Migration>): void {
    for (const server of this.#world.servers.values()) {
      if (server.host !== host.name || evacuated.has(server.id)) continue;
      const task = server.taskState ?? '';
      if (hardRebooting.includes(task) || task.startsWith('powering-')) {
        this.#work(server, server.actions.at(-1));
      } else if (rebuilding.includes(task) && server.vmState !== 'error') {
        server.vmState = 'error';
        server.taskState = null;
        this.#world.touch(server);
      } else if (isCutShort(server)) {
        server.taskState = null;
        this.#world.touch(server);
      } else if (this.#world.knobs.resumeGuests && server.vmState === 'active' && server.powerState === 1) {
        if (!this.runs(server)) this.#world.spawnDomain(server, host);
      }
    }
    this.#syncAgain(host);
  }

  #syncAgain(host: Host): void {
    const { powerSync } = this.#world.knobs;
    if (powerSync === 0) return;
    this.#world.inLifeOf(host, powerSync, () => {
      this.syncPowerStates(host);
      this.#syncAgain(host);
    });
  }

  /**
   * nova-compute compares its guests with Nova's records (sync_power_state_interval) and has Nova stop what it finds
   * off though it should run, and what runs though it should be off.
   */
  syncPowerStates(host: Host): void {
    for (const server of this.#world.servers.values()) {
      if (server.host !== host.name || server.taskState !== null) continue;
      const truth = host.domains.get(server.id);
      const shutDown = truth === false;
      if (server.vmState === 'active' || server.vmState === 'stopped') {
        server.powerState = truth === undefined ? 0 : truth ? 1 : 4;
      }
      if ((server.vmState === 'active' && shutDown) || (server.vmState === 'stopped' && truth === true)) {
        const by = { userId: null, projectId: null, requestId: newRequestId() };
        this.#begin(server, 'powering-off', 'stop', by);
      }
    }
  }

  #hostOf(server: Server): Host | undefined {
    return server.host === null ? undefined : this.#world.hosts.get(server.host);
  }

  #begin(server: Server, task: string, name: string, by: Author): void {
    server.taskState = task;
    this.#world.touch(server);
    const action = this.#world.recordAction(server, name, by);
    const host = this.#hostOf(server);
    if (host === undefined) return;
    if (this.#world.serves(host)) this.#work(server, action);
    else if (!host.alive) this.#world.whenThawed(host, () => this.#work(server, action));
  }

  /** Carries out the server's task on its host, in two steps of half the time each. */
  #work(server: Server, action: Action | undefined): void {
    const host = this.#hostOf(server);
    if (host === undefined) return;
    const half = this.#world.knobs.power / 2;
    if (hardRebooting.includes(server.taskState ?? '')) this.#task(server, 'reboot_pending_hard');
    this.#step(server, host, half, () => {
      if (server.taskState === 'reboot_pending_hard') this.#task(server, 'reboot_started_hard');
      this.#step(server, host, half, () => {
        this.#finish(server, host, action);
        if (action !== undefined) action.updatedAt = this.#world.clock.now();
      });
    });
  }

  /** Void when the server went, or somebody else gave it another task meanwhile. */
  #step(server: Server, host: Host, ms: number, action: () => void): void {
    const task = server.taskState;
    this.#world.inLifeOf(host, ms, () => {
      if (this.#world.servers.get(server.id) === server && server.taskState === task) action();
    });
  }

  #task(server: Server, task: string): void {
    server.taskState = task;
    this.#world.touch(server);
  }

  #finish(server: Server, host: Host, action: Action | undefined): void {
    if (server.taskState === 'powering-off') {
      if (host.domains.has(server.id)) host.domains.set(server.id, false);
      server.vmState = 'stopped';
      server.powerState = 4;
    } else if (server.taskState === 'reboot_started_hard' && fails(host.rebootFail, server)) {
      const message = `labfake reboot_fail ${server.id}`;
      server.vmState = 'error';
      server.fault = {
        code: 500,
        message,
        details: `Traceback: ${message}`,
        created: this.#world.clock.now(),
      };
      host.domains.set(server.id, false);
      if (action !== undefined) action.message = 'Error';
    } else {
      this.#world.spawnDomain(server, host);
      server.vmState = 'active';
      server.powerState = 1;
    }
    server.taskState = null;
    this.#world.touch(server);
  }
}

/** Whether a knob of a host, all or some named by id or name, holds for a server. */
export function fails(which: boolean | readonly string[], server: Server): boolean {
  return typeof which === 'boolean' ? which : which.includes(server.id) || which.includes(server.name);
}

/** Nova's check_instance_state: vm_state first, then the task, which has to be none unless said otherwise. */
export function requireState(
  server: Server,
  method: string,
  states: readonly string[],
  tasks: readonly (string | null)[] = [null],
): void {
  const at = `Cannot '${method}' instance ${server.id} while it is in`;
  if (!states.includes(server.vmState)) throw conflict(`${at} vm_state ${server.vmState}`);
  if (!tasks.includes(server.taskState)) throw conflict(`${at} task_state ${server.taskState}`);
}
