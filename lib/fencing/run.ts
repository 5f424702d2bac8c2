import { processTime } from '../system/processTime.ts';
import { hideSecrets, keepSecret } from '../system/secrets.ts';
import { atMost } from '../system/text.ts';
import { parseArgv } from './argv.ts';
import { checkOptions, resolveAction } from './check.ts';
import { FenceError, FenceExit, type FenceIo } from './declarations.ts';
import { createFenceLog, type FenceLogger } from './log.ts';
import { FenceOptions, type ParsedOptions, toBoolean, toInteger } from './options.ts';
import { parseStdin, readStdin } from './stdin.ts';
import type { FenceAgent, FenceContext, FenceRunOptions } from './types.ts';

/** Longest reason of a failure, in characters: each line ends in the cluster's log. */
const longestReason = 1000;

/**
 * Runs one call of a fence agent and gives its exit code. `argv` is what follows the program's name; when there is
 * nothing, options come from stdin, as Pacemaker gives them. Order as in fence-agents: options read; usage, metadata
 * and version answered without any check; action known; options valid; then the action. Never throws: every failure
 * becomes one sentence on stderr and exit code 1.
 */
export async function runFenceAgent(
  agent: FenceAgent,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  io: FenceIo,
  settings: FenceRunOptions = {},
): Promise<number> {
  const now = settings.now ?? processTime;
  const startedAt = now();
  const sleep = settings.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  const logWith = (options: FenceOptions | null, debugFile: string): FenceLogger =>
    createFenceLog({
      ident: agent.name,
      env,
      io,
      quiet: options?.boolean('quiet') ?? false,
      verbose: options?.verbose() ?? false,
      debugFile,
      syslog: settings.syslog ?? true,
      now,
    });

  let log: FenceLogger | null = null;
  let options: FenceOptions | null = null;
  try {
    const parsed =
      argv.length > 0 ? parseArgv(agent.options, argv) : parseStdin(agent.options, await readStdin(io.stdin));
    options = new FenceOptions(agent.options, parsed);
    keepSecretsOf(agent, options);
    const document = await documentAskedFor(agent, options);
    if (document !== null) {
      io.stdout.write(document);
      return FenceExit.success;
    }
    log = logWith(options, options.string('debug'));
    for (const warning of [...parsed.warnings, ...verbosityWarnings(options, parsed)]) log.warn(warning);

    const asked = resolveAction(agent, options);
    checkOptions(agent, asked, options);
    const ctx: FenceContext = {
      action: typeof asked === 'string' ? asked : asked.name,
      options,
      plug: typeof asked === 'object' && asked.needsPlug === true ? options.string('port').trim() : '',
      nodename: parsed.nodename,
      env,
      log,
      out: (text) => io.stdout.write(text),
      startedAt,
      timeoutsDisabled: timeoutsDisabled(options, env),
    };
    if (asked !== 'validate-all' && agent.inert?.(ctx) === true) return FenceExit.success;
    await agent.check?.(ctx);
    if (asked === 'validate-all') return FenceExit.success;
    if (typeof asked === 'object' && asked.delayed === true) await sleep(delayMs(options, startedAt, now()));
    return await agent.act(ctx);
  } catch (error) {
    log ??= logWith(options, '');
    log.error(reasonOf(error));
    if (error instanceof FenceError) {
      if (error.usage) log.error("Please use '-h' for usage");
    } else if (error instanceof Error) {
      log.debug(error.stack ?? '');
    }
    return FenceExit.failure;
  } finally {
    await log?.flush();
  }
}

function reasonOf(error: unknown): string {
  return atMost(longestReason, hideSecrets(error instanceof Error ? error.message : String(error)));
}

function keepSecretsOf(agent: FenceAgent, options: FenceOptions): void {
  for (const { key, secret } of agent.options) if (secret === true) keepSecret(options.string(key));
}

/** What can be answered without looking at anything else, and offline; null when an action is wanted. */
async function documentAskedFor(agent: FenceAgent, options: FenceOptions): Promise<string | null> {
  if (options.boolean('help')) return (await import('./usage.ts')).renderUsage(agent);
  const action = options.string('action');
  if (['metadata', 'meta-data', 'manpage'].includes(action)) {
    return (await import('./metadata.ts')).renderMetadata(agent);
  }
  return options.boolean('version') ? `${agent.version}\n` : null;
}

function verbosityWarnings(options: FenceOptions, parsed: ParsedOptions): string[] {
  const level = options.string('verbose_level');
  const warnings: string[] = [];
  if (options.given('verbose_level') && (toInteger(level) ?? -1) < 0) {
    warnings.push(`Parse error: Ignoring option 'verbose_level' because it is not a number of 0 or more`);
  }
  if (parsed.values.get('verbose') !== undefined && !options.verbose()) {
    warnings.push(`Parse error: Ignoring option 'verbose' because the verbosity is 0`);
  }
  return warnings;
}

/** Pacemaker 2.0 and later tell their children who they are, and keep the time themselves. */
function timeoutsDisabled(options: FenceOptions, env: NodeJS.ProcessEnv): boolean {
  if (options.given('disable_timeout')) return toBoolean(options.string('disable_timeout')) === true;
  return env['PCMK_service'] === 'pacemaker-fenced';
}

/** What is left of `delay`, counted from the start of the process and rounded up by one second, as fence-agents does. */
function delayMs(options: FenceOptions, startedAt: number, now: number): number {
  const delay = options.number('delay');
  // setTimeout takes no more than 2^31 - 1 ms, and takes more for nothing at all.
  return delay <= 0 ? 0 : Math.min(Math.max(startedAt + (delay + 1) * 1000 - now, 0), 2 ** 31 - 1);
}
