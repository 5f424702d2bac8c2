import { faultReason, type Move, type Server } from '@openstack-ts/nova-client';
import type { InstanceFacts, Refusal } from '../../../../lib/evacuation/judge/instance.ts';
import type { Selected } from '../../../../lib/evacuation/judge/policy.ts';
import type { Destination } from '../../../../lib/evacuation/look/destinations.ts';
import type { Trail } from '../../../../lib/evacuation/look/trail.ts';
import { named, type Plain } from '../../names.ts';

/** One evacuation record. Times in seconds before now, on Nova's clock. */
export interface RecordRow {
  readonly status: string;
  readonly to?: string | null;
  /** False: `to` was named, and never took it up. */
  readonly claimed?: boolean;
  readonly created: number;
  /** As long ago as it was created where it is left out. */
  readonly updated?: number;
}

/**
 * One line of the table: what is known of an instance of the dead host comp0, and what it counts as. Everything
 * left out is as usual: an active instance on comp0, seen just now, untouched for an hour, selected, with hosts to
 * take it, clocks in step, nothing asked.
 */
export interface Row {
  readonly what: string;
  readonly server?: Plain<Partial<Server>> | null;
  readonly gone?: boolean;
  /** Seconds since the server was looked at. */
  readonly seen?: number;
  /** Seconds since Nova changed the server. */
  readonly touched?: number;
  readonly records?: readonly RecordRow[];
  /** The last of them stands in for one that Nova does not show. */
  readonly standIn?: 'request' | 'untold';
  /** What destinations are worth; `alive` where nothing is said. */
  readonly destinations?: Readonly<Record<string, Destination>>;
  /** Seconds since Nova last wrote the services of destinations; not told where nothing is said. */
  readonly reported?: Readonly<Record<string, number>>;
  /** Destinations whose service Nova does not tell of, as their cell is away. */
  readonly untold?: readonly string[];
  /** Which of the records were seen orphaned before. */
  readonly orphans?: readonly number[];
  /** The destination of that had begun it after it was last fenced. */
  readonly outlived?: readonly number[];
  /** Its destination was not watched for long enough. */
  readonly unwatched?: boolean;
  /** Seconds since the services were read; just before the server was seen where it is left out. */
  readonly servicesRead?: number;
  /** Seconds since this pass asked for it, whether it was answered, and how many of the records it knew then. */
  readonly asked?: { readonly ago: number; readonly answered: boolean; readonly knew?: number };
  readonly refusal?: Omit<Refusal, 'at' | 'forItsTask'> & {
    readonly ago: number;
    readonly forItsTask?: boolean;
  };
  /** Seconds until something new may be asked. */
  readonly quiet?: number;
  readonly selected?: Selected;
  /** Seconds since the incident began. */
  readonly incident?: number;
  readonly underWay?: number;
  readonly recovers?: boolean;
  readonly diskIsLocal?: boolean;
  readonly diskWaits?: string;
  readonly diskProbed?: boolean;
  readonly groupNote?: string;
  readonly canLand?: boolean;
  /** How far its last request has come; times in seconds before now. */
  readonly trail?: Plain<Trail>;
  /** The destination of that was fenced since, and may be back. */
  readonly moveDied?: boolean;
  /** Its live migration or resize, touched so many seconds ago. */
  readonly move?: Plain<Pick<Move, 'kind' | 'status' | 'destHost'>> & { readonly touched: number };
  /** Seconds since a host became available. */
  readonly capacity?: number;
  /** Seconds since it was seen that Nova's clock had been set back. */
  readonly setBack?: number;
  /** Nova's clock minus ours, in seconds. */
  readonly skew?: number;
  readonly is: string;
  readonly says?: string;
}

export const now = Date.parse('2026-11-21T03:00:00.500Z');

export function factsOf(row: Row): InstanceFacts {
  const skewMs = (row.skew ?? 0) * 1000;
  const ago = (seconds: number) => now - seconds * 1000;
  // Nova tells whole seconds.
  const onNova = (seconds: number) => Math.floor((ago(seconds) + skewMs) / 1000) * 1000;
  const records = (row.records ?? []).map((record, index) => ({
    id: row.standIn !== undefined && index + 1 === row.records?.length ? `${row.standIn} i` : `r${index}`,
    serverId: 'i',
    status: record.status,
    sourceHost: 'comp0',
    destHost: record.to ?? null,
    claimed: record.claimed ?? (record.to ?? null) !== null,
    createdAt: onNova(record.created),
    updatedAt: onNova(record.updated ?? record.created),
  }));
  const knew = row.asked?.knew ?? 0;
  return named<InstanceFacts>({
    markedHost: 'comp0',
    server:
      row.server === null
        ? null
        : {
            id: 'i',
            name: 'name-of-i',
            host: 'comp0',
            status: 'ACTIVE',
            vmState: 'active',
            taskState: null,
            powerState: 1,
            projectId: null,
            imageId: null,
            flavor: { id: null, name: 'small', extraSpecs: null, size: null },
            availabilityZone: 'nova',
            volumeIds: [],
            serverGroupIds: null,
            metadata: {},
            locked: false,
            fault: null,
            updatedAt: onNova(row.touched ?? 3600),
            ...row.server,
          },
    gone: row.gone ?? false,
    seenAt: ago(row.seen ?? 0),
    records,
    underWay: row.underWay ?? 0,
    ...incidentOf(row, ago, onNova),
    destination: (host) => (host === null ? 'unknown' : (row.destinations?.[host] ?? 'alive')),
    destinationsAt: ago(row.servicesRead ?? (row.seen ?? 0) + 0.1),
    reported: (host) => {
      const ago = row.reported?.[host];
      const told = row.untold?.includes(host) !== true;
      return { readAt: now, updatedAt: ago === undefined ? null : onNova(ago), told };
    },
    orphans: new Set(row.orphans?.map((index) => `r${index}`)),
    outlived: new Set(row.outlived?.map((index) => `r${index}`)),
    hasLived: () => row.unwatched !== true,
    destinationKnownAt: () => ago(row.servicesRead ?? (row.seen ?? 0) + 0.1),
    asked:
      row.asked === undefined
        ? null
        : {
            at: ago(row.asked.ago),
            answered: row.asked.answered,
            lastRecord: knew === 0 ? null : `r${knew - 1}`,
          },
    refusal:
      row.refusal === undefined ? null : { forItsTask: false, ...row.refusal, at: ago(row.refusal.ago) },
    quietUntil: row.quiet === undefined ? 0 : now + row.quiet * 1000,
    recovers: row.recovers ?? false,
    groupNote: row.groupNote ?? '',
    diskIsLocal: row.diskIsLocal ?? false,
    diskWaits: row.diskWaits ?? null,
    diskProbed: row.diskProbed ?? false,
    selected: row.selected ?? { kind: 'yes' },
    canLand: row.canLand ?? true,
    trail: trailOf(row.trail, onNova),
    moveDied: row.moveDied ?? false,
    move:
      row.move === undefined
        ? null
        : {
            ...row.move,
            claimed: row.move.destHost !== null,
            id: 'm',
            serverId: 'i',
            sourceHost: 'comp0',
            createdAt: onNova(row.move.touched),
            updatedAt: onNova(row.move.touched),
          },
    capacityAt: row.capacity === undefined ? 0 : ago(row.capacity),
    setBack: setBackOf(row, ago),
    now,
    clockOffsetMs: skewMs,
  });
}

