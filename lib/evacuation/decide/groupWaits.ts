import type { ServerId } from '@openstack-ts/nova-client';
import type { QueuedHost } from './grants.ts';

/**
 * Which due instances wait for other groups, and for what: a part of a sentence, by instance. The groups of a project are
 * ordered by the highest priority among their members, then by name, and an instance is not asked for before every member
 * of every earlier group is evacuated, given up or left, on whichever host. Instances without a group never wait here.
 *
 * @param ranks the highest priority that was ever seen in a group: its members with the highest finish first, which must
 *   not move what is left of it behind the groups that wait for it
 */
export function groupWaits(
  hosts: readonly QueuedHost[],
  ranks: ReadonlyMap<string, number>,
): ReadonlyMap<ServerId, string> {
  const waits = new Map<ServerId, string>();
  const grouped = hosts.flatMap(({ demand }) => demand?.due.filter(({ group }) => group !== null) ?? []);
  if (grouped.length === 0) return waits;
  const untold = hosts.filter(({ demand }) => demand === null).map(({ host }) => host);
  const unsettled = countUnsettled(hosts);
  const rank = (group: string) => ranks.get(group) ?? Number.NEGATIVE_INFINITY;
  const firsts = new Map<string, string>();
  for (const group of unsettled.keys()) {
    const first = firsts.get(projectOf(group));
    if (first === undefined || isBefore(group, first, rank)) firsts.set(projectOf(group), group);
  }
  for (const { id, group } of grouped) {
    if (group === null) continue;
    if (untold.length > 0) {
      waits.set(id, `waits until the instances of ${untold.join(', ')} are known, as it is in a group`);
      continue;
    }
    const first = firsts.get(projectOf(group));
    if (first !== undefined && isBefore(first, group, rank)) {
      waits.set(id, waitText(first, unsettled.get(first) ?? 0));
    }
  }
  return waits;
}

/** Names are compared by code units: the same on every node, whatever its locale. */
function isBefore(a: string, b: string, rank: (group: string) => number): boolean {
  return rank(a) > rank(b) || (rank(a) === rank(b) && a < b);
}

function countUnsettled(hosts: readonly QueuedHost[]): Map<string, number> {
  const unsettled = new Map<string, number>();
  for (const { demand } of hosts) {
    for (const { group, settled } of demand?.open ?? []) {
      if (!settled) unsettled.set(group, (unsettled.get(group) ?? 0) + 1);
    }
  }
  return unsettled;
}

function waitText(group: string, count: number): string {
  const name = group.slice(projectOf(group).length + 1);
  const open = count === 1 ? '1 instance of it is' : `${count} instances of it are`;
  return `waits for group ${name} of its project, ${open} still open`;
}

/** Ids of projects hold no slash, names of groups may. */
function projectOf(group: string): string {
  const slash = group.indexOf('/');
  return slash < 0 ? '' : group.slice(0, slash);
}
