import { describe, expect, test } from 'vitest';
import { createMarkStore, type MarkStore } from '../../../lib/attrd/index.ts';
import { FakePacemaker, failed } from './fakePacemaker.ts';

function setup(version: '1.1.18' | '2.0.5' | '2.1.5' | '3.0.2' = '2.1.5') {
  const pacemaker = new FakePacemaker(version, ['ctl0'], ['comp0', 'comp1']);
  const marks = createMarkStore({ env: {}, timeoutMs: 1000, run: pacemaker.run });
  return { pacemaker, marks };
}

/** The changes that were made, in order, without the questions. */
const changes = (pacemaker: FakePacemaker) =>
  pacemaker.calls
    .filter((line) => / -[UvD] ?/.test(line))
    .map((line) => line.replace(/ -l forever| -p/g, ''));

const markOf = async (marks: MarkStore, name: string) =>
  (await marks.readAll()).marks.find((reading) => reading.name === name);

describe('the order of writes', () => {
  test('yes: the permanent copy first, the transient one privately', async () => {
    const { pacemaker, marks } = setup();
    expect(await marks.setYes('comp0')).toEqual({ permanent: true });
    expect(changes(pacemaker)).toEqual([
      'crm_attribute -N comp0 -n evacuate -v yes',
      'attrd_updater -n evacuate -N comp0 -U yes',
    ]);
    expect(pacemaker.calls).toContain('attrd_updater -n evacuate -N comp0 -p -U yes');
    expect(pacemaker.calls).toContain('crm_attribute -N comp0 -n evacuate -v yes -l forever');
  });

  test('a release removes a "no", the permanent copy last, and nothing else', async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0');
    await marks.clearNo('comp0');
    expect((await markOf(marks, 'comp0'))?.mark.kind).toBe('yes');
    await marks.setNo('comp0');
    await marks.clearNo('comp0');
    expect(await markOf(marks, 'comp0')).toBeUndefined();
    expect(pacemaker.permanent('comp0')).toBeUndefined();
  });

  test('a fencing at the very moment of the release is not lost', async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0');
    await marks.setNo('comp0');
    // fence_compute writes the permanent copy right before the release removes it.
    pacemaker.intercept = (line) => {
      if (line.startsWith('cibadmin --delete')) pacemaker.nodes.get('comp0')?.set('evacuate', 'yes');
      return null;
    };
    await marks.clearNo('comp0');
    expect((await markOf(marks, 'comp0'))?.mark.kind).toBe('yes');
  });

  test('a no whose permanent copy still reads yes is not removed: what is left would have the host evacuated', async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0');
    // NovaEvacuate was killed between the two writes of its `no`.
    pacemaker.transient.get('evacuate')?.set('comp0', 'no');
    await marks.clearNo('comp0');
    expect((await markOf(marks, 'comp0'))?.mark.kind).toBe('no');
    const half = await markOf(marks, 'comp0');
    if (half !== undefined) await marks.repair(half);
    await marks.clearNo('comp0');
    expect(await markOf(marks, 'comp0')).toBeUndefined();
  });

  test('no and clear: the permanent copy last', async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0');
    pacemaker.calls.length = 0;
    await marks.setNo('comp0');
    await marks.clear('comp0');
    expect(changes(pacemaker)).toEqual([
      'attrd_updater -n evacuate -N comp0 -U no',
      'crm_attribute -N comp0 -n evacuate -v no',
      'attrd_updater -n evacuate -N comp0 -D',
      'crm_attribute -N comp0 -n evacuate -D',
    ]);
    expect(await markOf(marks, 'comp0')).toBeUndefined();
  });

  test('claims and their return live in the transient copy alone', async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0');
    pacemaker.calls.length = 0;
    await marks.claim('comp0', { who: 'ctl0', at: 1_795_224_191 });
    expect(await markOf(marks, 'comp0')).toEqual({
      name: 'comp0',
      mark: { kind: 'claimed', who: 'ctl0', at: 1_795_224_191 },
      transient: { kind: 'claimed', who: 'ctl0', at: 1_795_224_191 },
      permanent: { kind: 'yes' },
    });
    await marks.release('comp0');
    expect(changes(pacemaker)).toEqual([
      'attrd_updater -n evacuate -N comp0 -U ctl0@1795224191',
      'attrd_updater -n evacuate -N comp0 -U yes',
    ]);
  });

  test('killed after any single write, a mark on its way to yes or no is found as pending or as no, never lost', async () => {
    for (let survive = 0; survive <= 4; survive += 1) {
      const { pacemaker, marks } = setup();
      let writes = 0;
      pacemaker.intercept = (line) => {
        if (!/ -[UvD] ?/.test(line)) return null;
        writes += 1;
        return writes > survive ? failed(1, 'killed') : null;
      };
      const reported = await marks.setYes('comp0').then(
        () => true,
        () => false,
      );
      if (reported) await marks.setNo('comp0').catch(() => undefined);
      pacemaker.intercept = () => null;
      const before = await markOf(marks, 'comp0');
      pacemaker.purge('comp0');
      const after = await markOf(marks, 'comp0');
      expect([survive, reported, before?.mark.kind, after?.mark.kind]).toEqual(
        [
          [0, false, undefined, undefined],
          [1, false, 'yes', 'yes'],
          [2, true, 'yes', 'yes'],
          // Purged between the two writes of `no`: evacuated once more, which finds nothing to do.
          [3, true, 'no', 'yes'],
          [4, true, 'no', 'no'],
        ][survive],
      );
    }
  });
});

