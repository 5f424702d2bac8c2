import type { Counters, Histogram } from './metricsState.ts';

type Labels = Readonly<Record<string, string>>;

/**
 * The figures in Prometheus' text format 0.0.4. Every sample bears the resource's name: the collector refuses all of its
 * files when two of them hold the same series.
 */
export function renderMetrics(counters: Counters, resource: string): string {
  const { gauges } = counters;
  const out: string[] = [];
  const label = (more: Labels = {}): Labels => ({ resource, ...more });
  const family = (name: string, type: string, help: string, samples: readonly string[]) => {
    if (samples.length === 0) return;
    out.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples);
  };
  const one = (name: string, type: 'counter' | 'gauge', help: string, value: number) =>
    family(name, type, help, [sample(name, label(), value)]);
  const by = (name: string, key: string, counts: Readonly<Record<string, number>>, help: string) =>
    family(
      name,
      'counter',
      help,
      Object.entries(counts).map(([value, count]) => sample(name, label({ [key]: value }), count)),
    );
  const { requested = 0, ...outcomes } = counters.instances;

  by(
    'nova_evacuate_instances_total',
    'outcome',
    { done: 0, failed: 0, given_up: 0, left: 0, ...outcomes },
    'Instances of failed hosts by outcome: done, failed (an attempt), given_up, left.',
  );
  one(
    'nova_evacuate_requests_total',
    'counter',
    'Evacuations that were asked of Nova and accepted.',
    requested,
  );
  by(
    'nova_evacuate_hosts_total',
    'event',
    { marked: 0, claimed: 0, deferred: 0, resumed: 0, evacuated: 0, released: 0, ...counters.hosts },
    'Failed hosts by what happened to them.',
  );
  family(
    'nova_evacuate_host_duration_seconds',
    'histogram',
    'Time from the mark of a host to its last instance being dealt with.',
    histogram('nova_evacuate_host_duration_seconds', counters.hostSeconds, label()),
  );
  family(
    'nova_evacuate_instance_duration_seconds',
    'histogram',
    "Time from Nova's acceptance to the instance being evacuated.",
    histogram('nova_evacuate_instance_duration_seconds', counters.instanceSeconds, label()),
  );
  one('nova_evacuate_api_requests_total', 'counter', 'Requests to the APIs of the cloud.', counters.requests);
  by(
    'nova_evacuate_api_errors_total',
    'code',
    counters.apiErrors,
    'Requests to the APIs of the cloud that failed, by code.',
  );
  one(
    'nova_evacuate_alerts_dropped_total',
    'counter',
    'Alerts that were dropped because too many waited, or could not be kept.',
    counters.alertsDropped,
  );
  if (gauges !== null) {
    one('nova_evacuate_queued_instances', 'gauge', 'Instances due and not asked for yet.', gauges.queued);
    one(
      'nova_evacuate_deferred_instances',
      'gauge',
      'Instances that wait for room, a limit or an operator.',
      gauges.deferred,
    );
    one(
      'nova_evacuate_in_flight_instances',
      'gauge',
      'Instances whose evacuation Nova has accepted and not finished.',
      gauges.inFlight,
    );
    one('nova_evacuate_failed_instances', 'gauge', 'Instances whose last attempt has failed.', gauges.failed);
    one(
      'nova_evacuate_deferred_hosts',
      'gauge',
      'Failed hosts that wait for a limit or an operator.',
      gauges.deferredHosts,
    );
    one('nova_evacuate_concurrency', 'gauge', 'Bound of evacuations at the same time.', gauges.concurrency);
    one(
      'nova_evacuate_last_pass_timestamp_seconds',
      'gauge',
      'When the last pass with something to do ended.',
      gauges.lastPass,
    );
  }
  return `${out.join('\n')}\n`;
}

/** Buckets are cumulated, as the format has them. */
function histogram(name: string, { bounds, counts, count, sum }: Histogram, labels: Labels): string[] {
  let total = 0;
  const buckets = bounds.map((bound, index) => {
    total += counts[index] ?? 0;
    return sample(`${name}_bucket`, { ...labels, le: String(bound) }, total);
  });
  return [
    ...buckets,
    sample(`${name}_bucket`, { ...labels, le: '+Inf' }, count),
    sample(`${name}_sum`, labels, sum),
    sample(`${name}_count`, labels, count),
  ];
}

function sample(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
  return `${name}{${pairs.join(',')}} ${value}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
