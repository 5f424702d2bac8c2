import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Metrics, retireMetrics } from '../../../../agents/NovaEvacuate/report/metrics.ts';
import type { PassFigures } from '../../../../lib/evacuation/tell/events.ts';
import { fencedAt, hostEvent, instanceEvent } from './events.ts';
import { parseTextFormat } from './textFormat.ts';

let dir = '';
let now = 0;
let troubles: string[] = [];
let file = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'metrics-'));
  mkdirSync(join(dir, 'metrics'));
  file = join(dir, 'metrics', 'nova_evacuate_nova-evacuate.prom');
  now = fencedAt;
  troubles = [];
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const metrics = (instance = 'nova-evacuate', directory = join(dir, 'metrics')) =>
  new Metrics({
    directory,
    stateDir: join(dir, 'state'),
    instance,
    now: () => now,
    onTrouble: (sentence) => troubles.push(sentence),
  });
const figures = (more: Partial<PassFigures> = {}): PassFigures => ({
  at: fencedAt + 60_500,
  inFlight: 3,
  queued: 4,
  deferred: 0,
  deferredHosts: 1,
  failed: 2,
  concurrency: 16,
  requests: 50,
  apiErrors: { timeout: 2 },
  ...more,
});
const read = (path = file) => parseTextFormat(readFileSync(path, 'utf8'));
function value(name: string, labels: Record<string, string> = {}, path = file): number | undefined {
  const family = [...read(path).values()].find((each) => each.samples.some((one) => one.name === name));
  return family?.samples.find(
    (one) => one.name === name && Object.entries(labels).every(([label, text]) => one.labels[label] === text),
  )?.value;
}

