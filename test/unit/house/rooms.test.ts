import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const rooms = ['incident', 'look', 'judge', 'decide', 'tell', 'act', 'return', 'run'];

/** Longer, and it holds two thoughts. */
const mostLines = 300;

describe('the rooms of the domain', () => {
  const domain = join(root, 'lib/evacuation');

  it('are all there is in it, besides the index', () => {
    expect(readdirSync(domain).sort()).toEqual([...rooms, 'index.ts'].sort());
  });

  it.each(rooms)('%s says which question it answers', (room) => {
    const [title, question] = readFileSync(join(domain, room, 'README.md'), 'utf8').split('\n\n');
    expect(title).toBe(`# ${room}`);
    expect(question).toMatch(/[?.]$/);
  });

  it.each([...rooms.map((room) => `evacuation/${room}`), 'connection', 'cluster'])(
    'have no file above 300 lines: lib/%s',
    (directory) => {
      const long = filesIn(join(root, 'lib', directory)).filter((file) => linesOf(file) > mostLines);
      expect(long).toEqual([]);
    },
  );

  it('have their tests in rooms of the same names', () => {
    const tested = rooms.filter((room) => existsSync(join(root, 'test/unit/evacuation', room)));
    expect(tested).toEqual(rooms);
  });
});

describe('an error that is not ours', () => {
  // nova-client is a package of its own.
  it.each(['lib', 'agents', 'fence'])('is thrown on by one helper: %s', (directory) => {
    const copies = filesIn(join(root, directory))
      .filter((file) => !file.includes('/lib/nova-client/'))
      .filter((file) => /if \(!\(error instanceof .*\) throw error;/.test(readFileSync(file, 'utf8')));
    expect(copies).toEqual([]);
  });
});

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(directory, file));
}

function linesOf(file: string): number {
  return readFileSync(file, 'utf8').trimEnd().split('\n').length;
}
