import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

/** `lib/attrd/a.ts` of the third case is `lib/attrd/a3.ts`; an index file is known by its name. */
const numbered = (file: string, index: number) =>
  file.endsWith('index.ts') ? file : file.replace(/\.ts$/, `${index}.ts`);

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
      'lib/evacuation/look/a.ts': "import '../../nova-client/src/b.ts';\n",
      'lib/nova-client/src/b.ts': 'export {};\n',
    });
    expect(output).toContain('no dependency violations found');
    expect(status).toBe(0);
  });

  const refused = [
    ['lib/ocf/a.ts', '../nova-client/src/b.ts', 'lib/nova-client/src/b.ts', 'lib/ocf-imports'],
    ['lib/nova-client/src/a.ts', '../../attrd/b.ts', 'lib/attrd/b.ts', 'lib/nova-client-imports'],
    ['lib/attrd/a.ts', '../cluster/b.ts', 'lib/cluster/b.ts', 'lib/attrd-imports'],
    ['lib/cluster/a.ts', '../evacuation/b.ts', 'lib/evacuation/b.ts', 'lib/cluster-imports'],
    ['lib/fencing/a.ts', '../evacuation/b.ts', 'lib/evacuation/b.ts', 'lib/fencing-imports'],
    ['lib/evacuation/look/a.ts', '../../ocf/b.ts', 'lib/ocf/b.ts', 'lib/evacuation-imports'],
    ['lib/evacuation/act/a.ts', '../../connection/b.ts', 'lib/connection/b.ts', 'lib/evacuation-imports'],
    ['lib/connection/a.ts', '../evacuation/look/b.ts', 'lib/evacuation/look/b.ts', 'lib/connection-imports'],
    ['lib/evacuation/look/a.ts', '../index.ts', 'lib/evacuation/index.ts', 'look-imports'],
    ['lib/evacuation/a.ts', './look/b.ts', 'lib/evacuation/look/b.ts', 'every-file-has-a-room'],
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
    ['test/simulators/a.ts', '../unit/b.ts', 'test/unit/b.ts', 'simulators-import-no-test'],
    ['demo/a.ts', '../agents/NovaEvacuate/b.ts', 'agents/NovaEvacuate/b.ts', 'only-the-entry-imports-agents'],
    ['lib/attrd/a.ts', './missing.ts', 'lib/attrd/b.ts', 'no-orphan-resolution'],
  ] as const;

  /** All of them in one tree, as each look of dependency-cruiser at a tree takes a second. */
  it('refuses every other direction', () => {
    const files = refused.flatMap(([from, specifier, to], index) => [
      [numbered(from, index), `import '${numbered(specifier, index)}';\n`] as const,
      [numbered(to, index), 'export {};\n'] as const,
    ]);
    const { status, output } = cruise(Object.fromEntries(files));
    const errors = output.split('\n').map((line) => line.trim());
    const missed = refused.filter(
      ([from, , , rule], index) =>
        !errors.some((line) => line.split(' → ', 1)[0] === `error ${rule}: ${numbered(from, index)}`),
    );
    expect(missed, output).toEqual([]);
    expect(status).not.toBe(0);
  });

  const rooms = ['incident', 'look', 'judge', 'decide', 'tell', 'act', 'return', 'run'];
  const storeys = rooms.flatMap((lower, floor) => rooms.slice(floor + 1).map((upper) => [lower, upper]));

  it('lets every room of the domain import those below it, and none of those above it', () => {
    const room = (name: string) => `lib/evacuation/${name}`;
    const down = storeys.map(([lower, upper]) => [
      `${room(`${upper}`)}/over-${lower}.ts`,
      `../${lower}/b.ts`,
    ]);
    const up = storeys.map(([lower, upper]) => [`${room(`${lower}`)}/under-${upper}.ts`, `../${upper}/b.ts`]);
    const floors = rooms.map((name) => [`${room(name)}/b.ts`, null]);
    const files = [...floors, ...down, ...up].map(([file, to]) => [
      `${file}`,
      to === null ? 'export {};\n' : `import '${to}';\n`,
    ]);
    const { status, output } = cruise(Object.fromEntries(files));
    const wrong = output.split('\n').filter((line) => line.includes('error '));
    const expected = storeys.map(
      ([lower, upper]) =>
        `error ${lower}-imports: ${room(`${lower}`)}/under-${upper}.ts → ${room(`${upper}`)}/b.ts`,
    );
    expect(wrong.map((line) => line.trim()).sort()).toEqual(expected.sort());
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
