import { novaHost, serverId } from '@openstack-ts/nova-client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { markName } from '../../../../lib/attrd/index.ts';
import { formatHints, Hints, newHostHints, parseHints } from '../../../../lib/evacuation/index.ts';

describe('the file of hints', () => {
  test('is read as it was written', () => {
    const hints = new Hints([
      [markName('comp0'), newHostHints(5)],
      [
        markName('comp1.example'),
        {
          incidentId: 'f00d',
          firstSeen: 1,
          targets: [novaHost('comp2')],
          capacityAt: 7,
          refusals: {
            i: { count: 2, at: 9, message: 'no "way"', final: false, forItsTask: true, ours: false },
          },
          pass: 'open',
          quietUntil: 77,
          watch: { value: 'ctl1@5', since: 6, until: 7 },
          signs: {
            pulse: 'comp0@1',
            updatedAt: 1,
            heartbeats: 1,
            held: 'x',
            pulsed: false,
            ranUntil: 77,
            watchedSince: null,
          },
          doubts: { j: 78 },
          unfit: { k: 'zone' },
          roomAt: { l: 79 },
          begun: false,
          open: {
            i: { name: 'vm', group: 'p/db', requestId: 'req-1' },
            j: { name: 'vn', group: null, requestId: null },
          },
          sharedWith: [novaHost('comp2')],
          placementSilentSince: 81,
          lived: { comp2: { since: 82, until: 83, as: 'up' } },
          lackedBy: [novaHost('comp3')],
          restored: [serverId('h')],
          incident: { host: novaHost('comp0.example'), fencedAt: 4 },
          said: { i: 'something', __proto__x: 'else' },
        },
      ],
    ]);
    hints.said = { alert: 'is missing' };
    expect(parseHints(formatHints(hints))).toEqual(hints);
  });

  test.each([
    '',
    ' ',
    'null',
    '[]',
    '"x"',
    '7',
    '{',
    '{"comp0":5}',
    '{"comp0":{}}',
    '{"comp0":{"firstSeen":"1"}}',
    '\0',
  ])('garbage counts as no hints: %j', (text) => {
    expect(parseHints(text)).toEqual(new Hints());
  });

  test('what is wrong in one entry is left out, the rest counts', () => {
    const text = JSON.stringify({
      comp0: {
        firstSeen: 5,
        targets: ['a', 7, null],
        capacityAt: 'x',
        refusals: { a: 1, b: { count: 1, at: 2, message: 'm' }, c: { count: '1', at: 2, message: 'm' } },
        pass: 'odd',
        quietUntil: null,
        doubts: { i: 3, j: 'x' },
        said: { a: 'b', c: 7 },
        more: true,
      },
      comp1: null,
    });
    expect(parseHints(text)).toEqual(
      new Hints([
        [
          markName('comp0'),
          {
            ...newHostHints(5),
            targets: [novaHost('a')],
            capacityAt: 0,
            refusals: { b: { count: 1, at: 2, message: 'm', final: false, forItsTask: false, ours: false } },
            pass: 'none',
            quietUntil: 0,
            doubts: { i: 3 },
            signs: null,
            said: { a: 'b' },
          },
        ],
      ]),
    );
  });

  test('hints of an older version are hints', () => {
    const old = '{"comp0":{"firstSeen":5,"targets":[],"capacityAt":0,"refusals":{},"said":{}}}';
    expect(parseHints(old)).toEqual(new Hints([[markName('comp0'), { ...newHostHints(5), targets: [] }]]));
  });

  test('any text, and any JSON, is read without an error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc
            .json()
            .map(
              (json) =>
                `{"comp0":{"firstSeen":1,"refusals":${json},"said":${json},"doubts":${json},"targets":${json}}}`,
            ),
        ),
        (text) => {
          for (const [name, entry] of parseHints(text)) {
            expect(typeof name).toBe('string');
            expect(typeof entry.firstSeen).toBe('number');
            expect((entry.targets ?? []).every((host) => typeof host === 'string')).toBe(true);
            expect(Object.values(entry.doubts).every((until) => typeof until === 'number')).toBe(true);
          }
        },
      ),
    );
  });
});
