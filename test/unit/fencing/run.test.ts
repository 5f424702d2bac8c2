import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FenceAgent, FenceError, FenceExit, runFenceAgent } from '../../../lib/fencing/index.ts';
import { capture, run, testAgent } from './testAgent.ts';

const hint = "ERROR: Please use '-h' for usage";

describe('actions', () => {
  it.each([
    ['on', 'on'],
    ['enable', 'on'],
    ['off', 'off'],
    ['disable', 'off'],
    ['OFF', 'off'],
    ['status', 'status'],
    ['list', 'list'],
    ['monitor', 'monitor'],
  ])('%s', async (given, expected) => {
    for (const call of [{ argv: ['-o', given, '-n', 'c0'] }, { stdin: `action=${given}\nport=c0\n` }]) {
      const agent = testAgent();
      expect(await run(agent, call)).toEqual({ code: 0, out: '', err: [] });
      expect(agent.calls.map((ctx) => ctx.action)).toEqual([expected]);
    }
  });

  it('the default is off', async () => {
    const agent = testAgent();
    await run(agent, { stdin: 'port=c0' });
    await run(agent, { argv: ['-n', 'c0'] });
    expect(agent.calls.map((ctx) => [ctx.action, ctx.plug])).toEqual([
      ['off', 'c0'],
      ['off', 'c0'],
    ]);
  });

  it.each(['reboot', 'diag', 'start', ' status'])(
    '%s is refused in words Pacemaker knows',
    async (action) => {
      const agent = testAgent();
      expect(await run(agent, { stdin: `action=${action}\nport=c0` })).toEqual({
        code: 1,
        out: '',
        err: [`ERROR: Failed: Unrecognised action '${action}'`, hint],
      });
      expect(agent.calls).toEqual([]);
    },
  );

  it.each([
    { argv: ['-o', '', '-n', 'c0'] },
    { argv: ['--action=', '-n', 'c0'] },
    { argv: ['-n', 'c0', '-o', ' '] },
    { stdin: 'action=\nport=c0' },
    { stdin: 'action=""\nport=c0' },
  ])('an action that is given and empty is not the default: %j', async (call) => {
    const agent = testAgent();
    const { code, err } = await run(agent, call);
    expect(code).toBe(1);
    expect(err[0]).toMatch(/^ERROR: Failed: Unrecognised action ' ?'$/);
    expect(agent.calls).toEqual([]);
  });

  it('any argument keeps stdin from being read', async () => {
    const agent = testAgent();
    await run(agent, { argv: ['-n', 'c0'], stdin: 'action=on\nport=c1\n' });
    expect(agent.calls.map((ctx) => [ctx.action, ctx.plug, ctx.nodename])).toEqual([['off', 'c0', null]]);
  });

  it('passes on exit code 2, the answer "off"', async () => {
    expect(
      (await run(testAgent({ act: async () => FenceExit.off }), { argv: ['-o', 'status', '-n', 'c0'] })).code,
    ).toBe(2);
  });
});

describe('documents, answered without any check', () => {
  it.each(['metadata', 'meta-data', 'manpage', 'METADATA'])('%s', async (action) => {
    for (const call of [{ argv: ['-o', action] }, { stdin: `action=${action}\ndelay=abc\n` }]) {
      const { code, out, err } = await run(testAgent(), call);
      expect([code, err]).toEqual([0, []]);
      expect(out).toContain('<resource-agent name="fence_test"');
    }
  });

  it.each([{ argv: ['-V'] }, { argv: ['--version', '-o', 'off'] }, { stdin: 'version=1' }])(
    'version: %j',
    async (call) => {
      expect(await run(testAgent(), call)).toEqual({ code: 0, out: '1.2.3\n', err: [] });
    },
  );

  it.each([{ argv: ['-h'] }, { argv: ['--help', '-o', 'nosuch'] }, { stdin: 'help=1' }])(
    'usage: %j',
    async (call) => {
      const { code, out, err } = await run(testAgent(), call);
      expect([code, err]).toEqual([0, []]);
      expect(out).toContain('fence_test [options]');
      for (const name of ['--plug', '-n', '--no-shared-storage', '--delay']) expect(out).toContain(name);
      expect(out).toContain('off (default)');
    },
  );

  it('help=0 and version=0 print nothing of the kind', async () => {
    const agent = testAgent();
    expect(await run(agent, { stdin: 'help=0\nversion=0\nport=c0' })).toEqual({ code: 0, out: '', err: [] });
    expect(agent.calls).toHaveLength(1);
  });
});

