import { NovaError, type NovaErrorCode, type Server } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { questionsOf } from '../../../../lib/evacuation/judge/criteria.ts';
import { parsePolicy } from '../../../../lib/evacuation/judge/policy.ts';
import { isUnknown, type Known } from '../../../../lib/evacuation/look/known.ts';
import { says } from '../../../../lib/evacuation/look/policyFacts.ts';
import type { PolicyQuestions } from '../../../../lib/evacuation/look/policyReader.ts';
import { PolicyReader } from '../../../../lib/evacuation/look/policyReader.ts';
import { aFlavor, anAggregate, anImage, aServer, aVolume, FakeLists, type Lists } from '../fakeLists.ts';

function questions(values: {
  readonly include?: string;
  readonly exclude?: string;
  readonly priority?: string;
  readonly no_image_tags?: boolean;
}): PolicyQuestions {
  const parsed = parsePolicy({ include: '', exclude: '', priority: '', other_states: 'leave', ...values });
  if ('error' in parsed) throw new Error(parsed.error);
  return questionsOf(parsed.policy);
}

function setup(
  lists: Partial<Lists> = {},
  fails: Readonly<Record<string, NovaErrorCode>> = {},
  values: Parameters<typeof questions>[0] = {},
) {
  const cloud = new FakeLists(lists, fails);
  const reader = new PolicyReader(cloud, questions(values), {});
  const said: [string, string][] = [];
  return {
    cloud,
    said,
    read: (servers: readonly Server[]) => reader.factsFor(servers, (...one) => said.push(one)),
    asked: (method: string) => cloud.asked.filter((one) => one.startsWith(method)),
  };
}

function readValue<T>(known: Known<T>): T {
  if (isUnknown(known)) throw new Error(known.unknown);
  return known.value;
}

const byImage = aServer({ id: 'a', imageId: 'i1' });
const byVolume = aServer({ id: 'b', imageId: null, volumeIds: ['v1'] });
const always = [
  'listAggregates',
  'listFlavors',
  'listImagesByProperty evacuable=FALSE',
  'listImagesByProperty evacuable=False',
  'listImagesByProperty evacuable=TRUE',
  'listImagesByProperty evacuable=True',
  'listImagesByProperty evacuable=false',
  'listImagesByProperty evacuable=true',
  'listImagesByTag evacuable',
];

