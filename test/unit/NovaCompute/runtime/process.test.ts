import { describe, expect, test } from 'vitest';
import { forceAt } from '../../../../agents/NovaCompute/runtime/endProcesses.ts';
import { createProcessRuntime } from '../../../../agents/NovaCompute/runtime/process.ts';
import { BOOT, BOOTED_AT, FakeMachine, type FakeProcess, IN_A_MINUTE } from './fakeMachine.ts';

const SETTINGS = { user: 'nova', stateDir: '/run/resource-agents', instance: 'nova-compute' };
const PID_FILE = '/run/resource-agents/nova-compute.pid';
const NOVA = 64_060;
const PYTHON = ['/usr/bin/python3', '-s', '/usr/bin/nova-compute', '--config-file', '/etc/nova/nova.conf'];

const machineWith = (processes: Readonly<Record<number, FakeProcess>> = {}) => {
  const machine = new FakeMachine().install('nova-compute', 'setpriv');
  for (const [pid, process] of Object.entries(processes)) machine.processes.set(Number(pid), process);
  machine.becomes = () => ({ argv: PYTHON, uid: NOVA });
  return machine;
};
const runtime = (machine: FakeMachine) => createProcessRuntime(SETTINGS, machine);
const nova = (more: Partial<FakeProcess> = {}): FakeProcess => ({ argv: PYTHON, uid: NOVA, ...more });
const pidFile = (pid: number, ticks = 1_000, boot = BOOT) => `${pid}\n${ticks}\n${boot}\n`;

