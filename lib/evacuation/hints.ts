import type { Refusal } from './classify.ts';
import type { Signs } from './returning.ts';

/**
 * What a pass leaves for the next one on the same node, in a small local file. Nova and the marks hold all that
 * matters. Hints keep the log from repeating itself and refused requests from being repeated at every pass; and they
 * are the second witness of a pass that was cut short, where the first, its claim, is taken away by a purge.
 */
export interface HostHints {
  /** When this node first saw the mark, in ms since the epoch. */
  readonly firstSeen: number;
  /** Hosts that could take instances when they were last counted, and when one was last added. */
  targets: readonly string[];
  capacityAt: number;
  /** Refusals that left no record in Nova, by instance. */
  refusals: Record<string, Refusal>;
  /**
   * `open`: a pass has begun on it and is at work, or was killed. The claim says so too, until a purge of the
   * attribute or another fencing takes it away. `closed`: it ended in good order, and what it could not learn is below.
   */
  pass: 'none' | 'open' | 'closed';
  /** Nothing new is asked of Nova for this host before this time, in ms since the epoch. */
  quietUntil: number;
  /** Instances whose last request was not answered and left no trace yet, and when it counts as lost. */
  doubts: Record<string, number>;
  /** Evacuation records whose destination was seen dead after Nova had chosen it: nothing comes of them any more. */
  orphans: readonly string[];
  /** What was last seen of the host that may tell a machine that is back; null: not looked at yet. */
  signs: Signs | null;
  /** The last sentence logged per subject. */
  said: Record<string, string>;
}

export type Hints = Map<string, HostHints>;

/** Reads the file's text; anything that is not what {@link formatHints} wrote counts as no hints. */
export function parseHints(text: string): Hints {
  const hints: Hints = new Map();
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return hints;
  }
  if (!isRecord(data)) return hints;
  for (const [name, entry] of Object.entries(data)) {
    if (!isRecord(entry) || typeof entry['firstSeen'] !== 'number') continue;
    hints.set(name, {
      firstSeen: entry['firstSeen'],
      targets: Array.isArray(entry['targets'])
        ? entry['targets'].filter((item) => typeof item === 'string')
        : [],
      capacityAt: typeof entry['capacityAt'] === 'number' ? entry['capacityAt'] : 0,
      refusals: readRefusals(entry['refusals']),
      pass: entry['pass'] === 'open' || entry['pass'] === 'closed' ? entry['pass'] : 'none',
      quietUntil: typeof entry['quietUntil'] === 'number' ? entry['quietUntil'] : 0,
      doubts: readValues(entry['doubts'], (value) => typeof value === 'number'),
      orphans: Array.isArray(entry['orphans'])
        ? entry['orphans'].filter((item) => typeof item === 'string')
        : [],
      signs: readSigns(entry['signs']),
      said: readValues(entry['said'], (value) => typeof value === 'string'),
    });
  }
  return hints;
}

function readRefusals(data: unknown): HostHints['refusals'] {
  const refusals: HostHints['refusals'] = {};
  for (const [id, refusal] of Object.entries(isRecord(data) ? data : {})) {
    if (!isRecord(refusal)) continue;
    const { count, at, message, final, ours } = refusal;
    if (typeof count === 'number' && typeof at === 'number' && typeof message === 'string') {
      refusals[id] = { count, at, message, final: final === true, ours: ours === true };
    }
  }
  return refusals;
}

function readSigns(data: unknown): Signs | null {
  if (!isRecord(data)) return null;
  const { pulse, updatedAt, heartbeats, held, pulsed, watchedSince } = data;
  if (typeof pulse !== 'string' || typeof held !== 'string' || typeof heartbeats !== 'number') return null;
  return {
    pulse,
    updatedAt: typeof updatedAt === 'number' ? updatedAt : null,
    heartbeats,
    held,
    pulsed: pulsed === true,
    watchedSince: typeof watchedSince === 'number' ? watchedSince : null,
  };
}

function readValues<T>(data: unknown, fits: (value: unknown) => value is T): Record<string, T> {
  return Object.fromEntries(
    Object.entries(isRecord(data) ? data : {}).filter((entry): entry is [string, T] => fits(entry[1])),
  );
}

export function formatHints(hints: Hints): string {
  return JSON.stringify(Object.fromEntries(hints));
}

export function newHostHints(firstSeen: number): HostHints {
  return {
    firstSeen,
    targets: [],
    capacityAt: 0,
    refusals: {},
    pass: 'none',
    quietUntil: 0,
    doubts: {},
    orphans: [],
    signs: null,
    said: {},
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
