import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { alertFacts } from '../../../../agents/NovaEvacuate/report/alertFacts.ts';
import { AlertQueue } from '../../../../agents/NovaEvacuate/report/alertQueue.ts';
import { AlertSpool } from '../../../../agents/NovaEvacuate/report/alertSpool.ts';
import {
  type AlertRun,
  isAlertWorkerRunning,
  runAlerts,
} from '../../../../agents/NovaEvacuate/report/alertWorker.ts';
import type { EvacuationEvent } from '../../../../lib/evacuation/tell/events.ts';
import { hostEvent, instanceEvent } from './events.ts';

const agent = fileURLToPath(new URL('./agent.ts', import.meta.url));
let dir = '';
let program = '';
let stateDir = '';
let troubles: string[] = [];
let warnings: string[] = [];
let dropped = 0;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'alert-'));
  program = join(dir, 'alert');
  stateDir = join(dir, 'state');
  troubles = [];
  warnings = [];
  dropped = 0;
  // Tells what it was called with, a file per call.
  script(`env >${dir}/env.$OS_ALERT_WHAT; echo "$OS_ALERT_WHAT $# $OS_ALERT_ATTEMPT" >>${dir}/calls`);
});
afterEach(async () => {
  // Where a test has left no directory there is no worker either.
  const isRunning = () => isAlertWorkerRunning(stateDir, 'evac').catch(() => false);
  await expect.poll(isRunning, { timeout: 10_000 }).toBe(false);
  rmSync(dir, { recursive: true });
});

function script(body: string): void {
  writeFileSync(program, `#!/bin/sh\n${body}\n`);
  chmodSync(program, 0o755);
}
const queue = (more: { env?: NodeJS.ProcessEnv; program?: string; now?: () => number } = {}) =>
  new AlertQueue({
    program,
    stateDir,
    instance: 'evac',
    node: 'ctl0',
    env: { HA_LOGFILE: join(dir, 'log'), OCF_RESKEY_password: 's3cr3t', SECRET: 's3cr3t' },
    now: Date.now,
    workerArgs: [agent],
    onDropped: () => {
      dropped += 1;
    },
    onTrouble: (sentence) => troubles.push(sentence),
    ...more,
  });
const worker = (more: Partial<AlertRun> = {}) =>
  runAlerts({
    program,
    stateDir,
    instance: 'evac',
    log: { warn: (sentence) => warnings.push(sentence), debug: () => undefined },
    ...more,
  });
/** Puts alerts down as a pass does, with nobody to work them off. */
function put(...events: EvacuationEvent[]): void {
  const spool = new AlertSpool(stateDir, 'evac');
  for (const event of events) spool.put(alertFacts(event, 'ctl0') ?? {}, Date.now());
}
const lines = (name: string) =>
  existsSync(join(dir, name)) ? readFileSync(join(dir, name), 'utf8').trimEnd().split('\n') : [];
const waiting = () => new AlertSpool(stateDir, 'evac').waiting();
const attempts = (number: number) =>
  Array.from({ length: number }, (_, index) => instanceEvent('failed', { attempt: index + 1 }));

