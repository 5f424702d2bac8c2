import type { Flavor, Image, Server } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { type SelectionFacts, select } from '../../../lib/evacuation/selection.ts';

const flavor = (id: string, extraSpecs: Record<string, string> = {}): Flavor => ({
  id,
  name: `name-${id}`,
  extraSpecs,
});
const image: Image = { id: 'tagged', name: null, tags: ['evacuable'] };

/** By name, as from 2.47. */
function server(
  flavorName: string,
  imageId: string | null = 'plain',
  extraSpecs: Record<string, string> | null = {},
) {
  const instance: Pick<Server, 'flavor' | 'imageId'> = {
    flavor: { id: null, name: flavorName, extraSpecs },
    imageId,
  };
  return {
    id: 'i',
    name: 'i',
    host: 'comp0',
    status: 'ACTIVE',
    vmState: 'active',
    taskState: null,
    powerState: 1,
    projectId: null,
    metadata: {},
    locked: false,
    fault: null,
    updatedAt: null,
    ...instance,
  } satisfies Server;
}

const nothingTagged: SelectionFacts = {
  flavors: [flavor('a'), flavor('b', { 'hw:cpu': '2' })],
  taggedImages: [],
};
const flavorTagged: SelectionFacts = {
  flavors: [flavor('a'), flavor('ha', { evacuable: 'true' })],
  taggedImages: [],
};
const imageTagged: SelectionFacts = { flavors: [flavor('a')], taggedImages: [image] };

describe('which instances are evacuated', () => {
  test.each<[string, Server, SelectionFacts, 'yes' | 'no' | 'undecided']>([
    ['nothing is tagged in the whole cloud: all', server('name-a'), nothingTagged, 'yes'],
    ['flavour tagged', server('name-ha'), flavorTagged, 'yes'],
    ['another flavour is tagged', server('name-a'), flavorTagged, 'no'],
    ['image tagged', server('name-a', 'tagged'), imageTagged, 'yes'],
    ['another image is tagged', server('name-a'), imageTagged, 'no'],
    ['booted from a volume, an image is tagged', server('name-a', null), imageTagged, 'no'],
    ['booted from a volume, flavour tagged', server('name-ha', null), flavorTagged, 'yes'],
    [
      'flavour deleted since, tagged in the copy Nova keeps',
      server('name-x', null, { evacuable: 'true' }),
      flavorTagged,
      'yes',
    ],
    ['flavour deleted since, not tagged', server('name-x', null, {}), flavorTagged, 'no'],
    [
      'flavour changed since: the live one counts',
      server('name-a', null, { evacuable: 'true' }),
      flavorTagged,
      'no',
    ],
    ['flavours cannot be read', server('name-a'), { flavors: null, taggedImages: [] }, 'undecided'],
    ['images cannot be read', server('name-a'), { flavors: [flavor('a')], taggedImages: null }, 'undecided'],
    [
      'flavours cannot be read, image tagged',
      server('name-a', 'tagged'),
      { flavors: null, taggedImages: [image] },
      'yes',
    ],
    [
      'images cannot be read, flavour tagged',
      server('name-ha'),
      { ...flavorTagged, taggedImages: null },
      'yes',
    ],
    [
      'flavours cannot be read, tagged in the copy',
      server('x', null, { evacuable: 'true' }),
      { flavors: null, taggedImages: [] },
      'yes',
    ],
  ])('%s', (_what, one, facts, expected) => {
    expect(select(one, facts).kind).toBe(expected);
  });

  test('by the id of the flavour below 2.47', () => {
    const old = { ...server('name-a'), flavor: { id: 'ha', name: null, extraSpecs: null } };
    expect(select(old, flavorTagged).kind).toBe('yes');
    expect(select({ ...old, flavor: { ...old.flavor, id: 'a' } }, flavorTagged).kind).toBe('no');
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
    const facts: SelectionFacts = { flavors: [flavor('ha', { evacuable: value })], taggedImages: [image] };
    expect(select(server('name-ha'), facts).kind).toBe(tagged ? 'yes' : 'no');
  });

  test('the key is exact', () => {
    const facts: SelectionFacts = {
      flavors: [flavor('a', { Evacuable: 'true', 'x:evacuable': 'true' })],
      taggedImages: [],
    };
    // Nothing is tagged, so all are evacuated.
    expect(select(server('name-a'), facts).kind).toBe('yes');
    expect(select(server('name-a'), { ...facts, taggedImages: [image] }).kind).toBe('no');
  });

  test('a refusal names the rule', () => {
    expect(select(server('name-a'), flavorTagged)).toEqual({
      kind: 'no',
      rule: 'neither its flavour (extra spec evacuable=true) nor its image (tag evacuable) is tagged, others are',
    });
  });
});
