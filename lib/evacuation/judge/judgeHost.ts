import type { Migration, Server, ServerId } from '@openstack-ts/nova-client';
import type { Seen } from '../look/hostView.ts';
import { isOpen } from '../look/records.ts';
import { classify } from './classify.ts';
import type { InstanceClass, InstanceFacts } from './instance.ts';

/** What every instance that was seen on a marked host counts as, by id. */
export type Classes = ReadonlyMap<ServerId, InstanceClass>;

/** What is known of one instance only. */
type OwnFacts = Pick<
  InstanceFacts,
  | 'asked'
  | 'refusal'
  | 'quietUntil'
  | 'capacityAt'
  | 'selected'
  | 'groupNote'
  | 'diskIsLocal'
  | 'diskWaits'
  | 'diskProbed'
  | 'trail'
  | 'move'
  | 'moveDied'
>;

/** What is known of a marked host and of all its instances at one look. */
export interface HostFacts
  extends Omit<InstanceFacts, keyof OwnFacts | 'server' | 'gone' | 'seenAt' | 'records' | 'underWay'> {
  readonly servers: ReadonlyMap<ServerId, Seen>;
  /** Evacuations away from the host by instance, oldest first. */
  readonly records: ReadonlyMap<ServerId, readonly Migration[]>;
  /** Whether a request of ours for it is on its way at this moment. */
  readonly isBeingRequested: (id: ServerId) => boolean;
  readonly ofInstance: (id: ServerId, server: Server | null) => OwnFacts;
}

/** Has the table say what each instance counts as. */
export function judgeHost(facts: HostFacts): Map<ServerId, InstanceClass> {
  const { servers, records, isBeingRequested, ofInstance, ...shared } = facts;
  const underWay = [...records.values()]
    .flat()
    .filter((one) => isOpen(one) && one.createdAt >= facts.incidentAt).length;
  const classes = new Map<ServerId, InstanceClass>();
  for (const [id, { server, seenAt, gone }] of servers) {
    classes.set(
      id,
      isBeingRequested(id)
        ? { kind: 'inFlight', overdue: false, sentence: 'being requested' }
        : classify({
            ...shared,
            ...ofInstance(id, server),
            server,
            gone,
            seenAt,
            records: records.get(id) ?? [],
            underWay,
          }),
    );
  }
  return stoppedByOne(classes);
}

/** What may still run on the host keeps everything else of it from being asked for: the host itself may live. */
function stoppedByOne(classes: Map<ServerId, InstanceClass>): Map<ServerId, InstanceClass> {
  const by = [...classes.values()].find((one) => one.kind === 'held' && one.stopsHost);
  if (by === undefined || by.kind !== 'held') return classes;
  for (const [id, one] of classes) {
    if (!['due', 'waiting', 'failed'].includes(one.kind)) continue;
    const sentence = 'the disk of another instance of this host is locked, so it may still run there as well';
    classes.set(id, { kind: 'held', stopsHost: false, sentence });
  }
  return classes;
}

export function hasKind(classes: Classes, ...kinds: readonly InstanceClass['kind'][]): boolean {
  return [...classes.values()].some((one) => kinds.includes(one.kind));
}

/** Whether something stands between the host and the end of its evacuation. */
export function isOpenHost(classes: Classes): boolean {
  return hasKind(classes, 'inFlight', 'look', 'due', 'waiting', 'deferred', 'failed', 'unknown', 'held');
}