describe('what a program is told', () => {
  const facts = (event: EvacuationEvent) => alertFacts(event, 'ctl0');

  it('is everything, of the outcomes alone', () => {
    expect(facts(instanceEvent('evacuated'))).toEqual({
      OS_ALERT_KIND: 'instance',
      OS_ALERT_WHAT: 'evacuated',
      OS_ALERT_TIME: '2026-11-21T03:39:19.000Z',
      OS_ALERT_HOST: 'comp0',
      OS_ALERT_INCIDENT: 'comp0@2026-11-21T03:38:37.000Z',
      OS_ALERT_INSTANCE_ID: '8e2c1c0e-0000-4000-8000-000000000001',
      OS_ALERT_INSTANCE_NAME: 'vm-1',
      OS_ALERT_OUTCOME: 'done',
      OS_ALERT_DESTINATION: 'comp1',
      OS_ALERT_ATTEMPT: '1',
      OS_ALERT_REQUEST_ID: 'req-1',
      OS_ALERT_DURATION: '7.5',
      OS_ALERT_TOTAL: '',
      OS_ALERT_DONE: '',
      OS_ALERT_FAILED: '',
      OS_ALERT_LEFT: '',
      OS_ALERT_SENTENCE: 'vm-1 is evacuated.',
      OS_ALERT_NODE: 'ctl0',
      OS_ALERT_VERSION: 'development',
    });
    const counts = { total: 3, done: 1, failed: 2, left: 0 };
    expect(facts(hostEvent('evacuated', { counts }))).toMatchObject({
      OS_ALERT_KIND: 'host',
      OS_ALERT_INSTANCE_NAME: '',
      OS_ALERT_OUTCOME: '',
      OS_ALERT_TOTAL: '3',
      OS_ALERT_DONE: '1',
      OS_ALERT_FAILED: '2',
      OS_ALERT_LEFT: '0',
    });
    const raised = (['marked', 'claimed', 'deferred', 'resumed', 'evacuated', 'released'] as const).filter(
      (what) => facts(hostEvent(what)) !== null,
    );
    expect(raised).toEqual(['marked', 'deferred', 'evacuated', 'released']);
    const outcomes = (['requested', 'evacuated', 'failed', 'givenUp', 'left'] as const).map(
      (what) => facts(instanceEvent(what))?.['OS_ALERT_OUTCOME'] ?? null,
    );
    expect(outcomes).toEqual([null, 'done', 'failed', 'given_up', 'left']);
  });

  it('is one line each, whatever an owner calls an instance', () => {
    const odd = facts(instanceEvent('left', { name: 'a\0b\nc\u2028d', sentence: 'x'.repeat(200_000) }));
    expect(odd?.['OS_ALERT_INSTANCE_NAME']).toBe('a b c d');
    expect(odd?.['OS_ALERT_SENTENCE']?.length).toBe(4_000);
  });
});

