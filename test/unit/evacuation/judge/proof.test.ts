import { readFileSync } from 'node:fs';
import { type ComputeService, novaHost } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { markName } from '../../../../lib/attrd/index.ts';
import type { NodesUntold } from '../../../../lib/cluster/index.ts';
import { judgeProof, type Proof } from '../../../../lib/evacuation/judge/proof.ts';

/** One scenario of scenarios/whenNot/proof.yaml: seconds before now, on the clock of whoever tells them. */
interface Scenario {
  readonly title: string;
  /** `offline`, `mayRun`, or the sentence that says why that could not be told. */
  readonly node: string;
  readonly service: {
    readonly state: ComputeService['state'];
    readonly status?: 'disabled';
    readonly forcedDown?: boolean;
    readonly heartbeat: number | null;
  };
  readonly seen: number;
  readonly fenced: number | 'never' | 'unknown';
  readonly fencing?: boolean;
  readonly clockOffset?: number;
  readonly expect: Proof['kind'];
  /** Seconds from now. */
  readonly until?: number;
  readonly says?: string;
}

const now = Date.parse('2026-11-21T10:00:00Z');

const untold = (sentence: string): NodesUntold => ({
  known: false,
  why: sentence.includes('quorum') ? 'noQuorum' : 'noDc',
  sentence,
  remedy: 'crm_mon -1 on this node shows what the cluster tells',
});

function judge(scenario: Scenario): Proof {
  const { service, fenced } = scenario;
  const clockOffsetMs = (scenario.clockOffset ?? 0) * 1000;
  const { heartbeat } = service;
  return judgeProof({
    name: markName('comp0'),
    service: {
      id: '1',
      host: novaHost('comp0.example'),
      state: service.state,
      status: service.status ?? 'enabled',
      zone: 'nova',
      disabledReason: null,
      forcedDown: service.forcedDown ?? false,
      updatedAt: heartbeat === null ? null : now + clockOffsetMs - heartbeat * 1000,
    },
    node: scenario.node === 'offline' || scenario.node === 'mayRun' ? scenario.node : untold(scenario.node),
    fencing: {
      known: fenced !== 'unknown',
      lastSuccess: typeof fenced === 'number' ? now - fenced * 1000 : null,
      pending: scenario.fencing ?? false,
    },
    firstSeen: now - scenario.seen * 1000,
    now,
    clockOffsetMs,
  });
}

const text = readFileSync(new URL('../scenarios/whenNot/proof.yaml', import.meta.url), 'utf8');
const scenarios = parseAllDocuments(text).map((document) => document.toJS() as Scenario);

describe('scenarios: proof', () => {
  test.each(scenarios.map((scenario) => [scenario.title, scenario] as const))('%s', (_, scenario) => {
    const proof = judge(scenario);
    expect(proof.kind).toBe(scenario.expect);
    expect(proof.kind === 'look' ? (proof.until - now) / 1000 : undefined).toBe(scenario.until);
    if (scenario.says !== undefined) {
      expect(proof).toMatchObject({ sentence: expect.stringContaining(scenario.says) });
    }
    if (proof.kind !== 'ok') expect(proof.sentence).toMatch(/^(?!.*\. )[^\n]*[^.\n]$/);
  });
});

describe('as time goes by', () => {
  /** Judges every second, from the mark on, for two minutes; `beats` are the times of heartbeats after it. */
  function follow(beats: (second: number) => number | null, joined: (second: number) => boolean): string[] {
    const kinds: string[] = [];
    for (let second = 0; second <= 120; second += 1) {
      const heartbeat = beats(second);
      const { kind } = judge({
        title: '',
        node: joined(second) ? 'mayRun' : 'offline',
        // Nova calls it down when nothing was heard for a minute.
        service: { state: heartbeat !== null && heartbeat > 60 ? 'down' : 'up', heartbeat },
        seen: second,
        fenced: 'never',
        expect: 'ok',
      });
      if (kinds.at(-1) !== kind) kinds.push(kind);
    }
    return kinds;
  }

  test('a host that runs is spared, and stays spared', () => {
    expect(
      follow(
        (second) => (second + 4) % 10,
        () => true,
      ),
    ).toEqual(['look', 'stale']);
  });

  test('one that died just before is evacuated as soon as it is certain, and is never called stale', () => {
    for (const age of [0, 1, 5, 10, 30]) {
      expect(
        follow(
          (second) => second + age,
          () => true,
        ),
      ).toEqual(['look', 'ok']);
    }
    expect(
      follow(
        (second) => second,
        (second) => second < 15,
      ),
    ).toEqual(['look', 'ok']);
  });

  test('one whose connection an operator stops goes on being spared while it reports', () => {
    expect(
      follow(
        (second) => (second + 4) % 10,
        (second) => second < 10,
      ),
    ).toEqual(['look', 'stale']);
  });

  test('one that is called stale and dies then is evacuated', () => {
    const diesAt = 30;
    const beats = (second: number) => (second < diesAt ? (second + 4) % 10 : second - diesAt);
    expect(follow(beats, () => true)).toEqual(['look', 'stale', 'ok']);
  });
});
