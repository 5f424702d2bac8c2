import { type CallOptions, type ComputeService, type NovaClient, NovaError } from '@openstack-ts/nova-client';
import { rethrowUnless } from '../../rethrow.ts';
import { isSameMachine } from '../incident/names.ts';
import type { Untold } from './trust.ts';

/** From this microversion on Nova names the services of a cell that does not answer, instead of leaving them out. */
const namesDownCellsFrom = 69;

/**
 * Whether Nova's list of compute services, which has no host of that name, may have left one out: before 2.69 it leaves out,
 * without a word, those of a cell that does not answer. Placement, which has no part in cells, still knows its compute node
 * then. Null: there is no such host, as far as anybody knows.
 */
export async function mayBeLeftOut(
  nova: NovaClient,
  services: readonly ComputeService[],
  name: string,
  options: CallOptions,
): Promise<Untold | null> {
  const remedy = 'see: openstack compute service list';
  if (Number(nova.microversion.split('.')[1]) >= namesDownCellsFrom) return null;
  if (services.length === 0) {
    return {
      kind: 'untold',
      sentence: 'Nova lists no nova-compute service at all (does the database of its cell answer?)',
      remedy,
    };
  }
  const leftOut = `Nova does not list a nova-compute service on ${name}`;
  try {
    const known = (await nova.listProviderNames(options)).find((provider) => isSameMachine(provider, name));
    if (known === undefined) return null;
    return {
      kind: 'untold',
      sentence: `${leftOut}, and Placement knows a compute node ${known}: the database of its cell does not answer Nova, or its service was deleted`,
      remedy,
    };
  } catch (error) {
    rethrowUnless(error, NovaError);
    return {
      kind: 'untold',
      sentence: `${leftOut}, which may be because the database of its cell does not answer (a Nova before Stein does not tell), and Placement could not be asked: ${error.message}`,
      remedy,
    };
  }
}
