import { type ExecFileException, execFile } from 'node:child_process';
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

/**
 * A runner of real child processes. `timeoutMs` bounds each call; the tool is killed when it is over.
 *
 * Through node:child_process and not execa, which the rest of the house uses: an idle NovaEvacuate runs these tools
 * every ten seconds and nothing else, and loading execa alone costs more than all the rest of such a pass.
 */
export function createCommandRunner(options: {
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
}): CommandRunner {
  const env = cleanEnvironment(options.env);
  return (tool, args) =>
    new Promise((resolve, reject) => {
      const child = execFile(
        tool,
        args,
        {
          env,
          timeout: options.timeoutMs,
          // Pacemaker's tools may hang in a library call that defers other signals.
          killSignal: 'SIGKILL',
          maxBuffer: 16 * 1024 * 1024,
          encoding: 'utf8',
        },
        (error, stdout, stderr) => {
          if (error === null) resolve({ exitCode: 0, stdout, stderr });
          else if (typeof error.code === 'number') resolve({ exitCode: error.code, stdout, stderr });
          else reject(notRun(tool, error, options.timeoutMs));
        },
      );
      child.stdin?.end();
    });
}

function notRun(tool: string, error: ExecFileException, timeoutMs: number): AttrdError {
  const facts = { cause: error };
  if (error.code === 'ENOENT') {
    return new AttrdError('missing', `${tool} is not installed on this machine (not found on PATH)`, facts);
  }
  if (error.killed === true && error.signal === 'SIGKILL') {
    return new AttrdError(
      'timeout',
      `${tool} did not end within ${timeoutMs / 1000} s and was stopped`,
      facts,
    );
  }
  const why = error.signal == null ? (error.code ?? error.message) : `ended by ${error.signal}`;
  return new AttrdError('failed', `${tool} could not be run: ${why}`, facts);
}
