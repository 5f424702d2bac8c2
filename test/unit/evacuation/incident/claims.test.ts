import { describe, expect, test } from 'vitest';
import {
  type Incident,
  isPending,
  type MarkReading,
  markName,
  nothingKnown,
  parseMark,
} from '../../../../lib/attrd/index.ts';
import {
  type ClaimDecision,
  type ClaimNotes,
  decideClaim,
  type Watch,
} from '../../../../lib/evacuation/incident/claim.ts';
import { ClaimKeeper } from '../../../../lib/evacuation/incident/claims.ts';
import { pacing } from '../../../../lib/evacuation/incident/pacing.ts';
import { plainly } from '../../names.ts';
import { Scene } from '../scene.ts';

const second = 1_795_230_000;
const nowMs = second * 1000 + 400;

const incident = (owner: string | null = null): Incident => ({
  id: 'f00d',
  phase: 'pending',
  owner,
  at: 0,
  by: 'ctl0',
  novaAt: null,
  estimated: false,
  echo: false,
  proven: false,
  adopted: false,
  known: nothingKnown,
});

/** What is read of a mark whose transient side reads so; `''`: purged. */
function reading(transient: string, owner: string | null = null): MarkReading {
  const mark = parseMark(transient);
  const permanent = parseMark('yes');
  return {
    name: markName('comp0'),
    mark: mark.kind === 'none' ? permanent : mark,
    transient: mark,
    permanent,
    incident: incident(owner),
  };
}

