import type { Clock, LocalCompute, PassLog } from '../../lib/evacuation/index.ts';
import { ComputeError } from '../../lib/evacuation/return/localCompute.ts';
import { lastWords } from './lastWords.ts';
import { patiently } from './patience.ts';
import type { Runtime } from './runtime/types.ts';

/** A launched nova-compute has to be seen running within this time, in ms: units and containers are started by others. */
const appearMs = 5_000;
/** … and to stay for this long. One with a wrong nova.conf is gone within a second. */
const stayMs = 2_000;
const lookMs = 200;

export interface ManagedComputeOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly log: PassLog;
  /** Until when a machine that does not tell is asked again, in ms since the epoch. */
  readonly until: number;
  /** Called right before it is launched; what it throws prevents the launch. */
  readonly beforeLaunch: () => void;
}

/** nova-compute as the walk of a release sees it, over one of the ways to run it. */
export function managedCompute(options: ManagedComputeOptions): LocalCompute {
  const { runtime, clock, log, until } = options;
  const isRunning = async () => (await patiently(clock, until, () => runtime.state())).kind === 'running';
  return {
    isRunning,
    start: async () => {
      options.beforeLaunch();
      log.debug(`nova-compute is launched: ${runtime.title}`);
      await runtime.start(until - appearMs);
      const launchedAt = clock.now();
      let seenAt: number | null = null;
      for (;;) {
        const running = await isRunning();
        const now = clock.now();
        if (running) seenAt ??= now;
        const gone = !running && (seenAt !== null || now - launchedAt >= appearMs);
        if (gone) throw new ComputeError(await died(runtime, 'died at once'));
        if (seenAt !== null && now - seenAt >= stayMs) return;
        await clock.sleep(lookMs);
      }
    },
  };
}

/** Why nova-compute is not there any more: its own last words. */
export async function died(runtime: Runtime, how: string): Promise<string> {
  const words = await lastWords(runtime);
  const said = words === '' ? ', and left nothing in its log' : `: ${words}`;
  return `nova-compute ${how}${said} (${runtime.title})`;
}
