import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReporter, type ReportOptions } from '../../../../agents/NovaEvacuate/report/index.ts';
import { fencedAt, hostEvent, instanceEvent } from './events.ts';
import { parseTextFormat } from './textFormat.ts';

let dir = '';
let troubles: string[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'reporter-'));
  mkdirSync(join(dir, 'metrics'));
  troubles = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

const reporter = (more: Partial<ReportOptions> = {}) =>
  createReporter({
    eventLog: join(dir, 'events'),
    metricsDir: join(dir, 'metrics'),
    alert: '',
    stateDir: join(dir, 'state'),
    instance: 'evac',
    env: { OCF_RESKEY_CRM_meta_on_node: 'ctl7' },
    now: () => fencedAt,
    log: { debug: () => undefined },
    onTrouble: (subject, sentence) => troubles.push(`${subject}: ${sentence}`),
    ...more,
  });
const figures = {
  at: fencedAt,
  inFlight: 1,
  queued: 0,
  deferred: 0,
  deferredHosts: 0,
  failed: 0,
  concurrency: 16,
  requests: 7,
  apiErrors: {},
};
const record = () => readFileSync(join(dir, 'events'), 'utf8');

describe('the reporter', () => {
  it('serves the record and the metrics from the same events', async () => {
    const all = reporter();
    all.event(hostEvent('marked'));
    all.event(instanceEvent('evacuated'));
    all.figures(figures);
    await all.close();
    expect(
      record()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { what: 'marked', node: 'ctl7' },
      { what: 'evacuated', node: 'ctl7' },
    ]);
    const metrics = parseTextFormat(readFileSync(join(dir, 'metrics', 'nova_evacuate_evac.prom'), 'utf8'));
    expect(metrics.get('nova_evacuate_api_requests_total')?.samples[0]?.value).toBe(7);
    expect(troubles).toEqual([]);
  });

  it('names the machine where no cluster names the node', async () => {
    const all = reporter({ env: {} });
    all.event(hostEvent('marked'));
    await all.close();
    expect(JSON.parse(record())).toMatchObject({ node: hostname() });
  });

  it.each(['', 'none'])('leaves nothing where nothing is configured (event_log=%j)', async (eventLog) => {
    const all = reporter({ eventLog, metricsDir: '' });
    all.event(hostEvent('marked'));
    all.figures(figures);
    await all.close();
    expect(readdirSync(dir)).toEqual(['metrics']);
    expect(readdirSync(join(dir, 'metrics'))).toEqual([]);
    expect(troubles).toEqual([]);
  });

  it('tells the troubles of each sink once, and goes on with the others', async () => {
    const all = reporter({
      eventLog: join(dir, 'no', 'file'),
      metricsDir: join(dir, 'no'),
      alert: '/no/such/alert',
    });
    for (let round = 0; round < 3; round += 1) {
      all.event(hostEvent('marked'));
      all.event(instanceEvent('evacuated'));
      all.figures(figures);
    }
    await all.close();
    expect(troubles.map((text) => text.split(':')[0])).toEqual(['event_log', 'metrics_dir', 'alert']);
  });

  it('counts the alerts that could not be put down', async () => {
    const all = reporter({ alert: '/no/such/alert' });
    all.event(hostEvent('marked'));
    await all.close();
    const metrics = parseTextFormat(readFileSync(join(dir, 'metrics', 'nova_evacuate_evac.prom'), 'utf8'));
    expect(metrics.get('nova_evacuate_alerts_dropped_total')?.samples[0]?.value).toBe(1);
    expect(existsSync(join(dir, 'state', 'evac.alerts'))).toBe(false);
  });
});
