import type { OcfExit } from './exitCodes.ts';

/** A parameter of a resource agent, declared once: meta-data, reading, checking and usage all come from it. */
export interface OcfParameter {
  readonly name: string;
  /** `time`: a number with an optional unit (`30`, `30s`, `2min`), read as whole seconds. */
  readonly type: 'string' | 'boolean' | 'integer' | 'time';
  /** Applied by the agent itself: Pacemaker does not put defaults into the environment. */
  readonly default?: string;
  /** A missing or empty value is refused with exit code 6. */
  readonly required?: boolean;
  readonly unique?: boolean;
  readonly shortdesc: string;
  readonly longdesc: string;
  /** The value never appears in a message. */
  readonly secret?: boolean;
  /** Bounds of an integer, or of a time in seconds. */
  readonly min?: number;
  readonly max?: number;
  readonly oneOf?: readonly string[];
}

/** An action as the meta-data advertises it. */
export interface OcfAction {
  readonly name: 'start' | 'stop' | 'monitor' | 'validate-all' | 'meta-data';
  readonly timeoutSeconds: number;
  readonly intervalSeconds?: number;
  readonly depth?: number;
}

/**
 * The parameters as given in the environment, defaults applied. Asking for a name that the agent does not declare
 * throws: that is a mistake of the agent's author, not of the operator.
 */
export interface OcfParameters {
  /** `''` when absent and without default. */
  string(name: string): string;
  /** As `ocf_is_true`: true for `yes true 1 YES TRUE True ja on ON`, false for everything else. */
  boolean(name: string): boolean;
  /** Integers as they are, times in seconds; an unusable value (possible in `stop` only) gives the default, or 0. */
  integer(name: string): number;
  /** Whether the operator gave a value that is not empty. */
  given(name: string): boolean;
}

/**
 * One line per call; line breaks within a message become blanks. `fields` says what the message is about, for logs that
 * keep it apart from the words (the agent's own parameter `log_format`); what is not a string in it is left out.
 */
export interface OcfLog {
  error(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  notice(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  /** Written only with `HA_debug` or the agent's own `verbose` parameter. */
  debug(message: string, fields?: object): void;
}

/** All that an action may know of its surroundings. */
export interface OcfContext {
  /** `start`, `stop`, `monitor`, `validate-all`, or the name of one of the agent's {@link OcfFurtherAction}. */
  readonly action: string;
  readonly env: NodeJS.ProcessEnv;
  readonly agentName: string;
  /** `OCF_RESOURCE_INSTANCE`, `default` for a manual call; safe as part of a file name. */
  readonly instance: string;
  readonly parameters: OcfParameters;
  /** What is wrong with the parameters, as sentences; empty for every action that is refused with wrong ones. */
  readonly parameterErrors: readonly string[];
  /** `OCF_RESKEY_CRM_meta_timeout`, else the advertised timeout of the action, in ms. */
  readonly timeoutMs: number;
  /** `OCF_RESKEY_CRM_meta_interval` in ms; 0 for a probe or a manual call. */
  readonly intervalMs: number;
  /** `OCF_CHECK_LEVEL`: how deep a monitor looks (OCF 1.1, "monitor"); 0 when absent. */
  readonly checkLevel: number;
  /** `OCF_RESKEY_CRM_meta_on_node`; null for a manual call. */
  readonly onNode: string | null;
  /** `OCF_RESKEY_crm_feature_set`; null for a manual call. */
  readonly crmFeatureSet: string | null;
  /** `HA_RSCTMP`, by default `/run/resource-agents`: emptied when the machine boots. */
  readonly stateDir: string;
  readonly log: OcfLog;
  /**
   * Why the action ends as it does. Remembered, the last one counts; printed once, last of all, on stderr, where
   * Pacemaker picks it up and shows it as the reason of the failure. It is logged as well, unless it is
   * `alreadyLogged`: an agent whose monitor gives the same reason every few seconds logs it when it changes.
   */
  exitReason(sentence: string, options?: { readonly alreadyLogged?: boolean }): void;
  /** When the process was asked, in ms since the epoch. */
  readonly startedAt: number;
}

/** An action that the meta-data does not advertise: one for operators, or one that Pacemaker calls unasked (`notify`). */
export interface OcfFurtherAction {
  readonly name: string;
  /** What bounds it when the environment does not. */
  readonly timeoutSeconds: number;
  /** How it is called and what it does, for `usage`: `wait [SECONDS]`, `Waits for …`. */
  readonly call: string;
  readonly shortdesc: string;
  /** Whether wrong parameters are refused with exit code 6, as for `start`, before it is run. */
  readonly checksParameters: boolean;
  /** `args` is what follows the action's name. */
  /** Gives the exit code: one of {@link OcfExit}, or one of its own, as no cluster reads it. */
  run(ctx: OcfContext, args: readonly string[]): Promise<number>;
}

/** A resource agent: its declarations and what its actions do. */
export interface OcfAgent {
  readonly name: string;
  readonly version: string;
  readonly shortdesc: string;
  readonly longdesc: string;
  readonly parameters: readonly OcfParameter[];
  readonly actions: readonly OcfAction[];
  /**
   * Whether the resource counts as started on this node. Asked by `monitor` before any parameter is looked at: one
   * that is not started is not running, whatever its parameters, so that a mistake in them is no fatal error on
   * every node of the cluster that is probed. Without this function a probe with unusable parameters answers 7.
   */
  started?(ctx: OcfContext): Promise<boolean>;
  /**
   * `monitor` is run whatever the parameters look like: whether it runs is a fact of the machine, and an answer other
   * than the truth would have Pacemaker start it twice, or stop what is needed. {@link started} is not asked then.
   */
  readonly monitorsAnyway?: boolean;
  readonly furtherActions?: readonly OcfFurtherAction[];
  start(ctx: OcfContext): Promise<OcfExit>;
  /** Called whatever the parameters look like: a resource with broken parameters must still be stoppable. */
  stop(ctx: OcfContext): Promise<OcfExit>;
  monitor(ctx: OcfContext): Promise<OcfExit>;
  /** Checks beyond the declared ones; used by `validate-all` and before `start`. Must have no effect. */
  validate?(ctx: OcfContext): Promise<OcfExit>;
}

/** Where output goes; `process` fits. */
export interface OcfIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** What differs in tests. */
export interface OcfRunOptions {
  /** Whether a person sits in front of it (stdin is a terminal, as `ocf_log` asks). */
  readonly interactive?: boolean;
  readonly now?: () => number;
}
