import type { ComputeService, NovaHost } from '@openstack-ts/nova-client';

/** What a migration's destination is worth: `dead` means fenced, so that nothing can run there any more. */
export type Destination = 'alive' | 'dead' | 'silent' | 'unknown';

/** What is known of the hosts that a destination may be. */
export interface DestinationFacts {
  /** The compute service of a host, as last read. */
  readonly service: (host: NovaHost) => ComputeService | undefined;
  /** Hosts that bear a pending mark: fenced, whatever Nova says of them yet. */
  readonly fenced: ReadonlySet<NovaHost>;
}

export function destinationOf(
  host: NovaHost | null,
  { service: serviceOf, fenced }: DestinationFacts,
): Destination {
  if (host === null) return 'unknown';
  if (fenced.has(host)) return 'dead';
  const service = serviceOf(host);
  if (service === undefined) return 'unknown';
  // forced_down is the cluster's (or an operator's) word that the host is off; a mere missing heartbeat is not:
  // the guest may be running there already.
  if (service.forcedDown) return 'dead';
  return service.state === 'down' ? 'silent' : 'alive';
}
