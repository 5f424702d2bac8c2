/**
 * The contract between a resource agent and Pacemaker's executor (OCF resource agent API 1.1): actions, parameters,
 * exit codes, meta-data, logging, exit reason. Knows nothing of what the agents do.
 */
export { understandsDegraded } from './degraded.ts';
export { OcfExit } from './exitCodes.ts';
export { runAgent } from './run.ts';
export type {
  OcfAction,
  OcfAgent,
  OcfContext,
  OcfFurtherAction,
  OcfIo,
  OcfLog,
  OcfParameter,
  OcfParameters,
  OcfRunOptions,
} from './types.ts';
