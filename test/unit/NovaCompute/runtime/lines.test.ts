import { expect, test } from 'vitest';
import { lastLinesOf, said } from '../../../../agents/NovaCompute/runtime/lines.ts';

test('last lines are those that say something', () => {
  expect(lastLinesOf('a\r\n\n  b  \n\n', 5)).toEqual(['a', '  b']);
  expect(lastLinesOf('a\nb\nc', 2)).toEqual(['b', 'c']);
  expect(lastLinesOf('', 2)).toEqual([]);
  expect(lastLinesOf('a\u001b[2Jb\u0007\n', 2)).toEqual(['a?[2Jb?']);
});

test.each([
  ['Error: no space left.\nSee "docker start --help".\n', 'Error: no space left.'],
  ['WARN: old config\nError: first\nError: second\n', 'Error: second.'],
  ['just words\n', 'just words.'],
  ['\n', 'it ended with exit code 7.'],
  [`Error: ${'x'.repeat(400)}`, `Error: ${'x'.repeat(293)}.`],
])('what a tool said: %j', (stderr, sentence) => {
  expect(said(stderr, 7)).toBe(sentence);
});
