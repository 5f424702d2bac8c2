import { beforeEach, describe, expect, it } from 'vitest';
import { on } from '../../../fence/fence_compute/on.ts';
import { AttrdError, type Mark, nodeName } from '../../../lib/attrd/index.ts';
import type { ClusterNode, NodesReading } from '../../../lib/cluster/index.ts';
import { disabledReason } from '../../../lib/evacuation/index.ts';
import { attrdGone, failure, migration, START, type Stage, server, service, stage } from './fakes.ts';

const stdin = 'action=on\nnodename=comp0\nport=comp0';
const fenced = { state: 'down', status: 'disabled', forcedDown: true } as const;
const ours = disabledReason(new Date(START));

let at: Stage;
beforeEach(() => {
  at = stage();
  at.marks.marks.set('comp0', { kind: 'no' });
  at.nova.services = [service('comp0', { ...fenced, disabledReason: ours }), service('comp1')];
});
const run = (text = stdin) => on(at.context(text), at.world);
const warnings = () => at.messages.filter((message) => message.startsWith('warn'));

describe('on', () => {
  it('forces up, enables what is up, and removes the mark', async () => {
    expect(await run()).toBe(0);
    expect(at.journal).toEqual(['nova comp0 forced up', 'nova comp0 enabled', 'mark comp0 cleared']);
  });

  it('leaves a host to the release whose nova-compute does not report yet', async () => {
    at.nova.silent.add('comp0');
    expect(await run()).toBe(0);
    expect(at.journal).toEqual(['nova comp0 forced up']);
    expect(at.messages.at(-1)).toContain('its release is left to NovaEvacuate or NovaCompute');
  });

  it.each([[null], ['broken fan']])(
    'leaves disabled what somebody else disabled (%s), and says so',
    async (reason) => {
      at.nova.services = [service('comp0', { ...fenced, disabledReason: reason })];
      expect(await run()).toBe(0);
      expect(at.journal).toEqual(['nova comp0 forced up', 'mark comp0 cleared']);
      expect(warnings()[0]).toContain(reason ?? 'without a reason');
    },
  );

  it('does nothing for a host that was never fenced (unfencing of a healthy node)', async () => {
    at.marks.marks.clear();
    at.nova.services = [service('comp0')];
    expect(await run()).toBe(0);
    expect(at.journal).toEqual([]);
    expect(at.elapsed()).toBe(0);
  });

  it('succeeds with a warning for a host that Nova does not know', async () => {
    at.nova.services = [service('comp1')];
    expect(await run()).toBe(0);
    expect(warnings()[0]).toContain('Nova does not know about comp0');
    expect(at.journal).toEqual([]);
  });

  it('succeeds with a warning when Nova will not take the host back yet, and leaves the service disabled', async () => {
    at.nova.failures.set('setForcedDown', [failure('badRequest', 400)]);
    expect(await run()).toBe(0);
    expect(warnings()[0]).toMatch(
      /force host back up via nova API: .*Nova says badRequest.*\. comp0 stays forced down until/,
    );
    expect(at.journal).toEqual([]);
  });

  it('refuses to choose between hosts', async () => {
    at.nova.services = [service('comp0.a', fenced), service('comp0.b', fenced)];
    await expect(run()).rejects.toThrow('comp0.a or comp0.b');
    expect(at.journal).toEqual([]);
  });
});

describe('on waits for the mark', () => {
  it.each<[string, Mark, string]>([
    ['yes', { kind: 'yes' }, 'comp0'],
    ['a claim', { kind: 'claimed', who: 'ctl0', at: 1 }, 'comp0'],
    ['a word nobody knows', { kind: 'unknown', value: 'perhaps' }, 'comp0'],
  ])('%s', async (_, mark, name) => {
    at.marks.marks.set(name, mark);
    at.marks.onRead = () => {
      if (at.elapsed() >= 4_000 && at.marks.marks.has(name)) at.marks.marks.set(name, { kind: 'no' });
    };
    expect(await run()).toBe(0);
    expect(at.elapsed()).toBe(4_000);
    expect(at.messages).toContain('info Waiting for comp0 to complete evacuations');
    expect(at.journal).toHaveLength(3);
  });

  it("also for one under Nova's name of the host, where the original agent kept it", async () => {
    at.nova.services = [service('comp0.example', { ...fenced, disabledReason: ours })];
    at.marks.marks.set('comp0.example', { kind: 'yes' });
    await expect(run()).rejects.toThrow('the mark of comp0.example is not "no" yet');
    expect(at.journal).toEqual([]);
  });

  it('for a few seconds only, as Pacemaker recovers nothing meanwhile, and then fails', async () => {
    at.marks.marks.set('comp0', { kind: 'yes' });
    await expect(run()).rejects.toThrow('Instances of comp0 still wait for evacuation');
    expect(at.elapsed()).toBeGreaterThanOrEqual(4_000);
    expect(at.elapsed()).toBeLessThanOrEqual(5_000);
    expect(at.journal).toEqual([]);
    expect(at.nova.connects).toBe(0);
  });

  it('as often as stonith_status_sleep says', async () => {
    at.marks.marks.set('comp0', { kind: 'yes' });
    let reads = 0;
    at.marks.onRead = () => {
      reads += 1;
    };
    await expect(run(`${stdin}\nstonith_status_sleep=2`)).rejects.toThrow();
    expect(reads).toBe(3);
  });
});

