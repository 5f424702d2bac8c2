import { describe, expect, test } from 'vitest';
import { createMarkStore, type MarkStore } from '../../../lib/attrd/index.ts';
import { FakePacemaker, failed } from '../../simulators/world/fakePacemaker.ts';
import { type Plainly, plainly } from '../names.ts';

function setup(version: '1.1.18' | '2.0.5' | '2.1.5' | '3.0.2' = '2.1.5') {
  const pacemaker = new FakePacemaker(version, ['ctl0'], ['comp0', 'comp1']);
  const marks = plainly(createMarkStore({ env: {}, timeoutMs: 1000, run: pacemaker.run }));
  return { pacemaker, marks };
}

/** The changes that were made, in order, without the questions; of the permanent side the values that were to be written. */
const changes = (pacemaker: FakePacemaker) =>
  pacemaker.calls
    .filter((line) => / -[UvD] |-D$|--modify/.test(line))
    .map((line) => {
      const [, mark, phase] = /name="evacuate" value="(\w*)".* phase=(\w+)/.exec(line) ?? [];
      return phase === undefined ? line.replace(/ -l forever| -p/g, '') : `evacuate=${mark} ${phase}`;
    });

const markOf = async (marks: Plainly<MarkStore>, name: string) =>
  (await marks.readAll()).marks.find((reading) => reading.name === name);

/** What an evacuator does that comes to the end of a host it took. */
async function evacuated(marks: Plainly<MarkStore>, name: string, who = 'ctl0'): Promise<boolean> {
  const reading = await markOf(marks, name);
  if (reading === undefined) throw new Error('no reading');
  const incident = await marks.own(reading, who);
  return marks.setNo({ name, incident }, 'owner');
}

