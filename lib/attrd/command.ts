import { AttrdError } from './errors.ts';

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

/** A runner of real child processes. `timeoutMs` bounds each call; the tool is killed when it is over. */
export function createCommandRunner(options: {
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
}): CommandRunner {
  const env = cleanEnvironment(options.env);
  return async (tool, args) => {
    const { execa } = await import('execa');
    const result = await execa(tool, args, {
      env,
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
      timeout: options.timeoutMs,
      // Pacemaker's tools may hang in a library call that defers signals.
      killSignal: 'SIGKILL',
      maxBuffer: 16 * 1024 * 1024,
      stripFinalNewline: false,
    });
    if (result.timedOut) {
      throw new AttrdError(
        'timeout',
        `${tool} did not end within ${options.timeoutMs / 1000} s and was stopped`,
      );
    }
    if (result.exitCode === undefined) {
      if (result.code === 'ENOENT') {
        throw new AttrdError('missing', `${tool} is not installed on this machine (not found on PATH)`, {
          cause: result.cause,
        });
      }
      const why = result.isTerminated
        ? `ended by ${result.signal}`
        : (result.originalMessage ?? 'not started');
      throw new AttrdError('failed', `${tool} could not be run: ${why}`, { cause: result.cause });
    }
    return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
  };
}