describe('checks before anything is done', () => {
  it.each([
    ['off', 1],
    ['on', 1],
    ['status', 1],
    ['list', 0],
    ['monitor', 0],
    ['validate-all', 0],
  ])('%s without plug exits %i', async (action, code) => {
    for (const plug of ['', 'port=\n', 'plug=  \n']) {
      const result = await run(testAgent(), { stdin: `action=${action}\n${plug}` });
      expect(result.code).toBe(code);
      expect(result.err).toEqual(
        code === 0 ? [] : ['ERROR: Failed: You have to enter plug number or machine identification', hint],
      );
    }
  });

  it.each([
    ['delay', 'abc', '--delay is not a valid time in seconds'],
    ['delay', '', '--delay is not a valid time in seconds'],
    ['delay', '1.5', '--delay is not a valid time in seconds'],
    ['retry_on', 'x', '--retry-on is not a valid integer'],
  ])('%s=%j', async (name, value, words) => {
    const agent = testAgent();
    const result = await run(agent, { stdin: `${name}=${value}\naction=validate-all` });
    expect(result).toEqual({
      code: 1,
      out: '',
      err: [`ERROR: Failed: The value you have entered for ${words}`, hint],
    });
  });

  it('negative numbers are numbers', async () => {
    const { code } = await run(testAgent(), { stdin: 'delay=-3\nretry_on=-1\nport=c0' });
    expect(code).toBe(0);
  });

  it("the agent's own check comes before its action, and is all of validate-all", async () => {
    const checked: string[] = [];
    const agent = testAgent({
      check: async (ctx) => {
        checked.push(ctx.action);
        if (ctx.options.string('auth_url') === '')
          throw new FenceError('Failed: no auth_url', { usage: true });
      },
    });
    expect(await run(agent, { stdin: 'port=c0' })).toEqual({
      code: 1,
      out: '',
      err: ['ERROR: Failed: no auth_url', hint],
    });
    expect((await run(agent, { stdin: 'action=validate-all\nauth_url=x' })).code).toBe(0);
    expect(agent.calls).toEqual([]);
    expect((await run(agent, { stdin: 'port=c0\nauth_url=x' })).code).toBe(0);
    expect(checked).toEqual(['off', 'validate-all', 'off']);
    expect(agent.calls).toHaveLength(1);
  });

  it('an inert agent does nothing, successfully; only validate-all checks all the same', async () => {
    const agent = testAgent({
      inert: () => true,
      check: async () => {
        throw new FenceError('Failed: wrong');
      },
    });
    expect(await run(agent, { stdin: 'port=c0' })).toEqual({ code: 0, out: '', err: [] });
    expect((await run(agent, { stdin: 'action=validate-all' })).code).toBe(1);
    expect(agent.calls).toEqual([]);
  });

  it('a plug of blanks is none', async () => {
    expect((await run(testAgent(), { argv: ['-n', '  '] })).code).toBe(1);
  });

  it('empty input is a default action without a plug', async () => {
    expect((await run(testAgent(), { stdin: '' })).code).toBe(1);
  });

  it('parse errors of the command line', async () => {
    expect(await run(testAgent(), { argv: ['--nosuch'] })).toEqual({
      code: 1,
      out: '',
      err: ['ERROR: Parse error: option --nosuch not recognized', hint],
    });
  });
});

describe('timing', () => {
  const clock = () => {
    const slept: number[] = [];
    return { slept, settings: { now: () => 1000, sleep: async (ms: number) => void slept.push(ms) } };
  };

  it.each([
    ['off', '3', [4000]],
    ['off', '0', [0]],
    ['off', '-5', [0]],
    ['off', '999999999999', [2 ** 31 - 1]],
    ['on', '3', []],
    ['status', '3', []],
  ])('%s with delay=%s sleeps %j ms', async (action, delay, expected) => {
    const { slept, settings } = clock();
    expect(
      (await run(testAgent(), { stdin: `action=${action}\nport=c0\ndelay=${delay}` }, settings)).code,
    ).toBe(0);
    expect(slept).toEqual(expected);
  });

  it.each([
    [{}, '', false],
    [{ PCMK_service: 'pacemaker-fenced' }, '', true],
    [{ PCMK_service: 'pacemaker-execd' }, '', false],
    [{ PCMK_service: 'pacemaker-fenced' }, 'disable_timeout=0', false],
    [{}, 'disable_timeout=TRUE', true],
    [{}, 'disable-timeout=yes', true],
    [{}, 'disable_timeout=maybe', false],
  ])('%o %s: timeouts disabled %s', async (env, line, expected) => {
    const agent = testAgent();
    await run(agent, { stdin: `port=c0\n${line}`, env });
    expect(agent.calls[0]?.timeoutsDisabled).toBe(expected);
  });
});