describe('whether a host is ours to take', () => {
  const decide = (
    one: MarkReading,
    left?: ClaimNotes,
    steady = 5_000,
    isDown = false,
    watched: Watch | null = null,
  ) => decideClaim(one, 'ctl0', left, watched, nowMs, steady, isDown);

  test.each([`ctl1@${second}`, ''])(
    'its owner is down, its mark reads "%s": ours at once, asked for a while later',
    (value) => {
      expect(decide(reading(value, 'ctl1'), undefined, 5_000, true)).toMatchObject({
        kind: 'take',
        quietUntil: nowMs + pacing.ownerDownMs,
      });
    },
  );

  test.each<[string, string | null, ClaimDecision['kind'], number?]>([
    ['no', null, 'leave'],
    ['rubbish', null, 'leave'],
    ['yes', null, 'take', 0],
    ['', null, 'take', 0],
    // Another evacuator's, and it is not at work for now; or it is, or may be, whatever the time in its claim.
    ['yes', 'ctl1', 'take', 0],
    ['', 'ctl1', 'defer'],
    [`ctl1@${second}`, 'ctl1', 'defer'],
    [`ctl1@${second - 3600}`, 'ctl1', 'defer'],
    [`ctl1@${second + 3600}`, 'ctl1', 'defer'],
    // One that knows no owners.
    [`ctl1@${second}`, null, 'defer'],
    [`ctl1@${second - 61}`, 'ctl0', 'defer'],
    // Our own: the last pass was cut short, its last requests are given time to show.
    ['', 'ctl0', 'take', nowMs + pacing.settleMs],
    [`ctl0@${second - 5}`, 'ctl0', 'take', (second - 5) * 1000 + 999 + pacing.settleMs],
    [`ctl0@${second}`, null, 'take', nowMs + pacing.settleMs],
    [`ctl0@${second - 3600}`, 'ctl0', 'take', (second - 3600) * 1000 + 999 + pacing.settleMs],
    // Our clock was set back: no longer than the usual time.
    [`ctl0@${second + 3600}`, 'ctl0', 'take', nowMs + pacing.settleMs],
  ])('%j, owned by %j: %s', (value, owner, kind, quietUntil) => {
    expect(decide(reading(value, owner))).toMatchObject({
      kind,
      ...(quietUntil === undefined ? {} : { quietUntil }),
    });
  });

  test.each([
    // What the last pass here left, the mark, and until when nothing new is asked.
    [
      'a killed pass, and its claim was lost to a purge or another fencing',
      'open',
      0,
      'yes',
      nowMs + pacing.settleMs,
    ],
    [
      'a killed pass with its claim',
      'open',
      0,
      `ctl0@${second - 5}`,
      (second - 5) * 1000 + 999 + pacing.settleMs,
    ],
    ['one that ended in good order', 'closed', 0, 'yes', 0],
    [
      'one that ended in doubt and kept its claim',
      'closed',
      nowMs + 7_000,
      `ctl0@${second - 5}`,
      (second - 5) * 1000 + 999 + pacing.settleMs,
    ],
    ['one that ended in doubt, which the incident tells', 'closed', nowMs + 7_000, 'yes', 0],
  ] as const)('after %s', (_what, pass, quietUntil, value, expected) => {
    const decision = decide(reading(value), { pass, quietUntil });
    expect(decision).toMatchObject({ kind: 'take', quietUntil: expected });
  });

  test.each(['yes', `ctl0@${second - 5}`])(
    'a mark without an incident, %s: the notes are all there is',
    (value) => {
      const left: ClaimNotes = { pass: 'closed', quietUntil: nowMs + 7_000 };
      const decision = decide({ ...reading(value), incident: null }, left);
      expect(decision).toMatchObject({ kind: 'take', quietUntil: nowMs + 7_000 });
    },
  );

  describe('another evacuator is dead when its claim has not changed for a minute that was watched', () => {
    const claim = (at: number) => reading(`ctl1@${at}`, 'ctl1');
    /** The decision at each of these times of the watcher's clock, with the watch of the one before. */
    function watch(looks: readonly [number, MarkReading][]): string[] {
      let watched: Watch | null = null;
      return looks.map(([steady, one]) => {
        const decision = decide(one, undefined, steady, false, watched);
        if (decision.kind !== 'defer') return decision.kind;
        watched = decision.watch;
        return `${decision.kind} ${decision.waitMs}`;
      });
    }

    test('whatever the clock it bears', () => {
      for (const at of [second, second - 61, second + 3600]) {
        const one = claim(at);
        expect(
          watch([
            [5_000, one],
            [35_000, one],
            [65_000, one],
            [65_001, one],
          ]),
        ).toEqual(['defer 60001', 'defer 30001', 'defer 1', 'take']);
      }
    });

    test('each sign of life begins it anew, also one on a clock that was set back', () => {
      const looks: [number, MarkReading][] = [
        [0, claim(9)],
        [59_000, claim(5)],
        [118_000, claim(5)],
        [120_000, claim(5)],
      ];
      expect(watch(looks)).toEqual(['defer 60001', 'defer 60001', 'defer 1001', 'take']);
    });

    test('and so does a purge, after which its owner claims it again', () => {
      const looks: [number, MarkReading][] = [
        [0, claim(9)],
        [59_000, reading('', 'ctl1')],
        [61_000, claim(20)],
      ];
      expect(watch(looks)).toEqual(['defer 60001', 'defer 60001', 'defer 60001']);
    });

    test('two purges are no watch where nobody has looked in between', () => {
      const purged = reading('', 'ctl1');
      expect(
        watch([
          [0, purged],
          [3_600_000, purged],
          [3_605_000, reading(`ctl1@${second}`, 'ctl1')],
        ]),
      ).toEqual(['defer 60001', 'defer 10001', 'defer 60001']);
      expect(
        watch([
          [0, purged],
          [3_600_000, purged],
          [3_610_001, purged],
        ]),
      ).toEqual(['defer 60001', 'defer 10001', 'take']);
      expect(
        watch([
          [0, purged],
          [30_000, purged],
          [60_000, purged],
          [60_001, purged],
        ]),
      ).toEqual(['defer 60001', 'defer 30001', 'defer 1', 'take']);
    });

    test('a watch of before this machine booted delays it', () => {
      expect(
        watch([
          [90_000, claim(9)],
          [3_000, claim(9)],
        ]),
      ).toEqual(['defer 60001', 'defer 60001']);
    });
  });

  test('the words operators search for', () => {
    const sentence = (value: string, watched: Watch | null = null) => {
      const decision = decide(reading(value), { pass: 'none', quietUntil: 0 }, 70_000, false, watched);
      return decision.kind === 'leave' ? null : decision.sentence;
    };
    expect(sentence('yes')).toBeNull();
    expect(
      sentence(`ctl1@${second - 61}`, { value: `ctl1@${second - 61} f00d `, since: 9_000, until: 9_000 }),
    ).toBe('Processing partial evacuation of comp0 by ctl1 at 2026-11-21T02:58:59.000Z.');
    expect(sentence(`ctl1@${second}`)).toBe(
      'Deferring processing partial evacuation of comp0 by ctl1 at 2026-11-21T03:00:00.000Z.',
    );
  });
});

