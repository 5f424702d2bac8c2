import { computePids } from './novaCompute.ts';
import type { Lab } from './scenario.ts';

/** Watches that no nova-compute runs on a returning node while an evacuation away from it is in flight (I3). */
export class StartWatch {
  readonly #lab: Lab;
  readonly #nodes: readonly string[];
  readonly #early = new Set<string>();
  readonly #seen = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(lab: Lab, nodes: readonly string[]) {
    this.#lab = lab;
    this.#nodes = nodes;
    this.#timer = setTimeout(() => this.#look(), 0);
    lab.afterwards(async () => clearTimeout(this.#timer));
  }

  async #look(): Promise<void> {
    for (const node of this.#nodes) {
      if (computePids(node).length === 0) continue;
      if (!this.#seen.has(node)) this.#lab.timeline.add('machine', `a nova-compute runs on ${node}`);
      this.#seen.add(node);
      // Asked after it was seen to run: what is in flight now was so when it was started.
      const inFlight = (await this.#lab.inFlight(node)).length;
      if (inFlight > 0) this.#early.add(`${node} with ${inFlight} evacuations in flight`);
    }
    this.#timer = setTimeout(() => this.#look(), 200);
  }

  judge(): void {
    clearTimeout(this.#timer);
    const absent = this.#nodes.filter((n) => !this.#seen.has(n)).map((n) => `${n} was never seen to run one`);
    this.#lab.check(
      this.#early.size === 0 && absent.length === 0,
      'nova-compute started only after the last evacuation in flight',
      ...this.#early,
      ...absent,
    );
  }
}
