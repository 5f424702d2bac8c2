import { type ExecFileException, execFile } from 'node:child_process';
import { AttrdError } from './errors.ts';
import type { Patience } from './insist.ts';

/** What a tool printed and how it ended. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of Pacemaker's tools; throws {@link AttrdError} when it cannot be run or does not end in time. */
export type CommandRunner = (tool: string, args: readonly string[]) => Promise<CommandResult>;

/**
 * The environment Pacemaker's tools are run with: built, not inherited. With `OCF_RESKEY_CRM_meta_on_node`
 * inherited, `attrd_updater --query --all` of Pacemaker 2.1.5 answers for the agent's own node alone
 * (ClusterLabs/pacemaker pull request 3027), and no mark would ever be seen. `PCMK_*` stays: it tells the tools
 * where the cluster's sockets and keys are.
 */
export function cleanEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const clean: Record<string, string> = {
    // Pacemaker's daemons may be started with a short PATH; the resource-agents library appends these as well.
    PATH: [env['PATH'], '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin']
      .filter(Boolean)
      .join(':'),
    LC_ALL: 'C',
  };
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith('PCMK_') && value !== undefined) clean[name] = value;
  }
  return clean;
}

/**
 * What a tool may print at most: what fits into a string of V8's, with room to spare. The status section of a cluster of a
 * hundred nodes with a thousand resources is a tenth of that.
 */
const maxAnswerBytes = 256 * 1024 * 1024;
/** However little time an action has left, a tool gets this long, in ms: they answer within a few hundredths of a second. */
const leastMs = 1_000;
/** One that does not even die is left behind this long after it was killed, in ms. */
const dyingMs = 500;

/**
 * A runner of real child processes. `timeoutMs` bounds each call, and so does the end of the action where the patience
 * tells it; the tool is killed when it is over.
 *
 * Through node:child_process and not execa, which the rest of the house uses: an idle NovaEvacuate runs these tools
 * every ten seconds and nothing else, and loading execa alone costs more than all the rest of such a pass.
 */
export function createCommandRunner(options: {
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly patience?: Patience;
}): CommandRunner {
  const env = cleanEnvironment(options.env);
  const { patience } = options;
  return (tool, args) => {
    const left = patience === undefined ? options.timeoutMs : patience.until - patience.clock.now();
    return runTool(tool, args, env, boundMs(options.timeoutMs, left));
  };
}

/** How long a tool may take where the action has so much time left, in ms. */
export function boundMs(timeoutMs: number, leftMs: number): number {
  return Math.min(timeoutMs, Math.max(leastMs, leftMs));
}

function runTool(
  tool: string,
  args: readonly string[],
  env: Record<string, string>,
  timeoutMs: number,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    // A process that waits for a disk does not die when it is killed.
    const undead = setTimeout(() => reject(late(tool, timeoutMs)), timeoutMs + dyingMs);
    const child = execFile(
      tool,
      args,
      {
        env,
        timeout: timeoutMs,
        // Pacemaker's tools may hang in a library call that defers other signals.
        killSignal: 'SIGKILL',
        maxBuffer: maxAnswerBytes,
        encoding: 'utf8',
      },
      (error, stdout, stderr) => {
        clearTimeout(undead);
        if (error === null) resolve({ exitCode: 0, stdout, stderr });
        else if (typeof error.code === 'number') resolve({ exitCode: error.code, stdout, stderr });
        else reject(notRun(tool, error, timeoutMs));
      },
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end();
  });
}

function late(tool: string, timeoutMs: number, cause?: unknown): AttrdError {
  const seconds = Math.round(timeoutMs / 100) / 10;
  return new AttrdError('timeout', `${tool} did not end within ${seconds} s and was stopped`, { cause });
}

function notRun(tool: string, error: ExecFileException, timeoutMs: number): AttrdError {
  const facts = { cause: error };
  if (error.code === 'ENOENT') {
    return new AttrdError('missing', `${tool} is not installed on this machine (not found on PATH)`, facts);
  }
  if (error.killed === true && error.signal === 'SIGKILL') {
    return late(tool, timeoutMs, error);
  }
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return new AttrdError('failed', `${tool} answered more than ${maxAnswerBytes / 1024 / 1024} MiB`, facts);
  }
  if (error.signal != null) return new AttrdError('failed', `${tool} was ended by ${error.signal}`, facts);
  return new AttrdError('failed', `${tool} could not be run: ${error.code ?? error.message}`, facts);
}
