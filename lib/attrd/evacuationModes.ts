import type { Attributes } from './attributes.ts';
import type { CommandRunner } from './command.ts';
import { failure, isNothingFound } from './failure.ts';
import { parseEvacuationWords, type SaidWord } from './parseCib.ts';
import type { EvacuationModes, Mode } from './types.ts';

/** The operator's word: name of the cluster property and of the node attribute. */
const word = 'evacuation';

/** Everything in the CIB that bears the word; nodes as a whole, for their names. */
const xpath = [
  `//crm_config/cluster_property_set/nvpair[@name='${word}']`,
  `//nodes/node[instance_attributes/nvpair[@name='${word}']]`,
].join(' | ');

/**
 * Reads what operators say of evacuations: the cluster property `evacuation` (`crm_attribute --type crm_config`,
 * `pcs property set --force`) and the node attribute of the same name, permanent (`crm_attribute -l forever`,
 * `pcs node attribute`) or transient (`attrd_updater`), which the cluster forgets when the node is fenced or comes back.
 */
export class EvacuationModesReader {
  readonly #attributes: Attributes;
  readonly #run: CommandRunner;

  constructor(attributes: Attributes, run: CommandRunner) {
    this.#attributes = attributes;
    this.#run = run;
  }

  /**
   * Two questions, side by side: the CIB (one XPath for both sections, 20 ms) and attrd. Throws `AttrdError` when one of
   * them does not answer: whether an operator has said `pause` is then not known.
   */
  async readModes(): Promise<EvacuationModes> {
    const [lasting, transient] = await Promise.all([this.#readCib(), this.#attributes.queryTransient(word)]);
    const words: { readonly said: SaidWord; readonly transient: boolean }[] = [
      ...lasting.map((said) => ({ said, transient: false })),
      ...transient.map(({ host, value }) => ({ said: { node: host, value }, transient: true })),
    ];
    let cluster: Mode = 'normal';
    const nodes = new Map<string, Mode>();
    const onlyTransient = new Set<string>();
    const unknown: { where: string | null; value: string }[] = [];
    for (const { said, transient: passing } of words) {
      const { node, value } = said;
      const mode = parseMode(value);
      // attrd keeps the line of an attribute that was removed, with an empty value.
      if (mode === null) continue;
      if (mode === 'unknown') unknown.push({ where: node, value });
      if (node === null) {
        cluster = careful(cluster, mode === 'unknown' ? 'pause' : mode);
        continue;
      }
      const before = nodes.get(node);
      const now = careful(before ?? 'normal', mode === 'unknown' ? 'pause' : mode);
      nodes.set(node, now);
      if (passing && before !== now) onlyTransient.add(node);
    }
    return { cluster, nodes, transient: onlyTransient, unknown };
  }

  async #readCib(): Promise<readonly SaidWord[]> {
    const result = await this.#run('cibadmin', ['-Q', '--xpath', xpath]);
    if (result.exitCode === 0) return parseEvacuationWords(result.stdout, word);
    if (isNothingFound(result)) return [];
    throw failure('cibadmin', result, `reading what operators say of evacuations (${word})`);
  }
}

/** Null: nothing is said. */
function parseMode(value: string): Mode | 'unknown' | null {
  const said = value.trim().toLowerCase();
  if (said === '') return null;
  return said === 'pause' || said === 'go' || said === 'normal' ? said : 'unknown';
}

/** What counts where it is said twice: a pause, whoever says it, then a `go`. */
function careful(one: Mode, other: Mode): Mode {
  if (one === 'pause' || other === 'pause') return 'pause';
  return one === 'go' || other === 'go' ? 'go' : 'normal';
}
