import type { OcfAgent, OcfContext, OcfLog, OcfParameters } from './types.ts';

/** The default of resource-agents' `HA_RSCTMP`. */
const STATE_DIR = '/run/resource-agents';

export interface ContextSetup {
  readonly agent: OcfAgent;
  readonly action: string;
  readonly env: NodeJS.ProcessEnv;
  readonly instance: string;
  readonly parameters: OcfParameters;
  readonly parameterErrors: readonly string[];
  readonly log: OcfLog;
  readonly exitReason: OcfContext['exitReason'];
  readonly now: number;
}

/** Puts together what an action may know, with the values a manual call from a shell needs. */
export function createContext(setup: ContextSetup): OcfContext {
  const { agent, action, env } = setup;
  const known = [...agent.actions, ...(agent.furtherActions ?? [])];
  const advertised = known.find((each) => each.name === action)?.timeoutSeconds ?? 20;
  return {
    action,
    env,
    agentName: agent.name,
    instance: setup.instance,
    parameters: setup.parameters,
    parameterErrors: setup.parameterErrors,
    timeoutMs: wholeNumber(env['OCF_RESKEY_CRM_meta_timeout']) || advertised * 1000,
    intervalMs: wholeNumber(env['OCF_RESKEY_CRM_meta_interval']),
    checkLevel: wholeNumber(env['OCF_CHECK_LEVEL']),
    onNode: env['OCF_RESKEY_CRM_meta_on_node'] || null,
    crmFeatureSet: env['OCF_RESKEY_crm_feature_set'] || null,
    stateDir: env['HA_RSCTMP'] || STATE_DIR,
    log: setup.log,
    exitReason: setup.exitReason,
    startedAt: setup.now,
  };
}

/** Pacemaker gives times (in ms) and levels to agents as plain numbers; anything else counts as not given. */
function wholeNumber(text: string | undefined): number {
  return /^\d{1,12}$/.test(text ?? '') ? Number(text) : 0;
}
