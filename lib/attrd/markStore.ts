import type { Attributes } from './attributes.ts';
import { AttrdError } from './errors.ts';
import { formatMark, isPending, parseMark } from './mark.ts';
import type { MarkReading, MarkStore, MarksReading } from './types.ts';

const attribute = 'evacuate';

/**
 * The mark, kept twice. The attribute daemon forgets every transient attribute of a remote node when its
 * connection stops or starts, and from Pacemaker 3.0.2 on as soon as its fencing succeeded; a permanent node
 * attribute survives all of that and a restart of the whole cluster. The transient one is what operators look at
 * and what the original agents read and write. Permanent is written first and cleared last, so at every instant a
 * mark that was reported as written can be found.
 */
export class TwofoldMarkStore implements MarkStore {
  readonly #attributes: Attributes;

  constructor(attributes: Attributes) {
    this.#attributes = attributes;
  }

  async readAll(): Promise<MarksReading> {
    const [transient, { nodes, words }] = await Promise.all([
      this.#attributes.queryTransient(attribute),
      this.#attributes.queryNodes(),
    ]);
    const transientOf = new Map(transient.map((entry) => [entry.host, parseMark(entry.value)]));
    const permanentOf = new Map(nodes.map((node) => [node.name, parseMark(node.attributes[attribute])]));
    const marks: MarkReading[] = [];
    for (const name of new Set([...transientOf.keys(), ...permanentOf.keys()])) {
      const reading = combine(
        name,
        transientOf.get(name) ?? { kind: 'none' },
        permanentOf.get(name) ?? { kind: 'none' },
      );
      if (reading.transient.kind !== 'none' || reading.permanent.kind !== 'none') marks.push(reading);
    }
    return { marks, clusterNodes: nodes.map((node) => node.name), words };
  }

  async setYes(name: string): Promise<{ readonly permanent: boolean }> {
    const permanent = await this.#attributes.updatePermanent(name, attribute, 'yes');
    await this.#writeTransient(name, 'yes');
    // Both tools answer before the daemons are done; a fencing that reports success must be able to rely on it.
    const now = (await this.readAll()).marks.find((reading) => reading.name === name);
    const right =
      now !== undefined && isPending(now.transient) && (!permanent || now.permanent.kind === 'yes');
    if (!right) {
      throw new AttrdError(
        'failed',
        `the mark of ${name} was written but reads back as ${now === undefined ? 'nothing' : `"${formatMark(now.transient)}" (permanent copy "${formatMark(now.permanent)}")`}`,
      );
    }
    return { permanent };
  }

  async claim(name: string, claim: { readonly who: string; readonly at: number }): Promise<void> {
    await this.#writeTransient(name, formatMark({ kind: 'claimed', ...claim }));
  }

  async release(name: string): Promise<void> {
    await this.#writeTransient(name, 'yes');
  }

  async repair(reading: MarkReading): Promise<{ readonly permanent: boolean }> {
    const { name, mark, permanent, transient } = reading;
    let isNode = permanent.kind !== 'none';
    if (isPending(mark)) {
      // Tried, not looked up: the CIB lists a remote node only once it bears an attribute.
      if (permanent.kind !== 'yes') isNode = await this.#attributes.updatePermanent(name, attribute, 'yes');
      if (transient.kind === 'none') await this.#writeTransient(name, 'yes');
    } else if (transient.kind === 'no' && permanent.kind === 'yes') {
      await this.#attributes.updatePermanent(name, attribute, 'no');
    }
    return { permanent: isNode };
  }

  async setNo(name: string): Promise<void> {
    await this.#writeTransient(name, 'no');
    await this.#attributes.updatePermanent(name, attribute, 'no');
  }

  async clear(name: string): Promise<void> {
    await this.#attributes.deleteTransient(attribute, { host: name, private: true });
    await this.#attributes.deletePermanent(name, attribute);
  }

  async clearNo(name: string): Promise<void> {
    const now = (await this.readAll()).marks.find((reading) => reading.name === name);
    // A `no` beside a permanent `yes` is half of something: of a `no` that NovaEvacuate's monitor completes, or of a mark.
    // Without it the permanent copy would have a host evacuated that runs.
    if (now === undefined || isPending(now.mark) || isPending(now.permanent)) return;
    if (now.transient.kind !== 'none')
      await this.#attributes.deleteTransient(attribute, { host: name, private: true });
    await this.#attributes.deletePermanentIf(name, attribute, 'no');
  }

  /** The words of a failure are those that operators of the original agents search their logs for. */
  async #writeTransient(name: string, value: string): Promise<void> {
    try {
      await this.#attributes.updateTransient(attribute, value, { host: name, private: true });
    } catch (error) {
      if (!(error instanceof AttrdError)) throw error;
      const facts = { cause: error, ...(error.exitCode === null ? {} : { exitCode: error.exitCode }) };
      throw new AttrdError(
        error.code,
        `Can not set evacuation state of ${name} to ${value}: ${error.message}`,
        facts,
      );
    }
  }
}

/** A transient value that is there wins; a transient `""` is what attrd keeps after a deletion: no value. */
function combine(
  name: string,
  transient: MarkReading['transient'],
  permanent: MarkReading['permanent'],
): MarkReading {
  return { name, transient, permanent, mark: transient.kind === 'none' ? permanent : transient };
}
