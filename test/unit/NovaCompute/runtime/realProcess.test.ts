import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Machine } from '../../../../agents/NovaCompute/runtime/machine.ts';
import { createProcessRuntime } from '../../../../agents/NovaCompute/runtime/process.ts';
import { readProcess } from '../../../../agents/NovaCompute/runtime/procfs.ts';
import { createMachine } from '../../../../agents/NovaCompute/runtime/realMachine.ts';
import type { Runtime } from '../../../../agents/NovaCompute/runtime/types.ts';

/** Real processes: a script called nova-compute in a directory of its own, run as whoever runs the tests. */
let dir = '';
let machine: Machine;
let runtime: Runtime;
const me = userInfo().username;
const settings = () => ({ user: me, stateDir: join(dir, 'state'), instance: 'nova-compute' });

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nova-compute-process-'));
  mkdirSync(join(dir, 'bin'));
  mkdirSync(join(dir, 'state'));
  machine = inThisDirectory(createMachine({ path: [join(dir, 'bin')] }));
  runtime = createProcessRuntime(settings(), machine);
});
afterEach(async () => {
  await runtime.stop(Date.now() + 1_000);
  rmSync(dir, { recursive: true, force: true });
});

/** No nova.conf nor log directory of this machine, and no process of another test. */
function inThisDirectory(real: Machine): Machine {
  return {
    ...real,
    exists: (path) => path.startsWith(dir) && real.exists(path),
    list: (path) =>
      path === '/proc'
        ? real.list(path).filter((name) => /^\d+$/.test(name) && isOfThisTest(real, Number(name)))
        : real.list(path),
  };
}

function isOfThisTest(real: Machine, pid: number): boolean {
  const argv = readProcess(real, pid)?.argv ?? [];
  return argv.some((word) => word.startsWith(dir)) || argv[0] === 'sleep';
}

