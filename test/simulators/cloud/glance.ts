import type { ApiReply, ApiRequest, Handler } from './http.ts';
import type { Keystone } from './keystone.ts';
import type { Image } from './model.ts';
import type { World } from './world.ts';

/** As much of the Image API v2 as selecting instances by tag needs. Its 404 is HTML, as with the real one. */
export function glanceHandler(world: World, keystone: Keystone): Handler {
  return (request) => {
    const path = request.path.replace(/\/+$/, '');
    if (path === '' || path === '/versions') return versions(request);
    const token = keystone.validate(request.headers['x-auth-token']);
    if (token === undefined) {
      return {
        status: 401,
        headers: {
          'Content-Type': 'text/html; charset=UTF-8',
          'WWW-Authenticate': `Keystone uri="${request.origin}"`,
        },
        text: html(
          401,
          'Unauthorized',
          'This server could not verify that you are authorized to access the document you requested.',
        ),
      };
    }
    if (request.method === 'GET' && path === '/v2/images')
      return list(world, request, token.project?.id ?? null);
    const id = /^\/v2\/images\/([^/]+)$/.exec(path)?.[1];
    const image = id === undefined ? undefined : world.images.get(id);
    if (request.method === 'GET' && image !== undefined) {
      return { status: 200, headers: jsonHeaders(request), json: show(image) };
    }
    const text = html(
      404,
      'Not Found',
      id === undefined ? 'The resource could not be found.' : `No image found with ID ${id}`,
    );
    return { status: 404, headers: { 'Content-Type': 'text/html; charset=UTF-8' }, text };
  };
}

function versions(request: ApiRequest): ApiReply {
  const json = {
    versions: ['v2.15', 'v2.9', 'v2.0'].map((id, index) => ({
      id,
      status: index === 0 ? 'CURRENT' : 'SUPPORTED',
      links: [{ rel: 'self', href: `${request.origin}/v2/` }],
    })),
  };
  return { status: 300, headers: jsonHeaders(request), json };
}

/** Newest first, 25 a page unless asked otherwise; `next` carries the marker. */
function list(world: World, request: ApiRequest, project: string | null): ApiReply {
  let images = [...world.images.values()].reverse().filter((image) => matches(image, request, project));
  const limit = Math.min(Number(request.query.get('limit') ?? 25), world.knobs.maxLimit);
  const marker = request.query.get('marker');
  if (marker !== null) images = images.slice(images.findIndex((image) => image.id === marker) + 1);
  const page = images.slice(0, limit);
  const query = request.query.toString();
  const json: Record<string, unknown> = {
    images: page.map(show),
    first: `/v2/images${query === '' ? '' : `?${query}`}`,
    schema: '/v2/schemas/images',
  };
  const last = page.at(-1);
  if (last !== undefined && images.length > page.length) {
    const next = new URLSearchParams(request.query);
    next.set('marker', last.id);
    json['next'] = `/v2/images?${next.toString()}`;
  }
  return { status: 200, headers: jsonHeaders(request), json };
}

/** What Glance takes in a query for something else than a property. */
const parameters = new Set([
  'limit',
  'marker',
  'sort',
  'sort_key',
  'sort_dir',
  'tag',
  'visibility',
  'os_hidden',
  'name',
  'status',
  'owner',
  'member_status',
]);

/**
 * Hidden images on request alone, and those of a community only with `visibility` or to their owner
 * (glance/db/sqlalchemy/api.py). Every other name is a property. Values are compared by the database, which does not
 * heed letter case where it is MySQL.
 */
function matches(image: Image, { query }: ApiRequest, project: string | null): boolean {
  const same = (a: string | undefined, b: string) => a?.toLowerCase() === b.toLowerCase();
  if (image.hidden !== ((query.get('os_hidden') ?? 'false').toLowerCase() === 'true')) return false;
  const visibility = query.get('visibility');
  if (visibility === null && image.visibility === 'community' && image.owner !== project) return false;
  if (visibility !== null && visibility !== 'all' && image.visibility !== visibility) return false;
  const name = query.get('name');
  if (name !== null && !same(image.name, name)) return false;
  if (!query.getAll('tag').every((tag) => image.tags.some((each) => same(each, tag)))) return false;
  return [...query].every(([key, value]) => parameters.has(key) || same(image.properties[key], value));
}

function show(image: Image): unknown {
  const created = `${new Date(image.createdAt).toISOString().slice(0, 19)}Z`;
  return {
    ...image.properties,
    name: image.name,
    disk_format: 'raw',
    container_format: 'bare',
    visibility: image.visibility,
    size: 1048576,
    virtual_size: 1048576,
    status: 'active',
    checksum: 'b6d81b360a5672d80c27430f39153e2c',
    protected: false,
    min_ram: 0,
    min_disk: 0,
    owner: image.owner,
    os_hidden: image.hidden,
    os_hash_algo: 'sha512',
    os_hash_value: 'd6292685b380e338e025b3415a90fe8f9d39a46e7bdba8cb78c50a338cefca74',
    id: image.id,
    created_at: created,
    updated_at: created,
    tags: image.tags,
    self: `/v2/images/${image.id}`,
    file: `/v2/images/${image.id}/file`,
    schema: '/v2/schemas/image',
    stores: 'fs',
  };
}

function jsonHeaders(request: ApiRequest): Record<string, string> {
  return { 'Content-Type': 'application/json', 'X-Openstack-Request-Id': request.requestId };
}

function html(code: number, title: string, text: string): string {
  return `<html>\n <head>\n  <title>${code} ${title}</title>\n </head>\n <body>\n  <h1>${code} ${title}</h1>\n  ${text}<br /><br />\n\n\n </body>\n</html>`;
}
