import {
  type CallOptions,
  type NovaClient,
  NovaError,
  type NovaHost,
  type Server,
  type ServerAction,
  type ServerId,
} from '@openstack-ts/nova-client';
import { rethrowUnless } from '../../rethrow.ts';
import { wasOff } from '../decide/guests.ts';
import { isSameHost } from '../incident/names.ts';
import { titleOf } from '../look/titles.ts';
import type { PassLog } from '../tell/passLog.ts';

/** How many instances are looked at at the same time. */
const atOnce = 5;

/** Nova ends the evacuation of an instance in ERROR, and of one that was just being switched off, with a guest that runs. */
export function mayEndRunning({ vmState, taskState }: Server): boolean {
  return vmState === 'error' || taskState === 'powering-off';
}

/**
 * Whether an instance that arrived has to be switched off again. Nova ends the evacuation of an instance in ERROR, or of one
 * whose state was reset, with a guest that runs, whatever it was before; what its owner last made of it is in its actions.
 * One that its owner has started since keeps running, and a stop that was asked for already is not asked for again.
 */
export function shouldBeOff(server: Server, actions: readonly ServerAction[]): boolean {
  return server.vmState === 'active' && wasOff(actions);
}

/** What became of an instance that may have to be switched off again. */
type Restored =
  /** Nothing is left to do for it. */
  | 'settled'
  /** It could not be looked at, or is still under way: to be looked at again. */
  | 'again'
  /** It is where it was: its record was closed by the nova-compute of its own host, and it may be asked for again. */
  | 'atHome';

/**
 * Switches off again what should be off, of the instances that have left `host`. What Nova refuses is named and not tried again.
 */
export async function restoreAll(
  nova: NovaClient,
  host: NovaHost,
  ids: readonly ServerId[],
  log: PassLog,
  options: CallOptions,
): Promise<Readonly<Record<Restored, readonly ServerId[]>>> {
  const found: Record<Restored, ServerId[]> = { settled: [], again: [], atHome: [] };
  for (let start = 0; start < ids.length; start += atOnce) {
    await Promise.all(
      ids.slice(start, start + atOnce).map(async (id) => {
        found[await restore(nova, host, id, log, options)].push(id);
      }),
    );
  }
  return found;
}

async function restore(
  nova: NovaClient,
  host: NovaHost,
  id: ServerId,
  log: PassLog,
  options: CallOptions,
): Promise<Restored> {
  try {
    const server = await nova.getServer(id, options);
    if (isSameHost(server.host, host)) return 'atHome';
    if (server.vmState !== 'active') return 'settled';
    if (server.taskState !== null) return 'again';
    if (!shouldBeOff(server, await nova.listActions(id, options))) return 'settled';
    await nova.stopServer(id, options);
    log.notice(
      `Stopping ${titleOf(server)} on ${server.host}: it was off before its host failed, and its evacuation has started it.`,
      { instance: id },
    );
    return 'settled';
  } catch (error) {
    rethrowUnless(error, NovaError);
    if (error.code === 'notFound') return 'settled';
    const isRefusal = ['conflict', 'badRequest', 'forbidden'].includes(error.code);
    if (isRefusal) {
      log.warn(
        `Whether ${id} was off before its host failed could not be found out, so it runs: ${error.message}; switch it off by hand if it should be off.`,
        { instance: id },
      );
    }
    return isRefusal ? 'settled' : 'again';
  }
}
