import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const loader = join(import.meta.dirname, 'loader.cjs');

export interface SingleExecutable {
  /** File of the bundle. */
  readonly bundle: string;
  /** File of its code cache, empty for another architecture than this machine's. */
  readonly codeCache: string;
  /** The Node executable to put it in; never changed. */
  readonly node: string;
  /** Architecture of that executable, as Node spells it. */
  readonly arch: string;
  readonly output: string;
  /** A directory of our own for intermediate files. */
  readonly work: string;
}

/** What we use of `@yao-pkg/pkg/lib-es5/sea.js`, an internal module: the version of pkg is pinned for it. */
type MakeSea = (
  entry: string,
  options: {
    signature: boolean;
    nodePath?: string;
    seaConfig: Record<string, unknown>;
    targets: { nodeRange: string; platform: string; arch: string; output: string }[];
  },
) => Promise<void>;

/**
 * Options of Node that are part of the binary. Warnings would end up in the cluster's log; SIGUSR1 would open
 * a debugger's port in a process that runs as root and holds a password.
 */
export const execArgv: readonly string[] = ['--no-warnings', '--disable-sigusr1'];

function seaConfig(job: SingleExecutable): Record<string, unknown> {
  return {
    disableExperimentalSEAWarning: true,
    assets: { 'agents.cjs': job.bundle, 'agents.cache': job.codeCache },
    execArgv,
    // Otherwise NODE_OPTIONS from the environment counts, and may print warnings or void the code cache.
    execArgvExtension: 'none',
  };
}

/**
 * Puts loader, bundle and code cache into Node with pkg's SEA mode, through the module that its command line calls:
 * the command line always downloads Node and takes neither assets nor options of Node.
 *
 * For another architecture than this machine's pkg is handed Node through its download cache, because it would
 * execute a `nodePath` to ask its version.
 */
export async function makeSingleExecutable(job: SingleExecutable): Promise<void> {
  const version = process.versions.node;
  const target = { platform: 'linux', arch: job.arch, output: job.output };
  const makeSea = loadPkg();
  if (job.arch === process.arch) {
    await makeSea(loader, {
      signature: false,
      nodePath: job.node,
      seaConfig: seaConfig(job),
      targets: [{ ...target, nodeRange: `node${version.split('.')[0]}` }],
    });
  } else {
    process.env['HOME'] = job.work;
    fillDownloadCache(job, version);
    await makeSea(loader, {
      signature: false,
      seaConfig: seaConfig(job),
      targets: [{ ...target, nodeRange: `node${version}` }],
    });
  }
  chmodSync(job.output, 0o755);
}

function loadPkg(): MakeSea {
  const { log } = require('@yao-pkg/pkg/lib-es5/log.js');
  log.info = () => undefined;
  const { default: makeSea } = require('@yao-pkg/pkg/lib-es5/sea.js');
  // What is internal may change with any version, and would otherwise end in a puzzle.
  if (typeof makeSea !== 'function')
    throw new Error('This version of pkg has no lib-es5/sea.js as we know it.');
  return makeSea;
}

/** Lays Node out as pkg leaves it after a download; the empty `.ok` files say that it was verified. */
function fillDownloadCache(job: SingleExecutable, version: string): void {
  const archive = join(job.work, '.pkg-cache', 'sea', `node-v${version}-linux-${job.arch}`);
  mkdirSync(join(archive, 'bin'), { recursive: true });
  copyFileSync(job.node, join(archive, 'bin', 'node'));
  for (const file of [`${archive}.tar.gz`, `${archive}.tar.gz.ok`, join(archive, 'bin', 'node.ok')]) {
    writeFileSync(file, '');
  }
}

/**
 * Removes symbols from a copy of Node: 126 MB become 108. This must happen before the bundle is put in; after
 * it, the result crashes at start. `strip` of this machine may not know another architecture; then, and where
 * there is no `strip`, Node is left as it is.
 *
 * @returns whether it was stripped
 */
export function stripNode(node: string, copy: string): boolean {
  copyFileSync(node, copy);
  chmodSync(copy, 0o755);
  return spawnSync('strip', ['--strip-all', copy], { stdio: 'ignore' }).status === 0;
}
