import { databaseTime, serverTime } from '../clock.ts';
import { isObject } from '../http.ts';
import {
  type Action,
  badRequest,
  cellDown,
  forbidden,
  noSuchServer,
  notFound,
  type Server,
} from '../model.ts';
import { isNamed, jsonBody, type NovaAnswer, type NovaContext, paginate } from './context.ts';
import { briefServer, showServer, statusOf } from './serverView.ts';

/** GET /servers and /servers/detail: newest first, in pages. */
export function listServers(context: NovaContext, detail: boolean): NovaAnswer {
  const { query } = context.request;
  const allTenants = ['1', 'true', 'True'].includes(query.get('all_tenants') ?? '0');
  if (allTenants && !context.isAdmin) {
    throw forbidden(`os_compute_api:servers:${detail ? 'detail' : 'index'}:get_all_tenants`);
  }
  const matches = filterOf(context, allTenants);
  const servers = [...context.world.servers.values()].reverse().filter(matches);
  const { page, links } = paginate(context, servers, detail ? '/servers/detail' : '/servers');
  const shown = page.map((server) => (detail ? showServer(context, server) : briefServer(context, server)));
  return { json: { servers: shown, ...(links === undefined ? {} : { servers_links: links }) } };
}

/** What the query asks for, read once for all servers. */
function filterOf(context: NovaContext, allTenants: boolean): (server: Server) => boolean {
  const { isAdmin, token, world } = context;
  const { query } = context.request;
  // Left out of filtered lists without a word (api.list_records_by_skipping_down_cells).
  if (world.knobs.cellDown) return () => false;
  const owner = allTenants ? (query.get('project_id') ?? query.get('tenant_id')) : (token.project?.id ?? '');
  // Nova silently ignores the filters that only administrators may use.
  const host = isAdmin ? query.get('host') : null;
  const vmState = isAdmin ? query.get('vm_state') : null;
  const status = query.getAll('status').map((wanted) => wanted.toUpperCase());
  const name = query.get('name');
  const pattern = name === null ? null : new RegExp(name);
  const since = query.get('changes-since');
  const from = since === null ? null : Date.parse(since);
  return (server) =>
    (owner === null || server.projectId === owner) &&
    (host === null || isNamed(server.host, host)) &&
    (vmState === null || server.vmState === vmState) &&
    (status.length === 0 || status.includes(statusOf(server))) &&
    (pattern === null || pattern.test(server.name)) &&
    (from === null || Math.floor(server.updatedAt / 1000) * 1000 >= from);
}

export function getServer(context: NovaContext, id: string): NovaAnswer {
  if (context.world.knobs.cellDown && context.minor >= 69)
    return { json: { server: ofDownCell(context, id) } };
  const shown = showServer(context, visibleServer(context, id));
  return {
    json: { server: context.minor >= 71 ? { ...shown, server_groups: groupsOf(context, id) } : shown },
  };
}

function groupsOf({ world }: NovaContext, id: string): string[] {
  const group = world.groupOf(id);
  return group === undefined ? [] : [group.id];
}

/** What Nova's own database knows, from 2.69 on. */
function ofDownCell(context: NovaContext, id: string): unknown {
  const server = context.world.server(id);
  return {
    id: server.id,
    tenant_id: server.projectId,
    user_id: server.userId,
    created: serverTime(server.createdAt),
    status: 'UNKNOWN',
    'OS-EXT-AZ:availability_zone': server.zone,
    'OS-EXT-STS:power_state': 0,
    links: [],
  };
}

function visibleServer(context: NovaContext, id: string): Server {
  const server = context.world.server(id);
  if (context.world.knobs.cellDown) throw cellDown();
  if (!context.isAdmin && server.projectId !== context.token.project?.id) throw noSuchServer(id);
  return server;
}

export function deleteServer(context: NovaContext, id: string): NovaAnswer {
  context.world.deleteServer(visibleServer(context, id));
  return { status: 204 };
}

