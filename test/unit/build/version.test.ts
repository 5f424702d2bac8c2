import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeVersion } from '../../../build/version.ts';

/** A machine that only builds, from a tarball, needs no git. */
const hasGit = spawnSync('git', ['--version']).status === 0;

describe('the version that the binaries report', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'version-'));
    writeFileSync(join(root, 'package.json'), '{"version": "1.2.3"}\n');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function git(...args: readonly string[]): string {
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
    return execFileSync('git', ['-C', root, ...identity, ...args], { encoding: 'utf8' }).trim();
  }
  function commitAll(): string {
    git('init', '--quiet');
    git('add', '.');
    git('commit', '--quiet', '--message', 'first');
    return git('rev-parse', '--short=10', 'HEAD');
  }

  it('is that of package.json where there is no git', () => {
    expect(describeVersion(root)).toBe('1.2.3');
  });

  it.runIf(hasGit)('names the commit', () => {
    const commit = commitAll();
    expect(describeVersion(root)).toBe(`1.2.3+g${commit}`);
  });

  it.runIf(hasGit)('says when something was changed since the commit', () => {
    const commit = commitAll();
    writeFileSync(join(root, 'package.json'), '{"version": "1.2.3" }\n');
    expect(describeVersion(root)).toBe(`1.2.3+g${commit}.dirty`);
  });

  it.runIf(hasGit)('is plain at the tag of a release, and only there', () => {
    commitAll();
    git('tag', 'v1.2.3');
    expect(describeVersion(root)).toBe('1.2.3');
    git('commit', '--quiet', '--allow-empty', '--message', 'second');
    expect(describeVersion(root)).toBe(`1.2.3+g${git('rev-parse', '--short=10', 'HEAD')}`);
  });

  it.runIf(hasGit)(
    "does not take the repository that a source tarball was unpacked in for the project's own",
    () => {
      commitAll();
      const tarball = join(root, 'tarball');
      mkdirSync(tarball);
      writeFileSync(join(tarball, 'package.json'), '{"version": "4.5.6"}\n');
      expect(describeVersion(tarball)).toBe('4.5.6');
    },
  );

  it('must be in package.json', () => {
    writeFileSync(join(root, 'package.json'), '{}\n');
    expect(() => describeVersion(root)).toThrow('package.json has no version.');
  });
});
