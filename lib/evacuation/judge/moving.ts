import type { Move, NovaHost, Server } from '@openstack-ts/nova-client';
import { isFencedSince } from './evidence.ts';
import type { InstanceFacts } from './instance.ts';

/** Statuses of a live migration that has not told the hypervisor to move the guest (nova/compute/manager.py, `_do_live_migration`). */
const notBegun: ReadonlySet<string> = new Set(['queued', 'preparing']);
/** A move that ended with the guest where it was. `error` is none of them: it may have come too late to be undone. */
const undone: ReadonlySet<string> = new Set(['cancelled', 'failed']);

/** Whether a live migration or a resize of the instance was under way when its host died (nova/compute/task_states.py). */
export function isMoving({ taskState }: Server): boolean {
  return taskState === 'migrating' || (taskState?.startsWith('resize_') ?? false);
}

/**
 * What keeps an instance whose move was cut short from being evacuated: it may run on the destination of that move already, and
 * Nova, which has it on the dead host, would not notice. Null: it certainly does not.
 */
export function mayRunElsewhere(
  facts: Pick<
    InstanceFacts,
    | 'markedHost'
    | 'move'
    | 'moveDied'
    | 'destination'
    | 'destinationKnownAt'
    | 'reported'
    | 'now'
    | 'clockOffsetMs'
    | 'setBack'
  >,
  server: Server,
): string | null {
  if (!isMoving(server)) return null;
  const { move, markedHost } = facts;
  const what = server.taskState === 'migrating' ? 'live migration' : 'resize';
  if (move === null) return sentence(server, what, null);
  if (move.sourceHost === markedHost && isStillThere(facts, move)) return null;
  return sentence(server, what, move.destHost);
}

/** Whether the guest cannot have got to the destination of its move, or cannot run there any more. */
function isStillThere(facts: Parameters<typeof mayRunElsewhere>[0], move: Move): boolean {
  if (undone.has(move.status)) return true;
  if (move.kind === 'live-migration' && notBegun.has(move.status)) return true;
  if (move.destHost === null) return false;
  return facts.moveDied || isFencedSince(facts, move.destHost, move.updatedAt);
}

function sentence(server: Server, what: string, destination: NovaHost | null): string {
  const there = destination ?? 'another host';
  const first =
    destination === null
      ? 'make sure that it runs nowhere (virsh list --all on the other hosts)'
      : `have ${destination} fenced, or make sure that it does not run there (virsh list --all)`;
  return `its ${what} was under way when its host died, and it may run on ${there} already, so it is neither asked for nor reset; ${first}, then go on with: openstack server set --state error ${server.id}`;
}