describe('whether it runs', () => {
  test('not when there is no process', async () => {
    expect(await runtime(machineWith()).state()).toEqual({
      kind: 'stopped',
      sentence: 'No nova-compute of user nova runs on this machine.',
    });
  });

  test('by its pid file, with the time of its start', async () => {
    const machine = machineWith({ 77: nova() });
    machine.files.set(PID_FILE, pidFile(77));
    expect(await runtime(machine).state()).toEqual({
      kind: 'running',
      since: BOOTED_AT + 10_000,
      sentence: 'nova-compute runs as process 77 of user nova.',
    });
  });

  test('by its pid file also where it has come to other namespaces than ours', async () => {
    const machine = machineWith({ 77: nova({ namespaces: { mnt: '99' } }) });
    machine.files.set(PID_FILE, pidFile(77));
    expect(await runtime(machine).state()).toMatchObject({ kind: 'running' });
  });

  test.each([
    ['a script of Python', ['/usr/bin/python3', '/usr/bin/nova-compute']],
    [
      'Python with options, as RDO has it',
      ['/usr/bin/python3.9', '-s', '-W', 'ignore', '/usr/bin/nova-compute'],
    ],
    ['a module', ['python3', '-m', 'nova.cmd.compute']],
    ['a program', ['/opt/nova/bin/nova-compute', '--debug']],
    ['a shell script', ['/bin/sh', '/usr/local/bin/nova-compute']],
    ['what is about to become it', ['/usr/bin/setpriv', '--reuid=64060', '--', '/usr/bin/nova-compute']],
  ])('found without a pid file: %s', async (_, argv) => {
    const machine = machineWith({ 88: nova({ argv, uid: argv[0] === '/usr/bin/setpriv' ? 0 : NOVA }) });
    expect(await runtime(machine).state()).toMatchObject({
      kind: 'running',
      sentence: expect.stringMatching(/process 88 /),
    });
  });

  test.each<[string, Partial<FakeProcess>]>([
    ['an editor', { argv: ['vi', '/usr/bin/nova-compute'] }],
    ['a pager of its log', { argv: ['tail', '-f', '/var/log/nova/nova-compute.log'] }],
    ['the original agent that looks for it', { argv: ['grep', 'python.*nova-compute'] }],
    [
      'su, which only starts it',
      { argv: ['su', 'nova', '-s', '/bin/sh', '-c', '/usr/bin/nova-compute'], uid: 0 },
    ],
    ['Python with another module', { argv: ['python3', '-m', 'pytest', '/usr/bin/nova-compute'] }],
    ['Python by itself', { argv: ['python3', '-i'] }],
    ['what names it behind --', { argv: ['less', '--', '/usr/bin/nova-compute'] }],
    ['a shell with a command', { argv: ['/bin/sh', '-ec', '/usr/bin/nova-compute'] }],
    [
      'its helper for privileges',
      { argv: ['/usr/bin/python3', '/usr/bin/privsep-helper', '--config-file', 'x'] },
    ],
    [
      'rootwrap',
      { argv: ['/usr/bin/python3', '/usr/bin/nova-rootwrap', '/etc/nova/rootwrap.conf', 'nova-compute'] },
    ],
    ['another service of Nova', { argv: ['/usr/bin/python3', '/usr/bin/nova-compute-helper'] }],
    ['one of another user', { uid: 1_000 }],
    ['root, who is not nova', { uid: 0 }],
    ['one that has ended and is not yet reaped', { state: 'Z' }],
    ['one in another pid namespace', { namespaces: { pid: '99' } }],
    ['one in another mount namespace', { namespaces: { mnt: '99' } }],
    ['one of a systemd unit', { cgroup: '0::/system.slice/openstack-nova-compute.service\n' }],
    ['one of podman', { cgroup: '0::/machine.slice/libpod-0123abc.scope/container\n' }],
    ['one of docker', { cgroup: '12:pids:/docker/0123abc\n0::/\n' }],
    ['one of docker with systemd', { cgroup: '0::/system.slice/docker-0123abc.scope\n' }],
  ])('never taken for it: %s', async (_, process) => {
    const machine = machineWith({ 88: nova(process) });
    expect(await runtime(machine).state()).toMatchObject({ kind: 'stopped' });
    await runtime(machine).stop(machine.now() + 20_000);
    expect(machine.signals).toEqual([]);
  });

  test.each([
    ['Pacemaker on a full node', '0::/system.slice/pacemaker.service\n'],
    ['a login of root', '0::/user.slice/user-0.slice/session-3.scope\n'],
    ['a desktop', '0::/user.slice/user-0.slice/user@0.service/app.slice/term.scope\n'],
    ['no controllers at all', '0::/\n'],
  ])('taken over though it was started from elsewhere: %s', async (_, cgroup) => {
    const machine = machineWith({ 88: nova({ cgroup }) });
    expect(await runtime(machine).state()).toMatchObject({ kind: 'running' });
  });

  test('a container around agent and nova-compute alike is nobody who manages it', async () => {
    const machine = machineWith({ 88: nova({ cgroup: '0::/docker/0123abc\n' }) });
    machine.files.set('/proc/self/cgroup', '0::/docker/0123abc\n');
    expect(await runtime(machine).state()).toMatchObject({ kind: 'running' });
  });

  test('a fork of it with the same command line is not counted', async () => {
    const machine = machineWith({ 88: nova(), 89: nova({ parent: 88 }) });
    const state = await runtime(machine).state();
    expect(state.sentence).toBe('nova-compute runs as process 88 of user nova.');
  });

  test.each<[string, string, Partial<FakeProcess>, string | null]>([
    ['a pid given to somebody else', pidFile(77), { startTicks: 5_000 }, 'process 77 is another one by now'],
    ['another program', pidFile(77), { argv: ['/usr/sbin/sshd', '-D'] }, 'process 77 is no nova-compute'],
    ['another user', pidFile(77), { uid: 1_000 }, 'process 77 is not of user nova'],
    ['garbage', 'hello', { argv: ['x'] }, 'what it holds is none of ours'],
    ['an old pid file of another program', '77\n', { argv: ['x'] }, 'what it holds is none of ours'],
    ['another boot', pidFile(77, 1_000, 'other-boot'), { argv: ['x'] }, null],
    ['one that has ended', pidFile(78), { argv: ['x'] }, null],
  ])('a pid file that names %s counts as none, and nobody is signalled', async (_, text, process, why) => {
    const machine = machineWith({ 77: nova({ ...process, namespaces: { mnt: '99' } }) });
    machine.files.set(PID_FILE, text);
    const remark = why === null ? '' : ` The pid file ${PID_FILE} is ignored: ${why}.`;
    expect(await runtime(machine).state()).toEqual({
      kind: 'stopped',
      sentence: `No nova-compute of user nova runs on this machine.${remark}`,
    });
    await runtime(machine).stop(machine.now() + 20_000);
    expect(machine.signals).toEqual([]);
  });

  test('a stranger in the pid file does not hide the one that runs', async () => {
    const machine = machineWith({ 77: nova({ argv: ['sshd'] }), 88: nova() });
    machine.files.set(PID_FILE, pidFile(77));
    const state = await runtime(machine).state();
    expect(state).toMatchObject({ kind: 'running' });
    expect(state.sentence).toBe(
      `nova-compute runs as process 88 of user nova. The pid file ${PID_FILE} is ignored: process 77 is no nova-compute.`,
    );
  });

  test('there is nothing to manage for a user that is not there', async () => {
    const machine = machineWith({ 88: nova() });
    const state = await createProcessRuntime({ ...SETTINGS, user: 'novva' }, machine).state();
    expect(state).toEqual({ kind: 'missing', sentence: 'There is no user novva on this machine.' });
  });

  test('a user that only the name service knows is found', async () => {
    const machine = machineWith({ 88: nova({ uid: 900 }) }).install('getent');
    machine.answer(/^getent passwd -- cloud$/, 'cloud:*:900:901::/home/cloud:/bin/sh\n');
    expect(await createProcessRuntime({ ...SETTINGS, user: 'cloud' }, machine).state()).toMatchObject({
      kind: 'running',
    });
  });
});

