import { type Attributes, evacuationWord } from './attributes.ts';
import type { NodeName } from './names.ts';
import type { SaidWord } from './parseCib.ts';
import type { EvacuationModes, Mode } from './types.ts';

/**
 * Reads what operators say of evacuations: the cluster property `evacuation` (`crm_attribute --type crm_config`,
 * `pcs property set --force`) and the node attribute of the same name, permanent (`crm_attribute -l forever`,
 * `pcs node attribute`) or transient (`attrd_updater`), which the cluster forgets when the node is fenced or comes back.
 */
export class EvacuationModesReader {
  readonly #attributes: Attributes;

  constructor(attributes: Attributes) {
    this.#attributes = attributes;
  }

  /**
   * Two questions, side by side: the CIB and attrd, which takes any name and keeps private attributes to itself. Throws
   * `AttrdError` when one of them does not answer: whether an operator has said `pause` is then not known.
   */
  async readModes(): Promise<EvacuationModes> {
    const [{ words }, transient] = await Promise.all([
      this.#attributes.queryNodes(),
      this.#attributes.queryTransient(evacuationWord),
    ]);
    return judgeWords([
      ...words.filter((word) => !word.transient),
      ...transient.map(({ host, value }) => ({ node: host, value, transient: true })),
    ]);
  }
}

/** What the words mean together; permanent ones come first. */
export function judgeWords(words: readonly SaidWord[]): EvacuationModes {
  let cluster: Mode = 'normal';
  const nodes = new Map<NodeName, Mode>();
  const onlyTransient = new Set<NodeName>();
  const unknown: { where: NodeName | null; value: string }[] = [];
  for (const { node, value, transient } of words) {
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
    if (transient && before !== now) onlyTransient.add(node);
  }
  return { cluster, nodes, transient: onlyTransient, unknown };
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
