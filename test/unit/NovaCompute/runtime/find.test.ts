import { describe, expect, test } from 'vitest';
import { findRuntime, type RuntimeSettings } from '../../../../agents/NovaCompute/runtime/find.ts';
import { BOOT, FakeMachine, failure } from './fakeMachine.ts';
import { type ContainerFacts, inspected, shown } from './toolOutput.ts';

const settings = (more: Partial<RuntimeSettings> = {}): RuntimeSettings => ({
  runtime: 'auto',
  unit: null,
  container: null,
  user: 'nova',
  stateDir: '/run/resource-agents',
  instance: 'nova-compute',
  ...more,
});

const NO_SUCH = failure(125, 'Error: no such container nova_compute\n');
const DAEMON_AWAY = failure(
  1,
  'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n',
);
const DEAD = { ActiveState: 'inactive', SubState: 'dead', MainPID: 0 };
const NOT_FOUND = { ...DEAD, LoadState: 'not-found' };
const PODMAN_START = {
  ExecStart: '{ path=/usr/bin/podman ; argv[]=/usr/bin/podman start nova_compute ; ignore_errors=no ; }',
};
const NOVA = { argv: ['/usr/bin/python3', '/usr/bin/nova-compute'], uid: 64_060 };

interface Setup {
  readonly units?: Readonly<Record<string, Readonly<Record<string, string | number>>>>;
  readonly podman?: ContainerFacts | null;
  readonly docker?: ContainerFacts | null;
  readonly program?: boolean;
  readonly process?: boolean;
}

/** A machine that has what is named: units (else systemd does not run it), containers (null: the tool alone). */
function machineWith({ units, podman, docker, program = false, process = false }: Setup): FakeMachine {
  const machine = new FakeMachine();
  if (units !== undefined) {
    machine.files.set('/run/systemd/system/x', '');
    machine.answer(/^systemctl show/, () => {
      const line = machine.ran.at(-1) ?? '';
      const names = line.slice(line.indexOf('-- ') + 3).split(' ');
      return names.map((name) => shown(units[name] ?? NOT_FOUND)).join('\n');
    });
  }
  for (const [engine, container] of Object.entries({ podman, docker })) {
    if (container === undefined) continue;
    machine.install(engine);
    machine.answer(new RegExp(`^${engine} inspect`), container === null ? NO_SUCH : inspected(container));
  }
  if (program) machine.install('nova-compute');
  if (process) machine.processes.set(88, NOVA);
  return machine;
}
const found = async (machine: FakeMachine, more: Partial<RuntimeSettings> = {}) => {
  const runtime = await findRuntime(settings(more), machine);
  return 'kind' in runtime ? runtime.sentence : runtime.title;
};

