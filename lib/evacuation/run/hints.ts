import { type NovaHost, novaHost, type ServerId, serverId } from '@openstack-ts/nova-client';
import { type MarkName, markName } from '../../attrd/index.ts';
import { isRecord } from '../../system/isRecord.ts';
import type { RequestNotes } from '../act/requestScope.ts';
import { readThrottle, type ThrottleState } from '../decide/throttleState.ts';
import type { ClaimNotes, Watch } from '../incident/claim.ts';
import type { Lived } from '../look/lived.ts';
import type { Signs } from '../look/returnSigns.ts';
import type { ReturnNotes } from '../look/returnWatch.ts';
import type { ReportNotes } from '../tell/hostReport.ts';

/**
 * What a pass leaves for the next one on the same node, in a small local file. It decides nothing: that is in Nova, in the marks
 * and in what their incidents carry (`hostMemory.ts`), which count for every controller alike. Each field says what it costs when
 * it is forgotten. Only where a mark has no permanent side (its name is no cluster node) are notes all there is.
 */
export interface HostHints extends ClaimNotes, ReportNotes, RequestNotes, ReturnNotes {
  /** The incident that all of this is about; null: its mark had no id when it was seen. */
  incidentId: string | null;
  /** When this node first saw the mark, in ms since the epoch. Forgotten: heartbeats, and a late `no`, are waited for anew. */
  readonly firstSeen: number;
  /**
   * Hosts that could take instances when they were last counted (null: never), and when one was last added. Forgotten: what
   * failed is tried again when its own pause ends, in half an hour at most.
   */
  targets: readonly NovaHost[] | null;
  capacityAt: number;
  /** When room was found for instances that no host had room for, in ms since the epoch. Forgotten: as `capacityAt`. */
  roomAt: Record<string, number>;
  /** Whether anything was asked of Nova for it. Not read where the incident tells it. */
  begun: boolean;
  /** Hosts that took an instance of this one together with its disk: what the two share is proven (`diskGuard.ts`). In the incident. */
  sharedWith: readonly NovaHost[];
  /** Since when Placement does not tell what it counts on the host, in ms since the epoch; null: it told. In the incident. */
  placementSilentSince: number | null;
  /** Destinations of open records of idle instances, by name (`lived.ts`). In the incident. */
  lived: Record<string, Lived>;
  /** Hosts that looked for the disk of an instance of this one and did not find it (`diskGuard.ts`). In the incident. */
  lackedBy: readonly NovaHost[];
  /**
   * Instances that arrived, and of which it is settled whether they are switched off again. Forgotten: Nova is asked again what
   * they were, and again to stop those that it refused to.
   */
  restored: readonly ServerId[];
  /** What the events of its last incident go by, until its mark is gone; null: nothing was taken up yet. Forgotten: no last event. */
  incident: { readonly host: NovaHost; readonly fencedAt: number } | null;
}

