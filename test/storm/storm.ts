import { expect, test } from 'vitest';
import { Incident } from './incident.ts';
import { wishOf } from './kinds/index.ts';

/**
 * Random incidents in the simulated world, behind the real client: hosts die, hang, come back early or late or never;
 * services, tools, clocks, requests and operators do what each kind of trouble in `kinds/` says; every agent is killed at
 * any moment and followed by others here or on another controller. The observer inside the simulator checks every rule
 * after every request. Once the storm is over, nothing may be left to do.
 *
 * `SEEDS=5000` runs more than usual, from `FIRST`; `SEED=17` runs one and prints its story. `ONLY=cell-down,no-dc` has those
 * kinds in every incident and no others (`ONLY=none`: hosts fail, and that is all), `WITHOUT=…` leaves some out, `WITH=…` or
 * `WITH=all` draws those too that are not held yet (`kinds/notYetHeld.ts`).
 */
const one = process.env['SEED'];
const isAsked = [one, process.env['SEEDS'], process.env['FIRST']].some((given) => given !== undefined);
const wish = wishOf(process.env);

/**
 * Has so many incidents happen, from a seed on, or those that are asked for. The usual ones stand in two files, so that each half has a
 * core; where some are asked for the second file is left out (vitest.storm.config.ts).
 */
export function storm(usual: { readonly first: number; readonly seeds: number }): void {
  const asked = {
    first: Number(one ?? process.env['FIRST'] ?? 1),
    seeds: one === undefined ? Number(process.env['SEEDS'] ?? 200) : 1,
  };
  const { first, seeds } = isAsked ? asked : usual;
  test(`${seeds} random incidents from seed ${first} on`, () => play(first, seeds), 7_200_000);
}

async function play(first: number, seeds: number): Promise<void> {
  const bad: string[] = [];
  let count = 0;
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  for (let seed = first; seed < first + seeds; seed += 1) {
    const incident = new Incident(seed, {}, wish);
    await incident.run();
    if (one !== undefined) console.log(incident.story());
    const trouble = incident.trouble();
    if (trouble.length === 0) continue;
    count += 1;
    bad.push(`seed ${seed} (SEED=${seed} prints its story):`, ...trouble);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const each = Math.round((user + system) / 1000 / seeds);
  console.log(
    `${seeds} incidents from seed ${first} on took ${seconds.toFixed(1)} s, ${each} ms of CPU each; ${count} broke a rule`,
  );
  expect(bad).toEqual([]);
}
