import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Where .ci/run wants a report for machines, beside the one for people. */
const results = process.env['TEST_RESULTS'];

/** The contract suite: one cloud at a time, hosts dying and coming back, so nothing runs side by side. */
export default defineConfig({
  resolve: {
    alias: {
      '@openstack-ts/nova-client': fileURLToPath(new URL('./lib/nova-client/src/index.ts', import.meta.url)),
    },
  },
  test: {
    include: ['test/contract/**/*.contract.ts'],
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    ...(results === undefined
      ? {}
      : { reporters: ['default', 'json'], outputFile: { json: `${results}/contract.json` } }),
  },
});
