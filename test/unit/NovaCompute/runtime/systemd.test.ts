import { describe, expect, test } from 'vitest';
import { createContainerRuntime } from '../../../../agents/NovaCompute/runtime/container.ts';
import { createSystemdRuntime } from '../../../../agents/NovaCompute/runtime/systemd.ts';
import { BOOTED_AT, FakeMachine, failure, IN_A_MINUTE } from './fakeMachine.ts';
import { inspected, shown } from './toolOutput.ts';

const UNIT = 'openstack-nova-compute.service';

const INACTIVE = { ActiveState: 'inactive', SubState: 'dead', MainPID: 0 };
const state = (ActiveState: string, SubState: string, MainPID = 0, more = {}) =>
  shown({ ActiveState, SubState, MainPID, ...more });

/** A systemd whose unit is told by `show`, which a test changes as it goes. */
const setUp = (show: string) => {
  const unit = { show };
  const machine = new FakeMachine();
  machine.answer(/^systemctl /, '');
  machine.answer(/^systemctl show /, () => unit.show);
  return { unit, machine, runtime: createSystemdRuntime(UNIT, machine, null) };
};

describe('whether it runs', () => {
  test('asks for one unit, by name, and knows since when', async () => {
    const { machine, runtime } = setUp(shown());
    expect(await runtime.state()).toEqual({
      kind: 'running',
      since: BOOTED_AT + 5_000,
      sentence: `The unit ${UNIT} is active (running).`,
    });
    expect(machine.ran).toEqual([
      'systemctl show --property=Id,LoadState,ActiveState,SubState,MainPID,Result,Job,' +
        `ExecMainStartTimestampMonotonic,User,ExecStart -- ${UNIT}`,
    ]);
  });

  test.each([
    ['active', 'running', 700, 'running'],
    ['reloading', 'reload', 700, 'running'],
    ['activating', 'start', 700, 'running'],
    ['activating', 'start-post', 700, 'running'],
    ['deactivating', 'stop-sigterm', 700, 'running'],
    ['activating', 'start-pre', 0, 'stopped'],
    ['activating', 'auto-restart', 0, 'stopped'],
    ['deactivating', 'stop-post', 0, 'stopped'],
    ['active', 'exited', 0, 'stopped'],
    ['inactive', 'dead', 0, 'stopped'],
    ['failed', 'failed', 0, 'stopped'],
    ['maintenance', 'cleaning', 0, 'stopped'],
  ])('%s (%s), main process %i: %s', async (active, sub, pid, kind) => {
    const { runtime } = setUp(state(active, sub, pid));
    const told = await runtime.state();
    expect(told.kind).toBe(kind);
    expect(told.sentence).toContain(`is ${active} (${sub})`);
  });

  test('a restart by systemd itself is waited for a moment', async () => {
    const { unit, machine, runtime } = setUp(state('activating', 'auto-restart'));
    machine.after(1_000, () => {
      unit.show = shown();
    });
    expect(await runtime.state()).toMatchObject({ kind: 'running' });
  });

  test('why it ended is told', async () => {
    const { runtime } = setUp(state('failed', 'failed', 0, { Result: 'start-limit-hit' }));
    expect((await runtime.state()).sentence).toBe(
      `The unit ${UNIT} is failed (failed), its last run ended with start-limit-hit.`,
    );
  });

  test.each([
    ['not-found', `There is no systemd unit ${UNIT} on this machine.`],
    [
      'masked',
      `The systemd unit ${UNIT} is masked and cannot be started: unmask it, or set another runtime.`,
    ],
    ['bad-setting', `systemd cannot use the unit ${UNIT} (bad-setting): systemctl status ${UNIT} tells why.`],
  ])('%s means missing', async (LoadState, sentence) => {
    const { runtime } = setUp(shown({ ...INACTIVE, LoadState }));
    expect(await runtime.state()).toEqual({ kind: 'missing', sentence });
    await expect(runtime.start(IN_A_MINUTE)).rejects.toThrow(sentence);
    await runtime.stop(Date.now());
  });

  test('one that was masked while it ran runs', async () => {
    const { runtime } = setUp(shown({ LoadState: 'masked' }));
    expect(await runtime.state()).toMatchObject({ kind: 'running' });
  });

  test.each([
    [failure(1, 'Failed to connect to bus: No such file\n'), 'Failed to connect to bus: No such file.'],
    [failure(1, ''), 'it ended with exit code 1.'],
    ['', 'its answer has no state in it.'],
    ['LoadState=loaded\n', 'its answer has no state in it.'],
  ])('a systemctl that fails is never taken for a unit at rest', async (answer, why) => {
    const machine = new FakeMachine().answer(/^systemctl show/, answer);
    const runtime = createSystemdRuntime(UNIT, machine, null);
    await expect(runtime.state()).rejects.toMatchObject({
      name: 'ComputeError',
      message: `systemctl does not tell the state of ${UNIT}: ${why}`,
    });
  });

  test('nor is one that hangs', async () => {
    const machine = new FakeMachine().answer(/^systemctl show/, new Error('hangs'));
    const runtime = createSystemdRuntime(UNIT, machine, null);
    await expect(runtime.state()).rejects.toThrow('systemctl did not end within 8 s and was stopped.');
  });
});

