import { AttrdError } from './errors.ts';

/** One line of attrd's answer to a query: the value an attribute has for a host. */
export interface AttributeValue {
  readonly name: string;
  readonly host: string;
  readonly value: string;
}

/** A cluster or remote node of the CIB with its permanent attributes. */
export interface CibNode {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const textLine = /^name="(.*?)" host="([^"]*)" value="(.*)"$/;

/**
 * Parses the text output of `attrd_updater --query`. Pacemaker up to 2.1 does not escape the value
 * (`value="a b"c"`), so the value is what stands between the first `value="` and the line's last quote; newer
 * ones put a backslash before quotes and leave other backslashes alone (pcmk__xml_escape_attr_pretty), which is
 * undone.
 */
export function parseAttrdText(output: string): AttributeValue[] {
  const values: AttributeValue[] = [];
  for (const line of output.split('\n')) {
    if (line.trim() === '') continue;
    const [, name, host, value] = textLine.exec(line) ?? [];
    if (name === undefined || host === undefined || value === undefined) {
      throw new AttrdError(
        'malformed',
        `attrd_updater answered a line that is not understood: ${shorten(line)}`,
      );
    }
    values.push({ name, host, value: value.replaceAll('\\"', '"') });
  }
  return values;
}

/** Parses the `--output-as=xml` form of the same answer (Pacemaker 2.1 and newer). */
export async function parseAttrdXml(output: string): Promise<AttributeValue[]> {
  const values: AttributeValue[] = [];
  for (const element of descendants(await parseXmlDocument(output, 'attrd_updater'), 'attribute')) {
    const { name, host, value } = element.attributes;
    if (name === undefined || host === undefined) {
      throw new AttrdError('malformed', 'attrd_updater answered an attribute without a name or a host');
    }
    values.push({ name, host, value: value ?? '' });
  }
  return values;
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

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
}

/** All elements of a name below one, in document order. */
function descendants(element: Element, name: string): Element[] {
  return element.children.flatMap((child) => [
    ...(child.name === name ? [child] : []),
    ...descendants(child, name),
  ]);
}

async function parseXmlDocument(text: string, tool: string): Promise<Element> {
  const { parseXml, XmlElement } = await import('@rgrove/parse-xml');
  type Parsed = InstanceType<typeof XmlElement>;
  const convert = (element: Parsed): Element => ({
    name: element.name,
    attributes: element.attributes,
    children: element.children.filter((child) => child instanceof XmlElement).map(convert),
  });
  try {
    const root = parseXml(text).root;
    if (root === null) throw new Error('no root element');
    return { name: '#document', attributes: {}, children: [convert(root)] };
  } catch (error) {
    throw new AttrdError('malformed', `${tool} answered something that is not XML: ${shorten(text)}`, {
      cause: error,
    });
  }
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 120 ? `${line.slice(0, 120)}…` : line;
}
