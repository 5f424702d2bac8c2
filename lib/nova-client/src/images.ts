/** Images and what their owners say of them, from Glance. */
import type { Field } from './decode.ts';
import { everyPage, type Query, queryOf } from './paging.ts';
import { decode } from './requester.ts';
import type { Session } from './session.ts';
import type { Answer } from './transport.ts';
import type { CallOptions, Image } from './types.ts';

/** Images that bear the tag. */
export async function listImagesByTag(
  session: Session,
  endpoint: URL,
  tag: string,
  options?: CallOptions,
): Promise<readonly Image[]> {
  const images = await list(session, endpoint, { tag }, `with tag ${tag}`, options);
  return images.filter((image) => image.tags.includes(tag));
}

/**
 * Images with the property. Letter case is left to Glance: its database is the one that compares, and those of MySQL
 * do not heed it. A name of Glance's own (`status`, `owner`) is no property and finds nothing.
 */
export async function listImagesByProperty(
  session: Session,
  endpoint: URL,
  name: string,
  value: string,
  options?: CallOptions,
): Promise<readonly Image[]> {
  if (ownAttributes.has(name) || ownParameters.has(name)) return [];
  const images = await list(session, endpoint, { [name]: value }, `with property ${name}=${value}`, options);
  return images.filter((image) => image.properties[name]?.toLowerCase() === value.toLowerCase());
}

export async function getImage(
  session: Session,
  endpoint: URL,
  id: string,
  options?: CallOptions,
): Promise<Image> {
  const path = `/v2/images/${encodeURIComponent(id)}`;
  return decode(await ask(session, endpoint, path, {}, `show image ${id}`, options), readImage);
}

/**
 * Glance leaves hidden images out of a plain list, and servers booted before their image was hidden go on bearing
 * it, so hidden images are asked for as well.
 */
async function list(
  session: Session,
  endpoint: URL,
  filter: Query,
  which: string,
  options?: CallOptions,
): Promise<readonly Image[]> {
  const purpose = `list the images ${which}`;
  const images = new Map<string, Image>();
  for (const query of [filter, { ...filter, os_hidden: 'true' }]) {
    const found = await everyPage(
      query,
      async (page) =>
        decode(await ask(session, endpoint, '/v2/images', page, purpose, options), (body) => ({
          items: body.get('images').list(readImage),
          next: queryOf(body.get('next').stringOrNull()),
        })),
      `Glance sent a malformed answer when asked to ${purpose}`,
    );
    for (const image of found) images.set(image.id, image);
  }
  return [...images.values()];
}

function ask(
  session: Session,
  endpoint: URL,
  path: string,
  query: Query,
  purpose: string,
  options?: CallOptions,
): Promise<Answer> {
  const url = new URL(endpoint);
  // The catalogue has the address with and without the version.
  url.pathname = `${endpoint.pathname.replace(/\/+$/, '').replace(/\/v\d(\.\d+)?$/, '')}${path}`;
  url.search = new URLSearchParams(query).toString();
  return session.send(
    { service: 'Glance', purpose, method: 'GET', url, headers: {}, changesState: false, repeat: 'safe' },
    session.requester.bounds(options),
  );
}

/**
 * Members of an image that are Glance's own (glance/schema, `GET /v2/schemas/image`); all others are properties that
 * somebody gave it.
 */
const ownAttributes: ReadonlySet<string> = new Set([
  'id',
  'name',
  'status',
  'visibility',
  'protected',
  'os_hidden',
  'checksum',
  'os_hash_algo',
  'os_hash_value',
  'owner',
  'size',
  'virtual_size',
  'container_format',
  'disk_format',
  'created_at',
  'updated_at',
  'tags',
  'direct_url',
  'locations',
  'min_ram',
  'min_disk',
  'self',
  'file',
  'schema',
  'stores',
]);

/** What Glance takes in a query for something else than a property. */
const ownParameters: ReadonlySet<string> = new Set([
  'limit',
  'marker',
  'sort',
  'sort_key',
  'sort_dir',
  'tag',
  'member_status',
  'size_min',
  'size_max',
]);

function readImage(image: Field): Image {
  const tags = image.get('tags');
  const properties = Object.entries(image.texts()).filter(([name]) => !ownAttributes.has(name));
  return {
    id: image.get('id').string(),
    name: image.get('name').stringOrNull(),
    tags: tags.isNothing ? [] : tags.list((tag) => tag.string()),
    properties: Object.fromEntries(properties),
  };
}
