import { AttrdError, type Attributes, type MarkName, markName, type NodeName } from '../../attrd/index.ts';
import { rethrowUnless } from '../../rethrow.ts';
import type { Watch } from './claim.ts';

/**
 * The private transient attribute, on the own node, by which its passes remember since when they have watched the claims of others.
 * Not in notes on the disk: where those are lost at every pass, a dead evacuator would never be replaced. The cluster forgets it
 * when the machine starts anew, and so does the clock that its times are of.
 */
export const watchesAttribute = 'nova-evacuate-watches';
/** A look is noted at most that often, in ms. */
const keepEveryMs = 10_000;

/** The watches of one pass: read when the first is asked for, and written where one changes. */
export class Watches {
  readonly #attributes: Pick<Attributes, 'queryTransient' | 'updateTransient' | 'deleteTransient'>;
  readonly #node: NodeName;
  #known: Map<MarkName, Watch> | null = null;
  #isUnread = false;

  /** @param node this node's name in the cluster */
  constructor(
    attributes: Pick<Attributes, 'queryTransient' | 'updateTransient' | 'deleteTransient'>,
    node: NodeName,
  ) {
    this.#attributes = attributes;
    this.#node = node;
  }

  /** Null: its mark was not watched yet, or the cluster does not tell, and the watch begins now. */
  async of(name: MarkName): Promise<Watch | null> {
    return (await this.#read()).get(name) ?? null;
  }

  async keep(name: MarkName, watch: Watch): Promise<void> {
    const known = await this.#read();
    const before = known.get(name);
    // Each look counts for this pass, and for the next one what is not older than a pause between two of them.
    const isSame = before?.value === watch.value && before.since === watch.since;
    if (isSame && watch.until - before.until < keepEveryMs) return;
    known.set(name, watch);
    await this.#write(known);
  }

  /** Nobody else is at work on it. */
  async end(name: MarkName): Promise<void> {
    if (this.#known?.delete(name)) await this.#write(this.#known);
  }

  async #read(): Promise<Map<MarkName, Watch>> {
    if (this.#known !== null) return this.#known;
    const known = new Map<MarkName, Watch>();
    try {
      const values = await this.#attributes.queryTransient(watchesAttribute);
      for (const [name, watch] of parse(values.find(({ host }) => host === this.#node)?.value ?? ''))
        known.set(name, watch);
    } catch (error) {
      rethrowUnless(error, AttrdError);
      // What is there is not overwritten by what this pass alone knows.
      this.#isUnread = true;
    }
    this.#known = known;
    return known;
  }

  /** What cannot be written is known to this pass alone. */
  async #write(known: ReadonlyMap<MarkName, Watch>): Promise<void> {
    if (this.#isUnread) return;
    const options = { host: this.#node, private: true };
    try {
      if (known.size === 0) await this.#attributes.deleteTransient(watchesAttribute, options);
      else await this.#attributes.updateTransient(watchesAttribute, format(known), options);
    } catch (error) {
      rethrowUnless(error, AttrdError);
    }
  }
}

function format(watches: ReadonlyMap<MarkName, Watch>): string {
  return [...watches]
    .map(([name, { value, since, until }]) =>
      [encodeURIComponent(name), Math.floor(since), Math.floor(until), encodeURIComponent(value)].join('='),
    )
    .join(' ');
}

/** What {@link format} did not write is no watch. */
function parse(text: string): [MarkName, Watch][] {
  return text.split(' ').flatMap((field): [MarkName, Watch][] => {
    const [, name, since, until, value] = /^([^=]+)=(\d{1,15})=(\d{1,15})=([^=]+)$/.exec(field) ?? [];
    if (name === undefined || value === undefined) return [];
    try {
      const watch = { value: decodeURIComponent(value), since: Number(since), until: Number(until) };
      return [[markName(decodeURIComponent(name)), watch]];
    } catch {
      return [];
    }
  });
}
