import { execFile } from 'node:child_process';
import { LAB } from './settings.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program and gives what it printed and its exit code; -1 when a signal or the time limit ended it. */
export function run(file: string, args: readonly string[], seconds = 60): Promise<Outcome> {
  return new Promise((resolve) => {
    const limits = { timeout: seconds * 1000, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 * 1024 } as const;
    execFile(file, args, limits, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** Runs a command inside a node, as `test/lab/exec` does. */
export function onNode(node: string, command: readonly string[], seconds = 30): Promise<Outcome> {
  return run(`${LAB}/exec`, [node, ...command], seconds);
}

/** Injects or repairs a fault, as `test/lab/control` does. */
export async function control(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await run(`${LAB}/control`, args, 120);
  if (code !== 0) throw new Error(`control ${args.join(' ')} failed: ${stderr.trim()}`);
}
