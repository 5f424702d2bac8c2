import { documentActions, type FenceAction, FenceError } from './declarations.ts';
import { type FenceOptions, toInteger } from './options.ts';
import type { FenceAgent } from './types.ts';

/** What was asked for: one of the agent's actions, or one of those every agent answers by itself. */
export type AskedAction = FenceAction | (typeof documentActions)[number];

/**
 * Resolves the action's name and aliases. Throws {@link FenceError} for others: Pacemaker's fencer looks for the words
 * "unrecognised action" to tell a refusal from a failure.
 */
export function resolveAction(agent: FenceAgent, options: FenceOptions): AskedAction {
  // An empty one is a mistake, a variable that is not set perhaps, and the default action switches machines off.
  const name = options.given('action') ? options.string('action') : agent.defaultAction;
  const own = agent.actions.find((action) => action.name === name || action.aliases?.includes(name));
  if (own !== undefined) return own;
  const common = documentActions.find((action) => action === name);
  if (common !== undefined) return common;
  if (name === 'meta-data') return 'metadata';
  throw new FenceError(`Failed: Unrecognised action '${name.slice(0, 80)}'`, { usage: true });
}

/** Checks what every agent checks before it does anything; throws {@link FenceError} with fence-agents' words. */
export function checkOptions(agent: FenceAgent, asked: AskedAction, options: FenceOptions): void {
  if (typeof asked === 'object' && asked.needsPlug === true && options.string('port').trim() === '') {
    throw new FenceError('Failed: You have to enter plug number or machine identification', { usage: true });
  }
  for (const option of agent.options) {
    if (option.type !== 'second' && option.type !== 'integer') continue;
    // verbose_level is settled by a warning: how much is logged must never stop a fencing.
    if (option.key === 'verbose_level' || !options.given(option.key)) continue;
    if (toInteger(options.string(option.key)) !== null) continue;
    const kind = option.type === 'second' ? 'a valid time in seconds' : 'a valid integer';
    throw new FenceError(`Failed: The value you have entered for --${option.long} is not ${kind}`, {
      usage: true,
    });
  }
}
