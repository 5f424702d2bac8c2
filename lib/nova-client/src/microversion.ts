import { NovaError } from './errors.ts';
import { quoted } from './secrets.ts';

/**
 * Microversions of the Compute API are `2.N`; only N is carried around here.
 *
 * 2.95 and later leave an evacuated server stopped instead of running, which is the opposite of what these
 * agents are for, so we never ask for more than 2.94. It is also the newest one whose answers we know.
 *
 * Held to the real thing by test/contract: 22.0 (Victoria, which ends at 2.87), 26.2 (Zed, 2.93), 31.0 (2025.1, 2.100) and
 * 34.0 (2026.2, 2.104).
 */
export const newestMinor = 94;

/** N of `2.N`; 1 for the empty text, with which a Nova without microversions describes itself; null for others. */
export function parseMinor(text: string): number | null {
  if (text === '') return 1;
  const match = /^2\.(\d{1,4})$/.exec(text);
  return match === null ? null : Number(match[1]);
}

/** The highest microversion that both sides know. Throws `NovaError` where there is none. */
export function negotiate(cloud: { readonly min: string; readonly max: string }): number {
  const min = parseMinor(cloud.min);
  const max = parseMinor(cloud.max);
  if (min === null || max === null) {
    throw new NovaError(
      'malformed',
      `Nova names microversions that are none: ${quoted(cloud.min)} to ${quoted(cloud.max)}`,
    );
  }
  if (min > newestMinor) {
    throw new NovaError(
      'badRequest',
      `Nova speaks microversion ${cloud.min} and newer only, but evacuation needs 2.${newestMinor} or older: ` +
        'from 2.95 on evacuated instances are left stopped',
    );
  }
  return Math.min(newestMinor, max);
}
