import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Command } from './pairs.ts';

const CLOSE_LOOK_MS = 500;
const SPARSE_LOOK_MS = 10;

/** How a command ended and the most memory it held. */
export interface PeakMemory {
  readonly exitCode: number | null;
  /** Peak resident memory in MB (10^6 bytes), as the kernel keeps it for the process: VmHWM. */
  readonly megabytes: number;
}

/**
 * Runs a command and reads its peak resident memory from /proc until it ends. The kernel keeps the peak, so
 * only a rise within the last reading's distance of the end, some tens of microseconds, can be missed.
 * (The resource usage that wait4 gives is no alternative: its peak includes the parent's from before exec.)
 *
 * @throws Error when the command cannot be started
 */
export async function measurePeakMemory(command: Command): Promise<PeakMemory> {
  const child = spawn(command.file, command.args, { env: command.env, stdio: 'ignore' });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  let peak = 0;
  const started = Date.now();
  while (isRunning(child)) {
    peak = Math.max(peak, highWaterMark(child.pid));
    // Something that runs for seconds does not peak at its very end, and needs the processor itself.
    await (Date.now() - started < CLOSE_LOOK_MS ? setImmediate() : setTimeout(SPARSE_LOOK_MS));
  }
  return { exitCode: await exited, megabytes: peak / 1e6 };
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Bytes; 0 when the process has given up its memory, which is the last thing it does. */
function highWaterMark(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return 1024 * Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
