import type { Migration, ServerId } from '@openstack-ts/nova-client';
import type { InstanceClass } from '../judge/instance.ts';
import type { Classes } from '../judge/judgeHost.ts';
import { isFailed } from '../look/records.ts';
import type { HostDemand, OpenMember } from './grants.ts';
import type { Rank } from './rank.ts';

/**
 * What a host tells the queue: what it has under way, what it wants to ask for, and which groups are not through.
 *
 * @param isDeferred a limit or an operator holds the host back, so that nobody waits for its groups
 */
export function hostDemand(
  classes: Classes,
  inFlight: number,
  due: readonly ServerId[],
  records: readonly Migration[],
  rankOf: (id: ServerId) => Rank,
  isDeferred: boolean,
): HostDemand {
  const failed = new Set(records.filter(isFailed).map(({ serverId }) => serverId));
  const open = [...classes].flatMap(([id, one]): OpenMember[] => {
    const { priority, group } = rankOf(id);
    if (group === null || one.kind === 'finished') return [];
    return [{ id, group, priority, settled: isDeferred || isSettled(one) }];
  });
  return {
    inFlight,
    due: due.map((id) => {
      const { priority, group } = rankOf(id);
      return { id, priority, group, retry: failed.has(id) };
    }),
    open,
  };
}

function isSettled(one: InstanceClass): boolean {
  return (
    one.kind === 'cannot' ||
    one.kind === 'excluded' ||
    one.kind === 'deferred' ||
    (one.kind === 'failed' && one.givenUp)
  );
}
