import { isRecord } from '../../../lib/system/isRecord.ts';

/** What is counted over all passes, and how the last one left things. */
export interface Counters {
  /** Instances by outcome, and `requested`. */
  readonly instances: Record<string, number>;
  /** Hosts by what happened to them. */
  readonly hosts: Record<string, number>;
  readonly hostSeconds: Histogram;
  readonly instanceSeconds: Histogram;
  requests: number;
  /** By the error's code. */
  readonly apiErrors: Record<string, number>;
  alertsDropped: number;
  /** Null until a pass has ended. */
  gauges: Gauges | null;
}

export interface Gauges {
  readonly queued: number;
  readonly deferred: number;
  readonly inFlight: number;
  readonly deferredHosts: number;
  readonly failed: number;
  readonly concurrency: number;
  /** In s since the epoch. */
  readonly lastPass: number;
}

export interface Histogram {
  /** Upper bounds in s, ascending; what is beyond the last is in `count` alone. */
  readonly bounds: readonly number[];
  /** How many fell into each (not cumulated). */
  readonly counts: number[];
  count: number;
  /** In s. */
  sum: number;
}

const hostBounds = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200];
const instanceBounds = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200];

export function emptyCounters(): Counters {
  return {
    instances: {},
    hosts: {},
    hostSeconds: emptyHistogram(hostBounds),
    instanceSeconds: emptyHistogram(instanceBounds),
    requests: 0,
    apiErrors: {},
    alertsDropped: 0,
    gauges: null,
  };
}

function emptyHistogram(bounds: readonly number[]): Histogram {
  return { bounds, counts: bounds.map(() => 0), count: 0, sum: 0 };
}

/** Takes a time in s in; clocks may have been set back, and no time is negative. */
export function observe(histogram: Histogram, seconds: number): void {
  const value = Number.isFinite(seconds) ? Math.max(0, seconds) : 0;
  const at = histogram.bounds.findIndex((bound) => value <= bound);
  if (at >= 0) histogram.counts[at] = (histogram.counts[at] ?? 0) + 1;
  histogram.count += 1;
  histogram.sum += value;
}

export function formatCounters(counters: Counters): string {
  return JSON.stringify(counters);
}

/** Reads the file's text; what is not what {@link formatCounters} wrote begins anew. */
export function parseCounters(text: string): Counters {
  const counters = emptyCounters();
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return counters;
  }
  if (!isRecord(data)) return counters;
  takeNumbers(counters.instances, data['instances']);
  takeNumbers(counters.hosts, data['hosts']);
  takeNumbers(counters.apiErrors, data['apiErrors']);
  takeHistogram(counters.hostSeconds, data['hostSeconds']);
  takeHistogram(counters.instanceSeconds, data['instanceSeconds']);
  counters.requests = numberOr0(data['requests']);
  counters.alertsDropped = numberOr0(data['alertsDropped']);
  counters.gauges = readGauges(data['gauges']);
  return counters;
}

function takeNumbers(into: Record<string, number>, data: unknown): void {
  if (!isRecord(data)) return;
  for (const [key, value] of Object.entries(data)) if (isCount(value)) into[key] = value;
}

/** One with other bounds was written by another version, and cannot be added to. */
function takeHistogram(into: Histogram, data: unknown): void {
  if (!isRecord(data) || !Array.isArray(data['bounds']) || !Array.isArray(data['counts'])) return;
  const { bounds, counts, count, sum } = data;
  const fits =
    Array.isArray(bounds) && Array.isArray(counts) && counts.every(isCount) && isCount(count) && isCount(sum);
  if (!fits || counts.length !== into.bounds.length) return;
  if (bounds.length !== into.bounds.length || into.bounds.some((bound, index) => bound !== bounds[index]))
    return;
  into.counts.splice(0, into.counts.length, ...counts);
  into.count = count;
  into.sum = sum;
}

function readGauges(data: unknown): Gauges | null {
  if (!isRecord(data)) return null;
  const { queued, deferred, inFlight, deferredHosts, failed, concurrency, lastPass } = data;
  return isCount(queued) &&
    isCount(deferred) &&
    isCount(inFlight) &&
    isCount(deferredHosts) &&
    isCount(failed) &&
    isCount(concurrency) &&
    isCount(lastPass)
    ? { queued, deferred, inFlight, deferredHosts, failed, concurrency, lastPass }
    : null;
}

function numberOr0(data: unknown): number {
  return isCount(data) ? data : 0;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
