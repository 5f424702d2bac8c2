import { type Allocations, resourcesOf } from './allocations.ts';
import type { Host, Migration, Server, ServerGroup } from './model.ts';
import type { ReleaseKnobs } from './releases.ts';

/** What the scheduler needs of the world around it. */
export interface SchedulerWorld {
  readonly knobs: Pick<ReleaseKnobs, 'groupCountsArriving'>;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly servers: ReadonlyMap<string, Server>;
  readonly allocations: Allocations;
  isUp(host: Host): boolean;
  groupOf(serverId: string): ServerGroup | undefined;
  migrationsOf(serverId: string): readonly Migration[];
}

/** A host, or why there is none, in Nova's words. */
export type Choice = { readonly host: Host } | { readonly refusal: string };

/** Nobody gives room (Placement has no candidate): Nova says nothing more about it. */
const noCandidate = 'No valid host was found. ';
/** There was room, but the filters left no host. */
const allFiltered = 'No valid host was found. There are not enough hosts available.';

/**
 * Where a server may go, decided as Nova 26 does (nova/scheduler/manager.py): Placement first names the hosts with room,
 * in the right zone and not disabled; the filters then strike out those that are down or that the server's group forbids.
 */
export class Scheduler {
  readonly #world: SchedulerWorld;

  constructor(world: SchedulerWorld) {
    this.#world = world;
  }

  /** The host that suits and has the most memory left. `named` is the only one that is looked at, `source` is not. */
  choose(server: Server, options: { readonly named?: string; readonly source?: string } = {}): Choice {
    const wanted = resourcesOf(server);
    const candidates = [...this.#world.hosts.values()].filter(
      (host) =>
        !host.disabledTrait &&
        (options.named === undefined || host.name === options.named) &&
        (server.pinnedZone === null || host.zone === server.pinnedZone) &&
        this.#world.allocations.fits(host, wanted),
    );
    if (candidates.length === 0) return { refusal: noCandidate };
    let best: Host | undefined;
    for (const host of candidates) {
      if (host.name === options.source || host.disabled || !this.#world.isUp(host)) continue;
      if (!this.#groupAllows(server, host)) continue;
      if (best === undefined || this.#freeMemory(host) > this.#freeMemory(best)) best = host;
    }
    return best === undefined ? { refusal: allFiltered } : { host: best };
  }

  /**
   * A host that was named and is not to be asked about: it has to have room all the same, and a server that has
   * allocations on more than its own host cannot be forced (nova/scheduler/utils.py, claim_resources_on_destination).
   */
  force(server: Server, name: string): Choice {
    const host = this.#world.hosts.get(name);
    const head = `No valid host was found. Unable to move instance ${server.id} to host ${name}. `;
    if (this.#world.allocations.hostsOf(server.id).length > 1) {
      return {
        refusal: `${head}The instance has complex allocations on the source host so move cannot be forced.`,
      };
    }
    if (host === undefined || !this.#world.allocations.fits(host, resourcesOf(server))) {
      return { refusal: `${head}There is not enough capacity on the host for the instance.` };
    }
    return { host };
  }

  /**
   * The look that nova-compute itself takes at the group before it rebuilds, because evacuations that are scheduled at the
   * same time do not see each other (_validate_instance_group_policy). Whether records that are under way to the host count
   * depends on the release (groupCountsArriving). Null when nothing speaks against it.
   */
  lateRefusal(server: Server, host: Host): string | null {
    const group = this.#world.groupOf(server.id);
    if (group?.policy === 'anti-affinity') {
      const { groupCountsArriving } = this.#world.knobs;
      const there = [...group.members].filter(
        (id) =>
          id !== server.id &&
          (this.#hostOf(id) === host.name || (groupCountsArriving && this.#isBoundFor(id, host))),
      );
      if (there.length >= (group.maxPerHost ?? 1)) return 'Anti-affinity instance group policy was violated';
    }
    if (group?.policy === 'affinity') {
      const hosts = this.#hostsOf(group, server.id);
      if (hosts.size > 0 && !hosts.has(host.name)) return 'Affinity instance group policy was violated';
    }
    return null;
  }

  /** ServerGroupAntiAffinityFilter and ServerGroupAffinityFilter. */
  #groupAllows(server: Server, host: Host): boolean {
    const group = this.#world.groupOf(server.id);
    if (group?.policy === 'anti-affinity') {
      const there = [...group.members].filter((id) => id !== server.id && this.#hostOf(id) === host.name);
      return there.length < (group.maxPerHost ?? 1);
    }
    if (group?.policy === 'affinity') {
      // The server's own host counts too, and so does a dead one: Nova finds no host for a member that is evacuated.
      const hosts = this.#hostsOf(group, null);
      return hosts.size === 0 || hosts.has(host.name);
    }
    return true;
  }

  #hostsOf(group: ServerGroup, except: string | null): Set<string> {
    const hosts = new Set<string>();
    for (const id of group.members) {
      const host = id === except ? null : this.#hostOf(id);
      if (host !== null) hosts.add(host);
    }
    return hosts;
  }

  #hostOf(serverId: string): string | null {
    return this.#world.servers.get(serverId)?.host ?? null;
  }

  #isBoundFor(serverId: string, host: Host): boolean {
    return this.#world
      .migrationsOf(serverId)
      .some(
        ({ claimed, destHost, status }) => claimed && destHost === host.name && status === 'pre-migrating',
      );
  }

  #freeMemory(host: Host): number {
    return host.capacity.MEMORY_MB - this.#world.allocations.used(host.name).MEMORY_MB;
  }
}
