import { expect, test } from 'vitest';
import { Hints } from '../../../../lib/evacuation/run/hints.ts';
import { Ledger } from '../../../../lib/evacuation/run/ledger.ts';
import { plainly } from '../../names.ts';

test('what was held back when it was looked at, and is no longer at the end of the pass, or by something else, is told so', () => {
  const silent = () => undefined;
  const log = { debug: silent, info: silent, notice: silent, warn: silent };
  const clock = { now: () => 0, steady: () => 0, sleep: async () => undefined, every: () => silent };
  const ledger = new Ledger({ hints: new Hints(), clock, log, showProgress: async () => undefined });
  const progress = null;
  const paused = {
    kind: 'deferred',
    sentence: 'it is paused (1 deferred).',
    progress,
    heldBack: 'it is paused',
  } as const;
  plainly(ledger).settle({ ...paused, name: 'comp0' });
  plainly(ledger).settle({ ...paused, name: 'comp1' });
  plainly(ledger).settle({ kind: 'deferred', name: 'comp2', sentence: 'no host has room.', progress });
  plainly(ledger).settle({ ...paused, name: 'comp3' });
  plainly(ledger).heed((name) => {
    if (name === 'comp0') return { kind: 'go' };
    return { kind: 'defer', sentence: name === 'comp1' ? 'it is paused' : 'it waits its turn' };
  });
  expect(ledger.outcomes.map(({ name, kind, sentence }) => `${name} ${kind}: ${sentence}`)).toEqual([
    'comp0 working: evacuation of comp0 is no longer deferred and goes on at the next pass.',
    'comp1 deferred: it is paused (1 deferred).',
    'comp2 deferred: no host has room.',
    'comp3 deferred: it waits its turn (1 deferred).',
  ]);
});
