import type { Server } from '@openstack-ts/nova-client';

/** `name (id)`, as sentences name an instance; its id alone where Nova did not tell the name. */
export function titleOf({ name, id }: Pick<Server, 'name' | 'id'>): string {
  return name === id ? id : `${name} (${id})`;
}

/** At most three, and how many more. */
export function shortList(items: readonly string[]): string {
  const shown = items.slice(0, 3).join('; ');
  return items.length > 3 ? `${shown}; and ${items.length - 3} more` : shown;
}
