import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

describe('the import directions are enforced', () => {
  let tree: string;

  beforeEach(() => {
    tree = mkdtempSync(join(tmpdir(), 'directions-'));
    for (const file of ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json']) {
      cpSync(join(root, file), join(tree, file));
    }
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  });
  afterEach(() => rmSync(tree, { recursive: true, force: true }));

  function cruise(files: Readonly<Record<string, string>>): { status: number | null; output: string } {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(tree, file)), { recursive: true });
      writeFileSync(join(tree, file), text);
    }
    const result = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs'),
        '--config',
        '.dependency-cruiser.mjs',
        ...Object.keys(files),
      ],
      { cwd: tree, encoding: 'utf8' },
    );
    return { status: result.status, output: result.stdout + result.stderr };
  }

  it('lets the domain import the client', () => {
    const { status, output } = cruise({
      'lib/evacuation/a.ts': "import '../nova-client/src/b.ts';\n",
      'lib/nova-client/src/b.ts': 'export {};\n',
    });
    expect(output).toContain('no dependency violations found');
    expect(status).toBe(0);
  });

  it.each([
    ['lib/ocf/a.ts', '../nova-client/src/b.ts', 'lib/nova-client/src/b.ts', 'lib/ocf-imports'],
    ['lib/nova-client/src/a.ts', '../../attrd/b.ts', 'lib/attrd/b.ts', 'lib/nova-client-imports'],
    ['lib/fencing/a.ts', '../evacuation/b.ts', 'lib/evacuation/b.ts', 'lib/fencing-imports'],
    ['lib/evacuation/a.ts', '../ocf/b.ts', 'lib/ocf/b.ts', 'lib/evacuation-imports'],
    [
      'agents/NovaEvacuate/a.ts',
      '../../fence/fence_compute/b.ts',
      'fence/fence_compute/b.ts',
      'agents/NovaEvacuate-imports',
    ],
    [
      'agents/NovaCompute/a.ts',
      '../NovaEvacuate/b.ts',
      'agents/NovaEvacuate/b.ts',
      'agents/NovaCompute-imports',
    ],
    ['agents/shared/a.ts', '../NovaCompute/b.ts', 'agents/NovaCompute/b.ts', 'agents/shared-imports'],
    ['lib/attrd/a.ts', '../../test/b.ts', 'test/b.ts', 'tests-import-nothing-back'],
    ['demo/a.ts', '../agents/NovaEvacuate/b.ts', 'agents/NovaEvacuate/b.ts', 'only-the-entry-imports-agents'],
    ['lib/attrd/a.ts', './missing.ts', 'lib/attrd/b.ts', 'no-orphan-resolution'],
  ])('refuses %s importing %s', (from, specifier, to, rule) => {
    const { status, output } = cruise({ [from]: `import '${specifier}';\n`, [to]: 'export {};\n' });
    expect(output).toContain(`error ${rule}`);
    expect(status).not.toBe(0);
  });

  it('refuses a cycle', () => {
    const { output } = cruise({
      'lib/attrd/a.ts': "import './b.ts';\n",
      'lib/attrd/b.ts': "import './a.ts';\n",
    });
    expect(output).toContain('error no-cycles');
  });
});
