import { AttrdError } from './errors.ts';
import { descendants, type Element, parseXmlDocument } from './xml.ts';

/** A cluster or remote node of the CIB with its permanent attributes. */
export interface CibNode {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * Parses `cibadmin --query --scope nodes`: every node with its permanent attributes
 * (`<node id uname><instance_attributes><nvpair name value/>`). Remote nodes may lack `uname`; their id is their name.
 */
export async function parseCibNodes(output: string): Promise<CibNode[]> {
  const nodes: CibNode[] = [];
  for (const element of descendants(await parseXmlDocument(output, 'cibadmin'), 'node')) {
    const name = element.attributes['uname'] ?? element.attributes['id'];
    if (name === undefined) throw new AttrdError('malformed', 'cibadmin answered a node without a name');
    const attributes: Record<string, string> = {};
    for (const set of descendants(element, 'instance_attributes')) {
      for (const pair of descendants(set, 'nvpair')) {
        const key = pair.attributes['name'];
        if (key !== undefined) attributes[key] = pair.attributes['value'] ?? '';
      }
    }
    nodes.push({ name, attributes });
  }
  return nodes;
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

/** A value of the operator's word; `node` null: said of the cluster. */
export interface SaidWord {
  readonly node: string | null;
  readonly value: string;
}

/**
 * Parses what an XPath query gave of the cluster's properties (`nvpair`, alone or below `xpath-query`) and of nodes
 * with their permanent attributes.
 */
export async function parseEvacuationWords(output: string, word: string): Promise<SaidWord[]> {
  const document = await parseXmlDocument(output, 'cibadmin');
  const ofNodes = descendants(document, 'node').flatMap((node) => {
    const name = node.attributes['uname'] ?? node.attributes['id'];
    if (name === undefined) throw new AttrdError('malformed', 'cibadmin answered a node without a name');
    return descendants(node, 'instance_attributes').flatMap((set) => valuesOf(set, word, name));
  });
  const ofCluster = [document, ...document.children].flatMap((root) => valuesOf(root, word, null));
  return [...ofCluster, ...ofNodes];
}

function valuesOf(set: Element, name: string, node: string | null): SaidWord[] {
  return set.children
    .filter((child) => child.name === 'nvpair' && child.attributes['name'] === name)
    .map((pair) => ({ node, value: pair.attributes['value'] ?? '' }));
}
