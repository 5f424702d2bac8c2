import type { DomainRef } from './types.ts';

/**
 * A domain that an operator gave in one word, by name or by id. Keystone makes ids of 32 hexadecimal digits, but
 * for the one it starts with, whose id is `default` and whose name is `Default`; all else is a name.
 */
export function parseDomain(text: string): DomainRef {
  return text === 'default' || /^[0-9a-f]{32}$/.test(text) ? { id: text } : { name: text };
}
