import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NovaConfError, readNovaConf } from '../../../agents/NovaCompute/novaConf/index.ts';
import { configFilesOf } from '../../../agents/NovaCompute/novaConf/places.ts';
import { createMachine } from '../../../agents/NovaCompute/runtime/realMachine.ts';
import { FakeMachine } from './runtime/fakeMachine.ts';

/** What oslo.config 9.0.0 made of the same texts was compared with this reader by machine; these are the rules. */
const conf = (...texts: readonly string[]) => {
  const machine = new FakeMachine();
  const files = texts.map((text, at) => {
    machine.files.set(`/etc/nova/${at}.conf`, text);
    return `/etc/nova/${at}.conf`;
  });
  return readNovaConf({ files, directories: [] }, machine);
};
const value = (text: string, section = 'DEFAULT', option = 'a') => conf(text).get(section, option)?.value;
const thrown = (act: () => unknown): NovaConfError => {
  try {
    act();
  } catch (error) {
    if (error instanceof NovaConfError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('one file', () => {
  test.each([
    ['blanks around', '[DEFAULT]\na  =  b c  \n', 'b c'],
    ['a colon', '[DEFAULT]\na: b\n', 'b'],
    ['an equals sign first', '[DEFAULT]\na = b:c\n', 'b:c'],
    ['a colon first', '[DEFAULT]\na:b=c\n', 'b=c'],
    ['double quotes', '[DEFAULT]\na = "b c"\n', 'b c'],
    ['single quotes', "[DEFAULT]\na = 'b'\n", 'b'],
    ['unlike quotes', '[DEFAULT]\na = "b\'\n', '"b\''],
    ['no comment behind a value', '[DEFAULT]\na = b # c\n', 'b # c'],
    ['a comment', '[DEFAULT]\n#a = x\n; a = y\na = b\n', 'b'],
    ['the last of several', '[DEFAULT]\na = 1\n[x]\na = 2\n[DEFAULT]\na = 3\n', '3'],
    ['a continued value', '[DEFAULT]\na = 1\n  2\n\t3 \n', '1\n2\n3'],
    ['an indented comment, which is none', '[DEFAULT]\na = 1\n # 2\n', '1\n# 2'],
    ['an empty value', '[DEFAULT]\na =\n', ''],
    ['lines of Windows', '[DEFAULT]\r\na = b\r\n', 'b'],
    ['no end of line', '[DEFAULT]\na = b', 'b'],
  ])('%s', (_, text, expected) => {
    expect(value(text)).toBe(expected);
  });

  test('sections count in any case, but DEFAULT', () => {
    expect(value('[LibVirt]\na = 1\n', 'libvirt')).toBe('1');
    expect(value('[libvirt]\na = 1\n', 'LIBVIRT')).toBe('1');
    expect(value('[default]\na = 1\n')).toBeUndefined();
  });

  test('an option is known by its exact name', () => {
    expect(value('[DEFAULT]\nA = 1\n')).toBeUndefined();
  });

  test.each([
    ['[DEFAULT]\nhost comp0\n', 2, 'neither = nor : is in the line'],
    ['host = comp0\n', 1, 'an option stands before the first [section]'],
    ['[DEFAULT\nhost = comp0\n', 1, 'a [section] does not end with ]'],
    ['[]\n', 1, 'a section has no name'],
    ['[DEFAULT]\n= comp0\n', 2, 'an option has no name'],
    ['[DEFAULT]\n\n  comp0\n', 3, 'an indented line continues no option'],
    ['\ufeff[DEFAULT]\n', 1, 'neither = nor : is in the line'],
  ])('a broken one is said with its line: %j', (text, line, why) => {
    const error = thrown(() => conf(text));
    expect(error.message).toBe(
      `nova-compute cannot read its configuration: in /etc/nova/0.conf line ${line}, ${why}.`,
    );
    expect(error).toMatchObject({ code: 'syntax', file: '/etc/nova/0.conf' });
  });
});

describe('several files', () => {
  test('the later one wins, and is named with its line', () => {
    const both = conf('[DEFAULT]\nhost = a\nother = 1\n', '# x\n[DEFAULT]\nhost = b\n');
    expect(both.host).toBe('b');
    expect(both.get('DEFAULT', 'host')).toEqual({ value: 'b', file: '/etc/nova/1.conf', line: 3 });
    expect(both.get('DEFAULT', 'other')?.file).toBe('/etc/nova/0.conf');
  });

  test('those of directories come last, sorted, and only *.conf that are not hidden', () => {
    const machine = new FakeMachine();
    machine.files.set('/etc/nova/nova.conf', '[DEFAULT]\nhost = a\n');
    machine.files.set('/etc/nova/nova.conf.d/20.conf', '[DEFAULT]\nhost = c\n');
    machine.files.set('/etc/nova/nova.conf.d/10.conf', '[DEFAULT]\nhost = b\n');
    machine.files.set('/etc/nova/nova.conf.d/30.conf.rpmsave', '[DEFAULT]\nhost = d\n');
    machine.files.set('/etc/nova/nova.conf.d/.40.conf', '[DEFAULT]\nhost = e\n');
    const read = readNovaConf(
      { files: ['/etc/nova/nova.conf'], directories: ['/etc/nova/nova.conf.d', '/etc/nova/none.d'] },
      machine,
    );
    expect(read.host).toBe('c');
    expect(read.files).toEqual([
      '/etc/nova/nova.conf',
      '/etc/nova/nova.conf.d/10.conf',
      '/etc/nova/nova.conf.d/20.conf',
    ]);
  });

  test('a missing one is said', () => {
    const error = thrown(() =>
      readNovaConf({ files: ['/etc/nova/nova.conf'], directories: [] }, new FakeMachine()),
    );
    expect(error.code).toBe('missing');
    expect(error.message).toBe(
      'The configuration of nova-compute cannot be read: /etc/nova/nova.conf does not exist.',
    );
  });

  test('an unreadable one is said', () => {
    const machine = new FakeMachine();
    machine.forbidden.add('/etc/nova/nova.conf');
    const error = thrown(() => readNovaConf({ files: ['/etc/nova/nova.conf'], directories: [] }, machine));
    expect(error).toMatchObject({ code: 'unreadable' });
    expect(error.message).toBe(
      'The configuration of nova-compute cannot be read: /etc/nova/nova.conf: permission denied.',
    );
  });
});

describe('on a real file system', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'nova-conf-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test('a directory, a missing file and a good one', () => {
    const machine = createMachine();
    const read = (path: string) => readNovaConf({ files: [path], directories: [] }, machine);
    mkdirSync(join(dir, 'nova.conf'));
    expect(thrown(() => read(join(dir, 'nova.conf'))).message).toMatch(/nova\.conf: it is a directory\.$/);
    expect(thrown(() => read(join(dir, 'none.conf'))).code).toBe('missing');
    expect(thrown(() => read(join(dir, 'good.conf', 'x'))).code).toBe('missing');
    writeFileSync(join(dir, 'good.conf'), '[DEFAULT]\nhost = é.example.org\n');
    expect(read(join(dir, 'good.conf')).host).toBe('é.example.org');
  });
});