describe('messages', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'fencing-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const talkative = testAgent({
    act: async (ctx) => {
      ctx.log.error('it failed\nbadly');
      ctx.log.warn('it wobbles');
      ctx.log.info('it is');
      ctx.log.debug('it has parts');
      return FenceExit.success;
    },
  });
  const few = ['ERROR: it failed badly', 'WARNING: it wobbles'];
  const all = [...few, 'INFO: it is', 'DEBUG: it has parts'];

  it('hide a secret, whoever says it', async () => {
    const password = 'm4rmot-hill';
    const says = (act: FenceAgent['act']) =>
      run(testAgent({ act }), { argv: ['-n', 'c0', '-v', '-p', password] });
    const { err } = await says(async (ctx) => {
      ctx.log.warn(`curl -u admin:${password}`);
      throw new Error(`${'x'.repeat(990)}${password}`);
    });
    expect(err[0]).toBe('WARNING: curl -u admin:***');
    expect(err.join('\n')).not.toContain(password.slice(0, 6));
  });

  it.each([
    [[], few],
    [['-v'], all],
    [['-vv'], all],
    [['--verbose-level=1'], all],
    [['-q'], []],
    [['-q', '-v'], []],
  ])('%j', async (more, expected) => {
    expect((await run(talkative, { argv: ['-n', 'c0', ...more] })).err).toEqual(expected);
  });

  it.each([
    ['verbose=1', all],
    ['verbose=1\nverbose_level=2', all],
    ['verbose_level=1', all],
    ['quiet=1', []],
    ['quiet=0', few],
    ['verbose=0', ["WARNING: Parse error: Ignoring option 'verbose' because the verbosity is 0", ...few]],
    [
      'verbose=1\nverbose_level=0',
      ["WARNING: Parse error: Ignoring option 'verbose' because the verbosity is 0", ...few],
    ],
    [
      'verbose_level=-1',
      [
        "WARNING: Parse error: Ignoring option 'verbose_level' because it is not a number of 0 or more",
        ...few,
      ],
    ],
  ])('%j', async (line, expected) => {
    expect((await run(talkative, { stdin: `port=c0\n${line}` })).err).toEqual(expected);
  });

  it('warnings of the grammar come first, and quiet silences them', async () => {
    const stdin = 'port=c0\nnosuch=secret\n';
    expect((await run(testAgent(), { stdin })).err).toEqual([
      "WARNING: Parse error: Ignoring unknown option 'nosuch'",
    ]);
    expect((await run(testAgent(), { stdin: `${stdin}quiet=1` })).err).toEqual([]);
  });

  it('bear the local time with milliseconds', async () => {
    const io = capture('port=c0');
    const now = () => new Date(2026, 0, 2, 3, 4, 5, 6).getTime();
    await runFenceAgent(talkative, [], {}, io, { syslog: false, now });
    expect(io.err().split('\n')[1]).toBe('2026-01-02 03:04:05,006 WARNING: it wobbles');
  });

  it('go to the debug file as well, also when quiet', async () => {
    const file = join(dir, 'fence.log');
    writeFileSync(file, 'before\n');
    await run(talkative, { stdin: `port=c0\nquiet=1\ndebug_file=${file}` });
    expect(readFileSync(file, 'utf8')).toMatch(
      /^before\n[-\d]+ [:\d]+,\d{3} ERROR: it failed badly\n.*it wobbles\n$/,
    );
  });

  it('are not a page long', async () => {
    const agent = testAgent({
      act: async () => {
        throw new Error('sky '.repeat(5_000));
      },
    });
    expect((await run(agent, { argv: ['-n', 'c0'] })).err.map((line) => line.length)).toEqual([1_007]);
  });

  it('a debug file that is a FIFO nobody reads holds nothing up', async () => {
    const fifo = join(dir, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const before = Date.now();
    const { code, err } = await run(talkative, { stdin: `port=c0\ndebug_file=${fifo}` });
    expect([code, err]).toEqual([0, few]);
    expect(Date.now() - before).toBeLessThan(2_000);
  });

  it('a debug file that cannot be written is a failure', async () => {
    const agent = testAgent();
    const file = join(dir, 'no/such/dir');
    expect(await run(agent, { argv: ['-n', 'c0', '-D', file] })).toEqual({
      code: 1,
      out: '',
      err: [`ERROR: Unable to create file ${file} (ENOENT)`],
    });
    expect(agent.calls).toEqual([]);
  });

  it('go to syslog, facility user', async () => {
    const lines = join(dir, 'syslog');
    writeFileSync(join(dir, 'logger'), `#!/bin/sh\necho "$*" >>${lines}\n`);
    chmodSync(join(dir, 'logger'), 0o755);
    await runFenceAgent(talkative, ['-q', '-n', 'c0'], { PATH: dir }, capture(''));
    expect(readFileSync(lines, 'utf8').split('\n')).toEqual([
      '-t fence_test -p user.err -- ERROR: it failed badly',
      '-t fence_test -p user.warning -- WARNING: it wobbles',
      '',
    ]);
    rmSync(lines);
    await runFenceAgent(talkative, ['-o', 'metadata'], { PATH: dir }, capture(''));
    expect(existsSync(lines)).toBe(false);
  });

  it('an unexpected error is one sentence; its stack only when verbose', async () => {
    const broken = testAgent({
      act: async () => {
        throw new TypeError('x is not a function');
      },
    });
    expect(await run(broken, { argv: ['-n', 'c0'] })).toEqual({
      code: 1,
      out: '',
      err: ['ERROR: x is not a function'],
    });
    const { err } = await run(broken, { argv: ['-v', '-n', 'c0'] });
    expect(err).toHaveLength(2);
    expect(err[1]).toContain('run.test.ts');
  });
});
