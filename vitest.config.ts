import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    alias: {
      '@openstack-ts/nova-client': fileURLToPath(new URL('./lib/nova-client/src/index.ts', import.meta.url)),
    },
  },
  test: { include: ['test/unit/**/*.test.ts'], testTimeout: 20_000 },
});
