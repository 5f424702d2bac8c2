import type { Flavor, Server } from '@openstack-ts/nova-client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hostKey } from '../../../../lib/evacuation/incident/names.ts';
import { type Policy, parsePolicy, select } from '../../../../lib/evacuation/judge/policy.ts';
import type { Known } from '../../../../lib/evacuation/look/known.ts';
import type { PolicyFacts } from '../../../../lib/evacuation/look/policyFacts.ts';
import { aFlavor, aServer } from '../fakeLists.ts';
import { decide, readScenarios } from '../scenarios/which.ts';

const plain = policyOf({});

function policyOf({
  include = '',
  exclude = '',
  priority = '',
  other_states = 'leave',
}: Partial<Parameters<typeof parsePolicy>[0]>): Policy {
  const parsed = parsePolicy({ include, exclude, priority, other_states });
  if ('error' in parsed) throw new Error(parsed.error);
  return parsed.policy;
}

/** The facts of the original's rule; the rest of the cloud bears no tags. */
function facts(flavors: readonly Flavor[] | null, taggedImages: readonly string[] | null): PolicyFacts {
  const known = <T>(value: T | null, what: string): Known<T> =>
    value === null ? { unknown: `${what} could not be read` } : { value };
  return {
    flavors: known(flavors, 'flavours'),
    taggedImages: known(taggedImages === null ? null : new Set(taggedImages), 'image tags'),
    images: { true: { value: new Map() }, false: { value: new Map() } },
    volumes: { value: { true: new Set(), false: new Set(), ofTaggedImages: new Set() } },
    aggregates: { value: [] },
    projectNames: { value: new Map() },
    imageFacts: new Map(),
    volumeImages: new Map(),
  };
}

/** By name, as from 2.47. */
function server(
  flavorName: string,
  imageId: string | null = 'plain',
  extraSpecs: Record<string, string> | null = {},
): Server {
  return aServer({ flavor: { id: null, name: flavorName, extraSpecs, size: null }, imageId });
}

const nothingTagged = facts([aFlavor('a'), aFlavor('b', { 'hw:cpu': '2' })], []);
const flavorTagged = facts([aFlavor('a'), aFlavor('ha', { evacuable: 'true' })], []);
const imageTagged = facts([aFlavor('a')], ['tagged']);

