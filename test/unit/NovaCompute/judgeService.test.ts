import { type ComputeService, novaHost } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { judgeService, type ServiceFacts } from '../../../agents/NovaCompute/judgeService.ts';
import { disabledReason } from '../../../lib/evacuation/index.ts';

const at = Date.UTC(2026, 10, 21, 3, 0, 0);

function service(host: string, more: Partial<ComputeService> = {}): ComputeService {
  return {
    id: host,
    host: novaHost(host),
    state: 'up',
    status: 'enabled',
    zone: 'nova',
    disabledReason: null,
    forcedDown: false,
    updatedAt: at,
    ...more,
  };
}

const up = ['comp1', 'comp2', 'comp3'].map((host) => service(host));
const down = up.map((each) => ({ ...each, state: 'down' }) as const);
const ours = { status: 'disabled', disabledReason: disabledReason(new Date(at)) } as const;

function facts(own: Partial<ComputeService> | null, more: Partial<ServiceFacts> = {}): ServiceFacts {
  return {
    host: novaHost('comp0'),
    service: own === null ? null : service('comp0', own),
    others: up,
    inServiceMs: 600_000,
    heartbeatAgeMs: 120_000,
    mark: 'none',
    ...more,
  };
}

const silent = { state: 'down' } as const;

describe('a nova-compute that runs, as Nova sees it', () => {
  test.each<[string, ServiceFacts, string, RegExp]>([
    ['up and enabled', facts({}, { heartbeatAgeMs: 4_000 }), 'fine', /heard from comp0 4 s ago/],
    [
      'silent, the others up',
      facts(silent),
      'hung',
      /comp0 hangs: .* 120 s ago, and hears from 3 of 3 others/,
    ],
    [
      'silent, half of the others up',
      facts(silent, { others: [...up.slice(0, 1), ...down.slice(0, 1)] }),
      'hung',
      /1 of 2/,
    ],
    [
      'silent, most others too',
      facts(silent, { others: [...up.slice(0, 1), ...down.slice(0, 2)] }),
      'odd',
      /message bus/,
    ],
    ['silent, all others too', facts(silent, { others: down }), 'odd', /nor from 3 of 3 others/],
    ['silent and alone', facts(silent, { others: [] }), 'odd', /no other host to tell/],
    [
      'silent, the only other one forced down: nobody to compare with',
      facts(silent, { others: [service('comp1', { state: 'down', forcedDown: true })] }),
      'odd',
      /no other host/,
    ],
    [
      'silent, a forced down host among healthy ones counts for nothing',
      facts(silent, { others: [...up.slice(0, 1), service('comp9', { state: 'down', forcedDown: true })] }),
      'hung',
      /1 of 1/,
    ],
    ['silent, running for less than 90 s', facts(silent, { inServiceMs: 89_000 }), 'fine', /yet/],
    ['silent, written a moment ago: just forced up', facts(silent, { heartbeatAgeMs: 5_000 }), 'fine', /yet/],
    [
      'silent, Nova does not tell since when',
      facts(silent, { heartbeatAgeMs: null }),
      'hung',
      /at a time it does not tell/,
    ],
    [
      'silent and disabled by an operator: hangs all the same',
      facts({ ...silent, status: 'disabled', disabledReason: 'x' }),
      'hung',
      /hangs/,
    ],
    ['forced down by us', facts({ ...silent, forcedDown: true, ...ours }), 'owed', /held down/],
    ['disabled by us alone', facts({ ...ours }), 'owed', /held down/],
    [
      'forced down, no reason, mark at no: an original agent fenced it',
      facts({ ...silent, forcedDown: true }, { mark: 'no' }),
      'owed',
      /held down/,
    ],
    [
      'marked: not ours to decide',
      facts({ ...silent, forcedDown: true, ...ours }, { mark: 'pending' }),
      'owed',
      /marked for evacuation/,
    ],
    [
      'forced down by somebody else',
      facts({ ...silent, forcedDown: true }),
      'odd',
      /forced down in Nova by somebody else/,
    ],
    [
      'disabled by an operator',
      facts({ status: 'disabled', disabledReason: 'new memory' }),
      'odd',
      /disabled in Nova by somebody else \("new memory"\)/,
    ],
    ['disabled without a reason', facts({ status: 'disabled' }), 'odd', /\(without a reason\)/],
    ['its cell is away', facts({ state: 'unknown', status: 'unknown' }), 'odd', /its cell/],
    ['not registered yet', facts(null, { inServiceMs: 20_000 }), 'fine', /yet/],
    ['never registered', facts(null), 'odd', /no compute service comp0 .* 600 s/],
  ])('%s', (_, given, kind, sentence) => {
    const verdict = judgeService(given);
    expect(verdict.kind).toBe(kind);
    expect(verdict.sentence).toMatch(sentence);
    expect(verdict.sentence).not.toMatch(/\.$/);
  });

  test('only a host that Nova never heard of needs somebody to look', () => {
    expect(judgeService(facts(null))).toMatchObject({ attention: true });
    expect(judgeService(facts({ status: 'disabled' }))).toMatchObject({ attention: false });
    expect(judgeService(facts(silent, { others: down }))).toMatchObject({ attention: false });
  });
});
