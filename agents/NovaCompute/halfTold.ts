import type { NovaHost } from '@openstack-ts/nova-client';
import { AttrdError, type Attributes, type NodeName } from '../../lib/attrd/index.ts';
import { rethrowUnless } from '../../lib/rethrow.ts';

/** What the two halves of a mark say where the cluster gives no whole answer. */
export interface HalfTold {
  /** One of the tools has answered: the cluster is not silent. */
  readonly answers: boolean;
  /** One of the halves says that the host is being evacuated, or something that nobody understands. */
  readonly saysNo: boolean;
}

/**
 * Asks for each half of the mark alone, once, for a decision that rests on the cluster's saying nothing. A name counts as the host's
 * by its first label already: here a mark too many costs a wait.
 */
export async function askHalves(
  attributes: Attributes,
  host: NovaHost,
  node: NodeName | null,
): Promise<HalfTold> {
  const labels = new Set([host, node ?? host].map(firstLabel));
  const stands = (name: string, value: string | undefined): boolean =>
    labels.has(firstLabel(name)) && !['', 'no', undefined].includes(value);
  const [transient, permanent] = await Promise.all([
    answerOf(() => attributes.queryTransient('evacuate')),
    answerOf(() => attributes.queryNodes()),
  ]);
  const inTransient = transient?.some((entry) => stands(entry.host, entry.value)) ?? false;
  const inPermanent = permanent?.nodes.some((one) => stands(one.name, one.attributes['evacuate'])) ?? false;
  return { answers: transient !== null || permanent !== null, saysNo: inTransient || inPermanent };
}

async function answerOf<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    rethrowUnless(error, AttrdError);
    return null;
  }
}

function firstLabel(name: string): string {
  return (name.split('.', 1)[0] ?? name).toLowerCase();
}
