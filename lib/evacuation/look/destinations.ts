import type { ComputeService, NovaHost } from '@openstack-ts/nova-client';
import { type HostKey, hostKey, servicesByHost } from '../incident/names.ts';

/** What a migration's destination is worth: `dead` means fenced, so that nothing can run there any more. */
export type Destination = 'alive' | 'dead' | 'silent' | 'unknown';

/** When Nova last wrote the service of a host, in ms on its clock, and when that was read, on ours. */
export interface Reported {
  readonly readAt: number;
  /** Null: Nova does not tell times. */
  readonly updatedAt: number | null;
  /** Whether it told of the service at all: a list may lack what is in a cell that does not answer. */
  readonly told: boolean;
}

/** What hosts are worth as destinations, as far as the marks and Nova's services told last. Times in ms since the epoch. */
export class Destinations {
  #services: ReadonlyMap<HostKey, ComputeService> = new Map();
  #servicesAt = 0;
  #servicesAskedAt = 0;
  #fenced: ReadonlySet<NovaHost> = new Set();
  #fencedAt = 0;

  /** Hosts that were fenced, whatever Nova says of them yet, as the marks told at that time. */
  heedFenced(hosts: Iterable<NovaHost>, at: number): void {
    this.#fenced = new Set(hosts);
    this.#fencedAt = at;
  }

  /** @param askedAt what Nova heard after that is not in the list, however long it took over it */
  heedServices(list: readonly ComputeService[], at: number, askedAt: number): void {
    this.#services = servicesByHost(list);
    this.#servicesAt = at;
    this.#servicesAskedAt = askedAt;
  }

  /** What Nova said counts on, but is as old as can be: something was changed since. */
  forgetServices(): void {
    this.#servicesAt = 0;
    this.#servicesAskedAt = 0;
  }

  /** A host's compute service as last read. */
  service(host: NovaHost): ComputeService | undefined {
    return this.#services.get(hostKey(host));
  }

  destination(host: NovaHost | null): Destination {
    if (host === null) return 'unknown';
    if (this.#fenced.has(host)) return 'dead';
    const service = this.service(host);
    if (service === undefined) return 'unknown';
    // forced_down is the cluster's (or an operator's) word that the host is off; a mere missing heartbeat is not:
    // the guest may be running there already.
    if (service.forcedDown) return 'dead';
    return service.state === 'down' ? 'silent' : 'alive';
  }

  /** When Nova last wrote the service of a host, on its clock, and when that was read, on ours. */
  reported(host: NovaHost): Reported {
    const service = this.service(host);
    const told = service !== undefined && service.state !== 'unknown';
    return { readAt: this.#servicesAskedAt, updatedAt: service?.updatedAt ?? null, told };
  }

  /** When what {@link destination} tells was last learned. */
  get at(): number {
    return Math.max(this.#servicesAt, this.#fencedAt);
  }

  /** When it was last seen that a destination is what {@link destination} says. */
  knownAt(host: NovaHost | null): number {
    return host !== null && this.#fenced.has(host) ? this.#fencedAt : this.#servicesAt;
  }
}
