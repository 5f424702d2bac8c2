import { readFileSync } from 'node:fs';
import type { World } from './world.ts';

/** How often the processes are looked at, ms. */
const interval = 50;

/**
 * Stand-ins of nova-compute that are processes of this machine: the simulated one lives as long as its process, however
 * that ends, and hangs while it is stopped (SIGSTOP).
 */
export class Processes {
  readonly #world: World;
  readonly #watched = new Map<string, { readonly pid: number; stopped: boolean }>();
  #timer: NodeJS.Timeout | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  /** The process says that it has started. One before it, whose end was not noticed yet, has ended. */
  started(host: string, pid: number): void {
    const earlier = this.#watched.get(host);
    if (earlier !== undefined && earlier.pid !== pid) this.#world.killCompute(host, { power: true });
    this.#world.startCompute(host);
    this.#watched.set(host, { pid, stopped: false });
    this.#timer ??= setInterval(() => this.#look(), interval).unref();
  }

  /** Something else has become of the host: its process, if there was one, means nothing any more. */
  forget(host: string): void {
    this.#watched.delete(host);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    for (const [host, process] of this.#watched) {
      const state = stateOf(process.pid);
      if (state === null || state === 'Z' || state === 'X') {
        this.#watched.delete(host);
        this.#world.killCompute(host, { power: true });
      } else if ((state === 'T') !== process.stopped) {
        process.stopped = !process.stopped;
        if (process.stopped) this.#world.freezeCompute(host);
        else this.#world.thawCompute(host);
      }
    }
  }
}

/** The state letter of a process (proc(5)); null when it is gone. */
function stateOf(pid: number): string | null {
  try {
    return /^\d+ \(.*\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? null;
  } catch {
    return null;
  }
}