describe('the figures', () => {
  it('are counted from events and taken from the end of a pass', () => {
    const all = metrics();
    all.count(hostEvent('marked'));
    for (let index = 0; index < 3; index += 1) all.count(instanceEvent('requested'));
    all.count(instanceEvent('evacuated', { durationMs: 7_500 }));
    all.count(instanceEvent('evacuated', { durationMs: 2_000_000 }));
    all.count(instanceEvent('evacuated', { durationMs: null }));
    all.count(instanceEvent('failed', { durationMs: 1_000 }));
    all.count(instanceEvent('givenUp'));
    all.count(instanceEvent('left'));
    all.count(hostEvent('evacuated', { at: fencedAt + 45_000 }));
    all.setFigures(figures());
    all.write();

    const outcomes = ['done', 'failed', 'given_up', 'left'].map((outcome) =>
      value('nova_evacuate_instances_total', { outcome }),
    );
    expect(outcomes).toEqual([3, 1, 1, 1]);
    expect(value('nova_evacuate_requests_total')).toBe(3);
    expect(value('nova_evacuate_hosts_total', { event: 'marked' })).toBe(1);
    expect(value('nova_evacuate_hosts_total', { event: 'evacuated' })).toBe(1);
    expect(value('nova_evacuate_hosts_total', { event: 'released' })).toBe(0);
    expect(value('nova_evacuate_host_duration_seconds_bucket', { le: '30' })).toBe(0);
    expect(value('nova_evacuate_host_duration_seconds_bucket', { le: '60' })).toBe(1);
    expect(value('nova_evacuate_host_duration_seconds_sum')).toBe(45);
    expect(value('nova_evacuate_instance_duration_seconds_bucket', { le: '5' })).toBe(0);
    expect(value('nova_evacuate_instance_duration_seconds_bucket', { le: '10' })).toBe(1);
    expect(value('nova_evacuate_instance_duration_seconds_bucket', { le: '1200' })).toBe(1);
    expect(value('nova_evacuate_instance_duration_seconds_bucket', { le: '+Inf' })).toBe(2);
    expect(value('nova_evacuate_instance_duration_seconds_sum')).toBe(2007.5);
    expect(value('nova_evacuate_api_requests_total')).toBe(50);
    expect(value('nova_evacuate_api_errors_total', { code: 'timeout' })).toBe(2);
    expect(value('nova_evacuate_queued_instances')).toBe(4);
    expect(value('nova_evacuate_in_flight_instances')).toBe(3);
    expect(value('nova_evacuate_failed_instances')).toBe(2);
    expect(value('nova_evacuate_deferred_hosts')).toBe(1);
    expect(value('nova_evacuate_concurrency')).toBe(16);
    expect(value('nova_evacuate_last_pass_timestamp_seconds')).toBe((fencedAt + 60_500) / 1000);
    expect(troubles).toEqual([]);
  });

  it('go on across passes, gauges are of the last one', () => {
    for (const inFlight of [3, 0]) {
      const pass = metrics();
      pass.count(instanceEvent('evacuated'));
      pass.count(hostEvent('evacuated'));
      pass.alertDropped();
      pass.setFigures(figures({ inFlight }));
      pass.write();
    }
    expect(value('nova_evacuate_instances_total', { outcome: 'done' })).toBe(2);
    expect(value('nova_evacuate_instance_duration_seconds_count')).toBe(2);
    expect(value('nova_evacuate_host_duration_seconds_bucket', { le: '60' })).toBe(2);
    expect(value('nova_evacuate_api_requests_total')).toBe(100);
    expect(value('nova_evacuate_api_errors_total', { code: 'timeout' })).toBe(4);
    expect(value('nova_evacuate_alerts_dropped_total')).toBe(2);
    expect(value('nova_evacuate_in_flight_instances')).toBe(0);
  });

  it('are there while a pass works, and outlive its being killed', () => {
    const killed = metrics();
    killed.count(instanceEvent('evacuated'));
    now += 300;
    killed.count(instanceEvent('evacuated'));
    expect(value('nova_evacuate_instances_total', { outcome: 'done' })).toBe(1);
    now += 1_000;
    killed.count(instanceEvent('evacuated'));
    expect(value('nova_evacuate_instances_total', { outcome: 'done' })).toBe(3);
    metrics().write();
    expect(value('nova_evacuate_instances_total', { outcome: 'done' })).toBe(3);
  });

  it('begin anew where what was kept is not ours', () => {
    mkdirSync(join(dir, 'state'));
    const wrong = [
      '',
      'null',
      '[]',
      '{"instances": {"done": "7"}, "requests": -1, "gauges": {"queued": 1}}',
      '{"hostSeconds": {"bounds": [1], "counts": [1], "count": 1, "sum": 1}}',
      '{"hostSeconds": {"bounds": [10,30,60,120,300,600,1200,1800,3600,7200], "counts": [null], "count": 1, "sum": 1}}',
      '{"instances": {"done": 1e999}}',
    ];
    for (const text of wrong) {
      writeFileSync(join(dir, 'state', 'nova-evacuate.metrics'), text);
      metrics().write();
      expect(value('nova_evacuate_instances_total', { outcome: 'done' })).toBe(0);
      expect(value('nova_evacuate_host_duration_seconds_count')).toBe(0);
      expect(value('nova_evacuate_queued_instances')).toBeUndefined();
    }
    expect(troubles).toEqual([]);
  });

  it('take clocks that were set back, and codes without end, as what they are', () => {
    const all = metrics();
    all.count(hostEvent('evacuated', { at: fencedAt - 1 }));
    all.count(instanceEvent('evacuated', { durationMs: Number.NaN }));
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`code${index}`, 1]));
    all.setFigures(figures({ apiErrors: many }));
    all.write();
    expect(value('nova_evacuate_host_duration_seconds_sum')).toBe(0);
    expect(read().get('nova_evacuate_api_errors_total')?.samples.length).toBeLessThanOrEqual(41);
    expect(value('nova_evacuate_api_errors_total', { code: 'other' })).toBe(160);
  });

  it('tell resources apart: no two files hold one series, whatever a name has in it', () => {
    const odd = 'evac "one"\\two';
    for (const instance of [odd, 'nova-evacuate']) {
      const all = metrics(instance);
      all.setFigures(figures());
      all.write();
    }
    const other = join(dir, 'metrics', `nova_evacuate_${odd}.prom`);
    expect(value('nova_evacuate_queued_instances', { resource: odd }, other)).toBe(4);
    expect(value('nova_evacuate_queued_instances', { resource: 'nova-evacuate' })).toBe(4);
  });
});

