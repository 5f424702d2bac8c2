import { AttrdError, type NodeState, type Primitive } from '../../lib/attrd/index.ts';
import type { World } from './world.ts';

/**
 * Whether a node has joined the cluster (again); null where the cluster does not say, or has no node of that name.
 * Pacemaker calls `on` as unfencing device twice around the rejoin (2.1.5, seen in the lab): while the node's connection
 * is being started, and once more right after it is up, because by then it has forgotten the first.
 */
export async function hasJoined(world: World, names: readonly string[]): Promise<boolean | null> {
  const nodes = await ask<NodeState>(() => world.cluster.nodes());
  const states = nodes.filter(({ name }) => names.includes(name)).map(({ joined }) => joined);
  return states.length === 0 ? null : states.includes(true);
}

/**
 * Whether something in the cluster would start nova-compute as soon as the node is unfenced, whatever is being
 * evacuated from it. `ocf:openstack:NovaCompute` and `nova-compute-wait` wait for the evacuations themselves.
 */
export async function startsComputeAtOnce(world: World): Promise<boolean> {
  const primitives = await ask<Primitive>(() => world.cluster.primitives());
  return primitives.some(
    ({ type }) => /nova[-_]?compute/i.test(type) && !['NovaCompute', 'nova-compute-wait'].includes(type),
  );
}

async function ask<T>(question: () => Promise<T[]>): Promise<T[]> {
  try {
    return await question();
  } catch (error) {
    if (!(error instanceof AttrdError)) throw error;
    return [];
  }
}
