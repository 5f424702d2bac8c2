import { seeded } from '../simulators/world/virtualTime.ts';

/** Draws what an incident is made of. */
export class Draw {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  chance(part: number): boolean {
    return this.random() < part;
  }

  /** 0 … below - 1 */
  whole(below: number): number {
    return Math.floor(this.random() * below);
  }

  /** Whole. */
  between(least: number, most: number): number {
    return Math.round(least + this.random() * (most - least));
  }

  one<T>(choice: readonly T[]): T {
    const drawn = choice[this.whole(choice.length)];
    if (drawn === undefined) throw new Error('nothing to draw from');
    return drawn;
  }
}
