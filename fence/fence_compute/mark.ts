import {
  firstLabel,
  type Mark,
  type MarkName,
  type MarkReading,
  type MarksReading,
  markName,
  markOfNode,
  type NodeName,
  nodeName,
} from '../../lib/attrd/index.ts';
import { marksOf } from '../../lib/evacuation/incident/names.ts';

/** The mark of the machine to act on, as far as it could be read. */
export interface TargetMark {
  /** The name the mark is kept under. */
  readonly name: MarkName;
  readonly mark: Mark;
  /** Null when there is no mark. */
  readonly reading: MarkReading | null;
}

/**
 * The name a machine's mark is kept under: the cluster's own name of the node, which alone can bear the permanent copy.
 * Pacemaker gives it as `nodename`. Called by hand, the plug is matched to the cluster's nodes by its first
 * label where that means one node; else (and where it is a node's name itself) the plug is the name.
 */
function nameOfMark(nodename: string | null, plug: string, clusterNodes: readonly NodeName[]): MarkName {
  if (nodename !== null) return markOfNode(nodeName(nodename));
  const label = firstLabel(plug);
  const [only, ...others] = clusterNodes.filter((node) => firstLabel(node) === label);
  return only !== undefined && others.length === 0 ? markOfNode(only) : markName(plug);
}

export function targetMark(nodename: string | null, plug: string, all: MarksReading): TargetMark {
  const name = nameOfMark(nodename, plug, all.clusterNodes);
  const readings = marksOf(all.marks, [name]);
  const reading = readings.find((one) => isWaiting(one.mark)) ?? readings[0] ?? null;
  return { name, reading, mark: reading?.mark ?? { kind: 'none' } };
}

/** The first of the names whose mark says that instances still wait, null when there is none. */
export function firstPending(names: readonly MarkName[], all: MarksReading): MarkReading | null {
  return marksOf(all.marks, names).find(({ mark }) => isWaiting(mark)) ?? null;
}

function isWaiting({ kind }: Mark): boolean {
  return kind !== 'none' && kind !== 'no';
}
