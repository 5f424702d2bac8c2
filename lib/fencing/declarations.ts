/**
 * An option of a fence agent, declared once: command line, stdin, metadata, usage and checks all come from it.
 * Flags are the options of type `boolean`; all others take a value.
 */
export interface FenceOption {
  /** The internal key: the option's identity, and one of its names on stdin. */
  readonly key: string;
  /** Name on the command line (`plug` for `--plug`); with any mixture of `-` and `_` also a name on stdin. */
  readonly long: string;
  /** One letter (`n` for `-n`). */
  readonly short?: string;
  readonly type: 'string' | 'boolean' | 'second' | 'integer';
  readonly default?: string;
  /** What the metadata says; the actions say which of them really need it. */
  readonly required?: boolean;
  /** What stands for the value in the usage text: `name` for `--username=[name]`. */
  readonly argument?: string;
  /** Its value is never shown. */
  readonly secret?: boolean;
  readonly shortdesc: string;
  /** Text of the usage where it says more than {@link shortdesc}. */
  readonly help?: string;
}

export interface FenceAction {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** Whether the action is about one machine, named by the option `port`. */
  readonly needsPlug?: boolean;
  /** Pacemaker calls it by itself when the node comes back (unfencing). */
  readonly automatic?: boolean;
  /** Whether `delay` applies. */
  readonly delayed?: boolean;
}

/** Where output goes and stdin comes from; `process` fits. */
export interface FenceIo {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** Messages for operators, one line each: stderr, syslog and the debug file, as the options want it. */
export interface FenceLog {
  error(message: string): void;
  warn(message: string): void;
  /** Written only when verbose. */
  info(message: string): void;
  debug(message: string): void;
}

/** Exit codes of fence agents (fence-agents' API); 2 is no error but the answer "off". */
export const FenceExit = { success: 0, failure: 1, off: 2 } as const;
export type FenceExit = (typeof FenceExit)[keyof typeof FenceExit];

/** A failure whose message is one sentence for the operator. */
export class FenceError extends Error {
  /** Whether the call itself was wrong, so that pointing to the usage text helps. */
  readonly usage: boolean;

  constructor(message: string, facts: { readonly usage?: boolean; readonly cause?: unknown } = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'FenceError';
    this.usage = facts.usage ?? false;
  }
}

/** Actions that every agent answers by itself. */
export const documentActions = ['metadata', 'manpage', 'validate-all'] as const;