describe('the order of writes', () => {
  test('yes: the permanent side first, the transient one privately', async () => {
    const { pacemaker, marks } = setup();
    const { incident } = await marks.setYes('comp0', 'ctl0');
    expect(incident).toMatchObject({ phase: 'pending', owner: null, by: 'ctl0', novaAt: null, echo: false });
    expect(changes(pacemaker)).toEqual([
      // The CIB lists a remote node only once it bears an attribute.
      'crm_attribute -N comp0 -n evacuate -v yes',
      'evacuate=yes pending',
      'attrd_updater -n evacuate -N comp0 -U yes',
    ]);
    expect(pacemaker.calls).toContain('attrd_updater -n evacuate -N comp0 -p -U yes');
    expect(pacemaker.calls).toContain('crm_attribute -N comp0 -n evacuate -v yes -l forever');
  });

  test('a second fencing is another incident, in one change', async () => {
    const { pacemaker, marks } = setup();
    const first = await marks.setYes('comp0', 'ctl0');
    pacemaker.calls.length = 0;
    const second = await marks.setYes('comp0', 'ctl0');
    expect(second.incident?.id).not.toBe(first.incident?.id);
    expect(changes(pacemaker)).toEqual(['evacuate=yes pending', 'attrd_updater -n evacuate -N comp0 -U yes']);
  });

  test("no: announced before it is written to the transient side, and so told from an operator's", async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0', 'ctl0');
    pacemaker.calls.length = 0;
    expect(await evacuated(marks, 'comp0')).toBe(true);
    expect(changes(pacemaker)).toEqual([
      'evacuate=yes pending',
      'evacuate=yes ending',
      'attrd_updater -n evacuate -N comp0 -U no',
      'evacuate=no evacuated',
    ]);
  });

  test('a release removes a "no" and nothing else; the incident stays for its time', async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0', 'ctl0');
    await marks.clearNo('comp0');
    expect((await markOf(marks, 'comp0'))?.mark.kind).toBe('yes');
    await evacuated(marks, 'comp0');
    pacemaker.calls.length = 0;
    await marks.clearNo('comp0');
    expect(await markOf(marks, 'comp0')).toBeUndefined();
    expect(pacemaker.permanent('comp0')).toBeUndefined();
    expect(pacemaker.nodes.get('comp0')?.get('evacuate-incident')).toMatch(/ phase=over /);
    expect(changes(pacemaker)).toEqual(['evacuate= over', 'attrd_updater -n evacuate -N comp0 -D']);
  });

  test('a no of which only the transient side is written is not removed: what is left would have the host evacuated', async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0', 'ctl0');
    pacemaker.transient.get('evacuate')?.set('comp0', 'no');
    await marks.clearNo('comp0');
    expect((await markOf(marks, 'comp0'))?.mark.kind).toBe('no');
    const half = await markOf(marks, 'comp0');
    if (half !== undefined) await marks.repair(half, 'ctl0');
    await marks.clearNo('comp0');
    expect(await markOf(marks, 'comp0')).toBeUndefined();
  });

  test('what setYes began is taken back', async () => {
    const { marks } = setup();
    const { incident } = await marks.setYes('comp0', 'ctl0');
    await marks.takeBack({ name: 'comp0', incident }, 'no');
    expect((await markOf(marks, 'comp0'))?.mark.kind).toBe('no');
    const again = await marks.setYes('comp0', 'ctl0');
    await marks.takeBack({ name: 'comp0', incident: again.incident }, 'none');
    expect(await markOf(marks, 'comp0')).toBeUndefined();
  });

  test('whoever reads between the two halves of a new mark does not take the no of before for a word', async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0', 'ctl0');
    await evacuated(marks, 'comp0');
    await marks.setYes('comp0', 'ctl9');
    pacemaker.setTransient('evacuate', 'comp0', 'no');
    const between = await markOf(marks, 'comp0');
    expect(between?.mark.kind).toBe('yes');
    if (between !== undefined) await marks.repair(between, 'ctl1');
    expect((await markOf(marks, 'comp0'))?.incident).toMatchObject({ phase: 'pending', by: 'ctl9' });
  });

  test('a fencing with nothing to evacuate is another incident, and the mark stays no', async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0', 'ctl0');
    expect(await marks.noteFencing('comp0', 'ctl9')).toBeNull();
    await evacuated(marks, 'comp0');
    const before = (await markOf(marks, 'comp0'))?.incident;
    pacemaker.calls.length = 0;
    const incident = await marks.noteFencing('comp0', 'ctl9');
    expect(changes(pacemaker)).toEqual(['evacuate=no evacuated']);
    expect(incident?.id).not.toBe(before?.id);
    await marks.noteNovaTime({ name: 'comp0', incident }, 5, true);
    expect(await markOf(marks, 'comp0')).toMatchObject({
      mark: { kind: 'no' },
      incident: { id: incident?.id, phase: 'evacuated', by: 'ctl9', novaAt: 5 },
    });
    expect(await marks.noteFencing('nosuch', 'ctl9')).toBeNull();
    await marks.clearNo('comp0');
    expect(await markOf(marks, 'comp0')).toBeUndefined();
  });

  test('claims and their return live in the transient side alone', async () => {
    const { pacemaker, marks } = setup();
    const { incident } = await marks.setYes('comp0', 'ctl0');
    pacemaker.calls.length = 0;
    await marks.claim('comp0', { who: 'ctl0', at: 1_795_224_191 });
    expect(await markOf(marks, 'comp0')).toEqual({
      name: 'comp0',
      mark: { kind: 'claimed', who: 'ctl0', at: 1_795_224_191 },
      transient: { kind: 'claimed', who: 'ctl0', at: 1_795_224_191 },
      permanent: { kind: 'yes' },
      incident,
    });
    await marks.release('comp0');
    expect(changes(pacemaker)).toEqual([
      'attrd_updater -n evacuate -N comp0 -U ctl0@1795224191',
      'attrd_updater -n evacuate -N comp0 -U yes',
    ]);
  });

  test('killed after any single write, a mark on its way to yes or no is found as pending or as no, never lost', async () => {
    const found: unknown[] = [];
    for (let survive = 0; survive <= 7; survive += 1) {
      const { pacemaker, marks } = setup();
      let writes = 0;
      pacemaker.intercept = (line) => {
        if (!/ -[UvD] |--modify/.test(line)) return null;
        writes += 1;
        return writes > survive ? failed(1, 'killed') : null;
      };
      const reported = await marks.setYes('comp0', 'ctl0').then(
        () => true,
        () => false,
      );
      if (reported) await evacuated(marks, 'comp0').catch(() => undefined);
      pacemaker.intercept = () => null;
      const before = await markOf(marks, 'comp0');
      pacemaker.purge('comp0');
      const after = await markOf(marks, 'comp0');
      found.push([survive, reported, before?.mark.kind, after?.mark.kind]);
    }
    expect(found).toEqual([
      [0, false, undefined, undefined],
      [1, false, 'yes', 'yes'],
      [2, false, 'yes', 'yes'],
      [3, true, 'yes', 'yes'],
      // Owned; announced; `no` on the transient side: evacuated once more, which finds nothing to do.
      [4, true, 'yes', 'yes'],
      [5, true, 'yes', 'yes'],
      [6, true, 'yes', 'yes'],
      [7, true, 'no', 'no'],
    ]);
  });
});

