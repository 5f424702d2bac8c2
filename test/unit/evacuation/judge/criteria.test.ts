import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  and,
  type Condition,
  matches,
  or,
  parsePriorities,
  parsePriority,
  parseRules,
  type Rule,
  type Subject,
} from '../../../../lib/evacuation/judge/criteria.ts';
import { isUnknown, type Truth } from '../../../../lib/evacuation/look/known.ts';

function rulesOf(text: string): readonly Rule[] {
  const parsed = parseRules(text);
  if ('error' in parsed) throw new Error(parsed.error);
  return parsed.rules;
}

function ruleOf(text: string): Rule {
  const [rule] = rulesOf(text);
  if (rule === undefined) throw new Error(`no rule in ${text}`);
  return rule;
}

const nothing: Subject = {
  plain: {
    name: { known: [], unknown: null },
    project: { known: [], unknown: null },
    zone: { known: [], unknown: null },
    aggregate: { known: [], unknown: null },
    flavor: { known: [], unknown: null },
    image: { known: [], unknown: null },
    state: { known: [], unknown: null },
  },
  properties: { metadata: { value: [] }, flavor: { value: [] }, image: { value: [] } },
};

const named = (name: string): Subject => ({
  ...nothing,
  plain: { ...nothing.plain, name: { known: [name], unknown: null } },
});

describe('the grammar of rules', () => {
  test('rules are separated by blanks, conditions by commas', () => {
    expect(rulesOf('  name=amphora-*,project=service \t zone=az1\n')).toEqual([
      {
        text: 'name=amphora-*,project=service',
        conditions: [
          { on: 'plain', kind: 'name', pattern: 'amphora-*' },
          { on: 'plain', kind: 'project', pattern: 'service' },
        ],
      },
      { text: 'zone=az1', conditions: [{ on: 'plain', kind: 'zone', pattern: 'az1' }] },
    ]);
    expect(rulesOf('')).toEqual([]);
    expect(rulesOf(' \n')).toEqual([]);
  });

  test('a key of a property may have colons, a pattern anything but blanks and commas', () => {
    expect(ruleOf('flavor:hw:cpu_policy=a=b:c').conditions).toEqual([
      { on: 'property', kind: 'flavor', key: 'hw:cpu_policy', pattern: 'a=b:c' },
    ]);
    expect(ruleOf('metadata:__proto__=x').conditions).toEqual([
      { on: 'property', kind: 'metadata', key: '__proto__', pattern: 'x' },
    ]);
  });

  const allowed =
    'allowed are name=, project=, zone=, aggregate=, flavor=, image=, state=, metadata:KEY=, flavor:KEY=, image:KEY=, joined by commas';
  test.each([
    ['nme=x', `rule "nme=x" has the unknown condition "nme"; ${allowed}`],
    ['Name=x', `rule "Name=x" has the unknown condition "Name"; ${allowed}`],
    ['=x', `rule "=x" has the unknown condition ""; ${allowed}`],
    ['name=a project', `rule "project" has the condition "project" without "="; ${allowed}`],
    ['name=a,', `rule "name=a," has an empty condition; ${allowed}`],
    [',', `rule "," has an empty condition; ${allowed}`],
    ['name=', 'rule "name=" says nothing after "name="; * stands for any text'],
    ['metadata:a=', 'rule "metadata:a=" says nothing after "metadata:a="; * stands for any text'],
    ['name:a=b', `rule "name:a=b" has the unknown condition "name:a"; ${allowed}`],
    ['metadata=b', `rule "metadata=b" has the unknown condition "metadata"; ${allowed}`],
    [
      'state=ERROR',
      'rule "state=ERROR" names no state of Nova\'s in "state=ERROR"; states are active, building, deleted, error, paused, rescued, resized, shelved, shelved_offloaded, soft-delete, stopped, suspended',
    ],
    ['image:=b', `rule "image:=b" names no property in "image:="; ${allowed}`],
    ['a\u0007\u001b[2J', `rule "a??[2J" has the condition "a??[2J" without "="; ${allowed}`],
  ])('%j is refused in a sentence that names it', (text, error) => {
    expect(parseRules(text)).toEqual({ error });
  });

  test('what is long is cut in the sentence', () => {
    const parsed = parseRules('x'.repeat(5000));
    expect('error' in parsed && parsed.error.length).toBeLessThan(400);
  });

  test.each([
    ['project=gold:900', 'project=gold', 900],
    ['flavor:hw:cpu=2:0', 'flavor:hw:cpu=2', 0],
    ['name=a:b:1000', 'name=a:b', 1000],
    ['name=*,zone=z:007', 'name=*,zone=z', 7],
  ])('the number of %j follows the last colon', (text, rule, priority) => {
    expect(parsePriorities(text)).toEqual({ priorities: [{ rule: ruleOf(rule), priority }] });
  });

  const number = 'does not end in a colon and a number from 0 to 1000, as in project=gold:900';
  test.each([
    ['name=a', `rule "name=a" ${number}`],
    ['name=a:', `rule "name=a:" ${number}`],
    ['name=a:1001', `rule "name=a:1001" ${number}`],
    ['name=a:-1', `rule "name=a:-1" ${number}`],
    ['name=a:1.5', `rule "name=a:1.5" ${number}`],
    ['name=a:1e2', `rule "name=a:1e2" ${number}`],
    ['name=a:٣', `rule "name=a:٣" ${number}`],
    ['500', `rule "500" ${number}`],
    [':500', `rule ":500" has an empty condition; ${allowed}`],
    ['x:500', `rule "x:500" has the condition "x" without "="; ${allowed}`],
  ])('priority %j is refused', (text, error) => {
    expect(parsePriorities(text)).toEqual({ error });
  });

  test('numbers', () => {
    expect(['0', '1000', '0500', '1001', '', ' 1', '9999', '00001'].map(parsePriority)).toEqual([
      0,
      1000,
      500,
      null,
      null,
      null,
      null,
      null,
    ]);
  });

  const word = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter((text) => !/[\s,]/.test(text));
  const key = word.filter((text) => !text.includes('='));
  const condition: fc.Arbitrary<Condition> = fc.oneof(
    fc.record({
      on: fc.constant('plain' as const),
      kind: fc.constantFrom('name', 'project', 'zone', 'aggregate', 'flavor', 'image'),
      pattern: word,
    }),
    fc.record({
      on: fc.constant('property' as const),
      kind: fc.constantFrom('metadata', 'flavor', 'image'),
      key,
      pattern: word,
    }),
  );
  const write = (one: Condition) =>
    one.on === 'plain' ? `${one.kind}=${one.pattern}` : `${one.kind}:${one.key}=${one.pattern}`;
  const conditions = fc.array(condition, { minLength: 1, maxLength: 4 });

  test('what is written is read back', () => {
    fc.assert(
      fc.property(
        fc.array(conditions, { maxLength: 5 }),
        fc.constantFrom(' ', '\t', '\n  '),
        (rules, blank) => {
          const texts = rules.map((rule) => rule.map(write).join(','));
          expect(rulesOf(texts.join(blank))).toEqual(
            rules.map((rule, index) => ({ text: texts[index], conditions: rule })),
          );
        },
      ),
    );
  });

  test('priorities as well, whatever colons are in the rule', () => {
    fc.assert(
      fc.property(conditions, fc.integer({ min: 0, max: 1000 }), (rule, priority) => {
        const text = rule.map(write).join(',');
        expect(parsePriorities(`${text}:${priority}`)).toEqual({
          priorities: [{ rule: { text, conditions: rule }, priority }],
        });
      }),
    );
  });

  test('no text makes it throw, and an error is one short line', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.constantFrom('name', 'image', ':', '=', ',', ' ', '*', '9', '__proto__'))
        .map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, (any) => {
        for (const parsed of [parseRules(any), parsePriorities(any)]) {
          if (!('error' in parsed)) continue;
          expect(parsed.error).toMatch(/^rule ".*" \P{C}*$/u);
          expect(parsed.error.length).toBeLessThan(500);
        }
      }),
    );
  });
});