describe('start', () => {
  test('as the user with its groups, in an environment of its own, with a pid file', async () => {
    const machine = machineWith();
    machine.files.set('/var/log/nova/nova-api.log', '');
    await runtime(machine).start(IN_A_MINUTE);
    expect(machine.launched).toEqual([
      {
        file: '/usr/bin/setpriv',
        args: ['--reuid=64060', '--regid=64061', '--init-groups', '--', '/usr/bin/nova-compute'],
        env: {
          PATH: '/usr/sbin:/usr/bin',
          HOME: '/var/lib/nova',
          USER: 'nova',
          LOGNAME: 'nova',
          SHELL: '/bin/false',
          LANG: 'C.UTF-8',
          LIBGUESTFS_ATTACH_METHOD: 'appliance',
        },
        output: {
          path: '/var/log/nova/nova-compute.out',
          header: '--- 2026-01-01T01:00:00.000Z NovaCompute starts nova-compute (nova-compute)',
          owner: { uid: 64_060, gid: 64_061 },
        },
      },
    ]);
    expect(machine.files.get(PID_FILE)).toBe(pidFile(5_001, 360_000));
    expect(await runtime(machine).state()).toMatchObject({ kind: 'running', since: machine.time });
  });

  test.each([
    [['runuser', 'su'], '/usr/bin/runuser -u nova -- /usr/bin/nova-compute'],
    [['su'], "/usr/bin/su nova -s /bin/sh -c exec '/usr/bin/nova-compute'"],
  ])('without setpriv through one of %j, and the pid file names the child', async (tools, line) => {
    const machine = new FakeMachine().install('nova-compute', ...tools);
    machine.becomes = (pid, what) => {
      machine.processes.set(6_000, nova({ parent: pid, session: pid }));
      return { argv: [what.file, ...what.args], uid: 0 };
    };
    await runtime(machine).start(IN_A_MINUTE);
    const [launch] = machine.launched;
    expect([launch?.file, ...(launch?.args ?? [])].join(' ')).toBe(line);
    expect(machine.files.get(PID_FILE)).toBe(pidFile(6_000));
    expect(await runtime(machine).state()).toMatchObject({
      kind: 'running',
      sentence: expect.stringMatching(/process 6000 /),
    });
  });

  test('not twice: one that runs without a pid file gets one', async () => {
    const machine = machineWith({ 88: nova() });
    await runtime(machine).start(IN_A_MINUTE);
    expect(machine.launched).toEqual([]);
    expect(machine.files.get(PID_FILE)).toBe(pidFile(88));
  });

  test.each([
    [
      '0::/system.slice/nova-compute.service\n',
      /the systemd unit nova-compute\.service; .*set runtime=systemd/,
    ],
    ['0::/machine.slice/libpod-1.scope\n', /a container \(libpod-1\.scope\); .*runtime=podman/],
  ])('not beside one that somebody else manages', async (cgroup, sentence) => {
    const machine = machineWith({ 88: nova({ uid: 42_436, namespaces: { mnt: '9', pid: '9' }, cgroup }) });
    await expect(runtime(machine).start(IN_A_MINUTE)).rejects.toThrow(sentence);
    expect(machine.launched).toEqual([]);
  });

  test('not beside one of another user', async () => {
    const machine = machineWith({ 88: nova({ uid: 1_000 }) });
    await expect(runtime(machine).start(IN_A_MINUTE)).rejects.toThrow(
      'nova-compute already runs as process 88, of the user with id 1000 and not of nova; a second one is not ' +
        'started: end it, or set runtime=process and its user.',
    );
    expect(machine.launched).toEqual([]);
  });

  test('a managed one with another network (another node of a test bed) is no concern', async () => {
    const machine = machineWith({ 88: nova({ namespaces: { net: '9' }, cgroup: '0::/lxc/c1\n' }) });
    await runtime(machine).start(IN_A_MINUTE);
    expect(machine.launched).toHaveLength(1);
  });

  test('one that ends at once leaves no pid file, and its last lines since that start', async () => {
    const machine = machineWith();
    machine.files.set('/var/log/nova/nova-compute.out', '--- x NovaCompute starts nova-compute (a)\nold\n');
    machine.becomes = (_, { output }) => {
      const old = machine.files.get(output.path) ?? '';
      machine.files.set(
        output.path,
        `${old}${output.header}\nTraceback\n  File "x"\n\nImportError: no nova\n`,
      );
      return null;
    };
    const process = runtime(machine);
    await process.start(IN_A_MINUTE);
    expect(machine.files.has(PID_FILE)).toBe(false);
    expect(await process.state()).toMatchObject({ kind: 'stopped' });
    expect(await process.lastLines(10)).toEqual(['Traceback', '  File "x"', 'ImportError: no nova']);
    expect(await process.lastLines(1)).toEqual(['ImportError: no nova']);
  });

  test('one that becomes something that could not be found again is ended, and that is said', async () => {
    const machine = machineWith();
    machine.becomes = () => ({ argv: ['/usr/bin/java', '-jar', 'x'], uid: NOVA });
    await expect(runtime(machine).start(IN_A_MINUTE)).rejects.toThrow(
      /became something else \(process 5001: \/usr\/bin\/java -jar x\)/,
    );
    expect(machine.processes.size).toBe(0);
  });

  test('its own log is shown where nova.conf names one and nothing else was printed', async () => {
    const machine = machineWith();
    machine.files.set('/etc/nova/nova.conf', '[DEFAULT]\nlog_dir = /srv/log\n');
    machine.files.set('/srv/log/nova-compute.log', 'CRITICAL nova Unhandled error\n');
    await runtime(machine).start(IN_A_MINUTE);
    expect(machine.launched[0]?.output.path).toBe('/srv/log/nova-compute.out');
    expect(await runtime(machine).lastLines(5)).toEqual(['CRITICAL nova Unhandled error']);
  });

  test.each([
    ['[DEFAULT]\nlog_file = /srv/log/n.log\n', '/srv/log/nova-compute.out', '/srv/log/n.log'],
    ['[DEFAULT]\nlog_dir = /srv/log\nlog_file = n.log\n', '/srv/log/nova-compute.out', '/srv/log/n.log'],
    [
      '[DEFAULT]\nlog_dir = /srv/log/none\n',
      '/run/resource-agents/nova-compute.out',
      '/srv/log/none/nova-compute.log',
    ],
  ])('nova.conf says where logs are: %j', async (text, out, log) => {
    const machine = machineWith();
    machine.files.set('/etc/nova/nova.conf', text);
    machine.files.set('/srv/log/x', '');
    await runtime(machine).start(IN_A_MINUTE);
    expect(machine.launched[0]?.output.path).toBe(out);
    machine.files.set(log, 'CRITICAL\n');
    expect(await runtime(machine).lastLines(5)).toEqual(['CRITICAL']);
  });

  test('a log that this start has not written to says nothing about it', async () => {
    const machine = machineWith();
    machine.becomes = () => null;
    machine.files.set('/etc/nova/nova.conf', '[DEFAULT]\nlog_dir = /srv/log\n');
    machine.files.set('/srv/log/nova-compute.log', 'of last week\n');
    const process = runtime(machine);
    machine.modified.set('/srv/log/nova-compute.log', machine.now() - 1);
    await process.start(IN_A_MINUTE);
    expect(await process.lastLines(5)).toEqual([]);
    machine.modified.set('/srv/log/nova-compute.log', machine.now());
    expect(await process.lastLines(5)).toEqual(['of last week']);
  });

  test('output goes to the state directory where there is none for logs, also with a broken nova.conf', async () => {
    const machine = machineWith();
    machine.files.set('/etc/nova/nova.conf', 'nonsense\n');
    await runtime(machine).start(IN_A_MINUTE);
    expect(machine.launched[0]?.output.path).toBe('/run/resource-agents/nova-compute.out');
  });

  test('says what is missing', async () => {
    const bare = new FakeMachine();
    await expect(runtime(bare).start(IN_A_MINUTE)).rejects.toThrow(
      'nova-compute is not installed on this machine.',
    );
    bare.install('nova-compute');
    await expect(runtime(bare).start(IN_A_MINUTE)).rejects.toThrow(/setpriv, runuser and su are all missing/);
    bare.uid = 1_000;
    await expect(runtime(bare).start(IN_A_MINUTE)).rejects.toThrow(
      'Only root can start nova-compute as user nova.',
    );
    await expect(createProcessRuntime({ ...SETTINGS, user: 'x' }, bare).start(IN_A_MINUTE)).rejects.toThrow(
      'There is no user x on this machine, whom nova-compute is to run as: set the parameter user.',
    );
  });
});

