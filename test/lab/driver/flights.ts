import type { Migration } from './cloud.ts';
import type { Lab } from './scenario.ts';

/** How many evacuations were under way at the same time, by Nova's own records. */

const isOpen = (m: Migration): boolean => m.status === 'accepted' || m.status === 'pre-migrating';

/**
 * The most that were under way at one moment, from when each record was made to when it last changed. Nova writes whole
 * seconds: what ends in the second in which another begins counts as ended before, and what begins and ends in one second
 * does not count.
 */
export function mostAtOnce(records: readonly Migration[]): number {
  const changes = records
    .filter((m) => isOpen(m) || m.updatedAt !== m.createdAt)
    .flatMap((m) => [{ at: m.createdAt, by: 1 }, ...(isOpen(m) ? [] : [{ at: m.updatedAt, by: -1 }])])
    .sort((a, b) => a.at.localeCompare(b.at) || a.by - b.by);
  let now = 0;
  let most = 0;
  for (const { by } of changes) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}

/** Looks at what is under way from some nodes all the time, until the scenario is over. */
export class FlightWatch {
  readonly #lab: Lab;
  readonly #nodes: readonly string[];
  readonly #seen: { readonly at: number; readonly count: number }[] = [];
  #told = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(lab: Lab, nodes: readonly string[]) {
    this.#lab = lab;
    this.#nodes = nodes;
    this.#timer = setTimeout(() => this.#look(), 0);
    lab.afterwards(async () => clearTimeout(this.#timer));
  }

  async #look(): Promise<void> {
    const counts = await Promise.all(
      this.#nodes.map(async (node) => (await this.#lab.inFlight(node)).length),
    );
    const count = counts.reduce((sum, n) => sum + n, 0);
    this.#seen.push({ at: Date.now(), count });
    if (Math.abs(count - this.#told) >= 5 || (count === 0 && this.#told > 0)) {
      this.#lab.timeline.add('nova', `${count} evacuations in flight`);
      this.#told = count;
    }
    this.#timer = setTimeout(() => this.#look(), 400);
  }

  get now(): number {
    return this.#seen.at(-1)?.count ?? 0;
  }

  /** The most that were seen at one look, since `since` (in ms since the epoch). */
  most(since = 0): number {
    return Math.max(0, ...this.#seen.filter(({ at }) => at >= since).map(({ count }) => count));
  }
}
