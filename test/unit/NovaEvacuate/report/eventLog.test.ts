import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parameters } from '../../../../agents/NovaEvacuate/parameters.ts';
import { defaultEventLog, EventLog } from '../../../../agents/NovaEvacuate/report/eventLog.ts';
import { hostEvent, instanceEvent } from './events.ts';

let dir = '';
let path = '';
let troubles: string[] = [];
let debugs: string[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'event-log-'));
  path = join(dir, 'evacuations.jsonl');
  troubles = [];
  debugs = [];
});
afterEach(() => {
  chmodSync(dir, 0o700);
  rmSync(dir, { recursive: true });
});

const eventLog = (where = path) =>
  new EventLog({
    path: where,
    node: 'ctl0',
    log: { debug: (sentence) => debugs.push(sentence) },
    onTrouble: (sentence) => troubles.push(sentence),
  });
const lines = (file = path) => readFileSync(file, 'utf8').trimEnd().split('\n');
const records = (file = path): unknown[] => lines(file).map((line) => JSON.parse(line));
const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);

describe('the records', () => {
  it('tell everything of an event, a line each', () => {
    const log = eventLog();
    log.write(hostEvent('evacuated', { counts: { total: 3, done: 1, failed: 1, left: 1 } }));
    log.write(hostEvent('marked', { sentence: 'two\nlines' }));
    log.write(instanceEvent('evacuated'));
    log.write(instanceEvent('left', { attempt: null, destination: null, requestId: null, durationMs: null }));
    const host = { time: '2026-11-21T03:39:37.000Z', node: 'ctl0', host: 'comp0', about: 'host' };
    const incident = 'comp0@2026-11-21T03:38:37.000Z';
    const instance = {
      time: '2026-11-21T03:39:19.000Z',
      node: 'ctl0',
      host: 'comp0',
      incident,
      about: 'instance',
      instance: '8e2c1c0e-0000-4000-8000-000000000001',
      name: 'vm-1',
    };
    expect(records()).toEqual([
      {
        ...host,
        incident,
        what: 'evacuated',
        counts: { total: 3, done: 1, failed: 1, left: 1 },
        sentence: 'evacuated.',
      },
      { ...host, incident, what: 'marked', sentence: 'two\nlines' },
      {
        ...instance,
        what: 'evacuated',
        attempt: 1,
        destination: 'comp1',
        requestId: 'req-1',
        durationMs: 7500,
        sentence: 'vm-1 is evacuated.',
      },
      {
        ...instance,
        what: 'left',
        attempt: null,
        destination: null,
        requestId: null,
        durationMs: null,
        sentence: 'vm-1 is left.',
      },
    ]);
    expect(troubles).toEqual([]);
  });

  it('are bounded, whatever Nova has to say', () => {
    eventLog().write(instanceEvent('failed', { sentence: 'x'.repeat(1_000_000), name: 'y'.repeat(100_000) }));
    expect(readFileSync(path, 'utf8').length).toBeLessThan(10_000);
    expect(records()).toHaveLength(1);
  });
});

