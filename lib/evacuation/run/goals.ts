import type { Migration, NovaHost, Server, ServerId } from '@openstack-ts/nova-client';
import type { EvacuationRequest } from '../act/requests.ts';
import { nextDestination } from '../decide/destination.ts';
import { diskOf, isDiskMissing } from '../judge/diskGuard.ts';
import { recordsByServer } from '../look/records.ts';
import type { HostWork } from './hostWork.ts';

const none: ReadonlySet<NovaHost> = new Set();

/** Where a host's instances are sent at one turn: hosts that are named, or null, where Nova chooses. */
export class Goals {
  readonly #work: HostWork;
  /** Hosts that can take an instance, by all of it that this depends on. */
  readonly #able = new Map<string, readonly NovaHost[]>();
  #records: ReadonlyMap<ServerId, readonly Migration[]> | null = null;
  #load: Map<NovaHost, number> | null = null;

  constructor(work: HostWork) {
    this.#work = work;
  }

  /** Whether an instance can be kept from the destinations that finish nothing: another can be named, or none of them can take it. */
  avoid(id: ServerId): boolean {
    const { view, scope } = this.#work;
    const server = view.servers.get(id)?.server ?? null;
    if (server === null || this.of(server).destination !== null) return true;
    return !this.#hostsFor(server).some((host) => scope.paces.laggards.get(host)?.how === 'hangs');
  }

  /** The host to name (null leaves the choice to Nova), and what may become of the disk there. */
  of(server: Server): Pick<EvacuationRequest, 'destination' | 'disk'> {
    const { scope, view, knowledge } = this.#work;
    const { laggards } = scope.paces;
    const disk = diskOf(server, scope.settings.onSharedStorage);
    this.#records ??= recordsByServer(view.records);
    const records = this.#records.get(server.id) ?? [];
    if (records.length === 0 && laggards.size === 0) return { destination: null, disk };
    const able = this.#hostsFor(server);
    const avoided = able.some((host) => laggards.has(host)) ? laggards : none;
    this.#load ??= scope.paces.load();
    const load = this.#load;
    if (disk === 'either') return { destination: nextDestination(records, able, load, avoided), disk };
    const shared = able.filter((host) => knowledge.isSharedWith(host));
    const finder = nextDestination(records, shared, load, avoided);
    // Nothing is lost where the disk is found, so Nova may be told the host in the way that has its scheduler check it.
    if (finder !== null) return { destination: finder, disk: 'either' };
    // Left to itself Nova would choose the same host again. One that was named so is not checked by its scheduler.
    const others = isDiskMissing(server, records.at(-1))
      ? able.filter((host) => !knowledge.isLackedBy(host))
      : [];
    return { destination: nextDestination(records, others, load), disk };
  }

  /** An instance is sent to a host that was named. */
  named(id: ServerId, to: NovaHost): void {
    this.#work.scope.paces.named(id, to);
    this.#load?.set(to, (this.#load.get(to) ?? 0) + 1);
  }

  #hostsFor(server: Server): readonly NovaHost[] {
    const { flavor, availabilityZone, projectId, imageId } = server;
    const key = JSON.stringify([flavor, availabilityZone, projectId, imageId === null]);
    const hosts = this.#able.get(key) ?? this.#work.knowledge.able(server);
    this.#able.set(key, hosts);
    return hosts;
  }
}
