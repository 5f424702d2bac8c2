import { describe, expect, test } from 'vitest';
import { createContainerRuntime } from '../../../../agents/NovaCompute/runtime/container.ts';
import { FakeMachine, failure, IN_A_MINUTE } from './fakeMachine.ts';
import { type ContainerFacts, inspected } from './toolOutput.ts';

const setUp = (engine: 'podman' | 'docker', facts: ContainerFacts = {}) => {
  const container = { inspect: inspected(facts) };
  const machine = new FakeMachine().install(engine);
  machine.answer(new RegExp(`^${engine} `), '');
  machine.answer(/ inspect /, () => container.inspect);
  return { container, machine, runtime: createContainerRuntime(engine, 'nova_compute', machine) };
};
const acts = (machine: FakeMachine) => machine.ran.filter((line) => !line.includes('inspect'));

describe.each(['podman', 'docker'] as const)('%s', (engine) => {
  test('asks for a container of that name only', async () => {
    const { machine, runtime } = setUp(engine);
    expect(await runtime.state()).toEqual({
      kind: 'running',
      since: Date.UTC(2026, 0, 1, 0, 0, 5, 500),
      sentence: `The container nova_compute (${engine}) is running.`,
    });
    expect(machine.ran).toEqual([`${engine} inspect --type container nova_compute`]);
  });

  test.each([
    ['running', 'running'],
    ['stopping', 'running'],
    ['created', 'stopped'],
    ['configured', 'stopped'],
    ['paused', 'stopped'],
    ['restarting', 'stopped'],
    ['removing', 'stopped'],
    ['exited', 'stopped'],
    ['stopped', 'stopped'],
    ['dead', 'stopped'],
  ])('%s means %s', async (Status, kind) => {
    const told = await setUp(engine, { Status }).runtime.state();
    expect(told.kind).toBe(kind);
    expect(told.sentence).toBe(`The container nova_compute (${engine}) is ${Status}.`);
  });

  test('how it ended is told', async () => {
    const { runtime } = setUp(engine, { Status: 'exited', ExitCode: 137 });
    expect((await runtime.state()).sentence).toBe(
      `The container nova_compute (${engine}) is exited, its last run ended with exit code 137.`,
    );
  });

  test.each([
    'Error: No such object: nova_compute',
    'Error response from daemon: No such container: nova_compute',
    'Error: inspecting object: no such container "nova_compute"',
    'Error: no such container nova_compute',
  ])('there is none: %s', async (words) => {
    const machine = new FakeMachine().answer(/ inspect /, failure(125, `[]\n${words}\n`));
    const runtime = createContainerRuntime(engine, 'nova_compute', machine);
    const sentence = `There is no ${engine} container nova_compute on this machine.`;
    expect(await runtime.state()).toEqual({ kind: 'missing', sentence });
    await expect(runtime.start(IN_A_MINUTE)).rejects.toThrow(sentence);
    await runtime.stop(machine.now() + 20_000);
  });

  test.each([
    [failure(125, 'Error: database is locked\n'), 'Error: database is locked.'],
    ['[]', 'its answer has no state in it.'],
    ['no json', 'its answer has no state in it.'],
    ['{"State":null}', 'its answer has no state in it.'],
  ])('one that fails is never taken for a container at rest: %j', async (answer, why) => {
    const machine = new FakeMachine().answer(/ inspect /, answer);
    const runtime = createContainerRuntime(engine, 'nova_compute', machine);
    await expect(runtime.state()).rejects.toMatchObject({
      name: 'ComputeError',
      message: `${engine} does not tell the state of container nova_compute: ${why}`,
    });
  });

  test('nor is one that hangs', async () => {
    const machine = new FakeMachine().answer(/ inspect /, new Error('hangs'));
    await expect(createContainerRuntime(engine, 'x', machine).state()).rejects.toThrow(
      `${engine} did not end within 8 s and was stopped.`,
    );
  });

  test('start', async () => {
    const { machine, runtime } = setUp(engine, { Status: 'exited' });
    await runtime.start(IN_A_MINUTE);
    expect(acts(machine)).toEqual([`${engine} start nova_compute`]);
  });

  test('start of one that runs does nothing; of a paused one, it goes on', async () => {
    const running = setUp(engine);
    await running.runtime.start(IN_A_MINUTE);
    expect(acts(running.machine)).toEqual([]);
    const paused = setUp(engine, { Status: 'paused' });
    await paused.runtime.start(IN_A_MINUTE);
    expect(acts(paused.machine)).toEqual([`${engine} unpause nova_compute`]);
  });

  test.each([
    ['of nobody', {}, /^nova-compute already runs as process 88, of the user with id 0; a second one is not/],
    [
      'of a unit',
      { cgroup: '0::/system.slice/nova-compute.service\n' },
      /the systemd unit nova-compute\.service; a/,
    ],
  ])('not beside a nova-compute %s', async (_, process, sentence) => {
    const { machine, runtime } = setUp(engine, { Status: 'exited' });
    machine.processes.set(88, { argv: ['python3', '/usr/bin/nova-compute'], ...process });
    await expect(runtime.start(IN_A_MINUTE)).rejects.toThrow(sentence);
    expect(acts(machine)).toEqual([]);
  });

  test('one that its policy restarts after our start did not stay; to another agent it simply runs', async () => {
    const { container, machine, runtime } = setUp(engine, { Status: 'exited' });
    machine.answer(/ start /, () => {
      container.inspect = inspected({});
      return '';
    });
    await runtime.start(IN_A_MINUTE);
    expect(await runtime.state()).toMatchObject({ kind: 'running' });
    container.inspect = inspected({ StartedAt: '2026-01-01T00:00:09Z' });
    expect(await runtime.state()).toEqual({
      kind: 'stopped',
      sentence: `The container nova_compute (${engine}) has ended and was restarted by ${engine} since.`,
    });
    const another = createContainerRuntime(engine, 'nova_compute', machine);
    expect(await another.state()).toMatchObject({ kind: 'running' });
  });

  test('a start that fails is said in the engine’s words', async () => {
    const { machine, runtime } = setUp(engine, { Status: 'exited' });
    machine.answer(/ start /, failure(125, 'Error: unable to start container: no space left on device\n'));
    await expect(runtime.start(IN_A_MINUTE)).rejects.toThrow(
      `The container nova_compute (${engine}) could not be started: Error: unable to start container: no space left on device.`,
    );
  });

  test('stop gives the container the time that there is, less what force needs', async () => {
    const { container, machine, runtime } = setUp(engine);
    machine.answer(/ stop /, () => {
      container.inspect = inspected({ Status: 'exited' });
      return '';
    });
    await runtime.stop(machine.now() + 300_000);
    expect(acts(machine)).toEqual([`${engine} stop -t 287 nova_compute`]);
  });

  test('a stop that hangs is followed by force, in time', async () => {
    const { container, machine, runtime } = setUp(engine);
    machine.answer(/ stop /, new Error('hangs'));
    machine.answer(/ kill /, () => {
      container.inspect = inspected({ Status: 'exited', ExitCode: 137 });
      return '';
    });
    const began = machine.now();
    await runtime.stop(began + 20_000);
    expect(acts(machine)).toEqual([`${engine} stop -t 15 nova_compute`, `${engine} kill nova_compute`]);
    expect(machine.now() - began).toBeLessThanOrEqual(20_000);
  });

  test('what neither ends is said', async () => {
    const { machine, runtime } = setUp(engine);
    machine.answer(/ (stop|kill) /, failure(125, 'Error: cannot kill container\n'));
    const began = machine.now();
    await expect(runtime.stop(machine.now() + 20_000)).rejects.toThrow(
      `The container nova_compute (${engine}) could not be stopped: Error: cannot kill container.`,
    );
    expect(machine.now()).toBe(began);
  });

  test('so is what comes back by itself', async () => {
    const { machine, runtime } = setUp(engine);
    await expect(runtime.stop(machine.now() + 20_000)).rejects.toThrow(
      'could not be stopped: it is running again: something beside the cluster starts it.',
    );
  });

  test.each(['exited', 'created'])('stop of one that is %s does nothing', async (Status) => {
    const { machine, runtime } = setUp(engine, { Status });
    await runtime.stop(machine.now() + 20_000);
    expect(acts(machine)).toEqual([]);
  });

  test('stop of one that is being restarted by its policy ends that', async () => {
    const { machine, runtime } = setUp(engine, { Status: 'restarting' });
    await runtime.stop(machine.now() + 20_000);
    expect(acts(machine)).toEqual([`${engine} stop -t 15 nova_compute`]);
  });

  test('stop of a paused one lets it hear the signal', async () => {
    const { container, machine, runtime } = setUp(engine, { Status: 'paused' });
    machine.answer(/ stop /, () => {
      container.inspect = inspected({ Status: 'exited' });
      return '';
    });
    await runtime.stop(machine.now() + 20_000);
    expect(acts(machine)).toEqual([`${engine} unpause nova_compute`, `${engine} stop -t 15 nova_compute`]);
  });

  test('last lines, of both streams', async () => {
    const { machine, runtime } = setUp(engine);
    machine.answer(/ logs /, { exitCode: 0, stdout: 'one\ntwo\n', stderr: 'Traceback\nImportError\n' });
    expect(await runtime.lastLines(3)).toEqual(['two', 'Traceback', 'ImportError']);
    expect(acts(machine)).toEqual([`${engine} logs --tail 3 nova_compute`]);
  });
});

