import type { Refusal } from './classify.ts';
import type { Signs } from './returning.ts';
import { readThrottle, type ThrottleState } from './throttle.ts';

/** An instance whose end was not told yet. */
export interface OpenInstance {
  readonly name: string;
  /** Its group (`queue.ts`): later ones wait for it even when it is no longer listed on its host. */
  readonly group: string | null;
  readonly requestId: string | null;
}

/**
 * What a pass leaves for the next one on the same node, in a small local file. Nova and the marks hold all that
 * matters. Hints keep the log from repeating itself and refused requests from being repeated at every pass; and they
 * are the second witness of a pass that was cut short, where the first, its claim, is taken away by a purge.
 */
export interface HostHints {
  /** When this node first saw the mark, in ms since the epoch. */
  readonly firstSeen: number;
  /** Hosts that could take instances when they were last counted (null: never), and when one was last added. */
  targets: readonly string[] | null;
  capacityAt: number;
  /** Instances that no host had room for, since when (ms since the epoch), and when room was found for those that had none. */
  unfit: Record<string, number>;
  roomAt: Record<string, number>;
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
  /** Whether anything was asked of Nova for it, and whether all that is left waits for something else to happen. */
  begun: boolean;
  stalled: boolean;
  /** Instances that were asked for and whose end was not told yet: some end between two passes. */
  open: Record<string, OpenInstance>;
  /** Hosts that took an instance of this one together with its disk: what the two share is proven (`diskGuard.ts`). */
  sharedWith: readonly string[];
  /** Instances that may have to be switched off again once they are elsewhere (`restore.ts`). */
  restore: readonly string[];
  /** What the events of its last incident go by, until its mark is gone; null: nothing was taken up yet. */
  incident: { readonly host: string; readonly fencedAt: number } | null;
  /** The last sentence logged per subject. */
  said: Record<string, string>;
}

/** By the mark's name; and what belongs to no single host. */
export class Hints extends Map<string, HostHints> {
  /** How many evacuations at the same time Nova was found to bear. */
  throttle: ThrottleState | null = null;
  /** The highest priority seen in each group, so that the order of groups stays the same; see `queue.ts`. */
  groupRanks = new Map<string, number>();
  /** Until when Nova wants to be left alone, in ms since the epoch. */
  backOff = { until: 0 };
  /** When each host was last seen silent, in ms since the epoch; see `cloudFacts.ts`. */
  silentAt = new Map<string, number>();
  /** The last sentence said per subject that is no host's. */
  said: Record<string, string> = {};
}

/** Reads the file's text; anything that is not what {@link formatHints} wrote counts as no hints. */
export function parseHints(text: string): Hints {
  const hints = new Hints();
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return hints;
  }
  if (!isRecord(data)) return hints;
  hints.throttle = readThrottle(data['throttle']);
  hints.said = readValues(data['said'], (value) => typeof value === 'string');
  hints.groupRanks = readNumbers(data['groupRanks']);
  if (typeof data['backOffUntil'] === 'number') hints.backOff.until = data['backOffUntil'];
  hints.silentAt = readNumbers(data['silentAt']);
  for (const [name, entry] of Object.entries(isRecord(data['hosts']) ? data['hosts'] : data)) {
    if (!isRecord(entry) || typeof entry['firstSeen'] !== 'number') continue;
    hints.set(name, {
      firstSeen: entry['firstSeen'],
      targets: Array.isArray(entry['targets']) ? readTexts(entry['targets']) : null,
      unfit: readValues(entry['unfit'], (value) => typeof value === 'number'),
      roomAt: readValues(entry['roomAt'], (value) => typeof value === 'number'),
      capacityAt: typeof entry['capacityAt'] === 'number' ? entry['capacityAt'] : 0,
      refusals: readRefusals(entry['refusals']),
      pass: entry['pass'] === 'open' || entry['pass'] === 'closed' ? entry['pass'] : 'none',
      quietUntil: typeof entry['quietUntil'] === 'number' ? entry['quietUntil'] : 0,
      doubts: readValues(entry['doubts'], (value) => typeof value === 'number'),
      orphans: readTexts(entry['orphans']),
      signs: readSigns(entry['signs']),
      begun: entry['begun'] === true,
      stalled: entry['stalled'] === true,
      open: readOpen(entry['open']),
      sharedWith: readTexts(entry['sharedWith']),
      restore: readTexts(entry['restore']),
      incident: readIncident(entry['incident']),
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

function readOpen(data: unknown): HostHints['open'] {
  const open: HostHints['open'] = {};
  for (const [id, entry] of Object.entries(isRecord(data) ? data : {})) {
    if (!isRecord(entry) || typeof entry['name'] !== 'string') continue;
    const { name, group, requestId } = entry;
    open[id] = {
      name,
      group: typeof group === 'string' ? group : null,
      requestId: typeof requestId === 'string' ? requestId : null,
    };
  }
  return open;
}

function readIncident(data: unknown): HostHints['incident'] {
  if (!isRecord(data) || typeof data['host'] !== 'string' || typeof data['fencedAt'] !== 'number')
    return null;
  return { host: data['host'], fencedAt: data['fencedAt'] };
}

function readNumbers(data: unknown): Map<string, number> {
  return new Map(Object.entries(readValues(data, (value) => typeof value === 'number')));
}

function readTexts(data: unknown): string[] {
  return Array.isArray(data) ? data.filter((item) => typeof item === 'string') : [];
}

function readValues<T>(data: unknown, fits: (value: unknown) => value is T): Record<string, T> {
  return Object.fromEntries(
    Object.entries(isRecord(data) ? data : {}).filter((entry): entry is [string, T] => fits(entry[1])),
  );
}

export function formatHints(hints: Hints): string {
  return JSON.stringify({
    hosts: Object.fromEntries(hints),
    throttle: hints.throttle,
    groupRanks: Object.fromEntries(hints.groupRanks),
    silentAt: Object.fromEntries(hints.silentAt),
    backOffUntil: hints.backOff.until,
    said: hints.said,
  });
}

export function newHostHints(firstSeen: number): HostHints {
  return {
    firstSeen,
    targets: null,
    capacityAt: 0,
    unfit: {},
    roomAt: {},
    refusals: {},
    pass: 'none',
    quietUntil: 0,
    doubts: {},
    orphans: [],
    signs: null,
    begun: false,
    stalled: false,
    open: {},
    sharedWith: [],
    restore: [],
    incident: null,
    said: {},
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
