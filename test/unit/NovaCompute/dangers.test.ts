import { describe, expect, test } from 'vitest';
import { type DangerFacts, dangers } from '../../../agents/NovaCompute/dangers.ts';
import { readNovaConf } from '../../../agents/NovaCompute/novaConf/index.ts';
import { FakeMachine } from './runtime/fakeMachine.ts';

const facts = (text: string, more: Partial<DangerFacts> = {}): DangerFacts => {
  const machine = new FakeMachine();
  machine.files.set('/etc/nova/nova.conf', text);
  const conf = readNovaConf({ files: ['/etc/nova/nova.conf'], directories: [] }, machine);
  return { conf, noSharedStorage: false, mountInfo: null, clockOffsetMs: null, ...more };
};

const mount = (point: string, type: string) => `36 35 98:0 / ${point} rw,noatime shared:1 - ${type} src rw\n`;
const ROOT = mount('/', 'ext4');

test('nothing is said of a good configuration', () => {
  const mountInfo = `${ROOT}${mount('/var/lib/nova/instances', 'nfs4')}`;
  expect(dangers(facts('[DEFAULT]\n', { mountInfo, clockOffsetMs: -10_000 }))).toEqual([]);
});

describe('instances that start by themselves', () => {
  test('are named with option and file', () => {
    expect(dangers(facts('[DEFAULT]\nresume_guests_state_on_host_boot = True\n'))).toEqual([
      'resume_guests_state_on_host_boot is set in /etc/nova/nova.conf: nova-compute then starts by itself the ' +
        'instances that Nova still counts to this host, also one that is about to be evacuated, and its disk would ' +
        'be in use twice. Set it to false: instances that stay are started when the host is released.',
    ]);
  });

  test.each([
    '[DEFAULT]\nresume_guests_state_on_host_boot = false\n',
    '[x]\nresume_guests_state_on_host_boot = true\n',
  ])('not for %j', (text) => {
    expect(dangers(facts(text))).toEqual([]);
  });
});

describe('storage that is not shared', () => {
  test('by default', () => {
    expect(dangers(facts('[DEFAULT]\n', { mountInfo: ROOT }))).toEqual([
      'instances_path, which no configuration file sets, leads to /var/lib/nova/instances, on a file system of this ' +
        'machine alone (ext4), and no_shared_storage is not set: an evacuated instance finds no disk on another ' +
        'host. Set no_shared_storage=true to have such disks made anew from their images, or keep instances_path, ' +
        'or images_type in [libvirt], on shared storage.',
    ]);
  });

  test('by instances_path, with its file', () => {
    const text = '[DEFAULT]\nstate_path = /srv/nova\ninstances_path = $state_path/guests\n';
    const mountInfo = `${ROOT}${mount('/var/lib/nova/instances', 'nfs')}${mount('/srv', 'xfs')}`;
    const [sentence] = dangers(facts(text, { mountInfo }));
    expect(sentence).toMatch(
      /^instances_path in \/etc\/nova\/nova\.conf leads to \/srv\/nova\/guests, .* \(xfs\)/,
    );
  });

  test('not where the operator says so, where disks are in Ceph, or where nobody knows', () => {
    expect(dangers(facts('[DEFAULT]\n', { mountInfo: ROOT, noSharedStorage: true }))).toEqual([]);
    expect(dangers(facts('[libvirt]\nimages_type = rbd\n', { mountInfo: ROOT }))).toEqual([]);
    expect(dangers(facts('[DEFAULT]\n'))).toEqual([]);
    expect(dangers(facts('[DEFAULT]\n', { mountInfo: '' }))).toEqual([]);
  });

  test.each(['lvm', 'raw', 'qcow2'])('images_type %s is where instances_path is, or local', (type) => {
    expect(dangers(facts(`[libvirt]\nimages_type = ${type}\n`, { mountInfo: ROOT }))).toHaveLength(1);
  });

  test.each([
    'nfs',
    'nfs4',
    'ceph',
    'glusterfs',
    'fuse.glusterfs',
    'fuse.ceph-fuse',
    'gfs2',
    'ocfs2',
    'lustre',
    'gpfs',
    'beegfs',
  ])('%s is shared', (type) => {
    const mountInfo = `${ROOT}${mount('/var/lib/nova', type)}`;
    expect(dangers(facts('[DEFAULT]\n', { mountInfo }))).toEqual([]);
  });

  test.each(['ext4', 'xfs', 'btrfs', 'overlay', 'tmpfs', 'zfs', 'fuse.sshfs-not', 'fuse'])(
    '%s is not',
    (type) => {
      const mountInfo = `${ROOT}${mount('/var/lib/nova', type)}`;
      expect(dangers(facts('[DEFAULT]\n', { mountInfo }))[0]).toContain(`(${type})`);
    },
  );

  test('the innermost mount decides, of equal ones the last, and names are no prefixes', () => {
    const path = '[DEFAULT]\ninstances_path = /data/nova\n';
    const said = (mountInfo: string) => dangers(facts(path, { mountInfo })).length;
    expect(said(`${mount('/data/nova', 'nfs')}${mount('/data', 'ext4')}${ROOT}`)).toBe(0);
    expect(said(`${ROOT}${mount('/data', 'ext4')}${mount('/data', 'nfs')}`)).toBe(0);
    expect(said(`${ROOT}${mount('/data', 'nfs')}${mount('/data', 'ext4')}`)).toBe(1);
    expect(said(`${ROOT}${mount('/dat', 'nfs')}`)).toBe(1);
    expect(said(`${ROOT}${mount('/data/nova/x', 'nfs')}`)).toBe(1);
  });

  test('a mount point with a blank in its name', () => {
    const mountInfo = `${ROOT}${mount('/my\\040disks', 'nfs')}`;
    expect(dangers(facts('[DEFAULT]\ninstances_path = /my disks/nova\n', { mountInfo }))).toEqual([]);
  });
});

describe('a clock that is wrong', () => {
  test.each([
    [10_001, '10 s ahead of'],
    [-65_000, '65 s behind'],
  ])('by %i ms', (clockOffsetMs, words) => {
    expect(dangers(facts('[DEFAULT]\n', { clockOffsetMs }))).toEqual([
      `The clock of this machine is ${words} that of the OpenStack API: Nova judges by the time of its last sign ` +
        'whether nova-compute is alive, and would be wrong. Have both keep time by NTP.',
    ]);
  });
});

test('several are all said', () => {
  const text = '[DEFAULT]\nresume_guests_state_on_host_boot = 1\n';
  expect(dangers(facts(text, { mountInfo: ROOT, clockOffsetMs: 99_000 }))).toHaveLength(3);
});
