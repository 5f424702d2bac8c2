import { connect, type NovaClient } from '@openstack-ts/nova-client';
import { describe, expect, it } from 'vitest';
import { type Cloud, cloud, type Reply, type Seen, surroundings } from './loopback.ts';
import { volume } from './records.ts';

type Address = readonly [type: string, path: string];

async function cinder(
  answer: (seen: Seen) => Reply | null,
  addresses: readonly Address[] = [['volumev3', '/volume/v3/abc']],
): Promise<{ one: Cloud; nova: NovaClient }> {
  const one = await cloud({
    catalogue: (url) =>
      [['compute', '/v2.1'] as const, ...addresses].map(([type, path]) => ({
        type,
        endpoints: [{ interface: 'internal', region: 'one', url: url + path }],
      })),
    answer: (seen) => answer(seen),
  });
  return { one, nova: await connect(one.config, surroundings()) };
}

const filter = encodeURIComponent('{"evacuable":"false"}');

describe('volumes by a property of their image', () => {
  it('are asked for by the filter of 3.4, of all projects, every page', async () => {
    const { one, nova } = await cinder((seen) => {
      if (!seen.path.startsWith('/volume/v3/abc/volumes/detail?')) return null;
      if (seen.path.includes('marker=')) {
        const loose = { id: 'v-2', bootable: 'false', attachments: [] };
        return { body: { volumes: [volume(loose)] } };
      }
      const href = `http://10.9.9.9:8776/v3/abc/volumes/detail?all_tenants=1&glance_metadata=${filter}&marker=v-1`;
      return { body: { volumes: [volume()], volumes_links: [{ rel: 'next', href }] } };
    });
    const imageProperties = {
      image_id: 'fefdf743-67a8-4c5d-8e1e-cdd65144c01f',
      image_name: 'cirros-evacuable',
      min_ram: '0',
      evacuable: 'false',
    };
    expect(await nova.listVolumesByImageProperty('evacuable', 'false')).toEqual([
      {
        id: '4ecb6e75-7a23-4b9a-a1d8-5a0e2dbcb2ef',
        bootable: true,
        serverIds: ['d15a8d3e-4c82-42dc-9c19-c087c63f49b3'],
        imageProperties,
      },
      { id: 'v-2', bootable: false, serverIds: [], imageProperties },
    ]);
    expect(one.calls()).toEqual([
      `GET /volume/v3/abc/volumes/detail?all_tenants=1&glance_metadata=${filter}`,
      `GET /volume/v3/abc/volumes/detail?all_tenants=1&glance_metadata=${filter}&marker=v-1`,
    ]);
    expect(one.seen.at(-1)?.headers).toMatchObject({
      'openstack-api-version': 'volume 3.4',
      'x-auth-token': 'token-1',
    });
  });

  it('of another value are left out; letter case is left to the database of Cinder', async () => {
    const of = (id: string, evacuable: string) => volume({ id, volume_image_metadata: { evacuable } });
    const { nova } = await cinder((seen) =>
      seen.path.includes('/volumes/') ? { body: { volumes: [of('a', 'FALSE'), of('b', 'true')] } } : null,
    );
    expect((await nova.listVolumesByImageProperty('evacuable', 'false')).map(({ id }) => id)).toEqual(['a']);
  });

  it.each([{ volume_image_metadata: undefined }, { volume_image_metadata: { image_id: 'i' } }])(
    'are not taken on trust from a Cinder that does not filter: %j',
    async (more) => {
      const { nova } = await cinder((seen) =>
        seen.path.includes('/volumes/') ? { body: { volumes: [volume(), volume(more)] } } : null,
      );
      await expect(nova.listVolumesByImageProperty('evacuable', 'false')).rejects.toMatchObject({
        code: 'forbidden',
        message:
          'Cinder lists volumes that do not show the image property evacuable which was asked for: ' +
          'this account may not filter by it or not see it, and has to be an administrator in Cinder',
      });
    },
  );

  it('are refused by a Cinder of before 3.4', async () => {
    const { nova } = await cinder((seen) =>
      seen.path.includes('/volumes/')
        ? {
            status: 406,
            body: {
              computeFault: {
                code: 406,
                message: 'Version 3.4 is not supported by the API. Minimum is 3.0 and maximum is 3.0.',
              },
            },
          }
        : null,
    );
    await expect(nova.listVolumesByImageProperty('evacuable', 'false')).rejects.toMatchObject({
      code: 'badRequest',
      status: 406,
      message: expect.stringContaining('list the volumes with image property evacuable=false: Version 3.4'),
    });
  });

  it('of a wrong shape are an error that names the field', async () => {
    const { nova } = await cinder((seen) =>
      seen.path.includes('/volumes/') ? { body: { volumes: [volume({ bootable: true })] } } : null,
    );
    await expect(nova.listVolumesByImageProperty('evacuable', 'false')).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringMatching(
        /^Cinder at .*: volumes\[0\]\.bootable is a boolean, a string was expected$/,
      ),
    });
  });

  it.each<readonly [string, readonly Address[]]>([
    ['/a/v3/abc', [['volumev3', '/a/v3/abc']]],
    ['/a/v3', [['block-storage', '/a/v3/']]],
    ['/a/v3', [['block-storage', '/a']]],
    ['/a/v3/abc', [['volume', '/a/v3/abc']]],
    [
      '/b/v3/abc',
      [
        ['volume', '/a/v1/abc'],
        ['block-storage', '/a/v3'],
        ['volumev3', '/b/v3/abc'],
      ],
    ],
    [
      '/b/v3',
      [
        ['volumev3', '/a/v2/abc'],
        ['volume', '/b/v3'],
      ],
    ],
  ])('are asked for at %s of %j', async (path, addresses) => {
    const { one, nova } = await cinder(
      (seen) => (seen.path.includes('/volumes/') ? { body: { volumes: [] } } : null),
      addresses,
    );
    await nova.listVolumesByImageProperty('evacuable', 'false');
    expect(one.calls()).toEqual([`GET ${path}/volumes/detail?all_tenants=1&glance_metadata=${filter}`]);
  });

  it.each<readonly [readonly Address[], string]>([
    [
      [],
      'The catalogue has no internal endpoint of type volumev3 or block-storage or volume; it has the service types compute',
    ],
    [
      [['volume', '/v1/abc']],
      'The catalogue has no internal endpoint of type volumev3 or block-storage or volume that can be used; ' +
        'for volumev3 or block-storage or volume it has internal in one',
    ],
  ])('cannot be asked for without a Cinder: %j', async (addresses, message) => {
    const { one, nova } = await cinder(() => null, addresses);
    await expect(nova.listVolumesByImageProperty('evacuable', 'false')).rejects.toMatchObject({
      code: 'noEndpoint',
      message,
    });
    await expect(nova.getVolume('v-1')).rejects.toMatchObject({ code: 'noEndpoint' });
    expect(one.calls()).toEqual([]);
  });
});

