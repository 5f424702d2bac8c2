import { describe, expect, test } from 'vitest';
import { markName } from '../../../../lib/attrd/index.ts';
import { type HostOutcome, hostFigures, passOutcome } from '../../../../lib/evacuation/tell/outcome.ts';

const outcome = (kind: HostOutcome['kind'], more: Partial<HostOutcome> = {}): HostOutcome => ({
  kind,
  name: markName(kind),
  sentence: `${kind}.`,
  progress: null,
  ...more,
});

describe('what a pass tells at its end', () => {
  test.each<[HostOutcome['kind'][], boolean, string | null]>([
    [[], false, null],
    [['completed', 'completed'], false, null],
    [['completed', 'working'], false, 'working.'],
    [['working', 'lost'], false, 'lost. (1 more host is open)'],
    [['lost', 'deferred', 'working'], true, 'deferred. (2 more hosts are open)'],
    [['working', 'deferred', 'troubled'], true, 'troubled. (2 more hosts are open)'],
  ])('of %j', (kinds, troubled, sentence) => {
    expect(passOutcome(kinds.map((kind) => outcome(kind)))).toEqual({ troubled, sentence });
  });

  test('figures are sums; a host of which nothing was found out counts for itself alone', () => {
    const progress = { total: 9, done: 1, inFlight: 1, waiting: 2, failed: 1, deferred: 3, held: 0, left: 1 };
    const outcomes = [
      outcome('working', { progress }),
      outcome('deferred', { progress }),
      outcome('deferred'),
    ];
    expect(hostFigures(outcomes)).toEqual({
      inFlight: 2,
      queued: 4,
      deferred: 6,
      deferredHosts: 2,
      failed: 2,
    });
  });
});
