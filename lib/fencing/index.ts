/**
 * The contract between a fence agent and Pacemaker's fencer (fence-agents' API): options from the command line or
 * stdin, actions, metadata, logging, exit codes. Knows nothing of what the agents do.
 */
export {
  type FenceAction,
  FenceError,
  FenceExit,
  type FenceIo,
  type FenceLog,
  type FenceOption,
} from './declarations.ts';
export type { FenceOptions } from './options.ts';
export { runPasswordScript } from './passwordScript.ts';
export { runFenceAgent } from './run.ts';
export * from './standardOptions.ts';
export type { FenceAgent, FenceContext, FenceRunOptions } from './types.ts';
