import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * Bundles main.ts with everything it can reach into one text, the expression of a function that runs it as a CommonJS
 * module would be run. CommonJS, because that is what a single
 * executable starts without a loader; one file, in which esbuild wraps every dynamically imported module so
 * that it is evaluated only when it is asked for. Not minified: it would gain nothing that can be measured,
 * and errors could not be read.
 *
 * @param root of the checkout
 * @param version that the agents report
 */
export async function bundle(root: string, version: string): Promise<Uint8Array> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: ['main.ts'],
    outfile: join(root, 'dist', 'agents.cjs'),
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    legalComments: 'none',
    minifySyntax: true,
    minifyWhitespace: true,
    // import() of a built-in module would start Node's ESM loader, which costs more than the module.
    supported: { 'dynamic-import': false },
    logLevel: 'warning',
    alias: { 'string-width': join(root, 'build', 'shims', 'stringWidth.ts') },
    define: {
      AGENTS_VERSION: JSON.stringify(version),
      'import.meta.url': '__importMetaUrl',
    },
    // loader.cjs calls this function.
    banner: {
      js: "(function (require, __filename) {const __importMetaUrl = require('node:url').pathToFileURL(__filename).href;",
    },
    footer: { js: '})' },
  });
  const output = result.outputFiles[0];
  if (output === undefined) throw new Error('esbuild produced no output.');
  // loader.cjs reads it byte by character.
  if (output.contents.some((byte) => byte > 127)) throw new Error('The bundle is not plain ASCII.');
  return output.contents;
}
