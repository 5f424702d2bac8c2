import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateFiles as ComputeState } from '../../../agents/NovaCompute/state.ts';
import { StateFiles as EvacuateState } from '../../../agents/NovaEvacuate/state.ts';
import { errorCode, inWords } from '../../../lib/system/errno.ts';
import { appendText, placeFile, replaceFile } from '../../../lib/system/files.ts';
import { isRecord } from '../../../lib/system/isRecord.ts';
import { oneLine } from '../../../lib/system/text.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'system-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const caught = (act: () => void): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  return null;
};

describe('a file that is written whole', () => {
  it('has the mode whatever the umask, and leaves no draft', () => {
    const umask = process.umask(0o077);
    try {
      placeFile(join(dir, 'a/b/file'), 'one', 0o644);
      replaceFile(join(dir, 'a/b/file'), 'two', 0o640);
    } finally {
      process.umask(umask);
    }
    expect(readFileSync(join(dir, 'a/b/file'), 'utf8')).toBe('two');
    expect(statSync(join(dir, 'a/b/file')).mode & 0o777).toBe(0o640);
    expect(readdirSync(join(dir, 'a/b'))).toEqual(['file']);
  });

  it('takes its draft away when it cannot be put in place', () => {
    mkdirSync(join(dir, 'file'));
    expect(errorCode(caught(() => replaceFile(join(dir, 'file'), 'x', 0o600)))).toBe('EISDIR');
    expect(readdirSync(dir)).toEqual(['file']);
  });
});

/** Whoever may write into the directory puts links where a file, or its draft, is going to be. */
describe.each<[string, (directory: string) => void]>([
  ['replaceFile', (directory) => replaceFile(join(directory, 'r.active'), 'x', 0o600)],
  ["NovaEvacuate's start", (directory) => void new EvacuateState(ctx(directory)).activate()],
  ["NovaEvacuate's hints", (directory) => new EvacuateState(ctx(directory)).writeHints('x')],
  ["NovaCompute's release", (directory) => new ComputeState(ctx(directory)).owe()],
  ["NovaCompute's hold", (directory) => new ComputeState(ctx(directory)).hold()],
  ["NovaCompute's end of a release", (directory) => new ComputeState(ctx(directory)).settle()],
  ["NovaCompute's notes", (directory) => new ComputeState(ctx(directory)).note('a', 'b')],
])('%s', (_name, write) => {
  it('follows no link', () => {
    const victim = join(dir, 'victim');
    writeFileSync(victim, 'precious');
    const state = join(dir, 'state');
    mkdirSync(state);
    for (const name of ['active', 'hints', 'release', 'settled', 'said']) {
      for (const suffix of ['', '.new']) symlinkSync(victim, join(state, `r.${name}${suffix}`));
    }
    write(state);
    expect(readFileSync(victim, 'utf8')).toBe('precious');
  });
});

function ctx(stateDir: string): { stateDir: string; instance: string } {
  return { stateDir, instance: 'r' };
}

describe('a line that is appended', () => {
  it('comes after what is there', () => {
    for (const line of ['a\n', 'b\n']) appendText(join(dir, 'log'), line);
    expect(readFileSync(join(dir, 'log'), 'utf8')).toBe('a\nb\n');
  });

  it('does not wait for a reader', () => {
    execFileSync('mkfifo', [join(dir, 'fifo')]);
    expect(inWords(caught(() => appendText(join(dir, 'fifo'), 'a')))).toBe('it is a pipe');
  });
});

it('errors have words, else their short name, else their message', () => {
  expect(inWords(caught(() => readFileSync(join(dir, 'nosuch'))))).toBe('it is not there');
  expect(inWords(Object.assign(new Error('x'), { code: 'EODD' }))).toBe('EODD');
  expect([inWords(new Error('plain')), inWords('text'), errorCode('text')]).toEqual(['plain', 'text', '']);
});

it('a text becomes one line that a terminal does not obey', () => {
  expect(oneLine(' a \r\n b\u2028c\u001b[31m\td ')).toBe('a b c?[31m\td');
});

it('an object is a record, a list and nothing are not', () => {
  expect([{}, [], null, 'x', 5].map(isRecord)).toEqual([true, false, false, false, false]);
});

it('there is one of each in the house, and one in the client, which is a package of its own', () => {
  const root = resolve(import.meta.dirname, '../../..');
  const files = ['lib', 'agents', 'fence'].flatMap((directory) =>
    readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(directory, file)),
  );
  expect(existsSync(join(root, 'lib/system'))).toBe(true);
  const defining = (name: string) =>
    files
      .filter((file) => new RegExp(`function ${name}\\(`).test(readFileSync(join(root, file), 'utf8')))
      .sort();
  expect(defining('isRecord')).toEqual(['lib/nova-client/src/decode.ts', 'lib/system/isRecord.ts']);
  expect(defining('oneLine')).toEqual(['lib/nova-client/src/secrets.ts', 'lib/system/text.ts']);
  expect(defining('replaceFile')).toEqual(['lib/system/files.ts']);
});
