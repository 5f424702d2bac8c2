import { expect, test } from 'vitest';
import { readStories, rewrite } from './script.ts';
import { Teller } from './teller.ts';

const text = `What it is about.

== one

> pass
    as it was
    and more

> look

== two
Another.
> wait 1s
`;

test('a story is its title, its commands, and what stands below them', () => {
  expect(readStories(text)).toEqual([
    {
      title: 'one',
      steps: [
        { command: 'pass', line: 5, expected: ['as it was', 'and more'] },
        { command: 'look', line: 9, expected: [] },
      ],
    },
    { title: 'two', steps: [{ command: 'wait 1s', line: 13, expected: [] }] },
  ]);
});

test('other outcomes are written below the same commands, and nothing else is changed', () => {
  const outcomes = new Map([
    [5, ['as it is']],
    [9, ['seen']],
  ]);
  const now = text
    .replace('    as it was\n    and more\n', '    as it is\n')
    .replace('> look\n', '> look\n    seen\n');
  expect(rewrite(text, outcomes)).toBe(now);
});

test.each(['> pass\n', '    an outcome\n', '== one\n    an outcome\n'])(
  'what cannot be is refused: %j',
  (wrong) => {
    expect(() => readStories(wrong)).toThrow(/^line \d: /);
  },
);

test.each([
  ['nonsense', 'there is no command "nonsense"'],
  ['fence', '"fence" lacks a node'],
  ['fence comp0 twice', '"fence" does not know twice'],
  ['parameters cuncurrency=2', 'there is no parameter cuncurrency'],
  ['servers vm hots=comp1', 'A server has no member "hots"'],
])('a command that nobody understands is an error of the story: %s', async (command, why) => {
  await expect(new Teller().play(command)).rejects.toThrow(why);
});

test('the observer watches a story, whatever that expects', async () => {
  const teller = new Teller();
  await teller.play('servers vm');
  await teller.play('lose comp0');
  await teller.play('wait 70s');
  await teller.play('evacuate-by-hand vm');
  expect(teller.life.violations).toEqual([
    expect.stringMatching(/^I1: vm of comp0 was asked for while the marks read "" and ""/),
  ]);
});
