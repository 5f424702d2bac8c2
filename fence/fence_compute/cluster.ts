import { AttrdError, insist, type MarkName } from '../../lib/attrd/index.ts';
import { haveJoined, type NodesReading, nodesMeant } from '../../lib/cluster/index.ts';
import { rethrowUnless } from '../../lib/rethrow.ts';
import type { World } from './world.ts';

/** How long the cluster may leave it open what its nodes are, in ms: other resources wait for this answer as well. */
const PATIENCE_MS = 12_000;

/** What the cluster takes a node for. */
export type Membership =
  | { readonly kind: 'joined' }
  /** It is a node of the cluster, and has not joined (again). */
  | { readonly kind: 'absent' }
  /** The cluster has no node of that name. */
  | { readonly kind: 'noNode' }
  /** The cluster does not tell, for the reason that a main clause gives. */
  | { readonly kind: 'untold'; readonly sentence: string };

/**
 * What the cluster takes a node for, asked again until it tells, but no longer than until `until` (ms since the epoch).
 * Pacemaker calls `on` as unfencing device twice around the rejoin (2.1.5, seen in the lab): while the node's connection
 * is being started, and once more right after it is up, because by then it has forgotten the first.
 */
export async function membership(
  world: World,
  names: readonly MarkName[],
  until: number,
): Promise<Membership> {
  const reading = await insist<NodesReading>(
    { clock: world, forMs: PATIENCE_MS, until },
    () => world.cluster.nodes(),
    (answer) => answer.known || answer.why === 'missing',
  );
  if (!reading.known) return { kind: 'untold', sentence: reading.sentence };
  const nodes = names.flatMap((name) => nodesMeant(name, reading.nodes));
  if (nodes.length === 0) return { kind: 'noNode' };
  return { kind: haveJoined(nodes) ? 'joined' : 'absent' };
}

/**
 * Whether something in the cluster would start nova-compute as soon as the node is unfenced, whatever is being
 * evacuated from it; null where the cluster does not tell. `ocf:openstack:NovaCompute` and `nova-compute-wait` wait for
 * the evacuations themselves.
 */
export async function startsComputeAtOnce(world: World): Promise<boolean | null> {
  try {
    const primitives = await world.cluster.primitives();
    return primitives.some(
      ({ type, contents }) =>
        !['NovaCompute', 'nova-compute-wait'].includes(type) &&
        [type, ...contents].some((each) => /nova[-_]?compute/i.test(each)),
    );
  } catch (error) {
    rethrowUnless(error, AttrdError);
    return null;
  }
}
