import { describe, expect, test } from 'vitest';
import { type Mark, type MarkReading, markName, nodeName } from '../../../../lib/attrd/index.ts';
import type { ActiveTypes, ClusterNode, NodesReading } from '../../../../lib/cluster/index.ts';
import { type ReleaseMode, releaseCandidates } from '../../../../lib/evacuation/index.ts';

describe('which hosts are released from here', () => {
  const mark = (name: string, kind: 'no' | 'yes' | 'none'): MarkReading => {
    const one: Mark = { kind };
    return { name: markName(name), mark: one, permanent: one, transient: one, incident: null };
  };
  const node = (name: string, state: Partial<ClusterNode> = {}): ClusterNode => ({
    name: nodeName(name),
    kind: 'remote',
    online: true,
    pending: false,
    unclean: false,
    standby: false,
    maintenance: false,
    connecting: false,
    ...state,
  });
  const marks = [
    mark('pending', 'yes'),
    mark('off', 'no'),
    mark('back', 'no'),
    mark('managed', 'no'),
    mark('unknown', 'no'),
    mark('cleared', 'none'),
  ];
  const nodes = [
    node('pending'),
    node('off', { online: false }),
    node('back'),
    node('managed'),
    node('cleared'),
    node('other'),
  ];
  const active: ActiveTypes = new Map([
    [nodeName('back'), new Set(['Dummy'])],
    [nodeName('managed'), new Set(['NovaCompute'])],
  ]);
  /** What was asked, and what came of it. */
  async function ask(
    mode: ReleaseMode,
    more: { nodes?: NodesReading; active?: ActiveTypes | null; marks?: readonly MarkReading[] } = {},
  ) {
    const asked: string[] = [];
    const candidates = await releaseCandidates(more.marks ?? marks, mode, {
      readNodes: async () => {
        asked.push('nodes');
        return more.nodes ?? { known: true, nodes };
      },
      readActive: async () => {
        asked.push('active');
        return more.active === undefined ? active : more.active;
      },
    });
    return { asked, known: candidates.known, names: candidates.marks.map(({ name }) => name), candidates };
  }

  test.each([
    ['auto', ['back', 'unknown'], ['nodes', 'active']],
    ['on', ['back', 'managed', 'unknown'], ['nodes']],
    ['off', [], []],
  ] as const)('release=%s', async (mode, names, asked) => {
    expect(await ask(mode)).toMatchObject({ known: true, names, asked });
  });

  test.each<[string, Partial<ClusterNode>, boolean]>([
    ['unclean', { unclean: true }, false],
    ['unclean and gone', { online: false, unclean: true }, false],
    ['joining', { pending: true, standby: true }, false],
    ['one whose connection is only being tried', { connecting: true }, false],
    ['in standby', { standby: true }, true],
    ['in maintenance', { maintenance: true }, true],
  ])('a node that is %s', async (_, state, released) => {
    const others = nodes.filter(({ name }) => name !== 'back');
    const { names } = await ask('auto', { nodes: { known: true, nodes: [...others, node('back', state)] } });
    expect(names.includes(markName('back'))).toBe(released);
  });

  test('no mark says so: nothing is asked', async () => {
    expect(await ask('auto', { marks: [mark('pending', 'yes')] })).toMatchObject({ asked: [], names: [] });
  });

  test('none of them is back: what runs there is not asked', async () => {
    expect(await ask('auto', { marks: [mark('off', 'no')] })).toMatchObject({ asked: ['nodes'], names: [] });
  });

  test('where the cluster does not tell what its nodes are, no release is begun', async () => {
    const sentence = 'the cluster has no DC at the moment';
    const { asked, candidates, names } = await ask('auto', {
      nodes: { known: false, why: 'noDc', sentence, remedy: 'wait' },
    });
    expect(candidates).toMatchObject({ known: false, lasting: false, sentence });
    // What a NovaCompute looks after is no trouble of ours.
    expect(names).toEqual(['off', 'back', 'unknown']);
    expect(asked).toEqual(['nodes', 'active']);
  });

  test('where it does not tell what runs there, none of a node that is back is', async () => {
    expect(await ask('auto', { active: null })).toMatchObject({
      known: false,
      names: ['back', 'managed'],
    });
  });

  test('a node that has joined and has no history yet is not taken from the NovaCompute that may run there', async () => {
    const { candidates, names } = await ask('auto', {
      active: new Map([[nodeName('back'), new Set(['Dummy'])]]),
    });
    expect(candidates).toMatchObject({ known: false, question: 'whether NovaCompute runs there' });
    expect(names).toEqual(['managed']);
  });

  test("a mark under Nova's name of the host waits for the node that is meant", async () => {
    const spelled = (name: string, state: Partial<ClusterNode>) =>
      ask('on', { marks: [mark(name, 'no')], nodes: { known: true, nodes: [node('comp0', state)] } });
    for (const name of ['comp0', 'COMP0', 'comp0.lab.example']) {
      expect((await spelled(name, { online: false, unclean: true })).names).toEqual([]);
      expect((await spelled(name, {})).names).toEqual([name]);
    }
  });

  test('an old entry of the same name, left behind offline, does not hold up its release', async () => {
    const twice = [node('comp0', { online: false }), node('comp0')];
    for (const nodes of [twice, twice.toReversed()]) {
      const asked = await ask('on', { marks: [mark('comp0', 'no')], nodes: { known: true, nodes } });
      expect(asked.names).toEqual(['comp0']);
    }
  });
});