/** By the mark's name; and what belongs to no single host. */
export class Hints extends Map<MarkName, HostHints> {
  /** How many evacuations at the same time Nova was found to bear. Forgotten: it is found out anew, from few on. */
  throttle: ThrottleState | null = null;
  /** Until when Nova wants to be left alone, in ms since the epoch: two minutes ahead at most. Forgotten: one request is refused again. */
  backOff = { until: 0 };
  /** The last sentence said per subject that is no host's. Forgotten: it is said again. */
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
  if (typeof data['backOffUntil'] === 'number') hints.backOff.until = data['backOffUntil'];
  for (const [name, entry] of Object.entries(isRecord(data['hosts']) ? data['hosts'] : data)) {
    if (!isRecord(entry) || typeof entry['firstSeen'] !== 'number') continue;
    hints.set(markName(name), {
      incidentId: typeof entry['incidentId'] === 'string' ? entry['incidentId'] : null,
      firstSeen: entry['firstSeen'],
      targets: Array.isArray(entry['targets']) ? readHosts(entry['targets']) : null,
      unfit: readValues(entry['unfit'], (value) => value === 'anywhere' || value === 'zone'),
      roomAt: readValues(entry['roomAt'], (value) => typeof value === 'number'),
      capacityAt: typeof entry['capacityAt'] === 'number' ? entry['capacityAt'] : 0,
      refusals: readRefusals(entry['refusals']),
      pass: entry['pass'] === 'open' || entry['pass'] === 'closed' ? entry['pass'] : 'none',
      quietUntil: typeof entry['quietUntil'] === 'number' ? entry['quietUntil'] : 0,
      watch: readWatch(entry['watch']),
      doubts: readValues(entry['doubts'], (value) => typeof value === 'number'),
      signs: readSigns(entry['signs']),
      begun: entry['begun'] === true && typeof entry['incidentId'] !== 'string',
      open: readOpen(entry['open']),
      sharedWith: readHosts(entry['sharedWith']),
      placementSilentSince:
        typeof entry['placementSilentSince'] === 'number' ? entry['placementSilentSince'] : null,
      lived: readLived(entry['lived']),
      lackedBy: readHosts(entry['lackedBy']),
      restored: readTexts(entry['restored']).map((id) => serverId(id)),
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
    const { count, at, message, final, forItsTask, ours } = refusal;
    if (typeof count === 'number' && typeof at === 'number' && typeof message === 'string') {
      refusals[id] = {
        count,
        at,
        message,
        final: final === true,
        forItsTask: forItsTask === true,
        ours: ours === true,
      };
    }
  }
  return refusals;
}

function readSigns(data: unknown): Signs | null {
  if (!isRecord(data)) return null;
  const { pulse, updatedAt, heartbeats, held, pulsed, ranUntil, watchedSince } = data;
  if (typeof pulse !== 'string' || typeof held !== 'string' || typeof heartbeats !== 'number') return null;
  return {
    pulse,
    updatedAt: typeof updatedAt === 'number' ? updatedAt : null,
    heartbeats,
    held,
    pulsed: pulsed === true,
    ranUntil: typeof ranUntil === 'number' ? ranUntil : null,
    watchedSince: typeof watchedSince === 'number' ? watchedSince : null,
  };
}

function readWatch(data: unknown): Watch | null {
  if (!isRecord(data)) return null;
  const { value, since, until } = data;
  if (typeof value !== 'string' || typeof since !== 'number') return null;
  return { value, since, until: typeof until === 'number' ? until : since };
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

function readLived(data: unknown): HostHints['lived'] {
  const lived: HostHints['lived'] = {};
  for (const [host, one] of Object.entries(isRecord(data) ? data : {})) {
    if (!isRecord(one)) continue;
    const { since, until, as } = one;
    if (typeof since !== 'number' || typeof until !== 'number' || (as !== 'up' && as !== 'absent')) continue;
    lived[host] = { since, until, as };
  }
  return lived;
}

function readIncident(data: unknown): HostHints['incident'] {
  if (!isRecord(data) || typeof data['host'] !== 'string' || typeof data['fencedAt'] !== 'number')
    return null;
  return { host: novaHost(data['host']), fencedAt: data['fencedAt'] };
}

/**
 * `novaHost` and `serverId` are called here and never passed on: then the bundler puts their argument in their place, and an
 * idle pass, which reads this file, does not load the client of Nova for them.
 */
function readHosts(data: unknown): NovaHost[] {
  return readTexts(data).map((host) => novaHost(host));
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
    backOffUntil: hints.backOff.until,
    said: hints.said,
  });
}

export function newHostHints(firstSeen: number): HostHints {
  return {
    incidentId: null,
    firstSeen,
    targets: null,
    capacityAt: 0,
    unfit: {},
    roomAt: {},
    refusals: {},
    pass: 'none',
    quietUntil: 0,
    watch: null,
    doubts: {},
    signs: null,
    begun: false,
    open: {},
    sharedWith: [],
    placementSilentSince: null,
    lived: {},
    lackedBy: [],
    restored: [],
    incident: null,
    said: {},
  };
}
