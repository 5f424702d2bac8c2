import type { EndpointInterface } from './types.ts';

/**
 * `internalURL`, `internal`, `publicURL`, `public`, `adminURL`, `admin`, in any case, as Keystone's own client
 * library understands them; null for anything else.
 */
export function parseInterface(text: string): EndpointInterface | null {
  switch (text.trim().toLowerCase()) {
    case 'internal':
    case 'internalurl':
      return 'internal';
    case 'public':
    case 'publicurl':
      return 'public';
    case 'admin':
    case 'adminurl':
      return 'admin';
    default:
      return null;
  }
}