/** The cluster's nodes are comp0, in this state. */
const comp0 = (state: Partial<ClusterNode> = {}): NodesReading => ({
  known: true,
  nodes: [
    {
      name: nodeName('comp0'),
      kind: 'remote',
      online: true,
      pending: false,
      unclean: false,
      standby: false,
      maintenance: false,
      connecting: false,
      ...state,
    },
  ],
});
const noDc: NodesReading = {
  known: false,
  why: 'noDc',
  sentence: 'the cluster has no DC at the moment',
  remedy: 'crm_mon -1 on this node shows what the cluster tells',
};

describe('on with a pending mark does not hold up the cluster', () => {
  beforeEach(() => {
    at.marks.marks.set('comp0', { kind: 'yes' });
  });

  it('while the node has not joined: Pacemaker asks again', async () => {
    at.cluster.nodes = comp0({ online: false });
    expect(await run()).toBe(0);
    expect(at.elapsed()).toBe(0);
    expect(at.journal).toEqual([]);
    expect(at.messages[0]).toContain('has not joined the cluster yet');
  });

  it.each([
    [
      'nothing that starts nova-compute',
      { id: 'x', class: 'ocf', provider: 'pacemaker', type: 'Dummy', contents: [] },
    ],
    ['NovaCompute', { id: 'x', class: 'ocf', provider: 'openstack', type: 'NovaCompute', contents: [] }],
  ])('where it has %s', async (_, primitive) => {
    at.cluster.nodes = comp0();
    at.cluster.primitives = [primitive];
    expect(await run()).toBe(0);
    expect(at.elapsed()).toBe(0);
    expect(at.journal).toEqual([]);
  });

  it.each([
    ['podman', 'nova_compute'],
    ['podman', 'quay.io/openstack/nova-compute:2025.1'],
  ])('but fails where %s would start the container %s', async (type, content) => {
    at.cluster.nodes = comp0();
    at.cluster.primitives = [{ id: 'x', class: 'ocf', provider: 'heartbeat', type, contents: [content] }];
    await expect(run()).rejects.toThrow('still wait for evacuation');
  });

  it.each(['openstack-nova-compute', 'nova-compute', 'nova_compute'])(
    'but fails where it would start %s by itself',
    async (type) => {
      at.cluster.nodes = comp0();
      at.cluster.primitives = [{ id: 'x', class: 'systemd', provider: null, type, contents: [] }];
      await expect(run()).rejects.toThrow('still wait for evacuation');
    },
  );
});

it('gives nothing back to Nova while the node is not there', async () => {
  at.cluster.nodes = comp0({ online: false });
  expect(await run()).toBe(0);
  expect(at.journal).toEqual([]);
  expect(at.messages.at(-1)).toContain('waits for its nova-compute to start');
});

describe('on, and what the cluster takes the node for', () => {
  it.each<[string, Partial<ClusterNode>]>([
    ['its connection is only being started', { connecting: true }],
    ['it is to be fenced', { unclean: true }],
    ['it is still joining', { pending: true }],
  ])('%s: it has not joined, so that nothing is given back', async (_, state) => {
    at.cluster.nodes = comp0(state);
    expect(await run()).toBe(0);
    expect(at.journal).toEqual([]);
  });

  it('it has joined, and is in standby: given back', async () => {
    at.cluster.nodes = comp0({ standby: true });
    expect(await run()).toBe(0);
    expect(at.journal).not.toEqual([]);
  });

  it('not told at first: asks again, and goes by what it is told then', async () => {
    at.cluster.nodes = () => (at.elapsed() < 3_000 ? noDc : comp0());
    expect(await run()).toBe(0);
    expect(at.elapsed()).toBe(3_500);
    expect(at.journal).not.toEqual([]);
  });

  it('not told until the deadline: nothing is given back, and that is said', async () => {
    at.cluster.nodes = noDc;
    expect(await run()).toBe(0);
    expect(at.elapsed()).toBeLessThanOrEqual(20_000);
    expect(at.journal).toEqual([]);
    expect(at.messages.join('\n')).toContain(
      'stays forced down for now, as the cluster does not tell whether it has joined: the cluster has no DC at the moment',
    );
  });

  it('not told, and success would start nova-compute: no mark is to be seen, which proves nothing, so it fails', async () => {
    at.marks.marks.clear();
    at.nova.services = [service('comp0')];
    at.cluster.nodes = noDc;
    at.cluster.primitives = [
      { id: 'x', class: 'systemd', provider: null, type: 'openstack-nova-compute', contents: [] },
    ];
    await expect(run()).rejects.toThrow(
      'nobody can say whether it is being evacuated: the cluster has no DC at the moment; Pacemaker tries again.',
    );
    expect(at.nova.connects).toBe(0);
  });

  it('a mark that is to be seen only once the cluster tells counts', async () => {
    at.marks.marks.clear();
    at.cluster.nodes = () => {
      at.marks.marks.set('comp0', { kind: 'yes' });
      return comp0();
    };
    at.cluster.primitives = [
      { id: 'x', class: 'systemd', provider: null, type: 'openstack-nova-compute', contents: [] },
    ];
    await expect(run()).rejects.toThrow('still wait for evacuation');
    expect(at.journal).toEqual([]);
  });

  it('not told, and nobody can be asked again: without crm_mon it does not wait', async () => {
    at.cluster.nodes = { ...noDc, why: 'missing', sentence: 'crm_mon is not installed on this node' };
    expect(await run()).toBe(0);
    expect(at.elapsed()).toBe(0);
    expect(at.journal).toEqual([]);
  });

  it('not told, with a pending mark: anything may start, so it fails', async () => {
    at.marks.marks.set('comp0', { kind: 'yes' });
    at.cluster.nodes = noDc;
    await expect(run()).rejects.toThrow('still wait for evacuation');
  });

  it('joined, but what it would start is not told: fails as well', async () => {
    at.marks.marks.set('comp0', { kind: 'yes' });
    at.cluster.nodes = comp0();
    at.cluster.primitives = new AttrdError('timeout', 'cibadmin did not end');
    await expect(run()).rejects.toThrow('still wait for evacuation');
  });
});

