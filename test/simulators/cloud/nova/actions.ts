import { randomUUID } from 'node:crypto';
import { requireState } from '../guests.ts';
import { invalidInput, isObject, onlyMembers, pythonRepr, requireMembers } from '../http.ts';
import { badRequest, conflict, type EvacuateWish, forbidden, type Server } from '../model.ts';
import { jsonBody, type NovaAnswer, type NovaContext, requireAdmin } from './context.ts';
import { serverForAction } from './servers.ts';

/** POST /servers/{id}/action. */
export function serverAction(context: NovaContext, id: string): NovaAnswer {
  const body = jsonBody(context);
  const name = Object.keys(body)[0];
  if (name === undefined || Object.keys(body).length !== 1) {
    throw badRequest(`There is no such action: ${Object.keys(body).join(', ')}`);
  }
  const argument = body[name];
  // Policy and schema are checked before the server is looked for.
  if (name === 'evacuate') return evacuate(context, id, argument);
  const server = serverForAction(context, id);
  switch (name) {
    case 'os-stop':
      refuseLocked(context, server);
      context.world.guests.stop(server, context.by);
      return { status: 202 };
    case 'os-start':
      refuseLocked(context, server);
      context.world.guests.start(server, context.by);
      return { status: 202 };
    case 'pause':
      return simple(context, server, ['active'], 'pause', { vmState: 'paused', powerState: 3 });
    case 'unpause':
      return simple(context, server, ['paused'], 'unpause', { vmState: 'active', powerState: 1 });
    case 'suspend':
      return simple(context, server, ['active'], 'suspend', { vmState: 'suspended', powerState: 4 });
    case 'resume':
      return simple(context, server, ['suspended'], 'resume', { vmState: 'active', powerState: 1 });
    case 'rescue':
      return simple(context, server, ['active', 'stopped', 'error'], 'rescue', {
        vmState: 'rescued',
        powerState: 1,
      });
    case 'reboot':
      return reboot(context, server, argument);
    case 'lock':
      server.locked = true;
      return { status: 202 };
    case 'unlock':
      server.locked = false;
      return { status: 202 };
    case 'os-resetState':
      return resetState(context, server, argument);
    default:
      throw badRequest(`There is no such action: ${name}`);
  }
}

/**
 * The body's rules by microversion: `onSharedStorage` required below 2.14 and refused from 2.14 on, `force` from
 * 2.29 to 2.67 and only together with `host`. An answer with a body below 2.14 only. From 2.95 on the instance is left
 * stopped where it arrives.
 */
function evacuate(context: NovaContext, id: string, argument: unknown): NovaAnswer {
  const { minor, world } = context;
  requireAdmin(context, 'os_compute_api:os-evacuate');
  if (!isObject(argument)) throw invalidInput('evacuate', argument, 'is not of type object');
  const allowed = ['host', 'adminPass'];
  if (minor < 14) allowed.push('onSharedStorage');
  if (minor >= 29 && minor < 68) allowed.push('force');
  onlyMembers('evacuate', argument, allowed);
  if (minor < 14) requireMembers('evacuate', argument, ['onSharedStorage']);
  const { host, force, onSharedStorage, adminPass } = argument;
  if (onSharedStorage !== undefined && typeof onSharedStorage !== 'boolean') {
    throw invalidInput('onSharedStorage', onSharedStorage, "is not of type 'boolean'");
  }
  if (force === true && host === undefined) throw badRequest("Can't force to a non-provided destination");
  if (minor < 14 && onSharedStorage === true && adminPass !== undefined) {
    throw badRequest("admin password can't be changed on existing disk");
  }
  const server = serverForAction(context, id);
  const wish: EvacuateWish = {
    ...(typeof host === 'string' ? { host } : {}),
    ...(typeof onSharedStorage === 'boolean' ? { onSharedStorage } : {}),
    // Below 2.29 a host that is named is not checked by the scheduler.
    ...(force === true || (minor < 29 && typeof host === 'string') ? { force: true } : {}),
    ...(minor >= 95 ? { stopped: true } : {}),
  };
  world.evacuate(server, wish, context.by);
  if (minor >= 14) return { status: 200 };
  const generated = onSharedStorage === true ? null : randomUUID().replaceAll('-', '').slice(0, 12);
  return { json: { adminPass: adminPass ?? generated } };
}

/** Pausing and the like: carried out at once; what a dead nova-compute cannot carry out stays as a task. */
function simple(
  context: NovaContext,
  server: Server,
  states: readonly string[],
  method: string,
  result: { vmState: string; powerState: number },
): NovaAnswer {
  refuseLocked(context, server);
  requireState(server, method, states);
  const host = server.host === null ? undefined : context.world.hosts.get(server.host);
  context.world.recordAction(server, method, context.by);
  context.world.touch(server);
  if (host === undefined || !context.world.serves(host)) {
    server.taskState = `${method.replace(/e$/, '')}ing`;
    return { status: 202 };
  }
  server.vmState = result.vmState;
  server.powerState = result.powerState;
  host.domains.set(server.id, result.powerState !== 4);
  return { status: 202 };
}

/** A soft reboot does nothing here; on a dead nova-compute its task stays, as that of every other action. */
function reboot(context: NovaContext, server: Server, argument: unknown): NovaAnswer {
  refuseLocked(context, server);
  const type = isObject(argument) ? argument['type'] : undefined;
  if (type !== 'HARD' && type !== 'SOFT') {
    throw invalidInput(
      'type',
      type,
      `${pythonRepr(type)} is not one of ['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']`,
    );
  }
  if (type === 'HARD') {
    context.world.guests.rebootHard(server, context.by);
    return { status: 202 };
  }
  requireState(server, 'reboot', ['active']);
  const host = server.host === null ? undefined : context.world.hosts.get(server.host);
  context.world.recordAction(server, 'reboot', context.by);
  if (host?.alive !== true) server.taskState = 'rebooting';
  context.world.touch(server);
  return { status: 202 };
}

/** The administrator's way to clear a task state; Nova answers 202 and does it at once. */
function resetState(context: NovaContext, server: Server, argument: unknown): NovaAnswer {
  if (!context.isAdmin) throw forbidden('os_compute_api:os-admin-actions:reset_state');
  const state = isObject(argument) ? argument['state'] : undefined;
  if (state !== 'active' && state !== 'error') {
    throw invalidInput('state', state, `${JSON.stringify(state)} is not one of ['active', 'error']`);
  }
  context.world.guests.resetState(server, state, context.by);
  return { status: 202 };
}

function refuseLocked(context: NovaContext, server: Server): void {
  if (server.locked && !context.isAdmin) throw conflict(`Instance ${server.id} is locked`);
}
