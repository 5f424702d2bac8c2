import type { Hints } from '../../lib/evacuation/run/hints.ts';
import type { Reporter } from '../../lib/evacuation/tell/events.ts';
import type { OcfContext } from '../../lib/ocf/index.ts';
import { systemClock } from '../shared/systemClock.ts';
import { alertFacts } from './report/alertFacts.ts';
import { createReporter, type ReportSubject } from './report/index.ts';

/**
 * Reports of a pass, to what the parameters configure. A sink's trouble is a warning once and not at every pass: what was
 * said is among the hints until a pass in which the sink had something to do and did it. The hints are the caller's to keep,
 * after `close`.
 */
export function openReporter(ctx: OcfContext, hints: Hints): Reporter & { close(): Promise<void> } {
  const { parameters } = ctx;
  const troubled = new Set<ReportSubject>();
  // Metrics are written whenever a reporter is closed.
  const tried = new Set<ReportSubject>(['metrics_dir']);
  const reporter = createReporter({
    eventLog: parameters.string('event_log'),
    metricsDir: parameters.string('metrics_dir'),
    alert: parameters.string('alert'),
    stateDir: ctx.stateDir,
    instance: ctx.instance,
    env: ctx.env,
    now: () => systemClock.now(),
    log: ctx.log,
    onTrouble: (subject, sentence) => {
      troubled.add(subject);
      if (hints.said[subject] === sentence) return;
      hints.said[subject] = sentence;
      ctx.log.warn(sentence);
    },
  });
  return {
    event(event) {
      tried.add('event_log');
      if (!tried.has('alert') && alertFacts(event, '') !== null) tried.add('alert');
      reporter.event(event);
    },
    figures: (figures) => reporter.figures(figures),
    async close() {
      await reporter.close();
      for (const subject of tried) if (!troubled.has(subject)) delete hints.said[subject];
    },
  };
}
