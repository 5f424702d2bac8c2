import { type MarkName, type MarkReading, nodeOfMark } from '../../attrd/index.ts';
import {
  type ActiveTypes,
  type ClusterNode,
  haveJoined,
  type NodesReading,
  nodesMeant,
} from '../../cluster/index.ts';

/**
 * Which hosts NovaEvacuate takes back itself: `on` all, `off` none, `auto` those whose nova-compute no NovaCompute
 * resource manages.
 */
export type ReleaseMode = 'auto' | 'on' | 'off';

/** What the cluster is asked about hosts that may be back. */
export interface ReleaseWitnesses {
  readonly readNodes: () => Promise<NodesReading>;
  /** Which types of resources are active on which node; null when that could not be told. */
  readonly readActive: () => Promise<ActiveTypes | null>;
}

export type ReleaseCandidates =
  | { readonly known: true; readonly marks: readonly MarkReading[] }
  /** Whether a host is back, or who takes it back, could not be told: no release is begun. */
  | {
      readonly known: false;
      readonly marks: readonly MarkReading[];
      /** What is not told, as a clause, why, as a main clause, and what an operator can do about it or look at. */
      readonly question: string;
      readonly sentence: string;
      readonly remedy: string;
      /** Asking again in a moment is no use. */
      readonly lasting: boolean;
    };

/**
 * The marks whose hosts are to be released from here: evacuated, and back as far as the cluster can tell. The cluster is
 * asked as little as possible: about its nodes where a mark says `no`, and what runs there where such a node is back. Not
 * `known`: the marks that it is about.
 */
export async function releaseCandidates(
  marks: readonly MarkReading[],
  mode: ReleaseMode,
  { readNodes, readActive }: ReleaseWitnesses,
): Promise<ReleaseCandidates> {
  const evacuated = mode === 'off' ? [] : marks.filter(({ mark }) => mark.kind === 'no');
  if (evacuated.length === 0) return { known: true, marks: [] };
  const reading = await readNodes();
  if (!reading.known) {
    const { sentence, remedy, why } = reading;
    const question = 'whether it is back';
    // What a NovaCompute looks after does not wait for us, and is no trouble of ours.
    const managed = mode === 'auto' ? await readActive() : null;
    const ours = evacuated.filter(({ name }) => managed?.get(nodeOfMark(name))?.has('NovaCompute') !== true);
    if (ours.length === 0) return { known: true, marks: [] };
    return { known: false, marks: ours, question, sentence, remedy, lasting: why === 'missing' };
  }
  const back = evacuated.filter(({ name }) => mayBeReleased(name, reading.nodes));
  const nodesOf = ({ name }: MarkReading) => nodesMeant(name, reading.nodes).map((node) => node.name);
  if (mode === 'on' || !back.some((mark) => nodesOf(mark).length > 0)) return { known: true, marks: back };
  const active = await readActive();
  // A node that has joined has a history, if only an empty one.
  const silent = back.filter((mark) => nodesOf(mark).some((node) => active?.get(node) === undefined));
  if (silent.length > 0) {
    const question = 'whether NovaCompute runs there';
    const sentence = active === null ? 'its CIB could not be read' : 'it has no history of the node yet';
    const remedy = 'cibadmin --query --scope status shows what it tells';
    return { known: false, marks: silent, question, sentence, remedy, lasting: false };
  }
  const isManaged = (mark: MarkReading) =>
    nodesOf(mark).some((node) => active?.get(node)?.has('NovaCompute'));
  return { known: true, marks: back.filter((mark) => !isManaged(mark)) };
}

/**
 * A node that has joined; each, where the name may mean several. A name that is no node of the cluster may be back at any
 * time, so Nova is asked about it.
 */
function mayBeReleased(name: MarkName, nodes: readonly ClusterNode[]): boolean {
  return haveJoined(nodesMeant(name, nodes));
}