type At = (seconds: number) => number;

function incidentOf(
  { incident = 24 * 3600 }: Row,
  ago: At,
  onNova: At,
): Pick<InstanceFacts, 'fencedAt' | 'incidentAt'> {
  return { fencedAt: ago(incident), incidentAt: onNova(incident) };
}

function setBackOf({ setBack }: Row, ago: (seconds: number) => number): InstanceFacts['setBack'] {
  return setBack === undefined ? null : { latest: ago(-3_500), since: ago(setBack) };
}

function trailOf(trail: Row['trail'], onNova: (seconds: number) => number): Plain<Trail> {
  if (trail === undefined) return { kind: 'unread' };
  return 'at' in trail ? { ...trail, at: onNova(trail.at) } : trail;
}

const rebuild = { status: 'REBUILD', taskState: 'rebuild_spawning' };
const error = { status: 'ERROR', vmState: 'error' };
const fault = (message: string, details = '') => ({
  message,
  reason: faultReason(message, details),
  code: 500,
  createdAt: null,
});

/** What was written before Nova's clock was set back by an hour, seen on the new clock. */
const ahead = { created: -3_500, updated: -3_495 };

/** The rows of the table of decisions; then the races that a real Nova was seen to have. */
export const table: readonly Row[] = [
  // 0: times that lie ahead of Nova's clock, as that was set back: a pause comes of it, not an hour
  {
    what: 'clock set back: it failed before that, and is tried again',
    server: { ...error, fault: fault('No valid host was found.') },
    touched: -3_495,
    records: [{ status: 'error', ...ahead }],
    incident: 100,
    setBack: 1,
    is: 'due attempt 2',
  },
  {
    what: 'clock set back: it failed before that, and was looked at a while ago',
    server: { ...error, fault: fault('No valid host was found.') },
    seen: 20,
    touched: -3_495,
    records: [{ status: 'error', ...ahead }],
    incident: 100,
    setBack: 10,
    is: 'look',
  },
  {
    what: 'clock set back while it was read: its record says that it has arrived',
    seen: 2,
    touched: -3_495,
    records: [{ status: 'done', to: 'comp1', ...ahead }],
    incident: 100,
    setBack: 1,
    is: 'look',
  },
  {
    what: 'clock set back: an evacuation that nobody has taken up is held, and the command shown, once the incident is old enough',
    server: rebuild,
    touched: -3_495,
    records: [{ status: 'accepted', ...ahead }],
    trail: { kind: 'untaken' },
    incident: 1_000,
    setBack: 900,
    is: 'held',
    says: "Nova accepted its evacuation before Nova's clock was set back, and no nova-conductor has taken it up: it waits in the message bus, or was lost there; it is not asked for a second time while that may be; if you are sure that it will not be (see nova-conductor and the message bus), go on with: openstack server set --state error i",
  },
  {
    what: 'clock set back: the incident is young, so it may be under way',
    server: rebuild,
    touched: -3_495,
    records: [{ status: 'accepted', ...ahead }],
    incident: 100,
    setBack: 90,
    is: 'inFlight',
    says: "accepted since before Nova's clock was set back",
  },
  {
    what: 'clock set back: a conductor gave it up',
    server: rebuild,
    touched: -3_495,
    records: [{ status: 'accepted', ...ahead }],
    trail: { kind: 'ended', by: 'conductor', host: null, at: -3_490 },
    incident: 100,
    setBack: 20,
    is: 'due',
  },
  {
    what: 'clock set back a moment ago: an idle instance with an open record may have arrived',
    touched: -3_495,
    records: [{ status: 'pre-migrating', to: 'comp1', ...ahead }],
    incident: 100,
    setBack: 50,
    is: 'inFlight',
  },
  {
    what: 'clock set back a minute ago: an idle instance with an open record was abandoned',
    touched: -3_495,
    records: [{ status: 'pre-migrating', to: 'comp1', ...ahead }],
    incident: 100,
    setBack: 61,
    is: 'due',
  },
  {
    what: 'clock set back: its destination died after that',
    server: rebuild,
    touched: -3_495,
    records: [{ status: 'pre-migrating', to: 'comp1', ...ahead }],
    destinations: { comp1: 'dead' },
    incident: 100,
    setBack: 20,
    is: 'due',
  },
  {
    what: "clock set back: the owner's rebuild was cut short before that",
    server: rebuild,
    touched: -3_495,
    incident: 100,
    setBack: 61,
    is: 'due',
  },
  // 1: not on the marked host
  { what: 'moved, no record', server: { host: 'comp1' }, is: 'finished', says: 'it is on comp1' },
  {
    what: 'moved, record done',
    server: { host: 'comp1' },
    records: [{ status: 'done', to: 'comp1', created: 9, updated: 2 }],
    is: 'finished',
    says: 'it is on comp1',
  },
  {
    what: 'moved, record still pre-migrating: the record moves last',
    server: { host: 'comp1' },
    touched: 1,
    records: [{ status: 'pre-migrating', to: 'comp1', created: 6, updated: 3 }],
    is: 'inFlight',
    says: 'arrived on comp1, its record still reads pre-migrating for 7 s',
  },
  {
    what: 'moved long ago, Nova left its record open',
    server: { host: 'comp1' },
    touched: 900,
    records: [{ status: 'pre-migrating', to: 'comp1', created: 920 }],
    is: 'finished',
  },
  {
    what: 'moved and being rebuilt there again while its record is open',
    server: { host: 'comp1', ...rebuild },
    touched: 90,
    records: [{ status: 'pre-migrating', to: 'comp1', created: 120 }],
    is: 'inFlight',
  },
  { what: 'gone, no record', server: null, gone: true, is: 'finished', says: 'it no longer exists' },
  {
    what: 'no longer listed, no record: a cell that cannot be reached is left out as well',
    server: null,
    is: 'look',
  },
  {
    what: 'no longer listed, record done',
    server: null,
    records: [{ status: 'done', to: 'comp2', created: 9, updated: 2 }],
    is: 'finished',
    says: 'it is on comp2',
  },
  {
    what: 'no longer listed, record young and open',
    server: null,
    records: [{ status: 'pre-migrating', to: 'comp2', created: 9, updated: 4 }],
    is: 'inFlight',
  },
  {
    what: 'deleted in mid-evacuation, record left open',
    server: null,
    gone: true,
    records: [{ status: 'pre-migrating', to: 'comp2', created: 3 }],
    is: 'finished',
    says: 'it no longer exists',
  },
  {
    what: 'no longer listed, its record open and old',
    server: null,
    records: [{ status: 'pre-migrating', to: 'comp2', created: 300 }],
    is: 'look',
  },
  {
    what: 'no longer listed, last attempt failed',
    server: null,
    records: [{ status: 'failed', to: 'comp2', created: 9 }],
    is: 'look',
  },

  // 2: rebuilding, record open, destination unknown or alive
  {
    what: 'accepted, no destination yet',
    server: { status: 'REBUILD', taskState: 'rebuilding' },
    touched: 1,
    records: [{ status: 'accepted', created: 1 }],
    is: 'inFlight',
    says: 'accepted for 2 s',
  },
  {
    what: 'accepted for five minutes: the conductor is dead, it will do it once it is back',
    server: { status: 'REBUILD', taskState: 'rebuilding' },
    touched: 300,
    records: [{ status: 'accepted', created: 300 }],
    trail: { kind: 'untaken' },
    is: 'inFlight',
  },
  {
    what: 'a request that the actions tell of, without a record for long',
    server: { status: 'REBUILD', taskState: 'rebuilding' },
    touched: 900,
    records: [{ status: 'accepted', created: 900 }],
    standIn: 'request',
    trail: { kind: 'untaken' },
    is: 'held',
    says: 'its evacuation was asked for at 02:45:00Z, Nova has no record of it, and no nova-conductor has taken it up: it waits in the message bus, or was lost there; it is not asked for a second time while that may be; if you are sure that it will not be (see nova-conductor and the message bus), go on with: openstack server set --state error i',
  },
  {
    what: 'a rebuild of which Nova does not tell by whose request',
    server: { status: 'REBUILD', taskState: 'rebuilding' },
    touched: 30,
    records: [{ status: 'accepted', created: 30 }],
    standIn: 'untold',
    is: 'inFlight',
    says: 'rebuilding (Nova does not tell by whose request) for 31 s',
  },
  ...(
    [
      [
        { kind: 'untaken' },
        'no nova-conductor has taken it up: it waits in the message bus, or was lost there',
      ],
      [{ kind: 'conductor', passedOn: false }, 'the nova-conductor that took it up has not passed it on'],
      [
        { kind: 'conductor', passedOn: true },
        'the destination that a nova-conductor chose has not taken it up',
      ],
      [{ kind: 'untold' }, 'Nova does not tell how far it has come'],
    ] as const
  ).map(
    ([trail, where]): Row => ({
      what: `accepted for 20 minutes: ${where}`,
      server: { status: 'REBUILD', taskState: 'rebuilding' },
      touched: 1200,
      records: [{ status: 'accepted', created: 1200 }],
      trail,
      is: 'held',
      says: `Nova accepted its evacuation at 02:40:00Z, and ${where}; it is not asked for a second time while that may be; if you are sure that it will not be (see nova-conductor and the message bus), go on with: openstack server set --state error i`,
    }),
  ),
  {
    what: 'a conductor gave it up and left the record: Neutron, or the scheduler, did not answer',
    server: { status: 'REBUILD', taskState: 'rebuilding' },
    touched: 130,
    records: [{ status: 'accepted', created: 130 }],
    trail: { kind: 'ended', by: 'conductor', host: 'controller', at: 70 },
    is: 'due',
    says: 'a nova-conductor gave its evacuation up and left the record accepted',
  },
  {
    what: 'the same this very moment: the record may follow',
    server: { status: 'REBUILD', taskState: 'rebuilding' },
    touched: 130,
    records: [{ status: 'accepted', created: 130 }],
    trail: { kind: 'ended', by: 'conductor', host: 'controller', at: 2 },
    is: 'inFlight',
  },
  {
    what: 'the destination gave it up before it had made its claim',
    server: { status: 'REBUILD', taskState: 'rebuilding' },
    touched: 130,
    records: [{ status: 'accepted', created: 130 }],
    trail: { kind: 'ended', by: 'destination', host: 'comp2', at: 70 },
    is: 'due',
    says: 'comp2 gave its evacuation up and left the record accepted',
  },
  {
    what: 'accepted, and sent to a named host that was fenced before it began: it strikes when that is back',
    server: { status: 'REBUILD', taskState: 'rebuilding' },
    touched: 40,
    destinations: { comp1: 'dead' },
    records: [{ status: 'accepted', to: 'comp1', created: 40 }],
    trail: { kind: 'conductor', passedOn: true },
    is: 'held',
  },
  {
    what: 'the same, and nobody tells how far it has come',
    server: { status: 'REBUILD', taskState: 'rebuilding' },
    touched: 40,
    destinations: { comp1: 'dead' },
    orphans: [0],
    records: [{ status: 'accepted', to: 'comp1', created: 40 }],
    is: 'held',
  },
  {
    what: 'the same, and an operator had Nova forget it',
    server: error,
    touched: 61,
    destinations: { comp1: 'dead' },
    records: [{ status: 'accepted', to: 'comp1', created: 400 }],
    is: 'due',
  },
  {
    what: 'accepted, and the destination had begun when it died',
    server: { status: 'REBUILD', taskState: 'rebuilding' },
    touched: 40,
    destinations: { comp1: 'dead' },
    records: [{ status: 'accepted', created: 40 }],
    trail: { kind: 'destination', host: 'comp1', at: 38 },
    is: 'due',
    says: 'its destination comp1 died in mid-evacuation and was fenced',
  },

  // A live migration or a resize that the failure cut short
  ...['migrating', 'resize_prep', 'resize_migrating', 'resize_migrated', 'resize_finish'].map(
    (taskState): Row => ({
      what: `${taskState}, and no record tells where to`,
      server: { taskState },
      is: 'held',
    }),
  ),
  {
    what: 'its live migration was running: it may run on the destination',
    server: { status: 'MIGRATING', taskState: 'migrating' },
    move: { kind: 'live-migration', status: 'running', destHost: 'comp1', touched: 60 },
    is: 'held',
    says: 'its live migration was under way when its host died, and it may run on comp1 already, so it is neither asked for nor reset; have comp1 fenced, or make sure that it does not run there (virsh list --all), then go on with: openstack server set --state error i',
  },
  {
    what: 'the same, and the destination went silent',
    server: { status: 'MIGRATING', taskState: 'migrating' },
    move: { kind: 'live-migration', status: 'running', destHost: 'comp1', touched: 60 },
    destinations: { comp1: 'silent' },
    is: 'held',
  },
  {
    what: 'the same, and the destination was fenced since',
    server: { status: 'MIGRATING', taskState: 'migrating' },
    move: { kind: 'live-migration', status: 'running', destHost: 'comp1', touched: 60 },
    destinations: { comp1: 'dead' },
    is: 'due attempt 1',
  },
  {
    what: 'the same, and its nova-compute may have been started again',
    server: { status: 'MIGRATING', taskState: 'migrating' },
    move: { kind: 'live-migration', status: 'running', destHost: 'comp1', touched: 60 },
    destinations: { comp1: 'dead' },
    reported: { comp1: 20 },
    is: 'held',
  },
  {
    what: 'the same, and the destination was fenced since and is back',
    server: { status: 'MIGRATING', taskState: 'migrating' },
    move: { kind: 'live-migration', status: 'running', destHost: 'comp1', touched: 60 },
    moveDied: true,
    is: 'due attempt 1',
  },
  {
    what: 'its live migration had not begun to move it',
    server: { status: 'MIGRATING', taskState: 'migrating' },
    move: { kind: 'live-migration', status: 'preparing', destHost: 'comp1', touched: 60 },
    is: 'due attempt 1',
  },
  {
    what: 'its live migration was cancelled',
    server: { status: 'MIGRATING', taskState: 'migrating' },
    move: { kind: 'live-migration', status: 'cancelled', destHost: 'comp1', touched: 60 },
    is: 'due attempt 1',
  },
  {
    what: 'its live migration failed too late to be undone',
    server: { status: 'MIGRATING', taskState: 'migrating' },
    move: { kind: 'live-migration', status: 'error', destHost: 'comp1', touched: 60 },
    is: 'held',
  },
  {
    what: 'an old Nova refuses it for its migration: it is never reset to get round that',
    server: { status: 'MIGRATING', taskState: 'migrating' },
    move: { kind: 'live-migration', status: 'running', destHost: 'comp1', touched: 60 },
    refusal: {
      count: 1,
      ago: 1,
      message: 'Cannot evacuate while it is in task_state migrating',
      forItsTask: true,
      final: false,
      ours: false,
    },
    is: 'held',
  },
  {
    what: 'an operator had Nova forget the migration',
    server: error,
    move: { kind: 'live-migration', status: 'running', destHost: 'comp1', touched: 60 },
    is: 'due attempt 1',
  },

  // Another process holds the disk
  {
    what: 'the rebuild failed because the disk is locked: something runs it',
    server: { ...error, fault: fault('libvirtError', 'qemu: Failed to get "write" lock') },
    touched: 300,
    records: [{ status: 'failed', to: 'comp1', created: 310, updated: 300 }],
    is: 'held',
    says: 'its disk is locked by another process, so it may still run on comp0: nothing more is asked for comp0; fence it again (pcs stonith fence comp0), and it goes on by itself; or make sure that it is off and that nothing holds the disk, and go on with: openstack server set --state active i',
  },
  {
    what: 'the same of an earlier incident',
    server: { ...error, fault: fault('libvirtError', 'qemu: Failed to get "write" lock') },
    touched: 300,
    incident: 60,
    records: [{ status: 'failed', to: 'comp1', created: 310, updated: 300 }],
    is: 'due attempt 1',
  },
  {
    what: 'the same, and an operator has it go on',
    touched: 30,
    records: [{ status: 'failed', to: 'comp1', created: 310, updated: 300 }],
    is: 'due attempt 2',
  },
  {
    what: 'pre-migrating',
    server: rebuild,
    touched: 3,
    records: [{ status: 'pre-migrating', to: 'comp1', created: 5, updated: 4 }],
    is: 'inFlight',
    says: 'pre-migrating to comp1 for 6 s',
  },
  {
    what: 'pre-migrating for an hour, destination alive: deadline, never a second request',
    server: rebuild,
    touched: 3600,
    records: [{ status: 'pre-migrating', to: 'comp1', created: 3600 }],
    is: 'inFlight overdue',
  },
  {
    what: 'pre-migrating to a host that Nova no longer knows',
    server: rebuild,
    touched: 30,
    destinations: { comp9: 'unknown' },
    records: [{ status: 'pre-migrating', to: 'comp9', created: 30 }],
    is: 'inFlight',
  },
  {
    what: 'pre-migrating to a host that went silent but was not fenced: its guest may run',
    server: rebuild,
    touched: 40,
    destinations: { comp1: 'silent' },
    records: [{ status: 'pre-migrating', to: 'comp1', created: 40 }],
    is: 'inFlight overdue',
    says: 'pre-migrating to comp1 for 41 s, but comp1 went silent and is not fenced: waiting until it is back or fenced',
  },
  {
    what: 'a status that is none of the known ones counts as open',
    server: rebuild,
    touched: 3,
    records: [{ status: 'migrating', to: 'comp1', created: 5 }],
    is: 'inFlight',
  },

  // 3: rebuilding, destination fenced
  {
    what: 'orphaned: its destination was fenced',
    server: rebuild,
    touched: 40,
    destinations: { comp1: 'dead' },
    records: [{ status: 'pre-migrating', to: 'comp1', created: 40 }],
    is: 'due',
    says: 'its destination comp1 died in mid-evacuation and was fenced',
  },
  {
    what: 'the same, and its service was written since it was held down: somebody may have started its nova-compute again',
    server: rebuild,
    touched: 40,
    destinations: { comp1: 'dead' },
    reported: { comp1: 8 },
    records: [{ status: 'pre-migrating', to: 'comp1', created: 40 }],
    is: 'inFlight',
  },
  {
    what: 'the same, and it is silent for a minute',
    server: rebuild,
    touched: 90,
    destinations: { comp1: 'dead' },
    reported: { comp1: 61 },
    records: [{ status: 'pre-migrating', to: 'comp1', created: 90 }],
    is: 'due',
  },
  {
    what: 'the same, and Nova does not tell of it, as its cell is away',
    server: rebuild,
    touched: 90,
    destinations: { comp1: 'dead' },
    untold: ['comp1'],
    records: [{ status: 'pre-migrating', to: 'comp1', created: 90 }],
    is: 'inFlight',
  },
  {
    what: 'an idle one, whose destination bears its mark and reports: it may have hung at the very end',
    touched: 90,
    destinations: { comp1: 'dead' },
    reported: { comp1: 8 },
    unwatched: true,
    records: [{ status: 'pre-migrating', to: 'comp1', created: 90 }],
    is: 'inFlight',
  },
  {
    what: 'begun so lately that its nova-compute, if it was started again, would not have reported yet',
    server: rebuild,
    touched: 12,
    destinations: { comp1: 'dead' },
    reported: { comp1: 300 },
    records: [{ status: 'pre-migrating', to: 'comp1', created: 12 }],
    is: 'inFlight',
  },
  {
    what: 'orphaned, but the server was last seen before the destination was known to be dead',
    server: rebuild,
    seen: 3,
    servicesRead: 1,
    touched: 40,
    destinations: { comp1: 'dead' },
    records: [{ status: 'pre-migrating', to: 'comp1', created: 40 }],
    is: 'look',
  },
  {
    what: 'its destination was dead when that was last looked at, before Nova chose it: it was taken back since',
    server: rebuild,
    servicesRead: 6,
    seen: 0,
    touched: 2,
    destinations: { comp1: 'dead' },
    records: [{ status: 'pre-migrating', to: 'comp1', created: 2 }],
    is: 'inFlight',
  },
  {
    what: 'its destination was seen dead after Nova had chosen it, and is back by now',
    server: rebuild,
    touched: 40,
    orphans: [0],
    records: [{ status: 'pre-migrating', to: 'comp1', created: 40 }],
    is: 'due',
    says: 'its destination comp1 died in mid-evacuation and was fenced',
  },
  {
    what: 'begun by a destination that bears its mark still, and whose nova-compute was started too early',
    server: rebuild,
    touched: 40,
    destinations: { comp1: 'dead' },
    outlived: [0],
    records: [{ status: 'pre-migrating', to: 'comp1', created: 40 }],
    is: 'inFlight',
  },
  {
    what: 'evacuated anew to a destination that had lost it before',
    server: rebuild,
    touched: 2,
    orphans: [0],
    records: [
      { status: 'pre-migrating', to: 'comp1', created: 40 },
      { status: 'pre-migrating', to: 'comp1', created: 4, updated: 2 },
    ],
    is: 'inFlight',
  },
  {
    what: 'that may be so as well where clocks are a little apart',
    server: rebuild,
    servicesRead: 0.5,
    seen: 0,
    touched: 4,
    skew: 3,
    destinations: { comp1: 'dead' },
    records: [{ status: 'pre-migrating', to: 'comp1', created: 4 }],
    is: 'inFlight',
  },
  {
    what: 'orphaned in the last step: the guest was up, host and record had not changed yet',
    touched: 40,
    destinations: { comp1: 'dead' },
    records: [{ status: 'pre-migrating', to: 'comp1', created: 40 }],
    is: 'due',
  },
  {
    what: 'evacuated anew after an orphan: the old record stays open for ever and says nothing',
    server: rebuild,
    touched: 3,
    destinations: { comp1: 'dead' },
    records: [
      { status: 'pre-migrating', to: 'comp1', created: 90 },
      { status: 'pre-migrating', to: 'comp2', created: 5 },
    ],
    is: 'inFlight',
    says: 'pre-migrating to comp2 for 6 s',
  },

  // 4: no task, record open and young
  {
    what: 'asked for this second: accepted, the task not set yet',
    touched: 1,
    records: [{ status: 'accepted', created: 1 }],
    is: 'inFlight',
  },
  {
    what: 'ACTIVE on its old host while its migration is pre-migrating',
    touched: 1,
    records: [{ status: 'pre-migrating', to: 'comp1', created: 12, updated: 10 }],
    is: 'inFlight',
  },
  {
    what: 'the same after a long rebuild: the server changed just now, its record long ago',
    touched: 2,
    records: [{ status: 'pre-migrating', to: 'comp1', created: 500, updated: 498 }],
    is: 'inFlight',
  },
  {
    what: 'ACTIVE on its old host, its destination went silent at this very point: its guest runs there',
    touched: 300,
    destinations: { comp1: 'silent' },
    records: [{ status: 'pre-migrating', to: 'comp1', created: 310 }],
    is: 'inFlight overdue',
  },

  // 5: no task, record open and old
  {
    what: 'a record left accepted by Nova',
    touched: 100,
    records: [{ status: 'accepted', created: 100 }],
    is: 'due',
    says: 'an older record was left accepted by Nova',
  },
  {
    what: 'a record left pre-migrating, destination alive',
    touched: 100,
    records: [{ status: 'pre-migrating', to: 'comp1', created: 100 }],
    is: 'due',
  },
  {
    what: 'the same, and the destination may have hung and be back just now',
    touched: 100,
    unwatched: true,
    records: [{ status: 'pre-migrating', to: 'comp1', created: 100 }],
    is: 'inFlight',
    says: 'pre-migrating to comp1 for 101 s, though nobody seems to work on it: waiting until comp1, which may have hung, has worked for a minute',
  },
  {
    what: 'a record left open, but the server was seen a while ago',
    seen: 20,
    touched: 100,
    records: [{ status: 'accepted', created: 100 }],
    is: 'look',
  },

  // 6: a failed attempt
  {
    what: 'no host was found: pause',
    server: { ...error, fault: fault('No valid host was found. There are not enough hosts available.') },
    touched: 3,
    records: [{ status: 'error', created: 4, updated: 3 }],
    is: 'failed 1 retry in 7 s',
    says: 'attempt 1 failed: No valid host was found. There are not enough hosts available',
  },
  {
    what: 'the pause is over',
    server: { ...error, fault: fault('Failed to spawn') },
    touched: 30,
    records: [{ status: 'failed', to: 'comp1', created: 31, updated: 30 }],
    is: 'due attempt 2',
    says: 'attempt 1 failed: Failed to spawn',
  },
  {
    what: 'a host that was named in vain is no attempt, and no reason to wait',
    server: { ...error, fault: fault('No valid host was found. ') },
    touched: 3,
    records: [
      { status: 'failed', to: 'comp1', created: 31, updated: 30 },
      { status: 'error', to: 'comp2', claimed: false, created: 4, updated: 3 },
    ],
    is: 'due attempt 2',
    says: 'comp2 does not take it (No valid host was found), so Nova chooses',
  },
  {
    what: 'nor is one that was named before the last attempt',
    server: { ...error, fault: fault('Failed to spawn') },
    touched: 3,
    records: [
      { status: 'failed', to: 'comp1', created: 31, updated: 30 },
      { status: 'error', to: 'comp2', claimed: false, created: 20, updated: 19 },
      { status: 'failed', to: 'comp1', created: 4, updated: 3 },
    ],
    is: 'failed 2 retry in 17 s',
  },
  {
    what: 'failed, before the last host came: tried again at once',
    server: { ...error, fault: fault('No valid host was found. ') },
    touched: 8,
    records: [{ status: 'error', created: 9, updated: 8 }],
    capacity: 2,
    is: 'due attempt 2',
  },
  {
    what: 'the third failure in a row: 40 s',
    server: error,
    touched: 5,
    records: [
      { status: 'failed', to: 'comp1', created: 60 },
      { status: 'error', created: 40 },
      { status: 'failed', to: 'comp2', created: 6, updated: 5 },
    ],
    is: 'failed 3 retry in 35 s',
    says: 'attempt 3 failed: comp2 could not rebuild it',
  },
  {
    what: 'the fifth failure: two minutes',
    server: error,
    touched: 5,
    records: [900, 700, 500, 300, 5].map((created) => ({ status: 'error', created })),
    is: 'failed 5 retry in 115 s',
  },
  {
    what: 'the sixth failure: given up, tried again only slowly',
    server: error,
    touched: 5,
    records: [1100, 900, 700, 500, 300, 5].map((created) => ({ status: 'error', created })),
    is: 'failed 6 given up retry in 1795 s',
  },
  {
    what: 'the sixth failure, and a destination is left that may find its disk: that is tried before it is given up',
    server: error,
    touched: 5,
    records: [1100, 900, 700, 500, 300, 5].map((created) => ({ status: 'error', created })),
    diskProbed: true,
    is: 'failed 6 retry in 115 s',
  },
  {
    what: 'given up, and a host has become available: tried at once',
    server: error,
    touched: 50,
    records: [1100, 900, 700, 500, 300, 50].map((created) => ({ status: 'error', created })),
    capacity: 4,
    is: 'due attempt 7',
  },
  {
    what: 'failures of an earlier incident do not count',
    server: error,
    touched: 5,
    incident: 60,
    records: [1100, 900, 700, 500, 300, 5].map((created) => ({ status: 'error', created })),
    is: 'failed 1 retry in 5 s',
  },
  {
    what: 'under way for long, and so are twenty others: Nova has more to do, it is not overdue yet',
    server: rebuild,
    touched: 700,
    underWay: 20,
    records: [{ status: 'pre-migrating', to: 'comp1', created: 700, updated: 690 }],
    is: 'inFlight',
  },
  {
    what: 'under way for longer than twenty explain',
    server: rebuild,
    touched: 1000,
    underWay: 20,
    records: [{ status: 'pre-migrating', to: 'comp1', created: 1000, updated: 990 }],
    is: 'inFlight overdue',
  },
  {
    what: 'paused, and such are recovered: after a reset of its state',
    server: { status: 'PAUSED', vmState: 'paused' },
    recovers: true,
    is: 'due attempt 1 after a reset',
  },
  {
    what: 'resized: never recovered, its owner has to confirm or revert it',
    server: { status: 'VERIFY_RESIZE', vmState: 'resized' },
    recovers: true,
    is: 'cannot',
    says: 'Nova does not evacuate an instance that is resized',
  },
  {
    what: 'being deleted by its owner: left',
    server: { taskState: 'deleting' },
    is: 'cannot',
    says: 'it is being deleted',
  },
  {
    what: 'an old Nova refused it for its task: reset, and asked for again at once',
    server: { taskState: 'powering-off' },
    refusal: {
      count: 1,
      ago: 1,
      message: 'Cannot evacuate while it is in task_state powering-off',
      forItsTask: true,
      final: false,
      ours: false,
    },
    is: 'due attempt 2 after a reset',
  },
  {
    what: 'refused for its task again after the reset: a pause first',
    server: { taskState: 'powering-off' },
    refusal: {
      count: 2,
      ago: 1,
      message: 'Cannot evacuate while it is in task_state powering-off',
      forItsTask: true,
      final: false,
      ours: false,
    },
    is: 'failed 2 retry in 19 s',
  },
  {
    what: 'a stuck task that Nova does not mind is not touched',
    server: { taskState: 'powering-off' },
    is: 'due attempt 1',
  },
  {
    what: 'its disk lies on the dead host: left',
    diskIsLocal: true,
    is: 'cannot',
    says: "its disk lies on comp0 itself and it would be rebuilt empty; it waits there for the host's return (no_shared_storage=1 gives such disks up)",
  },
  {
    what: 'who finds the disks of its host is not known yet, and another one is tried',
    diskWaits: 'comp1 did not find the disk of another',
    is: 'deferred',
    says: 'comp1 did not find the disk of another',
  },
  {
    what: 'failed while the list was read: the server still shows the state before',
    server: rebuild,
    seen: 4,
    touched: 20,
    records: [{ status: 'failed', to: 'comp1', created: 20, updated: 2 }],
    is: 'look',
  },
  {
    what: 'failed, but the server was read before and has no fault text yet',
    seen: 4,
    touched: 20,
    records: [{ status: 'failed', to: 'comp1', created: 20, updated: 2 }],
    is: 'look',
  },
  {
    what: 'failed without a fault, no destination',
    touched: 5,
    records: [{ status: 'error', created: 6, updated: 5 }],
    is: 'failed 1 retry in 5 s',
    says: 'attempt 1 failed: no host was found for it',
  },
  {
    what: 'cancelled by an operator counts as failed',
    touched: 5,
    records: [{ status: 'cancelled', to: 'comp1', created: 6, updated: 5 }],
    is: 'failed 1 retry in 5 s',
  },

  // 7: nothing, or an earlier incident
  { what: 'untouched', is: 'due attempt 1', says: 'it is still on the dead host' },
  { what: 'in ERROR before', server: error, is: 'due attempt 1' },
  { what: 'stopped', server: { status: 'SHUTOFF', vmState: 'stopped' }, is: 'due attempt 1' },
  {
    what: 'evacuated in an earlier incident and back since',
    records: [{ status: 'completed', to: 'comp1', created: 7200, updated: 7000 }],
    is: 'due attempt 1',
  },
  {
    what: 'its destination died, and a nova-compute that started on the old host closed its record: it has not gone anywhere',
    touched: 60,
    asked: { ago: 40, answered: true },
    records: [{ status: 'completed', to: 'comp1', created: 39, updated: 20 }],
    is: 'due attempt 1',
  },
  {
    what: 'the same, and it was looked at before',
    seen: 30,
    touched: 60,
    asked: { ago: 40, answered: true },
    records: [{ status: 'completed', to: 'comp1', created: 39, updated: 20 }],
    is: 'look',
  },
  {
    what: 'evacuated away and back, the old host never cleaned up',
    records: [{ status: 'done', to: 'comp1', created: 7200, updated: 7190 }],
    is: 'due attempt 1',
  },
  {
    what: 'failures before a success do not count',
    server: error,
    touched: 5,
    records: [
      { status: 'failed', to: 'comp1', created: 9000 },
      { status: 'done', to: 'comp1', created: 8000 },
      { status: 'failed', to: 'comp1', created: 6, updated: 5 },
    ],
    is: 'failed 1 retry in 5 s',
  },

  // 8: other tasks
  { what: 'powering off on the dead host', server: { taskState: 'powering-off' }, is: 'due attempt 1' },
  {
    what: 'rebooting on the dead host',
    server: { status: 'HARD_REBOOT', taskState: 'reboot_started_hard' },
    is: 'due attempt 1',
  },
  {
    what: 'powering off, but an evacuation is in flight',
    server: { taskState: 'powering-off' },
    touched: 2,
    records: [{ status: 'accepted', created: 2 }],
    is: 'inFlight',
  },

  // 9: states that Nova refuses
  ...['paused', 'suspended', 'rescued', 'resized', 'building', 'shelved', 'soft-delete'].map(
    (vmState): Row => ({
      what: vmState,
      server: { status: vmState.toUpperCase(), vmState },
      is: 'cannot',
      says: `Nova does not evacuate an instance that is ${vmState}`,
    }),
  ),
  {
    what: 'paused, with the failed attempt of somebody who tried',
    server: { status: 'PAUSED', vmState: 'paused' },
    records: [{ status: 'failed', to: 'comp1', created: 600 }],
    is: 'cannot',
  },
  {
    what: 'refused for its state although it read active',
    refusal: { ago: 1, count: 1, message: 'while it is in vm_state paused', final: true, ours: false },
    is: 'cannot',
    says: 'while it is in vm_state paused',
  },

  // What Nova does not tell
  { what: 'its cell is down', server: { host: null, status: 'UNKNOWN', vmState: null }, is: 'unknown' },
  {
    what: 'a policy hides it from this user',
    server: { host: null, hiddenBy: 'os_compute_api:os-extended-server-attributes' },
    is: 'unknown',
    says: 'Nova does not show its host or state to this user, who lacks the right of its policy os_compute_api:os-extended-server-attributes: give the user the admin role, or this right',
  },
  { what: 'no vm_state', server: { vmState: null }, is: 'unknown' },
  {
    what: 'its cell is down, while in flight',
    server: { host: null, status: 'UNKNOWN', vmState: null },
    records: [{ status: 'accepted', created: 2 }],
    is: 'unknown',
  },

  // The record moves last: what was read before it, and after
  {
    what: 'record done, the server read a moment before on its old host',
    touched: 2,
    records: [{ status: 'done', to: 'comp1', created: 9, updated: 0 }],
    is: 'look',
  },
  {
    what: 'record done in the second in which the server was read on its old host',
    seen: 0.3,
    touched: 2,
    records: [{ status: 'done', to: 'comp1', created: 9, updated: 0.2 }],
    is: 'look',
  },
  {
    what: 'record done three seconds ago and the server read on its old host just now',
    touched: 2,
    records: [{ status: 'done', to: 'comp1', created: 9, updated: 3 }],
    is: 'look',
  },
  {
    what: 'record done, the server last seen half a minute before that',
    seen: 30,
    touched: 40,
    records: [{ status: 'done', to: 'comp1', created: 9, updated: 2 }],
    is: 'finished',
    says: 'it is on comp1',
  },
  {
    what: 'asked for by this pass and done',
    seen: 2,
    touched: 9,
    asked: { ago: 9, answered: true },
    records: [{ status: 'done', to: 'comp1', created: 9, updated: 1 }],
    is: 'finished',
    says: 'it is on comp1',
  },

  // Rebuilding without a record that says so
  {
    what: 'a request is being carried out this moment',
    server: { status: 'REBUILD', taskState: 'rebuilding' },
    touched: 0,
    is: 'inFlight',
    says: 'Nova has begun, its record is not there yet',
  },
  {
    what: 'a rebuild by its owner, cut short by the death of the host',
    server: { status: 'REBUILD', taskState: 'rebuilding' },
    touched: 400,
    is: 'due attempt 1',
    says: 'a rebuild on the dead host was cut short',
  },
  {
    what: 'the last attempt failed and left the task, long ago',
    server: { ...rebuild, vmState: 'error' },
    touched: 400,
    records: [{ status: 'failed', to: 'comp1', created: 410, updated: 400 }],
    is: 'due attempt 2',
  },
  {
    what: 'a new request of somebody else is being carried out, its record not seen yet',
    server: { status: 'REBUILD', taskState: 'rebuilding' },
    touched: 0,
    records: [{ status: 'failed', to: 'comp1', created: 410, updated: 400 }],
    is: 'look',
  },
  {
    what: 'our unanswered request is being carried out, only the record of the failure before is known',
    server: { status: 'REBUILD', taskState: 'rebuilding' },
    touched: 70,
    asked: { ago: 31, answered: false, knew: 1 },
    records: [{ status: 'failed', to: 'comp1', created: 310, updated: 300 }],
    is: 'inFlight',
  },

  // Requests of this pass
  {
    what: 'answered, record not seen yet',
    asked: { ago: 1, answered: true },
    is: 'inFlight',
    says: 'requested, its record is not there yet',
  },
  {
    what: 'not answered, no record',
    asked: { ago: 40, answered: false },
    is: 'inFlight',
    says: 'the request was not answered, Nova may be at it',
  },
  {
    what: 'not answered, no record, for more than a minute: it was lost',
    asked: { ago: 61, answered: false },
    is: 'due attempt 1',
  },
  {
    what: 'not answered, and the record of it is there',
    touched: 1,
    asked: { ago: 31, answered: false },
    records: [{ status: 'accepted', created: 1 }],
    is: 'inFlight',
    says: 'accepted for 2 s',
  },
  {
    what: 'asked anew after a failure, only the old record known',
    server: error,
    touched: 30,
    asked: { ago: 2, answered: true, knew: 1 },
    records: [{ status: 'failed', to: 'comp1', created: 40, updated: 30 }],
    is: 'inFlight',
  },
  {
    what: 'asked anew right after a failure and not answered: the old record is no answer',
    server: error,
    touched: 33,
    asked: { ago: 31, answered: false, knew: 1 },
    records: [{ status: 'error', created: 34, updated: 33 }],
    capacity: 31,
    is: 'inFlight',
  },
  {
    what: 'asked anew and failed again',
    server: error,
    touched: 3,
    asked: { ago: 8, answered: true, knew: 1 },
    records: [
      { status: 'failed', to: 'comp1', created: 40, updated: 30 },
      { status: 'failed', to: 'comp2', created: 8, updated: 3 },
    ],
    is: 'failed 2 retry in 17 s',
  },

  // Refusals that leave no record
  {
    what: 'refused a moment ago',
    refusal: { ago: 3, count: 1, message: 'a quota is exhausted', final: false, ours: false },
    is: 'failed 1 retry in 7 s',
    says: 'Nova refused: a quota is exhausted',
  },
  {
    what: 'refused a while ago',
    refusal: { ago: 30, count: 2, message: 'a quota is exhausted', final: false, ours: false },
    is: 'due attempt 3',
  },

  // A predecessor that was killed
  { what: 'quiet time', quiet: 12, is: 'waiting 12 s' },
  { what: 'quiet time is over', quiet: -1, is: 'due attempt 1' },
  { what: 'quiet time does not hide what cannot be', server: { vmState: 'paused' }, quiet: 12, is: 'cannot' },
  {
    what: 'quiet time, and its record is there',
    touched: 2,
    quiet: 12,
    records: [{ status: 'accepted', created: 2 }],
    is: 'inFlight',
  },

  // Selection and capacity
  {
    what: 'not tagged',
    selected: { kind: 'no', rule: 'not tagged, others are' },
    is: 'excluded',
    says: 'not tagged, others are',
  },
  {
    what: 'selection cannot be read',
    selected: { kind: 'undecided', reason: 'flavours could not be read' },
    is: 'unknown',
  },
  {
    what: 'in flight although not selected: somebody asked for it by hand',
    touched: 2,
    selected: { kind: 'no', rule: 'not tagged' },
    records: [{ status: 'accepted', created: 2 }],
    is: 'inFlight',
  },
  {
    what: 'no host to take it',
    canLand: false,
    is: 'failed 0 retry in 10 s',
    says: 'no compute host is up and enabled to take it',
  },
  {
    what: 'no host to take it after a failure',
    server: { ...error, fault: fault('No valid host was found.') },
    touched: 50,
    canLand: false,
    records: [{ status: 'error', created: 51, updated: 50 }],
    is: 'failed 1 retry in 10 s',
    says: 'no compute host is up and enabled to take it; attempt 1 failed: No valid host was found',
  },

  // Clocks
  ...[-3600, -7, -1, 1, 7, 3600].flatMap((skew): Row[] => [
    {
      what: `Nova's clock is off by ${skew} s: in flight`,
      skew,
      touched: 2,
      records: [{ status: 'pre-migrating', to: 'comp1', created: 8, updated: 5 }],
      is: 'inFlight',
    },
    {
      what: `Nova's clock is off by ${skew} s: a failure's pause is counted on ours`,
      skew,
      server: error,
      touched: 3,
      records: [{ status: 'error', created: 4, updated: 3 }],
      is: 'failed 1 retry in 7 s',
    },
    {
      what: `Nova's clock is off by ${skew} s: done and read a moment before`,
      skew,
      touched: 1,
      records: [{ status: 'done', to: 'comp1', created: 8, updated: 1 }],
      is: 'look',
    },
    {
      what: `Nova's clock is off by ${skew} s: a stale record`,
      skew,
      touched: 120,
      records: [{ status: 'accepted', created: 120 }],
      is: 'due',
    },
  ]),
];
