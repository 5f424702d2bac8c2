import { hideSecrets, keepSecret } from '../system/secrets.ts';
import { oneLine } from '../system/text.ts';
import { FenceError } from './declarations.ts';

const TIMEOUT_MS = 10_000;
const MAX_OUTPUT = 64 * 1024;

/**
 * Runs the operator's password script and gives what it printed, trimmed at the end: even when it failed or printed
 * nothing, as fence-agents does. Its text is handed to `/bin/sh -c`: that is the documented meaning of the option, and
 * the only shell an agent of ours ever starts. Its stderr is passed on.
 *
 * @throws FenceError when it does not end within 10 seconds, or prints more than 64 KiB
 */
export async function runPasswordScript(
  script: string,
  env: NodeJS.ProcessEnv,
  stderr: { write(text: string): unknown },
  timeoutMs: number = TIMEOUT_MS,
): Promise<string> {
  const { execa } = await import('execa');
  const child = execa('/bin/sh', ['-c', script], {
    env,
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    maxBuffer: MAX_OUTPUT,
    // Its own process group, so that at the end of our patience whatever it started goes with it.
    detached: true,
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), timeoutMs);
  });
  const result = await Promise.race([child, late]);
  clearTimeout(timer);
  if (result === 'late') {
    if (child.pid !== undefined) killGroup(child.pid);
    throw new FenceError(`The password script did not end within ${timeoutMs / 1000} s and was stopped.`);
  }
  if (result.isMaxBuffer) {
    throw new FenceError(`The password script printed more than ${MAX_OUTPUT} bytes.`);
  }
  const password = result.stdout.trimEnd();
  keepSecret(password);
  // It may show what it reads, as a shell with -x does.
  for (const line of result.stderr.split('\n').map((each) => oneLine(hideSecrets(each)))) {
    if (line !== '') stderr.write(`${line}\n`);
  }
  return password;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in this very moment.
  }
}
