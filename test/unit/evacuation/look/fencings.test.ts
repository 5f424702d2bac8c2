import { novaHost } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { type Incident, markName, nodeName, nothingKnown } from '../../../../lib/attrd/index.ts';
import type { Fencing } from '../../../../lib/cluster/index.ts';
import { Fencings } from '../../../../lib/evacuation/look/fencings.ts';
import { Scene } from '../scene.ts';

const now = Date.parse('2026-11-21T03:00:00Z');
const changedAt = now - 60_000;

/** Nova's clock is 8 s ahead of ours. */
const offset = 8_000;

function fencings(
  novaAt: number | null,
  history: number | null,
  ms = now,
  at = (novaAt ?? 0) - offset,
  adopted = false,
  estimated = false,
): Fencings {
  const incident: Incident = {
    id: 'f00d',
    phase: 'over',
    owner: null,
    at,
    by: 'ctl0',
    novaAt,
    estimated,
    echo: false,
    proven: false,
    adopted,
    known: nothingKnown,
  };
  const fencing: Fencing = { known: history !== null, lastSuccess: history, pending: false };
  return new Fencings({
    incidents: () => new Map([[markName('comp1'), incident]]),
    readFencing: async (node) => (node === 'comp1' ? fencing : { ...fencing, known: false }),
    hostOf: async (node) => novaHost(`${node}.example`),
    nodesOf: async (host) => [nodeName(host === 'comp1.example' ? 'comp1' : host)],
    now: () => ms,
    clockOffsetMs: () => offset,
  });
}

describe('whether an evacuation is lost with its destination', () => {
  const late = now + 20 * 60_000;
  test.each<[string, boolean, Fencings, string?]>([
    ['fenced well after', true, fencings(changedAt + offset + 20_000, null)],
    ['fenced before', false, fencings(changedAt + offset - 20_000, null)],
    ['another host', false, fencings(changedAt + offset + 20_000, null), 'comp2.example'],
    ['fenced within seconds: not certain yet', false, fencings(changedAt + offset + 1_000, null)],
    [
      'fenced within seconds, and it has not moved for long',
      true,
      fencings(changedAt + offset + 1_000, null, late),
    ],
    ['as the cluster remembers it: clocks may differ', false, fencings(null, changedAt + 20_000)],
    [
      'as the cluster remembers it, and it has not moved for long',
      true,
      fencings(null, changedAt + 20_000, late),
    ],
    [
      'fenced well after, unless a clock was set since: not certain yet',
      false,
      fencings(changedAt + offset + 20_000, null, now, changedAt + 110_000),
    ],
    [
      'fenced at a time that Nova has yet to come to, as all clocks were set back: not certain yet',
      false,
      fencings(changedAt + offset + 3_600_000, null),
    ],
    [
      'fenced well after, a clock was set since, and it has not moved for long',
      true,
      fencings(changedAt + offset + 20_000, null, late, changedAt + 110_000),
    ],
    ['fenced before, as the cluster remembers it', false, fencings(null, changedAt - 20_000, late)],
    ['nobody remembers', false, fencings(null, null, late)],
    [
      'fenced well after, as somebody worked it out from a clock that nobody measured: not certain yet',
      false,
      fencings(changedAt + offset + 20_000, null, now, undefined, false, true),
    ],
  ])('%s: %s', async (_what, expected, fencing, destination = 'comp1.example') => {
    expect(await fencing.isLost(novaHost(destination), changedAt + offset)).toBe(expected);
  });
});

describe('whether an evacuation is lost with a destination that is held down still', () => {
  test.each<[string, boolean, Fencings]>([
    ['fenced within seconds of it', true, fencings(changedAt + offset - 1_000, null)],
    ['fenced well before: it lives', false, fencings(changedAt + offset - 20_000, null)],
    [
      'fenced within seconds, unless a clock was set since',
      false,
      fencings(changedAt + offset + 1_000, null, now, changedAt + 110_000),
    ],
  ])('%s: %s', async (_what, expected, fencing) => {
    expect(await fencing.isLost(novaHost('comp1.example'), changedAt + offset, true)).toBe(expected);
  });
});

describe('whether a host was certainly fenced after something, where a guest would run twice by mistake', () => {
  const late = now + 20 * 60_000;
  test.each<[string, boolean, Fencings]>([
    ['fenced well after', true, fencings(changedAt + offset + 20_000, null)],
    ['fenced within seconds, however long ago', false, fencings(changedAt + offset + 1_000, null, late)],
    ['as the cluster remembers it, on some clock', false, fencings(null, changedAt + 20_000, late)],
    ['marked by hand', false, fencings(changedAt + offset + 20_000, null, now, changedAt + 20_000, true)],
  ])('%s: %s', async (_what, expected, fencing) => {
    expect(await fencing.wasFencedAfter(novaHost('comp1.example'), changedAt + offset)).toBe(expected);
  });
});

describe('whether the last fencing of a host was before something that it does, which is waited for then', () => {
  test.each<[string, boolean, Fencings]>([
    ['fenced well before', true, fencings(changedAt + offset - 20_000, null)],
    ['fenced within seconds', false, fencings(changedAt + offset - 1_000, null)],
    ['fenced after', false, fencings(changedAt + offset + 20_000, null)],
    [
      'by a fencer whose clock is not ours',
      true,
      fencings(changedAt - 20_000, null, now, changedAt - 90_000),
    ],
    [
      'by a clock that nobody measured',
      false,
      fencings(changedAt + offset - 20_000, null, now, undefined, false, true),
    ],
    ['nobody remembers', false, fencings(null, null)],
  ])('%s: %s', async (_what, expected, fencing) => {
    expect(await fencing.wasFencedBefore(novaHost('comp1.example'), changedAt + offset)).toBe(expected);
  });
});

test('the controller and a destination die together, and the destination is back before anybody looks', async () => {
  for (const seed of [1, 2, 3, 4]) {
    const scene = new Scene(seed);
    scene.bootSome(12);
    await scene.fence('comp0');
    const first = scene.begin();
    const inAir = () =>
      scene.records.filter(({ status, destHost }) => status === 'pre-migrating' && destHost === 'comp1');
    for (let look = 0; look < 60 && inAir().length === 0; look += 1) await scene.time.pass(100);
    expect(inAir().length).toBeGreaterThan(0);
    scene.lose('comp1');
    first.kill();
    await scene.time.pass(3_000);
    await scene.fence('comp1');
    await scene.time.pass(12_000);
    scene.site.boot('comp1');
    const stop = scene.novaCompute('comp1');
    for (let pass = 0; pass < 120 && scene.left('comp0').length > 0; pass += 1) {
      await scene.pass(scene.ctl1);
      await scene.time.pass(10_000);
    }
    stop();
    expect([seed, scene.left('comp0'), scene.violations]).toEqual([seed, [], []]);
  }
});
