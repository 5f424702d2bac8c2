import type { CallOptions, ComputeService, NovaClient } from '@openstack-ts/nova-client';
import { NovaError } from '@openstack-ts/nova-client';
import type { Destination } from './classify.ts';
import { pacing } from './pacing.ts';
import { evacuableTag, type SelectionFacts } from './selection.ts';

/** What all hosts of a pass share of the cloud, read once or refreshed by whoever needs it fresh. */
export class CloudFacts {
  readonly #nova: NovaClient;
  readonly #now: () => number;
  readonly #options: CallOptions;
  #services: { readonly at: number; readonly list: readonly ComputeService[] } | null = null;
  #servicesUnderWay: Promise<readonly ComputeService[]> | null = null;
  #selection: Promise<SelectionFacts> | null = null;
  #fenced: ReadonlySet<string> = new Set();
  #fencedAt = 0;

  constructor(nova: NovaClient, now: () => number, options: CallOptions) {
    this.#nova = nova;
    this.#now = now;
    this.#options = options;
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
        this.#services = { at: this.#now(), list };
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
    return service.state === 'down' ? 'silent' : 'alive';
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

  /** Flavours and tagged images, read once per pass; what cannot be read is null and named by `onError`. */
  selection(onError: (what: string, error: NovaError) => void): Promise<SelectionFacts> {
    this.#selection ??= this.#readSelection(onError);
    return this.#selection;
  }

  async #readSelection(onError: (what: string, error: NovaError) => void): Promise<SelectionFacts> {
    const orNull = async <T>(what: string, reading: Promise<readonly T[]>): Promise<readonly T[] | null> => {
      try {
        return await reading;
      } catch (error) {
        if (!(error instanceof NovaError)) throw error;
        // A cloud without an image service has no tagged images.
        if (error.code === 'noEndpoint') return [];
        onError(what, error);
        return null;
      }
    };
    const [flavors, taggedImages] = await Promise.all([
      orNull('flavours', this.#nova.listFlavors(this.#options)),
      orNull('image tags', this.#nova.listImagesByTag(evacuableTag, this.#options)),
    ]);
    return { flavors, taggedImages };
  }
}
