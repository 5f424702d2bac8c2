import { decode, formatKnown, type Known, number, parseKnown } from './known.ts';

/**
 * One failure of one host, as the permanent side of its mark carries it in the node attribute `evacuate-incident`: what
 * a successor on another controller has to know to decide alike.
 */
export interface Incident {
  /** Names this failure and no other: every change of the mark says which one it means. */
  readonly id: string;
  readonly phase: IncidentPhase;
  /** Whose work it is: an evacuator's node. Stays through its passes and its death, until another one takes over. */
  readonly owner: string | null;
  /** When it was written, in ms since the epoch, and on whose clock. */
  readonly at: number;
  readonly by: string;
  /** The same time on Nova's clock; null: nobody who could ask Nova has noted it yet. */
  readonly novaAt: number | null;
  /**
   * That was not measured by the clock that `at` is of, but worked out by somebody else, who cannot know how far the two clocks are
   * apart: nothing that is dangerous to believe is concluded from it.
   */
  readonly estimated: boolean;
  /**
   * Somebody was about to write `no` for the incident before when this one began, so a transient `no` may be that one's and not
   * an operator's word (`markStore.ts`).
   */
  readonly echo: boolean;
  /**
   * It was ended by its owner, who has seen that nothing is in flight. Else the `no` is somebody's word, which may have come in the middle of
   * it.
   */
  readonly proven: boolean;
  /** Written for a mark that had none: of an operator, of the original agents, or of our version before. */
  readonly adopted: boolean;
  /** What its owner has left for whoever comes next. */
  readonly known: Known;
}

export type IncidentPhase =
  /** Its instances wait for evacuation. */
  | 'pending'
  /** They are through, and its owner is about to write the transient `no`. */
  | 'ending'
  /** Evacuated; the host's release is owed. */
  | 'evacuated'
  /** Released. Kept for its times: what was under way to this host when it was fenced never arrives. */
  | 'over';

const phases: ReadonlySet<string> = new Set<IncidentPhase>(['pending', 'ending', 'evacuated', 'over']);

/** What the permanent attribute `evacuate` reads in each phase. It is all that our version before knows. */
export const markOfPhase: Readonly<Record<IncidentPhase, 'yes' | 'no' | ''>> = {
  pending: 'yes',
  ending: 'yes',
  evacuated: 'no',
  over: '',
};

/** As `id=… phase=… owner=… at=… by=… nova=… estimated echo proven adopted …`, times in ms; every version ignores what it does not know. */
export function formatIncident(incident: Incident): string {
  const { id, phase, owner, at, by, novaAt, estimated, echo, proven, adopted, known } = incident;
  return [
    `id=${id}`,
    `phase=${phase}`,
    ...(owner === null ? [] : [`owner=${encodeURIComponent(owner)}`]),
    `at=${at}`,
    `by=${encodeURIComponent(by)}`,
    ...(novaAt === null ? [] : [`nova=${novaAt}`]),
    ...(estimated ? ['estimated'] : []),
    ...(echo ? ['echo'] : []),
    ...(proven ? ['proven'] : []),
    ...(adopted ? ['adopted'] : []),
    ...formatKnown(known),
  ].join(' ');
}

/** Null for what {@link formatIncident} did not write: such a mark is one without an id. */
export function parseIncident(text: string | undefined): Incident | null {
  const fields = new Map(
    (text ?? '').split(' ').map((field) => {
      const [key = '', value = ''] = field.split('=', 2);
      return [key, value] as const;
    }),
  );
  const id = fields.get('id') ?? '';
  const phase = fields.get('phase');
  if (!/^[\w-]+$/.test(id) || !isPhase(phase)) return null;
  const owner = decode(fields.get('owner'));
  return {
    id,
    phase,
    owner: owner === '' ? null : owner,
    at: number(fields.get('at')) ?? 0,
    by: decode(fields.get('by')),
    novaAt: number(fields.get('nova')),
    estimated: fields.has('estimated'),
    echo: fields.has('echo'),
    proven: fields.has('proven'),
    adopted: fields.has('adopted'),
    known: parseKnown(fields),
  };
}

function isPhase(text: string | undefined): text is IncidentPhase {
  return text !== undefined && phases.has(text);
}
