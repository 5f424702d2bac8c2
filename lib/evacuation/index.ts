/** The domain: which instances of a fenced host are evacuated, in what order, what next, and when it is done. */

export { type HoldDownResult, holdDown } from './act/hold.ts';
export type { Clock } from './incident/clock.ts';
export { disabledReason, fencedAt, isDisabledByUs } from './incident/disabledReason.ts';
export { type HostMatch, matchHost } from './incident/names.ts';
export { Watches } from './incident/watches.ts';
export { type Policy, parsePolicy } from './judge/policy.ts';
export { readPulses, returningAttribute } from './look/pulses.ts';
export { type ComeBackOptions, type ComeBackOutcome, comeBack } from './return/comeBack.ts';
export { ComputeError, type LocalCompute } from './return/localCompute.ts';
export { type ReleaseMode, releaseCandidates } from './return/releaseCandidates.ts';
export type { ReleasedHost, ReleaseOutcome } from './return/releaseScope.ts';
export { walkRelease } from './return/releaseWalk.ts';
export { releaseAttribute, takeDownReturn } from './return/shown.ts';
export { formatHints, Hints, newHostHints, parseHints } from './run/hints.ts';
export { runPass } from './run/pass.ts';
export type { PassOptions } from './run/passOptions.ts';
export type { EvacuationSettings } from './run/passScope.ts';
export type { PassOutcome } from './tell/outcome.ts';
export type { PassLog } from './tell/passLog.ts';
