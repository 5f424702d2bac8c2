import { type CallOptions, type NovaClient, NovaError, type Server } from '@openstack-ts/nova-client';
import { rethrowUnless } from '../../rethrow.ts';

/** A state, and a task, in which Nova refuses to evacuate, as sentences name it. */
export function stateText({ vmState, taskState }: Server): string {
  return taskState === null ? `${vmState}` : `${vmState}, task ${taskState}`;
}

/**
 * Makes Nova forget a state, or a task, in which it refuses to evacuate (os-resetState; the guest is not touched, and its
 * host is dead). An instance in ERROR stays in it. Gives what stood against it, without a full stop; null: it was reset.
 */
export async function resetState(
  nova: NovaClient,
  server: Server,
  options: CallOptions,
): Promise<string | null> {
  try {
    await nova.resetServerState(server.id, server.vmState === 'error' ? 'error' : 'active', options);
    return null;
  } catch (error) {
    rethrowUnless(error, NovaError);
    return `its state (${stateText(server)}) could not be reset: ${error.message}`;
  }
}
