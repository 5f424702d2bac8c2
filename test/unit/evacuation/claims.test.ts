import { describe, expect, test } from 'vitest';
import { type MarkReading, parseMark } from '../../../lib/attrd/index.ts';
import { type ClaimDecision, decideClaim } from '../../../lib/evacuation/claim.ts';
import { ClaimKeeper } from '../../../lib/evacuation/claims.ts';
import { pacing } from '../../../lib/evacuation/pacing.ts';
import { Rig } from './rig.ts';
import { Process } from './virtualTime.ts';

const second = 1_795_230_000;
const nowMs = second * 1000 + 400;

describe('whether a host is ours to take', () => {
  test.each<[string, ClaimDecision['kind'], Partial<Record<'quietUntil' | 'until', number>>?]>([
    ['', 'leave'],
    ['no', 'leave'],
    ['rubbish', 'leave'],
    ['yes', 'take', { quietUntil: 0 }],
    // Another evacuator: alive for sixty seconds after its last sign.
    [`ctl1@${second}`, 'defer', { until: second * 1000 + 60_001 }],
    [`ctl1@${second - 59}`, 'defer', { until: (second - 59) * 1000 + 60_001 }],
    [`ctl1@${second - 60}`, 'take', { quietUntil: 0 }],
    [`ctl1@${second - 3600}`, 'take', { quietUntil: 0 }],
    // Its clock is ahead, by a little or by so much that its claim would never end.
    [`ctl1@${second + 30}`, 'defer'],
    [`ctl1@${second + 61}`, 'take', { quietUntil: 0 }],
    // Our own: the last pass was cut short, its last requests are given time to show.
    [`ctl0@${second - 5}`, 'take', { quietUntil: (second - 5) * 1000 + 999 + pacing.settleMs }],
    [`ctl0@${second}`, 'take', { quietUntil: nowMs + pacing.settleMs }],
    [`ctl0@${second - 3600}`, 'take', { quietUntil: (second - 3600) * 1000 + 999 + pacing.settleMs }],
    // Our clock was set back: no longer than the usual time.
    [`ctl0@${second + 3600}`, 'take', { quietUntil: nowMs + pacing.settleMs }],
  ])('%j: %s', (value, kind, more = {}) => {
    const decision = decideClaim('comp0', parseMark(value), 'ctl0', undefined, nowMs);
    expect(decision).toMatchObject({ kind, ...more });
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
      nowMs + 7_000,
    ],
    ['one that ended in doubt, its claim lost', 'closed', nowMs + 7_000, 'yes', nowMs + 7_000],
  ] as const)('after %s', (_what, pass, quietUntil, value, expected) => {
    const decision = decideClaim('comp0', parseMark(value), 'ctl0', { pass, quietUntil }, nowMs);
    expect(decision).toMatchObject({ kind: 'take', quietUntil: expected });
  });

  test('the words operators search for', () => {
    const sentence = (value: string) => {
      const decision = decideClaim('comp0', parseMark(value), 'ctl0', undefined, nowMs);
      return decision.kind === 'leave' ? null : decision.sentence;
    };
    expect(sentence('yes')).toBeNull();
    expect(sentence(`ctl1@${second - 61}`)).toBe(
      'Processing partial evacuation of comp0 by ctl1 at 2026-11-21T02:58:59.000Z.',
    );
    expect(sentence(`ctl1@${second}`)).toBe(
      'Deferring processing partial evacuation of comp0 by ctl1 at 2026-11-21T03:00:00.000Z.',
    );
  });
});

