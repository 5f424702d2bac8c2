import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { EvacuationEvent, PassFigures } from '../../../lib/evacuation/tell/events.ts';
import { replaceFile } from '../../../lib/system/files.ts';
import { outcome, reasonOf } from './incident.ts';
import { type Counters, emptyCounters, formatCounters, observe, parseCounters } from './metricsState.ts';
import { renderMetrics } from './metricsText.ts';

/** How often, in ms, a pass at work renews what it has counted: so much is lost when it is killed. */
const renewMs = 1_000;
/** Distinct codes of API errors that are told apart. */
const maxErrorCodes = 40;

export interface MetricsOptions {
  readonly directory: string;
  readonly stateDir: string;
  readonly instance: string;
  readonly now: () => number;
  readonly onTrouble: (sentence: string) => void;
}

/**
 * Figures for the textfile collector of Prometheus' node exporter. What is counted is kept across passes in
 * `INSTANCE.metrics` of the state directory and begins anew when the machine boots, as counters may.
 */
export class Metrics {
  readonly #options: MetricsOptions;
  readonly #counters: Counters;
  #renewedAt = Number.NEGATIVE_INFINITY;

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.#counters = readCounters(stateFile(options));
  }

  count(event: EvacuationEvent): void {
    const counters = this.#counters;
    if (event.about === 'host') {
      add(counters.hosts, event.what);
      if (event.what === 'evacuated') observe(counters.hostSeconds, (event.at - event.fencedAt) / 1000);
    } else {
      const how = outcome(event);
      if (how !== null) add(counters.instances, how);
      else if (event.what === 'requested') add(counters.instances, 'requested');
      if (how === 'done' && event.durationMs !== null) {
        observe(counters.instanceSeconds, event.durationMs / 1000);
      }
    }
    if (this.#options.now() - this.#renewedAt >= renewMs) this.write();
  }

  alertDropped(): void {
    this.#counters.alertsDropped += 1;
  }

  setFigures(figures: PassFigures): void {
    const counters = this.#counters;
    counters.gauges = {
      queued: figures.queued,
      deferred: figures.deferred,
      inFlight: figures.inFlight,
      deferredHosts: figures.deferredHosts,
      failed: figures.failed,
      concurrency: figures.concurrency,
      lastPass: figures.at / 1000,
    };
    counters.requests += figures.requests;
    for (const [code, number] of Object.entries(figures.apiErrors)) {
      const known = code in counters.apiErrors || Object.keys(counters.apiErrors).length < maxErrorCodes;
      add(counters.apiErrors, known ? code : 'other', number);
    }
  }

  /** Leaves both files as things stand. */
  write(): void {
    const { stateDir, now, onTrouble } = this.#options;
    this.#renewedAt = now();
    const kept = stateFile(this.#options);
    try {
      mkdirSync(stateDir, { recursive: true });
      replaceFile(kept, formatCounters(this.#counters), 0o600);
    } catch (error) {
      onTrouble(
        `The counters of the metrics cannot be kept in ${kept} (${reasonOf(error)}), so they begin anew with each pass.`,
      );
    }
    this.#writeTextfile();
  }

  #writeTextfile(): void {
    const { directory, instance, onTrouble } = this.#options;
    if (!isAbsolute(directory)) {
      onTrouble(`metrics_dir is "${directory}", which is no absolute path, so no metrics are written.`);
      return;
    }
    const file = textfile(directory, instance);
    try {
      replaceFile(file, renderMetrics(this.#counters, instance), 0o644);
    } catch (error) {
      onTrouble(
        `The metrics ${file} cannot be written (${reasonOf(error)}); evacuations go on without them.`,
      );
    }
  }
}

/**
 * Takes the metrics of a resource away from a node that it has left: what its last pass left there is no longer true.
 * What was counted is kept for the day it comes back. Never throws.
 */
export function retireMetrics(metricsDir: string, instance: string): void {
  if (!isAbsolute(metricsDir)) return;
  try {
    rmSync(textfile(metricsDir, instance), { force: true });
  } catch {
    // The collector shows how old the file is.
  }
}

function textfile(directory: string, instance: string): string {
  return join(directory, `nova_evacuate_${instance}.prom`);
}

function stateFile(options: Pick<MetricsOptions, 'stateDir' | 'instance'>): string {
  return join(options.stateDir, `${options.instance}.metrics`);
}

function readCounters(file: string): Counters {
  try {
    return parseCounters(readFileSync(file, 'utf8'));
  } catch {
    return emptyCounters();
  }
}

function add(counts: Record<string, number>, key: string, number = 1): void {
  counts[key] = (counts[key] ?? 0) + number;
}