describe('no writer changes a newer incident', () => {
  /** A fencing right before the n-th change that the writer makes (from 0), and what is read in the end. */
  async function fencedDuring(
    n: number,
    write: (marks: Plainly<MarkStore>) => Promise<unknown>,
    prepare: (marks: Plainly<MarkStore>, pacemaker: FakePacemaker) => Promise<unknown> = async () =>
      undefined,
  ) {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0', 'ctl0');
    await prepare(marks, pacemaker);
    const fence = plainly(createMarkStore({ env: {}, timeoutMs: 1000, run: pacemaker.run }));
    let count = 0;
    let id: string | undefined;
    const slow = createMarkStore({
      env: {},
      timeoutMs: 1000,
      run: async (tool, args) => {
        const isChange = ['--modify', '--delete', '-U', '-D', '-v'].some((flag) => args.includes(flag));
        if (isChange && count === n) id = (await fence.setYes('comp0', 'ctl9')).incident?.id;
        if (isChange) count += 1;
        return pacemaker.run(tool, args);
      },
    });
    const result = await write(plainly(slow));
    return { pacemaker, marks, id, count, result };
  }

  const writers: [
    string,
    (marks: Plainly<MarkStore>) => Promise<unknown>,
    Parameters<typeof fencedDuring>[2]?,
  ][] = [
    ['the end of the evacuation', (marks) => evacuated(marks, 'comp0')],
    ['a release', (marks) => marks.clearNo('comp0'), (marks) => evacuated(marks, 'comp0')],
    [
      "an operator's no that is settled",
      async (marks) => {
        const reading = await markOf(marks, 'comp0');
        return reading === undefined ? null : marks.repair(reading, 'ctl0');
      },
      async (_marks, pacemaker) => pacemaker.transient.get('evacuate')?.set('comp0', 'no'),
    ],
    [
      'a repair after a purge',
      async (marks) => {
        const reading = await markOf(marks, 'comp0');
        return reading === undefined ? null : marks.repair(reading, 'ctl0');
      },
      async (_marks, pacemaker) => pacemaker.purge('comp0'),
    ],
    [
      'a note of when it was',
      async (marks) => {
        const reading = await markOf(marks, 'comp0');
        return reading === undefined ? null : marks.noteNovaTime(reading, 5, true);
      },
    ],
    ...(['no', 'none'] as const).map((before): (typeof writers)[number] => [
      `a mark that is taken back to ${before}`,
      async (marks) => {
        const reading = await markOf(marks, 'comp0');
        return reading === undefined ? null : marks.takeBack(reading, before);
      },
    ]),
    [
      'a fencing with nothing to evacuate',
      (marks) => marks.noteFencing('comp0', 'ctl0'),
      async (marks) => evacuated(marks, 'comp0'),
    ],
    [
      'a release that is owed after all',
      (marks) => marks.owe('comp0', 'ctl0'),
      async (marks) => {
        await evacuated(marks, 'comp0');
        await marks.clearNo('comp0');
      },
    ],
  ];

  test.each(writers)('%s', async (_what, write, prepare) => {
    let n = 0;
    for (; ; n += 1) {
      const { marks, id, count } = await fencedDuring(n, write, prepare);
      if (n >= count) break;
      const reading = await markOf(marks, 'comp0');
      expect([n, reading?.mark.kind, reading?.incident?.id, reading?.incident?.phase]).toEqual([
        n,
        'yes',
        id,
        'pending',
      ]);
      expect([n, reading?.incident?.novaAt]).toEqual([n, null]);
    }
    expect(n).toBeGreaterThan(0);
  });

  test("a no that arrives late is not taken for an operator's, and one that an operator says later is", async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0', 'ctl0');
    const reading = await markOf(marks, 'comp0');
    if (reading === undefined) throw new Error('no reading');
    const incident = await marks.own(reading, 'ctl0');
    // Killed right after it has told attrd, which takes its time.
    pacemaker.intercept = (line) => (line.includes('-U no') ? failed(1, 'killed') : null);
    await marks.setNo({ name: 'comp0', incident }, 'owner').catch(() => undefined);
    pacemaker.intercept = () => null;
    await marks.setYes('comp0', 'ctl9');
    pacemaker.transient.get('evacuate')?.set('comp0', 'no');
    const late = await markOf(marks, 'comp0');
    expect(late).toMatchObject({ mark: { kind: 'yes' }, incident: { phase: 'pending', echo: true } });
    if (late === undefined) throw new Error('no reading');
    await marks.repair(late, 'ctl0');
    expect(pacemaker.transient.get('evacuate')?.get('comp0')).toBe('yes');
    await marks.heedNo(late);
    pacemaker.transient.get('evacuate')?.set('comp0', 'no');
    expect((await markOf(marks, 'comp0'))?.mark.kind).toBe('no');
  });

  test('whoever takes it over ends the work of the owner before', async () => {
    const { marks } = setup();
    await marks.setYes('comp0', 'ctl0');
    const reading = await markOf(marks, 'comp0');
    if (reading === undefined) throw new Error('no reading');
    const first = await marks.own(reading, 'ctl0');
    // From the same reading: too late.
    expect(await marks.own(reading, 'ctl1')).toBeNull();
    const now = await markOf(marks, 'comp0');
    if (now === undefined) throw new Error('no reading');
    expect(await marks.own(now, 'ctl1')).toMatchObject({ owner: 'ctl1' });
    expect(await marks.setNo({ name: 'comp0', incident: first }, 'owner')).toBe(false);
    expect((await markOf(marks, 'comp0'))?.mark.kind).toBe('yes');
  });

  test('another fencing leaves the claim, and the owner, of whoever is at work', async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0', 'ctl0');
    const reading = await markOf(marks, 'comp0');
    if (reading === undefined) throw new Error('no reading');
    await marks.own(reading, 'ctl0');
    await marks.claim('comp0', { who: 'ctl0', at: 5 });
    expect((await marks.setYes('comp0', 'ctl9')).incident).toMatchObject({ owner: 'ctl0', echo: false });
    expect(pacemaker.transient.get('evacuate')?.get('comp0')).toBe('ctl0@5');
  });
});