describe('auto', () => {
  test.each<[string, Setup, string]>([
    ['only the program', { program: true }, 'process of user nova'],
    ['only a process, from a virtual environment', { process: true }, 'process of user nova'],
    [
      'RDO',
      { units: { 'openstack-nova-compute.service': DEAD }, program: true },
      'unit openstack-nova-compute.service',
    ],
    ['Debian', { units: { 'nova-compute.service': {} }, program: true }, 'unit nova-compute.service'],
    ['Kolla with docker', { docker: { Status: 'exited' } }, 'container nova_compute (docker)'],
    ['podman alone', { podman: {}, units: {} }, 'container nova_compute (podman)'],
    [
      'TripleO: the unit, which would start its container anew',
      { podman: {}, units: { 'tripleo_nova_compute.service': PODMAN_START } },
      'unit tripleo_nova_compute.service (container nova_compute (podman))',
    ],
    [
      'TripleO at rest',
      {
        podman: { Status: 'exited' },
        units: { 'tripleo_nova_compute.service': { ...DEAD, ...PODMAN_START } },
      },
      'unit tripleo_nova_compute.service (container nova_compute (podman))',
    ],
    [
      'Kolla with podman',
      { podman: {}, units: { 'kolla-nova_compute-container.service': PODMAN_START } },
      'unit kolla-nova_compute-container.service (container nova_compute (podman))',
    ],
    [
      'podman beside a unit of a telling name that runs something else',
      { podman: {}, units: { 'container-nova_compute.service': DEAD } },
      'container nova_compute (podman)',
    ],
    [
      'the same at rest',
      {
        podman: { Status: 'exited', labels: { PODMAN_SYSTEMD_UNIT: 'mine.service' } },
        units: { 'mine.service': DEAD },
      },
      'container nova_compute (podman)',
    ],
    [
      'a unit that podman knows of',
      {
        podman: { labels: { PODMAN_SYSTEMD_UNIT: 'mine.service' } },
        units: { 'mine.service': PODMAN_START },
      },
      'unit mine.service (container nova_compute (podman))',
    ],
  ])('%s', async (_, setup, title) => {
    expect(await found(machineWith(setup))).toBe(title);
  });

  test.each<[string, Setup, string]>([
    [
      'a running process over a unit and a container at rest',
      { process: true, program: true, units: { 'nova-compute.service': DEAD }, podman: { Status: 'exited' } },
      'process of user nova',
    ],
    [
      'a running container over a unit at rest',
      { docker: {}, units: { 'nova-compute.service': DEAD }, program: true },
      'container nova_compute (docker)',
    ],
    [
      'a running unit over a container at rest',
      { docker: { Status: 'exited' }, units: { 'nova-compute.service': {} } },
      'unit nova-compute.service',
    ],
    [
      'a running container of docker over one of podman at rest',
      { podman: { Status: 'exited' }, docker: {} },
      'container nova_compute (docker)',
    ],
    [
      'a container at rest over a unit at rest',
      { podman: { Status: 'exited' }, units: { 'nova-compute.service': DEAD }, program: true },
      'container nova_compute (podman)',
    ],
    [
      'the second unit when it is the one that runs',
      { units: { 'openstack-nova-compute.service': DEAD, 'nova-compute.service': {} } },
      'unit nova-compute.service',
    ],
    [
      'the program over a unit that is masked',
      { units: { 'nova-compute.service': { ...DEAD, LoadState: 'masked' } }, program: true },
      'process of user nova',
    ],
  ])('what runs wins: %s', async (_, setup, title) => {
    expect(await found(machineWith(setup))).toBe(title);
  });

  test.each<[string, Setup]>([
    ['nothing at all', {}],
    ['tools that know nothing', { units: {}, podman: null, docker: null }],
    [
      'a masked unit without a program',
      { units: { 'nova-compute.service': { ...DEAD, LoadState: 'masked' } } },
    ],
  ])('missing: %s', async (_, setup) => {
    expect(await findRuntime(settings(), machineWith(setup))).toEqual({
      kind: 'missing',
      sentence:
        'nova-compute is not on this machine: neither a systemd unit nor a container nor the program was found.',
    });
  });

  test('the program without its user', async () => {
    expect(await found(machineWith({ program: true, units: {} }), { user: 'x' })).toBe(
      'There is no user x on this machine, whom nova-compute is to run as: set the parameter user.',
    );
  });

  test('docker’s command without its daemon, on a machine that has no nova-compute', async () => {
    const machine = machineWith({ docker: null }).answer(/^docker/, DAEMON_AWAY);
    expect(await found(machine)).toContain('nova-compute is not on this machine');
  });

  test('the same, but a nova-compute of a container is seen to run: not known', async () => {
    const machine = machineWith({ docker: null, program: true }).answer(/^docker/, DAEMON_AWAY);
    machine.processes.set(88, { ...NOVA, uid: 42_436, cgroup: '0::/system.slice/docker-0123.scope\n' });
    await expect(found(machine)).rejects.toThrow(/^docker does not tell the state of container nova_compute/);
  });

  test.each([
    ['hangs', new Error('hangs'), 'podman did not end within 8 s and was stopped.'],
    [
      'fails',
      failure(125, 'Error: database is locked\n'),
      'podman does not tell the state of container nova_compute: Error: database is locked.',
    ],
  ])(
    'a tool that %s, and nothing else there: not known, rather than missing',
    async (_, answer, sentence) => {
      const machine = machineWith({ podman: null }).answer(/^podman/, answer);
      await expect(found(machine)).rejects.toMatchObject({ name: 'ComputeError', message: sentence });
    },
  );

  test('asks no tool where our own process runs, and only systemd where a unit does', async () => {
    const ours = machineWith({ process: true, units: {}, podman: null, docker: null });
    ours.files.set('/run/resource-agents/nova-compute.pid', `88\n1000\n${BOOT}\n`);
    expect(await found(ours)).toBe('process of user nova');
    expect(ours.ran).toEqual([]);
    const unit = machineWith({ units: { 'nova-compute.service': {} }, podman: null, docker: null });
    expect(await found(unit)).toBe('unit nova-compute.service');
    expect(unit.ran).toHaveLength(1);
  });

  test('a pid file of a stranger is no reason for a process', async () => {
    const machine = machineWith({ units: { 'nova-compute.service': {} }, program: true });
    machine.processes.set(88, { argv: ['sshd'] });
    machine.files.set('/run/resource-agents/nova-compute.pid', `88\n1000\n${BOOT}\n`);
    expect(await found(machine)).toBe('unit nova-compute.service');
  });

  test('engines that hang do not hide what runs', async () => {
    const machine = machineWith({ podman: null, docker: null, process: true });
    machine.answer(/ inspect /, new Error('hangs'));
    expect(await found(machine)).toBe('process of user nova');
    expect(machine.ran).toHaveLength(2);
  });

  test('a tool that hangs does not hide what runs', async () => {
    const machine = machineWith({ podman: null, units: { 'nova-compute.service': {} } });
    machine.answer(/^podman/, new Error('hangs'));
    expect(await found(machine)).toBe('unit nova-compute.service');
  });

  test('a user that is not there does not matter where a unit has its own', async () => {
    const machine = machineWith({ units: { 'nova-compute.service': DEAD }, program: true });
    expect(await found(machine, { user: 'nobody-knows' })).toBe('unit nova-compute.service');
  });
});

