import { AttrdError } from './errors.ts';
import { descendants, type Element, parseXmlDocument } from './xml.ts';

/** A cluster or remote node of the CIB with its permanent attributes. */
export interface CibNode {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A value of the operators' word, where it stands in the CIB. */
export interface SaidWord {
  /** Null: said of the cluster. */
  readonly node: string | null;
  readonly value: string;
  /** In a transient attribute, which the cluster forgets when the node is fenced or comes back. */
  readonly transient: boolean;
}

export interface ClusterNodes {
  readonly nodes: readonly CibNode[];
  /** Of the cluster first, then permanent attributes of nodes, then transient ones. */
  readonly words: readonly SaidWord[];
}

/**
 * Parses what an XPath query found of the section `nodes` (`<node id uname><instance_attributes><nvpair name value/>`;
 * remote nodes may lack `uname`, their id is their name), of the cluster's properties of a name (`nvpair`) and of
 * the `transient_attributes id=` of nodes, in document order. Several elements come below `xpath-query`, one does not.
 */
export async function parseClusterNodes(output: string, word: string): Promise<ClusterNodes> {
  const document = await parseXmlDocument(output, 'cibadmin');
  // Without this section nothing is known of any permanent mark, which is not the same as there being none.
  if (descendants(document, 'nodes').length === 0) {
    throw new AttrdError('malformed', "cibadmin answered without the cluster's nodes");
  }
  const nodes: CibNode[] = [];
  const words = document.children.flatMap((root) => wordsOf(root, word, null, false));
  const nameOf = new Map<string, string>();
  for (const element of descendants(document, 'node')) {
    const { id, uname } = element.attributes;
    const name = uname ?? id;
    if (name === undefined) throw new AttrdError('malformed', 'cibadmin answered a node without a name');
    if (id !== undefined) nameOf.set(id, name);
    const attributes: Record<string, string> = {};
    for (const set of descendants(element, 'instance_attributes')) {
      for (const pair of descendants(set, 'nvpair')) {
        const key = pair.attributes['name'];
        if (key !== undefined) attributes[key] = pair.attributes['value'] ?? '';
      }
      words.push(...wordsOf(set, word, name, false));
    }
    nodes.push({ name, attributes });
  }
  for (const element of descendants(document, 'transient_attributes')) {
    const { id } = element.attributes;
    if (id === undefined) continue;
    for (const set of descendants(element, 'instance_attributes')) {
      words.push(...wordsOf(set, word, nameOf.get(id) ?? id, true));
    }
  }
  return { nodes, words };
}

function wordsOf(set: Element, name: string, node: string | null, transient: boolean): SaidWord[] {
  return set.children
    .filter((child) => child.name === 'nvpair' && child.attributes['name'] === name)
    .map((pair) => ({ node, value: pair.attributes['value'] ?? '', transient }));
}

/** Parses the `nvpair` elements of `pcmk_host_map` that an XPath query gave, into plugs by node. */
export async function parseHostMaps(output: string): Promise<Map<string, string>> {
  const plugs = new Map<string, string>();
  for (const pair of descendants(await parseXmlDocument(output, 'cibadmin'), 'nvpair')) {
    for (const entry of (pair.attributes['value'] ?? '').split(/[;,\s]+/)) {
      const [node, plug] = entry.split(/[:=]/);
      if (node && plug) plugs.set(node, plug);
    }
  }
  return plugs;
}

/** A node as the CIB's status section has it. */
export interface NodeState {
  readonly name: string;
  /**
   * Whether it is part of the cluster: for a remote node, whether its connection has come up since it was last lost.
   * A word, and since feature set 3.18 a time, 0 for no.
   */
  readonly joined: boolean;
  /** Types of the resources (`ocf:openstack:NovaCompute` is `NovaCompute`) that were started, or found running, on it. */
  readonly active: ReadonlySet<string>;
}

/** A configured resource that is no group, clone or bundle. */
export interface Primitive {
  readonly id: string;
  readonly class: string;
  readonly provider: string | null;
  readonly type: string;
}

/**
 * Parses `cibadmin --query --scope status`: `node_state` with `in_ccm`, and the history of operations below it
 * (`lrm_resource type=`, `lrm_rsc_op operation= rc-code=`). A start counts from the moment it is under way.
 */
export async function parseNodeStates(output: string): Promise<NodeState[]> {
  const states: NodeState[] = [];
  for (const state of descendants(await parseXmlDocument(output, 'cibadmin'), 'node_state')) {
    const name = state.attributes['uname'] ?? state.attributes['id'];
    if (name === undefined)
      throw new AttrdError('malformed', 'cibadmin answered a node state without a name');
    const active = new Set<string>();
    for (const resource of descendants(state, 'lrm_resource')) {
      const { type } = resource.attributes;
      if (type !== undefined && descendants(resource, 'lrm_rsc_op').some(isActive)) active.add(type);
    }
    states.push({ name, joined: !['false', '0', ''].includes(state.attributes['in_ccm'] ?? ''), active });
  }
  return states;
}

function isActive({ attributes }: Element): boolean {
  const { operation, 'rc-code': code } = attributes;
  return operation === 'start' || (operation === 'monitor' && (code === '0' || code === '190'));
}

export async function parsePrimitives(output: string): Promise<Primitive[]> {
  const primitives: Primitive[] = [];
  for (const { attributes } of descendants(await parseXmlDocument(output, 'cibadmin'), 'primitive')) {
    const { id, class: standard, provider, type } = attributes;
    if (id === undefined || standard === undefined || type === undefined) {
      throw new AttrdError('malformed', 'cibadmin answered a resource without id, class or type');
    }
    primitives.push({ id, class: standard, provider: provider ?? null, type });
  }
  return primitives;
}
