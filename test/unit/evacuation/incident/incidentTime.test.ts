import { novaHost } from '@openstack-ts/nova-client';
import { expect, test } from 'vitest';
import { type Incident, nothingKnown } from '../../../../lib/attrd/index.ts';
import { disabledReason } from '../../../../lib/evacuation/incident/disabledReason.ts';
import { incidentTime } from '../../../../lib/evacuation/incident/incidentTime.ts';
import { Scene } from '../scene.ts';

const now = Date.parse('2026-11-21T03:00:00Z');
const minute = 60_000;
const incident = (at: number, novaAt: number | null, adopted = false): Incident => ({
  id: 'f00d',
  phase: 'pending',
  owner: null,
  at,
  by: 'ctl0',
  novaAt,
  estimated: false,
  echo: false,
  proven: false,
  adopted,
  known: nothingKnown,
});

test.each<[string, Incident | null, number | null, number, number]>([
  // what, incident, when the service says that it was fenced, Nova's clock less ours, what comes of it
  [
    "on Nova's clock, which is behind ours",
    incident(now + 60 * minute, now - 9_000),
    now + minute,
    -8_000,
    now - 1_000,
  ],
  ["on Nova's clock, which is ahead of ours", incident(now, now + 7_000), null, 8_000, now - 1_000],
  ['nothing lies in the future', incident(now, now + 3_000), null, 0, now],
  [
    "Nova's clock was set back since: what was noted on others counts, and does not move with time",
    incident(now - 20_000, now + 58 * minute),
    null,
    -3_000,
    now - 20_000,
  ],
  [
    "a fencer's clock is an hour ahead",
    incident(now + 60 * minute, null),
    now + 60 * minute,
    0,
    now - 10_000,
  ],
  ['of several the earliest', incident(now - 30_000, null, true), now - 20_000, 0, now - 30_000],
  ['the service of a mark set by hand says it', incident(now, null, true), now - minute, 0, now - minute],
  [
    'the service still says when the failure before was, whose host was not released',
    incident(now - 12_000, null),
    now - 60 * minute,
    0,
    now - 12_000,
  ],
  ['who disabled the service says it', null, now - minute, 0, now - minute],
  ['nobody noted it', null, null, 0, now - 10_000],
])('%s', (_what, noted, disabledAt, clockOffsetMs, expected) => {
  const service = disabledAt === null ? null : serviceOf(disabledReason(new Date(disabledAt)));
  expect(incidentTime({ incident: noted, service, firstSeen: now - 10_000, now, clockOffsetMs })).toBe(
    expected,
  );
});

function serviceOf(reason: string): Parameters<typeof incidentTime>[0]['service'] {
  return {
    id: '1',
    host: novaHost('comp0'),
    state: 'down',
    status: 'disabled',
    forcedDown: true,
    zone: 'nova',
    disabledReason: reason,
    updatedAt: null,
  };
}

test("a fencer's clock that is an hour ahead costs no hour, and every controller goes by the same time", async () => {
  const scene = new Scene();
  scene.bootSome(3);
  scene.site.clocks.set('ctl0', 60 * minute);
  await scene.fence('comp0');
  scene.site.clocks.set('ctl0', 0);
  expect(scene.host('comp0').disabledReason).toContain('2026-11-21T04:00:00Z');
  const begun = scene.time.now();
  await scene.pass();
  expect(scene.asked.size).toBe(3);
  expect(scene.time.now() - begun).toBeLessThan(30_000);
  const noted = scene.pacemaker.nodes.get('comp0')?.get('evacuate-incident') ?? '';
  expect(Number(/ nova=(\d+)/.exec(noted)?.[1]) - begun).toBeLessThan(5_000);
});

test("what has arrived is counted right when Nova's clock is set forward in mid-pass", async () => {
  const scene = new Scene();
  scene.bootSome(5);
  await scene.fence('comp0');
  const passing = scene.passes(10);
  while (scene.asked.size === 0) await scene.time.pass(100);
  scene.site.clocks.set('nova', 90_000);
  await passing;
  expect(scene.log.at(-1)).toContain('5 of 5 instances evacuated');
  expect(scene.violations).toEqual([]);
});

test("what has arrived is counted right when Nova's clock is behind", async () => {
  const scene = new Scene(1, { novaClockMs: -8_000 });
  scene.bootSome(5);
  await scene.fence('comp0');
  await scene.passes(10);
  expect(scene.log.at(-1)).toContain('5 of 5 instances evacuated');
  expect(scene.violations).toEqual([]);
});
