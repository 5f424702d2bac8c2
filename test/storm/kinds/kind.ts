import type { Draw } from '../draw.ts';
import type { Machines } from '../machines.ts';
import type { Scene } from '../scene.ts';

/** One kind of thing that goes wrong, whatever else does. */
export interface Kind {
  /** As ONLY, WITH and WITHOUT name it. */
  readonly name: string;
  /** The part of all incidents that have it. */
  readonly part: number;
  /** Before anything fails; it draws from a sequence of its own, so that other kinds are not changed by it. */
  begin(scene: Scene, draw: Draw, machines: Machines): void;
}