describe('where nova.conf lies', () => {
  const filesOf = (mounts: Readonly<Record<string, string>>, ...files: readonly string[]) => {
    const { machine, runtime } = setUp('podman', { mounts });
    for (const file of files) machine.files.set(file, '');
    return runtime.configFiles();
  };

  test('TripleO: a whole tree that is copied in', async () => {
    const source = '/var/lib/config-data/puppet-generated/nova_libvirt';
    expect(
      await filesOf(
        {
          '/var/lib/kolla/config_files/config.json': '/var/lib/kolla/config_files/nova_compute.json',
          '/var/lib/kolla/config_files/src': source,
          '/var/lib/nova': '/var/lib/nova',
        },
        `${source}/etc/nova/nova.conf`,
        `${source}/etc/nova/nova.conf.d/01.conf`,
        '/etc/nova/nova.conf',
      ),
    ).toEqual({ files: [`${source}/etc/nova/nova.conf`], directories: [`${source}/etc/nova/nova.conf.d`] });
  });

  test('Kolla: single files that are copied in', async () => {
    expect(
      await filesOf(
        { '/var/lib/kolla/config_files/': '/etc/kolla/nova-compute/' },
        '/etc/kolla/nova-compute/nova.conf',
      ),
    ).toEqual({ files: ['/etc/kolla/nova-compute/nova.conf'], directories: [] });
  });

  test('a plain directory, or a plain file', async () => {
    expect(
      await filesOf({ '/etc/nova': '/srv/nova' }, '/srv/nova/nova.conf', '/srv/nova/nova-compute.conf'),
    ).toEqual({
      files: ['/srv/nova/nova.conf', '/srv/nova/nova-compute.conf'],
      directories: [],
    });
    expect(await filesOf({ '/etc/nova/nova.conf': '/srv/n.conf' }, '/srv/n.conf')).toEqual({
      files: ['/srv/n.conf'],
      directories: [],
    });
  });

  test('the innermost mount counts, and names are no prefixes', async () => {
    const mounts = { '/var/lib/kolla/config_files': '/outer', '/var/lib/kolla/config_files/src': '/inner' };
    const inner = await filesOf(mounts, '/inner/etc/nova/nova.conf', '/outer/src/etc/nova/nova.conf');
    expect(inner.files).toEqual(['/inner/etc/nova/nova.conf']);
    await expect(filesOf({ '/etc/no': '/srv' }, '/srvva/nova.conf')).rejects.toThrow(
      /^No nova\.conf was found/,
    );
  });

  test('nowhere: that is said, with the places', async () => {
    await expect(filesOf({ '/etc/novaX': '/srv' }, '/srv/nova.conf')).rejects.toThrow(
      'No nova.conf was found in what is mounted into the container nova_compute (podman); looked for in /etc/nova, ' +
        '/var/lib/kolla/config_files/src/etc/nova, /var/lib/kolla/config_files.',
    );
  });

  test('mounts that are none are left out', async () => {
    const { container, machine, runtime } = setUp('podman');
    const mounts = [{ Source: '', Destination: '/etc/nova' }, { Destination: '/x' }, null, 7];
    container.inspect = JSON.stringify([{ State: { Status: 'running' }, Mounts: mounts }]);
    machine.files.set('/nova.conf', '');
    await expect(runtime.configFiles()).rejects.toThrow(/^No nova\.conf was found/);
  });

  test('its mounts, while it has a process', async () => {
    const { machine, runtime } = setUp('podman');
    machine.processes.set(700, { argv: ['dumb-init'], mountInfo: 'its own' });
    expect(await runtime.mountInfo()).toBe('its own');
    expect(await setUp('podman', { Status: 'exited', Pid: 0 }).runtime.mountInfo()).toBeNull();
  });
});
