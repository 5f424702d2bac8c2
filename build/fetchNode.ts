import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Node for an architecture that is not this machine's, which npm therefore did not install. It is fetched with
 * npm, in the version of package.json, and held against the lock file's integrity like everything else.
 *
 * @param work a directory to put it in
 * @returns path of the executable, which cannot be run here
 * @throws Error when npm fails or the package is not the locked one
 */
export async function fetchNode(root: string, arch: string, work: string): Promise<string> {
  const name = `node-linux-${arch}`;
  const locked = lockedPackage(root, name);
  execFileSync('npm', ['pack', '--silent', '--pack-destination', work, `${name}@${locked.version}`], {
    cwd: work,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const archive = join(work, `${name}-${locked.version}.tgz`);
  const integrity = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (integrity !== locked.integrity) {
    throw new Error(`The package ${name} that npm delivered is not the one of package-lock.json.`);
  }
  execFileSync('tar', ['-xzf', archive, '-C', work, 'package/bin/node']);
  return join(work, 'package', 'bin', 'node');
}

function lockedPackage(root: string, name: string): { version: string; integrity: string } {
  const lock: unknown = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const entry = member(member(lock, 'packages'), `node_modules/${name}`);
  const version = member(entry, 'version');
  const integrity = member(entry, 'integrity');
  if (typeof version !== 'string' || typeof integrity !== 'string') {
    throw new Error(`package-lock.json does not name ${name} with version and integrity.`);
  }
  return { version, integrity };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