describe('a pass', () => {
  it('has a process of its own run the program, in order, with a clean environment', async () => {
    const alerts = queue();
    alerts.add(hostEvent('marked', { sentence: 'Fenced; $(reboot) `reboot`' }));
    for (const event of attempts(5)) alerts.add(event);
    alerts.add(instanceEvent('requested'));
    await alerts.close();
    await expect.poll(() => lines('calls'), { timeout: 10_000 }).toHaveLength(6);
    expect(lines('calls')).toEqual(['marked 0 ', ...attempts(5).map(({ attempt }) => `failed 0 ${attempt}`)]);
    const names = lines('env.marked').map((line) => line.split('=')[0] ?? '');
    expect(names.filter((name) => !/^(OS_ALERT_[A-Z_]+|PATH|PWD|SHLVL|_|OLDPWD)$/.test(name))).toEqual([]);
    expect(lines('env.marked')).toContain('OS_ALERT_SENTENCE=Fenced; $(reboot) `reboot`');
    expect(lines('env.marked')).toContain('PWD=/');
    expect(readFileSync(join(dir, 'env.marked'), 'utf8')).not.toContain('s3cr3t');
    expect([troubles, dropped, waiting()]).toEqual([[], 0, 0]);
  });

  it('is never held up: neither by the program nor by how many alerts there are', async () => {
    script('sleep 2');
    const before = performance.now();
    const alerts = queue();
    for (const event of attempts(200)) alerts.add(event);
    await alerts.close();
    expect(performance.now() - before).toBeLessThan(1_000);
    // So that the worker ends.
    await expect.poll(() => isAlertWorkerRunning(stateDir, 'evac'), { timeout: 10_000 }).toBe(true);
    rmSync(join(stateDir, 'evac.alerts'), { recursive: true });
  });

  it('that is killed with its whole process group takes no alert with it', async () => {
    script(`sleep 0.2; echo $OS_ALERT_ATTEMPT >>${dir}/calls`);
    const pass = join(dir, 'pass.ts');
    const modules = new URL('../../../../agents/NovaEvacuate/report/', import.meta.url).href;
    writeFileSync(
      pass,
      `import { AlertQueue } from '${modules}alertQueue.ts';
       import { instanceEvent } from '${new URL('./events.ts', import.meta.url).href}';
       const alerts = new AlertQueue({ program: '${program}', stateDir: '${stateDir}', instance: 'evac', node: 'ctl0',
         env: {}, now: Date.now, workerArgs: ['${agent}'], onDropped() {}, onTrouble(text: string) { throw new Error(text); } });
       for (let attempt = 1; attempt <= 10; attempt += 1) alerts.add(instanceEvent('failed', { attempt }));
       setInterval(() => undefined, 1000);`,
    );
    const child = spawn(process.execPath, [pass], { detached: true, stdio: 'inherit' });
    await expect.poll(() => lines('calls').length, { timeout: 10_000 }).toBeGreaterThan(1);
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await expect.poll(() => lines('calls'), { timeout: 10_000 }).toHaveLength(10);
    expect(lines('calls')).toEqual(attempts(10).map(({ attempt }) => String(attempt)));
  });

  it('starts what works off the alerts that a killed one has left', async () => {
    put(...attempts(3));
    await queue().close();
    await expect.poll(() => lines('calls'), { timeout: 10_000 }).toHaveLength(3);
  });

  it('starts no second process while one is at work', async () => {
    script(`echo $PPID >>${dir}/calls; sleep 0.3`);
    const alerts = queue();
    for (const event of attempts(8)) {
      alerts.add(event);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    await alerts.close();
    await expect.poll(() => lines('calls').length, { timeout: 15_000 }).toBe(8);
    expect(new Set(lines('calls')).size).toBe(1);
  });

  it('drops what is beyond a thousand, counts it, and says so once', () => {
    mkdirSync(dir, { recursive: true });
    put(...attempts(990));
    const alerts = queue({ now: () => 0 });
    for (const event of attempts(30)) alerts.add(event);
    expect([waiting(), dropped]).toEqual([1000, 20]);
    expect(new Set(troubles)).toEqual(
      new Set([`1000 alerts wait for ${program} already; further ones are dropped until it has caught up.`]),
    );
    rmSync(join(stateDir, 'evac.alerts'), { recursive: true });
  });

  it.each<[string, () => void, RegExp]>([
    [
      'is missing',
      () => rmSync(program),
      /cannot be run \(ENOENT: no such file or directory\), so nobody is alerted/,
    ],
    ['is not executable', () => chmodSync(program, 0o644), /cannot be run \(EACCES: permission denied\)/],
    [
      'is a directory',
      () => {
        rmSync(program);
        mkdirSync(program);
      },
      /is no file/,
    ],
  ])('says so when the program %s, and puts nothing down', async (_, spoil, sentence) => {
    spoil();
    const alerts = queue();
    for (const event of attempts(3)) alerts.add(event);
    await alerts.close();
    expect(troubles).toEqual([expect.stringMatching(sentence)]);
    expect([waiting(), dropped]).toEqual([0, 3]);
  });

  it('refuses a program without its full path', () => {
    queue({ program: 'alert' }).add(hostEvent('marked'));
    expect(troubles).toEqual([
      'The alert program alert is given without its full path, so nobody is alerted; evacuations go on.',
    ]);
  });

  it('goes on where alerts cannot be put down', async () => {
    writeFileSync(stateDir, 'no directory');
    const alerts = queue();
    alerts.add(hostEvent('marked'));
    await alerts.close();
    expect(troubles).toEqual([
      expect.stringMatching(/^Alerts cannot be put down in .*\(ENOTDIR: not a directory\)/),
    ]);
    expect(dropped).toBe(1);
  });
});

describe('the worker', () => {
  it('is not held up by a program that leaves processes behind and closes nothing', async () => {
    script(`sleep 20 & echo $! >>${dir}/left; echo $OS_ALERT_ATTEMPT >>${dir}/calls`);
    put(...attempts(3));
    const before = performance.now();
    await worker();
    expect(performance.now() - before).toBeLessThan(3_000);
    expect(lines('calls')).toEqual(['1', '2', '3']);
    for (const pid of lines('left')) process.kill(Number(pid), 'SIGKILL');
  });

  it('ends a program that hangs, with all of its process group, and goes on', async () => {
    script(
      `echo $$ >>${dir}/pids; sleep 60 & echo $! >>${dir}/pids; [ $OS_ALERT_ATTEMPT = 1 ] && wait; true`,
    );
    put(...attempts(2));
    await worker({ programMs: 500, graceMs: 500 });
    expect(warnings).toEqual([
      `The alert program ${program} did not end within 0.5 s and was stopped (failed of vm-1); the next alerts are tried all the same.`,
    ]);
    const [first, itsChild, , left] = lines('pids').map(Number);
    expect([isAlive(first), isAlive(itsChild)]).toEqual([false, false]);
    process.kill(left ?? 0, 'SIGKILL');
  });

  it('kills one that ignores SIGTERM', async () => {
    script(`trap '' TERM; echo $$ >>${dir}/pids; while :; do sleep 0.1; done`);
    put(...attempts(1));
    const before = performance.now();
    await worker({ programMs: 300, graceMs: 300 });
    expect(performance.now() - before).toBeGreaterThan(550);
    expect(isAlive(Number(lines('pids')[0]))).toBe(false);
  });

  it('tells a failure when it begins and when it changes, and tries all the same', async () => {
    script(`echo $OS_ALERT_ATTEMPT >>${dir}/calls; [ $OS_ALERT_ATTEMPT = 6 ] && kill -9 $$;
      [ $OS_ALERT_ATTEMPT = 4 ] || exit 255`);
    const ended = expect.stringContaining('ended with 255 (failed of vm-1)');
    put(...attempts(2));
    await worker();
    expect(warnings).toEqual([ended]);
    // Another process, for which nothing has changed; then it works once.
    put(...attempts(6).slice(2));
    await worker();
    expect(lines('calls')).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(warnings).toEqual([ended, ended, expect.stringContaining('was ended by SIGKILL')]);
    const spool = join(stateDir, 'evac.alerts');
    script('exit 0');
    put(...attempts(1));
    await worker();
    expect(readdirSync(spool)).toEqual([]);
  });

  it('says once that the program cannot be run after all', async () => {
    writeFileSync(program, '#!/no/such/interpreter\n');
    put(...attempts(3));
    await worker();
    expect(warnings).toEqual([expect.stringMatching(/cannot be run \(spawn .* ENOENT\)/)]);
    expect(waiting()).toBe(0);
  });

  it('takes nothing that is no alert, and nothing but ours into the environment', async () => {
    put(...attempts(1));
    const spool = join(stateDir, 'evac.alerts');
    writeFileSync(join(spool, '000000000000001-1-000001.json'), '{"half');
    writeFileSync(join(spool, '000000000000002-1-000001.json'), '{"LD_PRELOAD": "/tmp/x.so"}');
    writeFileSync(
      join(spool, '000000000000003-1-000001.json'),
      '{"LD_PRELOAD": "/tmp/x.so", "OS_ALERT_WHAT": "marked", "OS_ALERT_HOST": 7}',
    );
    await worker();
    expect(lines('calls').map((line) => line.trimEnd())).toEqual(['marked 0', 'failed 0 1']);
    expect(lines('env.marked').join(' ')).not.toMatch(/LD_PRELOAD|OS_ALERT_HOST/);
    expect(readdirSync(spool)).toEqual([]);
  });

  it('keeps what waits to its owner', () => {
    put(...attempts(1));
    const spool = join(stateDir, 'evac.alerts');
    expect(statSync(spool).mode & 0o077).toBe(0);
    for (const name of readdirSync(spool)) expect(statSync(join(spool, name)).mode & 0o077).toBe(0);
    rmSync(spool, { recursive: true });
  });

  it('takes up what is put down while it works', async () => {
    script(`echo $OS_ALERT_ATTEMPT >>${dir}/calls; sleep 0.1`);
    put(...attempts(2));
    const working = worker();
    await expect.poll(() => lines('calls').length).toBeGreaterThan(0);
    put(instanceEvent('failed', { attempt: 7 }));
    await working;
    expect(lines('calls')).toEqual(['1', '2', '7']);
  });
});

/** Whether a process is there and no zombie. */
function isAlive(pid: number | undefined): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
