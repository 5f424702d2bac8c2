import { rethrowUnless } from '../rethrow.ts';
import type { Attributes } from './attributes.ts';
import { AttrdError } from './errors.ts';
import { type Incident, parseIncident } from './incident.ts';
import type { Known } from './known.ts';
import { formatMark, isPending, parseMark } from './mark.ts';
import { type MarkName, markOfNode, nodeOfMark } from './names.ts';
import type { CibNode } from './parseCib.ts';
import { evacuated, PermanentIncidents } from './permanentIncidents.ts';
import { incidentAttribute, markAttribute, type PermanentMarks } from './permanentMarks.ts';
import { combine, isOpen, type PermanentReading, readPermanent, theOneThatCounts } from './readMark.ts';
import type { MarkMeant, MarkReading, MarkStore, MarksReading } from './types.ts';

/** What an entry of a node says of its mark, and the incident in it, whether or not that goes with the mark. */
interface NodeReading extends PermanentReading {
  readonly noted: Incident | null;
}

/** Of entries that an answer gives, which may come again (`sameAnswer.ts`). */
const readings = new WeakMap<CibNode, NodeReading>();

function readingOf(entry: CibNode): NodeReading {
  const known = readings.get(entry);
  if (known !== undefined) return known;
  const { attributes } = entry;
  const reading = {
    ...readPermanent(attributes[markAttribute], attributes[incidentAttribute]),
    noted: parseIncident(attributes[incidentAttribute]),
  };
  readings.set(entry, reading);
  return reading;
}

export interface MarkStoreDeps {
  readonly attributes: Attributes;
  readonly permanent: PermanentMarks;
  /** Ms since the epoch. */
  readonly now: () => number;
  readonly newId: () => string;
}

/**
 * The mark, kept twice. The attribute daemon forgets every transient attribute of a remote node when its
 * connection stops or starts, and from Pacemaker 3.0.2 on as soon as its fencing succeeded; a permanent node
 * attribute survives all of that and a restart of the whole cluster. The transient one is what operators look at and write, and
 * what the original agents read and write.
 *
 * **The permanent side is the truth**, and is changed by compare-and-set alone (`permanentMarks.ts`): a writer names the
 * incident it means and changes nothing if the mark is another's by now. The transient side follows. It is written after the
 * permanent one, and whoever owns the incident repairs it at the next look, so a writer may die in between.
 *
 * The transient side cannot be compared and set, so a writer that is slow may write over what is newer. What comes of it:
 * - `yes`, a claim and `""` say nothing that the permanent side does not decide: they are written over by the owner's
 *   next claim. Only an incident's owner, its fencing and operators write them.
 * - A `no` could pass for an operator's word and end a newer incident. So it is announced: the permanent side reads
 *   `ending` before it is written and `evacuated` once it was. An incident that begins meanwhile carries `echo`, and no
 *   transient `no` ends it until the late one can no longer come (`heedNo`).
 * - An operator's transient `no` that comes between the last look at the mark and the write of a claim is lost. That moment is the
 *   time of one tool, every quarter of a minute. So operators say it to the permanent side first, which no claim changes; a
 *   look that shows either ends the work.
 */
export class TwofoldMarkStore implements MarkStore {
  readonly #attributes: Attributes;
  readonly #permanent: PermanentMarks;
  readonly #incidents: PermanentIncidents;
  readonly #now: () => number;

  constructor({ attributes, permanent, now, newId }: MarkStoreDeps) {
    this.#attributes = attributes;
    this.#permanent = permanent;
    this.#incidents = new PermanentIncidents(attributes, permanent, now, newId);
    this.#now = now;
  }

  async readAll(): Promise<MarksReading> {
    const [transient, { nodes, words }] = await Promise.all([
      this.#attributes.queryTransient(markAttribute),
      this.#attributes.queryNodes(),
    ]);
    const transientOf = new Map(transient.map((entry) => [markOfNode(entry.host), parseMark(entry.value)]));
    const permanentOf = new Map<MarkName, PermanentReading>();
    const incidents = new Map<MarkName, Incident>();
    for (const [name, entries] of Map.groupBy(nodes, (node) => node.name)) {
      const entry = theOneThatCounts(entries, readingOf);
      if (entry === undefined) continue;
      const reading = readingOf(entry);
      permanentOf.set(markOfNode(name), reading);
      if (reading.noted !== null) incidents.set(markOfNode(name), reading.noted);
    }
    const marks: MarkReading[] = [];
    for (const name of new Set([...transientOf.keys(), ...permanentOf.keys()])) {
      const permanent = permanentOf.get(name) ?? { mark: { kind: 'none' }, incident: null, ended: null };
      const reading = combine(name, transientOf.get(name) ?? { kind: 'none' }, permanent);
      if (reading.transient.kind !== 'none' || reading.permanent.kind !== 'none') marks.push(reading);
    }
    return { marks, incidents, clusterNodes: nodes.map((node) => node.name), words };
  }

