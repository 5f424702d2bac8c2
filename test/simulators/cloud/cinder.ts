import type { ApiReply, ApiRequest, Handler, JsonObject } from './http.ts';
import { isObject, parseJson } from './http.ts';
import type { Keystone, Token } from './keystone.ts';
import type { Volume } from './model.ts';
import { tokenRefused } from './tokenRefused.ts';
import type { World } from './world.ts';

/**
 * As much of the Block Storage API v3 as tells which volumes were made from an image, and which servers boot from them.
 * There is no Cinder in the lab: this follows its source (cinder/api/v3/volumes.py), not observation.
 */
export function cinderHandler(world: World, keystone: Keystone, authUrl: () => string): Handler {
  return (request) => {
    const path = request.path.replace(/\/+$/, '');
    const newest = world.knobs.cinderMicroversion;
    if (path === '') return { ...reply(request, 0, versions(request, newest)), status: 300 };
    const token = keystone.validate(request.headers['x-auth-token']);
    if (token === undefined) return tokenRefused(request, authUrl());
    const minor = requestedMinor(request, newest);
    if (typeof minor !== 'number') return minor;
    const project = token.project?.id;
    const match = /^\/v3\/([^/]+)\/volumes(?:\/([^/]+))?$/.exec(path);
    if (match === null || request.method !== 'GET') {
      return refusal(request, 404, 'itemNotFound', 'The resource could not be found.');
    }
    if (match[1] !== project) return refusal(request, 400, 'badRequest', 'Malformed request url');
    const id = match[2];
    if (id === undefined || id === 'detail') return list(world, request, token, minor, id === 'detail');
    const volume = world.volumes.get(id);
    if (volume === undefined || !(isAdmin(token) || volume.projectId === project)) {
      return refusal(request, 404, 'itemNotFound', `Volume ${id} could not be found.`);
    }
    return reply(request, minor, { volume: show(world, request, token, volume) });
  };
}

const isAdmin = (token: Token) => token.roles.includes('admin');

/** Newest first. All projects' for administrators who ask so; others get their own whatever they ask. */
function list(world: World, request: ApiRequest, token: Token, minor: number, detail: boolean): ApiReply {
  const { query } = request;
  const all = isAdmin(token) && ['1', 'true', 'True'].includes(query.get('all_tenants') ?? '');
  const filter = metadataFilter(query.get('glance_metadata'), minor, isAdmin(token));
  const volumes = [...world.volumes.values()]
    .reverse()
    .filter((volume) => (all || volume.projectId === token.project?.id) && bears(volume, filter));
  const limit = Math.min(Number(query.get('limit') ?? world.knobs.maxLimit), world.knobs.maxLimit);
  const marker = query.get('marker');
  const start = marker === null ? 0 : volumes.findIndex((volume) => volume.id === marker) + 1;
  if (marker !== null && start === 0) {
    return refusal(request, 404, 'itemNotFound', `Volume ${marker} could not be found.`);
  }
  const page = volumes.slice(start, start + limit);
  const last = page.at(-1);
  const json: Record<string, unknown> = {
    volumes: page.map((volume) =>
      detail ? show(world, request, token, volume) : { id: volume.id, name: volume.name },
    ),
  };
  // As in Nova: a full page has the link whether or not anything follows.
  if (last !== undefined && page.length === limit) {
    const next = new URLSearchParams([...query].filter(([key]) => key !== 'marker'));
    next.set('marker', last.id);
    json['volumes_links'] = [{ rel: 'next', href: `${request.origin}${request.path}?${next.toString()}` }];
  }
  return reply(request, minor, json);
}

/**
 * `glance_metadata={"evacuable": "true"}`. Dropped without a word below 3.4, and for whoever is no administrator; what
 * is no dictionary of text finds nothing.
 */