describe('setYes reports only what it has read back', () => {
  test('a transient copy that is not there', async () => {
    const { pacemaker, marks } = setup();
    pacemaker.intercept = (line) => (line.includes('-U') ? { exitCode: 0, stdout: '', stderr: '' } : null);
    await expect(marks.setYes('comp0')).rejects.toMatchObject({
      name: 'AttrdError',
      code: 'failed',
      message: 'the mark of comp0 was written but reads back as "" (permanent copy "yes")',
    });
  });

  test('a permanent copy that is not there', async () => {
    const { pacemaker, marks } = setup();
    pacemaker.intercept = (line) => (line.includes('-v') ? { exitCode: 0, stdout: '', stderr: '' } : null);
    await expect(marks.setYes('comp0')).rejects.toMatchObject({
      message: 'the mark of comp0 was written but reads back as "yes" (permanent copy "")',
    });
  });

  test('nothing at all', async () => {
    const { pacemaker, marks } = setup();
    pacemaker.intercept = (line) => (/ -[Uv] /.test(line) ? { exitCode: 0, stdout: '', stderr: '' } : null);
    await expect(marks.setYes('comp0')).rejects.toMatchObject({
      message: 'the mark of comp0 was written but reads back as nothing',
    });
  });

  test('a claim that came at once is as good as the yes', async () => {
    const { pacemaker, marks } = setup();
    pacemaker.intercept = (line) => {
      if (line.startsWith('attrd_updater --query'))
        pacemaker.transient.get('evacuate')?.set('comp0', 'ctl1@5');
      return null;
    };
    expect(await marks.setYes('comp0')).toEqual({ permanent: true });
  });

  test('an old claim or no is overwritten', async () => {
    const { pacemaker, marks } = setup();
    pacemaker.transient.set('evacuate', new Map([['comp0', 'no']]));
    await marks.setYes('comp0');
    expect((await markOf(marks, 'comp0'))?.mark).toEqual({ kind: 'yes' });
  });

  test('a name that is no node has no permanent copy, and the caller is told', async () => {
    const { marks } = setup();
    expect(await marks.setYes('hv-0.example')).toEqual({ permanent: false });
    expect(await markOf(marks, 'hv-0.example')).toEqual({
      name: 'hv-0.example',
      mark: { kind: 'yes' },
      transient: { kind: 'yes' },
      permanent: { kind: 'none' },
    });
  });

  test('no cluster: nothing is reported as written', async () => {
    const { pacemaker, marks } = setup();
    pacemaker.running = false;
    await expect(marks.setYes('comp0')).rejects.toMatchObject({ code: 'noCluster' });
  });
});

describe('reading: what is there in the transient copy wins', () => {
  const none = undefined;
  test.each<[string | undefined, string | undefined, string | undefined]>([
    // transient, permanent, what counts
    [none, none, none],
    ['', none, none],
    ['yes', none, 'yes'],
    ['yes', 'no', 'yes'],
    [none, 'yes', 'yes'],
    ['', 'yes', 'yes'],
    ['no', 'yes', 'no'],
    ['no', none, 'no'],
    ['ctl1@7', 'yes', 'claimed'],
    [none, 'no', 'no'],
    ['', 'no', 'no'],
    ['rubbish', 'yes', 'unknown'],
  ])('transient %j, permanent %j: %j', async (transient, permanent, kind) => {
    const { pacemaker, marks } = setup();
    if (transient !== undefined) pacemaker.transient.set('evacuate', new Map([['comp0', transient]]));
    if (permanent !== undefined) pacemaker.nodes.set('comp0', new Map([['evacuate', permanent]]));
    expect((await markOf(marks, 'comp0'))?.mark.kind).toBe(kind);
  });

  test('the nodes of the cluster come with it', async () => {
    const { marks } = setup();
    expect((await marks.readAll()).clusterNodes).toEqual(['ctl0']);
    await marks.setYes('comp0');
    expect((await marks.readAll()).clusterNodes).toEqual(['ctl0', 'comp0']);
  });
});

