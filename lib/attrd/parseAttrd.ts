import { AttrdError } from './errors.ts';
import { type NodeName, nodeName } from './names.ts';
import { knowingAgain } from './sameAnswer.ts';
import { descendants, parseXmlDocument, shorten } from './xml.ts';

/** One line of attrd's answer to a query: the value an attribute has for a host. */
export interface AttributeValue {
  readonly name: string;
  /** The node; attrd takes any name for one. */
  readonly host: NodeName;
  readonly value: string;
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
    values.push({ name, host: nodeName(host), value: value.replaceAll('\\"', '"') });
  }
  return values;
}

/** Parses the `--output-as=xml` form of the same answer (Pacemaker 2.1 and newer). */
export const parseAttrdXml = knowingAgain(async (output): Promise<readonly AttributeValue[]> => {
  const values: AttributeValue[] = [];
  for (const element of descendants(await parseXmlDocument(output, 'attrd_updater'), 'attribute')) {
    const { name, host, value } = element.attributes;
    if (name === undefined || host === undefined) {
      throw new AttrdError('malformed', 'attrd_updater answered an attribute without a name or a host');
    }
    values.push({ name, host: nodeName(host), value: value ?? '' });
  }
  return values;
});
