import { createHash } from 'node:crypto';
/**
 * What an incident's owner leaves in the cluster for whoever works on it next, here or on another controller: what Nova keeps no
 * record of, and what decides. Written when it changes, which is a few times in an incident, and bounded. Times are on Nova's clock,
 * in ms since the epoch.
 */
export interface Known {
  /** An evacuation was about to be asked for: no limit stops its host any more. */
  readonly begun: boolean;
  /** When it began, somebody may have been at work on the incident before, and his claim was gone. */
  readonly cut: boolean;
  /** A request was not answered: nothing new before this. Null: each was. */
  readonly quietUntil: number | null;
  /** The last report of a nova-compute that certainly ran on the host since its fencing; null: none has. */
  readonly ranUntil: number | null;
  /**
   * When Placement was first and last asked in vain what it counts on the host, which has no instance left as far as Nova lists them.
   * Null: it was not asked, or it told.
   */
  readonly placementSilence: { readonly since: number; readonly until: number } | null;
  /** How long destinations were watched of which it has to be known whether they have ended what they had begun. */
  readonly lived: readonly KnownLife[];
  /** Some hosts that took an instance of this one together with its disk. */
  readonly sharedWith: readonly string[];
  /** Some hosts that looked for the disk of an instance of this one and did not find it. */
  readonly lackedBy: readonly string[];
  /** What was asked for in vain without leaving a record. */
  readonly refusals: readonly KnownRefusal[];
  /** By a group's key, the highest priority among its members when the first was asked for. */
  readonly ranks: ReadonlyMap<string, number>;
}

/** A refusal, by what {@link shortId} makes of an instance's id. */
export interface KnownRefusal {
  readonly id: string;
  readonly count: number;
  readonly at: number;
  /** `state`: Nova does not evacuate it as it is; `task`: a task stood against it; `ours`: it was not asked for. */
  readonly why: 'state' | 'task' | 'ours' | 'other';
}

/** That a host was watched without a gap, as one that works or that Nova does not list any more. */
export interface KnownLife {
  readonly host: string;
  readonly since: number;
  readonly until: number;
  readonly as: 'up' | 'absent';
}

export const nothingKnown: Known = {
  begun: false,
  cut: false,
  quietUntil: null,
  ranUntil: null,
  placementSilence: null,
  lived: [],
  sharedWith: [],
  lackedBy: [],
  refusals: [],
  ranks: new Map(),
};

/** How much of each is kept: some kilobytes in all, however large the host. */
export const mostKnown = { lived: 16, sharedWith: 4, lackedBy: 8, refusals: 32, ranks: 48 } as const;

/**
 * A digest of an instance's id, 72 bits: two that looked alike here would have one left on a dead host for what was refused of
 * the other. A part of the id itself would do where all are random, which nobody promises.
 */
export function shortId(id: string): string {
  return createHash('sha256').update(id).digest('base64url').slice(0, 12);
}

const whys: readonly KnownRefusal['why'][] = ['state', 'task', 'ours', 'other'];

/** Those that are kept: of as many as fit, those that were refused most often, then the latest. */
export function keptRefusals(refusals: readonly KnownRefusal[]): readonly KnownRefusal[] {
  return [...refusals]
    .sort((a, b) => b.count - a.count || b.at - a.at || (a.id < b.id ? -1 : 1))
    .slice(0, mostKnown.refusals);
}

/** As fields `key=value` or `key`; nothing for what is not known. */
export function formatKnown(known: Known): string[] {
  const { begun, cut, quietUntil, ranUntil, placementSilence, lived } = known;
  const { sharedWith, lackedBy, refusals, ranks } = known;
  const list = (key: string, items: readonly string[]) =>
    items.length === 0 ? [] : [`${key}=${items.join(',')}`];
  return [
    ...(begun ? ['begun'] : []),
    ...(cut ? ['cut'] : []),
    ...(quietUntil === null ? [] : [`quiet=${Math.round(quietUntil)}`]),
    ...(ranUntil === null ? [] : [`ran=${Math.round(ranUntil)}`]),
    ...(placementSilence === null
      ? []
      : [`silent=${Math.round(placementSilence.since)}:${Math.round(placementSilence.until)}`]),
    ...list(
      'lived',
      lived
        .slice(0, mostKnown.lived)
        .map(
          ({ host, since, until, as }) =>
            `${encodeURIComponent(host)}:${Math.round(since)}:${Math.round(until)}:${as}`,
        ),
    ),
    ...list('shared', sharedWith.slice(0, mostKnown.sharedWith).map(encodeURIComponent)),
    ...list('lacks', lackedBy.slice(0, mostKnown.lackedBy).map(encodeURIComponent)),
    ...list(
      'refused',
      keptRefusals(refusals).map(
        ({ id, count, at, why }) => `${encodeURIComponent(id)}:${count}:${Math.round(at)}:${why}`,
      ),
    ),
    ...list(
      'ranks',
      [...ranks].slice(0, mostKnown.ranks).map(([group, priority]) => `${group}:${priority}`),
    ),
  ];
}

/** Reads what {@link formatKnown} wrote; anything else counts as not known. */
export function parseKnown(fields: ReadonlyMap<string, string>): Known {
  const items = (key: string) => (fields.get(key) ?? '').split(',').filter((item) => item !== '');
  return {
    begun: fields.has('begun'),
    cut: fields.has('cut'),
    quietUntil: number(fields.get('quiet')),
    ranUntil: number(fields.get('ran')),
    placementSilence: parseSilence(fields.get('silent')),
    lived: items('lived').slice(0, mostKnown.lived).flatMap(parseLife),
    sharedWith: items('shared').slice(0, mostKnown.sharedWith).map(decode),
    lackedBy: items('lacks').slice(0, mostKnown.lackedBy).map(decode),
    refusals: items('refused').slice(0, mostKnown.refusals).flatMap(parseRefusal),
    ranks: new Map(
      items('ranks')
        .slice(0, mostKnown.ranks)
        .flatMap((item): [string, number][] => {
          const [group = '', text] = item.split(':');
          const priority = number(text);
          return priority === null ? [] : [[group, priority]];
        }),
    ),
  };
}

/** The version before noted the first time alone. */
function parseSilence(text = ''): Known['placementSilence'] {
  const [from, to = from] = text.split(':');
  const [since, until] = [number(from), number(to)];
  return since === null || until === null ? null : { since, until };
}

function parseLife(item: string): KnownLife[] {
  const [host = '', from, to, as] = item.split(':');
  const [since, until] = [number(from), number(to)];
  if (host === '' || since === null || until === null || (as !== 'up' && as !== 'absent')) return [];
  return [{ host: decode(host), since, until, as }];
}

function parseRefusal(item: string): KnownRefusal[] {
  const [id = '', count, at, why] = item.split(':');
  const kind = whys.find((one) => one === why);
  const [times, when] = [number(count), number(at)];
  if (id === '' || times === null || when === null || kind === undefined) return [];
  return [{ id: decode(id), count: times, at: when, why: kind }];
}

export function number(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

export function decode(text = ''): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
