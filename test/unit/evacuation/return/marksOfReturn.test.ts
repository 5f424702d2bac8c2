import { describe, expect, test } from 'vitest';
import { type Incident, type MarkReading, markName } from '../../../../lib/attrd/index.ts';
import { areTrusted } from '../../../../lib/evacuation/return/marksOfReturn.ts';

const reading = (permanent: 'no' | 'none', proven: boolean | null): MarkReading => ({
  name: markName('comp0'),
  mark: { kind: 'no' },
  transient: { kind: 'no' },
  permanent: { kind: permanent },
  incident: proven === null ? null : ({ proven } as Incident),
});

describe('a no is worth something without Nova', () => {
  test.each<[string, MarkReading, boolean, boolean]>([
    ['where its owner has proven it', reading('no', true), true, true],
    ["not where it is an operator's word", reading('no', false), true, false],
    ['not where nothing is known of it', reading('no', null), true, false],
    ['for who cannot ask, where it is permanent', reading('no', null), false, true],
    ["not even then where it is an original's, which is not", reading('none', null), false, false],
  ])('%s', (_what, one, mayAsk, trusted) => {
    expect(areTrusted([one], mayAsk)).toBe(trusted);
    expect(areTrusted([reading('no', true), one], mayAsk)).toBe(trusted);
  });
});
