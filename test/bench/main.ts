/**
 * `npm run bench`: prints what the agents cost, each number beside its goal. A missed goal is printed, not an
 * error: the exit code tells only whether everything could be measured.
 */
import { resolve } from 'node:path';
import { describe, type Measurement } from './goals.ts';
import { measureMassFailure } from './massFailure.ts';
import { measureRequests } from './requests.ts';
import { measureStartup } from './startup.ts';

const root = resolve(import.meta.dirname, '../..');

const parts: readonly (readonly [string, () => Promise<readonly Measurement[]>])[] = [
  ['Being called', () => measureStartup(root)],
  ['Requests to Nova', () => measureRequests(root)],
  ['Several hosts at once', () => measureMassFailure(root)],
];

for (const [title, measure] of parts) {
  console.log(`\n${title}`);
  try {
    for (const measurement of await measure()) console.log(`  ${describe(measurement)}`);
  } catch (error) {
    console.log(`  could not be measured: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