function novaCompute(script: string): string {
  const path = join(dir, 'bin', 'nova-compute');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const WORKS = 'trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.05; done';
const pidFile = () => join(dir, 'state', 'nova-compute.pid');
const output = () => join(dir, 'state', 'nova-compute.out');
const pidOf = () => Number(readFileSync(pidFile(), 'utf8').split('\n')[0]);
const printed = (text: string) => expect.poll(() => readFileSync(output(), 'utf8')).toContain(text);
const alive = (pid: number) => readProcess(machine, pid) !== null;

describe('a real process', () => {
  test('is started in its own session, found, and ends when asked', async () => {
    novaCompute(WORKS);
    expect(await runtime.state()).toMatchObject({ kind: 'stopped' });
    const before = Date.now();
    await runtime.start(Date.now() + 60_000);
    const state = await runtime.state();
    expect(state).toMatchObject({ kind: 'running' });
    // The kernel counts boot time in whole seconds.
    expect(Math.abs((state.kind === 'running' ? (state.since ?? 0) : 0) - before)).toBeLessThan(2_500);
    const pid = pidOf();
    expect(readProcess(machine, pid)).toMatchObject({ pid, session: pid, group: pid });
    await printed('ready');
    const began = Date.now();
    await runtime.stop(began + 20_000);
    expect(Date.now() - began).toBeLessThan(5_000);
    expect(alive(pid)).toBe(false);
    expect(existsSync(pidFile())).toBe(false);
    expect(await runtime.lastLines(5)).toEqual(['ready', 'bye']);
    expect(await runtime.state()).toMatchObject({ kind: 'stopped' });
  });

  test('gets an environment of its own, no input, a log nobody else reads, and no file of the agent', async () => {
    novaCompute(
      'env; echo "input: $(cat | wc -c)"; umask; ls /proc/self/fd | tr "\\n" " "; echo ready; sleep 9',
    );
    process.env['OCF_RESKEY_password'] = 'secret';
    // Pacemaker's.
    const umask = process.umask(0o026);
    try {
      await runtime.start(Date.now() + 60_000);
      expect(process.umask()).toBe(0o026);
    } finally {
      process.umask(umask);
      delete process.env['OCF_RESKEY_password'];
    }
    await printed('ready');
    const text = readFileSync(output(), 'utf8');
    expect(text).not.toContain('secret');
    expect(text).not.toContain('OCF_');
    expect(text).toContain('LIBGUESTFS_ATTACH_METHOD=appliance');
    expect(text).toContain(`LOGNAME=${me}`);
    expect(text).toContain('input: 0');
    expect(text).toContain('0022');
    // 3 is the directory that ls itself reads; a high one was given to the tests themselves by their caller.
    expect(text).toMatch(/^0 1 2 (\d{2,} )*3 ready$/m);
    expect(statSync(output()).mode & 0o777).toBe(0o640);
  });

  test('that ignores SIGTERM is ended in time, with what it started', async () => {
    novaCompute(`trap "" TERM; sleep 60 & echo $! > ${dir}/child; echo ready; while :; do sleep 0.05; done`);
    await runtime.start(Date.now() + 60_000);
    await printed('ready');
    const pid = pidOf();
    const child = Number(readFileSync(join(dir, 'child'), 'utf8'));
    const began = Date.now();
    await runtime.stop(began + 4_000);
    expect(Date.now() - began).toBeGreaterThan(1_000);
    expect(Date.now() - began).toBeLessThan(4_000);
    await expect.poll(() => alive(pid) || alive(child)).toBe(false);
  });

  test('that dies at once is seen to, with its last words and none of the run before', async () => {
    novaCompute('echo "old words" >&2; exit 1');
    await runtime.start(Date.now() + 60_000);
    novaCompute('echo "Traceback" >&2; echo "ImportError: nova" >&2; exit 1');
    await runtime.start(Date.now() + 60_000);
    await expect.poll(() => runtime.state()).toMatchObject({ kind: 'stopped' });
    expect(await runtime.lastLines(20)).toEqual(['Traceback', 'ImportError: nova']);
    // Whether it lived long enough to get a pid file or not: nothing of it stands in the way of the next start.
    novaCompute(WORKS);
    await runtime.start(Date.now() + 60_000);
    expect(await runtime.state()).toMatchObject({ kind: 'running' });
    expect(alive(pidOf())).toBe(true);
    await runtime.stop(Date.now() + 5_000);
  });

  test('whose pid file was lost is taken over', async () => {
    novaCompute(WORKS);
    await runtime.start(Date.now() + 60_000);
    const pid = pidOf();
    rmSync(pidFile());
    expect(await runtime.state()).toMatchObject({ kind: 'running' });
    await runtime.start(Date.now() + 60_000);
    expect(pidOf()).toBe(pid);
    await runtime.stop(Date.now() + 5_000);
    expect(alive(pid)).toBe(false);
  });

  test('of a stranger is neither counted nor touched, whatever the pid file says', async () => {
    novaCompute(WORKS);
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
    try {
      const pid = stranger.pid ?? 0;
      const ticks = readProcess(machine, pid)?.startTicks;
      writeFileSync(
        pidFile(),
        `${pid}\n${ticks}\n${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}\n`,
      );
      expect(await runtime.state()).toMatchObject({
        kind: 'stopped',
        sentence: expect.stringContaining(`process ${pid} is no nova-compute`),
      });
      await runtime.stop(Date.now() + 2_000);
      expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  test('whose pid file cannot be had runs all the same, and that is said', async () => {
    novaCompute(WORKS);
    mkdirSync(join(pidFile(), 'x'), { recursive: true });
    await expect(runtime.start(Date.now() + 60_000)).rejects.toThrow(
      /^nova-compute runs as process \d+, but its pid file cannot be written/,
    );
    expect(await runtime.state()).toMatchObject({
      kind: 'running',
      sentence: expect.stringMatching(/The pid file .*nova-compute\.pid is ignored: it cannot be read\.$/),
    });
    await runtime.stop(Date.now() + 5_000);
    expect(await runtime.state()).toMatchObject({ kind: 'stopped' });
  });

  test('outlives the SIGKILL of the whole process group of the agent that started it', async () => {
    novaCompute(WORKS);
    const agent = join(dir, 'agent.ts');
    const source = (name: string) =>
      new URL(`../../../../agents/NovaCompute/runtime/${name}`, import.meta.url).pathname;
    writeFileSync(
      agent,
      `import { createMachine } from '${source('realMachine.ts')}';
       import { createProcessRuntime } from '${source('process.ts')}';
       const runtime = createProcessRuntime(${JSON.stringify(settings())}, createMachine({ path: ['${dir}/bin'] }));
       await runtime.start(Date.now() + 60_000);
       process.kill(0, 'SIGKILL');`,
    );
    const ended = await new Promise((resolve) => {
      spawn(process.execPath, [agent], { detached: true, stdio: 'inherit' }).on('exit', (_, signal) =>
        resolve(signal),
      );
    });
    expect(ended).toBe('SIGKILL');
    await sleep(200);
    expect(await runtime.state()).toMatchObject({ kind: 'running' });
  });

  test('is not kept waiting for: the agent ends while it runs, and its output is not held open', () => {
    novaCompute(WORKS);
    const agent = join(dir, 'agent.ts');
    const source = (name: string) =>
      new URL(`../../../../agents/NovaCompute/runtime/${name}`, import.meta.url).pathname;
    writeFileSync(
      agent,
      `import { createMachine } from '${source('realMachine.ts')}';
       import { createProcessRuntime } from '${source('process.ts')}';
       await createProcessRuntime(${JSON.stringify(settings())}, createMachine({ path: ['${dir}/bin'] })).start(Date.now() + 60_000);
       console.log('started');`,
    );
    // spawnSync waits until nobody holds the other end of stdout and stderr.
    const run = spawnSync(process.execPath, [agent], { encoding: 'utf8', timeout: 15_000 });
    expect(run).toMatchObject({ status: 0, stdout: 'started\n' });
  });
});

describe('where it writes', () => {
  test.each([
    ['a symbolic link', () => symlinkSync(join(dir, 'precious'), output()), 'it is a symbolic link'],
    [
      'another name of a file',
      () => linkSync(join(dir, 'precious'), output()),
      'it is not a plain file of its own',
    ],
    ['a pipe', () => spawnSync('mkfifo', [output()]), 'it is a pipe'],
  ])('%s is not followed', async (_, make, why) => {
    novaCompute(WORKS);
    writeFileSync(join(dir, 'precious'), 'precious');
    make();
    await expect(runtime.start(Date.now() + 60_000)).rejects.toThrow(
      `nova-compute is not started, because ${output()} cannot be written to: ${why}.`,
    );
    expect(readFileSync(join(dir, 'precious'), 'utf8')).toBe('precious');
    expect(await runtime.state()).toMatchObject({ kind: 'stopped' });
  });

  test.each([
    ['a symbolic link', () => symlinkSync(join(dir, 'secret'), output())],
    ['a directory', () => mkdirSync(output())],
    ['a pipe', () => spawnSync('mkfifo', [output()])],
  ])('what stands in for its log, %s, is not shown', async (_, make) => {
    writeFileSync(join(dir, 'secret'), 'root:hash\n');
    make();
    expect(await runtime.lastLines(5)).toEqual([]);
  });

  test('only the end of a long log is read', async () => {
    writeFileSync(output(), `${'x'.repeat(100)}\n`.repeat(1_000));
    expect(machine.tail(output(), 10)).toBe('xxxxxxxxx\n');
    expect(machine.tail(join(dir, 'none'), 10)).toBeNull();
    expect(await runtime.lastLines(100_000)).toHaveLength(649);
  });

  test('the state directory is made where it is missing', async () => {
    novaCompute(WORKS);
    rmSync(join(dir, 'state'), { recursive: true });
    await runtime.start(Date.now() + 60_000);
    expect(await runtime.state()).toMatchObject({ kind: 'running' });
  });

  test('a log that has grown large is put aside', async () => {
    novaCompute('exit 0');
    writeFileSync(output(), 'x'.repeat(17 * 1024 * 1024));
    await runtime.start(Date.now() + 60_000);
    expect(statSync(output()).size).toBeLessThan(1_000);
    expect(statSync(`${output()}.1`).size).toBeGreaterThan(16_000_000);
  });
});

describe.runIf(process.getuid?.() === 0)('as another user (needs root)', () => {
  test('it has that user, its groups, and none of root’s rights', async () => {
    chmodSync(dir, 0o755);
    const path = novaCompute('id -un; id -G; grep CapEff /proc/self/status; echo ready; sleep 9');
    chmodSync(path, 0o755);
    const other = createProcessRuntime({ ...settings(), user: 'nobody' }, machine);
    try {
      await other.start(Date.now() + 60_000);
      await printed('ready');
      const text = readFileSync(output(), 'utf8');
      const groups = spawnSync('id', ['-G', 'nobody'], { encoding: 'utf8' }).stdout;
      expect(text).toContain(`nobody\n${groups}`);
      expect(text).toContain('CapEff:\t0000000000000000');
      expect(await other.state()).toMatchObject({ kind: 'running' });
      expect(await runtime.state()).toMatchObject({ kind: 'stopped' });
    } finally {
      await other.stop(Date.now() + 3_000);
    }
    expect(await other.state()).toMatchObject({ kind: 'stopped' });
  });
});

describe('commands', () => {
  const script = (name: string, text: string) => {
    writeFileSync(join(dir, 'bin', name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(dir, 'bin', name), 0o755);
  };

  test('give what they print and how they end, in an environment of their own', async () => {
    script('tool', 'echo "$1 $HOME $LC_ALL $OCF_X"; echo oops >&2; exit 3');
    process.env['OCF_X'] = 'x';
    const outcome = await machine.run('tool', ['$(id)'], 5_000);
    delete process.env['OCF_X'];
    expect(outcome.stdout).toMatch(/^\$\(id\) \/(root)? C \n$/);
    expect(outcome).toMatchObject({ exitCode: 3, stderr: 'oops\n' });
  });

  test('that hang are ended, and that is one sentence', async () => {
    script('tool', 'trap "" TERM; exec sleep 60');
    const began = Date.now();
    await expect(machine.run('tool', ['--now', 'inspect', 'x'], 300)).rejects.toThrow(
      'tool inspect did not end within 0.3 s and was stopped.',
    );
    expect(Date.now() - began).toBeLessThan(3_000);
  });

  test('whose children hold their output open are not waited for', async () => {
    script('tool', 'sleep 60 & echo $!');
    const began = Date.now();
    const { stdout } = await machine.run('tool', [], 20_000);
    process.kill(Number(stdout), 'SIGKILL');
    expect(Date.now() - began).toBeLessThan(3_000);
  });

  test('that cannot be run, or are killed, are one sentence', async () => {
    await expect(machine.run('no-such-tool', [], 1_000)).rejects.toThrow(
      'no-such-tool could not be run: it is not there.',
    );
    script('tool', 'kill -KILL $$');
    await expect(machine.run('tool', ['stop'], 1_000)).rejects.toThrow('tool stop was ended by SIGKILL.');
  });
});
