import type { NovaHost } from '@openstack-ts/nova-client';

/** What a sentence is about, for logs that keep it in fields of their own. */
export interface About {
  readonly host?: NovaHost;
  /** An instance's id. */
  readonly instance?: string;
  /** Nova's id of the request. */
  readonly requestId?: string | null;
}

/** Where the sentences go. */
export interface PassLog {
  warn(sentence: string, about?: About): void;
  notice(sentence: string, about?: About): void;
  info(sentence: string, about?: About): void;
  debug(sentence: string, about?: About): void;
}
