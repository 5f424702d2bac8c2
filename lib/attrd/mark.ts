import type { Mark } from './types.ts';

const claimPattern = /^([^@\s]+)@(\d{1,12})$/;

/** Reads a value of the attribute `evacuate`; `null`, an absent line and `""` are the same: no mark. */
export function parseMark(value: string | null | undefined): Mark {
  if (value === null || value === undefined || value === '') return { kind: 'none' };
  if (value === 'yes' || value === 'no') return { kind: value };
  const claim = claimPattern.exec(value);
  if (claim?.[1] !== undefined && claim[2] !== undefined) {
    return { kind: 'claimed', who: claim[1], at: Number(claim[2]) };
  }
  return { kind: 'unknown', value };
}

/** The attribute's value for a mark; the inverse of {@link parseMark}. */
export function formatMark(mark: Mark): string {
  switch (mark.kind) {
    case 'none':
      return '';
    case 'claimed':
      return `${mark.who}@${mark.at}`;
    case 'unknown':
      return mark.value;
    default:
      return mark.kind;
  }
}

/** Whether the host still waits for its evacuation, claimed or not. */
export function isPending(mark: Mark): boolean {
  return mark.kind === 'yes' || mark.kind === 'claimed';
}
