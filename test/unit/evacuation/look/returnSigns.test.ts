import { type ComputeService, novaHost } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { disabledReason } from '../../../../lib/evacuation/index.ts';
import {
  guestsMayRun,
  isBack,
  mayBeBack,
  nextSigns,
  type Signs,
} from '../../../../lib/evacuation/look/returnSigns.ts';

describe('signs of a machine that is back', () => {
  const at = Date.parse('2026-11-21T03:00:00Z');
  const fenced = (updatedAt: number | null, more: Partial<ComputeService> = {}): ComputeService => ({
    id: 'x',
    host: novaHost('comp0'),
    state: 'down',
    status: 'disabled',
    zone: 'nova',
    disabledReason: disabledReason(new Date(at)),
    forcedDown: true,
    updatedAt,
    ...more,
  });
  /** What is thought after looks at pulses and services, one after the other. */
  const seen = (...looks: readonly (readonly [string, ComputeService])[]): Signs => {
    let signs: Signs | null = null;
    for (const [pulse, service] of looks) signs = nextSigns(signs, pulse, service);
    if (signs === null) throw new Error('no look');
    return signs;
  };

  test('one look proves nothing, whatever it shows', () => {
    expect(isBack(seen(['comp0@1', fenced(at + 500_000)]))).toBe(false);
  });

  test('a pulse that moves is a machine that is back', () => {
    expect(isBack(seen(['comp0@1', fenced(at)], ['comp0@6', fenced(at)]))).toBe(true);
  });

  test('a pulse that is left over, appears, or is purged is none', () => {
    expect(isBack(seen(['comp0@1', fenced(at)], ['comp0@1', fenced(at)], ['comp0@1', fenced(at)]))).toBe(
      false,
    );
    expect(isBack(seen(['', fenced(at)], ['comp0@1', fenced(at)], ['', fenced(at)]))).toBe(false);
  });

  test('two heartbeats are a machine that is back, one is not', () => {
    expect(isBack(seen(['', fenced(at)], ['', fenced(at + 10_000)]))).toBe(false);
    expect(isBack(seen(['', fenced(at)], ['', fenced(at + 10_000)], ['', fenced(at + 20_000)]))).toBe(true);
  });

  test.each<[string, Partial<ComputeService>]>([
    ['forced up and down again', { forcedDown: false }],
    ['disabled anew', { disabledReason: 'other' }],
    ['enabled', { status: 'enabled' }],
    ['in a cell that is away', { state: 'unknown' }],
  ])('Nova wrote the service because it was %s: no heartbeat', (_what, change) => {
    const signs = seen(['', fenced(at)], ['', fenced(at + 5_000, change)], ['', fenced(at + 9_000)]);
    expect(signs.heartbeats).toBe(0);
  });

  test('times that Nova does not tell are no heartbeats, and it begins anew after them', () => {
    expect(
      seen(['', fenced(null)], ['', fenced(at)], ['', fenced(null)], ['', fenced(at + 9_000)]).heartbeats,
    ).toBe(0);
  });

  test('worth another look: a pulse, a heartbeat, a service that was written well after its fencing', () => {
    const may = (pulse: string, ...services: ComputeService[]) => {
      const signs = seen(...services.map((service) => [pulse, service] as const));
      return mayBeBack(signs, services.at(-1) ?? fenced(at), 0);
    };
    expect(may('', fenced(at + 1_000))).toBe(false);
    expect(may('comp0@1', fenced(at))).toBe(true);
    expect(may('', fenced(at), fenced(at + 3_000))).toBe(true);
    expect(may('', fenced(at + 60_000))).toBe(true);
    expect(may('', fenced(null))).toBe(false);
    // Somebody else had disabled it: when it was fenced is not known, so its age says nothing.
    expect(may('', fenced(at + 60_000, { disabledReason: 'broken fan' }))).toBe(false);
  });

  test('guests may run where a nova-compute has reported: that does not lapse by age, one report that is old is none', () => {
    const once = seen(['', fenced(at)], ['', fenced(at + 10_000)]);
    const twice = nextSigns(once, '', fenced(at + 20_000));
    expect(guestsMayRun(null, at)).toBe('no');
    expect(guestsMayRun(seen(['comp0@1', fenced(at)], ['comp0@2', fenced(at)]), at + 1_000)).toBe('no');
    expect([40_000, 3_600_000].map((ms) => guestsMayRun(once, at + ms))).toEqual(['yes', 'no']);
    expect([40_000, 3_600_000].map((ms) => guestsMayRun(twice, at + ms))).toEqual(['yes', 'maybe']);
  });

  test("Nova's clock counts", () => {
    const late = fenced(at + 60_000);
    expect(mayBeBack(seen(['', late]), late, 60_000)).toBe(false);
    expect(mayBeBack(seen(['', late]), late, 0)).toBe(true);
  });
});