describe('start', () => {
  test('clears failures, starts without waiting for readiness, and returns once there is a process', async () => {
    const { unit, machine, runtime } = setUp(shown(INACTIVE));
    machine.answer(/^systemctl start/, () => {
      unit.show = state('activating', 'start-pre', 0, { Job: 9 });
      machine.after(3_000, () => {
        unit.show = state('activating', 'start', 701, { Job: 9 });
      });
      return '';
    });
    const began = machine.now();
    await runtime.start(IN_A_MINUTE);
    expect(machine.now() - began).toBe(3_000);
    expect(machine.ran.filter((line) => !line.includes('show'))).toEqual([
      `systemctl reset-failed -- ${UNIT}`,
      `systemctl start --no-block -- ${UNIT}`,
    ]);
  });

  test('waits while another unit is started first', async () => {
    const { unit, machine, runtime } = setUp(shown(INACTIVE));
    machine.answer(/^systemctl start/, () => {
      unit.show = shown({ ...INACTIVE, Job: 9 });
      machine.after(10_000, () => {
        unit.show = shown();
      });
      return '';
    });
    const began = machine.now();
    await runtime.start(IN_A_MINUTE);
    expect(machine.now() - began).toBe(10_000);
  });

  test.each([
    ['failed', 'failed'],
    ['inactive', 'dead'],
    ['activating', 'auto-restart'],
  ])('returns when it ended at once: %s (%s)', async (active, sub) => {
    const { unit, machine, runtime } = setUp(shown(INACTIVE));
    machine.answer(/^systemctl start/, () => {
      unit.show = state(active, sub);
      return '';
    });
    await runtime.start(IN_A_MINUTE);
    expect(machine.now()).toBe(BOOTED_AT + 3_600_000);
  });

  test('one that systemd itself restarts after our start did not stay; to another agent it simply runs', async () => {
    const { unit, machine, runtime } = setUp(shown(INACTIVE));
    machine.answer(/^systemctl start/, () => {
      unit.show = shown();
      return '';
    });
    await runtime.start(IN_A_MINUTE);
    expect(await runtime.state()).toMatchObject({ kind: 'running' });
    unit.show = shown({ ExecMainStartTimestampMonotonic: 6_000_000 });
    expect(await runtime.state()).toEqual({
      kind: 'stopped',
      sentence: `The unit ${UNIT} has ended and was restarted by systemd since.`,
    });
    expect(await createSystemdRuntime(UNIT, machine, null).state()).toMatchObject({ kind: 'running' });
  });

  const NOVA = { argv: ['/usr/bin/python3', '/usr/bin/nova-compute'], uid: 64_060 };

  test.each([
    ['of the original agent', {}, /process 88, of the user with id 64060; a second one is not started/],
    [
      'of another unit',
      { cgroup: '0::/system.slice/mine.service\n' },
      /the systemd unit mine\.service; a second one/,
    ],
    [
      'of a container',
      { cgroup: '0::/machine.slice/libpod-1.scope\n' },
      /a container \(libpod-1\.scope\); a second/,
    ],
  ])('not beside a nova-compute %s', async (_, process, sentence) => {
    const { machine, runtime } = setUp(shown(INACTIVE));
    machine.processes.set(88, { ...NOVA, ...process });
    await expect(runtime.start(IN_A_MINUTE)).rejects.toThrow(sentence);
    expect(machine.ran.some((line) => line.includes('start'))).toBe(false);
  });

  test('what is left of its own last run does not hinder it, by whichever name it is asked for', async () => {
    const { unit, machine, runtime } = setUp(shown({ ...INACTIVE, Id: 'canonical.service' }));
    machine.processes.set(88, { ...NOVA, cgroup: '0::/system.slice/canonical.service\n' });
    machine.answer(/^systemctl start/, () => {
      unit.show = shown();
      return '';
    });
    await runtime.start(IN_A_MINUTE);
    expect(machine.ran).toContain(`systemctl start --no-block -- ${UNIT}`);
  });

  test('that an ExecStartPre= holds up for more than a minute has the time of its action', async () => {
    const { unit, machine, runtime } = setUp(state('activating', 'start-pre', 0, { Job: 9 }));
    machine.after(70_000, () => {
      unit.show = shown();
    });
    await runtime.start(machine.time + 500_000);
    expect(machine.time - BOOTED_AT).toBeGreaterThan(3_600_000 + 69_000);
  });

  test('that an ExecStartPre= holds up until its action is over fails and says so', async () => {
    const { runtime } = setUp(state('activating', 'start-pre', 0, { Job: 9 }));
    await expect(runtime.start(IN_A_MINUTE)).rejects.toThrow(
      `The unit ${UNIT} has not started nova-compute within 60 s: it is activating (start-pre), held up by its ` +
        'ExecStartPre= or by units that it needs.',
    );
  });

  test('that systemd refuses fails with its words', async () => {
    const { machine, runtime } = setUp(shown(INACTIVE));
    machine.answer(
      /^systemctl start/,
      failure(1, `Failed to start ${UNIT}: Access denied\nSee system logs.\n`),
    );
    await expect(runtime.start(IN_A_MINUTE)).rejects.toThrow(
      `The unit ${UNIT} could not be started: Failed to start ${UNIT}: Access denied.`,
    );
  });
});

