import {
  type Aggregate,
  type CallOptions,
  type ComputeService,
  type HostCapacity,
  type NovaClient,
  NovaError,
  type NovaHost,
  type Server,
  type ServerGroup,
} from '@openstack-ts/nova-client';
import { rethrowUnless } from '../../rethrow.ts';
import { type HostKey, hostKey } from '../incident/names.ts';
import { pacing } from '../incident/pacing.ts';
import { Destinations } from './destinations.ts';
import type { PolicyFacts } from './policyFacts.ts';
import { type PolicyQuestions, PolicyReader } from './policyReader.ts';

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
  #services: {
    readonly at: number;
    readonly list: readonly ComputeService[];
  } | null = null;
  /** How long the last list of the services took, in ms: a minute while a cell does not answer Nova. */
  #tookMs = 0;
  #servicesUnderWay: Promise<readonly ComputeService[]> | null = null;
  readonly #policyReader: PolicyReader;
  #aggregates: Promise<readonly Aggregate[]> | null = null;
  #knownAggregates: readonly Aggregate[] | null = null;
  #capacityTrouble: string | null = null;
  readonly #groups = new Map<string, Promise<ServerGroup | null>>();
  #capacity: { readonly at: number; readonly read: Promise<Capacity | null> } | null = null;
  /** Hosts that a mark may mean, proven to be down or not. */
  #marked: ReadonlySet<HostKey> = new Set();
  /** Hosts that count as failed, by whomever they are evacuated. */
  #failed: ReadonlySet<NovaHost> = new Set();
  /** What hosts are worth as destinations of evacuations. */
  readonly destinations = new Destinations();

  constructor(nova: NovaClient, questions: PolicyQuestions, now: () => number, options: CallOptions) {
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
      questions,
      options,
    );
  }

  /**
   * Hosts that bore the mark of a failure at a time `at`. `isDown`: certainly so, whatever Nova says of them yet; of those that another
   * controller works on that is not known.
   */
  setFailed(
    hosts: readonly { readonly host: NovaHost; readonly isDown: boolean }[],
    at: number = this.#now(),
  ): void {
    this.#failed = new Set(hosts.map(({ host }) => host));
    this.destinations.heedFenced(
      hosts.filter(({ isDown }) => isDown).map(({ host }) => host),
      at,
    );
  }

  /** Hosts that a mark may mean, proven to be down or not. */
  setMarked(hosts: Iterable<NovaHost>): void {
    this.#marked = new Set([...hosts].map(hostKey));
  }

  /**
   * The compute services, at most `maxAgeMs` old; where Nova takes long to list them that much older, as nothing would ever be
   * fresh enough then, but with 0 they are read in any case. Hosts that ask at the same time share one request.
   */
  async services(maxAgeMs: number = pacing.servicesFreshMs): Promise<readonly ComputeService[]> {
    const mayBe = maxAgeMs === 0 ? 0 : Math.max(maxAgeMs, pacing.slowFreshTimes * this.#tookMs);
    if (this.#services !== null && this.#now() - this.#services.at <= mayBe) return this.#services.list;
    const askedAt = this.#now();
    this.#servicesUnderWay ??= this.#nova
      .listComputeServices(this.#options)
      .then((list) => {
        const at = this.#now();
        this.#tookMs = at - askedAt;
        this.#services = { at, list };
        this.destinations.heedServices(list, at, askedAt);
        return list;
      })
      .finally(() => {
        this.#servicesUnderWay = null;
      });
    return this.#servicesUnderWay;
  }

  /** Whether Nova's lists take so long that as many as possible have to be asked for at the same time. */
  get isSlow(): boolean {
    return this.#tookMs >= pacing.slowListMs;
  }

  /** After a change of ours: the next question goes to Nova. Until then what it said of other hosts still counts. */
  forgetServices(): void {
    if (this.#services !== null) this.#services = { ...this.#services, at: 0 };
    this.destinations.forgetServices();
  }

  /** When the services were last listed, in ms since the epoch; 0: not since a change of ours. */
  get servicesAt(): number {
    return this.#services?.at ?? 0;
  }

  /** A host's compute service as last read. */
  service(host: NovaHost): ComputeService | undefined {
    return this.destinations.service(host);
  }

  /** Hosts that can take instances now, by name, with their availability zones. */
  targets(): ComputeService[] {
    return (this.#services?.list ?? [])
      .filter(
        (service) =>
          service.state === 'up' && service.status === 'enabled' && !this.#failed.has(service.host),
      )
      .sort((one, other) => (one.host < other.host ? -1 : 1));
  }

  /**
   * Of the {@link targets}, those that we may name to Nova. One that bears a mark may be about to be switched off, whatever Nova says
   * of it: Nova may choose it, we do not.
   */
  nameable(): ComputeService[] {
    return this.targets().filter(({ host }) => !this.#marked.has(hostKey(host)));
  }

  /** What the policy has to know about these servers; each part is read once per pass. */
  policyFacts(
    servers: readonly Server[],
    onError: (what: string, sentence: string) => void,
  ): Promise<PolicyFacts> {
    return this.#policyReader.factsFor(servers, onError);
  }

  /** Host aggregates, read once per pass; null where they cannot be read. */
  async aggregates(): Promise<readonly Aggregate[] | null> {
    this.#knownAggregates = await orNull(this.#listAggregates());
    return this.#knownAggregates;
  }

  /** The aggregates, as far as {@link aggregates} was asked; else null. */
  get knownAggregates(): readonly Aggregate[] | null {
    return this.#knownAggregates;
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
    const mayBe = Math.max(maxAgeMs, this.isSlow ? pacing.slowFreshTimes * this.#tookMs : 0);
    if (this.#capacity === null || now - this.#capacity.at > mayBe) {
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
      rethrowUnless(error, NovaError);
      this.#capacityTrouble = error.message;
      return null;
    }
  }
}

async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    rethrowUnless(error, NovaError);
    return null;
  }
}
