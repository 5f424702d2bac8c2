import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Where .ci/run wants a report for machines, beside the one for people. */
const results = process.env['TEST_RESULTS'];

export default defineConfig({
  resolve: {
    alias: {
      '@openstack-ts/nova-client': fileURLToPath(new URL('./lib/nova-client/src/index.ts', import.meta.url)),
    },
  },
  test: {
    include: ['test/unit/**/*.test.ts', 'test/stories/**/*.test.ts'],
    // They compute, in virtual time: on a slow machine that takes longer, and that is no failure.
    testTimeout: 90_000,
    // The files of a worker share a process, and load the engine once: that is a quarter of what they cost. What one leaves behind in
    // a module is taken away before the next begins.
    isolate: false,
    setupFiles: ['test/unit/anew.ts'],
    ...(results === undefined
      ? {}
      : { reporters: ['default', 'json'], outputFile: { json: `${results}/vitest.json` } }),
  },
});