describe('what operators say comes with the marks, in the same two calls', () => {
  test.each(['1.1.18', '2.0.5', '2.1.5', '3.0.2'] as const)('%s', async (version) => {
    const { pacemaker, marks } = setup(version);
    expect((await marks.readAll()).words).toEqual([]);
    await marks.setYes('comp0');
    pacemaker.properties.set('evacuation', 'pause');
    pacemaker.properties.set('stonith-enabled', 'true');
    pacemaker.nodes.get('comp0')?.set('evacuation', 'go');
    await pacemaker.run('attrd_updater', ['-n', 'evacuation', '-N', 'ctl0', '-U', 'a "b" & c']);
    await pacemaker.run('attrd_updater', ['-n', 'evacuation', '-N', 'comp1', '-U', '']);
    pacemaker.calls.length = 0;
    const reading = await marks.readAll();
    expect(pacemaker.calls.filter((call) => call.startsWith('cibadmin'))).toHaveLength(1);
    expect(pacemaker.calls.filter((call) => call.includes('evacuation')).length).toBe(1);
    expect(reading.words).toEqual([
      { node: null, value: 'pause', transient: false },
      { node: 'comp0', value: 'go', transient: false },
      { node: 'ctl0', value: 'a "b" & c', transient: true },
    ]);
    expect(reading.marks.map(({ name, permanent }) => [name, permanent.kind])).toEqual([['comp0', 'yes']]);
    expect(reading.clusterNodes).toEqual(['ctl0', 'comp0']);
  });
});

describe('repair', () => {
  const none = undefined;
  test.each<[string | undefined, string | undefined, string[]]>([
    // transient, permanent, changes made
    ['yes', 'yes', []],
    ['ctl1@7', 'yes', []],
    [none, 'yes', ['attrd_updater -n evacuate -N comp0 -U yes']],
    ['', 'yes', ['attrd_updater -n evacuate -N comp0 -U yes']],
    ['yes', none, ['crm_attribute -N comp0 -n evacuate -v yes']],
    ['ctl1@7', none, ['crm_attribute -N comp0 -n evacuate -v yes']],
    ['yes', 'no', ['crm_attribute -N comp0 -n evacuate -v yes']],
    ['no', 'yes', ['crm_attribute -N comp0 -n evacuate -v no']],
    ['no', 'no', []],
    ['no', none, []],
    [none, 'no', []],
    ['rubbish', 'yes', []],
    ['rubbish', none, []],
  ])('transient %j, permanent %j', async (transient, permanent, expected) => {
    const { pacemaker, marks } = setup();
    if (transient !== undefined) pacemaker.transient.set('evacuate', new Map([['comp0', transient]]));
    if (permanent !== undefined) pacemaker.nodes.set('comp0', new Map([['evacuate', permanent]]));
    const reading = await markOf(marks, 'comp0');
    if (reading === undefined) throw new Error('no reading');
    pacemaker.calls.length = 0;
    await marks.repair(reading);
    expect(changes(pacemaker)).toEqual(expected);
    // What counts is the same before and after, and a second repair has nothing to do.
    const after = await markOf(marks, 'comp0');
    expect(after?.mark).toEqual(reading.mark);
    pacemaker.calls.length = 0;
    if (after !== undefined) await marks.repair(after);
    expect(changes(pacemaker)).toEqual([]);
  });

  test('a name that is no node stays as it is, and the caller is told', async () => {
    const { pacemaker, marks } = setup();
    pacemaker.transient.set('evacuate', new Map([['hv-0.example', 'yes']]));
    const reading = await markOf(marks, 'hv-0.example');
    if (reading === undefined) throw new Error('no reading');
    expect(await marks.repair(reading)).toEqual({ permanent: false });
  });
});

describe('the mark outlives what Pacemaker forgets', () => {
  test.each(['1.1.18', '2.0.5', '2.1.5', '3.0.2'] as const)('%s', async (version) => {
    const { pacemaker, marks } = setup(version);
    const kind = async () => (await markOf(marks, 'comp0'))?.mark.kind;
    await marks.setYes('comp0');
    // P1 and 3.0.2: as soon as the fencing is over.
    pacemaker.purge('comp0');
    expect(await kind()).toBe('yes');
    // The next pass mirrors it back, so that operators and original agents see it.
    const reading = await markOf(marks, 'comp0');
    if (reading !== undefined) await marks.repair(reading);
    expect((await markOf(marks, 'comp0'))?.transient.kind).toBe('yes');
    // P2: purged at the rejoin, in the middle of an evacuation.
    await marks.claim('comp0', { who: 'ctl0', at: 5 });
    pacemaker.purge('comp0');
    expect(await kind()).toBe('yes');
    // P4: every attrd lost.
    pacemaker.transient.clear();
    expect(await kind()).toBe('yes');
    // Done: a purge does not bring the mark back.
    await marks.setNo('comp0');
    pacemaker.purge('comp0');
    expect(await kind()).toBe('no');
  });

  test('what another host does not lose by it', async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0');
    await marks.setYes('comp1');
    pacemaker.purge('comp0');
    const { marks: all } = await marks.readAll();
    expect(all.map(({ name, mark }) => [name, mark.kind]).sort()).toEqual([
      ['comp0', 'yes'],
      ['comp1', 'yes'],
    ]);
  });
});