describe('only what is needed is asked for', () => {
  test('without rules: tags, and nothing of single images, volumes or projects', async () => {
    const { cloud, read } = setup();
    await read([byImage]);
    expect(cloud.asked.toSorted()).toEqual(always);
  });

  test('where no image is tagged: neither Glance nor Cinder, unless a rule asks for an image', async () => {
    const { cloud, read } = setup({}, {}, { no_image_tags: true });
    const facts = await read([byImage, byVolume]);
    expect(cloud.asked.toSorted()).toEqual(['listAggregates', 'listFlavors']);
    expect([readValue(facts.taggedImages).size, readValue(facts.volumes).false.size]).toEqual([0, 0]);
    const ruled = setup({}, {}, { no_image_tags: true, exclude: 'image=cirros' });
    await ruled.read([byImage, byVolume]);
    expect(ruled.cloud.asked.toSorted()).toEqual([
      'getImage i1',
      'getVolume v1',
      'listAggregates',
      'listFlavors',
    ]);
  });

  test('volumes once an instance boots from one', async () => {
    const { cloud, read, asked } = setup();
    await read([byImage]);
    expect(asked('listVolumes')).toEqual([]);
    await read([byImage, byVolume]);
    expect(asked('listVolumes')).toHaveLength(6);
    await read([byVolume]);
    expect(cloud.asked).toHaveLength(always.length + 6);
  });

  test('volumes of each tagged image, as tags are not copied into volumes', async () => {
    const images = [
      anImage('i1', { tags: ['evacuable'] }),
      anImage('i2', { properties: { evacuable: 'true' } }),
    ];
    const { read, asked } = setup({ images });
    await read([byVolume]);
    expect(asked('listVolumesByImageProperty image_id')).toEqual(['listVolumesByImageProperty image_id=i1']);
  });

  test.each([
    [{ exclude: 'name=x,zone=y,aggregate=z,flavor=f metadata:a=b,flavor:c=d' }, [], []],
    [{ exclude: 'project=gold' }, ['listProjects'], []],
    [{ include: 'project=0123456789abcdef0123456789abcdef' }, [], []],
    [{ priority: 'project=*:7' }, ['listProjects'], []],
    [{ exclude: 'image=x' }, ['getImage i1'], ['getVolume v1']],
    [{ include: 'image:x=y' }, ['getImage i1'], ['getVolume v1']],
    [{ priority: 'image=x:7' }, ['getImage i1'], ['getVolume v1']],
    // The id of an image is known of an instance that boots from it.
    [{ exclude: 'image=01234567-89ab-cdef-0123-456789abcdef' }, [], ['getVolume v1']],
  ])('%j', async (rules, forImage, forVolume) => {
    const { cloud, read } = setup({ images: [anImage('i1')] }, {}, rules);
    await read([byImage]);
    expect(cloud.asked.toSorted()).toEqual([...always, ...forImage].toSorted());
    await read([byImage, byVolume]);
    const further = cloud.asked.slice(always.length + forImage.length);
    expect(further.filter((one) => !one.startsWith('listVolumes'))).toEqual(forVolume);
  });

  test('each once, by however many hosts at the same time', async () => {
    const { cloud, read } = setup({ images: [anImage('i1')] }, {}, { exclude: 'image=x project=y' });
    const [first, second] = await Promise.all([read([byImage, byVolume]), read([byVolume, byImage])]);
    expect(first).toEqual(second);
    expect(new Set(cloud.asked).size).toBe(cloud.asked.length);
  });

  test('not too many single ones at the same time', async () => {
    const servers = Array.from({ length: 100 }, (_, index) =>
      aServer({ id: `s${index}`, imageId: `i${index}` }),
    );
    const { cloud, read, asked } = setup({}, {}, { exclude: 'image=x' });
    await read([byImage]);
    cloud.atOnceMax = 0;
    await read(servers);
    expect(asked('getImage')).toHaveLength(100);
    expect(cloud.atOnceMax).toBe(8);
  });
});

describe('what is read', () => {
  test('of tags, in every spelling that people use', async () => {
    const words = ['true', 'True', 'TRUE', 'false', 'False', 'FALSE', 'yes'];
    const images = [
      ...words.map((word) => anImage(word, { name: `name-${word}`, properties: { evacuable: word } })),
      anImage('tagged', { tags: ['evacuable'] }),
    ];
    const volumes = [
      ...words.map((word) => aVolume(`v-${word}`, `s-${word}`, { evacuable: word })),
      aVolume('v-tagged', 's-tagged', { image_id: 'tagged' }),
      aVolume('v-data', 's-data', { evacuable: 'false' }, { bootable: false }),
    ];
    const facts = await setup({ images, volumes }).read([byVolume]);
    expect([...readValue(facts.images.true)]).toEqual(
      words.slice(0, 3).map((word) => [word, `name-${word}`]),
    );
    expect([...readValue(facts.images.false).keys()]).toEqual(words.slice(3, 6));
    expect([...readValue(facts.taggedImages)]).toEqual(['tagged']);
    const found = readValue(facts.volumes);
    expect([...found.true]).toEqual(words.slice(0, 3).flatMap((word) => [`v-${word}`, `s-${word}`]));
    expect([...found.false]).toEqual(words.slice(3, 6).flatMap((word) => [`v-${word}`, `s-${word}`]));
    expect([...found.ofTaggedImages]).toEqual(['v-tagged', 's-tagged']);
  });

  test('is checked: a cloud that drops a filter lists what was not asked for', async () => {
    const cloud = new FakeLists({
      images: [anImage('i1')],
      volumes: [aVolume('v1', 'b', { image_id: 'i1' })],
    });
    cloud.listImagesByProperty = async () => [anImage('i1', { properties: { evacuable: 'maybe' } })];
    cloud.listVolumesByImageProperty = async () => [aVolume('v1', 'b', { image_id: 'i9' })];
    cloud.listImagesByTag = async () => [anImage('i1', { tags: ['evacuable'] })];
    const facts = await new PolicyReader(cloud, questions({}), {}).factsFor([byVolume], () => undefined);
    expect(readValue(facts.images.true).size + readValue(facts.images.false).size).toBe(0);
    expect(readValue(facts.volumes)).toEqual({
      true: new Set(),
      false: new Set(),
      ofTaggedImages: new Set(),
    });
  });

  test('of aggregates, projects, images and volumes by id', async () => {
    const { read } = setup(
      {
        aggregates: [anAggregate('ssd', ['Comp0'], { a: 'b' })],
        projects: [{ id: 'p1', name: 'gold' }],
        images: [anImage('i1', { name: 'debian', properties: { os: 'linux' } })],
        volumes: [aVolume('v1', 'b', { image_name: 'pg', image_id: 'i7' }), aVolume('v2', 'b')],
      },
      {},
      { exclude: 'image=x project=y' },
    );
    const facts = await read([byImage, { ...byVolume, volumeIds: ['v1', 'v2', 'gone'] }]);
    expect(readValue(facts.aggregates)).toEqual([
      { name: 'ssd', metadata: { a: 'b' }, hosts: new Set(['comp0']) },
    ]);
    expect(readValue(facts.projectNames)).toEqual(new Map([['p1', 'gold']]));
    expect(facts.imageFacts).toEqual(
      new Map([['i1', { value: { names: ['i1', 'debian'], properties: { os: 'linux' } } }]]),
    );
    const pg = { names: ['i7', 'pg'], properties: { image_name: 'pg', image_id: 'i7' } };
    expect(facts.volumeImages).toEqual(
      new Map([
        ['v1', { value: pg }],
        ['v2', { value: null }],
        ['gone', { value: null }],
      ]),
    );
  });

  test('a program error is none of the cloud', async () => {
    const cloud = new FakeLists();
    cloud.listFlavors = async () => {
      throw new TypeError('ours');
    };
    const reader = new PolicyReader(cloud, questions({}), {});
    await expect(reader.factsFor([], () => undefined)).rejects.toThrow(TypeError);
  });
});

