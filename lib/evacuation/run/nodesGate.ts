import type { NodesReading, NodesUntold, Untold } from '../../cluster/index.ts';
import { pacing } from '../incident/pacing.ts';
import type { Gate } from './passScope.ts';

/** After so many looks in a row: a DC is elected within seconds. */
const mostUntold = 2;
/** The cluster's own word that it is not one here. A tool that fails says nothing of the kind: it may fail once, or for a while. */
const cutOff: ReadonlySet<Untold> = new Set(['noQuorum', 'noDc', 'unsettled']);

/**
 * Keeps hosts that are at work from asking for anything new while this part of the cluster is cut off from the others, as it
 * does not know who evacuates there. Where crm_mon fails that cannot be told, so after as long as a claim outlives a cluster that does
 * not answer it counts as cut off. What Nova has accepted is followed all the same.
 */
export class NodesGate {
  readonly #now: () => number;
  #looks = 0;
  #untold: { readonly since: number; readonly reading: NodesUntold } | null = null;

  /** `now` in ms since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  heed(reading: NodesReading): void {
    this.#untold = reading.known ? null : { since: this.#untold?.since ?? this.#now(), reading };
    this.#looks = reading.known ? 0 : this.#looks + 1;
  }

  /** Null: nothing stands against a request. */
  get gate(): Gate | null {
    if (this.#untold === null) return null;
    const { since, reading } = this.#untold;
    const isCutOff = cutOff.has(reading.why) && this.#looks >= mostUntold;
    if (!isCutOff && this.#now() - since < pacing.claimGiveUpMs) return null;
    return {
      kind: 'defer',
      sentence: `the cluster does not tell what its nodes are: ${reading.sentence}; nothing more is asked for until it does (${reading.remedy})`,
    };
  }
}
