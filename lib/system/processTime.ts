/**
 * The time in ms since the epoch, by what the clock showed when this process began and what has passed since: somebody who sets
 * the clock meanwhile lengthens no wait and moves no deadline, and times that were noted before and after can be compared.
 */
export function processTime(): number {
  return Math.round(performance.timeOrigin + performance.now());
}
