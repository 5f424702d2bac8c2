import { type Host, type ResourceClass, type Resources, resourceClasses, type Server } from './model.ts';

/**
 * What Placement has noted down: which server takes what of which host. A server that is evacuated has allocations on
 * several hosts: the old one keeps its own until its nova-compute comes back and cleans up.
 */
export class Allocations {
  readonly #byHost = new Map<string, Map<string, Resources>>();
  readonly #used = new Map<string, Resources>();
  readonly #generations = new Map<string, number>();

  /** Notes an allocation down whether or not there is room. */
  add(host: Host, server: Server): void {
    const there = this.#byHost.get(host.name) ?? new Map<string, Resources>();
    this.#byHost.set(host.name, there);
    if (there.has(server.id)) return;
    const wanted = resourcesOf(server);
    there.set(server.id, wanted);
    this.#change(host.name, wanted, 1);
  }

  remove(host: string, serverId: string): void {
    const there = this.#byHost.get(host);
    const had = there?.get(serverId);
    if (had === undefined) return;
    there?.delete(serverId);
    this.#change(host, had, -1);
  }

  /** The server is gone, and all that it took. */
  removeAll(serverId: string): void {
    for (const host of this.#byHost.keys()) this.remove(host, serverId);
  }

  used(host: string): Readonly<Resources> {
    return this.#used.get(host) ?? nothing;
  }

  of(host: string): ReadonlyMap<string, Readonly<Resources>> {
    return this.#byHost.get(host) ?? new Map();
  }

  /** On how many hosts a server has allocations. */
  hostsOf(serverId: string): string[] {
    return [...this.#byHost].filter(([, there]) => there.has(serverId)).map(([host]) => host);
  }

  /** Counts the changes of a host's allocations. */
  generation(host: string): number {
    return this.#generations.get(host) ?? 0;
  }

  fits(host: Host, wanted: Readonly<Partial<Resources>>): boolean {
    const used = this.used(host.name);
    return resourceClasses.every(
      (name) => (wanted[name] ?? 0) === 0 || used[name] + (wanted[name] ?? 0) <= host.capacity[name],
    );
  }

  #change(host: string, by: Readonly<Resources>, sign: 1 | -1): void {
    const used = { ...this.used(host) };
    for (const name of resourceClasses) used[name] += sign * by[name];
    this.#used.set(host, used);
    this.#generations.set(host, this.generation(host) + 1);
  }
}

const nothing: Readonly<Resources> = { VCPU: 0, MEMORY_MB: 0, DISK_GB: 0 };

/**
 * What a server takes of its host. One that boots from a volume takes no root disk, and extra specs of the flavour may
 * say otherwise (nova/scheduler/utils.py, ResourceRequest.from_request_spec).
 */
export function resourcesOf(server: Server): Resources {
  const { flavor } = server;
  const disk = flavor.ephemeralGb + Math.ceil(flavor.swapMb / 1024);
  const said = (name: ResourceClass, otherwise: number) => {
    const override = flavor.extraSpecs[`resources:${name}`];
    return override === undefined ? otherwise : Number(override);
  };
  return {
    VCPU: said('VCPU', flavor.vcpus),
    MEMORY_MB: said('MEMORY_MB', flavor.memoryMb),
    DISK_GB: said('DISK_GB', disk + (server.imageId === null ? 0 : flavor.diskGb)),
  };
}
