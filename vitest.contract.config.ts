import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Where .ci/run wants a report for machines, beside the one for people. */
const results = process.env['TEST_RESULTS'];

/** Against a real cloud, or against the simulator as it plays one release only. */
const runsOnce =
  (process.env['CONTRACT_AUTH_URL'] ?? '') !== '' || (process.env['CONTRACT_RELEASE'] ?? '') !== '';

const all = ['test/contract/**/*.contract.ts'];

/**
 * The simulator plays the newest release for the whole suite, and the oldest one for what releases differ in. That lives in
 * a file of its own.
 */
const played = [
  { release: '2026.2', include: all },
  { release: 'victoria', include: ['test/contract/releases.contract.ts'] },
];

/** The contract suite: one cloud at a time, hosts dying and coming back, so nothing runs side by side. */
export default defineConfig({
  resolve: {
    alias: {
      '@openstack-ts/nova-client': fileURLToPath(new URL('./lib/nova-client/src/index.ts', import.meta.url)),
    },
  },
  test: {
    fileParallelism: false,
    testTimeout: 30_000,
    // A hook may wait for a service that is silent as long as `LONGEST_SILENCE` in stage.ts.
    hookTimeout: 150_000,
    ...(runsOnce
      ? { include: all }
      : {
          // What is said here of files would be added to, not replaced, by a project.
          projects: played.map(({ release, include }) => ({
            extends: true as const,
            test: { name: release, include, env: { CONTRACT_RELEASE: release } },
          })),
        }),
    ...(results === undefined
      ? {}
      : { reporters: ['default', 'json'], outputFile: { json: `${results}/contract.json` } }),
  },
});
