/**
 * `npm run build`: makes dist/NovaEvacuate, dist/NovaCompute and dist/fence_compute; makeBinaries.ts says what and how.
 *
 * Only this file has to run under whatever Node (20 or newer) the machine has. It hands over to the Node that
 * ends up inside the binary, which npm installed like any other dependency: pkg needs a newer Node than the
 * machine may have, and what pkg makes can only be read by the very version that wrote it.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const name = `node-linux-${process.arch}`;
let manifest;
try {
  manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
} catch {
  process.stderr.write(`The build stopped: ${name} is not installed; run npm ci on Linux on x64 or arm64.\n`);
  process.exit(1);
}
const script = fileURLToPath(new URL('./makeBinaries.ts', import.meta.url));
const result = spawnSync(join(dirname(manifest), 'bin', 'node'), [script, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
if (result.error) process.stderr.write(`The build stopped: ${result.error.message}\n`);
process.exitCode = result.status ?? 1;