describe('process', () => {
  test.each<[string, Setup, Partial<RuntimeSettings>, string]>([
    [
      'no program',
      { units: { 'nova-compute.service': {} } },
      {},
      'nova-compute is not installed on this machine.',
    ],
    ['no program and no user', {}, { user: 'x' }, 'nova-compute is not installed on this machine.'],
    [
      'no user',
      { program: true },
      { user: 'x' },
      'There is no user x on this machine, whom nova-compute is to run as: set the parameter user.',
    ],
    ['the program', { program: true, docker: {} }, {}, 'process of user nova'],
  ])('%s', async (_, setup, more, sentence) => {
    const machine = machineWith(setup);
    expect(await found(machine, { runtime: 'process', ...more })).toBe(sentence);
    expect(machine.ran).toEqual([]);
  });
});

describe('systemd', () => {
  test.each<[string, Setup, Partial<RuntimeSettings>, string]>([
    [
      'not booted',
      { program: true },
      {},
      'systemd does not run this machine, so runtime=systemd cannot be used.',
    ],
    ['the unit named', { units: { 'mine.service': DEAD } }, { unit: 'mine.service' }, 'unit mine.service'],
    [
      'the unit named, without its suffix',
      { units: { 'mine.service': DEAD } },
      { unit: 'mine' },
      'unit mine.service',
    ],
    ['one with a dot', { units: { 'nova.2.service': DEAD } }, { unit: 'nova.2' }, 'unit nova.2.service'],
    [
      'masked among several known, of which none is usable',
      {
        units: {
          'nova-compute.service': { ...DEAD, LoadState: 'masked' },
          'edpm_nova_compute.service': { ...DEAD, LoadState: 'bad-setting' },
        },
      },
      {},
      'The systemd unit nova-compute.service is masked and cannot be started: unmask it, or set another runtime.',
    ],
    [
      'the unit named is not there',
      { units: { 'nova-compute.service': {} } },
      { unit: 'mine.service' },
      'There is no systemd unit mine.service on this machine.',
    ],
    [
      'the unit is masked',
      { units: { 'nova-compute.service': { ...DEAD, LoadState: 'masked' } } },
      {},
      'The systemd unit nova-compute.service is masked and cannot be started: unmask it, or set another runtime.',
    ],
    [
      'none of the known',
      { units: {} },
      {},
      'None of the systemd units openstack-nova-compute.service, nova-compute.service, tripleo_nova_compute.service, ' +
        'kolla-nova_compute-container.service, edpm_nova_compute.service, container-nova_compute.service is on this ' +
        'machine: set the parameter unit.',
    ],
    [
      'a unit of a container of another name',
      { units: { 'tripleo_compute2.service': { ...DEAD, ...PODMAN_START } } },
      { container: 'compute2' },
      'unit tripleo_compute2.service (container compute2 (podman))',
    ],
  ])('%s', async (_, setup, more, sentence) => {
    expect(await found(machineWith(setup), { runtime: 'systemd', ...more })).toBe(sentence);
  });

  test('a systemctl that fails is an error', async () => {
    const machine = machineWith({ units: {} }).answer(/^systemctl/, failure(1, 'Failed to connect to bus\n'));
    await expect(found(machine, { runtime: 'systemd' })).rejects.toMatchObject({ name: 'ComputeError' });
  });
});

