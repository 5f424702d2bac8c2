import { type Incident, markOfPhase, parseIncident } from './incident.ts';
import { isPending, parseMark } from './mark.ts';
import type { MarkName } from './names.ts';
import type { Mark, MarkReading } from './types.ts';

/** What the permanent side of a mark says. */
export interface PermanentReading {
  readonly mark: Mark;
  /** Null: none, or the mark beside it was changed by somebody who knows no incidents. */
  readonly incident: Incident | null;
  /** Whose work somebody has ended who changed the mark alone to `no`: its owner; null: nobody's. */
  readonly ended: string | null;
}

/**
 * Reads both permanent attributes together. They are always changed together, so where they do not say the same, somebody
 * changed the older one alone: then that is the newer word. Except a `no` that an earlier incident's evacuator may have written
 * late (`echo`).
 */
export function readPermanent(mark: string | undefined, incidentText: string | undefined): PermanentReading {
  const incident = parseIncident(incidentText);
  const plain = parseMark(mark);
  if (incident === null) return { mark: plain, incident: null, ended: null };
  if (markOfPhase[incident.phase] === (mark ?? '')) return { mark: plain, incident, ended: null };
  if (incident.echo && incident.phase === 'pending' && plain.kind === 'no') {
    return { mark: { kind: 'yes' }, incident, ended: null };
  }
  const ended = isOpen(incident) && plain.kind === 'no' ? incident.owner : null;
  return { mark: plain, incident: null, ended };
}

/**
 * Which of several entries of one node is meant: one whose id has changed leaves its old entry behind. A mark that is pending is not
 * lost to the other entry, and of two incidents the later counts. Whoever reads marks and whoever changes them go by this alike.
 */
export function theOneThatCounts<T>(
  entries: readonly T[],
  readingOf: (entry: T) => PermanentReading,
): T | undefined {
  if (entries.length < 2) return entries[0];
  const rank = (entry: T) => {
    const { mark, incident } = readingOf(entry);
    return { pending: isPending(mark) ? 1 : 0, at: incident?.at ?? (mark.kind === 'none' ? -1 : 0) };
  };
  const [first] = entries
    .map((entry) => ({ entry, ...rank(entry) }))
    .sort((one, other) => other.pending - one.pending || other.at - one.at);
  return first?.entry;
}

/**
 * What the two sides mean together. A transient value that is there wins, as it may be an operator's word; a transient `""` is
 * what attrd keeps after a deletion: no value. A transient `no` beside an incident that is being ended, or that began while another
 * was, is no operator's: it may be the evacuator's own. A claim beside an incident that was ended by hand is what its owner wrote over
 * the transient half of that word.
 */
export function combine(
  name: MarkName,
  transient: Mark,
  { mark: permanent, incident, ended }: PermanentReading,
): MarkReading {
  const isOurs = transient.kind === 'no' && isPending(permanent) && mayBeOurNo(incident);
  const isOverruled = transient.kind === 'claimed' && transient.who === ended;
  const mark = transient.kind === 'none' || isOurs || isOverruled ? permanent : transient;
  return { name, mark, permanent, transient, incident };
}

function mayBeOurNo(incident: Incident | null): boolean {
  return incident !== null && (incident.phase === 'ending' || incident.echo);
}

/** Whether an incident still waits for its evacuation. */
export function isOpen(incident: Incident | null): incident is Incident {
  return incident !== null && (incident.phase === 'pending' || incident.phase === 'ending');
}
