import type { Server } from '@openstack-ts/nova-client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Rank, rank } from '../../../../lib/evacuation/decide/rank.ts';
import { parsePolicy } from '../../../../lib/evacuation/judge/policy.ts';
import type { PolicyFacts } from '../../../../lib/evacuation/look/policyFacts.ts';
import { aFlavor, aServer } from '../fakeLists.ts';

const facts: PolicyFacts = {
  flavors: {
    value: [
      aFlavor('small'),
      aFlavor('gold', { evacuation_priority: '800' }),
      aFlavor('odd', { evacuation_priority: 'high' }),
    ],
  },
  taggedImages: { value: new Set() },
  images: { true: { value: new Map() }, false: { value: new Map() } },
  volumes: { value: { true: new Set(), false: new Set(), ofTaggedImages: new Set() } },
  aggregates: { value: [] },
  projectNames: { unknown: 'projects could not be read' },
  imageFacts: new Map(),
  volumeImages: new Map(),
};

function rankOf(server: Server, priority = '', known = facts): Rank {
  const parsed = parsePolicy({ include: '', exclude: '', priority, other_states: 'leave' });
  if ('error' in parsed) throw new Error(parsed.error);
  return rank(server, known, parsed.policy);
}

const ofFlavor = (name: string, extraSpecs: Record<string, string> | null = {}) =>
  aServer({ flavor: { id: null, name, extraSpecs, size: null } });
const says = (evacuation_priority: string) => aServer({ metadata: { evacuation_priority } });
const limits = 'it must be a number from 0 to 1000';

describe('priority', () => {
  test.each<[string, Server, string, number, string | undefined]>([
    ['nothing is said', aServer(), '', 500, undefined],
    ['the flavour', ofFlavor('gold'), '', 800, undefined],
    ['the live flavour, not the copy', ofFlavor('gold', { evacuation_priority: '1' }), '', 800, undefined],
    ['the copy of one that is gone', ofFlavor('gone', { evacuation_priority: '1' }), '', 1, undefined],
    ['its metadata', says('900'), '', 900, undefined],
    ['0 is a number', says('0'), '', 0, undefined],
    ['blanks do not matter', says(' 1000 '), '', 1000, undefined],
    [
      'metadata before flavour',
      { ...ofFlavor('gold'), metadata: { evacuation_priority: '7' } },
      '',
      7,
      undefined,
    ],
    [
      'a rule before both',
      { ...ofFlavor('gold'), metadata: { evacuation_priority: '7' } },
      'name=*:3',
      3,
      undefined,
    ],
    ['the first rule that matches', aServer(), 'name=x:1 name=name-*:2 name=*:3', 2, undefined],
    ['no rule that matches', says('7'), 'name=x:1', 7, undefined],
    [
      'too high',
      says('1001'),
      '',
      500,
      `evacuation_priority of its metadata is "1001" and is ignored, ${limits}`,
    ],
    [
      'negative',
      says('-1'),
      '',
      500,
      `evacuation_priority of its metadata is "-1" and is ignored, ${limits}`,
    ],
    ['empty', says(''), '', 500, `evacuation_priority of its metadata is "" and is ignored, ${limits}`],
    [
      'no number, with what a terminal would obey',
      says('\u001b[31m9'),
      '',
      500,
      `evacuation_priority of its metadata is "?[31m9" and is ignored, ${limits}`,
    ],
    [
      'garbage in its metadata, so the flavour',
      { ...ofFlavor('gold'), metadata: { evacuation_priority: 'x' } },
      '',
      800,
      `evacuation_priority of its metadata is "x" and is ignored, ${limits}`,
    ],
    [
      'garbage in both',
      { ...ofFlavor('odd'), metadata: { evacuation_priority: 'x' } },
      '',
      500,
      `evacuation_priority of its metadata is "x" and is ignored, ${limits}; evacuation_priority of its flavour is "high" and is ignored, ${limits}`,
    ],
    ['garbage that a rule makes void', says('x'), 'name=*:3', 3, undefined],
    [
      'a rule that nobody can tell about is ignored',
      says('7'),
      'project=gold:900',
      7,
      'priority rule project=gold is ignored for it: projects could not be read',
    ],
    [
      'and the next one counts',
      aServer(),
      'project=gold:900 name=*:4',
      4,
      'priority rule project=gold is ignored for it: projects could not be read',
    ],
  ])('%s', (_what, server, rules, priority, note) => {
    expect(rankOf(server, rules)).toEqual({ priority, group: null, ...(note === undefined ? {} : { note }) });
  });

  test('flavours that cannot be read and are not in the instance either', () => {
    const unread = { ...facts, flavors: { unknown: 'flavours could not be read' } };
    expect(rankOf(ofFlavor('gold', null), '', unread)).toEqual({ priority: 500, group: null });
    expect(rankOf(ofFlavor('x', { evacuation_priority: '6' }), '', unread).priority).toBe(6);
  });

  test('whatever a tenant writes, it is a whole number from 0 to 1000', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const { priority, note = '' } = rankOf(says(text));
        expect(Number.isInteger(priority) && priority >= 0 && priority <= 1000).toBe(true);
        expect(note).toMatch(/^\P{C}*$/u);
        expect(note.length).toBeLessThan(200);
      }),
    );
  });
});

describe('groups', () => {
  const inGroup = (projectId: string | null, evacuation_group: string) =>
    rankOf(aServer({ projectId, metadata: { evacuation_group } })).group;

  test('are within a project', () => {
    expect(inGroup('p1', 'db')).toBe('p1/db');
    expect(inGroup('p2', 'db')).toBe('p2/db');
    expect(inGroup('p1', ' db ')).toBe('p1/db');
  });

  test('an empty name is none', () => {
    expect([inGroup('p1', ''), inGroup('p1', ' ')]).toEqual([null, null]);
  });
});