describe('keeping claims', () => {
  function setup(names: readonly string[], patienceMs = 8_000) {
    const scene = new Scene();
    scene.site.patienceMs = patienceMs;
    for (const name of names) scene.setMark(name, 'yes', 'yes');
    const process = scene.newProcess();
    const errors: unknown[] = [];
    const view: { doubt: string | null } = { doubt: null };
    const keeper = plainly(
      new ClaimKeeper(
        scene.site.marksFor(process),
        'ctl0',
        process,
        async () => view.doubt,
        (error) => errors.push(error),
      ),
    );
    return { scene, process, errors, keeper, view };
  }

  test('a claim counts once it reads back as ours', async () => {
    const { scene, keeper } = setup(['comp0', 'comp1']);
    await scene.time.until(keeper.take(await read(scene)));
    expect([scene.mark('comp0'), scene.mark('comp1')]).toEqual([`ctl0@${second}`, `ctl0@${second}`]);
    expect(keeper.lost('comp0')).toBeNull();
    expect(await scene.time.until(keeper.stillHeld('comp0'))).toBe(true);
    expect(await scene.time.until(keeper.stillHeld('comp2'))).toBe(false);
  });

  test('of two that claim at the same time, one holds it', async () => {
    const { scene, keeper } = setup(['comp0']);
    const other = plainly(
      new ClaimKeeper(
        scene.site.marksFor(scene.newProcess()),
        'ctl1',
        scene.newProcess(),
        async () => null,
        () => undefined,
      ),
    );
    const readings = await read(scene);
    await scene.time.until(Promise.all([keeper.take(readings), other.take(readings)]));
    const held = await scene.time.until(Promise.all([keeper.stillHeld('comp0'), other.stillHeld('comp0')]));
    // Whoever was first to change the permanent side.
    expect(held).toEqual([true, false]);
    expect(other.lost('comp0')).toBe('another evacuator has taken it over, or its host was fenced again');
  });

  test.each([
    ['yes', true],
    ['ctl1@1795229000', true],
    ['ctl1@1795230000', false],
    ['no', false],
    ['', false],
    ['rubbish', false],
  ])('a stale claim that was to be taken over reads %j by now', async (value, taken) => {
    const { scene, keeper } = setup(['comp0']);
    scene.setMark('comp0', 'ctl1@1795229000', 'yes');
    const before = await read(scene);
    scene.setMark('comp0', value, value === 'yes' || value.startsWith('ctl1') ? 'yes' : 'no');
    await scene.time.until(keeper.take(before));
    expect(scene.mark('comp0')).toBe(taken ? `ctl0@${second}` : value || 'no');
    expect(keeper.lost('comp0') === null).toBe(taken);
  });

  test('a failing refresh is told, and the next one is tried', async () => {
    const { scene, keeper, errors } = setup(['comp0'], 0);
    await scene.time.until(keeper.take(await read(scene)));
    scene.pacemaker.running = false;
    await scene.time.pass(2.5 * pacing.claimCheckMs);
    expect(errors).toHaveLength(2);
    expect(keeper.lost('comp0')).toBeNull();
    scene.pacemaker.running = true;
    await scene.time.pass(pacing.claimCheckMs);
    expect(scene.mark('comp0')).toBe(`ctl0@${second + (3 * pacing.claimCheckMs) / 1000}`);
    await expect(
      scene.time.until(
        (async () => {
          scene.pacemaker.running = false;
          return keeper.stillHeld('comp0');
        })(),
      ),
    ).rejects.toMatchObject({ name: 'AttrdError' });
  });

  test('one that cannot be refreshed for 30 s is given up, before anybody else may take it, and stays given up', async () => {
    const { scene, keeper } = setup(['comp0']);
    await scene.time.until(keeper.take(await read(scene)));
    scene.pacemaker.running = false;
    await scene.time.pass(29_000);
    expect(keeper.lost('comp0')).toBeNull();
    await scene.time.pass(2_000);
    expect(keeper.lost('comp0')).toBe('its claim could not be refreshed for 31 s');
    scene.pacemaker.running = true;
    await scene.time.pass(3 * pacing.claimRefreshMs);
    expect(keeper.lost('comp0')).toBe('its claim could not be refreshed for 31 s');
    // Neither refreshed nor taken anew: it dies, and whoever is alive takes it.
    expect(scene.mark('comp0')).toBe(`ctl0@${second}`);
    expect(await scene.time.until(keeper.stillHeld('comp0'))).toBe(false);
  });

  test('a mark that is not to be seen is nobody’s word where this node does not see the whole cluster', async () => {
    const { scene, keeper, view, errors } = setup(['comp0']);
    await scene.time.until(keeper.take(await read(scene)));
    scene.setMark('comp0', '', '');
    view.doubt = 'the cluster has no quorum here';
    await expect(scene.time.until(keeper.stillHeld('comp0'))).rejects.toMatchObject({
      name: 'AttrdError',
      message: 'the mark of comp0 is not to be seen here, and the cluster has no quorum here',
    });
    await scene.time.pass(pacing.claimCheckMs);
    expect(errors).toHaveLength(1);
    expect(keeper.lost('comp0')).toBeNull();
    scene.setMark('comp0', `ctl0@${second}`, 'yes');
    view.doubt = null;
    expect(await scene.time.until(keeper.stillHeld('comp0'))).toBe(true);
    scene.setMark('comp0', '', '');
    expect(await scene.time.until(keeper.stillHeld('comp0'))).toBe(false);
  });

  test('writes that hang count as none', async () => {
    const { scene, keeper } = setup(['comp0']);
    await scene.time.until(keeper.take(await read(scene)));
    scene.site.tools.latency = () => 100_000;
    await scene.time.pass(31_000);
    expect(keeper.lost('comp0')).toMatch(/^its claim could not be refreshed for 3\d s$/);
  });

  test('dropped, it is written no more, though a refresh of it is under way', async () => {
    for (let wait = 14_000; wait < 19_000; wait += 100) {
      const { scene, process, keeper } = setup(['comp0', 'comp1', 'comp2']);
      scene.site.tools.latency = () => 100 + scene.site.random() * 900;
      await scene.time.until(keeper.take(await read(scene)));
      await scene.time.pass(wait);
      await scene.time.until(
        (async () => {
          const incident = keeper.incident('comp2');
          await keeper.drop('comp2');
          await scene.site.marksFor(process).setNo({ name: markName('comp2'), incident }, 'owner');
        })(),
      );
      await scene.time.pass(5_000);
      expect([wait, scene.mark('comp2')]).toEqual([wait, 'no']);
      expect(scene.mark('comp0')).toMatch(/^ctl0@/);
    }
  });

  test("an operator's word is lost only in the time of one tool, between the last look and the write of a claim", async () => {
    const toolMs = 100;
    for (const moment of ['taking', 'refreshing'] as const) {
      const lost: number[] = [];
      for (let at = toolMs / 4; at < 12 * toolMs; at += toolMs / 2) {
        const { scene, keeper } = setup(['comp0', 'comp1', 'comp2']);
        scene.site.tools.latency = () => toolMs;
        const readings = await read(scene);
        if (moment === 'refreshing') {
          await scene.time.until(keeper.take(readings));
          await scene.time.pass(pacing.claimRefreshMs - 5 * toolMs);
        }
        scene.time.after(at, () => scene.setMark('comp2', 'no', 'yes'));
        if (moment === 'taking') await scene.time.until(keeper.take(readings));
        await scene.time.pass(20 * toolMs);
        if (scene.mark('comp2') !== 'no') lost.push(at);
      }
      expect([moment, lost.length * (toolMs / 2)]).toEqual([moment, toolMs]);
    }
  });

  test('stopped, nothing is refreshed any more', async () => {
    const { scene, keeper } = setup(['comp0']);
    await scene.time.until(keeper.take(await read(scene)));
    await scene.time.until(keeper.stop());
    const before = scene.writes.length;
    await scene.time.pass(60_000);
    expect(scene.writes.length).toBe(before);
  });
});

/** The pending marks as a pass has read them, each with the incident that it gives them. */
async function read(scene: Scene): Promise<MarkReading[]> {
  const marks = scene.site.marksFor(scene.newProcess());
  const pending = async () =>
    (await scene.time.until(marks.readAll())).marks.filter(({ mark }) => isPending(mark));
  for (const one of await pending()) await scene.time.until(marks.repair(one, 'ctl0'));
  return pending();
}