describe('stop', () => {
  const ending = (after: number) => {
    const { unit, machine, runtime } = setUp(shown());
    machine.answer(/^systemctl stop/, () => {
      unit.show = state('deactivating', 'stop-sigterm', 700, { Job: 8 });
      machine.after(after, () => {
        unit.show = shown(INACTIVE);
      });
      return '';
    });
    return { unit, machine, runtime };
  };

  test('asks and waits', async () => {
    const { machine, runtime } = ending(60_000);
    const began = machine.now();
    await runtime.stop(began + 300_000);
    expect(machine.now() - began).toBe(60_000);
    expect(machine.ran.filter((line) => !line.includes('show'))).toEqual([
      `systemctl stop --no-block -- ${UNIT}`,
    ]);
  });

  test('ends by force in time what does not end', async () => {
    const { unit, machine, runtime } = ending(1e9);
    machine.answer(/^systemctl kill/, () => {
      unit.show = state('failed', 'failed', 0, { Result: 'signal' });
      return '';
    });
    const began = machine.now();
    await runtime.stop(began + 100_000);
    expect(machine.now() - began).toBeGreaterThanOrEqual(90_000);
    expect(machine.now() - began).toBeLessThan(100_000);
    expect(machine.ran.filter((line) => line.includes('kill'))).toEqual([
      `systemctl kill --signal=SIGKILL -- ${UNIT}`,
    ]);
  });

  test('says so when even that does not help', async () => {
    const { machine, runtime } = ending(1e9);
    await expect(runtime.stop(machine.now() + 20_000)).rejects.toThrow(
      `The unit ${UNIT} did not end, not even by SIGKILL: it is deactivating (stop-sigterm).`,
    );
  });

  test('one that was masked while it ran is stopped', async () => {
    const { unit, machine, runtime } = setUp(shown({ LoadState: 'masked' }));
    machine.answer(/^systemctl stop/, () => {
      unit.show = shown({ ...INACTIVE, LoadState: 'masked' });
      return '';
    });
    await runtime.stop(machine.now() + 20_000);
    expect(machine.ran).toContain(`systemctl stop --no-block -- ${UNIT}`);
  });

  test('waits for a start that is queued to be cancelled', async () => {
    const { unit, machine, runtime } = setUp(shown({ ...INACTIVE, Job: 9 }));
    machine.after(3_000, () => {
      unit.show = shown(INACTIVE);
    });
    const began = machine.now();
    await runtime.stop(began + 20_000);
    expect(machine.now() - began).toBe(3_000);
  });

  test('cancels a start that is held up', async () => {
    const { unit, machine, runtime } = setUp(state('activating', 'start-pre', 0, { Job: 9 }));
    machine.answer(/^systemctl stop/, () => {
      unit.show = shown(INACTIVE);
      return '';
    });
    await runtime.stop(machine.now() + 20_000);
    expect(machine.ran).toContain(`systemctl stop --no-block -- ${UNIT}`);
  });
});

