import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatMark, isPending, type Mark, parseMark } from '../../../lib/attrd/index.ts';

describe('the values of the attribute evacuate', () => {
  test.each<[string | null | undefined, Mark, boolean]>([
    [undefined, { kind: 'none' }, false],
    [null, { kind: 'none' }, false],
    ['', { kind: 'none' }, false],
    ['no', { kind: 'no' }, false],
    ['yes', { kind: 'yes' }, true],
    ['ctl0@1795224191', { kind: 'claimed', who: 'ctl0', at: 1_795_224_191 }, true],
    ['ctl-1.example.org@1', { kind: 'claimed', who: 'ctl-1.example.org', at: 1 }, true],
    ['YES', { kind: 'unknown', value: 'YES' }, false],
    [' yes', { kind: 'unknown', value: ' yes' }, false],
    ['yes\n', { kind: 'unknown', value: 'yes\n' }, false],
    ['true', { kind: 'unknown', value: 'true' }, false],
    ['@1795224191', { kind: 'unknown', value: '@1795224191' }, false],
    ['ctl0@', { kind: 'unknown', value: 'ctl0@' }, false],
    ['ctl0@1795224191\n', { kind: 'unknown', value: 'ctl0@1795224191\n' }, false],
    ['ctl0@-1', { kind: 'unknown', value: 'ctl0@-1' }, false],
    ['ctl0@1e9', { kind: 'unknown', value: 'ctl0@1e9' }, false],
    ['ctl0@9999999999999', { kind: 'unknown', value: 'ctl0@9999999999999' }, false],
    ['a b@5', { kind: 'unknown', value: 'a b@5' }, false],
    ['a@b@5', { kind: 'unknown', value: 'a@b@5' }, false],
  ])('%j', (value, mark, pending) => {
    expect(parseMark(value)).toEqual(mark);
    expect(isPending(parseMark(value))).toBe(pending);
  });

  test('any text is read as some mark, and written back as it was', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.constantFrom('yes', 'no', ''),
          fc.string({ unit: fc.constantFrom('a', '@', '1', ' ') }),
        ),
        (value) => {
          const mark = parseMark(value);
          // `a@007` is the one kind of value whose spelling is not kept.
          if (mark.kind === 'claimed') expect(parseMark(formatMark(mark))).toEqual(mark);
          else expect(formatMark(mark)).toBe(value);
        },
      ),
    );
  });

  test('every claim that can be made survives writing and reading', () => {
    const who = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/);
    fc.assert(
      fc.property(who, fc.integer({ min: 0, max: 999_999_999_999 }), (name, at) => {
        const mark: Mark = { kind: 'claimed', who: name, at };
        expect(parseMark(formatMark(mark))).toEqual(mark);
      }),
    );
  });
});
