import { connect } from '@openstack-ts/nova-client';
import { describe, expect, it } from 'vitest';
import { type CloudOptions, cloud, surroundings } from './loopback.ts';
import { image } from './records.ts';

describe('images by tag', () => {
  it.each(['/image', '/image/', '/image/v2', '/image/v2/'])(
    'are found behind %s, hidden ones too',
    async (path) => {
      const one = await cloud({
        catalogue: (url) => [
          { type: 'compute', endpoints: [{ interface: 'internal', region: 'one', url: `${url}/v2.1` }] },
          { type: 'image', endpoints: [{ interface: 'internal', region: 'one', url: url + path }] },
        ],
        answer: (seen) => {
          if (!seen.path.startsWith('/image/v2/images?')) return null;
          if (seen.path.includes('os_hidden')) return { body: { images: [image({ id: 'old' }), image()] } };
          if (seen.path.includes('marker'))
            return { body: { images: [image({ id: 'other', tags: ['Evacuable'] })] } };
          return { body: { images: [image()], next: '/v2/images?tag=evacuable&marker=fefd' } };
        },
      });
      const nova = await connect(one.config, surroundings());
      expect(await nova.listImagesByTag('evacuable')).toEqual([
        {
          id: 'fefdf743-67a8-4c5d-8e1e-cdd65144c01f',
          name: 'cirros-evacuable',
          tags: ['evacuable'],
          properties: {},
        },
        { id: 'old', name: 'cirros-evacuable', tags: ['evacuable'], properties: {} },
      ]);
      expect(one.calls()).toEqual([
        'GET /image/v2/images?tag=evacuable',
        'GET /image/v2/images?tag=evacuable&marker=fefd',
        'GET /image/v2/images?tag=evacuable&os_hidden=true',
      ]);
    },
  );

  it('of a wrong shape are an error that names the field', async () => {
    const one = await cloud({
      answer: (seen) =>
        seen.path.startsWith('/image/v2') ? { body: { images: [image({ tags: 'evacuable' })] } } : null,
    });
    const nova = await connect(one.config, surroundings());
    await expect(nova.listImagesByTag('evacuable')).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringMatching(
        /^Glance at .*: images\[0\]\.tags is the string "evacuable", a list was expected$/,
      ),
    });
  });
});

async function glance(answer: NonNullable<CloudOptions['answer']>) {
  const one = await cloud({ answer });
  return { one, nova: await connect(one.config, surroundings()) };
}

describe('images by property', () => {
  it('are found with their properties, hidden ones too', async () => {
    const { one, nova } = await glance((seen) => {
      if (!seen.path.startsWith('/image/v2/images?')) return null;
      if (seen.path.includes('os_hidden')) {
        return { body: { images: [image({ id: 'old', os_hidden: true, evacuable: 'false' })] } };
      }
      return { body: { images: [image({ evacuable: 'false', kernel_id: null, hw_disk_bus: 'virtio' })] } };
    });
    expect(await nova.listImagesByProperty('evacuable', 'false')).toEqual([
      {
        id: 'fefdf743-67a8-4c5d-8e1e-cdd65144c01f',
        name: 'cirros-evacuable',
        tags: ['evacuable'],
        properties: { evacuable: 'false', hw_disk_bus: 'virtio' },
      },
      { id: 'old', name: 'cirros-evacuable', tags: ['evacuable'], properties: { evacuable: 'false' } },
    ]);
    expect(one.calls()).toEqual([
      'GET /image/v2/images?evacuable=false',
      'GET /image/v2/images?evacuable=false&os_hidden=true',
    ]);
  });

  it('are those that bear it, whatever Glance sends; letter case is left to its database', async () => {
    const { nova } = await glance((seen) =>
      seen.path.startsWith('/image/v2/images?')
        ? {
            body: {
              images: [
                image({ id: 'a', evacuable: 'False' }),
                image({ id: 'b', evacuable: 'true' }),
                image({ id: 'c' }),
              ],
            },
          }
        : null,
    );
    expect((await nova.listImagesByProperty('evacuable', 'false')).map(({ id }) => id)).toEqual(['a']);
  });

  it.each(['owner', 'status', 'limit', 'os_hidden'])(
    "cannot be asked for by %s, which is Glance's own",
    async (name) => {
      const { one, nova } = await glance(() => null);
      expect(await nova.listImagesByProperty(name, 'x')).toEqual([]);
      expect(one.calls()).toEqual([]);
    },
  );
});

describe('an image', () => {
  it("is shown with what is not Glance's own", async () => {
    const { one, nova } = await glance((seen) =>
      seen.path === '/image/v2/images/i%2F1'
        ? {
            body: image({
              checksum: 'b6d81b36',
              os_hash_algo: 'sha512',
              os_hash_value: 'd6292685',
              owner: '6ed5c9b5bd574ec68fc1d93c9a4cc779',
              self: '/v2/images/fefdf743-67a8-4c5d-8e1e-cdd65144c01f',
              file: '/v2/images/fefdf743-67a8-4c5d-8e1e-cdd65144c01f/file',
              schema: '/v2/schemas/image',
              stores: 'fs',
              min_ram: 0,
              evacuable: 'true',
              architecture: 'x86_64',
            }),
          }
        : null,
    );
    expect((await nova.getImage('i/1')).properties).toEqual({ evacuable: 'true', architecture: 'x86_64' });
    expect(one.calls()).toEqual(['GET /image/v2/images/i%2F1']);
  });

  it('that is gone is notFound, in the HTML of Glance', async () => {
    const { nova } = await glance((seen) =>
      seen.path.startsWith('/image')
        ? {
            status: 404,
            headers: { 'content-type': 'text/html' },
            body: '<html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1>No image found with ID i-1</body></html>',
          }
        : null,
    );
    await expect(nova.getImage('i-1')).rejects.toMatchObject({
      code: 'notFound',
      message: 'Glance refused to show image i-1: 404 Not Found No image found with ID i-1 (HTTP 404)',
    });
  });
});