/** POST /servers: as much of booting as the contract suite and a demonstration need. */
export function createServers(context: NovaContext): NovaAnswer {
  const { world } = context;
  const body = jsonBody(context);
  const wish = body['server'];
  if (!isObject(wish)) throw badRequest("'server' is a required property");
  const host = wish['host'];
  if (host !== undefined && (context.minor < 74 || typeof host !== 'string')) {
    throw badRequest("Additional properties are not allowed ('host' was unexpected)");
  }
  const hints = body['os:scheduler_hints'];
  const group = isObject(hints) ? hints['group'] : undefined;
  const zone = wish['availability_zone'];
  const count = typeof wish['min_count'] === 'number' ? wish['min_count'] : 1;
  const name = typeof wish['name'] === 'string' ? wish['name'] : 'vm';
  const made: Server[] = [];
  for (let i = 1; i <= count; i += 1) {
    const server = world.addServer({
      name: count === 1 ? name : `${name}-${i}`,
      host: null,
      vmState: 'building',
      taskState: 'scheduling',
      projectId: context.token.project?.id ?? 'admin',
      imageId: typeof wish['imageRef'] === 'string' ? wish['imageRef'] : null,
      flavorId: typeof wish['flavorRef'] === 'string' ? wish['flavorRef'] : '1',
      ...(typeof group === 'string' ? { groupId: group } : {}),
      ...(typeof zone === 'string' ? { pinnedZone: zone } : {}),
      ...(made[0] === undefined ? {} : { reservationId: made[0].reservationId }),
    });
    world.recordAction(server, 'create', context.by);
    made.push(server);
  }
  world.clock.after(world.knobs.boot, () => {
    for (const server of made) if (world.servers.has(server.id)) world.boot(server, host);
  });
  const first = made[0];
  if (first === undefined) throw badRequest('min_count must be 1 or more');
  if (wish['return_reservation_id'] === true) {
    return { status: 202, json: { reservation_id: first.reservationId } };
  }
  const { origin } = context;
  return {
    status: 202,
    json: {
      server: {
        id: first.id,
        links: [
          { rel: 'self', href: `${origin}/v2.1/servers/${first.id}` },
          { rel: 'bookmark', href: `${origin}/servers/${first.id}` },
        ],
        'OS-DCF:diskConfig': 'MANUAL',
        security_groups: [{ name: 'default' }],
        adminPass: 'simulated',
      },
    },
  };
}

export function listActions(context: NovaContext, id: string): NovaAnswer {
  const server = visibleServer(context, id);
  const instanceActions = [...server.actions].reverse().map((action) => actionOf(context, server, action));
  return { json: { instanceActions } };
}

/** GET os-instance-actions/{request}: from 2.51 on without the traceback for all, below for administrators alone. */
export function getAction(context: NovaContext, id: string, requestId: string): NovaAnswer {
  const server = visibleServer(context, id);
  const action = server.actions.find((each) => each.requestId === requestId);
  if (action === undefined) throw notFound(`Action for request_id ${requestId} on instance ${id} not found`);
  const { minor, isAdmin } = context;
  const events = action.steps.map((step) => ({
    event: step.event,
    start_time: databaseTime(step.startedAt),
    finish_time: step.finishedAt === null ? null : databaseTime(step.finishedAt),
    result: step.result,
    ...(isAdmin ? { traceback: step.details === null ? null : `Traceback: ${step.details}` } : {}),
    ...(minor >= 62 ? { hostId: '', ...(isAdmin ? { host: step.host } : {}) } : {}),
    ...(minor >= 84 ? { details: step.details } : {}),
  }));
  return {
    json: {
      instanceAction: {
        ...actionOf(context, server, action),
        ...(isAdmin || minor >= 51 ? { events } : {}),
      },
    },
  };
}

function actionOf(context: NovaContext, server: Server, action: Action): object {
  return {
    action: action.action,
    instance_uuid: server.id,
    request_id: action.requestId,
    user_id: action.userId,
    project_id: action.projectId,
    start_time: databaseTime(action.startedAt),
    message: action.message,
    ...(context.minor >= 58 ? { updated_at: databaseTime(action.updatedAt) } : {}),
  };
}

/** Looks the server up for an action, and keeps strangers out. */
export function serverForAction(context: NovaContext, id: string): Server {
  return visibleServer(context, id);
}
