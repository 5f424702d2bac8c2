/**
 * Names of the cluster's are types of their own, as Nova's are (`NovaHost`, `ServerId`): one does not pass for another. They are
 * plain strings at run time. Only these functions make one: what the cluster's tools answer goes through them, and what is
 * told by an operator or by Pacemaker.
 */

declare const kind: unique symbol;

/** A node's name in the cluster. */
export type NodeName = string & { readonly [kind]: 'NodeName' };

/** The name that an `evacuate` mark is kept under: a node's, or (in old clusters) Nova's name of the host. */
export type MarkName = string & { readonly [kind]: 'MarkName' };

/** What a short and a full name of one machine have in common, in whatever case: its first label. */
export function firstLabel(name: string): string {
  return name.toLowerCase().split('.', 1)[0] ?? '';
}

/** Takes a text for the name of a cluster node. */
export function nodeName(text: string): NodeName {
  return text as NodeName;
}

/** Takes a text for a mark's name. The attribute daemon takes any. */
export function markName(text: string): MarkName {
  return text as MarkName;
}

/** The name of a node's mark: the node's own, which alone can bear the permanent side. */
export function markOfNode(node: NodeName): MarkName {
  return markName(node);
}

/** The node whose mark it is. A mark under Nova's name of a host gives one that the cluster does not know, and says so when asked. */
export function nodeOfMark(mark: MarkName): NodeName {
  return nodeName(mark);
}
