import type { AttrdOptions } from '../attrd/index.ts';
import { createCommandRunner } from '../attrd/index.ts';
import { ClusterState } from './clusterState.ts';
import { FencingHistory } from './fencingHistory.ts';
import { ClusterNodes } from './nodes.ts';

export { ClusterState } from './clusterState.ts';
export { ClusterNodes } from './nodes.ts';
export { NodeWatch } from './nodeWatch.ts';
export { doubtOfOwnView } from './ownView.ts';
export type { ActiveTypes, Primitive } from './parseResources.ts';
export { hasJoined, haveJoined, mayRun, nodesMeant } from './presence.ts';
export type { ClusterNode, Fencing, NodesReading, NodesUntold, Untold } from './types.ts';

/** The cluster's nodes and resources as its CIB has them. */
export function createClusterState(options: AttrdOptions): ClusterState {
  return new ClusterState(options.run ?? createCommandRunner(options), options.patience ?? null);
}

/** The cluster's memory of what was fenced. */
export function createFencingHistory(options: AttrdOptions): FencingHistory {
  return new FencingHistory(options.run ?? createCommandRunner(options), options.patience ?? null);
}

/** The cluster's nodes as the scheduler sees them. */
export function createClusterNodes(options: AttrdOptions): ClusterNodes {
  return new ClusterNodes(options.run ?? createCommandRunner(options), options.patience ?? null);
}
