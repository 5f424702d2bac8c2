import type { NovaClient } from '@openstack-ts/nova-client';
import type { MarkStore } from '../../lib/attrd/index.ts';
import type { ClusterState, NodesReading } from '../../lib/cluster/index.ts';

/** All that the actions touch outside this process; tests put their own in its place. */
export interface World {
  readonly marks: MarkStore;
  readonly cluster: Pick<ClusterState, 'primitives'> & { nodes(): Promise<NodesReading> };
  /** Logs in. Throws `NovaError`, also when a password script fails. `deadline` in ms since the epoch. */
  connect(deadline: number): Promise<NovaClient>;
  /** Ms since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
}
