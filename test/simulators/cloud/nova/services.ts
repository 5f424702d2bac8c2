import { databaseTime } from '../clock.ts';
import type { JsonObject } from '../http.ts';
import { invalidInput, onlyMembers, requireMembers } from '../http.ts';
import { badRequest, cellDown, type Host, notFound } from '../model.ts';
import { jsonBody, type NovaAnswer, type NovaContext, requireAdmin } from './context.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** GET os-services, filtered by host and binary. */
export function listServices(context: NovaContext): NovaAnswer {
  requireAdmin(context, 'os_compute_api:os-services:list');
  const { query } = context.request;
  const host = query.get('host');
  const binary = query.get('binary');
  const services: unknown[] = [];
  if ((binary === null || binary !== 'nova-compute') && (host === null || host === 'controller')) {
    for (const [index, name] of ['nova-conductor', 'nova-scheduler'].entries()) {
      if (binary === null || binary === name) services.push(controllerService(context, name, index + 1));
    }
  }
  if (binary === null || binary === 'nova-compute') {
    for (const candidate of context.world.hosts.values()) {
      if (host !== null && host !== candidate.name) continue;
      if (!context.world.knobs.cellDown) services.push(showService(context, candidate));
      // From 2.69 on that much is told of a host whose cell is down; below, nothing.
      else if (context.minor >= 69) {
        services.push({ binary: 'nova-compute', host: candidate.name, status: 'UNKNOWN' });
      }
    }
  }
  return { json: { services } };
}

function showService(context: NovaContext, host: Host): Record<string, unknown> {
  const { world, minor } = context;
  return {
    binary: 'nova-compute',
    host: host.name,
    id: minor >= 53 ? host.serviceId : host.serviceNumber,
    zone: host.zone,
    status: host.disabled ? 'disabled' : 'enabled',
    state: world.isUp(host) ? 'up' : 'down',
    updated_at: databaseTime(Math.max(world.lastReport(host), host.changedAt)),
    disabled_reason: host.disabledReason,
    ...(minor >= 11 ? { forced_down: host.forcedDown } : {}),
  };
}

function controllerService(context: NovaContext, binary: string, number: number): unknown {
  return {
    binary,
    host: 'controller',
    id: context.minor >= 53 ? `00000000-0000-4000-8000-00000000000${number}` : number,
    zone: 'internal',
    status: 'enabled',
    state: 'up',
    updated_at: databaseTime(context.world.clock.now()),
    disabled_reason: null,
    ...(context.minor >= 11 ? { forced_down: false } : {}),
  };
}

/** PUT os-services/…: by action and host below 2.53, by uuid from 2.53 on. */
export function updateService(context: NovaContext, target: string): NovaAnswer {
  requireAdmin(context, 'os_compute_api:os-services:update');
  if (context.world.knobs.cellDown) throw cellDown();
  return context.minor >= 53 ? updateById(context, target) : updateByHost(context, target);
}

function updateById(context: NovaContext, id: string): NovaAnswer {
  const body = jsonBody(context);
  onlyMembers('', body, ['status', 'disabled_reason', 'forced_down']);
  if (!uuid.test(id)) throw badRequest(`Invalid uuid ${id}`);
  const host = [...context.world.hosts.values()].find((candidate) => candidate.serviceId === id);
  if (host === undefined) throw notFound(`Service ${id} could not be found.`);
  const status = body['status'];
  if (status !== undefined && status !== 'enabled' && status !== 'disabled') {
    throw invalidInput('status', status, `${JSON.stringify(status)} is not one of ['enabled', 'disabled']`);
  }
  const reason = reasonOf(body);
  if (reason !== undefined && status !== 'disabled') {
    throw badRequest("Specifying disabled_reason requires that status is 'disabled'.");
  }
  if (Object.keys(body).length === 0) {
    throw badRequest("No updates were requested. Fields 'status' or 'forced_down' should be specified.");
  }
  const waits = status === 'disabled' && context.world.isUp(host);
  const forcedDown = booleanOf(body, 'forced_down');
  if (forcedDown !== undefined) context.world.setForcedDown(host, forcedDown);
  if (status !== undefined) context.world.setDisabled(host, status === 'disabled', reason ?? null);
  return {
    json: { service: showService(context, host) },
    afterMs: waits ? context.world.knobs.disableWhileUp : 0,
  };
}

function updateByHost(context: NovaContext, action: string): NovaAnswer {
  const known = ['enable', 'disable', 'disable-log-reason'];
  if (context.minor >= 11) known.push('force-down');
  const body = jsonBody(context);
  onlyMembers('', body, [
    'host',
    'binary',
    'disabled_reason',
    ...(context.minor >= 11 ? ['forced_down'] : []),
  ]);
  requireMembers('', body, ['host', 'binary']);
  if (!known.includes(action)) throw notFound('Unknown action');
  const name = body['host'];
  const host = typeof name === 'string' ? context.world.hosts.get(name) : undefined;
  if (host === undefined) throw notFound(`Host '${String(name)}' is not mapped to any cell`);
  const binary = body['binary'];
  if (binary !== 'nova-compute') throw notFound(`Host binary ${String(binary)} could not be found.`);
  if (action === 'force-down') {
    const forcedDown = booleanOf(body, 'forced_down');
    if (forcedDown === undefined) throw badRequest('Missing forced_down field');
    context.world.setForcedDown(host, forcedDown);
    return { json: { service: { host: host.name, binary, forced_down: forcedDown } } };
  }
  const disabled = action !== 'enable';
  const waits = disabled && context.world.isUp(host);
  const reason = reasonOf(body);
  if (action === 'disable-log-reason' && reason === undefined) {
    throw badRequest('Missing disabled reason field');
  }
  context.world.setDisabled(host, disabled, action === 'disable-log-reason' ? (reason ?? null) : null);
  return {
    json: {
      service: {
        host: host.name,
        binary,
        ...(action === 'disable-log-reason' ? { disabled_reason: reason } : {}),
        status: disabled ? 'disabled' : 'enabled',
      },
    },
    afterMs: waits ? context.world.knobs.disableWhileUp : 0,
  };
}

function reasonOf(body: JsonObject): string | undefined {
  const reason = body['disabled_reason'];
  if (reason === undefined) return undefined;
  if (typeof reason !== 'string') {
    throw invalidInput('disabled_reason', reason, 'is not of type string');
  }
  if (reason.length < 1 || reason.length > 255) {
    throw invalidInput(
      'disabled_reason',
      reason,
      `'${reason}' is too ${reason.length < 1 ? 'short' : 'long'}`,
    );
  }
  return reason;
}

const truthy = [true, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes'];
const falsy = [false, 'False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no'];

function booleanOf(body: JsonObject, name: string): boolean | undefined {
  const value = body[name];
  if (value === undefined) return undefined;
  if (truthy.some((candidate) => candidate === value)) return true;
  if (falsy.some((candidate) => candidate === value)) return false;
  throw invalidInput(name, value, `${JSON.stringify(value)} is not of type 'boolean'`);
}
