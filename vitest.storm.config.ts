import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Where .ci/run wants a report for machines, beside the one for people. */
const results = process.env['TEST_RESULTS'];

/** Whether seeds are asked for by hand: they run in one file. */
const isAsked = ['SEED', 'SEEDS', 'FIRST'].some((name) => process.env[name] !== undefined);

/** Random incidents in the simulated cloud; see test/storm/storm.ts for SEEDS, FIRST and SEED. */
export default defineConfig({
  resolve: {
    alias: {
      '@openstack-ts/nova-client': fileURLToPath(new URL('./lib/nova-client/src/index.ts', import.meta.url)),
    },
  },
  test: {
    include: ['test/storm/**/*.test.ts'],
    exclude: isAsked ? ['test/storm/stormOn.test.ts'] : [],
    // Incidents compute and never wait, in virtual time: two at once disturb nobody.
    maxWorkers: 2,
    ...(results === undefined
      ? {}
      : { reporters: ['default', 'json'], outputFile: { json: `${results}/storm.json` } }),
  },
});