describe("the original's rule", () => {
  test.each<[string, Server, PolicyFacts, 'yes' | 'no' | 'undecided']>([
    ['nothing is tagged in the whole cloud: all', server('a'), nothingTagged, 'yes'],
    ['flavour tagged', server('ha'), flavorTagged, 'yes'],
    ['another flavour is tagged', server('a'), flavorTagged, 'no'],
    ['image tagged', server('a', 'tagged'), imageTagged, 'yes'],
    ['another image is tagged', server('a'), imageTagged, 'no'],
    ['booted from a volume, an image is tagged', server('a', null), imageTagged, 'no'],
    ['booted from a volume, flavour tagged', server('ha', null), flavorTagged, 'yes'],
    [
      'flavour deleted since, tagged in the copy Nova keeps',
      server('x', null, { evacuable: 'true' }),
      flavorTagged,
      'yes',
    ],
    ['flavour deleted since, not tagged', server('x', null, {}), flavorTagged, 'no'],
    [
      'flavour changed since: the live one counts',
      server('a', null, { evacuable: 'true' }),
      flavorTagged,
      'no',
    ],
    ['flavours cannot be read', server('a'), facts(null, []), 'undecided'],
    ['images cannot be read', server('a'), facts([aFlavor('a')], null), 'undecided'],
    ['flavours cannot be read, image tagged', server('a', 'tagged'), facts(null, ['tagged']), 'yes'],
    [
      'images cannot be read, flavour tagged',
      server('ha'),
      { ...flavorTagged, taggedImages: { unknown: 'image tags could not be read' } },
      'yes',
    ],
    [
      'flavours cannot be read, tagged in the copy',
      server('x', null, { evacuable: 'true' }),
      facts(null, []),
      'yes',
    ],
  ])('%s', (_what, one, known, expected) => {
    expect(select(one, known, plain).kind).toBe(expected);
  });

  test('by the id of the flavour below 2.47', () => {
    const old = (id: string) => aServer({ flavor: { id, name: null, extraSpecs: null, size: null } });
    expect(select(old('id-of-ha'), flavorTagged, plain).kind).toBe('yes');
    expect(select(old('id-of-a'), flavorTagged, plain).kind).toBe('no');
  });

  test.each([
    ['true', true],
    ['True', true],
    [' TRUE ', true],
    ['1', false],
    ['yes', false],
    ['false', false],
    ['', false],
  ])('extra spec evacuable=%j', (value, tagged) => {
    const known = facts([aFlavor('ha', { evacuable: value })], ['tagged']);
    expect(select(server('ha'), known, plain).kind).toBe(tagged ? 'yes' : 'no');
  });

  test('the key is exact', () => {
    const flavors = [aFlavor('a', { Evacuable: 'true', 'x:evacuable': 'true', not_evacuable: 'true' })];
    // Nothing is tagged, so all are evacuated.
    expect(select(server('a'), facts(flavors, []), plain).kind).toBe('yes');
    expect(select(server('a'), facts(flavors, ['tagged']), plain).kind).toBe('no');
  });

  test('a refusal names the rule', () => {
    expect(select(server('a'), flavorTagged, plain)).toEqual({
      kind: 'no',
      rule: 'neither its flavour (extra spec evacuable=true) nor its image (tag evacuable) is tagged, others are',
    });
  });

  test('what cannot be read is named', () => {
    expect(select(server('a'), facts(null, null), plain)).toEqual({
      kind: 'undecided',
      reason: 'flavours could not be read',
    });
    expect(select(server('a'), facts([], null), plain)).toEqual({
      kind: 'undecided',
      reason: 'image tags could not be read',
    });
  });
});

describe('what cannot be read does not matter where it cannot change the answer', () => {
  const unread: PolicyFacts = {
    flavors: { unknown: 'flavours' },
    taggedImages: { unknown: 'image tags' },
    images: { true: { unknown: 'image properties' }, false: { unknown: 'image properties' } },
    volumes: { unknown: 'volumes' },
    aggregates: { unknown: 'aggregates' },
    projectNames: { unknown: 'projects' },
    imageFacts: new Map(),
    volumeImages: new Map(),
  };
  const bare = server('a', 'plain', null);

  test.each<[string, Server, PolicyFacts, Policy, string]>([
    ['its own no', { ...bare, metadata: { evacuable: 'false' } }, unread, plain, 'no'],
    ['a rule of exclude that certainly matches', bare, unread, policyOf({ exclude: 'name=name-of-*' }), 'no'],
    [
      'nothing else helps against what may be excluded',
      { ...bare, metadata: { evacuable: 'true' } },
      unread,
      plain,
      'undecided',
    ],
    [
      'a rule of exclude that certainly does not match',
      bare,
      { ...nothingTagged, projectNames: { unknown: 'projects' } },
      policyOf({ exclude: 'project=gold,name=db-*' }),
      'yes',
    ],
    [
      'a rule of exclude that may match',
      bare,
      { ...nothingTagged, projectNames: { unknown: 'projects' } },
      policyOf({ exclude: 'project=gold' }),
      'undecided',
    ],
    [
      'a rule of include that may match, and one that does',
      bare,
      { ...nothingTagged, projectNames: { unknown: 'projects' } },
      policyOf({ include: 'project=gold name=*' }),
      'yes',
    ],
    [
      'a rule of include that may match',
      bare,
      { ...nothingTagged, projectNames: { unknown: 'projects' } },
      policyOf({ include: 'project=gold' }),
      'undecided',
    ],
    [
      'volumes do not matter to who has an image',
      server('a'),
      { ...nothingTagged, volumes: unread.volumes },
      plain,
      'yes',
    ],
    ['the host is not told', { ...server('a'), host: null }, nothingTagged, plain, 'undecided'],
  ])('%s', (_what, one, known, policy, expected) => {
    expect(select(one, known, policy).kind).toBe(expected);
  });
});