describe('who knows no incidents', () => {
  const write = (pacemaker: FakePacemaker, transient: string, permanent: string) => {
    pacemaker.transient.set('evacuate', new Map([['comp0', transient]]));
    pacemaker.nodes.get('comp0')?.set('evacuate', permanent);
  };

  test('sets a mark: it is given an incident', async () => {
    const { pacemaker, marks } = setup();
    pacemaker.transient.set('evacuate', new Map([['comp0', 'yes']]));
    const reading = await markOf(marks, 'comp0');
    if (reading === undefined) throw new Error('no reading');
    expect(await marks.repair(reading, 'ctl0')).toMatchObject({
      permanent: true,
      incident: { adopted: true, by: 'ctl0' },
    });
    expect(pacemaker.permanent('comp0')).toBe('yes');
  });

  test('marks a host again that was evacuated: another incident', async () => {
    for (const permanent of ['no', 'yes']) {
      const { pacemaker, marks } = setup();
      const { incident } = await marks.setYes('comp0', 'ctl0');
      await evacuated(marks, 'comp0');
      write(pacemaker, 'yes', permanent);
      const reading = await markOf(marks, 'comp0');
      if (reading === undefined) throw new Error('no reading');
      const adopted = await marks.repair(reading, 'ctl0');
      expect(adopted.incident?.id).not.toBe(incident?.id);
      expect((await markOf(marks, 'comp0'))?.incident).toMatchObject({ phase: 'pending', adopted: true });
    }
  });

  test('marks a host again that was not released: it is about the same failure', async () => {
    const { pacemaker, marks } = setup();
    const { incident } = await marks.setYes('comp0', 'ctl0');
    await marks.noteNovaTime({ name: 'comp0', incident }, 12_345, true);
    await evacuated(marks, 'comp0');
    write(pacemaker, 'yes', 'no');
    const reading = await markOf(marks, 'comp0');
    if (reading === undefined) throw new Error('no reading');
    expect((await marks.repair(reading, 'ctl0')).incident).toMatchObject({
      at: incident?.at,
      novaAt: 12_345,
      adopted: true,
    });
  });

  test('a time that was measured goes before one that was worked out, and stays', async () => {
    const { marks } = setup();
    const { incident } = await marks.setYes('comp0', 'ctl0');
    const meant = { name: 'comp0', incident } as const;
    const noted = async () => (await markOf(marks, 'comp0'))?.incident;
    await marks.noteNovaTime(meant, 1, false);
    await marks.noteNovaTime(meant, 2, false);
    expect(await noted()).toMatchObject({ novaAt: 1, estimated: true });
    await marks.noteNovaTime(meant, 3, true);
    await marks.noteNovaTime(meant, 4, false);
    expect(await noted()).toMatchObject({ novaAt: 3, estimated: false });
  });

  test('says no: who ended it is noted, as that proves nothing of what is in flight', async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0', 'ctl0');
    write(pacemaker, 'no', 'yes');
    const reading = await markOf(marks, 'comp0');
    if (reading === undefined) throw new Error('no reading');
    await marks.repair(reading, 'ctl0');
    expect(await markOf(marks, 'comp0')).toMatchObject({
      permanent: { kind: 'no' },
      incident: { proven: false },
    });
    await marks.setYes('comp0', 'ctl0');
    await evacuated(marks, 'comp0');
    expect(await markOf(marks, 'comp0')).toMatchObject({
      permanent: { kind: 'no' },
      incident: { proven: true },
    });
    expect((await marks.setYes('comp0', 'ctl0')).incident).toMatchObject({ proven: false });
  });

  test('says no: that is what counts, also after a purge', async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0', 'ctl0');
    write(pacemaker, 'no', 'no');
    pacemaker.purge('comp0');
    expect(await markOf(marks, 'comp0')).toMatchObject({ mark: { kind: 'no' }, incident: null });
  });

  test("says no, and the owner's claim is written over the transient half of that: it is no all the same", async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0', 'ctl0');
    const fenced = await markOf(marks, 'comp0');
    if (fenced === undefined) throw new Error('no reading');
    await marks.own(fenced, 'ctl0');
    write(pacemaker, 'ctl0@5', 'no');
    const reading = await markOf(marks, 'comp0');
    if (reading === undefined) throw new Error('no reading');
    expect(reading.mark).toEqual({ kind: 'no' });
    await marks.repair(reading, 'ctl0');
    expect(await markOf(marks, 'comp0')).toMatchObject({ mark: { kind: 'no' }, transient: { kind: 'none' } });
    // Another fencing is another incident, and whoever wrote another claim knows no incidents.
    write(pacemaker, 'ctl1@5', 'no');
    expect((await markOf(marks, 'comp0'))?.mark).toMatchObject({ kind: 'claimed' });
    write(pacemaker, 'ctl0@5', 'no');
    await marks.setYes('comp0', 'ctl0');
    expect((await markOf(marks, 'comp0'))?.mark).toMatchObject({ kind: 'claimed' });
  });

  test('is about to say no when the host is fenced again: that no is not for the new incident', async () => {
    const { pacemaker, marks } = setup();
    write(pacemaker, 'ctl1@5', 'yes');
    pacemaker.nodes.set('comp0', new Map([['evacuate', 'yes']]));
    expect((await marks.setYes('comp0', 'ctl0')).incident).toMatchObject({ echo: true });
    write(pacemaker, 'no', 'no');
    expect(await markOf(marks, 'comp0')).toMatchObject({ mark: { kind: 'yes' }, incident: { echo: true } });
  });
});

