import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The version that the binaries report: package.json's, and unless this very commit bears the tag `v<version>`
 * and is unchanged, the commit and `.dirty` as build metadata (semver 10), as in `0.1.0+g1a2b3c4.dirty`.
 * Without git, or outside a checkout (a source tarball), package.json's alone.
 */
export function describeVersion(root: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) {
    throw new Error('package.json has no version.');
  }
  const version = String(manifest.version);
  const described = git(root, ['describe', '--always', '--tags', '--dirty=.dirty', '--match', `v${version}`]);
  if (described === undefined || described === `v${version}`) return version;
  const commit = git(root, ['rev-parse', '--short=10', 'HEAD']);
  if (commit === undefined) return version;
  return `${version}+g${commit}${described.endsWith('.dirty') ? '.dirty' : ''}`;
}

function git(root: string, args: readonly string[]): string | undefined {
  try {
    // -C alone would find a repository further up, such as one that a tarball was unpacked in.
    const environment = { ...process.env, GIT_CEILING_DIRECTORIES: join(root, '..') };
    return execFileSync('git', ['-C', root, ...args], {
      encoding: 'utf8',
      env: environment,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}
