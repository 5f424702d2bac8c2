import { spawnSync } from 'node:child_process';

/** A command to be timed. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What paired runs of two commands gave. */
export interface Pairing {
  /** Median of the ratios subject / base, one per pair; the number to trust on a shared machine. */
  readonly ratio: number;
  /** Medians of the wall time in milliseconds; they drift with the load. */
  readonly subjectMs: number;
  readonly baseMs: number;
}

/**
 * Runs base and subject in turn (A B A B …) and compares each run with its neighbour, so that load that comes
 * and goes, or a clock that changes speed, hits both alike.
 *
 * @throws Error when a command cannot be started or does not exit with 0
 */
export function compareInPairs(base: Command, subject: Command, pairs: number): Pairing {
  // The first runs pay for the disk.
  for (let i = 0; i < 2; i += 1) {
    wallMs(base);
    wallMs(subject);
  }
  const runs = Array.from({ length: pairs }, () => ({ base: wallMs(base), subject: wallMs(subject) }));
  return {
    ratio: median(runs.map((run) => run.subject / run.base)),
    subjectMs: median(runs.map((run) => run.subject)),
    baseMs: median(runs.map((run) => run.base)),
  };
}

function wallMs(command: Command): number {
  const start = process.hrtime.bigint();
  const result = spawnSync(command.file, command.args, { env: command.env, stdio: 'ignore' });
  const elapsed = process.hrtime.bigint() - start;
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) {
    throw new Error(
      `${[command.file, ...command.args].join(' ')} ended with ${result.status ?? result.signal}.`,
    );
  }
  return Number(elapsed) / 1e6;
}

/** The middle of the values; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)];
  const lower = sorted[Math.ceil(middle) - 1];
  if (upper === undefined || lower === undefined) throw new Error('There is no median of nothing.');
  return (upper + lower) / 2;
}
