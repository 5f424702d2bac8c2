import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanEnvironment, createCommandRunner } from '../../../lib/attrd/index.ts';

/** Real child processes: small scripts stand in for the tools. */
let bin = '';

beforeAll(() => {
  bin = mkdtempSync(join(tmpdir(), 'attrd-command-'));
});
afterAll(() => rmSync(bin, { recursive: true, force: true }));

function tool(name: string, script: string, mode = 0o755): string {
  writeFileSync(join(bin, name), script);
  chmodSync(join(bin, name), mode);
  return name;
}

const runner = (timeoutMs = 10_000, env: NodeJS.ProcessEnv = {}) =>
  createCommandRunner({ env: { PATH: bin, ...env }, timeoutMs });

describe('running a tool', () => {
  test('gives what it printed and its exit code, success or not', async () => {
    const name = tool('says', '#!/bin/sh\necho "out $1"\necho err >&2\nexit $2\n');
    expect(await runner()(name, ['a b"c', '0'])).toEqual({
      exitCode: 0,
      stdout: 'out a b"c\n',
      stderr: 'err\n',
    });
    expect(await runner()(name, ['x', '78'])).toEqual({ exitCode: 78, stdout: 'out x\n', stderr: 'err\n' });
  });

  test('no shell reads the arguments', async () => {
    const name = tool('echoes', '#!/bin/sh\nprintf "%s" "$1"\n');
    const argument = '$(touch /nowhere); `id` "\' \\ *';
    expect((await runner()(name, [argument])).stdout).toBe(argument);
  });

  test('one that is not installed is "missing"', async () => {
    await expect(runner()('no_such_tool_here', [])).rejects.toMatchObject({
      name: 'AttrdError',
      code: 'missing',
      message: 'no_such_tool_here is not installed on this machine (not found on PATH)',
    });
  });

  test('one that may not be executed is "failed", with a reason', async () => {
    const name = tool('not_executable', '#!/bin/sh\n', 0o644);
    const error = await runner()(name, []).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'AttrdError', code: 'failed' });
    expect(String(error)).toMatch(/not_executable could not be run: EACCES/);
  });

  test('one that does not end in time is killed, though it ignores SIGTERM, and is a "timeout"', async () => {
    const name = tool('hangs', '#!/bin/sh\ntrap "" TERM\necho $$ > "$1"\nexec sleep 60\n');
    const pidFile = join(bin, 'pid');
    const began = Date.now();
    await expect(runner(300)(name, [pidFile])).rejects.toMatchObject({
      code: 'timeout',
      message: 'hangs did not end within 0.3 s and was stopped',
    });
    expect(Date.now() - began).toBeLessThan(5_000);
    const pid = Number((await import('node:fs')).readFileSync(pidFile, 'utf8'));
    await expect.poll(() => alive(pid)).toBe(false);
  });

  test('one that a signal ended is "failed"', async () => {
    const name = tool('crashes', '#!/bin/sh\nkill -SEGV $$\n');
    await expect(runner()(name, [])).rejects.toMatchObject({
      code: 'failed',
      message: 'crashes was ended by SIGSEGV',
    });
  });

  test('one that waits for input gets the end of it at once', async () => {
    const name = tool('reads', '#!/bin/sh\ncat\necho end\n');
    expect((await runner(5_000)(name, [])).stdout).toBe('end\n');
  });
});

describe('the environment of the tools', () => {
  test('nothing of the resource agent is passed on, what belongs to Pacemaker is', async () => {
    const name = tool('prints_environment', '#!/bin/sh\nenv\n');
    const { stdout } = await runner(10_000, {
      OCF_RESKEY_CRM_meta_on_node: 'ctl0',
      OCF_RESKEY_password: 'secret',
      OCF_RESOURCE_INSTANCE: 'evacuate',
      OCF_OUTPUT_FORMAT: 'text',
      HA_LOGFILE: '/var/log/x',
      HOME: '/root',
      LANG: 'de_DE.UTF-8',
      PCMK_ipc_type: 'socket',
      PCMK_remote_port: '3122',
      PCMK_service: 'pacemaker-execd',
    })(name, []);
    const names = stdout.split('\n').map((line) => line.split('=', 1)[0] ?? '');
    expect(names.filter((each) => each.startsWith('OCF_') || each.startsWith('HA_'))).toEqual([]);
    expect(stdout).not.toContain('secret');
    expect(stdout).toContain('PCMK_ipc_type=socket\n');
    expect(stdout).toContain('PCMK_remote_port=3122\n');
    expect(stdout).toContain('LC_ALL=C\n');
    expect(stdout).not.toContain('de_DE');
  });

  test('PATH is completed with where the tools are, its own directories first', () => {
    expect(cleanEnvironment({ PATH: '/opt/x' })['PATH']).toBe(
      '/opt/x:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin',
    );
    expect(cleanEnvironment({})['PATH']).toBe('/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin');
    expect(cleanEnvironment({ PATH: '' })['PATH']).toBe('/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin');
  });

  test('is built: of everything else nothing is left', () => {
    const env = {
      PATH: '/bin',
      IFS: 'x',
      LD_PRELOAD: 'y',
      PCMK_debug: 'yes',
      XPCMK_: 'no',
      CIB_file: '/tmp/cib.xml',
    };
    expect(Object.keys(cleanEnvironment(env)).sort()).toEqual(['LC_ALL', 'PATH', 'PCMK_debug']);
  });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