describe('references', () => {
  test.each([
    ['$b', 'one'],
    [`x${'$'}{b}y`, 'xoney'],
    ['$$b', '$b'],
    ['\\$b', '$b'],
    ['$state_path/instances', '/var/lib/nova/instances'],
    ['$other.c', 'two'],
    [`${'$'}{other.c}`, 'two'],
    ['$nope', '$nope'],
    ['$a', '$a'],
    ['$1 $', '$1 $'],
    ['$e', 'one'],
  ])('%s', (text, expected) => {
    expect(value(`[DEFAULT]\na = ${text}\nb = one\ne = $b\n[other]\nc = two\n`)).toBe(expected);
  });

  test('in a section mean its own options first', () => {
    expect(value('[DEFAULT]\nb = 1\nc = 3\n[libvirt]\na = $b$c\nb = 2\n', 'libvirt')).toBe('23');
  });

  test('in circles come to an end', () => {
    expect(value('[DEFAULT]\na = $b $b\nb = $c $c\nc = $a $a\n')).toContain('$a');
  });
});

describe('values', () => {
  test('host is null where it is not set, or empty', () => {
    expect(conf('[DEFAULT]\n').host).toBeNull();
    expect(conf('[DEFAULT]\nhost =\n').host).toBeNull();
  });

  test.each([
    ['true', true],
    ['Yes', true],
    ['ON', true],
    ['1', true],
    ['false', false],
    ['Off', false],
    ['perhaps', 'fallback'],
  ])('boolean %s', (word, expected) => {
    const read = conf(`[DEFAULT]\na = ${word}\n`);
    const both = [read.boolean('DEFAULT', 'a', true), read.boolean('DEFAULT', 'a', false)];
    expect(both).toEqual(expected === 'fallback' ? [true, false] : [expected, expected]);
  });
});

