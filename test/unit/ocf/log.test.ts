import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type OcfAgent, OcfExit, runAgent } from '../../../lib/ocf/index.ts';
import { capture, goodParameters, testAgent } from './testAgent.ts';

let dir = '';
let syslogLines: () => string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ocf-log-'));
  mkdirSync(join(dir, 'bin'));
  // A logger that writes its arguments down, one line per call.
  writeFileSync(join(dir, 'bin/logger'), `#!/bin/sh\necho "$*" >>${join(dir, 'syslog')}\n`);
  chmodSync(join(dir, 'bin/logger'), 0o755);
  const file = join(dir, 'syslog');
  syslogLines = () => (existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []);
});
afterEach(() => rmSync(dir, { recursive: true }));

const talkative: OcfAgent = testAgent({
  monitor: async (ctx) => {
    ctx.log.error('it failed\nbadly');
    ctx.log.warn('it wobbles');
    ctx.log.notice('it moves');
    ctx.log.info('it is');
    ctx.log.debug('it has parts');
    ctx.exitReason('it is over');
    return OcfExit.generic;
  },
});

async function log(env: NodeJS.ProcessEnv, interactive = false): Promise<string[]> {
  const io = capture();
  const now = () => new Date(2026, 10, 3, 4, 5, 6).getTime();
  const all = { PATH: join(dir, 'bin'), OCF_RESOURCE_INSTANCE: 'r1', ...goodParameters, ...env };
  await runAgent(talkative, ['monitor'], all, io, { interactive, now });
  return io.err().trimEnd().split('\n');
}

const reason = 'ocf-exit-reason:it is over';

it('hides a secret, whoever says it', async () => {
  const password = 'm0ss-on-a-stone';
  const io = capture();
  const agent = testAgent({
    monitor: async (ctx) => {
      ctx.log.warn(`curl -u admin:${password}`, { requestId: password });
      ctx.exitReason(`wrong: ${password}`);
      return OcfExit.generic;
    },
  });
  const parameters = agent.parameters.map((one) =>
    one.name === 'password' ? { ...one, oneOf: [password] } : one,
  );
  const env = { ...goodParameters, OCF_RESOURCE_INSTANCE: 'r1', OCF_RESKEY_password: password };
  const fails: OcfAgent = { ...agent, parameters };
  await runAgent(fails, ['monitor'], env, io, { interactive: true });
  const throws = async () => {
    throw new Error(`${'x'.repeat(390)}${password}`);
  };
  await runAgent({ ...fails, monitor: throws }, ['monitor'], env, io, { interactive: true });
  expect(io.err()).toContain('WARNING: curl -u admin:***\n');
  expect(io.err()).toContain('ocf-exit-reason:wrong: ***\n');
  expect(io.err()).not.toContain(password.slice(0, 7));
});

