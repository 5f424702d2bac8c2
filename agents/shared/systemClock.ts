import { uptime } from 'node:os';
import type { Clock } from '../../lib/evacuation/incident/clock.ts';
import { processTime } from '../../lib/system/processTime.ts';

/** The real time. */
export const systemClock: Clock = {
  now: processTime,
  steady: () => uptime() * 1000,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  every: (ms, task) => {
    const timer = setInterval(task, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};
