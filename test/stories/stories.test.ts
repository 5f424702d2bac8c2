import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readStories, rewrite, type Story } from './script.ts';
import { Teller } from './teller.ts';

/**
 * Whole lives as text (README.md): each command of a story is played in virtual time in the simulated world, and what comes
 * of it has to be what stands below it. `npm run stories:update` writes there what comes of it now, for review as a diff;
 * a rule that is broken it writes nowhere.
 */
const isUpdate = process.env['UPDATE'] === '1';
const directory = import.meta.dirname;
const files = readdirSync(directory)
  .filter((file) => file.endsWith('.txt'))
  .sort();

/** What came of each command, by its line. */
async function play({ title, steps }: Story): Promise<Map<number, readonly string[]>> {
  const teller = new Teller();
  const outcomes = new Map<number, readonly string[]>();
  for (const { command, line, expected } of steps) {
    const outcome = await teller.play(command).catch((error: unknown) => {
      throw new Error(`${title}, line ${line}: ${String(error)}`, { cause: error });
    });
    outcomes.set(line, outcome);
    if (!isUpdate) expect(outcome, `line ${line}: > ${command}`).toEqual(expected);
  }
  expect(teller.life.violations).toEqual([]);
  return outcomes;
}

describe.each(files)('%s', (file) => {
  const path = join(directory, file);
  const text = readFileSync(path, 'utf8');
  const told = new Map<number, readonly string[]>();
  test.each(readStories(text))('$title', async (story) => {
    for (const [line, outcome] of await play(story)) told.set(line, outcome);
  });
  afterAll(() => {
    if (!isUpdate) return;
    const all = readStories(text).flatMap(({ steps }) => steps);
    // One that could not be played to its end stays as it was.
    for (const { line, expected } of all) if (!told.has(line)) told.set(line, expected);
    const now = rewrite(text, told);
    if (now !== text) writeFileSync(path, now);
  });
});
