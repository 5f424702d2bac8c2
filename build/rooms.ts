/**
 * The picture of the house in docs/architecture.md, drawn from its own imports: `npm run docs` brings it up to date, a unit
 * test says when it is not.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

const page = 'docs/architecture.md';
const place = /(<!-- picture: rooms -->\n)[\s\S]*?(<!-- end -->)/;

/** Folders whose subfolders are rooms; what else lies in one is its face, and belongs to no room. */
const storeys = ['agents', 'fence', 'lib/evacuation', 'lib'];

/** The page with the picture as the code is now. */
export function withPicture(text: string, root: string): string {
  if (!place.test(text)) throw new Error(`${page} has no place for the picture of the rooms`);
  return text.replace(place, (_, open: string, close: string) => `${open}${draw(root)}${close}`);
}

/** An arrow: imports. What other arrows lead to as well is left out. */
function draw(root: string): string {
  const imports = readImports(root);
  const arrows = [...imports].flatMap(([from, targets]) =>
    [...targets].filter((to) => !isImplied(imports, from, to)).map((to) => `  ${id(from)} --> ${id(to)}`),
  );
  const rooms = [...new Set([...imports].flatMap(([from, targets]) => [from, ...targets]))].sort();
  const inside = (room: string) => room.startsWith('lib/evacuation/');
  const box = (room: string) => `${id(room)}["${room.replace('lib/evacuation/', '')}"]`;
  return [
    '```mermaid',
    'flowchart TD',
    ...rooms.filter((room) => !inside(room)).map((room) => `  ${box(room)}`),
    '  subgraph lib/evacuation',
    ...rooms.filter(inside).map((room) => `    ${box(room)}`),
    '  end',
    ...arrows.sort(),
    '```',
    '',
  ].join('\n');
}

function readImports(root: string): ReadonlyMap<string, ReadonlySet<string>> {
  const imports = new Map<string, Set<string>>();
  for (const storey of ['agents', 'fence', 'lib']) {
    const files = readdirSync(join(root, storey), { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((name) => name.endsWith('.ts')).map((name) => join(storey, name))) {
      const from = roomOf(file);
      if (from === null) continue;
      const targets = imports.get(from) ?? new Set();
      imports.set(from, targets);
      const { importedFiles } = ts.preProcessFile(readFileSync(join(root, file), 'utf8'), true, true);
      for (const { fileName } of importedFiles) {
        const to = roomOf(targetOf(file, fileName));
        if (to !== null && to !== from) targets.add(to);
      }
    }
  }
  return imports;
}

function targetOf(file: string, specifier: string): string {
  if (specifier === '@openstack-ts/nova-client') return 'lib/nova-client/src/index.ts';
  return specifier.startsWith('.') ? join(dirname(file), specifier) : '';
}

function roomOf(file: string): string | null {
  // Who asks the face of the domain wants what a pass, or a way back, gives.
  if (file === 'lib/evacuation/index.ts') return null;
  const storey = storeys.find((name) => file.startsWith(`${name}/`));
  if (storey === undefined) return null;
  const [room, ...rest] = file.slice(storey.length + 1).split('/');
  return room === undefined || rest.length === 0 ? null : `${storey}/${room}`;
}

/** Whether another way leads there. */
function isImplied(imports: ReadonlyMap<string, ReadonlySet<string>>, from: string, to: string): boolean {
  const seen = new Set<string>([to]);
  const next = [...(imports.get(from) ?? [])].filter((one) => one !== to);
  for (let room = next.pop(); room !== undefined; room = next.pop()) {
    if (seen.has(room)) continue;
    seen.add(room);
    const targets = imports.get(room) ?? [];
    for (const target of targets) if (target === to) return true;
    next.push(...targets);
  }
  return false;
}

function id(room: string): string {
  return room.replaceAll(/\W/g, '_');
}

if (process.argv[1] === import.meta.filename) {
  const root = resolve(import.meta.dirname, '..');
  const file = join(root, page);
  const old = readFileSync(file, 'utf8');
  const current = withPicture(old, root);
  if (current !== old) writeFileSync(file, current);
  console.log(`${page} ${current === old ? 'is current' : 'was brought up to date'}.`);
}
