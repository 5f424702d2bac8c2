import { novaHost } from '@openstack-ts/nova-client';
import { expect, test } from 'vitest';
import { hasLived, type Lived, livesOn } from '../../../../lib/evacuation/look/lived.ts';

const service = (state: 'up' | 'down' | 'unknown', forcedDown = false) =>
  ({
    ...{ id: '1', host: novaHost('comp1'), zone: 'nova', state, status: 'enabled' as const },
    ...{ disabledReason: null, forcedDown, updatedAt: null },
  }) as const;
const [up, down, absent] = [service('up'), service('down'), undefined];
type Look = readonly [at: number, seen: typeof up | typeof down | undefined];

/** Seconds of a watch. */
function watched(looks: readonly Look[], isSlow = false): Lived | null {
  let lived: Lived | null = null;
  for (const [at, seen] of looks) lived = livesOn(lived ?? undefined, seen, at * 1_000, isSlow);
  return lived;
}

test.each<[string, boolean, readonly Look[]]>([
  ['one look is none', false, [[0, up]]],
  [
    'a minute without a gap',
    true,
    [
      [0, up],
      [30, up],
      [60, up],
    ],
  ],
  [
    'across passes',
    true,
    [
      [0, up],
      [45, up],
      [90, up],
    ],
  ],
  [
    'with a gap',
    false,
    [
      [0, up],
      [61, up],
      [100, up],
    ],
  ],
  [
    'it was silent meanwhile',
    false,
    [
      [0, up],
      [30, down],
      [40, up],
      [80, up],
    ],
  ],
  [
    'its cell did not tell',
    false,
    [
      [0, up],
      [30, service('unknown')],
      [40, up],
      [80, up],
    ],
  ],
  [
    'a list left it out',
    true,
    [
      [0, up],
      [20, absent],
      [40, up],
      [60, up],
    ],
  ],
  [
    'it is not listed any more',
    true,
    [
      [0, absent],
      [30, absent],
      [60, absent],
    ],
  ],
  [
    'it is listed again, just now',
    false,
    [
      [0, absent],
      [30, absent],
      [60, up],
    ],
  ],
  [
    "Nova's clock was set back",
    false,
    [
      [3_600, up],
      [3_640, up],
      [70, up],
      [100, up],
    ],
  ],
  [
    'it is held down',
    false,
    [
      [0, service('up', true)],
      [30, service('up', true)],
      [60, service('up', true)],
    ],
  ],
])('%s: %s', (_what, expected, looks) => {
  expect(hasLived(watched(looks) ?? undefined, 0)).toBe(expected);
});

test('only what it was watched for since the record was touched counts', () => {
  const lived =
    watched([
      [0, up],
      [40, up],
      [80, up],
    ]) ?? undefined;
  expect([hasLived(lived, 20_000), hasLived(lived, 21_000)]).toEqual([true, false]);
});

test('where Nova takes a minute for a list, looks are further apart', () => {
  const looks: readonly Look[] = [
    [0, up],
    [70, up],
  ];
  expect([watched(looks)?.since, watched(looks, true)?.since]).toEqual([70_000, 0]);
});
