import { firstLabel, type MarkName, type NodeName } from '../attrd/names.ts';
import type { ClusterNode } from './types.ts';

/**
 * Whether a node has joined the cluster for certain, so that resources may start there: whoever takes a host back asks
 * this. One that only boots (`pending`), is to be fenced (`unclean`), or whose connection is only being tried has not.
 * `standby` and `maintenance` do not matter: nova-compute may run there without the cluster.
 */
export function hasJoined(node: ClusterNode): boolean {
  return node.online && !node.pending && !node.unclean && !node.connecting;
}

/**
 * Whether the cluster holds it possible that a node runs: an unclean node may run on until its fencing has succeeded, and
 * behind a connection that is being tried anybody may answer, whether crm_mon shows the node online meanwhile or not. No
 * proof of the contrary: a node whose connection an operator has stopped (`target-role=Stopped`), or whose Pacemaker has
 * ended in order, is offline and runs.
 */
export function mayRun(node: ClusterNode): boolean {
  return node.online || node.pending || node.unclean || node.connecting;
}

/**
 * Whether all the nodes that a name may mean have joined; none is fine. Of two of one name (a full node whose id has changed
 * leaves its old entry behind, offline) either will do.
 */
export function haveJoined(nodes: readonly ClusterNode[]): boolean {
  return nodes.every(({ name }) => nodes.some((one) => one.name === name && hasJoined(one)));
}

/**
 * The nodes that a name may mean: the mark may be kept under Nova's name of a host (`comp0.example.org` for `comp0`), or
 * spelled in other case. The exact one alone where there is one, else all that differ in case only, else all with the same
 * first label; none: it is no node of this cluster.
 */
export function nodesMeant(name: MarkName | NodeName, nodes: readonly ClusterNode[]): readonly ClusterNode[] {
  const isAddress = /^\d+(\.\d+){3}$/.test(name);
  const ways: readonly ((node: ClusterNode) => boolean)[] = [
    (node) => node.name === name,
    (node) => node.name.toLowerCase() === name.toLowerCase(),
    (node) => !isAddress && firstLabel(node.name) === firstLabel(name),
  ];
  for (const isMeant of ways) {
    const meant = nodes.filter(isMeant);
    if (meant.length > 0) return meant;
  }
  return [];
}