describe('which files', () => {
  const machineWith = (...files: readonly string[]) => {
    const machine = new FakeMachine();
    for (const file of files) machine.files.set(file, '');
    return machine;
  };
  const of = (argv: readonly string[], machine: FakeMachine) => configFilesOf(argv, '/var/lib/nova', machine);
  const DEBIAN = [
    'python3',
    '/usr/bin/nova-compute',
    '--config-file=/etc/nova/nova.conf',
    '--config-file=/etc/nova/nova-compute.conf',
    '--log-file=/var/log/nova/nova-compute.log',
  ];

  test('by default those of the packages, the general before the particular', () => {
    const machine = machineWith(
      '/etc/nova/nova-compute.conf',
      '/etc/nova/nova.conf',
      '/etc/nova/nova.conf.d/x.conf',
      '/etc/nova/nova-compute.conf.d/x.conf',
      '/usr/share/nova/nova-dist.conf',
    );
    expect(of(['/usr/bin/nova-compute'], machine)).toEqual({
      files: ['/usr/share/nova/nova-dist.conf', '/etc/nova/nova.conf', '/etc/nova/nova-compute.conf'],
      directories: ['/etc/nova/nova.conf.d', '/etc/nova/nova-compute.conf.d'],
    });
  });

  test('the user’s own come first', () => {
    const machine = machineWith('/etc/nova/nova.conf', '/var/lib/nova/.nova/nova.conf');
    expect(of([], machine).files).toEqual(['/var/lib/nova/.nova/nova.conf']);
  });

  test('nova.conf is named where there is none, for the message', () => {
    expect(of([], machineWith())).toEqual({ files: ['/etc/nova/nova.conf'], directories: [] });
  });

  test('as Debian’s unit says them; directories by default are read before', () => {
    expect(of(DEBIAN, machineWith('/etc/nova/nova.conf'))).toEqual({
      files: ['/etc/nova/nova.conf', '/etc/nova/nova-compute.conf'],
      directories: [],
    });
    expect(of(DEBIAN, machineWith('/etc/nova/nova.conf.d/9.conf'))).toEqual({
      files: ['/etc/nova/nova.conf.d/9.conf', '/etc/nova/nova.conf', '/etc/nova/nova-compute.conf'],
      directories: [],
    });
  });

  test('files and directories in the order given, relative to where it runs', () => {
    const machine = machineWith('/srv/d/1.conf', '/srv/e/1.conf');
    const argv = ['nova-compute', '--config-dir', 'd', '--config-file', '~/a.conf', '--config-dir=/srv/e'];
    expect(configFilesOf(argv, '/home/nova', machine, '/srv')).toEqual({
      files: ['/srv/d/1.conf', '/home/nova/a.conf'],
      directories: ['/srv/e'],
    });
  });

  test('a directory alone leaves the default files', () => {
    expect(of(['nova-compute', '--config-dir', '/srv/e'], machineWith('/etc/nova/nova.conf'))).toEqual({
      files: ['/etc/nova/nova.conf'],
      directories: ['/srv/e'],
    });
  });
});
