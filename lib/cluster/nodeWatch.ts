import type { NodesReading } from './types.ts';

/** How old an answer may be, in ms: hosts that ask at about the same time share one question. */
const freshMs = 1_500;

/** The nodes for everybody in one pass. However many ask, and however long crm_mon takes, it runs once at a time. */
export class NodeWatch {
  readonly #read: () => Promise<NodesReading>;
  readonly #now: () => number;
  #asking: Promise<NodesReading> | null = null;
  #last: { readonly at: number; readonly reading: NodesReading } | null = null;

  /** `now` in ms since the epoch. */
  constructor(read: () => Promise<NodesReading>, now: () => number) {
    this.#read = read;
    this.#now = now;
  }

  nodes(): Promise<NodesReading> {
    if (this.#asking !== null) return this.#asking;
    if (this.#last !== null && this.#now() - this.#last.at <= freshMs) {
      return Promise.resolve(this.#last.reading);
    }
    this.#asking = this.#read()
      .then((reading) => {
        this.#last = { at: this.#now(), reading };
        return reading;
      })
      .finally(() => {
        this.#asking = null;
      });
    return this.#asking;
  }
}
