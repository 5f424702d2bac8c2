import type { MarkName } from '../../attrd/index.ts';
import type { PassFigures } from './events.ts';
import type { Progress } from './progress.ts';

/** Where the work of a pass on one host has ended. */
export type HostOutcome = {
  /** The mark's name. */
  readonly name: MarkName;
  /** One sentence for the exit reason. */
  readonly sentence: string;
  /** Where its instances stand; null where that was not found out. */
  readonly progress: Progress | null;
  /** The limit or operator's word, as a clause of the sentence, that held it back when it was looked at last, where nothing else did. */
  readonly heldBack?: string;
} & (
  | { readonly kind: 'completed' }
  /** Work is left and goes on at the next pass. */
  | { readonly kind: 'working' }
  /** A limit or an operator holds it back. */
  | { readonly kind: 'deferred' }
  /** Something failed and is tried again. */
  | { readonly kind: 'troubled' }
  /** The claim is no longer ours. */
  | { readonly kind: 'lost' }
);

export interface PassOutcome {
  /** Something failed, or could not be done, and is tried again: Pacemaker is told "degraded". */
  readonly troubled: boolean;
  /** The worst open point in one sentence; null when nothing is open. */
  readonly sentence: string | null;
}

/** What a pass tells at its end: the worst that is open, and how much is. */
export function passOutcome(outcomes: readonly HostOutcome[]): PassOutcome {
  const worst = (kind: HostOutcome['kind']) => outcomes.filter((outcome) => outcome.kind === kind);
  const open = [...worst('troubled'), ...worst('deferred'), ...worst('lost'), ...worst('working')];
  const [first] = open;
  const others = open.length - 1;
  return {
    troubled: worst('troubled').length + worst('deferred').length > 0,
    sentence:
      first === undefined
        ? null
        : others > 0
          ? `${first.sentence} (${others === 1 ? '1 more host is' : `${others} more hosts are`} open)`
          : first.sentence,
  };
}

/** The sums over all hosts. */
export function hostFigures(
  outcomes: readonly HostOutcome[],
): Pick<PassFigures, 'inFlight' | 'queued' | 'deferred' | 'deferredHosts' | 'failed'> {
  const sum = (count: (progress: Progress) => number) =>
    outcomes.reduce((total, { progress }) => total + (progress === null ? 0 : count(progress)), 0);
  return {
    inFlight: sum(({ inFlight }) => inFlight),
    queued: sum(({ waiting }) => waiting),
    deferred: sum(({ deferred }) => deferred),
    deferredHosts: outcomes.filter(({ kind }) => kind === 'deferred').length,
    failed: sum(({ failed }) => failed),
  };
}
