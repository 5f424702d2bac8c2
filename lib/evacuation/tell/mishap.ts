import { NovaError } from '@openstack-ts/nova-client';
import { AttrdError } from '../../attrd/index.ts';
import type { PassLog } from './passLog.ts';

/**
 * Why a piece of work could not be done, for a sentence that goes on. Trouble with Nova or Pacemaker says it itself;
 * anything else is a mistake of ours: named as that, its place in the debug log, and it ends no other host's supervision.
 */
export function mishap(error: unknown, log: Pick<PassLog, 'debug'>): string {
  if (error instanceof NovaError || error instanceof AttrdError) return error.message;
  const sentence = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if (error instanceof Error && error.stack !== undefined) log.debug(error.stack);
  return `this agent has made a mistake, please report it (${sentence})`;
}