  async setYes(name: MarkName, by: string): Promise<{ readonly incident: Incident | null }> {
    const before = await this.#readIfPossible(name);
    const incident = await this.#incidents.begin(name, by, before);
    // The claim of an evacuator that is at work on the incident before is its sign of life, and stays.
    const isClaimed = before?.transient.kind === 'claimed';
    if (!isClaimed) await this.#writeTransient(name, 'yes');
    // Both tools answer before the daemons are done; a fencing that reports success must be able to rely on it.
    const now = await this.#readOne(name);
    const right =
      now !== undefined &&
      isPending(now.mark) &&
      now.transient.kind !== 'none' &&
      (incident === null || now.permanent.kind === 'yes');
    if (!right) {
      throw new AttrdError(
        'failed',
        `the mark of ${name} was written but reads back as ${now === undefined ? 'nothing' : `"${formatMark(now.transient)}" (permanent copy "${formatMark(now.permanent)}")`}`,
      );
    }
    return { incident };
  }

  async noteFencing(name: MarkName, by: string): Promise<Incident | null> {
    return this.#incidents.beginEvacuated(name, by);
  }

  async noteNovaTime(meant: MarkMeant, novaAt: number, measured: boolean): Promise<void> {
    await this.#incidents.change(meant, (now) =>
      now.novaAt === null || (now.estimated && measured)
        ? { ...now, novaAt: Math.round(novaAt), estimated: !measured }
        : now,
    );
  }

  async remember(meant: MarkMeant, known: Known): Promise<Incident | null> {
    const isOurs = (now: Incident) => isOpen(now) && now.owner === meant.incident?.owner;
    return this.#incidents.change(meant, (now) => (isOurs(now) ? { ...now, known } : null));
  }

  async own(meant: MarkMeant, who: string): Promise<Incident | null> {
    return this.#incidents.change(meant, (now) => {
      if (!isOpen(now) || now.owner !== meant.incident?.owner) return null;
      if (now.phase === 'pending' && now.owner === who) return now;
      return { ...now, phase: 'pending', owner: who, echo: now.echo || now.phase === 'ending' };
    });
  }

  async claim(name: MarkName, claim: { readonly who: string; readonly at: number }): Promise<void> {
    await this.#writeTransient(name, formatMark({ kind: 'claimed', ...claim }));
  }

  async release(name: MarkName): Promise<void> {
    await this.#writeTransient(name, 'yes');
  }

  async repair(
    reading: MarkReading,
    by: string,
  ): Promise<{ readonly permanent: boolean; readonly incident: Incident | null }> {
    const { name, mark, permanent, transient, incident } = reading;
    if (isPending(mark)) {
      const entered = isOpen(incident) || (await this.#incidents.entry(name, 'yes')) !== null;
      const open = isOpen(incident) || !entered ? incident : await this.#adopt(name, by);
      // Where it was not adopted, somebody has just written what counts.
      const isGone = transient.kind === 'none' || transient.kind === 'no';
      if (isGone && (open !== null || !entered))
        await this.#writeTransient(name, transient.kind === 'no' ? 'yes' : this.#signOf(open, by));
      return { permanent: entered, incident: open };
    }
    if (transient.kind === 'no' && isPending(permanent)) {
      const end = (now: Incident) => evacuated(now, false);
      const ended = incident === null ? this.#settle(name, by) : this.#incidents.change(reading, end);
      return { permanent: true, incident: await ended };
    }
    // A claim that outlived an operator's word. Not `no`: should its host be fenced again meanwhile, that would end the new incident.
    if (transient.kind === 'claimed')
      await this.#attributes.deleteTransient(markAttribute, { host: nodeOfMark(name), private: true });
    return { permanent: permanent.kind !== 'none', incident };
  }

  /**
   * What was purged. An owner that finds its own claim gone, and cannot tell whether it had given it back, leaves one: what it had
   * asked for may still be under way.
   */
  #signOf(incident: Incident | null, by: string): string {
    if (incident?.owner !== by) return 'yes';
    return formatMark({ kind: 'claimed', who: by, at: Math.floor(this.#now() / 1000) });
  }

  async heedNo(meant: MarkMeant): Promise<void> {
    await this.#incidents.change(meant, (now) => (now.echo ? { ...now, echo: false } : now));
  }

  async setNo(meant: MarkMeant, by: 'owner' | 'word'): Promise<boolean> {
    const { name, incident } = meant;
    if (incident === null) {
      if ((await this.#readOne(name))?.incident) return false;
      await this.#writeTransient(name, 'no');
      return true;
    }
    return this.#end(meant, (now) => isOpen(now) && now.owner === incident.owner, by === 'owner');
  }

  /** Writes `no`, announced and as long as it may be. False: the mark is another's by now. */
  async #end(meant: MarkMeant, may: (now: Incident) => boolean, proven: boolean): Promise<boolean> {
    const { name } = meant;
    const ending = await this.#incidents.change(meant, (now) =>
      may(now) ? { ...now, phase: 'ending' } : null,
    );
    if (ending === null) return false;
    await this.#writeTransient(name, 'no');
    const ended = await this.#incidents.change(meant, (now) => (may(now) ? evacuated(now, proven) : null));
    if (ended !== null) return true;
    await this.#takeBackNo(name);
    return false;
  }

  async owe(name: MarkName, by: string): Promise<void> {
    const before = await this.#readOne(name);
    if (before !== undefined && before.mark.kind !== 'none') return;
    const entry = await this.#incidents.entry(name, 'no');
    if (entry === null) return this.#writeTransient(name, 'no');
    const read = readPermanent(entry.mark?.value, entry.incident?.value);
    if (isPending(read.mark)) return;
    const last = parseIncident(entry.incident?.value) ?? this.#incidents.create(by, false);
    await this.#incidents.swap(name, entry, evacuated(last, false));
  }

  async takeBack(meant: MarkMeant, before: 'none' | 'no'): Promise<void> {
    const { name, incident } = meant;
    if (before === 'no') {
      if (incident === null) await this.#writeTransient(name, 'no');
      else await this.#end(meant, isOpen, false);
      return;
    }
    if (incident !== null) {
      if ((await this.#incidents.change(meant, (now) => ({ ...now, phase: 'over' }))) === null) return;
      await this.#permanent.remove(name, markAttribute, '');
    }
    await this.#attributes.deleteTransient(markAttribute, { host: nodeOfMark(name), private: true });
  }

  async clearNo(name: MarkName): Promise<void> {
    const now = await this.#readOne(name);
    // A `no` beside a permanent `yes` is half of something: of a `no` that NovaEvacuate's monitor completes, or of a mark.
    // Without it the permanent side would have a host evacuated that runs.
    if (now === undefined || isPending(now.mark) || isPending(now.permanent)) return;
    if (now.incident !== null) {
      const isDue = (one: Incident) => one.phase === 'evacuated' || one.phase === 'over';
      const cleared = await this.#incidents.change(now, (one) =>
        isDue(one) ? { ...one, phase: 'over' } : null,
      );
      if (cleared === null) return;
    } else await this.#permanent.remove(name, markAttribute, 'no');
    // `""` ends no other incident: where there is one, its owner writes its claim again.
    if (now.transient.kind !== 'none')
      await this.#attributes.deleteTransient(markAttribute, { host: nodeOfMark(name), private: true });
    if (now.incident !== null) await this.#permanent.remove(name, markAttribute, '');
  }

  /** What was there before is not needed to write a mark. */
  async #readIfPossible(name: MarkName): Promise<MarkReading | undefined> {
    try {
      return await this.#readOne(name);
    } catch (error) {
      rethrowUnless(error, AttrdError);
      return undefined;
    }
  }

  async #readOne(name: MarkName): Promise<MarkReading | undefined> {
    return (await this.readAll()).marks.find((reading) => reading.name === name);
  }

  /** An incident for a mark that has none. Null: the mark is no longer what it was. */
  async #adopt(name: MarkName, by: string): Promise<Incident | null> {
    const entry = await this.#incidents.entry(name, 'yes');
    if (entry === null) return null;
    // A reading is of two moments. A `no` is written to the transient side before the permanent one says so: what is read of
    // it from now on is not older than what was read of the permanent one.
    const now = await this.#readOne(name);
    if (now === undefined || !isPending(now.mark)) return null;
    if (isOpen(now.incident)) return now.incident;
    // A mark that is set again by hand before its host was released is about the failure that it was about before.
    const last = parseIncident(entry.incident?.value);
    const { at, novaAt, estimated } =
      last?.phase === 'evacuated' ? last : { at: undefined, novaAt: null, estimated: false };
    const made = this.#incidents.create(by, true);
    const incident = { ...made, at: at ?? made.at, novaAt, estimated };
    return (await this.#incidents.swap(name, entry, incident)) ? incident : null;
  }

  /** An operator's `no` for a mark without an incident. */
  async #settle(name: MarkName, by: string): Promise<Incident | null> {
    const entry = await this.#permanent.read(name);
    if (entry === null) return null;
    const { mark, incident } = readPermanent(entry.mark?.value, entry.incident?.value);
    if (!isPending(mark) || incident !== null) return incident;
    const last = parseIncident(entry.incident?.value) ?? this.#incidents.create(by, true);
    return (await this.#incidents.swap(name, entry, evacuated(last, false))) ? last : null;
  }

  /**
   * We wrote `no` while another incident began: it has an echo, so nobody takes that for an operator's word, and now it is
   * written over.
   */
  async #takeBackNo(name: MarkName): Promise<void> {
    const now = await this.#readOne(name);
    if (now === undefined || !isOpen(now.incident) || now.transient.kind !== 'no') return;
    await this.#writeTransient(name, 'yes');
    await this.heedNo(now);
  }

  /** The words of a failure are those that operators of the original agents search their logs for. */
  async #writeTransient(name: MarkName, value: string): Promise<void> {
    try {
      await this.#attributes.updateTransient(markAttribute, value, { host: nodeOfMark(name), private: true });
    } catch (error) {
      rethrowUnless(error, AttrdError);
      const facts = { cause: error, ...(error.exitCode === null ? {} : { exitCode: error.exitCode }) };
      throw new AttrdError(
        error.code,
        `Can not set evacuation state of ${name} to ${value}: ${error.message}`,
        facts,
      );
    }
  }
}