describe('in any cloud', () => {
  // Mostly nothing: where everything is tagged nothing hangs on a single fact.
  const word = fc.constantFrom<(string | null)[]>(null, null, null, null, null, 'true', 'false');
  const tags = (value: string | null): Record<string, string> => (value === null ? {} : { evacuable: value });
  const some = (...ids: string[]) =>
    fc.oneof({ weight: 3, arbitrary: fc.constant<string[]>([]) }, { weight: 1, arbitrary: fc.subarray(ids) });
  const titles = (ids: readonly string[]) => ({ value: new Map(ids.map((id) => [id, id])) });
  const rules = fc
    .array(
      fc
        .array(
          fc.constantFrom(
            'name=name-of-i',
            'name=x',
            'project=gold',
            'project=p1',
            'image=debian',
            'image=i1',
            'image:os=linux',
            'aggregate=a',
            'flavor=small',
            'flavor:os=*',
            'metadata:evacuable=*',
          ),
          { minLength: 1, maxLength: 3 },
        )
        .map((conditions) => conditions.join(',')),
      { maxLength: 2 },
    )
    .map((all) => all.join(' '));
  const cloud = fc.record({
    flavor: word,
    other: word,
    tagged: some('i1', 'i2'),
    yes: some('i1', 'i2'),
    no: some('i1', 'i2'),
    volumes: fc.record({ true: some('v1', 'v2'), false: some('v1', 'v2'), ofTaggedImages: some('v1', 'v2') }),
    here: word,
    there: word,
    project: fc.constantFrom('gold', 'silver'),
    image: fc.constantFrom('debian', 'cirros'),
    own: word,
    fromVolume: fc.boolean(),
    include: rules,
    exclude: rules,
  });
  type Cloud = typeof cloud extends fc.Arbitrary<infer T> ? T : never;

  const factsOf = (one: Cloud): PolicyFacts => {
    const image = { names: ['i1', one.image], properties: { os: one.image === 'debian' ? 'linux' : 'x' } };
    return {
      flavors: { value: [aFlavor('small', tags(one.flavor)), aFlavor('other', tags(one.other))] },
      taggedImages: { value: new Set(one.tagged) },
      images: { true: titles(one.yes), false: titles(one.no) },
      volumes: {
        value: {
          true: new Set(one.volumes.true),
          false: new Set(one.volumes.false),
          ofTaggedImages: new Set(one.volumes.ofTaggedImages),
        },
      },
      aggregates: {
        value: [
          { name: 'a', metadata: tags(one.here), hosts: new Set([hostKey('comp0')]) },
          { name: 'b', metadata: tags(one.there), hosts: new Set([hostKey('comp1')]) },
        ],
      },
      projectNames: { value: new Map([['p1', one.project]]) },
      imageFacts: new Map([['i1', { value: image }]]),
      volumeImages: new Map([['v1', { value: image }]]),
    };
  };
  const serverOf = (one: Cloud) =>
    aServer({
      imageId: one.fromVolume ? null : 'i1',
      volumeIds: one.fromVolume ? ['v1'] : [],
      metadata: tags(one.own),
      // The copy in the instance stands in for the live flavour, so here they are the same.
      flavor: { id: null, name: 'small', extraSpecs: tags(one.flavor), size: null },
    });

  const unread = { unknown: 'x' };
  const blank: { readonly [part: string]: (facts: PolicyFacts) => PolicyFacts } = {
    flavors: (known) => ({ ...known, flavors: unread }),
    taggedImages: (known) => ({ ...known, taggedImages: unread }),
    yes: (known) => ({ ...known, images: { ...known.images, true: unread } }),
    no: (known) => ({ ...known, images: { ...known.images, false: unread } }),
    volumes: (known) => ({ ...known, volumes: unread }),
    aggregates: (known) => ({ ...known, aggregates: unread }),
    projectNames: (known) => ({ ...known, projectNames: unread }),
    imageFacts: (known) => ({ ...known, imageFacts: new Map([['i1', unread]]) }),
    volumeImages: (known) => ({ ...known, volumeImages: new Map([['v1', unread]]) }),
  };

  test('what is decided while something is unknown stays so once it is known, and all known is always decided', () => {
    fc.assert(
      fc.property(cloud, fc.subarray(Object.values(blank), { maxLength: 4 }), (one, blanks) => {
        const policy = policyOf(one);
        const known = factsOf(one);
        const full = select(serverOf(one), known, policy);
        expect(full.kind).not.toBe('undecided');
        const partial = select(
          serverOf(one),
          blanks.reduce((some, change) => change(some), known),
          policy,
        );
        if (partial.kind !== 'undecided') expect(partial.kind).toBe(full.kind);
      }),
      { numRuns: 5000 },
    );
  });

  test('a no that stands anywhere wins, and only then or where others are tagged does an instance stay', () => {
    fc.assert(
      fc.property(cloud, (one) => {
        const { kind } = select(serverOf(one), factsOf(one), policyOf({ include: one.include }));
        const from = one.fromVolume ? one.volumes.false.includes('v1') : one.no.includes('i1');
        const no = [one.own, one.flavor, one.here].includes('false') || from;
        if (no) expect(kind).toBe('no');
        const tagged = [one.flavor, one.other, one.here, one.there].includes('true');
        const selective = tagged || one.tagged.length + one.yes.length > 0 || one.include !== '';
        if (!no && !selective) expect(kind).toBe('yes');
        if (!no && one.own === 'true') expect(kind).toBe('yes');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('rules where Nova tells the id of the flavour only, below 2.47', () => {
  const byId = (id: string) => aServer({ flavor: { id, name: null, extraSpecs: null, size: null } });
  const policy = policyOf({ exclude: 'flavor=b flavor:hw:cpu=2' });

  test.each<[string, string, PolicyFacts, unknown]>([
    ['by the name', 'id-of-b', nothingTagged, { kind: 'no', rule: 'it matches exclude rule flavor=b' }],
    ['another one', 'id-of-a', nothingTagged, { kind: 'yes' }],
    [
      'one that is gone',
      'gone',
      nothingTagged,
      {
        kind: 'undecided',
        reason:
          'whether it matches exclude rule flavor=b is not known: its flavour is gone, and Nova does not tell its name',
      },
    ],
    [
      'flavours cannot be read',
      'id-of-b',
      facts(null, []),
      { kind: 'undecided', reason: 'flavours could not be read' },
    ],
  ])('%s', (_what, id, known, selected) => {
    expect(select(byId(id), known, policy)).toEqual(selected);
  });
});

describe('the parameters', () => {
  test('are read together', () => {
    const policy = policyOf({
      include: 'zone=a',
      exclude: 'name=b',
      priority: 'name=d:7',
      other_states: 'recover',
    });
    expect(policy.include.map(({ text }) => text)).toEqual(['zone=a']);
    expect(policy.exclude.map(({ text }) => text)).toEqual(['name=b']);
    expect(policy.priorities.map(({ rule, priority }) => [rule.text, priority])).toEqual([['name=d', 7]]);
    expect(policy.otherStates).toBe('recover');
  });

  test.each([
    [{ include: 'x' }, /^include: rule "x" has the condition "x" without "="; allowed are name=/],
    [{ exclude: 'x=1' }, /^exclude: rule "x=1" has the unknown condition "x"; allowed are name=/],
    [{ priority: 'name=a' }, /^priority: rule "name=a" does not end in a colon and a number from 0 to 1000/],
    [{ other_states: 'both' }, /^other_states must be leave or recover$/],
  ])('%j is refused by name', (values, error) => {
    const all = { include: '', exclude: '', priority: '', other_states: 'leave', ...values };
    const parsed = parsePolicy(all);
    expect('error' in parsed ? parsed.error : '').toMatch(error);
  });
});

describe.each(readScenarios())('$file', ({ scenarios }) => {
  test.each(scenarios)('$what', async (scenario) => {
    const { decisions, said } = await decide(scenario);
    expect(decisions).toEqual(scenario.decisions);
    expect(said).toEqual(scenario.said);
  });
});
