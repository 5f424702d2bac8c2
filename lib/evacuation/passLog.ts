/** Where the sentences go. */
export interface PassLog {
  warn(sentence: string): void;
  notice(sentence: string): void;
  info(sentence: string): void;
  debug(sentence: string): void;
}
