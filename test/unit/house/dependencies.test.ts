import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

describe('dependencies', () => {
  it('are locked without the address they were downloaded from, so that any registry or mirror serves', () => {
    expect(read('package-lock.json').match(/"resolved": "https?:[^"]*"/g)).toBeNull();
    expect(read('.npmrc')).toContain('omit-lockfile-registry-resolved=true');
  });

  it('are locked with their integrity', () => {
    const lock: { packages: Record<string, { integrity?: string; link?: boolean }> } = JSON.parse(
      read('package-lock.json'),
    );
    const unlocked = Object.entries(lock.packages)
      .filter(([path, entry]) => path.startsWith('node_modules/') && entry.link !== true)
      .filter(([, entry]) => entry.integrity?.startsWith('sha512-') !== true)
      .map(([path]) => path);
    expect(unlocked).toEqual([]);
  });

  it('are locked for every platform, without which npm ci refuses to install for any', () => {
    const lock: {
      packages: Record<string, { optionalDependencies?: Record<string, string>; optional?: boolean }>;
    } = JSON.parse(read('package-lock.json'));
    const paths = Object.keys(lock.packages);
    const missing = Object.entries(lock.packages).flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {}).filter(
        (name) => !paths.includes(`node_modules/${name}`) && !paths.includes(`${path}/node_modules/${name}`),
      ),
    );
    expect(missing).toEqual([]);
  });

  it.each(['package.json', 'lib/nova-client/package.json'])('have exact versions in %s', (file) => {
    const manifest: Record<string, unknown> = JSON.parse(read(file));
    const groups = ['dependencies', 'devDependencies', 'optionalDependencies'];
    const ranges = groups.flatMap((group) => Object.entries(manifest[group] ?? {}));
    expect(ranges.length).toBeGreaterThan(0);
    expect(ranges.filter(([, range]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(range)))).toEqual([]);
  });
});
