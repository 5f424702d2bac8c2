import { type ComputeService, novaHost } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { isDisabledByUs } from '../../../../lib/evacuation/incident/disabledReason.ts';
import { disabledReason } from '../../../../lib/evacuation/index.ts';
import { shortList } from '../../../../lib/evacuation/look/titles.ts';
import { nextStep, type ReleaseFacts } from '../../../../lib/evacuation/return/release.ts';

const ours = disabledReason(new Date('2026-11-21T03:00:00Z'));
const held: ComputeService = {
  id: 'x',
  host: novaHost('comp0'),
  state: 'down',
  status: 'disabled',
  zone: 'nova',
  disabledReason: ours,
  forcedDown: true,
  updatedAt: 0,
};
const up: ComputeService = { ...held, state: 'up', forcedDown: false };
const enabled: ComputeService = { ...up, status: 'enabled', disabledReason: null };
const foreign: ComputeService = { ...up, disabledReason: 'broken fan' };

/** Everything evacuated, nova-compute not started yet; what a row gives is different. */
const facts = (more: Partial<ReleaseFacts>): ReleaseFacts => ({
  host: novaHost('comp0'),
  service: held,
  doubt: null,
  inFlight: [],
  unsettled: 0,
  compute: 'running',
  guests: null,
  mark: 'no',
  ...more,
});

const table: readonly (readonly [what: string, Partial<ReleaseFacts>, is: string, says?: string])[] = [
  [
    'to be evacuated: NovaEvacuate alone decides, whatever else is known',
    { mark: 'pending', compute: 'held' },
    'wait mark',
    'comp0 waits for NovaEvacuate to evacuate it',
  ],
  ['to be evacuated, nova-compute runs already', { mark: 'pending', service: up }, 'wait mark'],
  [
    'I3: in flight, nova-compute not started',
    { inFlight: ['a (1)'], compute: 'held' },
    'wait evacuations',
    'comp0 waits for its evacuations in flight: a (1)',
  ],
  [
    'I3: in flight, nova-compute runs: not forced up',
    { inFlight: ['a (1)', 'b (2)', 'c (3)', 'd (4)'] },
    'wait evacuations',
    'comp0 waits for its evacuations in flight: a (1); b (2); c (3); and 1 more',
  ],
  ['I3: in flight, up: not enabled', { inFlight: ['a (1)'], service: up }, 'wait evacuations'],
  ['I3: in flight, never marked', { inFlight: ['a (1)'], mark: 'none', compute: 'held' }, 'wait evacuations'],
  ['nothing in flight: started while forced down', { compute: 'held', unsettled: 3 }, 'start'],
  ['started whatever Nova holds of it', { compute: 'held', service: enabled }, 'start'],
  ['a host that Nova does not know is started', { compute: 'held', service: null }, 'start'],
  ['first boot, never marked, running', { service: null, mark: 'none' }, 'released'],
  [
    'marked, and Nova does not know it',
    { service: null },
    'wait service',
    'comp0 waits for Nova to know a nova-compute of that name',
  ],
  [
    'its cell is away',
    { service: { ...held, state: 'unknown', status: 'unknown' } },
    'wait cell',
    'comp0 waits for Nova to tell its state (the database of its cell does not answer Nova)',
  ],
  ['records read done', { unsettled: 2 }, 'wait records'],
  ['one record reads done', { unsettled: 1 }, 'wait records'],
  [
    'silent, and nothing was evacuated',
    { compute: 'silent' },
    'wait nova-compute',
    'comp0 waits for its nova-compute to start',
  ],
  [
    'silent, and something was',
    { compute: 'silent', unsettled: 1 },
    'wait nova-compute',
    'comp0 waits for its nova-compute to start and clean up 1 evacuated instance',
  ],
  ['running and settled', {}, 'forceUp'],
  [
    'running and settled, disabled by somebody else',
    { service: { ...foreign, forcedDown: true } },
    'forceUp',
  ],
  [
    'no longer forced down, not heard of yet',
    { service: { ...up, state: 'down' } },
    'wait heartbeat',
    'comp0 waits for Nova to hear from its nova-compute',
  ],
  ['up, instances are off', { service: up, guests: { due: 2, starting: 1 } }, 'startGuests'],
  [
    'up, instances are on their way: enabled meanwhile',
    { service: up, guests: { due: 0, starting: 1 } },
    'enable',
  ],
  ['up', { service: up }, 'enable'],
  ['I7: up, disabled by somebody else', { service: foreign }, 'clear'],
  ['I7: up, disabled without a reason', { service: { ...up, disabledReason: null } }, 'clear'],
  [
    'enabled, instances are on their way',
    { service: enabled, guests: { due: 0, starting: 3 } },
    'wait instances',
    'comp0 waits for 3 of its instances to start',
  ],
  ['enabled, and all is done', { service: enabled, guests: { due: 0, starting: 0 } }, 'clear'],
  ['enabled, and the mark is gone', { service: enabled, mark: 'none' }, 'released'],
  ['never fenced', { service: enabled, mark: 'none', guests: null }, 'released'],
];

describe('the next step of a release', () => {
  test.each(table.map((row) => [row[0], row] as const))('%s', (_what, [, more, is, says]) => {
    const step = nextStep(facts(more));
    expect(step.kind === 'wait' ? `wait ${step.for}` : step.kind).toBe(is);
    if (says !== undefined) expect(step).toMatchObject({ sentence: says });
  });

  test('whatever else is known: nothing is started, forced up, enabled or cleared while one is in flight (I3)', () => {
    let seen = 0;
    for (const service of [null, held, up, enabled, foreign]) {
      for (const compute of ['held', 'running', 'silent'] as const) {
        for (const mark of ['none', 'no', 'pending'] as const) {
          for (const guests of [null, { due: 1, starting: 1 }]) {
            for (const unsettled of [0, 1]) {
              const step = nextStep(
                facts({ service, compute, mark, guests, unsettled, inFlight: ['a (1)'] }),
              );
              expect(step.kind).toBe('wait');
              seen += 1;
            }
          }
        }
      }
    }
    expect(seen).toBe(180);
  });

  test('whatever else is known: only what we disabled is enabled (I7)', () => {
    for (const compute of ['held', 'running', 'silent'] as const) {
      for (const mark of ['none', 'no', 'pending'] as const) {
        expect(nextStep(facts({ service: foreign, compute, mark })).kind).not.toBe('enable');
      }
    }
  });

  test('every sentence names the host and can stand in a log line', () => {
    for (const row of table) {
      const step = nextStep(facts(row[1]));
      if (step.kind === 'wait') expect(step.sentence).toMatch(/^comp0 waits for [^\n]*[^.\n]$/);
    }
  });
});

test('ours: disabled, with our reason', () => {
  expect([held, up, enabled, foreign, { ...enabled, disabledReason: ours }].map(isDisabledByUs)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('a short list', () => {
  expect(['', 'a', 'a b c', 'a b c d e'].map((text) => shortList(text.split(' ').filter(Boolean)))).toEqual([
    '',
    'a',
    'a; b; c',
    'a; b; c; and 2 more',
  ]);
});
