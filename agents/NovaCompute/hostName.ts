import type { NovaHost } from '@openstack-ts/nova-client';
import type { NodeName } from '../../lib/attrd/index.ts';

/** Where this machine's Nova name comes from, for sentences. */
export interface NovaHostName {
  readonly host: NovaHost;
  /** `host in /etc/nova/nova.conf`, or `the machine's own name`. */
  readonly source: string;
}

/**
 * Whether fencing this node would find the Nova host that runs here: null, or a sentence that explains why not.
 * `plug` is what pcmk_host_map of a fence_compute device makes of the node's name; fence_compute and NovaEvacuate look
 * for it instead of the node's name, by its first label where it is not Nova's whole name (`matchHost`).
 */
export function explainMismatch(node: NodeName, plug: string | null, name: NovaHostName): string | null {
  const sought = plug ?? node;
  if (meansTheSame(sought, name.host)) return null;
  const translated = plug === null ? '' : ` (as ${plug}, by its pcmk_host_map)`;
  return `Fencing node ${node}${translated} would not find the Nova host ${name.host} that runs here (${name.source}); give it the node's name, or name ${name.host} for ${node} in pcmk_host_map of the fence_compute device`;
}

function meansTheSame(sought: string, host: string): boolean {
  const [a, b] = [sought.toLowerCase(), host.toLowerCase()];
  if (a === b) return true;
  return !isAddress(a) && !isAddress(b) && firstLabel(a) !== '' && firstLabel(a) === firstLabel(b);
}

/** Of an address only the whole is a name. */
function isAddress(name: string): boolean {
  return /^\d+(\.\d+){3}$/.test(name) || name.includes(':');
}

function firstLabel(name: string): string {
  return name.split('.', 1)[0] ?? '';
}
