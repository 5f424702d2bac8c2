import { AttrdError, type Attributes } from '../../attrd/index.ts';
import { rethrowUnless } from '../../rethrow.ts';
import { type HostKey, hostKey } from '../incident/names.ts';

/**
 * The private transient attribute by which a machine that is back says so, while it waits for its evacuation to end:
 * `HOST@EPOCH`, on its own node, refreshed every `pacing.pulseMs`. One that is left over never changes.
 */
export const returningAttribute = 'nova-compute-returning';

/** The pulse of each Nova host that a machine gives in its name. A cluster that cannot be asked shows none. */
export async function readPulses(attributes: Attributes): Promise<ReadonlyMap<HostKey, string>> {
  try {
    const values = await attributes.queryTransient(returningAttribute);
    return new Map(
      values
        .map(({ value }) => ({ host: value.replace(/@\d+$/, ''), value }))
        .filter(({ host }) => host !== '')
        .map(({ host, value }) => [hostKey(host), value]),
    );
  } catch (error) {
    rethrowUnless(error, AttrdError);
    return new Map();
  }
}