describe('the file', () => {
  it.each([0o077, 0o000, 0o022])('is 0640 under any umask (%o)', (mask) => {
    const before = process.umask(mask);
    try {
      eventLog().write(hostEvent('marked'));
    } finally {
      process.umask(before);
    }
    expect(mode(path)).toBe('640');
  });

  it('keeps the mode that an operator gave it', () => {
    writeFileSync(path, '', { mode: 0o600 });
    eventLog().write(hostEvent('marked'));
    expect(mode(path)).toBe('600');
  });

  it('becomes .1 at 1 MB, three predecessors are kept, no record is lost between them', () => {
    const log = eventLog();
    const sentence = 's'.repeat(3_900);
    let bytes = 0;
    for (let number = 0; bytes < 6_000_000; number += 1) {
      const event = hostEvent('deferred', { sentence: `${number} ${sentence}` });
      log.write(event);
      bytes += sentence.length + 170;
    }
    expect(readdirSync(dir).sort()).toEqual([
      'evacuations.jsonl',
      'evacuations.jsonl.1',
      'evacuations.jsonl.2',
      'evacuations.jsonl.3',
    ]);
    for (const name of readdirSync(dir)) {
      expect(statSync(join(dir, name)).size).toBeLessThanOrEqual(1_000_000);
      expect(mode(join(dir, name))).toBe('640');
    }
    const numbers = ['.3', '.2', '.1', ''].flatMap((end) =>
      lines(path + end).map((line) => Number(/"sentence":"(\d+) /.exec(line)?.[1])),
    );
    expect(numbers.length).toBeGreaterThan(700);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    expect(troubles).toEqual([]);
  });

  it('is written on after somebody has rotated, removed or truncated it', () => {
    const log = eventLog();
    log.write(hostEvent('marked'));
    execFileSync('mv', [path, join(dir, 'old')]);
    log.write(hostEvent('claimed'));
    expect(records()).toMatchObject([{ what: 'claimed' }]);
    truncateSync(path);
    log.write(hostEvent('deferred'));
    rmSync(path);
    log.write(hostEvent('resumed'));
    expect(records()).toMatchObject([{ what: 'resumed' }]);
    expect(troubles).toEqual([]);
  });

  it('that ends in half a line, after a full disk, does not swallow the next', () => {
    appendFileSync(path, '{"half":');
    eventLog().write(hostEvent('marked'));
    expect(lines()).toEqual(['{"half":', expect.stringMatching(/^\{"time".*\}$/)]);
  });

  it('is never written through a symbolic link', () => {
    writeFileSync(join(dir, 'shadow'), 'secret\n');
    symlinkSync(join(dir, 'shadow'), path);
    eventLog().write(hostEvent('marked'));
    expect(readFileSync(join(dir, 'shadow'), 'utf8')).toBe('secret\n');
    expect(troubles).toEqual([
      `The event log ${path} cannot be written (it is a symbolic link); evacuations go on without this record.`,
    ]);
  });

  it('nor is what a predecessor links to', () => {
    writeFileSync(join(dir, 'shadow'), 'secret\n');
    writeFileSync(path, `${'x'.repeat(999_999)}\n`);
    symlinkSync(join(dir, 'shadow'), `${path}.1`);
    eventLog().write(hostEvent('marked'));
    expect(readFileSync(join(dir, 'shadow'), 'utf8')).toBe('secret\n');
    expect(records()).toMatchObject([{ what: 'marked' }]);
    expect(statSync(`${path}.1`).size).toBe(1_000_000);
  });

  it('that has become a directory is a trouble, no failure', () => {
    mkdirSync(path);
    eventLog().write(hostEvent('marked'));
    expect(troubles).toEqual([expect.stringMatching(/cannot be written \(EISDIR: .*\); evacuations go on/)]);
  });

  it.each([true, false])('that is a FIFO holds nothing up (a reader: %s)', (read) => {
    execFileSync('mkfifo', [path]);
    const reader = read ? openSync(path, constants.O_RDONLY | constants.O_NONBLOCK) : null;
    try {
      eventLog().write(hostEvent('marked'));
      expect(troubles).toEqual([expect.stringContaining('it is no plain file')]);
    } finally {
      if (reader !== null) closeSync(reader);
    }
  });

  it('that cannot be rotated grows no further', () => {
    writeFileSync(path, `${'x'.repeat(999_999)}\n`);
    mkdirSync(`${path}.1`);
    mkdirSync(`${path}.2`);
    writeFileSync(`${path}.3`, '');
    eventLog().write(hostEvent('marked'));
    expect(statSync(path).size).toBe(1_000_000);
    expect(troubles).toEqual([expect.stringContaining('cannot be written')]);
  });

  it('with a missing directory: a debug line for the default one, a trouble for a given one', () => {
    expect(parameters.find(({ name }) => name === 'event_log')?.default).toBe(defaultEventLog);
    eventLog(join(dir, 'no', 'such', 'file')).write(hostEvent('marked'));
    expect(troubles).toEqual([expect.stringMatching(/no\/such\/file cannot be written \(ENOENT: [^(]*\)/)]);
    expect(existsSync(join(dir, 'no'))).toBe(false);
    if (existsSync('/var/log/pacemaker')) return;
    const log = eventLog(defaultEventLog);
    log.write(hostEvent('marked'));
    log.write(hostEvent('claimed'));
    expect(debugs).toEqual(['There is no directory /var/log/pacemaker, so evacuations are not recorded.']);
    expect(existsSync('/var/log/pacemaker')).toBe(false);
    expect(troubles).toHaveLength(1);
  });

  it('without its full path is refused', () => {
    eventLog('evacuations.jsonl').write(hostEvent('marked'));
    expect(troubles).toEqual([
      'event_log is "evacuations.jsonl", which is no absolute path, so evacuations are not recorded.',
    ]);
  });
});

describe('two passes at once', () => {
  it('never interleave half lines, through rotations too', async () => {
    const writer = fileURLToPath(new URL('./eventWriter.ts', import.meta.url));
    const writers = ['a', 'b', 'c'].map(
      (name) =>
        new Promise<number | null>((resolve) => {
          spawn(process.execPath, [writer, path, name, '400'], { stdio: 'inherit' }).once('exit', resolve);
        }),
    );
    expect(await Promise.all(writers)).toEqual([0, 0, 0]);
    const files = ['', '.1', '.2', '.3'].map((end) => path + end).filter((file) => existsSync(file));
    expect(files.length).toBeGreaterThan(1);
    for (const file of files) {
      for (const line of lines(file)) {
        expect(JSON.parse(line)).toMatchObject({ sentence: expect.stringMatching(/^([abc])\d+\1{3000}$/) });
      }
    }
  });
});
