import { serverId } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { isFollowing, type LookFacts, nextLookMs } from '../../../../lib/evacuation/decide/nextLook.ts';
import type { InstanceClass } from '../../../../lib/evacuation/judge/instance.ts';

const now = 1_000_000;
const classes = {
  inFlight: { kind: 'inFlight', overdue: false, sentence: 's' },
  overdue: { kind: 'inFlight', overdue: true, sentence: 's' },
  due: { kind: 'due', attempt: 1, reset: false, sentence: 's' },
  deferred: { kind: 'deferred', sentence: 's' },
  failed: { kind: 'failed', attempts: 1, retryAt: now + 3_000, givenUp: false, sentence: 's' },
  waiting: { kind: 'waiting', until: now + 100, sentence: 's' },
} as const satisfies Record<string, InstanceClass>;

const facts = (names: readonly (keyof typeof classes)[], more: Partial<LookFacts> = {}): LookFacts => ({
  classes: new Map(names.map((name, index) => [serverId(`${index}`), classes[name]])),
  now,
  deadline: now + 96_000,
  lingerUntil: now + 60_000,
  reportBy: now + 60_000,
  movedAt: now,
  started: 0,
  underWay: 0,
  notBefore: 0,
  isDeferred: false,
  othersAtWork: false,
  ...more,
});

describe('when a host is looked at again', () => {
  test.each<[string, number | null, LookFacts]>([
    ['what is in flight is followed', 1_500, facts(['inFlight'])],
    ['a request under way is followed', 1_500, facts(['due'], { underWay: 1 })],
    [
      'what waits for another host to have its turn is followed',
      1_500,
      facts(['due'], { othersAtWork: true }),
    ],
    ['what is overdue may never end', 5_000, facts(['overdue', 'due'])],
    ['a retry is waited for', 3_000, facts(['failed'])],
    ['not too soon', 1_000, facts(['waiting'])],
    ['not before Nova wants to be asked again', 4_000, facts(['waiting'], { notBefore: now + 4_000 })],
    ['want of room ends the pass', null, facts(['deferred'])],
    ['unless another host keeps it', 5_000, facts(['deferred'], { othersAtWork: true })],
    ['a limit ends it', null, facts(['due'], { isDeferred: true })],
    ['the hard end', null, facts(['inFlight'], { deadline: now, underWay: 1 })],
    ['the end of new requests', null, facts(['inFlight'], { lingerUntil: now })],
    ['but not of those under way', 1_500, facts(['inFlight'], { lingerUntil: now, underWay: 1 })],
    [
      'where nothing ends, the pass reports in time',
      null,
      facts(['inFlight'], { reportBy: now, movedAt: now - 31_000 }),
    ],
    [
      'where something ends it does not',
      1_500,
      facts(['inFlight'], { reportBy: now, movedAt: now - 29_000 }),
    ],
  ])('%s', (_, expected, given) => {
    expect(nextLookMs(given, 1_500)).toBe(expected);
  });

  test('a pause never outlasts the hard end', () => {
    expect(nextLookMs(facts(['inFlight'], { deadline: now + 200 }), 1_500)).toBe(200);
  });

  test('a host that is deferred waits for nobody else', () => {
    expect(isFollowing(facts(['due'], { othersAtWork: true, isDeferred: true }))).toBe(false);
    expect(isFollowing(facts(['due'], { started: 1, isDeferred: true }))).toBe(true);
  });
});
