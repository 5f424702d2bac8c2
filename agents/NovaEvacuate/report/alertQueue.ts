import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { EvacuationEvent } from '../../../lib/evacuation/tell/events.ts';
import { alertFacts } from './alertFacts.ts';
import { type AlertFacts, AlertSpool } from './alertSpool.ts';
import { isAlertWorkerRunning, startAlertWorker } from './alertWorker.ts';
import { reasonOf } from './incident.ts';

/** What may wait at the same time. */
const maxWaiting = 1_000;
/** How long after an event is looked whether somebody works the queue off, in ms: events come in bursts. */
const lookMs = 20;
/** How long a process that was started may take until it shows that it is at work, in ms. */
const startingMs = 3_000;
/** How often a full queue is counted anew, in ms. */
const recountMs = 1_000;

export interface AlertQueueOptions {
  readonly program: string;
  readonly stateDir: string;
  readonly instance: string;
  readonly node: string;
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => number;
  /** See {@link startAlertWorker}. */
  readonly workerArgs?: readonly string[];
  readonly onDropped: () => void;
  readonly onTrouble: (sentence: string) => void;
}

/**
 * The pass's side of the alerts. The pass only puts them down as files, and sees to it that a process of its own works
 * them off ({@link runAlerts}), which a pass that ends, or is killed with its whole process group, does not take with it.
 */
export class AlertQueue {
  readonly #options: AlertQueueOptions;
  readonly #spool: AlertSpool;
  #usable: boolean | null = null;
  #waiting: number | null = null;
  #countedAt = 0;
  #startedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: AlertQueueOptions) {
    this.#options = options;
    this.#spool = new AlertSpool(options.stateDir, options.instance);
    // What a worker that was killed has left.
    if (this.#spool.waiting() > 0) this.#lookSoon(0);
  }

  add(event: EvacuationEvent): void {
    const facts = alertFacts(event, this.#options.node);
    if (facts === null) return;
    if (this.#keep(facts)) this.#lookSoon(lookMs);
    else this.#options.onDropped();
  }

  /** Makes sure that somebody works off what waits. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#looking;
    // One that was just started may as well be one that has just ended: a second one too many ends at once.
    this.#startedAt = Number.NEGATIVE_INFINITY;
    if (this.#spool.waiting() > 0) await this.#look();
  }

  #keep(facts: AlertFacts): boolean {
    const { program, now, onTrouble } = this.#options;
    if (!this.#isUsable()) return false;
    if (this.#isFull()) {
      onTrouble(
        `${maxWaiting} alerts wait for ${program} already; further ones are dropped until it has caught up.`,
      );
      return false;
    }
    try {
      this.#spool.put(facts, now());
      this.#waiting = (this.#waiting ?? 0) + 1;
      return true;
    } catch (error) {
      onTrouble(
        `Alerts cannot be put down in ${this.#spool.directory} (${reasonOf(error)}), so they are dropped; evacuations go on.`,
      );
      return false;
    }
  }

  #lookSoon(ms: number): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#looking = this.#look();
    }, ms);
    this.#timer.unref();
  }

  /** Starts a worker where none is at work. One that is will look into the queue again before it ends. */
  async #look(): Promise<void> {
    const { program, stateDir, instance, env, now, onTrouble } = this.#options;
    if (!this.#isUsable()) return;
    try {
      if (await isAlertWorkerRunning(stateDir, instance)) return;
      if (now() - this.#startedAt < startingMs) return this.#lookSoon(startingMs / 6);
      this.#startedAt = now();
      await startAlertWorker({ program, stateDir, instance, env, args: this.#options.workerArgs ?? [] });
    } catch (error) {
      onTrouble(`Nothing could be started to run the alert program (${reasonOf(error)}); its alerts wait.`);
    }
  }

  #isFull(): boolean {
    const now = this.#options.now();
    if (this.#waiting === null || (this.#waiting >= maxWaiting && now - this.#countedAt >= recountMs)) {
      this.#waiting = this.#spool.waiting();
      this.#countedAt = now;
    }
    return this.#waiting >= maxWaiting;
  }

  #isUsable(): boolean {
    this.#usable ??= this.#check();
    return this.#usable;
  }

  #check(): boolean {
    const { program, onTrouble } = this.#options;
    const refuse = (why: string): boolean => {
      onTrouble(`The alert program ${program} ${why}, so nobody is alerted; evacuations go on.`);
      return false;
    };
    if (!isAbsolute(program)) return refuse('is given without its full path');
    try {
      if (!statSync(program).isFile()) return refuse('is no file');
      accessSync(program, constants.X_OK);
      return true;
    } catch (error) {
      return refuse(`cannot be run (${reasonOf(error)})`);
    }
  }
}
