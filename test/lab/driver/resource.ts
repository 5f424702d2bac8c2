import { parseXml, XmlElement } from '@rgrove/parse-xml';
import type { Cluster } from './cluster.ts';
import type { Lab } from './scenario.ts';

/** Parameters of the resource nova-evacuate, changed for the length of a scenario. */

const RESOURCE = 'nova-evacuate';
const ATTRIBUTES = `${RESOURCE}-instance_attributes`;

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

async function parameters(cluster: Cluster): Promise<Map<string, string>> {
  const xml = await cluster.ask(['cibadmin', '-Q', '--xpath', `//instance_attributes[@id='${ATTRIBUTES}']`]);
  const pairs = parseXml(xml).root?.children.filter((child) => child instanceof XmlElement) ?? [];
  return new Map(pairs.map(({ attributes }) => [attributes['name'] ?? '', attributes['value'] ?? '']));
}

/** All at once: each change restarts the resource. */
async function write(cluster: Cluster, values: ReadonlyMap<string, string>): Promise<void> {
  const pairs = [...values].map(
    ([name, value]) => `<nvpair id="${ATTRIBUTES}-${name}" name="${name}" value="${escaped(value)}"/>`,
  );
  const xml = `<instance_attributes id="${ATTRIBUTES}">${pairs.join('')}</instance_attributes>`;
  await cluster.ask(['cibadmin', '--replace', '-o', 'resources', '-X', xml]);
}

/** Sets parameters of nova-evacuate until the scenario is over, and waits until it runs with them. */
export async function setParameters(lab: Lab, values: Readonly<Record<string, string>>): Promise<void> {
  const before = await parameters(lab.cluster);
  lab.afterwards(() => write(lab.cluster, before));
  await write(lab.cluster, new Map([...before, ...Object.entries(values)]));
  await lab.cluster.ask(['crm_resource', '--wait', '--timeout', '30'], 40);
  await lab.cluster.nodeOf(RESOURCE);
  const shown = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  lab.say(`NovaEvacuate has ${shown.join(', ')}`);
}
