import { Attributes } from './attributes.ts';
import { ClusterState } from './clusterState.ts';
import { type CommandRunner, createCommandRunner } from './command.ts';
import { EvacuationModesReader } from './evacuationModes.ts';
import { FencingHistory } from './fencingHistory.ts';
import { TwofoldMarkStore } from './markStore.ts';
import type { MarkStore } from './types.ts';

export { Attributes } from './attributes.ts';
export { ClusterState } from './clusterState.ts';
export { type CommandResult, type CommandRunner, cleanEnvironment, createCommandRunner } from './command.ts';
export { AttrdError, type AttrdErrorCode } from './errors.ts';
export { judgeWords } from './evacuationModes.ts';
export { formatMark, isPending, parseMark } from './mark.ts';
export type { NodeState, Primitive, SaidWord } from './parseCib.ts';
export type {
  EvacuationModes,
  Fencing,
  Mark,
  MarkReading,
  MarkStore,
  MarksReading,
  Mode,
} from './types.ts';

export interface AttrdOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Bound of each call of a tool, in ms. */
  readonly timeoutMs: number;
  /** For tests: runs the tools instead of real child processes. */
  readonly run?: CommandRunner;
}

/** Pacemaker's node attributes as the local tools give them. */
export function createAttributes(options: AttrdOptions): Attributes {
  return new Attributes(options.run ?? createCommandRunner(options));
}

/** The marks of the cluster this machine belongs to. */
export function createMarkStore(options: AttrdOptions): MarkStore {
  return new TwofoldMarkStore(createAttributes(options));
}

/** The cluster's nodes and resources as its CIB has them. */
export function createClusterState(options: AttrdOptions): ClusterState {
  return new ClusterState(options.run ?? createCommandRunner(options));
}

/** What operators say of evacuations (`evacuation=pause|go`). */
export function createEvacuationModes(options: AttrdOptions): EvacuationModesReader {
  return new EvacuationModesReader(createAttributes(options));
}

/** The cluster's memory of what was fenced. */
export function createFencingHistory(options: AttrdOptions): FencingHistory {
  return new FencingHistory(options.run ?? createCommandRunner(options));
}