describe('on without an answer', () => {
  it('of the attribute daemon, for a while: fails, as nobody can say what is pending', async () => {
    at.marks.failures.set('readAll', attrdGone);
    await expect(run()).rejects.toThrow('nobody can say whether it is being evacuated');
    expect(at.elapsed()).toBeGreaterThan(10_000);
    expect(at.elapsed()).toBeLessThanOrEqual(15_000);
    expect(at.nova.connects).toBe(0);
  });

  it('goes on when the daemon comes back', async () => {
    at.marks.failures.set('readAll', attrdGone);
    at.marks.onRead = () => {
      if (at.elapsed() >= 5_000) at.marks.failures.clear();
    };
    expect(await run()).toBe(0);
    expect(at.journal).toHaveLength(3);
  });

  it('of a tool that is not installed: fails at once', async () => {
    at.marks.failures.set('readAll', new AttrdError('missing', 'attrd_updater is not installed'));
    await expect(run()).rejects.toThrow('attrd_updater is not installed');
    expect(at.elapsed()).toBe(0);
  });

  it.each(['connect', 'listComputeServices', 'listEvacuations', 'setForcedDown', 'enableService'])(
    'of Nova at %s: fails',
    async (method) => {
      at.nova.outages.set(method, failure('serverError', 503));
      await expect(run()).rejects.toThrow('comp0 could not be given back to Nova: Nova says serverError.');
      expect(at.elapsed()).toBeLessThanOrEqual(30_000);
    },
  );
});

describe('on while an evacuation is in flight', () => {
  it.each([
    ['a young open record', [migration('vm1', 'pre-migrating', 5_000)], [server('vm1')]],
    [
      'an old open record of an instance that is rebuilding',
      [migration('vm1', 'accepted', 3_600_000)],
      [server('vm1', 'rebuilding')],
    ],
  ])('gives nothing back: %s', async (_, evacuations, servers) => {
    at.nova.evacuations = evacuations;
    at.nova.servers = servers;
    await expect(run()).rejects.toThrow('comp0 waits for its evacuations in flight: vm1');
    expect(at.journal).toEqual([]);
  });

  it('does not even ask while Nova would refuse: nova-compute has not settled what was evacuated', async () => {
    at.nova.evacuations = [migration('vm1', 'done', 5_000)];
    expect(await run()).toBe(0);
    expect(at.journal).toEqual([]);
    expect(warnings()[0]).toContain('waits for its nova-compute to clean up 1 evacuated instance');
  });

  it.each([
    [
      'settled records',
      [migration('vm1', 'completed', 5_000), migration('vm2', 'failed', 5_000)],
      [server('vm1'), server('vm2')],
    ],
    ['a record that was left lying', [migration('vm1', 'pre-migrating', 3_600_000)], [server('vm1')]],
    ['a record of an instance that was deleted', [migration('vm1', 'pre-migrating', 5_000)], []],
    [
      'an open record that a later one settled',
      [migration('vm1', 'accepted', 60_001), migration('vm1', 'completed', 100)],
      [],
    ],
  ])('is not stopped by %s', async (_, evacuations, servers) => {
    at.nova.evacuations = evacuations;
    at.nova.servers = servers;
    expect(await run()).toBe(0);
    expect(at.journal).toHaveLength(3);
  });
});
