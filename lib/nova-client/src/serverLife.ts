/** A server's life on its own host: whether its guest runs, starting and stopping it, and what was done to it. */

import type { ComputeApi } from './computeApi.ts';
import type { Field } from './decode.ts';
import { NovaError } from './errors.ts';
import type { ServerId } from './names.ts';
import type { Accepted, ActionEvent, CallOptions, ServerAction } from './types.ts';

/**
 * Nova's diagnostics are worth nothing to us but for the way they are refused (nova/compute/manager.py,
 * get_instance_diagnostics): nova-compute asks its hypervisor, and unless the guest runs the answer is 409 `Cannot
 * 'get_diagnostics' instance … while it is in power state …`, where the state named is the one of Nova's database and
 * may well be "running". A server without a host is 409 as well, in other words.
 *
 * From 2.48 on a 200 names the state, which the driver reads once more and which may have changed in between.
 */
export async function isGuestRunning(
  api: ComputeApi,
  serverId: ServerId,
  options?: CallOptions,
): Promise<boolean> {
  const path = `/servers/${encodeURIComponent(serverId)}/diagnostics`;
  try {
    return await api.get(path, `ask whether the guest of server ${serverId} runs`, readRuns, options);
  } catch (error) {
    if (error instanceof NovaError && error.code === 'conflict' && error.reason === 'powerState') {
      return false;
    }
    throw error;
  }
}

/** Below 2.48 the body is the hypervisor's own and may say anything. */
function readRuns(body: Field): boolean {
  const state = body.get('state');
  return typeof state.value !== 'string' || !['shutdown', 'crashed'].includes(state.value);
}

export function rebootServer(
  api: ComputeApi,
  serverId: ServerId,
  type: 'HARD',
  options?: CallOptions,
): Promise<Accepted> {
  return act(api, serverId, `reboot server ${serverId}`, { reboot: { type } }, options);
}

export function startServer(api: ComputeApi, serverId: ServerId, options?: CallOptions): Promise<Accepted> {
  return act(api, serverId, `start server ${serverId}`, { 'os-start': null }, options);
}

export function stopServer(api: ComputeApi, serverId: ServerId, options?: CallOptions): Promise<Accepted> {
  return act(api, serverId, `stop server ${serverId}`, { 'os-stop': null }, options);
}

export function resetServerState(
  api: ComputeApi,
  serverId: ServerId,
  state: 'active' | 'error',
  options?: CallOptions,
): Promise<Accepted> {
  const purpose = `reset the state of server ${serverId} to ${state}`;
  return act(api, serverId, purpose, { 'os-resetState': { state } }, options);
}

function act(
  api: ComputeApi,
  serverId: ServerId,
  purpose: string,
  body: unknown,
  options?: CallOptions,
): Promise<Accepted> {
  return api.postOnce(`/servers/${encodeURIComponent(serverId)}/action`, purpose, body, options);
}

/**
 * One page, which holds the newest (Nova's max_limit, 1000 unless configured otherwise). Nova's order is kept among
 * records of the same second: its database knows which came first.
 */
export async function listActions(
  api: ComputeApi,
  serverId: ServerId,
  options?: CallOptions,
): Promise<readonly ServerAction[]> {
  const path = `/servers/${encodeURIComponent(serverId)}/os-instance-actions`;
  const actions = await api.get(
    path,
    `list what was done to server ${serverId}`,
    (body) => body.get('instanceActions').list(readAction),
    options,
  );
  return actions.sort((a, b) => b.startedAt - a.startedAt);
}

/**
 * What became of a request: each service that takes it up begins a step, and ends it with its result (nova/compute/utils.py,
 * EventReporter). Without a right to see events Nova leaves them out, which must not be taken for none.
 */
export function listActionEvents(
  api: ComputeApi,
  serverId: ServerId,
  requestId: string,
  options?: CallOptions,
): Promise<readonly ActionEvent[]> {
  const path = `/servers/${encodeURIComponent(serverId)}/os-instance-actions/${encodeURIComponent(requestId)}`;
  const purpose = `show the steps of request ${requestId} about server ${serverId}`;
  return api.get(
    path,
    purpose,
    (body) =>
      body
        .get('instanceAction')
        .get('events')
        .list(readEvent)
        .sort((a, b) => a.startedAt - b.startedAt),
    options,
  );
}

function readEvent(event: Field): ActionEvent {
  return {
    event: event.get('event').string(),
    startedAt: event.get('start_time').time(),
    finishedAt: event.get('finish_time').timeOrNull(),
    result: event.get('result').stringOrNull(),
    host: event.get('host').hostOrNull(),
  };
}

function readAction(action: Field): ServerAction {
  return {
    action: action.get('action').string(),
    startedAt: action.get('start_time').time(),
    userId: action.get('user_id').stringOrNull(),
    requestId: action.get('request_id').stringOrNull(),
    message: action.get('message').stringOrNull(),
  };
}
