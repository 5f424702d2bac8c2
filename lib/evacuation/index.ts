/** The domain: which instances of a fenced host are evacuated, in what order, what next, and when it is done. */

export type { Clock } from './clock.ts';
export { toCloudConfig } from './cloud.ts';
export { type ComeBackOptions, type ComeBackOutcome, comeBack, releaseAttribute } from './comeBack.ts';
export {
  type ConnectionParameter,
  type ConnectionParameterName,
  type ConnectionValues,
  connectionParameters,
  missingParameter,
} from './connectionParameters.ts';
export { formatHints, Hints, newHostHints, parseHints } from './hints.ts';
export { disabledReason, fencedAt, holdDown } from './hold.ts';
export { ComputeError, type LocalCompute } from './localCompute.ts';
export { matchHost } from './names.ts';
export { type PassOptions, type PassOutcome, runPass } from './pass.ts';
export type { PassLog } from './passLog.ts';
export type { EvacuationSettings } from './passScope.ts';
export { type Policy, parsePolicy } from './policy.ts';
export { isDisabledByUs } from './release.ts';
export { type ReleaseMode, releaseCandidates } from './releaseCandidates.ts';
export { type ReleasedHost, type ReleaseOutcome, walkRelease } from './releaseWalk.ts';
export { readPulses, returningAttribute } from './returning.ts';
export type { HoldDownResult, HostMatch } from './types.ts';
