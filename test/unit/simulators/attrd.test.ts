import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEvacuationModes, nodeName } from '../../../lib/attrd/index.ts';
import { ClusterNodes, ClusterState, createFencingHistory, hasJoined } from '../../../lib/cluster/index.ts';

const attrd = fileURLToPath(new URL('../../simulators/attrd/', import.meta.url));
let dir = '';

function cluster(version = '2.1.5'): void {
  execFileSync(join(attrd, 'new-cluster'), [dir, 'ctl0', 'comp0', 'comp1'], {
    env: { VERSION: version, PATH: '/bin:/usr/bin' },
  });
}

function run(tool: string, args: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(join(dir, 'bin', tool), args, {
    env: { PATH: '/bin:/usr/bin', ...env },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const sim = (...args: string[]) =>
  execFileSync(join(attrd, 'sim-cluster'), [dir, ...args], { encoding: 'utf8' });
const setYes = (node: string) => run('attrd_updater', ['-n', 'evacuate', '-N', node, '-U', 'yes']);
const queryAll = (env?: Record<string, string>) =>
  run('attrd_updater', ['--query', '--all', '--name=evacuate'], env);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'attrd-'));
  cluster();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('attrd_updater as of Pacemaker 2.1.5', () => {
  it('knows no attribute that was never set', () => {
    expect(queryAll()).toEqual({
      status: 78,
      stdout: '',
      stderr: 'attrd_updater: Could not query value of evacuate: attribute does not exist\n',
    });
  });

  it('prints a line for each node, and does not escape', () => {
    setYes('comp0');
    run('attrd_updater', ['-n', 'evacuate', '-N', 'ctl0', '-U', 'a b"c<&']);
    expect(queryAll().stdout).toBe(
      'name="evacuate" host="comp0" value="yes"\nname="evacuate" host="ctl0" value="a b"c<&"\n',
    );
  });

  it('escapes in XML', () => {
    run('attrd_updater', ['-n', 'e', '-N', 'comp0', '-U', 'a"<&']);
    expect(run('attrd_updater', ['-Q', '-A', '-n', 'e', '--output-as=xml']).stdout).toContain(
      '<attribute name="e" value="a&quot;&lt;&amp;" host="comp0"/>',
    );
    const missing = run('attrd_updater', ['-Q', '-A', '-n', 'f', '--output-as', 'xml']);
    expect(missing.status).toBe(78);
    expect(missing.stdout).toContain('<status code="78" message="Invalid configuration">');
  });

  it('keeps the line of a node after a delete, and loses it at a purge', () => {
    setYes('comp0');
    run('attrd_updater', ['-n', 'evacuate', '-N', 'comp0', '-D']);
    expect(queryAll().stdout).toBe('name="evacuate" host="comp0" value=""\n');
    sim('purge', 'comp0');
    expect(queryAll().status).toBe(78);
  });

  it('answers for the own node alone when it sees the variable of a resource agent', () => {
    setYes('comp0');
    expect(queryAll({ OCF_RESKEY_CRM_meta_on_node: 'ctl0' }).stdout).toBe(
      'name="evacuate" host="ctl0" value=""\n',
    );
  });

  it('lets the last command win', () => {
    run('attrd_updater', ['-p', '-n', 'evacuate', '-Q', '-N', 'comp0', '-U', 'no']);
    expect(run('attrd_updater', ['-n', 'evacuate', '-N', 'comp0', '-U', 'yes', '-Q']).stdout).toBe(
      'name="evacuate" host="comp0" value="no"\n',
    );
  });

  it('is not there when the cluster is not', () => {
    sim('down');
    expect(queryAll()).toMatchObject({
      status: 102,
      stderr: 'attrd_updater: Could not connect to attrd: Connection refused\n',
    });
  });
});

describe('other versions', () => {
  it.each([
    ['1.1.18', 6],
    ['2.0.5', 105],
    ['2.1.5', 78],
    ['3.0.2', 78],
  ])('%s: a missing attribute is exit %i', (version, code) => {
    cluster(version);
    expect(queryAll().status).toBe(code);
  });

  it.each(['1.1.18', '2.0.5'])('%s has no XML', (version) => {
    cluster(version);
    const answer = run('attrd_updater', ['--query', '--all', '--name=evacuate', '--output-as=xml']);
    expect(answer.status).toBe(64);
    expect(answer.stderr).toContain('unrecognized option');
  });

  it('3.0.2 escapes quotes in text and is not disturbed by the variable', () => {
    cluster('3.0.2');
    run('attrd_updater', ['-n', 'evacuate', '-N', 'comp0', '-U', 'a b"c<&']);
    expect(queryAll({ OCF_RESKEY_CRM_meta_on_node: 'ctl0' }).stdout).toBe(
      'name="evacuate" host="comp0" value="a b\\"c<&"\n',
    );
  });
});

describe('crm_attribute and cibadmin', () => {
  const forever = (...args: string[]) =>
    run('crm_attribute', ['-N', 'comp0', '-n', 'evacuate', '-l', 'forever', ...args]);

  it('keep a permanent attribute through a purge, until it is deleted', () => {
    forever('-v', 'yes');
    sim('purge', 'comp0');
    sim('restart-attrd');
    expect(forever('-G').stdout).toBe('scope=nodes  name=evacuate value=yes\n');
    expect(forever('-G', '-q').stdout).toBe('yes\n');
    expect(run('cibadmin', ['-Q', '-o', 'nodes']).stdout).toContain(
      '<nvpair id="nodes-comp0-evacuate" name="evacuate" value="yes"/>',
    );
    expect(forever('-D').stdout).toBe('Deleted nodes attribute: id=nodes-comp0-evacuate name=evacuate\n');
    expect(forever('-D')).toMatchObject({ status: 0, stdout: '' });
    expect(forever('-G')).toMatchObject({ status: 105, stdout: '' });
  });

  it('know the nodes of the cluster', () => {
    expect(run('crm_attribute', ['-N', 'nosuch', '-n', 'e', '-v', '1', '-l', 'forever'])).toMatchObject({
      status: 105,
      stderr: 'crm_attribute: Could not map name=nosuch to a UUID\n',
    });
    expect(run('crm_node', ['-n']).stdout).toBe('ctl0\n');
  });
});

describe('crm_mon', () => {
  const nodes = () =>
    new ClusterNodes(async (tool, args) => {
      const { status, stdout, stderr } = run(tool, [...args]);
      return { exitCode: status ?? -1, stdout, stderr };
    });
  const joined = async () => {
    const reading = await nodes().read();
    return reading.known ? reading.nodes.filter(hasJoined).map(({ name }) => name) : reading.why;
  };
  const node = async (name: string) => {
    const reading = await nodes().read();
    return reading.known ? reading.nodes.find((one) => one.name === name) : reading;
  };

  describe.each(['1.1.18', '2.0.5', '2.1.5', '3.0.0', '3.0.2'])('of %s', (version) => {
    beforeEach(() => cluster(version));

    it('tells the nodes that have joined', async () => {
      expect(await joined()).toEqual(['ctl0', 'comp0', 'comp1']);
      sim('leave', 'comp0');
      sim('offline', 'ctl0');
      expect(await joined()).toEqual(['comp1']);
      sim('join', 'comp0');
      sim('online', 'ctl0');
      expect(await joined()).toEqual(['ctl0', 'comp0', 'comp1']);
    });

    it('puts a node into each state', async () => {
      sim('unclean', 'comp0');
      expect(await node('comp0')).toMatchObject({ online: false, unclean: true });
      sim('connecting', 'comp0');
      expect(await node('comp0')).toMatchObject({ online: true, unclean: false, connecting: true });
      sim('pending', 'ctl0');
      expect(await node('ctl0')).toMatchObject({ online: true, pending: true });
      sim('standby', 'comp1');
      sim('maintenance', 'comp1');
      expect(await node('comp1')).toMatchObject({ standby: true, maintenance: true });
      sim('standby', 'comp1', 'off');
      expect(await node('comp1')).toMatchObject({ standby: false, maintenance: true });
    });

    it('tells nothing without a DC, without quorum or without a cluster', async () => {
      sim('no-dc');
      expect(await joined()).toBe('noDc');
      sim('dc');
      sim('no-quorum');
      expect(await joined()).toBe('noQuorum');
      sim('property', 'no-quorum-policy', 'ignore');
      expect(await joined()).toHaveLength(3);
      sim('quorum');
      sim('down');
      expect(await joined()).toBe('failed');
    });
  });

  it('tells that Pacemaker is being stopped, in 3.0', async () => {
    cluster('3.0.0');
    sim('stopping');
    expect(await joined()).toBe('unsettled');
    sim('running');
    expect(await joined()).toHaveLength(3);
  });
});

describe('the CIB that cibadmin shows', () => {
  const state = () =>
    new ClusterState(async (tool, args) => {
      const { status, stdout, stderr } = run(tool, [...args]);
      return { exitCode: status ?? -1, stdout, stderr };
    });
  const activeOn = async (node: string) => [...((await state().activeTypes()).get(nodeName(node)) ?? [])];

  it('writes membership as a word, and from 2.1.7 on as a time, which is 0 for remote nodes', () => {
    const status = () => run('cibadmin', ['-Q', '-o', 'status']).stdout;
    expect(status()).toContain('<node_state remote_node="true" id="comp0" uname="comp0" in_ccm="true" ');
    cluster('3.0.0');
    expect(status()).toContain('<node_state remote_node="true" id="comp0" uname="comp0" in_ccm="0" ');
    expect(status()).toMatch(/uname="ctl0" in_ccm="\d{10}" /);
  });

  it('forgets attributes and history of a node that leaves, and once more when it joins', async () => {
    sim('resource', 'nova-compute', 'ocf:openstack:NovaCompute');
    for (const step of ['leave', 'join']) {
      setYes('comp0');
      sim('history', 'nova-compute', 'comp0', 'start', '0');
      expect(await activeOn('comp0')).toEqual(['NovaCompute']);
      sim(step, 'comp0');
      expect(await activeOn('comp0')).toEqual([]);
      expect(queryAll().status).toBe(78);
    }
  });

  it('has the last result of each operation, and a start voids the others', async () => {
    sim('resource', 'nova-compute', 'ocf:openstack:NovaCompute');
    sim('history', 'nova-compute', 'comp0', 'monitor', '7');
    expect(await activeOn('comp0')).toEqual([]);
    sim('history', 'nova-compute', 'comp0', 'start', '0');
    sim('history', 'nova-compute', 'comp0', 'monitor', '0', '10000');
    sim('history', 'nova-compute', 'comp0', 'monitor', '9', '10000');
    const { stdout } = run('cibadmin', ['-Q', '-o', 'status']);
    expect(stdout.match(/operation="[^"]*"|rc-code="[^"]*"/g)).toEqual([
      'operation="start"',
      'rc-code="0"',
      'operation="monitor"',
      'rc-code="9"',
    ]);
    sim('history', 'nova-compute', 'comp0', 'stop', '0');
    expect(await activeOn('comp0')).toEqual([]);
  });

  it('shows public attributes and no private ones', () => {
    run('attrd_updater', ['-n', 'evacuation-comp1', '-U', '1 of 2 "done"']);
    run('attrd_updater', ['-n', 'evacuate', '-p', '-U', 'yes']);
    const { stdout } = run('cibadmin', ['-Q', '-o', 'status']);
    expect(stdout).toContain('name="evacuation-comp1" value="1 of 2 &quot;done&quot;"');
    expect(stdout).not.toContain('name="evacuate"');
  });

  it('lists the primitives', async () => {
    expect(run('cibadmin', ['-Q', '--xpath', '//primitive | //template | //bundle'])).toMatchObject({
      status: 105,
      stdout: '',
    });
    expect(await state().primitives()).toEqual([]);
    sim('resource', 'nova-compute', 'ocf:openstack:NovaCompute');
    sim('resource', 'haproxy', 'systemd:haproxy');
    expect(await state().primitives()).toEqual([
      { id: 'haproxy', class: 'systemd', provider: null, type: 'haproxy', contents: [] },
      { id: 'nova-compute', class: 'ocf', provider: 'openstack', type: 'NovaCompute', contents: [] },
    ]);
    expect(run('cibadmin', ['-Q', '-o', 'resources']).stdout).toContain('<primitive id="haproxy" ');
    sim('resource-delete', 'haproxy');
    expect(await state().primitives()).toHaveLength(1);
  });
});

/** The stand-ins as the agents call them. */
const tools = {
  env: {},
  timeoutMs: 5_000,
  run: async (tool: string, args: readonly string[]) => {
    const { status, stdout, stderr } = run(tool, [...args]);
    return { exitCode: status ?? -1, stdout, stderr };
  },
};

describe("the operators' word", () => {
  const modes = () => createEvacuationModes(tools).readModes();
  const silence = { cluster: 'normal', nodes: new Map(), transient: new Set(), unknown: [] };

  it.each(['1.1.18', '2.1.5', '3.0.2'])('is read as operators leave it, of %s', async (version) => {
    cluster(version);
    expect(await modes()).toEqual(silence);
    const set = ['--type', 'crm_config', '--name', 'evacuation'];
    expect(run('crm_attribute', [...set, '--update', 'pause']).status).toBe(0);
    expect(await modes()).toEqual({ ...silence, cluster: 'pause' });
    run('crm_attribute', ['-N', 'comp0', '-n', 'evacuate', '-l', 'forever', '-v', 'yes']);
    run('crm_attribute', ['-N', 'comp0', '-n', 'evacuation', '-l', 'forever', '-v', 'go']);
    run('crm_attribute', ['-N', 'ctl0', '-n', 'evacuation', '-l', 'forever', '-v', 'a"b & c']);
    run('attrd_updater', ['-n', 'evacuation', '-N', 'comp1', '-U', 'pause']);
    expect(await modes()).toEqual({
      cluster: 'pause',
      nodes: new Map([
        ['ctl0', 'pause'],
        ['comp0', 'go'],
        ['comp1', 'pause'],
      ]),
      transient: new Set(['comp1']),
      unknown: [{ where: 'ctl0', value: 'a"b & c' }],
    });
    expect(run('crm_attribute', [...set, '--query', '-q']).stdout).toBe('pause\n');
    expect(run('crm_attribute', [...set, '--delete']).stdout).toBe(
      'Deleted crm_config option: id=cib-bootstrap-options-evacuation name=evacuation\n',
    );
    expect(run('crm_attribute', [...set, '--query']).status).toBe(105);
    expect((await modes()).cluster).toBe('normal');
  });

  it('is that of the word asked for alone', async () => {
    run('crm_attribute', ['-N', 'comp0', '-n', 'evacuate', '-l', 'forever', '-v', 'yes']);
    sim('property', 'stonith-enabled', 'true');
    expect(await modes()).toEqual(silence);
    sim('property', 'evacuation', 'go');
    expect((await modes()).cluster).toBe('go');
    sim('property-delete', 'evacuation');
    expect(await modes()).toEqual(silence);
  });

  it('is not known while the cluster is away, or one of its tools is', async () => {
    sim('down');
    await expect(modes()).rejects.toMatchObject({ code: 'noCluster' });
    sim('up');
    sim('fail', 'cibadmin.query', 'always', '124', 'Timed out');
    await expect(modes()).rejects.toMatchObject({ code: 'failed', exitCode: 124 });
  });
});

describe('the fencing history', () => {
  const fencing = (node: string) => createFencingHistory(tools).readFencing(nodeName(node));
  const within = (seconds: number) => expect.closeTo(Date.now() - seconds * 1000, -4);

  it('remembers when a node was last switched off, and forgets it with the fencers', async () => {
    expect(await fencing('comp0')).toEqual({ known: true, lastSuccess: null, pending: false });
    sim('fenced', 'comp0', 'reboot', '7200');
    sim('fenced', 'comp0', 'off', '3600');
    sim('fenced', 'comp0', 'off', '60', 'failed');
    sim('fenced', 'comp0', 'on', '50');
    sim('fenced', 'comp1');
    expect(await fencing('comp0')).toEqual({ known: true, lastSuccess: within(3600), pending: false });
    expect(await fencing('comp1')).toEqual({ known: true, lastSuccess: within(0), pending: false });
    sim('forget-fencing');
    expect(await fencing('comp0')).toEqual({ known: true, lastSuccess: null, pending: false });
  });

  it('tells a fencing that is under way, until it is over', async () => {
    sim('fenced', 'comp0', 'off', '60');
    sim('fencing', 'comp0');
    expect(await fencing('comp0')).toEqual({ known: true, lastSuccess: within(60), pending: true });
    expect(await fencing('comp1')).toMatchObject({ pending: false });
    sim('fencing-over', 'comp0');
    expect(await fencing('comp0')).toEqual({ known: true, lastSuccess: within(60), pending: false });
  });

  it('has one entry and not the newest for those who do not ask for all, as 2.1.5', () => {
    sim('fenced', 'comp0', 'reboot', '60');
    sim('fenced', 'comp0', 'off', '30');
    const { stdout } = run('stonith_admin', ['--history', 'comp0', '--output-as=xml']);
    expect(stdout).toContain('<list name="fencing history" count="1">');
    expect(stdout).toContain('action="reboot"');
    expect(run('stonith_admin', ['-H', '*', '-V', '--output-as=xml']).stdout).toContain('count="2"');
  });

  it('is not known to 1.1.18, while the cluster is away, or while the tool fails', async () => {
    const unknown = { known: false, lastSuccess: null, pending: false };
    sim('fenced', 'comp0');
    sim('down');
    expect(await fencing('comp0')).toEqual(unknown);
    sim('up');
    sim('fail', 'stonith_admin', '1', '1', 'No such device');
    expect(await fencing('comp0')).toEqual(unknown);
    expect(await fencing('comp0')).toMatchObject({ known: true });
    cluster('1.1.18');
    sim('fenced', 'comp0');
    expect(await fencing('comp0')).toEqual(unknown);
  });
});

describe('faults', () => {
  it('fail so often as asked, one verb alone if wanted', () => {
    sim('fail', 'attrd_updater.update', '2', '124', 'Timed out');
    expect(setYes('comp0')).toMatchObject({ status: 124, stderr: 'attrd_updater: Timed out\n' });
    expect(queryAll().status).toBe(78);
    expect(setYes('comp0').status).toBe(124);
    expect(setYes('comp0').status).toBe(0);
  });

  it('lose no count when calls come together', async () => {
    sim('fail', 'attrd_updater', '10', '1', 'busy');
    const codes = execFileSync(
      'sh',
      [
        '-c',
        'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do ("$0" -n x -U 1 2>/dev/null; echo $?) & done; wait',
        join(dir, 'bin/attrd_updater'),
      ],
      { encoding: 'utf8' },
    );
    expect(
      codes
        .trim()
        .split('\n')
        .filter((code) => code === '1'),
    ).toHaveLength(10);
  });
});
