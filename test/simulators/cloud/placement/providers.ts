import { type Host, resourceClasses } from '../model.ts';
import type { World } from '../world.ts';
import { noSuchProvider, type PlacementRequest } from './errors.ts';

/** GET /resource_providers: every compute host, by the id that its hypervisor has in Nova from 2.53 on. */
export function listProviders({ world, request, minor }: PlacementRequest): unknown {
  const name = request.query.get('name');
  const id = request.query.get('uuid') ?? request.query.get('in_tree');
  const hosts = [...world.hosts.values()].filter(
    (host) => (name === null || host.name === name) && (id === null || host.hypervisorId === id),
  );
  return { resource_providers: hosts.map((host) => show(world, host, minor)) };
}

export function showProvider({ world, minor }: PlacementRequest, id: string): unknown {
  return show(world, find(world, id), minor);
}

/** What instances take of the host, by instance. */
export function listAllocations({ world, minor }: PlacementRequest, id: string): unknown {
  const host = find(world, id);
  const allocations = [...world.allocations.of(host.name)].map(([server, resources]) => [
    server,
    {
      resources: Object.fromEntries(
        resourceClasses.filter((name) => resources[name] > 0).map((name) => [name, resources[name]]),
      ),
      ...(minor >= 28 ? { consumer_generation: 1 } : {}),
    },
  ]);
  return {
    allocations: Object.fromEntries(allocations),
    resource_provider_generation: world.allocations.generation(host.name),
  };
}

export function showInventories({ world }: PlacementRequest, id: string): unknown {
  const host = find(world, id);
  const inventories = resourceClasses.map((name) => [
    name,
    {
      total: host.capacity[name],
      reserved: 0,
      min_unit: 1,
      max_unit: host.capacity[name],
      step_size: 1,
      allocation_ratio: 1.0,
    },
  ]);
  return {
    resource_provider_generation: world.allocations.generation(host.name),
    inventories: Object.fromEntries(inventories),
  };
}

export function showUsages({ world }: PlacementRequest, id: string): unknown {
  const host = find(world, id);
  return {
    resource_provider_generation: world.allocations.generation(host.name),
    usages: world.allocations.used(host.name),
  };
}

function find(world: World, id: string): Host {
  for (const host of world.hosts.values()) if (host.hypervisorId === id) return host;
  throw noSuchProvider(id);
}

function show(world: World, host: Host, minor: number): unknown {
  const url = `/resource_providers/${host.hypervisorId}`;
  const related = ['inventories', 'usages'];
  if (minor >= 1) related.push('aggregates');
  if (minor >= 6) related.push('traits');
  if (minor >= 11) related.push('allocations');
  return {
    uuid: host.hypervisorId,
    name: host.name,
    generation: world.allocations.generation(host.name),
    links: [{ rel: 'self', href: url }, ...related.map((rel) => ({ rel, href: `${url}/${rel}` }))],
    ...(minor >= 14 ? { parent_provider_uuid: null, root_provider_uuid: host.hypervisorId } : {}),
  };
}
