import type { Clock } from './clock.ts';
import type { Knobs } from './knobs.ts';
import type { Host, Migration, MoveKind, Server } from './model.ts';

/** What moves need of the world around them. */
export interface MoveWorld {
  readonly clock: Clock;
  readonly knobs: Knobs;
  host(name: string): Host;
  inLifeOf(host: Host, ms: number, action: () => void): void;
  touch(server: Server): void;
  addMove(server: Server, move: Pick<Migration, 'type' | 'destHost' | 'status'>): Migration;
  readonly conductor: { setStatus(migration: Migration, status: string): void };
  readonly allocations: { add(host: Host, server: Server): void; remove(host: string, id: string): void };
}

/**
 * Live migrations and resizes, step by step. The source's nova-compute takes every step, and notes it before it takes it
 * (nova/compute/manager.py: `_do_live_migration`, `_resize_instance`): when that dies, all stays as it was noted last. The guest
 * of a live migration is switched over by the hypervisors some time before Nova notes its new host.
 */
export class Moves {
  readonly #world: MoveWorld;

  constructor(world: MoveWorld) {
    this.#world = world;
  }

  /** Statuses queued, preparing, running; then the guest runs on the destination; then Nova has it there. */
  liveMigrate(server: Server, destination: string): void {
    const source = this.#world.host(server.host ?? '');
    const target = this.#world.host(destination);
    const record = this.#begin(server, 'live-migration', target, 'queued', 'migrating');
    this.#steps(source, [
      () => this.#world.conductor.setStatus(record, 'preparing'),
      () => this.#world.conductor.setStatus(record, 'running'),
      () => {
        target.domains.set(server.id, true);
        source.domains.delete(server.id);
      },
      () => {
        this.#world.conductor.setStatus(record, 'completed');
        this.#world.allocations.remove(source.name, server.id);
        Object.assign(server, { host: target.name, zone: target.zone, taskState: null });
        this.#world.touch(server);
      },
    ]);
  }

  /** Tasks resize_prep, resize_migrating (the guest is off from then on); then its host is the new one, which finishes it. */
  resize(server: Server, destination: string): void {
    const source = this.#world.host(server.host ?? '');
    const target = this.#world.host(destination);
    const record = this.#begin(server, 'resize', target, 'pre-migrating', 'resize_prep');
    const task = (taskState: string | null) => {
      server.taskState = taskState;
      this.#world.touch(server);
    };
    this.#steps(source, [
      () => {
        this.#world.conductor.setStatus(record, 'migrating');
        task('resize_migrating');
        source.domains.set(server.id, false);
      },
      () => {
        this.#world.conductor.setStatus(record, 'post-migrating');
        Object.assign(server, { host: target.name, zone: target.zone });
        task('resize_migrated');
        this.#steps(target, [
          () => task('resize_finish'),
          () => {
            this.#world.conductor.setStatus(record, 'finished');
            target.domains.set(server.id, true);
            server.vmState = 'resized';
            task(null);
          },
        ]);
      },
    ]);
  }

  #begin(server: Server, type: MoveKind, target: Host, status: string, task: string): Migration {
    this.#world.allocations.add(target, server);
    server.taskState = task;
    this.#world.touch(server);
    return this.#world.addMove(server, { type, destHost: target.name, status });
  }

  /** One after the other, as long as the host's nova-compute lives. */
  #steps(host: Host, [first, ...rest]: readonly (() => void)[]): void {
    if (first === undefined) return;
    this.#world.inLifeOf(host, this.#world.knobs.move, () => {
      first();
      this.#steps(host, rest);
    });
  }
}

/** What a nova-compute that starts makes of a move of its own that was cut short (`_init_instance`): it forgets the task. */
export function isCutShort(server: Server): boolean {
  return ['migrating', 'resize_prep', 'resize_migrating'].includes(server.taskState ?? '');
}
