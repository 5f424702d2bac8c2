import type { Machine } from './machine.ts';

/** The machine the agent runs on. `path`: the directories that programs are looked for in. */
export function createMachine(_options: { readonly path?: readonly string[] } = {}): Machine {
  throw new Error('not written yet');
}
