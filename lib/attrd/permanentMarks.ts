import type { CommandResult, CommandRunner } from './command.ts';
import { AttrdError } from './errors.ts';
import { failure, isNothingFound } from './failure.ts';
import { insist, type Patience } from './insist.ts';
import type { MarkName } from './names.ts';
import { readPermanent, theOneThatCounts } from './readMark.ts';
import { descendants, type Element, parseXmlDocument } from './xml.ts';

/** The two permanent attributes of a mark: what our version before knows of it, and what it does not. */
export const markAttribute = 'evacuate';
export const incidentAttribute = 'evacuate-incident';

/** The permanent side of one node's mark as it stands in the CIB. */
export interface PermanentMark {
  readonly nodeId: string;
  /** Undefined: there is no such attribute. */
  readonly mark: Pair | undefined;
  readonly incident: Pair | undefined;
  /** Where an attribute that is not there yet goes. */
  readonly setId: string;
}

interface Pair {
  readonly setId: string;
  readonly id: string;
  readonly value: string;
}

/** What both attributes are to read. */
export interface PermanentValues {
  readonly mark: string;
  readonly incident: string;
}

/**
 * Changes the permanent side of a mark by compare-and-set: one `cibadmin --modify` of both attributes, whose XPath finds
 * the node only while both read what they did. The CIB manager of the designated controller evaluates the XPath and applies the
 * change as one; where it finds nothing it answers 105 (before 2.0: 6), `No such device or address`, and
 * changes nothing (seen on 2.1.5; `cib_process_xpath` has it so since 1.1).
 */
export class PermanentMarks {
  readonly #run: CommandRunner;
  readonly #patience: Patience | null;

  /** @param patience for how long a question that got no answer is asked again; a change is tried once */
  constructor(run: CommandRunner, patience: Patience | null = null) {
    this.#run = run;
    this.#patience = patience;
  }

  /** Null: the CIB lists no such node (a remote one is listed only once it bears an attribute). */
  read(name: MarkName): Promise<PermanentMark | null> {
    return insist(this.#patience, () => this.#read(name));
  }

  async #read(name: MarkName): Promise<PermanentMark | null> {
    const quoted = literal(name);
    const xpath = `/cib/configuration/nodes/node[@uname=${quoted} or @id=${quoted}]`;
    const result = await this.#run('cibadmin', ['-Q', '--xpath', xpath]);
    if (isNothingFound(result)) return null;
    if (result.exitCode !== 0) throw failure('cibadmin', result, `reading the permanent mark of ${name}`);
    return parsePermanentMark(result.stdout, name);
  }

  /** False: it no longer reads as it did, and nothing was changed. */
  async swap(name: MarkName, old: PermanentMark, next: PermanentValues): Promise<boolean> {
    const id = escapeXml(old.nodeId);
    const pair = (attribute: string, was: Pair | undefined, value: string) => {
      const set = was?.setId ?? old.setId;
      const pairId = was?.id ?? `${old.setId}-${attribute}`;
      return `<instance_attributes id="${escapeXml(set)}"><nvpair id="${escapeXml(pairId)}" name="${attribute}" value="${escapeXml(value)}"/></instance_attributes>`;
    };
    const xml = `<node id="${id}">${pair(markAttribute, old.mark, next.mark)}${pair(incidentAttribute, old.incident, next.incident)}</node>`;
    const args = ['--modify', '--xpath', unchanged(old), '--xml-text', joinSets(xml)];
    return this.#changed(name, await this.#run('cibadmin', args));
  }

  /** Removes one of the two attributes if it reads so. */
  async remove(name: MarkName, attribute: string, value: string): Promise<void> {
    const node = literal(name);
    const xpath = `/cib/configuration/nodes/node[@uname=${node} or @id=${node}]/instance_attributes/nvpair[@name='${attribute}' and @value=${literal(value)}]`;
    // What does not match is left, and that is a success (seen on 2.1.5).
    this.#changed(name, await this.#run('cibadmin', ['--delete', '--xpath', xpath]));
  }

  #changed(name: MarkName, result: CommandResult): boolean {
    if (result.exitCode === 0) return true;
    if (isNothingFound(result)) return false;
    throw failure('cibadmin', result, `changing the permanent mark of ${name}`);
  }
}

/** Two pairs of one set come in one element: an element's second namesake with the same id is not looked at. */
function joinSets(xml: string): string {
  return xml.replace(
    /<instance_attributes id="([^"]*)">(.*?)<\/instance_attributes><instance_attributes id="\1">/,
    '<instance_attributes id="$1">$2',
  );
}

function unchanged({ nodeId, mark, incident }: PermanentMark): string {
  const reads = (attribute: string, pair: Pair | undefined) =>
    pair === undefined
      ? `not(instance_attributes/nvpair[@name='${attribute}'])`
      : `instance_attributes/nvpair[@name='${attribute}' and @value=${literal(pair.value)}]`;
  return `/cib/configuration/nodes/node[@id=${literal(nodeId)} and ${reads(markAttribute, mark)} and ${reads(incidentAttribute, incident)}]`;
}

/** Null: no node bears that name, but for its id. */
async function parsePermanentMark(output: string, name: MarkName): Promise<PermanentMark | null> {
  const nodes = descendants(await parseXmlDocument(output, 'cibadmin'), 'node');
  if (nodes.length === 0 || nodes.some(({ attributes }) => attributes['id'] === undefined)) {
    throw new AttrdError('malformed', 'cibadmin answered a node without an id');
  }
  const marks = nodes
    .filter(({ attributes }) => (attributes['uname'] ?? attributes['id']) === name)
    .map(permanentMarkOf);
  return theOneThatCounts(marks, ({ mark, incident }) => readPermanent(mark?.value, incident?.value)) ?? null;
}

function permanentMarkOf(node: Element): PermanentMark {
  const nodeId = node.attributes['id'] ?? '';
  const sets = descendants(node, 'instance_attributes');
  const find = (attribute: string): Pair | undefined => {
    for (const set of sets) {
      for (const { attributes } of descendants(set, 'nvpair')) {
        const { id, name, value } = attributes;
        const setId = set.attributes['id'];
        if (name === attribute && id !== undefined && setId !== undefined) {
          return { setId, id, value: value ?? '' };
        }
      }
    }
    return undefined;
  };
  const mark = find(markAttribute);
  const incident = find(incidentAttribute);
  const setId = (mark ?? incident)?.setId ?? sets[0]?.attributes['id'] ?? `nodes-${nodeId}`;
  return { nodeId, mark, incident, setId };
}

/** XPath 1.0 has no escapes: a text goes into the quotes it does not contain. */
function literal(text: string): string {
  if (!text.includes("'")) return `'${text}'`;
  if (!text.includes('"')) return `"${text}"`;
  return `concat(${text
    .split("'")
    .map((part) => `'${part}'`)
    .join(`, "'", `)})`;
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\t', '&#x09;')
    .replaceAll('\n', '&#x0A;')
    .replaceAll('\r', '&#x0D;');
}
