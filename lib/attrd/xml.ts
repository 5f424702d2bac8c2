import { AttrdError } from './errors.ts';

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  /** What stands between its tags; '' where there are elements. */
  readonly text: string;
}

/** All elements of a name below one, in document order. */
export function descendants(element: Element, name: string): Element[] {
  const found: Element[] = [];
  const walk = ({ children }: Element) => {
    for (const child of children) {
      if (child.name === name) found.push(child);
      walk(child);
    }
  };
  walk(element);
  return found;
}

/** Loaded with the first answer that is XML: not every action reads one. */
let parser: typeof import('@rgrove/parse-xml') | undefined;

/**
 * Parses what a tool printed; the result is a root above the document element.
 *
 * @param noise whole elements that nobody asks about, left out before anything is built of them: the history of a large
 * cluster's operations is tens of MiB of them. One that is not closed must match none of these patterns.
 */
export async function parseXmlDocument(
  printed: string,
  tool: string,
  noise: readonly RegExp[] = [],
): Promise<Element> {
  const text = noise.reduce((rest, pattern) => rest.replace(pattern, ''), printed);
  parser ??= await import('@rgrove/parse-xml');
  const { parseXml, XmlElement } = parser;
  type Parsed = InstanceType<typeof XmlElement>;
  const convert = (element: Parsed): Element => {
    const children = element.children.filter((child) => child instanceof XmlElement).map(convert);
    const text = children.length === 0 ? element.text : '';
    return { name: element.name, attributes: element.attributes, children, text };
  };
  try {
    const root = parseXml(text).root;
    if (root === null) throw new Error('no root element');
    return { name: '#document', attributes: {}, children: [convert(root)], text: '' };
  } catch (error) {
    throw new AttrdError('malformed', `${tool} answered something that is not XML: ${shorten(text)}`, {
      cause: error,
    });
  }
}

/** The beginning of what was not understood, on one line. */
export function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 120 ? `${line.slice(0, 120)}…` : line;
}