describe('stop', () => {
  test('one that is not there is fine', async () => {
    const machine = machineWith();
    await runtime(machine).stop(machine.now() + 20_000);
    expect(machine.signals).toEqual([]);
  });

  test('asks once and waits until it has ended', async () => {
    const machine = machineWith({ 88: nova({ onTerm: 'lingers' }) });
    machine.files.set(PID_FILE, pidFile(88));
    const began = machine.now();
    await runtime(machine).stop(began + 300_000);
    expect(machine.signals).toEqual(['SIGTERM 88']);
    expect(machine.now() - began).toBeLessThan(31_000);
    expect(machine.files.has(PID_FILE)).toBe(false);
  });

  test('ends by force, in time, one that does not listen, with what is left of its session', async () => {
    const machine = machineWith({
      88: nova({ onTerm: 'ignores', session: 88 }),
      89: { argv: ['privsep-helper'], session: 88, parent: 88 },
      90: { argv: ['sshd'], session: 90 },
    });
    const began = machine.now();
    await runtime(machine).stop(began + 20_000);
    expect(machine.signals).toEqual(['SIGTERM 88', 'SIGKILL 88', 'SIGKILL 89']);
    expect(machine.now() - began).toBeGreaterThan(17_000);
    expect(machine.now() - began).toBeLessThan(20_000);
  });

  test('leaves alone the session of one that does not lead it (the original agent started it)', async () => {
    const machine = machineWith({
      88: nova({ onTerm: 'ignores', session: 50 }),
      89: { argv: ['su'], session: 50 },
    });
    await runtime(machine).stop(machine.now() + 20_000);
    expect(machine.signals).toEqual(['SIGTERM 88', 'SIGKILL 88']);
  });

  test('one that has ended and that nobody has reaped is no reason to wait, nor to kill', async () => {
    const machine = machineWith({ 88: nova({ onTerm: 'ignores' }) });
    machine.after(1_000, () => machine.processes.set(88, nova({ state: 'Z' })));
    const began = machine.now();
    await runtime(machine).stop(began + 20_000);
    expect(machine.signals).toEqual(['SIGTERM 88']);
    expect(machine.now() - began).toBeLessThan(1_500);
  });

  test('ends also a second one, beside that of the pid file', async () => {
    const machine = machineWith({ 88: nova(), 99: nova() });
    machine.files.set(PID_FILE, pidFile(88));
    await runtime(machine).stop(machine.now() + 20_000);
    expect(machine.signals).toEqual(['SIGTERM 88', 'SIGTERM 99']);
  });

  test('sends no SIGKILL to whoever got the pid meanwhile', async () => {
    const machine = machineWith({ 88: nova({ onTerm: 'ignores' }) });
    machine.after(5_000, () => machine.processes.set(88, { argv: ['sshd'], startTicks: 9_999 }));
    await runtime(machine).stop(machine.now() + 20_000);
    expect(machine.signals).toEqual(['SIGTERM 88']);
  });

  test('says so when not even force ends it', async () => {
    const machine = machineWith({ 88: nova({ onTerm: 'ignores', state: 'D' }) });
    machine.kill = (pid, signal) => machine.signals.push(`${signal} ${pid}`) > 0;
    await expect(runtime(machine).stop(machine.now() + 20_000)).rejects.toThrow(
      'nova-compute did not end, not even by SIGKILL: process 88 (state D).',
    );
  });

  test('keeps a part of the time for force', () => {
    expect(forceAt(0, 300_000)).toBe(290_000);
    expect(forceAt(0, 20_000)).toBe(18_000);
    expect(forceAt(0, 2_000)).toBe(1_000);
    expect(forceAt(5_000, 1_000)).toBe(5_000);
  });
});

describe('what it reads', () => {
  test('the files of its command line while it runs', async () => {
    const machine = machineWith({
      88: nova({ argv: ['python3', '/usr/bin/nova-compute', '--config-file', 'a.conf'], cwd: '/srv' }),
    });
    expect(await runtime(machine).configFiles()).toEqual({ files: ['/srv/a.conf'], directories: [] });
  });

  test('the usual places otherwise', async () => {
    const machine = machineWith();
    machine.files.set('/etc/nova/nova.conf', '');
    machine.files.set('/etc/nova/nova.conf.d/01.conf', '');
    expect(await runtime(machine).configFiles()).toEqual({
      files: ['/etc/nova/nova.conf'],
      directories: ['/etc/nova/nova.conf.d'],
    });
  });

  test('the mounts of the process, else of the machine', async () => {
    const machine = machineWith();
    expect(await runtime(machine).mountInfo()).toContain('ext4');
    machine.processes.set(88, nova({ mountInfo: 'its own' }));
    expect(await runtime(machine).mountInfo()).toBe('its own');
  });
});
