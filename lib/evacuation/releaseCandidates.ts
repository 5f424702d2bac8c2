import type { MarkReading, NodeState } from '../attrd/index.ts';

/**
 * Which hosts NovaEvacuate takes back itself: `on` all, `off` none, `auto` those whose nova-compute no NovaCompute
 * resource manages.
 */
export type ReleaseMode = 'auto' | 'on' | 'off';

/**
 * The marks whose hosts are to be released from here: evacuated, and as far as the cluster can tell back. A name that is
 * no cluster node may be back at any time, so Nova is asked about it.
 */
export function releaseCandidates(
  marks: readonly MarkReading[],
  nodes: readonly NodeState[],
  mode: ReleaseMode,
): readonly MarkReading[] {
  if (mode === 'off') return [];
  return marks.filter(({ name, mark }) => {
    if (mark.kind !== 'no') return false;
    const node = nodes.find((state) => state.name === name);
    if (node === undefined) return true;
    return node.joined && !(mode === 'auto' && node.active.has('NovaCompute'));
  });
}
