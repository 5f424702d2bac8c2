/**
 * What is a name of Nova's is a type of its own, so that it does not pass for another text, nor another text for it. They are
 * plain strings at run time. Only these functions make one: the client of what Nova answers, others of what they were
 * told by an operator or another program.
 */

declare const kind: unique symbol;

/** The host of a nova-compute service as Nova spells it. */
export type NovaHost = string & { readonly [kind]: 'NovaHost' };

/** An instance's uuid. */
export type ServerId = string & { readonly [kind]: 'ServerId' };

/** Nova's database compares the names of hosts without case as a rule (MySQL), so that it may spell one as it was called once. */
export function isSameHost(one: NovaHost, other: NovaHost): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** Takes a text for the name of a host of Nova's. */
export function novaHost(text: string): NovaHost {
  return text as NovaHost;
}

/** Takes a text for an instance's uuid. */
export function serverId(text: string): ServerId {
  return text as ServerId;
}
