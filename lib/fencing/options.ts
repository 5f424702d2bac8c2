import type { FenceOption } from './declarations.ts';

/** What was read from the command line or from stdin, before anything is checked. */
export interface ParsedOptions {
  /** By key: the text of a value, or what a flag was set to. The last one given counts. */
  readonly values: ReadonlyMap<string, string | boolean>;
  readonly nodename: string | null;
  readonly warnings: readonly string[];
}

/**
 * The options of one call, defaults applied. Asking for a key that is not declared throws: that is a mistake of the
 * agent's author, not of the operator.
 */
export class FenceOptions {
  readonly #declared: ReadonlyMap<string, FenceOption>;
  readonly #parsed: ParsedOptions;

  constructor(declared: readonly FenceOption[], parsed: ParsedOptions) {
    this.#declared = new Map(declared.map((option) => [option.key, option]));
    this.#parsed = parsed;
  }

  /** Whether the operator gave it, if only as `insecure=0`. */
  given(key: string): boolean {
    return this.#parsed.values.has(this.#option(key).key);
  }

  /** `''` when neither given nor declared with a default. */
  string(key: string): string {
    const value = this.#parsed.values.get(this.#option(key).key);
    return typeof value === 'string' ? value : (this.#option(key).default ?? '');
  }

  /** A flag; also the meaning of a string option that holds a boolean word. */
  boolean(key: string): boolean {
    const value = this.#parsed.values.get(this.#option(key).key);
    return typeof value === 'boolean' ? value : toBoolean(this.string(key)) === true;
  }

  /** An integer or a number of seconds, which the runner has checked; anything else gives 0. */
  number(key: string): number {
    return toInteger(this.string(key)) ?? 0;
  }

  /** Whether to tell everything. `verbose_level`, where given, has the last word (fence-agents 4.6.0 and later). */
  verbose(): boolean {
    return this.given('verbose_level') ? this.number('verbose_level') > 0 : this.boolean('verbose');
  }

  #option(key: string): FenceOption {
    const option = this.#declared.get(key);
    if (option === undefined) throw new Error(`the agent declares no option ${key}`);
    return option;
  }
}

/** The words fence-agents takes for booleans, in any case; null for every other word. */
export function toBoolean(word: string): boolean | null {
  const lower = word.toLowerCase();
  if (['1', 'yes', 'on', 'true'].includes(lower)) return true;
  if (['0', 'no', 'off', 'false'].includes(lower)) return false;
  return null;
}

/** A whole number as Python's `int()` reads it, less its exotic forms; null for anything else. */
export function toInteger(text: string): number | null {
  return /^\s*[+-]?\d{1,15}\s*$/.test(text) ? Number(text) : null;
}
