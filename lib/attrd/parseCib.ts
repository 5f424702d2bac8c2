import { AttrdError } from './errors.ts';
import { type NodeName, nodeName } from './names.ts';
import { descendants, type Element, parseXmlDocument } from './xml.ts';

/** A cluster or remote node of the CIB with its permanent attributes. */
export interface CibNode {
  readonly name: NodeName;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A value of the operators' word, where it stands in the CIB. */
export interface SaidWord {
  /** Null: said of the cluster. */
  readonly node: NodeName | null;
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
  const nameOf = new Map<string, NodeName>();
  for (const element of descendants(document, 'node')) {
    const { id, uname } = element.attributes;
    const given = uname ?? id;
    if (given === undefined) throw new AttrdError('malformed', 'cibadmin answered a node without a name');
    const name = nodeName(given);
    if (id !== undefined) nameOf.set(id, name);
    const attributes: Record<string, string> = {};
    for (const set of descendants(element, 'instance_attributes')) {
      for (const pair of descendants(set, 'nvpair')) {
        const key = pair.attributes['name'];
        // Of two sets the first counts, as where a mark is changed.
        if (key !== undefined) attributes[key] ??= pair.attributes['value'] ?? '';
      }
      words.push(...wordsOf(set, word, name, false));
    }
    nodes.push({ name, attributes });
  }
  for (const element of descendants(document, 'transient_attributes')) {
    const { id } = element.attributes;
    if (id === undefined) continue;
    for (const set of descendants(element, 'instance_attributes')) {
      words.push(...wordsOf(set, word, nameOf.get(id) ?? nodeName(id), true));
    }
  }
  return { nodes, words };
}

function wordsOf(set: Element, name: string, node: NodeName | null, transient: boolean): SaidWord[] {
  return set.children
    .filter((child) => child.name === 'nvpair' && child.attributes['name'] === name)
    .map((pair) => ({ node, value: pair.attributes['value'] ?? '', transient }));
}

/**
 * Parses what an XPath query gave of the fence devices of an agent, of templates and of the resource defaults, in any order, into
 * plugs by node. What a device says itself goes before its template's word, and that before the defaults'.
 */
export async function parseHostMaps(output: string, fenceAgent: string): Promise<Map<NodeName, string>> {
  const document = await parseXmlDocument(output, 'cibadmin');
  const templates = new Map<string, Element>();
  for (const template of descendants(document, 'template')) {
    const { id, type } = template.attributes;
    if (id !== undefined && type === fenceAgent) templates.set(id, template);
  }
  // One that was found stands for itself, several stand below `xpath-query`.
  const found = document.children.flatMap((one) => (one.name === 'xpath-query' ? one.children : [one]));
  const defaults = found.filter(({ name }) => name === 'instance_attributes');
  const plugs = new Map<NodeName, string>();
  for (const device of descendants(document, 'primitive')) {
    const { type, template: reference } = device.attributes;
    const template = reference === undefined ? undefined : templates.get(reference);
    if (type !== fenceAgent && template === undefined) continue;
    const map = hostMapOf(device) ?? (template && hostMapOf(template)) ?? hostMapIn(defaults);
    for (const entry of (map ?? '').split(/[;,\s]+/)) {
      const [node, plug] = entry.split(/[:=]/);
      if (node && plug) plugs.set(nodeName(node), plug);
    }
  }
  return plugs;
}

/** The `pcmk_host_map` among the instance attributes of a resource or template; null: it has none. */
function hostMapOf({ children }: Element): string | null {
  return hostMapIn(children.filter(({ name }) => name === 'instance_attributes'));
}

function hostMapIn(sets: readonly Element[]): string | null {
  const pairs = sets.flatMap((set) => descendants(set, 'nvpair'));
  return pairs.find(({ attributes }) => attributes['name'] === 'pcmk_host_map')?.attributes['value'] ?? null;
}
