/** The domain: which instances of a fenced host are evacuated, in what order, what next, and when it is done. */
export { toCloudConfig } from './cloud.ts';
export {
  type ConnectionParameter,
  type ConnectionParameterName,
  type ConnectionValues,
  connectionParameters,
  missingParameter,
} from './connectionParameters.ts';
export { formatHints, type Hints, newHostHints, parseHints } from './hints.ts';
export { disabledReason, fencedAt, holdDown } from './hold.ts';
export type { Clock, EvacuationSettings, PassLog } from './hostEvacuation.ts';
export { matchHost } from './names.ts';
export { type PassOptions, type PassOutcome, runPass } from './pass.ts';
export type { HoldDownResult, HostMatch } from './types.ts';
