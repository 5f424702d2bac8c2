import type {
  Aggregate,
  CallOptions,
  ComputeService,
  HostCapacity,
  NovaClient,
  Server,
  ServerGroup,
} from '@openstack-ts/nova-client';
import { NovaError } from '@openstack-ts/nova-client';
import type { Destination } from './classify.ts';
import { pacing } from './pacing.ts';
import type { Policy } from './policy.ts';
import { type PolicyFacts, PolicyReader } from './policyFacts.ts';

/** What hosts have room for, and when that was read, in ms since the epoch. */
interface Capacity {
  readonly at: number;
  readonly list: readonly HostCapacity[];
}

/** What all hosts of a pass share of the cloud, read once or refreshed by whoever needs it fresh. */
export class CloudFacts {
  readonly #nova: NovaClient;
  readonly #now: () => number;
  readonly #options: CallOptions;
  #services: { readonly at: number; readonly list: readonly ComputeService[] } | null = null;
  #servicesUnderWay: Promise<readonly ComputeService[]> | null = null;
  readonly #policyReader: PolicyReader;
  readonly #silentAt: Map<string, number>;
  #aggregates: Promise<readonly Aggregate[]> | null = null;
  #capacityTrouble: string | null = null;
  readonly #groups = new Map<string, Promise<ServerGroup | null>>();
  #capacity: { readonly at: number; readonly read: Promise<Capacity | null> } | null = null;
  #fenced: ReadonlySet<string> = new Set();
  #fencedAt = 0;

  /** @param silentAt when each host was last seen silent, in ms since the epoch: filled in here, kept from pass to pass */
  constructor(
    nova: NovaClient,
    policy: Policy,
    now: () => number,
    options: CallOptions,
    silentAt = new Map<string, number>(),
  ) {
    this.#silentAt = silentAt;
    this.#nova = nova;
    this.#now = now;
    this.#options = options;
    this.#policyReader = new PolicyReader(
      {
        listFlavors: (bounds) => nova.listFlavors(bounds),
        listImagesByTag: (tag, bounds) => nova.listImagesByTag(tag, bounds),
        listImagesByProperty: (name, value, bounds) => nova.listImagesByProperty(name, value, bounds),
        getImage: (id, bounds) => nova.getImage(id, bounds),
        listVolumesByImageProperty: (name, value, bounds) =>
          nova.listVolumesByImageProperty(name, value, bounds),
        getVolume: (id, bounds) => nova.getVolume(id, bounds),
        // The limits ask for them as well.
        listAggregates: () => this.#listAggregates(),
        listProjects: (bounds) => nova.listProjects(bounds),
      },
      policy,
      options,
    );
  }

  /** Hosts that bore a pending mark at a time `at`: fenced, whatever Nova says of them yet. */
  setFenced(hosts: Iterable<string>, at: number = this.#now()): void {
    this.#fenced = new Set(hosts);
    this.#fencedAt = at;
  }

  /** The compute services, at most `maxAgeMs` old. Hosts that ask at the same time share one request. */
  async services(maxAgeMs: number = pacing.servicesFreshMs): Promise<readonly ComputeService[]> {
    if (this.#services !== null && this.#now() - this.#services.at <= maxAgeMs) return this.#services.list;
    this.#servicesUnderWay ??= this.#nova
      .listComputeServices(this.#options)
      .then((list) => {
        const at = this.#now();
        this.#services = { at, list };
        for (const { host, state, forcedDown } of list) {
          if (state === 'down' && !forcedDown) this.#silentAt.set(host, at);
        }
        return list;
      })
      .finally(() => {
        this.#servicesUnderWay = null;
      });
    return this.#servicesUnderWay;
  }

  /** After a change of ours: the next question goes to Nova. */
  forgetServices(): void {
    this.#services = null;
  }

  /** When what {@link destination} tells was last learned, in ms since the epoch. */
  get destinationsAt(): number {
    return Math.max(this.#services?.at ?? 0, this.#fencedAt);
  }

  /** When it was last seen that a destination is what {@link destination} says, in ms since the epoch. */
  destinationKnownAt(host: string | null): number {
    return host !== null && this.#fenced.has(host) ? this.#fencedAt : (this.#services?.at ?? 0);
  }

  /** What a migration's destination is worth, by the services as last read. */
  destination(host: string | null): Destination {
    if (host === null) return 'unknown';
    if (this.#fenced.has(host)) return 'dead';
    const service = this.service(host);
    if (service === undefined) return 'unknown';
    // forced_down is the cluster's (or an operator's) word that the host is off; a mere missing heartbeat is not:
    // the guest may be running there already.
    if (service.forcedDown) return 'dead';
    // One that hung goes on where it was as soon as it is back: what it had begun looks abandoned until it has ended.
    const wasSilent = this.#now() - (this.#silentAt.get(host) ?? 0) < pacing.staleRecordMs;
    return service.state === 'down' || wasSilent ? 'silent' : 'alive';
  }

  /** A host's compute service as last read. */
  service(host: string): ComputeService | undefined {
    return this.#services?.list.find((candidate) => candidate.host === host);
  }

  /** Hosts that can take instances now. */
  targets(): string[] {
    return (this.#services?.list ?? [])
      .filter(
        (service) =>
          service.state === 'up' && service.status === 'enabled' && !this.#fenced.has(service.host),
      )
      .map((service) => service.host)
      .sort();
  }

  /** What the policy has to know about these servers; each part is read once per pass. */
  policyFacts(
    servers: readonly Server[],
    onError: (what: string, sentence: string) => void,
  ): Promise<PolicyFacts> {
    return this.#policyReader.factsFor(servers, onError);
  }

  /** Host aggregates, read once per pass; null where they cannot be read. */
  aggregates(): Promise<readonly Aggregate[] | null> {
    return orNull(this.#listAggregates());
  }

  #listAggregates(): Promise<readonly Aggregate[]> {
    this.#aggregates ??= this.#nova.listAggregates(this.#options);
    return this.#aggregates;
  }

  /** A server group; null where it cannot be read. */
  serverGroup(id: string): Promise<ServerGroup | null> {
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = orNull(this.#nova.getServerGroup(id, this.#options));
      this.#groups.set(id, group);
    }
    return group;
  }

  /** What hosts have room for, at most `maxAgeMs` old; null where Placement does not tell, as nothing is held back then. */
  capacity(maxAgeMs: number): Promise<Capacity | null> {
    const now = this.#now();
    if (this.#capacity === null || now - this.#capacity.at > maxAgeMs) {
      this.#capacity = { at: now, read: this.#readCapacity(now) };
    }
    return this.#capacity.read;
  }

  /** Why capacity could not be read when it was last asked for; null: it could. */
  get capacityTrouble(): string | null {
    return this.#capacityTrouble;
  }

  async #readCapacity(at: number): Promise<Capacity | null> {
    try {
      const list = await this.#nova.listCapacity(this.#options);
      this.#capacityTrouble = null;
      return { at, list };
    } catch (error) {
      if (!(error instanceof NovaError)) throw error;
      this.#capacityTrouble = error.message;
      return null;
    }
  }
}

async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof NovaError)) throw error;
    return null;
  }
}
