/** What could not be found out, as a part of a sentence: `aggregates could not be read`. */
export interface Unknown {
  readonly unknown: string;
}

/** Something that was read, or why it was not. */
export type Known<T> = { readonly value: T } | Unknown;

/** Yes, no, or not to be told (Kleene's logic): nothing is guessed where a fact is missing. */
export type Truth = boolean | Unknown;

export function isUnknown(truth: Truth | Known<unknown>): truth is Unknown {
  return typeof truth === 'object' && 'unknown' in truth;
}
