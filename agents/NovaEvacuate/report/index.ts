import { hostname } from 'node:os';
import type { Reporter } from '../../../lib/evacuation/tell/events.ts';
import { AlertQueue } from './alertQueue.ts';
import { EventLog } from './eventLog.ts';
import { Metrics } from './metrics.ts';

/** The parameter that a sink belongs to, and that its troubles are told under. */
export type ReportSubject = 'event_log' | 'metrics_dir' | 'alert';

export interface ReportOptions {
  /** Path of the event record; `''` or `none`: no record. */
  readonly eventLog: string;
  /** Directory of the textfile collector; `''`: no metrics. */
  readonly metricsDir: string;
  /** Path of the program to run; `''`: no alerts. */
  readonly alert: string;
  /** `HA_RSCTMP`, where counters and waiting alerts are kept between passes. */
  readonly stateDir: string;
  /** Name of the resource, safe as part of a file name. */
  readonly instance: string;
  /** The agent's environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => number;
  /** See `startAlertWorker`; for tests, which are no binary. */
  readonly alertWorkerArgs?: readonly string[];
  readonly log: { debug(sentence: string): void };
  /**
   * A sink does not work, and what is done about it. At most once per subject in the life of a reporter; a caller that
   * remembers what it said last need not say it at every pass.
   */
  readonly onTrouble: (subject: ReportSubject, sentence: string) => void;
}

/**
 * Takes what a pass reports to the sinks that are configured: the record of events, the metrics, the alerts. Nothing is
 * ever decided from them, so none of them throws or waits: what cannot be written is told once and left out.
 * {@link close} is called when the pass ends; it waits for nothing but local files.
 */
export function createReporter(options: ReportOptions): Reporter & { close(): Promise<void> } {
  const told = new Set<ReportSubject>();
  const trouble = (subject: ReportSubject) => (sentence: string) => {
    if (told.has(subject)) return;
    told.add(subject);
    options.onTrouble(subject, sentence);
  };
  const node = options.env['OCF_RESKEY_CRM_meta_on_node'] || hostname();
  const eventLog =
    options.eventLog === '' || options.eventLog === 'none'
      ? null
      : new EventLog({ path: options.eventLog, node, log: options.log, onTrouble: trouble('event_log') });
  const metrics =
    options.metricsDir === ''
      ? null
      : new Metrics({
          directory: options.metricsDir,
          stateDir: options.stateDir,
          instance: options.instance,
          now: options.now,
          onTrouble: trouble('metrics_dir'),
        });
  const alerts =
    options.alert === ''
      ? null
      : new AlertQueue({
          program: options.alert,
          stateDir: options.stateDir,
          instance: options.instance,
          node,
          env: options.env,
          now: options.now,
          workerArgs: options.alertWorkerArgs ?? [],
          onDropped: () => metrics?.alertDropped(),
          onTrouble: trouble('alert'),
        });
  return {
    event(event) {
      eventLog?.write(event);
      metrics?.count(event);
      alerts?.add(event);
    },
    figures(figures) {
      metrics?.setFigures(figures);
    },
    async close() {
      metrics?.write();
      await alerts?.close();
    },
  };
}
