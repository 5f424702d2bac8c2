import { NovaError } from './errors.ts';

/**
 * Microversions of the Compute API are `2.N`; only N is carried around here.
 *
 * 2.95 and later leave an evacuated server stopped instead of running, which is the opposite of what these
 * agents are for, so we never ask for more than 2.94. It is also the newest one whose answers we know.
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
      `Nova names microversions that are none: "${cloud.min}" to "${cloud.max}"`,
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
