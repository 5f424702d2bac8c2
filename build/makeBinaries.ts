/**
 * Makes the single binary and its names:
 *
 *     main.ts + all it imports --esbuild--> one file, run once for V8's code --pkg--> Node with both inside
 *     --> dist/NovaEvacuate, dist/NovaCompute, dist/fence_compute (hard links of one file)
 *
 * Runs under the embedded Node (see build.mjs), which is also what goes into the binary. Nothing is done when the
 * bundle and the tools are those of the last run. The results are renamed into place, so that processes that run the
 * old ones are not disturbed and two builds at once do no harm.
 */
import { createHash } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from './bundle.ts';
import { makeCodeCache } from './codeCache.ts';
import { fetchNode } from './fetchNode.ts';
import { execArgv, makeSingleExecutable, stripNode } from './singleExecutable.ts';
import { describeVersion } from './version.ts';

/** The names that main.ts answers to. */
const names = ['NovaEvacuate', 'NovaCompute', 'fence_compute'] as const;
const allNames = new Intl.ListFormat('en-GB').format(names);

const root = resolve(import.meta.dirname, '..');

async function makeBinaries(arch: string, force: boolean): Promise<void> {
  const native = arch === process.arch;
  const dist = native ? join(root, 'dist') : join(root, 'dist', `linux-${arch}`);
  mkdirSync(dist, { recursive: true });

  const version = describeVersion(root);
  const code = await bundle(root, version);
  const stamp = join(dist, '.stamp');
  const inputs = createHash('sha256').update(code).update(recipe(arch)).digest('hex');
  if (!force && upToDate(dist, stamp, inputs)) {
    console.log(`${dist}: ${allNames} ${version} are up to date.`);
    return;
  }

  const work = mkdtempSync(join(dist, '.build-'));
  try {
    const node = native ? process.execPath : await fetchNode(root, arch, work);
    const stripped = join(work, 'node');
    const isStripped = stripNode(node, stripped);
    const bundled = join(work, 'agents.cjs');
    writeFileSync(bundled, code);
    const codeCache = join(work, 'code.cache');
    // V8 would have to run on the other architecture to make one for it.
    writeFileSync(codeCache, native ? makeCodeCache(bundled, work) : '');
    const output = join(work, 'agents');
    await makeSingleExecutable({
      bundle: bundled,
      codeCache,
      node: isStripped ? stripped : node,
      arch,
      output,
      work,
    });
    for (const name of names) {
      linkSync(output, join(work, name));
      renameSync(join(work, name), join(dist, name));
    }
    writeFileSync(stamp, inputs);
    const megabytes = (statSync(output).size / 1e6).toFixed(0);
    console.log(`${dist}: ${allNames} ${version} made, one file of ${megabytes} MB.`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Everything but the bundle that decides what comes out. */
function recipe(arch: string): string {
  return [
    arch,
    process.version,
    execArgv.join(' '),
    ...['singleExecutable.ts', 'codeCache.ts', 'loader.cjs', 'warmUp.cjs'].map((file) =>
      readFileSync(join(import.meta.dirname, file), 'utf8'),
    ),
    readFileSync(join(root, 'package.json'), 'utf8'),
  ].join('\n');
}

function upToDate(dist: string, stamp: string, inputs: string): boolean {
  try {
    const files = names.map((name) => statSync(join(dist, name)));
    return readFileSync(stamp, 'utf8') === inputs && files.every((file) => file.ino === files[0]?.ino);
  } catch {
    return false;
  }
}

try {
  const { values } = parseArgs({
    options: { arch: { type: 'string', default: process.arch }, force: { type: 'boolean', default: false } },
  });
  if (values.arch !== 'x64' && values.arch !== 'arm64') {
    throw new Error(`Only x64 and arm64 can be built for, not ${values.arch}.`);
  }
  await makeBinaries(values.arch, values.force);
} catch (error) {
  console.error(`The build stopped: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
