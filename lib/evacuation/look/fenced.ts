import type { Fencing } from '../../cluster/index.ts';

/**
 * A fencing this long before the mark was first seen may be what the mark tells of: it is set while a host is switched
 * off, and whoever is to act on it may have been away, or a predecessor have seen it first. A host that is fenced for
 * nothing but a mistaken mark within that time loses nothing: the signs of its return (`returnWatch.ts`) end that.
 */
const unseenMs = 3600_000;

/** Whether the cluster remembers that the host of a mark was switched off for it. `firstSeen` in ms since the epoch. */
export function wasFenced({ known, lastSuccess }: Fencing, firstSeen: number): boolean {
  return known && lastSuccess !== null && lastSuccess >= firstSeen - unseenMs;
}
