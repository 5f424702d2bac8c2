import type { ApiReply, ApiRequest, Handler } from '../http.ts';
import type { Keystone } from '../keystone.ts';
import type { Knobs } from '../knobs.ts';
import { ApiError, notFound } from '../model.ts';
import { tokenRefused } from '../tokenRefused.ts';
import type { World } from '../world.ts';
import { serverAction } from './actions.ts';
import { changeAggregate, createAggregate, deleteAggregate, listAggregates } from './aggregates.ts';
import type { NovaAnswer, NovaContext } from './context.ts';
import { getDiagnostics } from './diagnostics.ts';
import { createFlavor, deleteFlavor, getExtraSpecs, getFlavor, listFlavors } from './flavors.ts';
import { listHypervisors } from './hypervisors.ts';
import { requestedMinor, UnsupportedVersion } from './microversion.ts';
import { listMigrations } from './migrations.ts';
import { Overload } from './overload.ts';
import { createServerGroup, deleteServerGroup, getServerGroup, listServerGroups } from './serverGroups.ts';
import { createServers, deleteServer, getAction, getServer, listActions, listServers } from './servers.ts';
import { listServices, updateService } from './services.ts';
import { versionDocument, versionList } from './versions.ts';

type Operation = (context: NovaContext, id: string, second: string) => NovaAnswer;

const id = '([^/]+)';
const routes: readonly (readonly [method: string, path: RegExp, operation: Operation])[] = [
  ['GET', /^\/os-services$/, listServices],
  ['PUT', new RegExp(`^/os-services/${id}$`), updateService],
  ['GET', /^\/servers$/, (context) => listServers(context, false)],
  ['GET', /^\/servers\/detail$/, (context) => listServers(context, true)],
  ['POST', /^\/servers$/, createServers],
  ['GET', new RegExp(`^/servers/${id}$`), getServer],
  ['DELETE', new RegExp(`^/servers/${id}$`), deleteServer],
  ['POST', new RegExp(`^/servers/${id}/action$`), serverAction],
  ['GET', new RegExp(`^/servers/${id}/os-instance-actions$`), listActions],
  ['GET', new RegExp(`^/servers/${id}/os-instance-actions/${id}$`), getAction],
  ['GET', new RegExp(`^/servers/${id}/diagnostics$`), getDiagnostics],
  ['GET', /^\/os-migrations$/, listMigrations],
  ['GET', /^\/os-server-groups$/, listServerGroups],
  ['POST', /^\/os-server-groups$/, createServerGroup],
  ['GET', new RegExp(`^/os-server-groups/${id}$`), getServerGroup],
  ['DELETE', new RegExp(`^/os-server-groups/${id}$`), deleteServerGroup],
  ['GET', /^\/flavors$/, (context) => listFlavors(context, false)],
  ['GET', /^\/flavors\/detail$/, (context) => listFlavors(context, true)],
  ['GET', new RegExp(`^/flavors/${id}$`), getFlavor],
  ['GET', new RegExp(`^/flavors/${id}/os-extra_specs$`), getExtraSpecs],
  ['POST', /^\/flavors$/, createFlavor],
  ['DELETE', new RegExp(`^/flavors/${id}$`), deleteFlavor],
  ['GET', /^\/os-aggregates$/, listAggregates],
  ['POST', /^\/os-aggregates$/, createAggregate],
  ['POST', new RegExp(`^/os-aggregates/${id}/action$`), changeAggregate],
  ['DELETE', new RegExp(`^/os-aggregates/${id}$`), deleteAggregate],
  ['GET', /^\/os-hypervisors$/, (context) => listHypervisors(context, false)],
  ['GET', /^\/os-hypervisors\/detail$/, (context) => listHypervisors(context, true)],
];

/** Nova's API: version documents, then token, microversion, operation, in the order the real one checks them. */
export function novaHandler(world: World, keystone: Keystone, authUrl: () => string): Handler {
  const overload = new Overload(world);
  return async (request) => {
    const path = request.path.replace(/\/+$/, '');
    if (path === '') return plain(200, versionList(request, world.knobs));
    if (path === '/v2.1' && request.method === 'GET') {
      const reply = plain(200, versionDocument(request, world.knobs));
      return { ...reply, headers: { ...reply.headers, ...versionHeaders('2.1'), ...idHeaders(request) } };
    }
    const refused = overload.refuse(request);
    if (refused !== null) return refused;
    const token = keystone.validate(request.headers['x-auth-token']);
    if (token === undefined) return refusedToken(request, authUrl());
    try {
      const minor = requestedMinor(request, world.knobs);
      const context: NovaContext = {
        world,
        request,
        token,
        minor,
        isAdmin: token.roles.includes('admin'),
        by: { userId: token.user.id, projectId: token.project?.id ?? '', requestId: request.requestId },
        origin: request.origin,
      };
      return await operate(context, /^\/v2(?:\.1)?(\/.*)$/.exec(path)?.[1] ?? '', overload);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return refusal(request, error, world.knobs);
    }
  };
}

async function operate(context: NovaContext, path: string, overload: Overload): Promise<ApiReply> {
  const { request } = context;
  for (const [method, pattern, operation] of routes) {
    const match = pattern.exec(path);
    if (match === null || method !== request.method) continue;
    const {
      status = 200,
      json,
      afterMs = 0,
    } = operation(context, decodeURIComponent(match[1] ?? ''), decodeURIComponent(match[2] ?? ''));
    const wait = afterMs + overload.delay();
    if (wait > 0) {
      await new Promise<void>((resolve) => {
        context.world.clock.after(wait, resolve);
      });
    }
    return {
      status,
      headers: {
        'Content-Type': 'application/json',
        ...versionHeaders(`2.${context.minor}`),
        ...idHeaders(request),
      },
      ...(json === undefined ? {} : { json }),
    };
  }
  throw notFound('The resource could not be found.');
}

function refusal(request: ApiRequest, error: ApiError, knobs: Knobs): ApiReply {
  const version = error instanceof UnsupportedVersion ? error.version : shownVersion(request, knobs);
  return {
    status: error.status,
    headers: {
      ...versionHeaders(version),
      'Content-Type': 'application/json; charset=UTF-8',
      ...idHeaders(request),
    },
    json: { [error.kind]: { code: error.status, message: error.message } },
  };
}

function shownVersion(request: ApiRequest, knobs: Knobs): string {
  try {
    return `2.${requestedMinor(request, knobs)}`;
  } catch {
    return '2.1';
  }
}

function plain(status: number, json: unknown): ApiReply {
  return { status, headers: { 'Content-Type': 'application/json' }, json };
}

function versionHeaders(version: string): Record<string, string> {
  return {
    'Openstack-Api-Version': `compute ${version}`,
    'X-Openstack-Nova-Api-Version': version,
    Vary: 'OpenStack-API-Version',
  };
}

function idHeaders(request: ApiRequest): Record<string, string> {
  return { 'X-Openstack-Request-Id': request.requestId, 'X-Compute-Request-Id': request.requestId };
}

function refusedToken(request: ApiRequest, authUrl: string): ApiReply {
  const reply = tokenRefused(request, authUrl);
  return { ...reply, headers: { ...reply.headers, ...idHeaders(request) } };
}