describe.each(['podman', 'docker'] as const)('%s', (runtime) => {
  test.each<[string, ContainerFacts | null | undefined, Partial<RuntimeSettings>, string]>([
    ['not installed', undefined, {}, `${runtime} is not installed on this machine.`],
    ['no container', null, {}, `There is no ${runtime} container nova_compute on this machine.`],
    ['no such container', null, { container: 'x' }, `There is no ${runtime} container x on this machine.`],
    ['one at rest', { Status: 'exited' }, {}, `container nova_compute (${runtime})`],
    ['one of another name', {}, { container: 'x' }, `container x (${runtime})`],
  ])('%s', async (_, facts, more, sentence) => {
    const setup = facts === undefined ? {} : { [runtime]: facts };
    expect(await found(machineWith(setup), { runtime, ...more })).toBe(sentence);
  });

  test('its daemon away: not known', async () => {
    const machine = machineWith({ [runtime]: null }).answer(/ inspect /, DAEMON_AWAY);
    await expect(found(machine, { runtime })).rejects.toThrow(/Is the docker daemon running\?\.?$/);
  });

  test('a container that was started beside its unit is managed as a container', async () => {
    const units = { 'tripleo_nova_compute.service': { ...DEAD, ...PODMAN_START } };
    expect(await found(machineWith({ [runtime]: {}, units }), { runtime })).toBe(
      `container nova_compute (${runtime})`,
    );
  });
});

test('a unit that runs a container tells what the container wrote and reads', async () => {
  const machine = machineWith({
    podman: { mounts: { '/etc/nova': '/srv/nova' } },
    units: { 'tripleo_nova_compute.service': PODMAN_START },
  });
  machine.files.set('/srv/nova/nova.conf', '');
  machine.answer(/^podman logs/, { exitCode: 0, stdout: '', stderr: 'ImportError\n' });
  const runtime = await findRuntime(settings(), machine);
  if ('kind' in runtime) throw new Error(runtime.sentence);
  expect(runtime.name).toBe('systemd');
  expect(await runtime.lastLines(5)).toEqual(['ImportError']);
  expect((await runtime.configFiles()).files).toEqual(['/srv/nova/nova.conf']);
});

test('a unit that makes its container at each start tells where nova.conf lies before there is one', async () => {
  const at = '/var/lib/openstack/config/nova';
  const run = `podman run --name=nova_compute --replace --rm -d -v ${at}:/var/lib/kolla/config_files:ro image`;
  const machine = machineWith({
    podman: null,
    units: {
      'edpm_nova_compute.service': {
        ...DEAD,
        ExecStart: `{ path=/usr/bin/podman ; argv[]=/usr/bin/${run} ; ignore_errors=no ; }`,
      },
    },
  });
  machine.files.set(`${at}/nova.conf`, '');
  const runtime = await findRuntime(settings(), machine);
  if ('kind' in runtime) throw new Error(runtime.sentence);
  expect(await runtime.state()).toMatchObject({ kind: 'stopped' });
  expect(await runtime.configFiles()).toEqual({ files: [`${at}/nova.conf`], directories: [] });
});
