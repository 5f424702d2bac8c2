// The small pure parts of the client, as tables.
import { NovaError, type NovaErrorCode, parseDomain, parseInterface } from '@openstack-ts/nova-client';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { negotiate, parseMinor } from '../../../lib/nova-client/src/microversion.ts';
import {
  defaultRetryLimits,
  isPassing,
  parseRetryAfter,
  pauseAfter,
} from '../../../lib/nova-client/src/retry.ts';

describe('parseInterface', () => {
  it.each([
    ['internalURL', 'internal'],
    ['internal', 'internal'],
    ['publicURL', 'public'],
    ['public', 'public'],
    ['adminURL', 'admin'],
    ['admin', 'admin'],
    [' PublicURL ', 'public'],
    ['', null],
    ['foo', null],
    ['internalURLs', null],
  ])('%j is %s', (text, expected) => {
    expect(parseInterface(text)).toBe(expected);
  });
});

describe('parseDomain', () => {
  it.each([
    ['Default', { name: 'Default' }],
    ['default', { id: 'default' }],
    ['7a1ff9a4e078f6739eb67da8728b0c1d', { id: '7a1ff9a4e078f6739eb67da8728b0c1d' }],
    ['heat', { name: 'heat' }],
  ])('%s is %j', (text, expected) => {
    expect(parseDomain(text)).toEqual(expected);
  });
});

describe('microversions', () => {
  it.each([
    ['2.1', '2.93', 93],
    ['2.1', '2.94', 94],
    ['2.1', '2.95', 94],
    ['2.1', '2.104', 94],
    ['2.1', '2.1', 1],
    ['', '', 1],
    ['2.94', '2.100', 94],
  ])('a cloud with %s to %s is spoken to in 2.%i', (min, max, expected) => {
    expect(negotiate({ min, max })).toBe(expected);
  });

  it('refuses a cloud that has nothing below 2.95', () => {
    expect(() => negotiate({ min: '2.95', max: '2.104' })).toThrow(/left stopped/);
  });

  it.each(['3.0', '2', 'two', '2.1.1', '-2.1'])('%s is none', (text) => {
    expect(parseMinor(text)).toBeNull();
    expect(() => negotiate({ min: '2.1', max: text })).toThrow(NovaError);
  });
});

describe('the retry policy', () => {
  const error = (code: NovaErrorCode, facts = {}) => new NovaError(code, 'x', facts);

  it.each([
    ['connectionLost', undefined, true],
    ['timeout', undefined, true],
    ['unreachable', undefined, true],
    ['rateLimited', 429, true],
    ['serverError', 500, true],
    ['serverError', 502, true],
    ['serverError', 503, true],
    ['serverError', 504, true],
    ['serverError', 501, false],
    ['badRequest', 400, false],
    ['conflict', 409, false],
    ['notFound', 404, false],
    ['forbidden', 403, false],
    ['authFailed', 401, false],
    ['tls', undefined, false],
    ['malformed', 200, false],
    ['config', undefined, false],
  ] as const)('%s %s passes by itself: %s', (code, status, expected) => {
    expect(isPassing(error(code, status === undefined ? {} : { status }))).toBe(expected);
  });

  it('does not wait for a name that the name service denies', () => {
    const cause = Object.assign(new Error('getaddrinfo ENOTFOUND nosuch'), { code: 'ENOTFOUND' });
    expect(isPassing(error('unreachable', { cause }))).toBe(false);
  });

  it('pauses for longer each time, and not for ever', () => {
    const pauses = [1, 2, 3, 4, 5].map((done) => pauseAfter(error('timeout'), done, defaultRetryLimits, 1));
    expect(pauses).toEqual([500, 1000, 2000, 4000, null]);
  });

  it('keeps every pause within the upper half of its step', () => {
    const limits = { attempts: 100, firstPauseMs: 100, longestPauseMs: 5_000 };
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 99 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (done, random) => {
          const pause = pauseAfter(error('timeout'), done, limits, random);
          const whole = Math.min(5_000, 100 * 2 ** (done - 1));
          expect(pause).toBeGreaterThanOrEqual(Math.floor(whole / 2));
          expect(pause).toBeLessThanOrEqual(whole);
        },
      ),
    );
  });

  it('does as Retry-After says', () => {
    const limited = error('rateLimited', { status: 429, retryAfterMs: 7_000 });
    expect(pauseAfter(limited, 1, defaultRetryLimits, 0)).toBe(7_000);
  });

  it.each([
    ['7', 7_000],
    [' 0 ', 0],
    ['Sat, 21 Nov 2026 01:02:13 GMT', 10_000],
    ['Sat, 21 Nov 2026 01:00:00 GMT', 0],
    ['soon', null],
    ['-3', null],
    ['', null],
    [null, null],
  ])('Retry-After: %s is %s ms', (text, expected) => {
    expect(parseRetryAfter(text, Date.UTC(2026, 10, 21, 1, 2, 3))).toBe(expected);
  });
});
