import { describe, expect, it } from 'vitest';
import { runPasswordScript } from '../../../lib/fencing/index.ts';

const env = { PATH: process.env['PATH'], WHO: 'world' };

async function script(text: string, timeoutMs?: number): Promise<{ password: string; err: string }> {
  let err = '';
  const password = await runPasswordScript(text, env, { write: (more) => (err += more) }, timeoutMs);
  return { password, err };
}

describe('the password script', () => {
  it.each([
    ['echo sesame', 'sesame'],
    ['printf "  a b \\n\\n"', '  a b'],
    ['printf "one\\ntwo\\n"', 'one\ntwo'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
    ['echo "hello ${WHO}" | tr a-z A-Z', 'HELLO WORLD'],
    ['echo half; exit 3', 'half'],
    ['exit 1', ''],
    ['/no/such/program', ''],
    ['cat', ''],
  ])('%s', async (text, expected) => {
    expect((await script(text)).password).toBe(expected);
  });

  it('passes on what the script says on stderr', async () => {
    expect(await script('echo oops >&2; echo x')).toEqual({ password: 'x', err: 'oops\n' });
  });

  it('does not pass on the password, nor what a terminal would obey', async () => {
    const { err } = await script('echo "+ echo l1lac-tree" >&2; printf "a\\033[2Jb\\n" >&2; echo l1lac-tree');
    expect(err).toBe('+ echo ***\na?[2Jb\n');
  });

  it('stops a script that hangs, and what it started', async () => {
    const marker = `4242.${process.pid}`;
    const before = Date.now();
    await expect(script(`sleep ${marker} & sleep ${marker}`, 300)).rejects.toThrow(
      'The password script did not end within 0.3 s and was stopped.',
    );
    expect(Date.now() - before).toBeLessThan(3_000);
    expect((await script(`pgrep -f "sleep ${marker.replace('.', '[.]')}" || true`)).password).toBe('');
  });

  it('stops a script that does not stop printing', async () => {
    await expect(script('yes')).rejects.toThrow('The password script printed more than 65536 bytes.');
  });
});
