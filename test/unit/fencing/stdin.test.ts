import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStdin, readStdin } from '../../../lib/fencing/stdin.ts';
import { options } from './testAgent.ts';

const parse = (text: string) => parseStdin(options, text);
const values = (text: string) => Object.fromEntries(parse(text).values);

describe('options on stdin', () => {
  it.each([
    ['one per line', 'action=status\nport=c0\n', { action: 'status', port: 'c0' }],
    ['no line end at the end', 'action=status\nport=c0', { action: 'status', port: 'c0' }],
    ['CRLF', 'action=status\r\nport=c0\r\n', { action: 'status', port: 'c0' }],
    ['white space around the line', ' \taction=status  \n', { action: 'status' }],
    ['empty lines and comments', '\n# port=c1\n   # x\n\nport=c0\n', { port: 'c0' }],
    ['the first = separates', 'passwd=a=b#c\n', { passwd: 'a=b#c' }],
    ['one pair of quotes', 'passwd="a b"\nlogin=""x""\n', { passwd: 'a b', login: '"x"' }],
    ['no escapes, no single quotes', "passwd='a\\nb'\n", { passwd: "'a\\nb'" }],
    ['one quote alone', 'passwd="\nlogin="a\n', { passwd: '"', login: '"a' }],
    ['blanks behind = are kept', 'action= status\n', { action: ' status' }],
    ['an empty value', 'port=\n', { port: '' }],
    ['the action in lower case, nothing else', 'action=OFF\nport=C0\n', { action: 'off', port: 'C0' }],
    ['the last line wins', 'port=a\nport=b\n', { port: 'b' }],
    ['also under another name', 'login=a\nusername=b\n', { login: 'b' }],
    ['a line that is no option', 'no such line\nport=c0', { port: 'c0' }],
  ])('%s', (_, text, expected) => {
    expect(values(text)).toEqual(expected);
  });

  it.each([
    ['port', 'port'],
    ['plug', 'port'],
    ['login', 'login'],
    ['username', 'login'],
    ['passwd', 'passwd'],
    ['password', 'passwd'],
    ['passwd_script', 'passwd_script'],
    ['password_script', 'passwd_script'],
    ['password-script', 'passwd_script'],
    ['auth_url', 'auth_url'],
    ['auth-url', 'auth_url'],
    ['user-domain', 'user-domain'],
    ['user_domain', 'user-domain'],
    ['debug', 'debug'],
    ['debug_file', 'debug'],
    ['debug-file', 'debug'],
  ])('%s is an option', (name, key) => {
    expect(values(`${name}=x`)).toEqual({ [key]: 'x' });
  });

  it('takes any mixture of hyphens and underscores in a long name', () => {
    expect(values('no_shared-storage=1')).toEqual({ no_shared_storage: true });
  });

  it.each(['passwd-script', 'option', 'Action', 'action ', 'p', 'private', 'provides'])(
    'warns of %j without its value and ignores it',
    (name) => {
      const parsed = parse(`${name}=hunter2`);
      expect(parsed.values.size).toBe(0);
      expect(parsed.warnings).toEqual([`Parse error: Ignoring unknown option '${name}'`]);
    },
  );

  it('keeps nodename apart, silently', () => {
    expect(parse('nodename=comp0\nport=c0')).toMatchObject({ nodename: 'comp0', warnings: [] });
    expect(parse('port=c0').nodename).toBeNull();
    expect(parse('nodename=').nodename).toBeNull();
  });

  it.each(['1', 'yes', 'on', 'true', 'TRUE', 'On', '"1"'])('insecure=%s is true', (word) => {
    expect(values(`insecure=${word}`)).toEqual({ insecure: true });
  });

  it.each(['0', 'no', 'off', 'false', 'False'])('insecure=%s is false, and not "given is true"', (word) => {
    expect(values(`insecure=${word}`)).toEqual({ insecure: false });
  });

  it.each(['insecure=maybe', 'insecure=', 'insecure', 'insecure=2'])(
    '%s is warned of and ignored',
    (line) => {
      const parsed = parse(`insecure=1\n${line}`);
      expect(Object.fromEntries(parsed.values)).toEqual({ insecure: true });
      expect(parsed.warnings).toEqual([
        "Parse error: Ignoring option 'insecure' because it does not have a boolean value",
      ]);
    },
  );

  it('refuses a NUL character', () => {
    expect(() => parse('port=a\0b')).toThrow('the value of port holds a NUL character');
    expect(() => parse('nodename=a\0b')).toThrow('the value of nodename holds a NUL character');
  });

  it('reads back every configuration, in any order, as Pacemaker gives it', () => {
    const named = options
      .filter((option) => option.type !== 'boolean' && option.key !== 'action')
      .flatMap((option) => [
        { key: option.key, name: option.key },
        { key: option.key, name: option.long },
        { key: option.key, name: option.long.replaceAll('-', '_') },
      ]);
    // What survives a line: no line ends, no white space at its end, and quotes only where they are not a pair.
    const value = fc
      .string()
      .filter((text) => !/[\n\r\0]/.test(text) && text.trimEnd() === text && !/^".*"$/.test(text));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...named), value, fc.boolean())), (lines) => {
        const expected = new Map(lines.map(([{ key }, text]) => [key, text]));
        const text = lines.map(([{ name }, given, quoted]) => `${name}=${quoted ? `"${given}"` : given}`);
        expect(new Map(parse(text.join('\n')).values)).toEqual(expected);
      }),
    );
  });

  it('takes anything without failing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        if (text.includes('\0')) return;
        const parsed = parse(text);
        for (const key of parsed.values.keys()) {
          expect(options.some((option) => option.key === key)).toBe(true);
        }
      }),
    );
  });
});

describe('reading stdin', () => {
  it('puts characters together that were cut apart', async () => {
    const bytes = Buffer.from('login=Zoë\n');
    const halves = [bytes.subarray(0, 9), bytes.subarray(9)];
    expect(await readStdin(from(halves))).toBe('login=Zoë\n');
  });

  it('has a limit', async () => {
    const endless = (async function* () {
      for (;;) yield Buffer.alloc(64 * 1024, 'x');
    })();
    await expect(readStdin(endless)).rejects.toThrow('stdin holds more than 1048576 bytes');
  });
});

async function* from(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
