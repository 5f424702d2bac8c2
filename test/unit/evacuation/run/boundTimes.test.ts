import { novaHost } from '@openstack-ts/nova-client';
import { expect, test } from 'vitest';
import { markName } from '../../../../lib/attrd/index.ts';
import { formatHints, Hints, newHostHints } from '../../../../lib/evacuation/index.ts';
import { boundTimes } from '../../../../lib/evacuation/run/boundTimes.ts';
import { Scene } from '../scene.ts';

const now = Date.parse('2026-11-21T03:00:00Z');

/** Everything that bears a time, as a pass notes it at that time. */
function noted(at: number): Hints {
  const hints = new Hints();
  hints.backOff.until = at + 3_000;
  const signs = { pulse: '', updatedAt: null, heartbeats: 0, held: '', pulsed: false, ranUntil: null };
  hints.set(markName('comp0'), {
    ...newHostHints(at),
    ...{ capacityAt: at, roomAt: { i: at }, quietUntil: at + 25_000, doubts: { j: at + 60_000 } },
    refusals: { k: { count: 1, at, message: 'no', final: false, forItsTask: false, ours: false } },
    ...{ placementSilence: { since: at, until: at }, signs: { ...signs, watchedSince: at } },
    incident: { host: novaHost('comp0'), fencedAt: at },
  });
  return hints;
}

test('of a clock that was set back by an hour nothing is left that lies further ahead than its own pause', () => {
  const hints = noted(now + 3_600_000);
  boundTimes(hints, now);
  const times = (formatHints(hints).match(/\d{13}/g) ?? []).map(Number);
  expect(times.length).toBeGreaterThan(9);
  expect(Math.max(...times)).toBeLessThanOrEqual(now + 300_000);
  expect(times.filter((time) => time > now + 60_000)).toHaveLength(1);
});

test('what was noted a moment ago stays as it is', () => {
  const hints = noted(now - 1_000);
  boundTimes(hints, now);
  expect(hints).toEqual(noted(now - 1_000));
});

test('Nova wanted to be left alone for seconds, and the clock is set back by an hour', async () => {
  const scene = new Scene(5);
  scene.boot('vm');
  await scene.fence('comp0');
  const hints = new Hints();
  hints.backOff.until = scene.time.now() + 3_600_000;
  scene.ctl0.hints = formatHints(hints);
  for (let pass = 0; pass < 45; pass += 1) {
    await scene.outcome(scene.ctl0, { timeoutMs: 20_000 });
    await scene.time.pass(10_000);
  }
  expect(scene.left('comp0')).toEqual([]);
});
