import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export type AgentName = 'NovaEvacuate' | 'NovaCompute' | 'fence_compute';

/** Where the build puts an agent. */
export function agentPath(name: AgentName): string {
  return fileURLToPath(new URL(`../dist/${name}`, import.meta.url));
}

export interface AgentRun {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly exitReason: string | null;
}

/**
 * Runs one of the compiled agents as Pacemaker does: nothing but the given environment, options of the fence agent
 * on stdin. Every line it writes goes to `onLine`; the exit reason is picked out.
 */
export async function runAgent(
  name: AgentName,
  options: {
    readonly args?: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly stdin?: string;
    readonly onLine: (line: string) => void;
  },
): Promise<AgentRun> {
  const child = spawn(agentPath(name), [...(options.args ?? [])], { env: { ...options.env } });
  child.stdin.on('error', () => child.stdin.destroy());
  child.stdin.end(options.stdin ?? '');
  let exitReason: string | null = null;
  const reading = [child.stdout, child.stderr].map(async (stream) => {
    for await (const line of createInterface({ input: stream })) {
      const reason = /^ocf-exit-reason:(.*)$/.exec(line)?.[1];
      if (reason === undefined) options.onLine(line);
      else exitReason = reason;
    }
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  await Promise.all(reading);
  return { code, exitReason };
}
