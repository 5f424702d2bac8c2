import type { Attributes } from './attributes.ts';
import { AttrdError } from './errors.ts';
import { formatIncident, type Incident, type IncidentPhase, markOfPhase, parseIncident } from './incident.ts';
import { type Known, nothingKnown } from './known.ts';
import { isPending } from './mark.ts';
import { type MarkName, nodeOfMark } from './names.ts';
import { markAttribute, type PermanentMark, type PermanentMarks } from './permanentMarks.ts';
import { isOpen, readPermanent } from './readMark.ts';
import type { MarkMeant, MarkReading } from './types.ts';

/** How often a change is tried that others overtake. Each of them changes something, so this ends by itself. */
const mostTries = 8;

/** Incidents on the permanent side of marks, each changed by compare-and-set on its id. */
export class PermanentIncidents {
  readonly #attributes: Attributes;
  readonly #permanent: PermanentMarks;
  readonly #now: () => number;
  readonly #newId: () => string;

  constructor(attributes: Attributes, permanent: PermanentMarks, now: () => number, newId: () => string) {
    this.#attributes = attributes;
    this.#permanent = permanent;
    this.#now = now;
    this.#newId = newId;
  }

  /** A new incident in place of whatever is there. Null: no cluster node. */
  async begin(name: MarkName, by: string, before: MarkReading | undefined): Promise<Incident | null> {
    for (let tries = 0; tries < mostTries; tries += 1) {
      const entry = await this.entry(name, 'yes');
      if (entry === null) return null;
      const old = readPermanent(entry.mark?.value, entry.incident?.value);
      const last = parseIncident(entry.incident?.value);
      // Our version before writes its `no` without announcing it: it may be about to wherever it has a claim.
      const claimant = before?.transient.kind === 'claimed' ? before.transient.who : null;
      const isForeign = claimant !== null && claimant !== last?.owner;
      const isEcho = isPending(old.mark) && (last?.phase === 'ending' || last?.echo === true);
      // The `no` of the incident before stands beside the new one until that has its own transient half.
      const isStale = before === undefined ? old.mark.kind === 'no' : before.transient.kind === 'no';
      const incident: Incident = {
        ...this.create(by, false),
        owner: isOpen(old.incident) ? old.incident.owner : null,
        echo: isForeign || isEcho || isStale,
        known: carried(old.incident, claimant),
      };
      if (await this.swap(name, entry, incident)) return incident;
    }
    throw overtaken(name);
  }

  /** A new incident that is evacuated from the start, where none is open. Null: one is, or the name is no cluster node. */
  async beginEvacuated(name: MarkName, by: string): Promise<Incident | null> {
    for (let tries = 0; tries < mostTries; tries += 1) {
      const entry = await this.entry(name, 'no');
      if (entry === null) return null;
      const { mark } = readPermanent(entry.mark?.value, entry.incident?.value);
      if (mark.kind !== 'no' && mark.kind !== 'none') return null;
      const incident = evacuated(this.create(by, false), false);
      if (await this.swap(name, entry, incident)) return incident;
    }
    throw overtaken(name);
  }

  /**
   * Changes the incident that is meant, as it stands now; `alter` gives null where it may not. Null: it was not changed, as
   * it is another's by now, or somebody who knows no incidents changed the mark.
   */
  async change(
    { name, incident }: MarkMeant,
    alter: (now: Incident) => Incident | null,
  ): Promise<Incident | null> {
    if (incident === null) return null;
    for (let tries = 0; tries < mostTries; tries += 1) {
      const entry = await this.#permanent.read(name);
      if (entry === null) return null;
      const now = readPermanent(entry.mark?.value, entry.incident?.value).incident;
      if (now === null || now.id !== incident.id) return null;
      const next = alter(now);
      if (next === null || next === now) return next;
      if (await this.swap(name, entry, next)) return next;
    }
    throw overtaken(name);
  }

  async swap(name: MarkName, entry: PermanentMark, next: Incident): Promise<boolean> {
    return this.#permanent.swap(name, entry, {
      mark: markOfPhase[next.phase],
      incident: formatIncident(next),
    });
  }

  /** A node that the CIB does not list yet is entered with a plain mark. Null: the name is no cluster node. */
  async entry(name: MarkName, mark: 'yes' | 'no'): Promise<PermanentMark | null> {
    const entry = await this.#permanent.read(name);
    if (entry !== null) return entry;
    if (!(await this.#attributes.updatePermanent(nodeOfMark(name), markAttribute, mark))) return null;
    const written = await this.#permanent.read(name);
    if (written !== null) return written;
    throw new AttrdError('failed', `the permanent mark of ${name} was written but is not there`);
  }

  /** One that nobody has written yet. */
  create(by: string, adopted: boolean): Incident {
    const phase: IncidentPhase = 'pending';
    const known = nothingKnown;
    return {
      ...{ id: this.#newId(), phase, owner: null, at: Math.round(this.#now()), by },
      ...{ novaAt: null, estimated: false, echo: false, proven: false, adopted, known },
    };
  }
}

/** What a new incident takes over from the one that is still open: what is under way in Nova, and what was proven of disks. */
function carried(old: Incident | null, claimant: string | null): Known {
  if (!isOpen(old)) return nothingKnown;
  const { quietUntil, sharedWith } = old.known;
  return { ...nothingKnown, cut: old.owner !== null && claimant === null, quietUntil, sharedWith };
}

/** @param proven its owner has seen that nothing is in flight; else it is somebody's word */
export function evacuated(incident: Incident, proven: boolean): Incident {
  return { ...incident, phase: 'evacuated', echo: false, proven };
}

function overtaken(name: MarkName): AttrdError {
  return new AttrdError('failed', `the mark of ${name} could not be changed: others change it all the time`);
}
