import type { ApiReply, ApiRequest, Handler } from '../http.ts';
import type { Keystone } from '../keystone.ts';
import { tokenRefused } from '../tokenRefused.ts';
import type { World } from '../world.ts';
import { listCandidates } from './candidates.ts';
import { malformed, PlacementError, type PlacementRequest, unacceptable } from './errors.ts';
import { listAllocations, listProviders, showInventories, showProvider, showUsages } from './providers.ts';

const id = '([^/]+)';
const routes: readonly (readonly [
  path: RegExp,
  since: number,
  operation: (context: PlacementRequest, id: string) => unknown,
])[] = [
  [/^\/allocation_candidates$/, 10, listCandidates],
  [/^\/resource_providers$/, 0, listProviders],
  [new RegExp(`^/resource_providers/${id}$`), 0, showProvider],
  [new RegExp(`^/resource_providers/${id}/allocations$`), 0, listAllocations],
  [new RegExp(`^/resource_providers/${id}/inventories$`), 0, showInventories],
  [new RegExp(`^/resource_providers/${id}/usages$`), 0, showUsages],
];

/**
 * As much of Placement as tells what the compute hosts have room for, worded as Placement 8.0 (Zed) does; who is no
 * administrator gets 403. Nothing can be changed here: Nova's scheduler and nova-compute do that.
 */
export function placementHandler(world: World, keystone: Keystone, authUrl: () => string): Handler {
  return (request) => {
    const path = request.path.replace(/\/+$/, '');
    let minor = 0;
    try {
      minor = requestedMinor(request, world.knobs.placementMicroversion);
      // The root is open to everybody.
      if (path === '') return reply(request, minor, versions(world.knobs.placementMicroversion));
      const token = keystone.validate(request.headers['x-auth-token']);
      if (token === undefined) return tokenRefused(request, authUrl());
      for (const [pattern, since, operation] of routes) {
        const match = pattern.exec(path);
        if (match === null || minor < since) continue;
        if (request.method !== 'GET') throw notAllowed();
        if (!token.roles.includes('admin')) throw forbidden(path);
        const context = { world, request, minor };
        return reply(request, minor, operation(context, decodeURIComponent(match[1] ?? '')));
      }
      throw new PlacementError(404, 'Not Found', 'The resource could not be found.', '');
    } catch (error) {
      if (!(error instanceof PlacementError)) throw error;
      return refusal(request, error, minor);
    }
  };
}

function versions(newest: string): unknown {
  return {
    versions: [
      {
        id: 'v1.0',
        max_version: newest,
        min_version: '1.0',
        status: 'CURRENT',
        links: [{ rel: 'self', href: '' }],
      },
    ],
  };
}

/** The minor number that the header `OpenStack-API-Version: placement 1.N` asks for; 0 where there is none. */
function requestedMinor(request: ApiRequest, newest: string): number {
  const max = Number(newest.split('.')[1]);
  const named = /(?:^|,)\s*placement\s+([^,]+)/
    .exec(request.headers['openstack-api-version'] ?? '')?.[1]
    ?.trim();
  if (named === undefined) return 0;
  if (named === 'latest') return max;
  const parts = /^(\d+)\.(\d+)$/.exec(named);
  if (parts === null) {
    throw malformed(
      `Invalid microversion: invalid version string: ${named}; invalid literal for int() with base 10: '${named}'`,
    );
  }
  const minor = Number(parts[2]);
  if (parts[1] !== '1' || minor > max) throw unacceptable(named, newest);
  return minor;
}

function reply(request: ApiRequest, minor: number, json: unknown): ApiReply {
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/json',
      ...(minor >= 15 ? { 'Cache-Control': 'no-cache' } : {}),
      'openstack-api-version': `placement 1.${minor}`,
      vary: 'openstack-api-version',
      'x-openstack-request-id': request.requestId,
    },
    json,
  };
}

function refusal(request: ApiRequest, error: PlacementError, minor: number): ApiReply {
  const { status, title, explanation, detail, code, more } = error;
  return {
    status,
    headers: { 'Content-Type': 'application/json', 'x-openstack-request-id': request.requestId },
    json: {
      errors: [
        {
          status,
          title,
          detail: `${explanation}\n\n ${detail}  `,
          ...(code === null || minor < 23 ? {} : { code }),
          request_id: request.requestId,
          ...more,
        },
      ],
    },
  };
}

function notAllowed(): PlacementError {
  return new PlacementError(
    405,
    'Method Not Allowed',
    'The method is not allowed for this resource.',
    'The method specified is not allowed for this resource.',
  );
}

function forbidden(path: string): PlacementError {
  const rule = path.startsWith('/allocation_candidates') ? 'allocation_candidates' : 'resource_providers';
  return new PlacementError(
    403,
    'Forbidden',
    'Access was denied to this resource.',
    `Policy does not allow placement:${rule}:list to be performed.`,
  );
}