/** What becomes of volumes that cannot be listed, by what else is in the cloud. */
describe('volumes that cannot be read', () => {
  const none = {};
  const taggedFlavor = {
    flavors: [aFlavor('ha', { evacuable: 'true' }), aFlavor('lab', { evacuable: 'false' })],
  };
  const taggedAggregate = { aggregates: [anAggregate('a', ['comp0'], { evacuable: 'true' })] };
  const taggedImage = { images: [anImage('i1', { tags: ['evacuable'] })] };
  const saysYes = { images: [anImage('i1', { properties: { evacuable: 'True' } })] };
  const saysNo = { images: [anImage('i1', { properties: { evacuable: 'false' } })] };

  test.each<[string, Partial<Lists>, Record<string, NovaErrorCode>, 'none' | 'unknown']>([
    ['refused, nothing is tagged', none, { listVolumesByImageProperty: 'forbidden' }, 'none'],
    ['refused, flavours are tagged', taggedFlavor, { listVolumesByImageProperty: 'forbidden' }, 'none'],
    ['refused, aggregates are tagged', taggedAggregate, { listVolumesByImageProperty: 'forbidden' }, 'none'],
    ['refused, an image is tagged', taggedImage, { listVolumesByImageProperty: 'forbidden' }, 'unknown'],
    ['refused, an image says yes', saysYes, { listVolumesByImageProperty: 'forbidden' }, 'unknown'],
    ['refused, an image says no', saysNo, { listVolumesByImageProperty: 'forbidden' }, 'unknown'],
    [
      'refused, and whether images are tagged is not known',
      none,
      { listVolumesByImageProperty: 'forbidden', listImagesByTag: 'serverError' },
      'unknown',
    ],
    [
      'refused, and image properties are refused as well',
      none,
      { listVolumesByImageProperty: 'forbidden', listImagesByProperty: 'forbidden' },
      'none',
    ],
    ['an old Cinder without the address', none, { listVolumesByImageProperty: 'notFound' }, 'none'],
    ['one that knows no such filter', none, { listVolumesByImageProperty: 'badRequest' }, 'none'],
    ['no Cinder, an image is tagged', taggedImage, { listVolumesByImageProperty: 'noEndpoint' }, 'none'],
    ['out of order', none, { listVolumesByImageProperty: 'serverError' }, 'unknown'],
    ['out of reach', none, { listVolumesByImageProperty: 'unreachable' }, 'unknown'],
    ['too slow', none, { listVolumesByImageProperty: 'timeout' }, 'unknown'],
    ['with a certificate that is not trusted', none, { listVolumesByImageProperty: 'tls' }, 'unknown'],
    ['not understood', none, { listVolumesByImageProperty: 'malformed' }, 'unknown'],
    ['the token is refused', none, { listVolumesByImageProperty: 'authFailed' }, 'unknown'],
  ])('%s: %s', async (_what, lists, fails, expected) => {
    const { read, said } = setup(lists, fails);
    const { volumes } = await read([byVolume]);
    expect(isUnknown(volumes) ? 'unknown' : 'none').toBe(expected);
    const silent = fails['listVolumesByImageProperty'] === 'noEndpoint';
    expect(said.filter(([what]) => what === 'volumes')).toHaveLength(silent ? 0 : 1);
  });

  test('what is said, once', async () => {
    const refused = setup({}, { listVolumesByImageProperty: 'forbidden' });
    await refused.read([byVolume]);
    await refused.read([byVolume]);
    expect(refused.said).toEqual([
      [
        'volumes',
        "The volumes could not be read, so that tags on them do not count; give the agents' user the right to list them if any should: listVolumesByImageProperty ends in forbidden.",
      ],
    ]);
    const away = setup({}, { listVolumesByImageProperty: 'timeout' });
    await away.read([byVolume]);
    expect(away.said).toEqual([
      [
        'volumes',
        'The volumes could not be read, so instances whose selection depends on them wait: listVolumesByImageProperty ends in timeout. If no image in this cloud is tagged evacuable: no_image_tags=1.',
      ],
    ]);
  });
});