describe('keeping claims', () => {
  function setup(names: readonly string[]) {
    const rig = new Rig();
    for (const name of names) rig.setMark(name, 'yes', 'yes');
    const process = new Process(rig.time);
    const errors: unknown[] = [];
    const keeper = new ClaimKeeper(rig.marksFor(process), 'ctl0', process, (error) => errors.push(error));
    return { rig, process, errors, keeper };
  }

  test('a claim counts once it reads back as ours', async () => {
    const { rig, keeper } = setup(['comp0', 'comp1']);
    await rig.time.until(keeper.take(read(rig)));
    expect([rig.mark('comp0'), rig.mark('comp1')]).toEqual([`ctl0@${second}`, `ctl0@${second}`]);
    expect(keeper.lost('comp0')).toBeNull();
    expect(await rig.time.until(keeper.stillHeld('comp0'))).toBe(true);
    expect(await rig.time.until(keeper.stillHeld('comp2'))).toBe(false);
  });

  test('of two that claim at the same time, one holds it', async () => {
    const { rig, keeper } = setup(['comp0']);
    const other = new ClaimKeeper(
      rig.marksFor(new Process(rig.time)),
      'ctl1',
      new Process(rig.time),
      () => undefined,
    );
    await rig.time.until(Promise.all([keeper.take(read(rig)), other.take(read(rig))]));
    const held = await rig.time.until(Promise.all([keeper.stillHeld('comp0'), other.stillHeld('comp0')]));
    expect(held).toEqual([false, true]);
    expect(keeper.lost('comp0')).toBe('ctl1 has claimed it');
  });

  test.each([
    ['yes', true],
    ['ctl1@1795229000', true],
    ['ctl1@1795230000', false],
    ['no', false],
    ['', false],
    ['rubbish', false],
  ])('a stale claim that was to be taken over reads %j by now', async (value, taken) => {
    const { rig, keeper } = setup(['comp0']);
    rig.setMark('comp0', 'ctl1@1795229000', 'yes');
    const before = read(rig);
    rig.setMark('comp0', value, value === 'yes' || value.startsWith('ctl1') ? 'yes' : 'no');
    await rig.time.until(keeper.take(before));
    expect(rig.mark('comp0')).toBe(taken ? `ctl0@${second}` : value || 'no');
    expect(keeper.lost('comp0') === null).toBe(taken);
  });

  test('a failing refresh is told, and the next one is tried', async () => {
    const { rig, keeper, errors } = setup(['comp0']);
    await rig.time.until(keeper.take(read(rig)));
    rig.pacemaker.running = false;
    await rig.time.pass(2.5 * pacing.claimRefreshMs);
    expect(errors).toHaveLength(2);
    expect(keeper.lost('comp0')).toBeNull();
    rig.pacemaker.running = true;
    await rig.time.pass(pacing.claimRefreshMs);
    expect(rig.mark('comp0')).toBe(`ctl0@${second + (3 * pacing.claimRefreshMs) / 1000}`);
    await expect(
      rig.time.until(
        (async () => {
          rig.pacemaker.running = false;
          return keeper.stillHeld('comp0');
        })(),
      ),
    ).rejects.toMatchObject({ name: 'AttrdError' });
  });

  test('one that cannot be refreshed for 30 s is given up, before anybody else may take it, and stays given up', async () => {
    const { rig, keeper } = setup(['comp0']);
    await rig.time.until(keeper.take(read(rig)));
    rig.pacemaker.running = false;
    await rig.time.pass(29_000);
    expect(keeper.lost('comp0')).toBeNull();
    await rig.time.pass(2_000);
    expect(keeper.lost('comp0')).toBe('its claim could not be refreshed for 31 s');
    rig.pacemaker.running = true;
    await rig.time.pass(3 * pacing.claimRefreshMs);
    expect(keeper.lost('comp0')).toBe('its claim could not be refreshed for 31 s');
    // Neither refreshed nor taken anew: it dies, and whoever is alive takes it.
    expect(rig.mark('comp0')).toBe(`ctl0@${second}`);
    expect(await rig.time.until(keeper.stillHeld('comp0'))).toBe(false);
  });

  test('writes that hang count as none', async () => {
    const { rig, keeper } = setup(['comp0']);
    await rig.time.until(keeper.take(read(rig)));
    rig.toolLatency = () => 100_000;
    await rig.time.pass(31_000);
    expect(keeper.lost('comp0')).toMatch(/^its claim could not be refreshed for 3\d s$/);
  });

  test('dropped, it is written no more, though a refresh of it is under way', async () => {
    for (let wait = 9_500; wait < 14_000; wait += 100) {
      const { rig, process, keeper } = setup(['comp0', 'comp1', 'comp2']);
      rig.toolLatency = () => 100 + rig.random() * 900;
      await rig.time.until(keeper.take(read(rig)));
      await rig.time.pass(wait);
      await rig.time.until(
        (async () => {
          await keeper.drop('comp2');
          await rig.marksFor(process).setNo('comp2');
        })(),
      );
      await rig.time.pass(5_000);
      expect([wait, rig.mark('comp2')]).toEqual([wait, 'no']);
      expect(rig.mark('comp0')).toMatch(/^ctl0@/);
    }
  });

  test('stopped, nothing is refreshed any more', async () => {
    const { rig, keeper } = setup(['comp0']);
    await rig.time.until(keeper.take(read(rig)));
    await rig.time.until(keeper.stop());
    const before = rig.writes.length;
    await rig.time.pass(60_000);
    expect(rig.writes.length).toBe(before);
  });
});

/** The pending marks as a pass has read them. */
function read(rig: Rig): MarkReading[] {
  return ['comp0', 'comp1', 'comp2'].flatMap((name) => {
    const mark = parseMark(rig.mark(name));
    return rig.isPending(name) ? [{ name, mark, transient: mark, permanent: { kind: 'yes' as const } }] : [];
  });
}
