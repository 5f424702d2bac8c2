import type { Migration, NovaHost, ServerId } from '@openstack-ts/nova-client';
import { timeOfDay } from '../incident/clock.ts';
import { pacing } from '../incident/pacing.ts';
import { isDone, isOpen, isWrongHost } from '../look/records.ts';
import type { Classes } from './judgeHost.ts';

/** An evacuation that a destination has taken up, as Nova's records tell. Times on Nova's clock, in ms since the epoch. */
export interface TakenUp {
  readonly serverId: ServerId;
  readonly to: NovaHost;
  readonly stands: 'open' | 'done' | 'failed';
  /** When it was asked for, and when its record last changed: when it was taken up, of one that is open, else its end. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A destination that takes instances and finishes none, while others do. */
export interface Laggard {
  readonly host: NovaHost;
  /** `hangs`: nothing that it has taken up ends. `fails`: all of it fails. */
  readonly how: 'hangs' | 'fails';
  /** How many it has not finished. */
  readonly count: number;
  /** Since when, in ms on Nova's clock, and how many others have finished since. */
  readonly since: number;
  readonly elsewhere: number;
}

/** Fewer that hang may be the instances' own trouble, and hold up little. */
const fewestHanging = 2;
/** Of so many instances in a row none was rebuilt there. */
const fewestFailed = 2;
/** So many are finished elsewhere meanwhile, or it may be the cloud that is slow. */
const fewestElsewhere = 3;
/** So many times as long as others take is no longer slow. */
const slowTimes = 3;

/**
 * What of a host's evacuations tells how destinations do: those of this incident that one has taken up. What is open counts where it is
 * in flight: Nova never cleans records that were left behind.
 *
 * @param since from when on its records belong to the incident, on Nova's clock
 * @param mayWork whether a destination is neither dead nor silent: what those hold up is told by that alone
 */
export function takenUp(
  records: Iterable<Migration>,
  classes: Classes,
  since: number,
  mayWork: (host: NovaHost) => boolean,
): readonly TakenUp[] {
  const taken: TakenUp[] = [];
  const open = new Map<ServerId, TakenUp>();
  for (const record of records) {
    const { serverId, destHost: to, createdAt, updatedAt } = record;
    if (to === null || createdAt < since || !record.claimed || isWrongHost(record)) continue;
    const one = { serverId, to, createdAt, updatedAt };
    if (!isOpen(record)) taken.push({ ...one, stands: isDone(record) ? 'done' : 'failed' });
    else if (classes.get(serverId)?.kind === 'inFlight' && mayWork(to)) {
      if (createdAt >= (open.get(serverId)?.createdAt ?? 0)) open.set(serverId, { ...one, stands: 'open' });
    }
  }
  return [...taken, ...open.values()];
}

/**
 * The destinations that finish nothing while others do, or while nothing was tried elsewhere. One that is silent or fenced is none of them.
 * It rests on Nova's records alone, so whoever looks next sees the same.
 *
 * @param now on Nova's clock
 */
export function laggards(evacuations: Iterable<TakenUp>, now: number): ReadonlyMap<NovaHost, Laggard> {
  const byHost = new Map<NovaHost, TakenUp[]>();
  const done: TakenUp[] = [];
  for (const one of evacuations) {
    const own = byHost.get(one.to);
    if (own === undefined) byHost.set(one.to, [one]);
    else own.push(one);
    if (one.stands === 'done') done.push(one);
  }
  const found = new Map<NovaHost, Laggard>();
  for (const [host, own] of byHost) {
    const laggard = hanging(host, byHost, done, now) ?? failing(host, own, done);
    if (laggard !== null) found.set(host, laggard);
  }
  return found;
}

function hanging(
  host: NovaHost,
  byHost: ReadonlyMap<NovaHost, readonly TakenUp[]>,
  done: readonly TakenUp[],
  now: number,
): Laggard | null {
  const own = byHost.get(host) ?? [];
  const since = standsSince(own);
  if (since === null || now - since < pacing.hangsMs) return null;
  const elsewhere = endedElsewhere(host, done, since);
  const laggard = { host, how: 'hangs', count: countOpen(own), since, elsewhere: elsewhere.length } as const;
  if (elsewhere.length < fewestElsewhere) {
    // Nova may choose the emptiest host again and again. Where others stand as well it is the cloud that is slow.
    const isAlone = [...byHost].every(([other, its]) => {
      const itsSince = other === host ? null : standsSince(its);
      return itsSince === null || now - itsSince < pacing.hangsMs;
    });
    return isAlone && now - since >= pacing.hangsAloneMs ? laggard : null;
  }
  const took = elsewhere.map(({ createdAt, updatedAt }) => updatedAt - createdAt).sort((a, b) => a - b);
  const usual = took[Math.floor(took.length / 2)] ?? 0;
  return now - since < slowTimes * usual ? null : laggard;
}

/** Since when a destination that has evacuations under way has ended none; null: it has too few for that to mean anything. */
function standsSince(own: readonly TakenUp[]): number | null {
  if (countOpen(own) < fewestHanging) return null;
  const open = own.filter(({ stands }) => stands === 'open');
  return Math.max(earliest(open), latest(own.filter(({ stands }) => stands !== 'open')));
}

function countOpen(own: readonly TakenUp[]): number {
  return own.filter(({ stands }) => stands === 'open').length;
}

function failing(host: NovaHost, own: readonly TakenUp[], done: readonly TakenUp[]): Laggard | null {
  const doneAt = latest(own.filter(({ stands }) => stands === 'done'));
  const failed = own.filter(({ stands, updatedAt }) => stands === 'failed' && updatedAt > doneAt);
  const count = new Set(failed.map(({ serverId }) => serverId)).size;
  if (count < fewestFailed) return null;
  const since = Math.min(...failed.map(({ createdAt }) => createdAt));
  const elsewhere = endedElsewhere(host, done, since).length;
  return elsewhere < fewestElsewhere ? null : { host, how: 'fails', count, since, elsewhere };
}

function endedElsewhere(host: NovaHost, done: readonly TakenUp[], since: number): readonly TakenUp[] {
  return done.filter(({ to, updatedAt }) => to !== host && updatedAt > since);
}

function earliest(some: readonly TakenUp[]): number {
  return some.reduce((least, { updatedAt }) => Math.min(least, updatedAt), Number.POSITIVE_INFINITY);
}

function latest(some: readonly TakenUp[]): number {
  return some.reduce((most, { updatedAt }) => Math.max(most, updatedAt), Number.NEGATIVE_INFINITY);
}

/** What an operator has to know of it, without a full stop. */
export function laggardText({ host, how, count, since, elsewhere }: Laggard, clockOffsetMs: number): string {
  const at = timeOfDay(since - clockOffsetMs);
  const others = `while other hosts have finished ${elsewhere}`;
  if (how === 'fails') {
    return `${host} has failed ${count} instances since ${at} and finished none, ${others}: others are preferred; see nova-compute and libvirt there`;
  }
  const what = `${host} has finished none of its ${count} evacuations since ${at}`;
  const next = elsewhere < fewestElsewhere ? ': others are tried' : `, ${others}: others are preferred`;
  return `${what}${next}; see nova-compute and libvirt there`;
}