test('the same sentence at every pass, whatever the id of the request', async () => {
  const sentences = new Set<string>();
  for (const requestId of ['req-1', 'req-2']) {
    const cloud = new FakeLists();
    cloud.listAggregates = async () => {
      throw new NovaError('forbidden', `Nova refused to list the aggregates (HTTP 403, ${requestId})`, {
        requestId,
      });
    };
    await new PolicyReader(cloud, questions({}), {}).factsFor([], (_what, sentence) =>
      sentences.add(sentence),
    );
  }
  expect([...sentences]).toEqual([
    "The aggregates could not be read, so that tags on them do not count; give the agents' user the right to list them if any should: Nova refused to list the aggregates (HTTP 403).",
  ]);
});

describe('other lists that cannot be read', () => {
  test.each<[string, 'forbidden' | 'unreachable' | 'noEndpoint', string, 'none' | 'unknown']>([
    ['listFlavors', 'forbidden', '', 'unknown'],
    ['listImagesByTag', 'forbidden', '', 'unknown'],
    ['listImagesByTag', 'unreachable', '', 'unknown'],
    ['listImagesByTag', 'noEndpoint', '', 'none'],
    ['listImagesByProperty', 'forbidden', '', 'none'],
    ['listImagesByProperty', 'unreachable', '', 'unknown'],
    ['listImagesByProperty', 'noEndpoint', '', 'none'],
    ['listAggregates', 'forbidden', '', 'none'],
    ['listAggregates', 'forbidden', 'aggregate=x', 'unknown'],
    ['listAggregates', 'unreachable', '', 'unknown'],
    ['listProjects', 'forbidden', 'project=x', 'unknown'],
    ['listProjects', 'unreachable', 'project=x', 'unknown'],
  ])('%s %s, with rules %j: %s', async (method, code, include, expected) => {
    const { read } = setup({}, { [method]: code }, { include });
    const { flavors, taggedImages, images, aggregates, projectNames } = await read([byImage]);
    const parts = [flavors, taggedImages, images.true, images.false, aggregates, projectNames];
    expect(parts.some(isUnknown) ? 'unknown' : 'none').toBe(expected);
  });
});

test.each([
  [{ evacuable: 'true' }, true, false],
  [{ evacuable: ' False\t' }, false, true],
  [{ evacuable: 'untrue' }, false, false],
  [{ evacuable: '' }, false, false],
  [{ Evacuable: 'true', not_evacuable: 'false', 'evacuable ': 'true' }, false, false],
  [{}, false, false],
])('properties %j', (properties: Record<string, string>, yes, no) => {
  expect([says(properties, 'true'), says(properties, 'false')]).toEqual([yes, no]);
});
