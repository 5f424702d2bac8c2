import { ComputeError } from '../../lib/evacuation/return/localCompute.ts';
import { rethrowUnless } from '../../lib/rethrow.ts';
import type { MissingRuntime } from './runtime/find.ts';
import type { World } from './world.ts';

/** Between two looks, in ms: a daemon that restarts is away for seconds. */
const pauseMs = 1_000;

/** Until the time was over nobody could tell what runs here. */
export interface Untold {
  readonly kind: 'untold';
  /** Why the last look failed. */
  readonly trouble: ComputeError;
}

/** For how long nova-compute is looked for. */
export interface LookUntil {
  /** In ms since the epoch; one look is made in any case. */
  readonly until: number;
  /** Whether what is missing counts only when everybody could be asked: nothing of it runs, but it may be there. */
  readonly surely: boolean;
}

/** Asks again and again until `until` (ms since the epoch) where that fails; throws the last `ComputeError` then. */
export async function patiently<T>(
  clock: Pick<World['clock'], 'now' | 'sleep'>,
  until: number,
  ask: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      rethrowUnless(error, ComputeError);
      if (clock.now() + pauseMs >= until) throw error;
    }
    await clock.sleep(pauseMs);
  }
}

/**
 * Looks until somebody can tell: an engine's daemon restarts, systemctl hangs once, and neither says anything about
 * nova-compute.
 */
export async function lookPatiently<T extends object>(
  { clock }: Pick<World, 'clock'>,
  { until, surely }: LookUntil,
  look: () => Promise<T | MissingRuntime>,
): Promise<T | MissingRuntime | Untold> {
  try {
    return await patiently(clock, until, async () => {
      const found = await look();
      if (surely && 'unsure' in found && found.unsure instanceof ComputeError) throw found.unsure;
      return found;
    });
  } catch (error) {
    rethrowUnless(error, ComputeError);
    return { kind: 'untold', trouble: error };
  }
}