describe('setYes reports only what it has read back', () => {
  test('a transient copy that is not there', async () => {
    const { pacemaker, marks } = setup();
    pacemaker.intercept = (line) => (line.includes('-U') ? { exitCode: 0, stdout: '', stderr: '' } : null);
    await expect(marks.setYes('comp0', 'ctl0')).rejects.toMatchObject({
      name: 'AttrdError',
      code: 'failed',
      message: 'the mark of comp0 was written but reads back as "" (permanent copy "yes")',
    });
  });

  test('a permanent copy that is not there', async () => {
    const { pacemaker, marks } = setup();
    pacemaker.intercept = (line) => (line.includes('-v') ? { exitCode: 0, stdout: '', stderr: '' } : null);
    await expect(marks.setYes('comp0', 'ctl0')).rejects.toMatchObject({
      message: 'the permanent mark of comp0 was written but is not there',
    });
  });

  test('nothing at all', async () => {
    const { pacemaker, marks } = setup();
    pacemaker.nodes.set('comp0', new Map());
    pacemaker.intercept = (line) =>
      / -U |--modify/.test(line) ? { exitCode: 0, stdout: '', stderr: '' } : null;
    await expect(marks.setYes('comp0', 'ctl0')).rejects.toMatchObject({
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
    expect((await marks.setYes('comp0', 'ctl0')).incident).not.toBeNull();
  });

  test('an old claim or no is overwritten', async () => {
    const { pacemaker, marks } = setup();
    pacemaker.transient.set('evacuate', new Map([['comp0', 'no']]));
    await marks.setYes('comp0', 'ctl0');
    expect((await markOf(marks, 'comp0'))?.mark).toEqual({ kind: 'yes' });
  });

  test('a name that is no node has no permanent copy, and the caller is told', async () => {
    const { marks } = setup();
    expect(await marks.setYes('hv-0.example', 'ctl0')).toEqual({ incident: null });
    expect(await markOf(marks, 'hv-0.example')).toEqual({
      name: 'hv-0.example',
      mark: { kind: 'yes' },
      transient: { kind: 'yes' },
      permanent: { kind: 'none' },
      incident: null,
    });
  });

  test('no cluster: nothing is reported as written', async () => {
    const { pacemaker, marks } = setup();
    pacemaker.running = false;
    await expect(marks.setYes('comp0', 'ctl0')).rejects.toMatchObject({ code: 'noCluster' });
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
    await marks.setYes('comp0', 'ctl0');
    expect((await marks.readAll()).clusterNodes).toEqual(['ctl0', 'comp0']);
  });
});

describe('what operators say comes with the marks, in the same two calls', () => {
  test.each(['1.1.18', '2.0.5', '2.1.5', '3.0.2'] as const)('%s', async (version) => {
    const { pacemaker, marks } = setup(version);
    expect((await marks.readAll()).words).toEqual([]);
    await marks.setYes('comp0', 'ctl0');
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
    ['yes', 'yes', ['evacuate=yes pending']],
    ['ctl1@7', 'yes', ['evacuate=yes pending']],
    [none, 'yes', ['evacuate=yes pending', 'attrd_updater -n evacuate -N comp0 -U yes']],
    ['', 'yes', ['evacuate=yes pending', 'attrd_updater -n evacuate -N comp0 -U yes']],
    ['yes', none, ['crm_attribute -N comp0 -n evacuate -v yes', 'evacuate=yes pending']],
    ['ctl1@7', none, ['crm_attribute -N comp0 -n evacuate -v yes', 'evacuate=yes pending']],
    ['yes', 'no', ['evacuate=yes pending']],
    ['no', 'yes', ['evacuate=no evacuated']],
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
    await marks.repair(reading, 'ctl0');
    expect(changes(pacemaker)).toEqual(expected);
    // What counts is the same before and after, and a second repair has nothing to do.
    const after = await markOf(marks, 'comp0');
    expect(after?.mark).toEqual(reading.mark);
    pacemaker.calls.length = 0;
    if (after !== undefined) await marks.repair(after, 'ctl0');
    expect(changes(pacemaker)).toEqual([]);
  });

  test('a name that is no node stays as it is, and the caller is told', async () => {
    const { pacemaker, marks } = setup();
    pacemaker.transient.set('evacuate', new Map([['hv-0.example', 'yes']]));
    const reading = await markOf(marks, 'hv-0.example');
    if (reading === undefined) throw new Error('no reading');
    expect(await marks.repair(reading, 'ctl0')).toEqual({ permanent: false, incident: null });
  });
});

describe('the mark outlives what Pacemaker forgets', () => {
  test.each(['1.1.18', '2.0.5', '2.1.5', '3.0.2'] as const)('%s', async (version) => {
    const { pacemaker, marks } = setup(version);
    const kind = async () => (await markOf(marks, 'comp0'))?.mark.kind;
    await marks.setYes('comp0', 'ctl0');
    // P1 and 3.0.2: as soon as the fencing is over.
    pacemaker.purge('comp0');
    expect(await kind()).toBe('yes');
    // The next pass mirrors it back, so that operators and original agents see it.
    const reading = await markOf(marks, 'comp0');
    if (reading !== undefined) await marks.repair(reading, 'ctl0');
    expect((await markOf(marks, 'comp0'))?.transient.kind).toBe('yes');
    // P2: purged at the rejoin, in the middle of an evacuation.
    await marks.claim('comp0', { who: 'ctl0', at: 5 });
    pacemaker.purge('comp0');
    expect(await kind()).toBe('yes');
    // P4: every attrd lost.
    pacemaker.transient.clear();
    expect(await kind()).toBe('yes');
    // Done: a purge does not bring the mark back.
    await evacuated(marks, 'comp0');
    pacemaker.purge('comp0');
    expect(await kind()).toBe('no');
  });

  test('what another host does not lose by it', async () => {
    const { pacemaker, marks } = setup();
    await marks.setYes('comp0', 'ctl0');
    await marks.setYes('comp1', 'ctl0');
    pacemaker.purge('comp0');
    const { marks: all } = await marks.readAll();
    expect(all.map(({ name, mark }) => [name, mark.kind]).sort()).toEqual([
      ['comp0', 'yes'],
      ['comp1', 'yes'],
    ]);
  });
});
