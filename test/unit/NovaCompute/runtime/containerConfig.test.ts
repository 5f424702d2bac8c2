import { describe, expect, test } from 'vitest';
import {
  configFilesInContainer,
  mountsOfCommand,
} from '../../../../agents/NovaCompute/runtime/containerConfig.ts';
import { FakeMachine } from './fakeMachine.ts';

const KOLLA = '/var/lib/kolla/config_files';
const TITLE = 'container nova_compute (podman)';

/** A machine on which a deployment has put these files; a `config.json` asks for these copies. */
function deployed(at: string, files: readonly string[], copies: readonly unknown[]): FakeMachine {
  const machine = new FakeMachine();
  for (const file of files) machine.files.set(`${at}/${file}`, '[DEFAULT]\n');
  machine.files.set(`${at}/config.json`, JSON.stringify({ command: 'nova-compute', config_files: copies }));
  return machine;
}

describe('config.json of Kolla decides what is copied where', () => {
  test("RHOSO's data plane: no nova.conf, but numbered files, the later over the earlier", () => {
    const at = '/var/lib/openstack/config/nova';
    const files = ['nova-blank.conf', '02-nova-host-specific.conf', '01-nova.conf', 'ssh-publickey'];
    const machine = deployed(at, files, [
      { source: `${KOLLA}/nova-blank.conf`, dest: '/etc/nova/nova.conf', owner: 'nova', perm: '0600' },
      { source: `${KOLLA}/*nova*.conf`, dest: '/etc/nova/nova.conf.d/', owner: 'nova', perm: '0600' },
      { source: `${KOLLA}/ssh-publickey`, dest: '/var/lib/nova/.ssh/id', owner: 'nova' },
    ]);
    const found = configFilesInContainer([{ source: at, destination: KOLLA }], machine, TITLE);
    expect(found).toEqual({
      files: [
        `${at}/nova-blank.conf`,
        `${at}/01-nova.conf`,
        `${at}/02-nova-host-specific.conf`,
        `${at}/nova-blank.conf`,
      ],
      directories: [],
    });
  });

  test('Kolla: the one file that is named', () => {
    const at = '/etc/kolla/nova-compute';
    const machine = deployed(
      at,
      ['nova.conf'],
      [{ source: `${KOLLA}/nova.conf`, dest: '/etc/nova/nova.conf' }],
    );
    const mounts = [{ source: at, destination: KOLLA }];
    expect(configFilesInContainer(mounts, machine, TITLE).files).toEqual([`${at}/nova.conf`]);
  });

  test('TripleO: a tree that goes to /, with what lies below it', () => {
    const tree = '/var/lib/config-data/puppet-generated/nova_libvirt';
    const machine = new FakeMachine();
    machine.files.set(
      '/var/lib/kolla/nova_compute.json',
      JSON.stringify({
        config_files: [{ source: `${KOLLA}/src/*`, dest: '/', merge: true, preserve_properties: true }],
      }),
    );
    machine.files.set(`${tree}/etc/nova/nova.conf`, '');
    machine.files.set(`${tree}/etc/nova/nova.conf.d/01.conf`, '');
    machine.list = (path) =>
      path === tree ? ['etc', 'var'] : FakeMachine.prototype.list.call(machine, path);
    const mounts = [
      { source: '/var/lib/kolla/nova_compute.json', destination: `${KOLLA}/config.json` },
      { source: tree, destination: `${KOLLA}/src` },
    ];
    expect(configFilesInContainer(mounts, machine, TITLE).files).toEqual([
      `${tree}/etc/nova/nova.conf`,
      `${tree}/etc/nova/nova.conf.d/01.conf`,
    ]);
  });

  test.each(['{', '[]', '{"config_files": 7}', '{"config_files": [null, {"source": 1}]}'])(
    'one that says nothing (%s) leaves it to the known places',
    (text) => {
      const machine = new FakeMachine();
      machine.files.set('/k/config.json', text);
      machine.files.set('/k/nova.conf', '');
      const mounts = [{ source: '/k', destination: KOLLA }];
      expect(configFilesInContainer(mounts, machine, TITLE).files).toEqual(['/k/nova.conf']);
    },
  );
});

test('the mounts of a unit that makes its container at each start', () => {
  const argv =
    '/usr/bin/podman run --name=nova_compute --replace --rm -d -v /a:/b:ro --volume=/c/:/d --mount type=bind,src=/e,target=/f,ro -v named:/g --mount type=tmpfs,target=/h image nova-compute';
  expect(mountsOfCommand(argv.split(' '))).toEqual([
    { source: '/a', destination: '/b' },
    { source: '/c', destination: '/d' },
    { source: '/e', destination: '/f' },
  ]);
});
