import { type NovaHost, type ServerId, serverId } from '@openstack-ts/nova-client';
import { pacing } from '../incident/pacing.ts';
import { isNoHostFound } from '../judge/failureKind.ts';
import type { InstanceClass } from '../judge/instance.ts';
import type { Classes, HostFacts } from '../judge/judgeHost.ts';
import { demandOf, traitsOf } from './capacity.ts';
import type { RoomRequest, Shortage } from './roomPlan.ts';

/**
 * Instances that would be asked for if there were room: those that are due, and those that failed for want of it. Nova does not
 * tell below 2.96 whether an instance is bound to its zone; one that it found no host for counts as bound.
 */
export function roomWanted(
  classes: Classes,
  { servers, records }: Pick<HostFacts, 'servers' | 'records'>,
  priorityOf: (id: ServerId) => number,
): readonly RoomRequest[] {
  return [...classes].flatMap(([id, one]) => {
    const server = servers.get(id)?.server ?? null;
    const latest = records.get(id)?.at(-1);
    if (server === null) return [];
    const isHomeless = latest !== undefined && isNoHostFound(latest);
    const wantsRoom = one.kind === 'due' || (one.kind === 'failed' && isHomeless);
    const demand = wantsRoom ? demandOf(server) : null;
    if (demand === null) return [];
    const zone = isHomeless ? server.availabilityZone : null;
    return [{ id, priority: priorityOf(id), demand, traits: traitsOf(server), zone }];
  });
}

/** Where an instance found no room: nowhere at all, or not in its own zone. */
export type NoRoom = 'anywhere' | 'zone';

/** Which instances find no room, and which have found some now. */
export interface RoomWait {
  readonly classes: Map<ServerId, InstanceClass>;
  readonly unfit: Record<string, NoRoom>;
  readonly fitNow: readonly ServerId[];
}

/**
 * What no host has room for now waits for it, and what failed for want of room is tried again once there is some.
 *
 * @param unfit why no host has room for an instance, by id
 * @param before those for which there was none at the last look
 * @param triedAt when an instance was last asked for, or its incident began, in ms on our clock
 */
export function waitForRoom(
  classes: Classes,
  unfit: ReadonlyMap<ServerId, Shortage>,
  before: Readonly<Record<string, NoRoom>>,
  now: number,
  triedAt: (id: ServerId) => number,
): RoomWait {
  const judged = new Map(classes);
  const noRoom: Record<string, NoRoom> = {};
  for (const [id, { elsewhere, sentence }] of unfit) {
    noRoom[id] = elsewhere ? 'zone' : 'anywhere';
    // Sums that mislead must not hold an instance for ever: once in a long while Nova is asked all the same.
    const isTried = now - triedAt(id) > pacing.retrySlowMs;
    if (classes.get(id)?.kind === 'due' && !isTried) judged.set(id, { kind: 'deferred', sentence });
  }
  // Room in another zone is news as well: it may be free to go there.
  const isNews = (id: ServerId) => !unfit.has(id) || (before[id] === 'anywhere' && noRoom[id] === 'zone');
  return { classes: judged, unfit: noRoom, fitNow: Object.keys(before).map(serverId).filter(isNews) };
}

/** Where each had room, by instance: every host that had any since it failed. */
export type RoomOn = Readonly<Record<string, readonly NovaHost[]>>;

/**
 * Which instances that found no host though some had room can go to one more now: that is news, once for each host.
 *
 * @param now the hosts that have room for each instance that found none
 */
export function moreRoom(
  before: RoomOn,
  now: ReadonlyMap<ServerId, readonly NovaHost[]>,
): { readonly roomOn: RoomOn; readonly news: readonly ServerId[] } {
  const roomOn: Record<string, readonly NovaHost[]> = {};
  const news: ServerId[] = [];
  for (const [id, hosts] of now) {
    const known = before[id];
    roomOn[id] = [...new Set([...(known ?? []), ...hosts])];
    if (known !== undefined && hosts.some((host) => !known.includes(host))) news.push(id);
  }
  return { roomOn, news };
}