describe('patterns', () => {
  test.each([
    ['web', 'web', true],
    ['web', 'Web', false],
    ['web', 'web1', false],
    ['web', 'my-web', false],
    ['web*', 'web', true],
    ['web*', 'web-12', true],
    ['*web', 'my-web', true],
    ['*', '', true],
    ['**', 'x', true],
    ['?', 'x', true],
    ['?', '', false],
    ['?', '\u{1f4bb}', true],
    ['\u{1f4bb}?', '\u{1f4bb}x', true],
    ['a?c', 'a c', true],
    ['a?c', 'a,c', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['*a', 'aab', false],
    ['*ab', 'aab', true],
    ['a.c', 'abc', false],
    ['[ab]', 'a', false],
    ['[ab]', '[ab]', true],
    ['\\*', '\\x', true],
    ['$(x)', '$(x)', true],
    ['a*', 'a\nb', true],
  ])('%j fits %j: %s', (pattern, text, fits) => {
    // Straight into the rule: a text with blanks is no word of the grammar.
    const rule: Rule = { text: '', conditions: [{ on: 'plain', kind: 'name', pattern }] };
    expect(matches(rule, named(text))).toBe(fits);
  });

  test('are the same as with a regular expression', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(pattern, letters, (glob, text) => {
        const same = new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(text);
        expect(matches(ruleOf(`name=${glob}`), named(text))).toBe(same);
      }),
      { numRuns: 1000 },
    );
  });

  test('never take long', () => {
    const rule = ruleOf(`name=${'*a'.repeat(100)}*b`);
    const started = performance.now();
    expect(matches(rule, named('a'.repeat(10_000)))).toBe(false);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

test('a state that is lost stands for whatever had the instance asked for', () => {
  const lost = { ...named('web'), stateIsLost: true };
  expect(matches(ruleOf('state=error'), lost)).toBe(false);
  expect(matches(ruleOf('name=web,state=active'), lost, true)).toBe(true);
  expect(matches(ruleOf('name=db,state=active'), lost, true)).toBe(false);
});

describe('what a rule says of an instance', () => {
  const subject: Subject = {
    plain: {
      name: { known: ['web-1'], unknown: null },
      project: { known: ['0123456789abcdef0123456789abcdef'], unknown: 'projects could not be read' },
      zone: { known: ['az1'], unknown: null },
      aggregate: { known: ['ssd', 'rack-7'], unknown: null },
      flavor: { known: [], unknown: 'flavours could not be read' },
      image: { known: ['5f0a3d3e-0000-4000-8000-000000000001', 'debian-12'], unknown: null },
      state: { known: ['error'], unknown: null },
    },
    properties: {
      metadata: { value: [{ tier: 'db', toString: 'own' }] },
      flavor: { unknown: 'flavours could not be read' },
      image: { value: [{ os: 'linux' }, { os: 'bsd', role: 'x' }] },
    },
  };
  const projects = { unknown: 'projects could not be read' };
  const flavors = { unknown: 'flavours could not be read' };

  test.each<[string, Truth]>([
    ['name=web-*', true],
    ['name=WEB-*', false],
    ['aggregate=rack-?', true],
    ['aggregate=hdd', false],
    ['zone=az2', false],
    ['image=debian-*', true],
    ['image=5f0a3d3e-*', true],
    ['state=error', true],
    ['state=shelved*', false],
    ['metadata:tier=db', true],
    ['metadata:tier=d', false],
    ['metadata:Tier=db', false],
    ['metadata:hasOwnProperty=*', false],
    ['metadata:toString=own', true],
    ['image:os=bsd', true],
    ['image:missing=*', false],
    ['project=gold', projects],
    ['project=0123*', true],
    ['project=0123456789abcdef0123456789abcdef', true],
    // The id is known, so another id is certainly another project.
    ['project=ffffffffffffffffffffffffffffffff', false],
    ['project=ffffffff-ffff-ffff-ffff-ffffffffffff', false],
    ['flavor=m1', flavors],
    ['flavor:a=b', flavors],
    ['name=web-*,project=gold', projects],
    ['project=gold,name=web-*', projects],
    ['project=gold,name=db-*', false],
    ['name=db-*,project=gold,flavor=m1', false],
    ['flavor=m1,project=gold', flavors],
    ['name=web-1,zone=az1,aggregate=ssd', true],
  ])('%s: %j', (rule, truth) => {
    expect(matches(ruleOf(rule), subject)).toEqual(truth);
  });
});

describe('three-valued logic', () => {
  const truth: fc.Arbitrary<Truth> = fc.constantFrom<Truth[]>(
    true,
    false,
    { unknown: 'x' },
    { unknown: 'y' },
  );
  const truths = fc.array(truth, { maxLength: 6 });
  const plain = (one: Truth) => (isUnknown(one) ? 'unknown' : one);
  const not = (one: Truth): Truth => (isUnknown(one) ? one : !one);

  test('and and or are each other seen from behind', () => {
    fc.assert(
      fc.property(truths, (all) => {
        expect(and(all)).toEqual(not(or(all.map(not))));
      }),
    );
  });

  test('the order does not matter but for the reason', () => {
    fc.assert(
      fc.property(truths, (all) => {
        expect(plain(and(all.toReversed()))).toBe(plain(and(all)));
        expect(plain(or(all.toReversed()))).toBe(plain(or(all)));
      }),
    );
  });

  test('what is unknown may turn out either way, and what is settled stays', () => {
    fc.assert(
      fc.property(truths, (all) => {
        const turned = (value: boolean) => all.map((one) => (isUnknown(one) ? value : one));
        for (const join of [and, or]) {
          const results = new Set([join(turned(true)), join(turned(false))]);
          expect(plain(join(all))).toBe(results.size === 2 ? 'unknown' : [...results][0]);
        }
      }),
    );
  });

  test('the first that is unknown is the reason', () => {
    expect(and([true, { unknown: 'x' }, { unknown: 'y' }])).toEqual({ unknown: 'x' });
    expect(or([false, { unknown: 'y' }, { unknown: 'x' }])).toEqual({ unknown: 'y' });
  });
});