function metadataFilter(given: string | null, minor: number, admin: boolean): JsonObject | null | undefined {
  if (given === null || minor < 4 || !admin) return undefined;
  // Cinder reads it as a literal of Python's; quotes aside that is the same for a dictionary of text.
  const parsed = parseJson(given) ?? parseJson(given.replaceAll("'", '"'));
  return isObject(parsed) ? parsed : null;
}

/** Letter case as a database of MySQL compares. */
function bears(volume: Volume, filter: JsonObject | null | undefined): boolean {
  if (filter === undefined) return true;
  if (filter === null) return false;
  return Object.entries(filter).every(
    ([key, value]) => volume.imageMetadata[key]?.toLowerCase() === String(value).toLowerCase(),
  );
}

function show(world: World, request: ApiRequest, token: Token, volume: Volume): unknown {
  const created = `${new Date(volume.createdAt).toISOString().slice(0, 19)}.000000`;
  const url = `${request.origin}/v3/${token.project?.id ?? ''}/volumes/${volume.id}`;
  const attached = [...volume.serverIds];
  return {
    id: volume.id,
    name: volume.name,
    description: null,
    status: attached.length > 0 ? 'in-use' : 'available',
    size: volume.sizeGb,
    availability_zone: 'nova',
    created_at: created,
    updated_at: created,
    attachments: attached.map((serverId, index) => ({
      id: volume.id,
      attachment_id: `${volume.id.slice(0, -4)}${String(index).padStart(4, '0')}`,
      volume_id: volume.id,
      server_id: serverId,
      host_name: world.servers.get(serverId)?.host ?? null,
      device: '/dev/vda',
      attached_at: created,
    })),
    bootable: volume.bootable ? 'true' : 'false',
    encrypted: false,
    multiattach: false,
    metadata: {},
    volume_type: '__DEFAULT__',
    snapshot_id: null,
    source_volid: null,
    user_id: 'admin',
    replication_status: null,
    consistencygroup_id: null,
    ...(Object.keys(volume.imageMetadata).length > 0 ? { volume_image_metadata: volume.imageMetadata } : {}),
    ...(isAdmin(token) ? { 'os-vol-tenant-attr:tenant_id': volume.projectId } : {}),
    links: [{ rel: 'self', href: url }],
  };
}

function versions(request: ApiRequest, newest: string): unknown {
  return {
    versions: [
      {
        id: 'v3.0',
        status: 'CURRENT',
        version: newest,
        min_version: '3.0',
        updated: '2022-03-30T00:00:00Z',
        links: [{ rel: 'self', href: `${request.origin}/v3/` }],
        'media-types': [
          { base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' },
        ],
      },
    ],
  };
}

/** The minor number of `OpenStack-API-Version: volume 3.N`, or the refusal. */
function requestedMinor(request: ApiRequest, newest: string): number | ApiReply {
  const max = Number(newest.split('.')[1]);
  const named = /(?:^|,)\s*volume\s+([^,]+)/
    .exec(request.headers['openstack-api-version'] ?? '')?.[1]
    ?.trim();
  if (named === undefined) return 0;
  if (named === 'latest') return max;
  const parts = /^(\d+)\.(\d+)$/.exec(named);
  if (parts === null) {
    return refusal(
      request,
      400,
      'badRequest',
      `API Version String ${named} is of invalid format. Must be of format MajorNum.MinorNum.`,
    );
  }
  const minor = Number(parts[2]);
  if (parts[1] === '3' && minor <= max) return minor;
  return refusal(
    request,
    406,
    'computeFault',
    `Version ${named} is not supported by the API. Minimum is 3.0 and maximum is ${newest}.`,
  );
}

function reply(request: ApiRequest, minor: number, json: unknown): ApiReply {
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/json',
      'OpenStack-API-Version': `volume 3.${minor}`,
      Vary: 'OpenStack-API-Version',
      'x-openstack-request-id': request.requestId,
      'x-compute-request-id': request.requestId,
    },
    json,
  };
}

function refusal(request: ApiRequest, status: number, kind: string, message: string): ApiReply {
  return { ...reply(request, 0, { [kind]: { code: status, message } }), status };
}
