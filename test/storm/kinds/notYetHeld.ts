/**
 * Kinds of trouble that the agents do not hold out against yet, and the rule that is broken. They are drawn only when asked
 * for (`WITH=NAME npm run storm`, `WITH=all`), so that a new fault is not hidden among known ones. Whoever mends one takes it
 * out of this list.
 */
export const notYetHeld: ReadonlyMap<string, string> = new Map([
  [
    'list-lacks-cell',
    'I2: one that has arrived, or is in flight, is asked for again from what a list has left out (ONLY of test/storm, seeds 80014, 80114, with further-failures, rack-fails, spawn-refused, requests-fail, killed-processes)',
  ],
  ['born-in-error', 'I6: one that was off and in ERROR runs in the end (the same kinds, seed 80079)'],
]);
