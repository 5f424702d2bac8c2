import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseArgv } from '../../../lib/fencing/argv.ts';
import type { FenceOption } from '../../../lib/fencing/index.ts';
import { options } from './testAgent.ts';

const parse = (...argv: string[]) => parseArgv(options, argv);
const values = (...argv: string[]) => Object.fromEntries(parse(...argv).values);

interface Item {
  readonly option: FenceOption;
  /** Null for a flag. */
  readonly value: string | null;
  readonly form: 'long' | 'long=' | 'short' | 'joined';
}

const item: fc.Arbitrary<Item> = fc.oneof(
  fc.record({
    option: fc.constantFrom(...options.filter((option) => option.type !== 'boolean')),
    value: fc.string({ minLength: 1 }).filter((text) => !text.includes('\0')),
    form: fc.constantFrom('long', 'long=', 'short', 'joined'),
  }),
  fc.record({
    option: fc.constantFrom(...options.filter((option) => option.type === 'boolean')),
    value: fc.constant(null),
    form: fc.constantFrom('long', 'short'),
  }),
);

function spell({ option, value, form }: Item): string[] {
  const isShort = (form === 'short' || form === 'joined') && option.short !== undefined;
  const name = isShort ? `-${option.short}` : `--${option.long}`;
  if (value === null) return [name];
  if (form === 'joined' && isShort) return [`${name}${value}`];
  return form === 'long=' ? [`${name}=${value}`] : [name, value];
}

function meaning(option: FenceOption, value: string | null): string | boolean {
  if (value === null) return true;
  return option.key === 'action' ? value.toLowerCase() : value;
}

describe('the command line, by the rules of GNU getopt_long', () => {
  it.each([
    [['-o', 'status', '-n', 'c0']],
    [['-ostatus', '-nc0']],
    [['--action', 'status', '--plug', 'c0']],
    [['--action=status', '--plug=c0']],
    [['--act=STATUS', '-n', 'c0']],
    [['-o', 'on', '-n', 'c1', '-o', 'status', '-n', 'c0']],
  ])('%j', (argv) => {
    expect(values(...argv)).toEqual({ action: 'status', port: 'c0' });
  });

  it('joins flags, and the last letter of a cluster may take a value', () => {
    const parsed = parse('-qvvn', 'c0', '-vpsecret');
    expect(Object.fromEntries(parsed.values)).toEqual({
      quiet: true,
      verbose: true,
      port: 'c0',
      passwd: 'secret',
    });
  });

  it('takes everything behind a short option for its value', () => {
    expect(values('-o=on')).toEqual({ action: '=on' });
    expect(values('-n-v')).toEqual({ port: '-v' });
    expect(values('-n', '--verbose')).toEqual({ port: '--verbose' });
    expect(values('--password=a=b', '--plug=')).toEqual({ passwd: 'a=b', port: '' });
  });

  it('prefers an exact name to longer ones', () => {
    expect(values('--plug', 'c0')).toEqual({ port: 'c0' });
    expect(values('--verbose')).toEqual({ verbose: true });
    expect(values('--password', 'x')).toEqual({ passwd: 'x' });
  });

  it('accepts unique prefixes', () => {
    expect(values('--insec', '--verbose-l', '2', '--plug-', ';')).toEqual({
      insecure: true,
      verbose_level: '2',
      plug_separator: ';',
    });
  });

  it('knows hyphens only', () => {
    expect(() => parse('--auth_url', 'x')).toThrow('option --auth_url not recognized');
  });

  it.each([
    [['--plu', 'c0'], 'option --plu not a unique prefix (--plug, --plug-separator)'],
    [['--foo'], 'option --foo not recognized'],
    [['--=x'], 'option -- not recognized'],
    [['-x'], 'option -x not recognized'],
    [['-vx'], 'option -x not recognized'],
    [['--insecure=1'], 'option --insecure must not have an argument'],
    [['--insecure='], 'option --insecure must not have an argument'],
    [['-n'], 'option -n requires argument'],
    [['--pl', 'x'], 'option --pl not a unique prefix'],
    [['--plug'], 'option --plug requires argument'],
    [['-n', 'a\0b'], 'the value of plug holds a NUL character'],
  ])('%j is refused', (argv, message) => {
    expect(() => parse(...argv)).toThrow(`Parse error: ${message}`);
  });

  it('ignores other words with a warning, also behind --', () => {
    const parsed = parse('stray', '-o', 'on', '-', '--', '-n', 'c0');
    expect(Object.fromEntries(parsed.values)).toEqual({ action: 'on' });
    expect(parsed.warnings).toEqual(["Unused arguments on command line: 'stray', '-', '-n', 'c0'"]);
  });

  it('reads back whatever is spelled by the rules', () => {
    fc.assert(
      fc.property(fc.array(item), fc.boolean(), (items, ends) => {
        const expected = new Map<string, string | boolean>();
        for (const { option, value } of items) expected.set(option.key, meaning(option, value));
        const argv = items.flatMap(spell);
        const parsed = parseArgv(options, ends ? [...argv, '--', '--bogus'] : argv);
        expect(new Map(parsed.values)).toEqual(expected);
        expect(parsed.warnings).toHaveLength(ends ? 1 : 0);
      }),
    );
  });

  it('reads anything or refuses it in one line, and never fails otherwise', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('-n', '--plug', '--', '-v', '--verb', '--in', '-o', '-'),
    );
    fc.assert(
      fc.property(fc.array(word), (argv) => {
        try {
          for (const [key, value] of parseArgv(options, argv).values) {
            const option = options.find((each) => each.key === key);
            expect(typeof value).toBe(option?.type === 'boolean' ? 'boolean' : 'string');
          }
        } catch (error) {
          expect(error).toMatchObject({ name: 'FenceError', usage: true });
        }
      }),
    );
  });
});