describe('logging as ocf_log does', () => {
  it('goes to stderr with a date when nothing else is set', async () => {
    expect(await log({})).toEqual([
      'Nov 03 04:05:06 ERROR: it failed badly',
      'Nov 03 04:05:06 WARNING: it wobbles',
      'Nov 03 04:05:06 NOTICE: it moves',
      'Nov 03 04:05:06 INFO: it is',
      reason,
    ]);
    expect(syslogLines()).toEqual([]);
  });

  it('goes to the terminal alone when a person calls', async () => {
    const file = join(dir, 'ha.log');
    expect(await log({ HA_LOGFACILITY: 'daemon', HA_LOGFILE: file }, true)).toEqual([
      'ERROR: it failed badly',
      'WARNING: it wobbles',
      'NOTICE: it moves',
      'INFO: it is',
      reason,
    ]);
    expect(existsSync(file)).toBe(false);
    expect(syslogLines()).toEqual([]);
  });

  it('goes to syslog, in order, and not to stderr, which the executor would log once more', async () => {
    expect(await log({ HA_LOGFACILITY: 'local3' })).toEqual([reason]);
    expect(syslogLines()).toEqual([
      expect.stringMatching(/^-t TestAgent\(r1\)\[\d+\] -p local3\.err -- ERROR: it failed badly$/),
      expect.stringMatching(/-p local3\.warning -- WARNING: it wobbles$/),
      expect.stringMatching(/-p local3\.notice -- NOTICE: it moves$/),
      expect.stringMatching(/-p local3\.info -- INFO: it is$/),
      // The exit reason is on stderr for Pacemaker, and in the log for people.
      expect.stringMatching(/-p local3\.err -- ERROR: it is over$/),
    ]);
  });

  it('goes to the log file', async () => {
    const file = join(dir, 'ha.log');
    expect(await log({ HA_LOGFILE: file, HA_LOGFACILITY: 'none' })).toEqual([reason]);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[1]).toMatch(/^Nov 03 04:05:06 TestAgent\(r1\)\[\d+\]: WARNING: it wobbles$/);
  });

  it('has logger take long lines whole', async () => {
    const long = testAgent({
      monitor: async (ctx) => {
        ctx.log.info(`it is ${'long '.repeat(300)}`);
        return OcfExit.success;
      },
    });
    const env = {
      PATH: join(dir, 'bin'),
      OCF_RESOURCE_INSTANCE: 'r1',
      ...goodParameters,
      HA_LOGFACILITY: 'daemon',
    };
    await runAgent(long, ['monitor'], env, capture(), { interactive: false });
    expect(syslogLines()).toEqual([expect.stringMatching(/^-S 8192 -t TestAgent.* -- INFO: it is long /)]);
  });

  it('falls back to stderr when the log file cannot be written', async () => {
    expect(await log({ HA_LOGFILE: join(dir, 'no/such/dir') })).toContain(
      'Nov 03 04:05:06 WARNING: it wobbles',
    );
  });

  it.each([{ HA_debug: '1' }, { OCF_RESKEY_verbose: 'true' }])('debugs when asked: %o', async (env) => {
    expect(await log(env)).toContain('Nov 03 04:05:06 DEBUG: it has parts');
  });

  it('does not debug for HA_debug=0', async () => {
    expect(await log({ HA_debug: '0' })).not.toContain('Nov 03 04:05:06 DEBUG: it has parts');
  });

  describe('with log_format=json', () => {
    const json = { OCF_RESKEY_log_format: 'json' };
    const declaration = {
      name: 'log_format',
      type: 'string',
      default: 'text',
      shortdesc: 'Form',
      longdesc: 'A form.',
    } as const;
    const agent = testAgent({
      parameters: [...testAgent().parameters, declaration],
      monitor: async (ctx) => {
        ctx.log.warn('vm "one"\nfailed', { host: 'comp0', instance: 'i-1', requestId: null, level: 'none' });
        ctx.log.info('it is', { requestId: 'req-1', count: 3 });
        ctx.log.debug('it has parts');
        ctx.exitReason('it is over');
        return OcfExit.generic;
      },
    });
    const about = { time: '2026-11-03T04:05:06.000Z', agent: 'TestAgent', resource: 'r1' };
    const warning = {
      ...about,
      level: 'warning',
      message: 'vm "one" failed',
      host: 'comp0',
      instance: 'i-1',
    };
    const info = { ...about, level: 'info', message: 'it is', requestId: 'req-1' };
    const over = { ...about, level: 'error', message: 'it is over' };

    async function lines(env: NodeJS.ProcessEnv, interactive = false): Promise<string[]> {
      const io = capture();
      const all = { PATH: join(dir, 'bin'), OCF_RESOURCE_INSTANCE: 'r1', ...goodParameters, ...json, ...env };
      await runAgent(agent, ['monitor'], all, io, {
        interactive,
        now: () => Date.UTC(2026, 10, 3, 4, 5, 6),
      });
      return io.err().trimEnd().split('\n');
    }
    const parse = (text: string): unknown => JSON.parse(text);

    it.each([false, true])(
      'stderr has objects, and the exit reason as ever (terminal: %s)',
      async (person) => {
        const all = await lines({}, person);
        expect(all.at(-1)).toBe(reason);
        expect(all.slice(0, -1).map(parse)).toEqual([warning, info]);
      },
    );

    it('the log file has objects and nothing before them', async () => {
      const file = join(dir, 'ha.log');
      expect(await lines({ HA_LOGFILE: file })).toEqual([reason]);
      expect(readFileSync(file, 'utf8').trimEnd().split('\n').map(parse)).toEqual([warning, info, over]);
    });

    it('syslog has objects as messages, under the same tag and priorities', async () => {
      await lines({ HA_LOGFACILITY: 'daemon' });
      const found = syslogLines().map((line) => /^-t TestAgent\(r1\)\[\d+\] -p (\S+) -- (.*)$/.exec(line));
      expect(found.map((line) => line?.[1])).toEqual(['daemon.warning', 'daemon.info', 'daemon.err']);
      expect(found.map((line) => parse(line?.[2] ?? ''))).toEqual([warning, info, over]);
    });

    it('debug lines too, where they are asked for', async () => {
      const all = await lines({ HA_debug: '1' });
      expect(parse(all[2] ?? '')).toEqual({ ...about, level: 'debug', message: 'it has parts' });
    });

    it('an agent that does not declare the parameter logs as ever', async () => {
      const { parameters } = testAgent();
      const io = capture();
      const all = { OCF_RESOURCE_INSTANCE: 'r1', ...goodParameters, ...json };
      await runAgent({ ...agent, parameters }, ['monitor'], all, io, { interactive: true });
      expect(io.err()).toContain('WARNING: vm "one" failed\n');
    });
  });

  describe('an exit reason that the agent has logged itself', () => {
    const quiet = (alreadyLogged: boolean, code: OcfExit) =>
      testAgent({
        monitor: async (ctx) => {
          ctx.exitReason('comp0 waits', { alreadyLogged });
          return code;
        },
      });
    it.each([OcfExit.success, OcfExit.degraded])('is shown and not logged again (%s)', async (code) => {
      for (const alreadyLogged of [true, false]) {
        const file = join(dir, `${alreadyLogged}.log`);
        writeFileSync(file, '');
        const io = capture();
        const env = { OCF_RESOURCE_INSTANCE: 'r1', ...goodParameters, HA_LOGFILE: file };
        await runAgent(quiet(alreadyLogged, code), ['monitor'], env, io, { interactive: false });
        expect(io.err()).toBe('ocf-exit-reason:comp0 waits\n');
        expect(readFileSync(file, 'utf8').includes('comp0 waits')).toBe(!alreadyLogged);
      }
    });

    it('does not silence another one that is given after it', async () => {
      const agent = testAgent({
        monitor: async (ctx) => {
          ctx.exitReason('comp0 waits', { alreadyLogged: true });
          throw new Error('a surprise');
        },
      });
      const file = join(dir, 'ha.log');
      const env = { OCF_RESOURCE_INSTANCE: 'r1', ...goodParameters, HA_LOGFILE: file };
      await runAgent(agent, ['monitor'], env, capture(), { interactive: false });
      expect(readFileSync(file, 'utf8')).toContain('ERROR: monitor failed unexpectedly: a surprise');
    });
  });

  describe('where syslog does not take it', () => {
    const onStderr = [
      'Nov 03 04:05:06 ERROR: it failed badly',
      'Nov 03 04:05:06 WARNING: it wobbles',
      'Nov 03 04:05:06 NOTICE: it moves',
      'Nov 03 04:05:06 INFO: it is',
      reason,
    ];
    const logger = (script: string) => writeFileSync(join(dir, 'bin/logger'), `#!/bin/sh\n${script}\n`);

    it('goes to stderr, once and in order, and waits for a logger that hangs for two seconds in all', async () => {
      logger('exec sleep 60');
      const before = Date.now();
      expect(await log({ HA_LOGFACILITY: 'daemon' })).toEqual(onStderr);
      expect(Date.now() - before).toBeLessThan(3_500);
    });

    it('goes to stderr when logger fails', async () => {
      logger('exit 1');
      expect(await log({ HA_LOGFACILITY: 'daemon' })).toEqual(onStderr);
    });

    it('goes to stderr from the message on that logger did not take', async () => {
      logger(`case $* in *WARNING*) exit 1 ;; esac\necho "$*" >>${join(dir, 'syslog')}`);
      expect(await log({ HA_LOGFACILITY: 'daemon' })).toEqual(onStderr.slice(1));
      expect(syslogLines()).toEqual([expect.stringContaining('it failed badly')]);
    });

    it('goes to the file alone where there is one', async () => {
      logger('exit 1');
      const file = join(dir, 'ha.log');
      expect(await log({ HA_LOGFACILITY: 'daemon', HA_LOGFILE: file })).toEqual([reason]);
      expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(5);
    });
  });

  it.each(['nosuch', 'local8', '3', 'Daemon3'])(
    "takes the facility %s, which there is not, for Pacemaker's own",
    async (facility) => {
      expect(await log({ HA_LOGFACILITY: facility })).toEqual([reason]);
      expect(syslogLines()[0]).toMatch(/ -p daemon\.err -- ERROR: it failed badly$/);
    },
  );

  it.each(['HA_LOGFILE', 'HA_DEBUGLOG'])('does not wait for the reader of a FIFO: %s', async (name) => {
    const fifo = join(dir, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const before = Date.now();
    const lines = await log({ [name]: fifo, HA_debug: '1' });
    expect(lines).toContain('Nov 03 04:05:06 DEBUG: it has parts');
    expect(lines).toContain('Nov 03 04:05:06 WARNING: it wobbles');
    expect(Date.now() - before).toBeLessThan(2_000);
  });
});
