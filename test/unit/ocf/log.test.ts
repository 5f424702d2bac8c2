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

  it('does not wait for ever for a logger that hangs', async () => {
    writeFileSync(join(dir, 'bin/logger'), '#!/bin/sh\nexec sleep 60\n');
    const before = Date.now();
    expect(await log({ HA_LOGFACILITY: 'daemon' })).toEqual([reason]);
    expect(Date.now() - before).toBeLessThan(5_000);
  });
});
