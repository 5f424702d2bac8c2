import type { ComputeService } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import type { Mark, MarkReading, NodeState } from '../../../lib/attrd/index.ts';
import type { InstanceClass } from '../../../lib/evacuation/classify.ts';
import { disabledReason, releaseCandidates } from '../../../lib/evacuation/index.ts';
import { keepHome } from '../../../lib/evacuation/keepHome.ts';
import { isBack, mayBeBack, nextSigns, type Signs } from '../../../lib/evacuation/returning.ts';
import { waitText } from '../../../lib/evacuation/waitText.ts';

const classes = {
  finished: { kind: 'finished', moved: true, sentence: 's' },
  inFlight: { kind: 'inFlight', overdue: false, sentence: 's' },
  overdue: { kind: 'inFlight', overdue: true, sentence: 's' },
  look: { kind: 'look' },
  unknown: { kind: 'unknown', sentence: 's' },
  waiting: { kind: 'waiting', until: 0, sentence: 's' },
  due: { kind: 'due', attempt: 1, reset: false, sentence: 's' },
  deferred: { kind: 'deferred', sentence: 's' },
  failed: { kind: 'failed', attempts: 1, retryAt: 0, givenUp: false, sentence: 's' },
  nowhere: { kind: 'failed', attempts: 0, retryAt: 0, givenUp: false, sentence: 's' },
  cannot: { kind: 'cannot', sentence: 's' },
  excluded: { kind: 'excluded', sentence: 's' },
} as const satisfies Record<string, InstanceClass>;
type Name = keyof typeof classes;

describe('what is left on a machine that is back', () => {
  const stays = (names: readonly Name[], begun: boolean, setting: 'release' | 'evacuate') =>
    keepHome(
      names.map((name) => classes[name]),
      begun,
      setting,
    );

  test.each<[Name[], string, string, string, string]>([
    // instances, not begun with release, begun with release, not begun with evacuate, begun with evacuate
    [['due', 'due'], 'early', 'goes on', 'goes on', 'goes on'],
    [['due', 'cannot'], 'early', 'goes on', 'goes on', 'goes on'],
    [['failed', 'finished'], 'early', 'partly', 'partly', 'partly'],
    [['failed', 'due'], 'early', 'goes on', 'goes on', 'goes on'],
    [['nowhere'], 'early', 'partly', 'partly', 'partly'],
    [['cannot', 'excluded'], 'early', 'partly', 'partly', 'partly'],
  ])('%j', (names, ...expected) => {
    const is = [
      stays(names, false, 'release'),
      stays(names, true, 'release'),
      stays(names, false, 'evacuate'),
      stays(names, true, 'evacuate'),
    ].map((one) => one ?? 'goes on');
    expect(is).toEqual(expected);
  });

  test.each<Name>(['inFlight', 'overdue', 'look', 'unknown', 'waiting'])(
    'one that is %s may be under way: nothing stays (I3)',
    (name) => {
      for (const begun of [false, true]) {
        for (const setting of ['release', 'evacuate'] as const) {
          expect(stays(['failed', name, 'due'], begun, setting)).toBeNull();
        }
      }
    },
  );
});

describe('signs of a machine that is back', () => {
  const at = Date.parse('2026-11-21T03:00:00Z');
  const fenced = (updatedAt: number | null, more: Partial<ComputeService> = {}): ComputeService => ({
    id: 'x',
    host: 'comp0',
    state: 'down',
    status: 'disabled',
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

  test("Nova's clock counts", () => {
    const late = fenced(at + 60_000);
    expect(mayBeBack(seen(['', late]), late, 60_000)).toBe(false);
    expect(mayBeBack(seen(['', late]), late, 0)).toBe(true);
  });
});

describe('what is waited for, and since when', () => {
  const at = Date.parse('2026-11-21T06:41:12.700Z');

  test('something new begins now', () => {
    expect(waitText('comp0 waits for X', '', at)).toEqual({
      text: 'comp0 waits for X, since 2026-11-21T06:41:12Z',
      isNew: true,
      sentence: 'comp0 waits for X, since 06:41:12Z',
    });
  });

  test.each([
    [
      'comp0 waits for its evacuations in flight: a (1); b (2)',
      'comp0 waits for its evacuations in flight: b (2)',
    ],
    ['comp0 waits for 3 of its instances to start', 'comp0 waits for 1 of its instances to start'],
    [
      'comp0 waits for NovaEvacuate to evacuate it (ctl0 is at work on it)',
      'comp0 waits for NovaEvacuate to evacuate it',
    ],
  ])('%s, and then %s: it goes on counting', (before, now) => {
    const first = waitText(before, '', at);
    const next = waitText(now, first.text, at + 60_000);
    expect(next).toMatchObject({ isNew: false, text: `${now}, since 2026-11-21T06:41:12Z` });
  });

  test('something else, or a text of somebody else, begins anew', () => {
    const first = waitText('comp0 waits for Nova to hear from its nova-compute', '', at).text;
    for (const shown of [first, 'something, since yesterday', 'x, since 2026-11-21T06:41:12Z']) {
      const next = waitText('comp0 waits for NovaEvacuate to evacuate it', shown, at + 60_000);
      expect(next).toMatchObject({ isNew: true, sentence: expect.stringMatching(/since 06:42:12Z$/) });
    }
  });
});

describe('which hosts are released from here', () => {
  const mark = (name: string, kind: 'no' | 'yes' | 'none'): MarkReading => {
    const one: Mark = { kind };
    return { name, mark: one, permanent: one, transient: one };
  };
  const node = (name: string, joined: boolean, ...active: string[]): NodeState => ({
    name,
    joined,
    active: new Set(active),
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
    node('pending', true),
    node('off', false),
    node('back', true, 'Dummy'),
    node('managed', true, 'NovaCompute'),
    node('cleared', true),
    node('other', true),
  ];

  test.each([
    ['auto', ['back', 'unknown']],
    ['on', ['back', 'managed', 'unknown']],
    ['off', []],
  ] as const)('release=%s', (mode, expected) => {
    expect(releaseCandidates(marks, nodes, mode).map(({ name }) => name)).toEqual(expected);
  });

  test('where the cluster tells nothing of its nodes, Nova is asked', () => {
    expect(releaseCandidates(marks, [], 'auto').map(({ name }) => name)).toEqual([
      'off',
      'back',
      'managed',
      'unknown',
    ]);
  });
});
