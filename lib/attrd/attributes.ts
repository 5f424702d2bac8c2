import type { CommandRunner } from './command.ts';
import { exitUsage, failure, isNothingFound, isUnknownNode, isUnknownOption } from './failure.ts';
import { insist, type Patience } from './insist.ts';
import type { NodeName } from './names.ts';
import { type AttributeValue, parseAttrdText, parseAttrdXml } from './parseAttrd.ts';
import { type ClusterNodes, parseClusterNodes, parseHostMaps } from './parseCib.ts';
import { knowingAgain } from './sameAnswer.ts';

/** The operators' word on evacuations: name of a cluster property and of a node attribute. */
export const evacuationWord = 'evacuation';

/**
 * The nodes, and whatever bears the operators' word, in one question: an idle pass asks it every ten seconds. Full paths
 * keep the CIB manager from searching the history of operations. The nodes section is always there, so this always
 * finds something.
 */
const nodesAndWords = [
  '/cib/configuration/nodes',
  `/cib/configuration/crm_config/cluster_property_set/nvpair[@name='${evacuationWord}']`,
  `/cib/status/node_state/transient_attributes[instance_attributes/nvpair[@name='${evacuationWord}']]`,
].join(' | ');

const parseNodesAndWords = knowingAgain((printed) => parseClusterNodes(printed, evacuationWord));

/**
 * Pacemaker's node attributes, transient (attrd) and permanent (the CIB's nodes section). Questions are asked again as long
 * as the patience lasts. A change is tried once: whether it is still right after a pause is for its caller to know.
 */
export class Attributes {
  readonly #run: CommandRunner;
  readonly #patience: Patience | null;
  /** Whether the tools know `--output-as` (2.1 and newer); found out at the first query. */
  #speaksXml = true;

  constructor(run: CommandRunner, patience: Patience | null = null) {
    this.#run = run;
    this.#patience = patience;
  }

  /** The value of a transient attribute for every host attrd knows it for; empty when it was never set. */
  queryTransient(name: string): Promise<readonly AttributeValue[]> {
    return insist(this.#patience, () => this.#queryTransient(name));
  }

  async #queryTransient(name: string): Promise<readonly AttributeValue[]> {
    const query = ['--query', '--all', `--name=${name}`];
    if (this.#speaksXml) {
      const result = await this.#run('attrd_updater', [...query, '--output-as=xml']);
      if (result.exitCode === 0) return parseAttrdXml(result.stdout);
      if (isNothingFound(result)) return [];
      if (result.exitCode !== exitUsage && !isUnknownOption(result)) {
        throw failure('attrd_updater', result, `reading attribute ${name}`);
      }
      this.#speaksXml = false;
    }
    const result = await this.#run('attrd_updater', query);
    if (result.exitCode === 0) return parseAttrdText(result.stdout);
    if (isNothingFound(result)) return [];
    throw failure('attrd_updater', result, `reading attribute ${name}`);
  }

  /**
   * Sets a transient attribute for a host; attrd takes any name, cluster node or not. `private` attributes stay in
   * attrd's memory and out of the CIB. Without a host the local node is meant.
   */
  async updateTransient(
    name: string,
    value: string,
    options: { readonly host?: NodeName; readonly private: boolean },
  ): Promise<void> {
    await this.#expectSuccess(
      'attrd_updater',
      [
        '-n',
        name,
        ...(options.host === undefined ? [] : ['-N', options.host]),
        ...(options.private ? ['-p'] : []),
        '-U',
        value,
      ],
      `setting attribute ${name}${options.host === undefined ? '' : ` of ${options.host}`}`,
    );
  }

  /**
   * Empties a transient attribute. `private` says what it is if it has to be created for that: attrd keeps every
   * attribute it was ever asked to change, and one created without is in the CIB from then on.
   */
  async deleteTransient(
    name: string,
    options: { readonly host?: NodeName; readonly private: boolean },
  ): Promise<void> {
    await this.#expectSuccess(
      'attrd_updater',
      [
        '-n',
        name,
        ...(options.host === undefined ? [] : ['-N', options.host]),
        ...(options.private ? ['-p'] : []),
        '-D',
      ],
      `removing attribute ${name}${options.host === undefined ? '' : ` of ${options.host}`}`,
    );
  }

  /**
   * Which plug stands for which node: the `pcmk_host_map` of all fence devices of an agent, as Pacemaker translates
   * node names before it calls them (`node:plug;node:plug`, separated by semicolons or blanks; commas list several
   * plugs of one node, of which the first is taken). A device has what it does not say itself from its template, and
   * then from the resource defaults (lib/pengine/complex.c, get_rsc_attributes).
   */
  queryHostMap(fenceAgent: string): Promise<Map<NodeName, string>> {
    return insist(this.#patience, () => this.#queryHostMap(fenceAgent));
  }

  async #queryHostMap(fenceAgent: string): Promise<Map<NodeName, string>> {
    const resources = '/cib/configuration/resources';
    const xpath = [
      // A device that has a template may leave its type to it.
      `${resources}//primitive[@type='${fenceAgent}' or @template]`,
      `${resources}/template[@type='${fenceAgent}']`,
      `/cib/configuration/rsc_defaults/instance_attributes[nvpair[@name='pcmk_host_map']]`,
    ].join(' | ');
    const result = await this.#run('cibadmin', ['-Q', '--xpath', xpath]);
    // 105, before 2.0 6 (ENXIO): nothing in the CIB matches.
    if (isNothingFound(result)) return new Map();
    if (result.exitCode !== 0)
      throw failure('cibadmin', result, 'reading pcmk_host_map of the fence devices');
    return parseHostMaps(result.stdout, fenceAgent);
  }

  /** All nodes the CIB knows, with their permanent attributes, and what operators say of evacuations there. */
  queryNodes(): Promise<ClusterNodes> {
    return insist(this.#patience, () => this.#queryNodes());
  }

  async #queryNodes(): Promise<ClusterNodes> {
    const result = await this.#run('cibadmin', ['-Q', '--xpath', nodesAndWords]);
    if (result.exitCode !== 0) throw failure('cibadmin', result, "reading the cluster's nodes");
    return parseNodesAndWords(result.stdout);
  }

  /**
   * Sets a permanent attribute of a cluster node. Returns false when the name is no cluster node: `crm_attribute`
   * then says `Could not map name=… to a UUID` and writes nothing.
   */
  async updatePermanent(node: NodeName, name: string, value: string): Promise<boolean> {
    const result = await this.#run('crm_attribute', ['-N', node, '-n', name, '-v', value, '-l', 'forever']);
    if (result.exitCode === 0) return true;
    if (isUnknownNode(result)) return false;
    throw failure('crm_attribute', result, `setting permanent attribute ${name} of ${node}`);
  }

  async #expectSuccess(tool: string, args: readonly string[], doing: string): Promise<void> {
    const result = await this.#run(tool, args);
    if (result.exitCode !== 0) throw failure(tool, result, doing);
  }
}
