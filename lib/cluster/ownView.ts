import type { NodeName } from '../attrd/names.ts';
import { hasJoined } from './presence.ts';
import type { NodesReading } from './types.ts';

/**
 * What forbids taking the cluster's state, as this node has it, for the whole truth: a main clause; null: nothing does.
 * Only then is a mark that is not to be seen (or that reads `no`) one that is not there. A full node that was fenced and boots
 * cut off from the others answers from the CIB it had before, at first without a DC, then as DC of its own partition (seen
 * on 2.1.5: `have-quorum="1"` stands in that CIB until then, and even changes to it succeed); once it sees the others, its
 * copy is theirs when it has joined.
 *
 * @param node this machine's own name in the cluster
 */
export function doubtOfOwnView(reading: NodesReading, node: NodeName): string | null {
  if (!reading.known) return `${reading.sentence} (${reading.remedy})`;
  const own = reading.nodes.filter(({ name }) => name === node);
  // A full node whose id has changed leaves its old entry behind, offline.
  if (own.some(hasJoined)) return null;
  return own.length === 0
    ? `the cluster does not list ${node}, which this node calls itself, among its nodes`
    : `this node, ${node}, has not joined the cluster yet`;
}
