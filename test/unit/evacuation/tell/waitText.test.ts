import { describe, expect, test } from 'vitest';
import { waitText } from '../../../../lib/evacuation/tell/waitText.ts';

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

  test('what ends it is news when it is named for the first time, and it goes on counting', () => {
    const before = waitText('comp0 waits for its evacuations in flight: a (1)', '', at).text;
    const named =
      'comp0 waits for its evacuations in flight: a (1), accepted; go on with: openstack server set';
    const next = waitText(named, before, at + 60_000);
    expect(next).toMatchObject({ isNew: true, text: `${named}, since 2026-11-21T06:41:12Z` });
    expect(waitText(named, next.text, at + 90_000).isNew).toBe(false);
  });

  test('something else, or a text of somebody else, begins anew', () => {
    const first = waitText('comp0 waits for Nova to hear from its nova-compute', '', at).text;
    for (const shown of [first, 'something, since yesterday', 'x, since 2026-11-21T06:41:12Z']) {
      const next = waitText('comp0 waits for NovaEvacuate to evacuate it', shown, at + 60_000);
      expect(next).toMatchObject({ isNew: true, sentence: expect.stringMatching(/since 06:42:12Z$/) });
    }
  });
});
