import { processTime } from '../system/processTime.ts';
import { hideSecrets, keepSecret } from '../system/secrets.ts';
import { atMost, oneLine } from '../system/text.ts';
import { createContext } from './context.ts';
import { OcfExit } from './exitCodes.ts';
import { createOcfLog } from './log.ts';
import { renderMetadata } from './metadata.ts';
import { type ParameterFindings, readParameters } from './parameters.ts';
import type { OcfAgent, OcfContext, OcfIo, OcfRunOptions } from './types.ts';

/** What Pacemaker looks for when `OCF_EXIT_REASON_PREFIX` does not say otherwise. */
const REASON_PREFIX = 'ocf-exit-reason:';
/** Longest text of an error that nobody expected, in characters. */
const longestSurprise = 400;

/**
 * Runs one action of a resource agent and gives the exit code (OCF 1.1). `argv` is what follows the program's name:
 * the action, and for the agent's further actions their arguments. Nothing outside the arguments is read but stdin's
 * being a terminal; `meta-data` and `usage` read nothing at all. Never throws: what an action did not expect becomes
 * one sentence and exit code 1, with a stack trace only when `HA_debug` asks for it.
 */
export async function runAgent(
  agent: OcfAgent,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  io: OcfIo,
  options: OcfRunOptions = {},
): Promise<number> {
  const action = argv[0] ?? '';
  switch (action) {
    case 'meta-data':
      io.stdout.write(renderMetadata(agent));
      return OcfExit.success;
    case 'usage':
    case 'help': {
      const { renderUsage } = await import('./usage.ts');
      io.stdout.write(renderUsage(agent));
      return OcfExit.success;
    }
    case 'start':
    case 'stop':
    case 'monitor':
    case 'validate-all':
      return act(agent, argv, env, io, options);
    default: {
      if (agent.furtherActions?.some((each) => each.name === action)) {
        return act(agent, argv, env, io, options);
      }
      const { usageLine } = await import('./usage.ts');
      io.stderr.write(`${usageLine(agent)}\n`);
      return OcfExit.unimplemented;
    }
  }
}

async function act(
  agent: OcfAgent,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  io: OcfIo,
  options: OcfRunOptions,
): Promise<number> {
  const [action = '', ...args] = argv;
  const now = options.now ?? processTime;
  const startedAt = now();
  const { parameters, findings } = readParameters(agent.parameters, env);
  for (const { name, secret } of agent.parameters) {
    if (secret === true) keepSecret(env[`OCF_RESKEY_${name}`] ?? '');
  }
  const instance = instanceName(env);
  const debugging = !['', '0'].includes(env['HA_debug'] ?? '');
  const declares = (name: string) => agent.parameters.some((parameter) => parameter.name === name);
  const verbose = declares('verbose') && parameters.boolean('verbose');
  const log = createOcfLog({
    agentName: agent.name,
    instance,
    env,
    io,
    interactive: options.interactive ?? (await import('node:tty')).isatty(0),
    debug: debugging || verbose,
    format: declares('log_format') && parameters.string('log_format') === 'json' ? 'json' : 'text',
    now,
  });
  let reason: string | null = null;
  let reasonLogged = false;
  const ctx = createContext({
    agent,
    action,
    env,
    instance,
    parameters,
    parameterErrors: findings.errors,
    log,
    exitReason: (sentence, { alreadyLogged = false } = {}) => {
      reason = oneLine(hideSecrets(sentence));
      reasonLogged = alreadyLogged;
    },
    now: startedAt,
  });

  let code: number;
  try {
    code = await perform(agent, ctx, args, findings);
  } catch (error) {
    // Nobody has looked at this text: it may be a whole page.
    const sentence = atMost(
      longestSurprise,
      oneLine(hideSecrets(error instanceof Error ? error.message : String(error))),
    );
    ctx.exitReason(`${action} failed unexpectedly: ${sentence}`);
    if (debugging && error instanceof Error) log.debug(error.stack ?? sentence);
    code = OcfExit.generic;
  }

  if (reason !== null && !reasonLogged) log.reason(reason, reasonLevel(code));
  await log.flush();
  if (reason !== null) io.stderr.write(`${env['OCF_EXIT_REASON_PREFIX'] || REASON_PREFIX}${reason}\n`);
  return code;
}

async function perform(
  agent: OcfAgent,
  ctx: OcfContext,
  args: readonly string[],
  findings: ParameterFindings,
): Promise<number> {
  // The executor always names the resource (OCF 1.1); a call that claims to be one and does not is no use.
  if (ctx.env['OCF_RA_VERSION_MAJOR'] !== undefined && (ctx.env['OCF_RESOURCE_INSTANCE'] ?? '') === '') {
    ctx.exitReason('OCF_RESOURCE_INSTANCE is not set although OCF_RA_VERSION_MAJOR is');
    return OcfExit.args;
  }
  switch (ctx.action) {
    case 'stop':
      return agent.stop(ctx);
    case 'monitor':
      return monitor(agent, ctx, findings);
    case 'start':
    case 'validate-all': {
      for (const warning of findings.warnings) ctx.log.warn(warning);
      if (findings.errors.length > 0) return refuse(ctx, findings);
      const valid = (await agent.validate?.(ctx)) ?? OcfExit.success;
      return valid === OcfExit.success && ctx.action === 'start' ? agent.start(ctx) : valid;
    }
    default: {
      const further = agent.furtherActions?.find((each) => each.name === ctx.action);
      if (further === undefined) return OcfExit.unimplemented;
      if (further.checksParameters && findings.errors.length > 0) return refuse(ctx, findings);
      return further.run(ctx, args);
    }
  }
}

async function monitor(agent: OcfAgent, ctx: OcfContext, findings: ParameterFindings): Promise<OcfExit> {
  if (agent.monitorsAnyway === true) return agent.monitor(ctx);
  if (agent.started !== undefined && !(await agent.started(ctx))) return OcfExit.notRunning;
  if (findings.errors.length > 0) {
    const code = refuse(ctx, findings);
    return agent.started === undefined && ctx.intervalMs === 0 ? OcfExit.notRunning : code;
  }
  return agent.monitor(ctx);
}

/** A success may have a reason too: what is under way. It is no error, and must not look like one in the log. */
function reasonLevel(code: number): 'error' | 'warn' | 'info' {
  if (code === OcfExit.success) return 'info';
  return code === OcfExit.degraded || code === OcfExit.degradedPromoted ? 'warn' : 'error';
}

/** The first mistake is the exit reason (there is room for one); the others are logged. */
function refuse(ctx: OcfContext, findings: ParameterFindings): OcfExit {
  const [first, ...others] = findings.errors;
  for (const other of others) ctx.log.error(other);
  ctx.exitReason(first ?? 'a parameter is wrong');
  return OcfExit.configured;
}

/** `default` is what ocf-shellfuncs calls a resource without name; a slash would lead out of the state directory. */
function instanceName(env: NodeJS.ProcessEnv): string {
  const name = (env['OCF_RESOURCE_INSTANCE'] || 'default').replaceAll('/', '_');
  return name === '.' || name === '..' ? 'default' : name;
}
