import type { Machine } from '../runtime/machine.ts';
import type { ConfigFiles } from '../runtime/types.ts';

/** The value of an option, and where it was set. */
export interface NovaConfValue {
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

/** nova.conf as nova-compute reads it. */
export interface NovaConf {
  /** `[DEFAULT] host`; null when it is not set: Nova takes the machine's own host name then. */
  readonly host: string | null;
  /** An option's value with `$name` put in, or null when no file sets it. `section` as in `[libvirt]`, or `DEFAULT`. */
  get(section: string, option: string): NovaConfValue | null;
  /** The same as a boolean; `fallback` when it is not set or is no boolean. */
  boolean(section: string, option: string, fallback: boolean): boolean;
  /** The files that were read, in order. */
  readonly files: readonly string[];
}

/** nova.conf cannot be had. The message is a sentence for the operator. */
export class NovaConfError extends Error {
  override readonly name = 'NovaConfError';
  readonly code: 'missing' | 'unreadable' | 'syntax';
  /** The file, and the line where `syntax` is meant. */
  readonly file: string;

  constructor(code: NovaConfError['code'], file: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.file = file;
  }
}

/** Reads nova.conf by the rules of oslo.config. Throws {@link NovaConfError}. */
export function readNovaConf(_where: ConfigFiles, _machine: Pick<Machine, 'read' | 'list'>): NovaConf {
  throw new Error('not written yet');
}
