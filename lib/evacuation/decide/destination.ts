import type { Aggregate, Migration, NovaHost, Server } from '@openstack-ts/nova-client';
import { isDone, isOpen, isWrongHost } from '../look/records.ts';

/**
 * The host to name for the next attempt; null leaves the choice to Nova, as at every first attempt. A host that
 * cannot rebuild an instance stays the emptiest one and is what Nova's scheduler picks again and again, so an attempt
 * after a failure names another: one that can take it, where it has not failed since its last success, the one with the
 * fewest evacuations under way. Nova still checks that the host suits. Where there is none, and after a host that was
 * named in vain, Nova chooses: it knows more of what suits than we do.
 *
 * @param records the instance's evacuations, oldest first
 * @param able hosts that can take it, as far as we know
 * @param load evacuations under way, by destination
 */
export function nextDestination(
  records: readonly Migration[],
  able: readonly NovaHost[],
  load: ReadonlyMap<NovaHost, number>,
): NovaHost | null {
  const sinceSuccess = records.slice(records.findLastIndex(isDone) + 1);
  const tried = new Set(sinceSuccess.map((record) => record.destHost).filter((host) => host !== null));
  const latest = records.at(-1);
  if (tried.size === 0 || (latest !== undefined && isWrongHost(latest))) return null;
  const untried = able.filter((host) => !tried.has(host));
  const least = Math.min(...untried.map((host) => load.get(host) ?? 0));
  return untried.find((host) => (load.get(host) ?? 0) === least) ?? null;
}

/** `filter_tenant_id`, and `filter_tenant_id2` and the like where one value is not long enough. */
const tenantsKey = /^filter_tenant_id/;
const extraSpecKey = /^aggregate_instance_extra_specs:(.+)$/;

/**
 * Of some hosts, those whose aggregates leave room for an instance of its project and flavour: what Nova's filters
 * AggregateMultiTenancyIsolation and AggregateInstanceExtraSpecsFilter ask for, where a cloud has them. Nobody tells whether it
 * has; a host that is left out for nothing is still among those that Nova chooses from.
 *
 * @param aggregates null: they could not be read
 */
export function allowedHosts(
  hosts: readonly NovaHost[],
  { projectId, flavor }: Pick<Server, 'projectId' | 'flavor'>,
  aggregates: readonly Aggregate[] | null,
): readonly NovaHost[] {
  if (aggregates === null) return hosts;
  const asked = Object.entries(flavor.extraSpecs ?? {}).flatMap(([key, value]) => {
    const name = extraSpecKey.exec(key)?.[1];
    // With an operator (`<in> …`, `>= …`) Nova knows better.
    return name === undefined || /^\W/.test(value) ? [] : [{ name, value }];
  });
  return hosts.filter((host) => {
    const own = aggregates.filter((aggregate) => aggregate.hosts.includes(host));
    const tenants = own.flatMap(({ metadata }) =>
      Object.entries(metadata).flatMap(([key, value]) =>
        tenantsKey.test(key) ? value.split(',').map((tenant) => tenant.trim()) : [],
      ),
    );
    if (tenants.length > 0 && projectId !== null && !tenants.includes(projectId)) return false;
    const valuesOf = (name: string) =>
      own.flatMap(({ metadata }) => (metadata[name] ?? '').split(',').map((value) => value.trim()));
    return asked.every(({ name, value }) => valuesOf(name).includes(value));
  });
}

/** How many evacuations are under way to each host, as far as these records tell. */
export function loadOf(records: Iterable<Migration>): Map<NovaHost, number> {
  const load = new Map<NovaHost, number>();
  for (const record of records) {
    if (isOpen(record) && record.destHost !== null) {
      load.set(record.destHost, (load.get(record.destHost) ?? 0) + 1);
    }
  }
  return load;
}
