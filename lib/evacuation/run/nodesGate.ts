import type { NodesReading, NodesUntold, Untold } from '../../cluster/index.ts';
import type { Gate } from './passScope.ts';

/** After so many looks in a row: a DC is elected within seconds. */
const mostUntold = 2;
/** The cluster's own word that it is not one here. A tool that fails says nothing of the kind, and holds up no work begun. */
const cutOff: ReadonlySet<Untold> = new Set(['noQuorum', 'noDc', 'unsettled']);

/**
 * Keeps hosts that are at work from asking for anything new while this part of the cluster is cut off from the others, as it
 * does not know who evacuates there. What Nova has accepted is followed all the same.
 */
export class NodesGate {
  #looks = 0;
  #untold: NodesUntold | null = null;

  heed(reading: NodesReading): void {
    this.#untold = !reading.known && cutOff.has(reading.why) ? reading : null;
    this.#looks = this.#untold === null ? 0 : this.#looks + 1;
  }

  /** Null: nothing stands against a request. */
  get gate(): Gate | null {
    if (this.#untold === null || this.#looks < mostUntold) return null;
    const { sentence, remedy } = this.#untold;
    return {
      kind: 'defer',
      sentence: `the cluster does not tell what its nodes are: ${sentence}; nothing more is asked for until it does (${remedy})`,
    };
  }
}
