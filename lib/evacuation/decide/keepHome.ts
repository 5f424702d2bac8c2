import type { InstanceClass } from '../judge/instance.ts';

/** What happens with a fenced host that is back before any of its instances was evacuated. */
export type EarlyReturn = 'release' | 'evacuate';

/**
 * Whether what is left on a host that is back stays there: `early` when nothing was evacuated from it yet, `partly` when
 * all that is left failed. Null: its evacuation goes on. Nothing may be under way, or in doubt: an instance that is
 * started in place while Nova rebuilds it elsewhere would run twice.
 */
export function keepHome(
  classes: Iterable<InstanceClass>,
  begun: boolean,
  earlyReturn: EarlyReturn,
): 'early' | 'partly' | null {
  let untried = false;
  for (const one of classes) {
    switch (one.kind) {
      case 'inFlight':
      case 'look':
      case 'unknown':
      case 'waiting':
      // It may run elsewhere, or come to.
      case 'held':
        return null;
      case 'due':
        untried = true;
        break;
      default:
      // One that no host can take counts as failed: after the failure of a whole room every host that is back would
      // wait for another to take its instances.
    }
  }
  if (!begun && earlyReturn === 'release') return 'early';
  return untried ? null : 'partly';
}

/**
 * Whether nothing is left to be asked for but what was asked for in vain, or cannot be. What is deferred for want of room, or until
 * others find their disks, is among it: the host itself may be the only one that could take it.
 */
export function hasOnlyFailed(classes: Iterable<InstanceClass>): boolean {
  const ends: readonly InstanceClass['kind'][] = ['failed', 'deferred', 'cannot', 'excluded', 'finished'];
  return [...classes].every(({ kind }) => ends.includes(kind));
}