describe('the file', () => {
  it('is 0644 under any umask and replaced whole, with nothing left beside it', () => {
    writeFileSync(`${file}.new`, 'half of the o');
    const before = process.umask(0o077);
    try {
      metrics().write();
    } finally {
      process.umask(before);
    }
    expect((statSync(file).mode & 0o777).toString(8)).toBe('644');
    expect(readdirSync(join(dir, 'metrics'))).toEqual(['nova_evacuate_nova-evacuate.prom']);
    read();
  });

  it('is not written through links that somebody put there', () => {
    writeFileSync(join(dir, 'shadow'), 'secret');
    symlinkSync(join(dir, 'shadow'), `${file}.new`);
    symlinkSync(join(dir, 'shadow'), file);
    metrics().write();
    expect(readFileSync(join(dir, 'shadow'), 'utf8')).toBe('secret');
    read();
  });

  it('that cannot be written is a trouble, and counting goes on', () => {
    metrics('nova-evacuate', join(dir, 'nowhere')).count(instanceEvent('evacuated'));
    expect(troubles).toEqual([
      expect.stringMatching(/^The metrics .*\.prom cannot be written \(ENOENT: [^,]*\); /),
    ]);
    metrics('nova-evacuate', 'relative').write();
    expect(troubles[1]).toBe(
      'metrics_dir is "relative", which is no absolute path, so no metrics are written.',
    );
    mkdirSync(join(file, 'in the way'), { recursive: true });
    metrics().write();
    expect(troubles).toHaveLength(3);
    expect(readdirSync(join(dir, 'metrics'))).toHaveLength(1);
    rmSync(file, { recursive: true });
    metrics().write();
    expect(value('nova_evacuate_instances_total', { outcome: 'done' })).toBe(1);
  });

  it('is written where the counters cannot be kept, too', () => {
    writeFileSync(join(dir, 'state'), 'no directory');
    metrics().write();
    expect(troubles).toEqual([
      expect.stringMatching(/^The counters of the metrics cannot be kept in .*anew with each pass/),
    ]);
    expect(existsSync(file)).toBe(true);
  });

  it('is taken away where the resource stops, and what was counted is kept', () => {
    const before = metrics();
    before.count(instanceEvent('evacuated'));
    retireMetrics(join(dir, 'metrics'), 'nova-evacuate');
    expect(existsSync(file)).toBe(false);
    retireMetrics(join(dir, 'metrics'), 'nova-evacuate');
    retireMetrics('', 'nova-evacuate');
    metrics().write();
    expect(value('nova_evacuate_instances_total', { outcome: 'done' })).toBe(1);
  });
});

describe('the parser of these tests', () => {
  const good = '# HELP a_total All.\n# TYPE a_total counter\na_total{x="1"} 1\n';
  it.each([
    ['a_total{x="1"} 1\n', 'outside its family'],
    ['# TYPE a_total counter\na_total{x="1"} 1\n', 'no help'],
    [good.trimEnd(), 'no end'],
    [good + good, 'told twice'],
    [`${good}a_total{x="1"} 2\n`, 'told twice'],
    [`${good}a_total{x="1\\d"} 2\n`, 'no label'],
    [`${good}a_total{x="2"} NaNa\n`, 'no number'],
    [`${good}b_total{x="2"} 1\n`, 'outside its family'],
    ['# HELP a All.\n# TYPE a counter\na{x="1"} 1\n', 'misnamed'],
    ['# HELP a All.\n# TYPE a gauge\n', 'no samples'],
    [
      '# HELP a All.\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum{} 1\na_count{} 1\n',
      'cumulated',
    ],
    ['# HELP a All.\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum{} 1\na_count{} 1\n', 'bounds'],
    ['# HELP a All.\n# TYPE a histogram\na_bucket{le="+Inf"} 1\na_sum{} 1\na_count{} 2\n', 'count or sum'],
  ])('refuses %j', (text, why) => {
    expect(parseTextFormat(good).size).toBe(1);
    expect(() => parseTextFormat(text)).toThrow(why);
  });
});
