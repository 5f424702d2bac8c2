import type { CallOptions, ComputeService, NovaClient } from '@openstack-ts/nova-client';
import { isSameHost } from '../incident/names.ts';

/**
 * Of services that may be one machine, those that have to be looked at, in this order: the ones that have instances; the one that
 * is meant, the first of them, where none has any. Two records of one name are one host to Nova.
 */
export async function inTurnOf(
  nova: NovaClient,
  services: readonly ComputeService[],
  options: CallOptions,
): Promise<readonly ComputeService[]> {
  if (services.length < 2) return services;
  const hosts = services.filter(
    ({ host }, index) => services.findIndex((other) => isSameHost(other.host, host)) === index,
  );
  const lists = await Promise.all(hosts.map(({ host }) => nova.listServers({ host, limit: 1 }, options)));
  const withInstances = hosts.filter((_, index) => (lists[index] ?? []).length > 0);
  return withInstances.length === 0 ? services.slice(0, 1) : withInstances;
}