describe('a volume', () => {
  it('is shown with the properties of its image', async () => {
    const { one, nova } = await cinder((seen) =>
      seen.path === '/volume/v3/abc/volumes/v-1'
        ? { body: { volume: volume({ id: 'v-1', volume_image_metadata: { evacuable: 'true' } }) } }
        : null,
    );
    expect(await nova.getVolume('v-1')).toEqual({
      id: 'v-1',
      bootable: true,
      serverIds: ['d15a8d3e-4c82-42dc-9c19-c087c63f49b3'],
      imageProperties: { evacuable: 'true' },
    });
    expect(one.calls()).toEqual(['GET /volume/v3/abc/volumes/v-1']);
  });

  it('that was made from no image has none', async () => {
    const { volume_image_metadata: _, ...blank } = volume({ bootable: 'false' });
    const { nova } = await cinder((seen) =>
      seen.path.includes('/volumes/') ? { body: { volume: blank } } : null,
    );
    expect(await nova.getVolume('v-1')).toMatchObject({ bootable: false, imageProperties: {} });
  });

  it('that is gone is notFound', async () => {
    const { nova } = await cinder((seen) =>
      seen.path.includes('/volumes/')
        ? { status: 404, body: { itemNotFound: { code: 404, message: 'Volume v-1 could not be found.' } } }
        : null,
    );
    await expect(nova.getVolume('v-1')).rejects.toMatchObject({
      code: 'notFound',
      message: 'Cinder refused to show volume v-1: Volume v-1 could not be found (HTTP 404)',
    });
  });
});
