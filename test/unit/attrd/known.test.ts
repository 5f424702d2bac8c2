import { expect, test } from 'vitest';
import { formatIncident, type Incident, parseIncident } from '../../../lib/attrd/incident.ts';
import { type Known, mostKnown, nothingKnown, shortId } from '../../../lib/attrd/known.ts';

const incident = (known: Known): Incident => ({
  ...{ id: 'f00d', phase: 'pending', owner: 'ctl0', at: 1, by: 'comp 1' },
  ...{ novaAt: 7, estimated: true, echo: false, proven: true, adopted: true, known },
});

test('what an owner leaves is read as it was written', () => {
  const known: Known = {
    ...{
      begun: true,
      cut: true,
      quietUntil: 1_795_230_000_001,
      ranUntil: 5,
      placementSilence: { since: 6, until: 7 },
    },
    lived: [{ host: 'comp2.example.org', since: 7, until: 8, as: 'up' }],
    sharedWith: ['comp2.example.org', 'odd host,=:%'],
    lackedBy: ['comp3.example.org'],
    refusals: [{ id: '4f1e2d3c-aaaa', count: 3, at: 9, why: 'state' }],
    ranks: new Map([['b631eb4a', 900]]),
  };
  expect(parseIncident(formatIncident(incident(known)))).toEqual(incident(known));
  expect(parseIncident(formatIncident(incident(nothingKnown)))).toEqual(incident(nothingKnown));
});

test('it is bounded: what was refused most often stays', () => {
  const refusals = Array.from({ length: 300 }, (_, index) => ({
    ...{ id: `instance-${index}`, count: index, at: 1_795_230_000_001 },
    why: 'other' as const,
  }));
  const text = formatIncident(incident({ ...nothingKnown, refusals }));
  const read = parseIncident(text)?.known.refusals ?? [];
  expect([read.length, read[0]?.count, text.length < 4_000]).toEqual([mostKnown.refusals, 299, true]);
});

test.each([
  'refused=a:1',
  'refused=a:x:1:other',
  'refused=a:1:1:odd',
  'quiet=x',
  'lived=a:1:2:odd',
  'ranks=a',
  'shared=,',
])('rubbish is not known: %s', (field) => {
  expect(parseIncident(`id=f00d phase=pending ${field}`)?.known).toEqual(nothingKnown);
});

test('instances are told apart, however much of their ids is the same, from whichever end', () => {
  const ids = Array.from({ length: 1_000 }, (_, index) => String(index).padStart(4, '0')).flatMap((part) => [
    `00000000-0000-4000-8000-00000000${part}`,
    `${part}0000-0000-4000-8000-000000000000`,
  ]);
  expect(new Set(ids.map(shortId)).size).toBe(2_000 - 1);
  expect(shortId('00000000-0000-4000-8000-000000000001')).toMatch(/^[\w-]{12}$/);
});