describe('what it reads and writes', () => {
  test('the last lines of the journal', async () => {
    const { machine, runtime } = setUp(shown());
    machine.answer(/^journalctl/, 'one\n\ntwo\nthree\n');
    expect(await runtime.lastLines(2)).toEqual(['two', 'three']);
    expect(machine.ran).toEqual([`journalctl --unit ${UNIT} --lines 2 --output=cat --no-pager --quiet`]);
  });

  test('the configuration of the process, where ExecStart= is a script that hides it (Debian)', async () => {
    const { machine, runtime } = setUp(
      shown({
        ExecStart: '{ path=/etc/init.d/nova-compute ; argv[]=/etc/init.d/nova-compute systemd-start ; }',
      }),
    );
    machine.processes.set(700, {
      argv: ['python3', '/usr/bin/nova-compute', '--config-file=/etc/nova/b.conf'],
    });
    expect(await runtime.configFiles()).toEqual({ files: ['/etc/nova/b.conf'], directories: [] });
    machine.processes.clear();
    machine.files.set('/etc/nova/nova-compute.conf', '');
    expect((await runtime.configFiles()).files).toEqual(['/etc/nova/nova-compute.conf']);
  });

  test('that of ExecStart= while it does not run, and of the unit’s own user', async () => {
    const { runtime } = setUp(shown({ MainPID: 0 }));
    expect((await runtime.configFiles()).files).toEqual(['/etc/nova/a.conf']);
    const other = setUp(shown({ MainPID: 0, ExecStart: '{ argv[]=/usr/bin/nova-compute ; }' }));
    other.machine.files.set('/var/lib/nova/.nova/nova.conf', '');
    expect((await other.runtime.configFiles()).files).toEqual(['/var/lib/nova/.nova/nova.conf']);
  });

  test('the mounts of the process, else of the machine', async () => {
    const { machine, runtime } = setUp(shown());
    expect(await runtime.mountInfo()).toContain('ext4');
    machine.processes.set(700, { argv: ['x'], mountInfo: 'its own' });
    expect(await runtime.mountInfo()).toBe('its own');
  });
});

describe('a unit that runs a container', () => {
  const containerIs = (status: 'running' | 'exited') => {
    const { unit, machine } = setUp(shown());
    const container = { status };
    machine.install('podman').answer(/^podman/, '');
    machine.answer(/^podman inspect/, () => inspected({ Status: container.status }));
    machine.answer(/^systemctl stop/, () => {
      unit.show = shown(INACTIVE);
      return '';
    });
    machine.answer(/^podman stop/, () => {
      container.status = 'exited';
      return '';
    });
    const inside = createContainerRuntime('podman', 'nova_compute', machine);
    return { unit, container, machine, runtime: createSystemdRuntime(UNIT, machine, inside) };
  };
  const acts = (machine: FakeMachine) => machine.ran.filter((line) => !/ (show|inspect) /.test(line));

  test('runs also where the container runs without its unit', async () => {
    const { unit, runtime } = containerIs('running');
    unit.show = shown(INACTIVE);
    expect(await runtime.state()).toMatchObject({
      kind: 'running',
      sentence: `The container nova_compute (podman) is running. Its unit ${UNIT} is inactive (dead).`,
    });
  });

  test('is stopped as a unit', async () => {
    const { unit, container, machine, runtime } = containerIs('running');
    machine.answer(/^systemctl stop/, () => {
      container.status = 'exited';
      unit.show = shown(INACTIVE);
      return '';
    });
    await runtime.stop(machine.now() + 20_000);
    expect(acts(machine)).toEqual([`systemctl stop --no-block -- ${UNIT}`]);
  });

  test('and the container after it, where it outlives its unit', async () => {
    const { machine, runtime } = containerIs('running');
    await runtime.stop(machine.now() + 20_000);
    expect(acts(machine)).toEqual([`systemctl stop --no-block -- ${UNIT}`, 'podman stop -t 15 nova_compute']);
    expect(await runtime.state()).toMatchObject({ kind: 'stopped' });
  });

  test('is started though its container left a process behind', async () => {
    const { unit, machine, runtime } = containerIs('exited');
    unit.show = shown(INACTIVE);
    machine.processes.set(88, {
      argv: ['python3', '/usr/bin/nova-compute'],
      cgroup: '0::/machine.slice/libpod-1.scope\n',
    });
    machine.answer(/^systemctl start/, () => {
      unit.show = shown();
      return '';
    });
    await runtime.start(IN_A_MINUTE);
  });
});
