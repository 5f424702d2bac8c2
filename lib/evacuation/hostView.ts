import type { CallOptions, Migration, NovaClient, Server } from '@openstack-ts/nova-client';
import { NovaError } from '@openstack-ts/nova-client';
import type { Clock } from './clock.ts';
import { pacing } from './pacing.ts';
import { isOpen } from './records.ts';

/** What is known of an instance, and when it was looked at; null once it is not listed on the host any more. */
export interface Seen {
  readonly server: Server | null;
  readonly seenAt: number;
  /** Nova said that it does not exist. */
  readonly gone: boolean;
}

/** How many instances are read one by one before the whole list is, or at a time. */
const oneByOne = 5;

/** What one pass has seen of a marked host: its instances, and their evacuations. Every read goes to Nova. */
export class HostView {
  readonly #nova: NovaClient;
  readonly #host: string;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #options: CallOptions;
  /** How far back records can matter, in ms since the epoch. */
  readonly #since: number;
  readonly #servers = new Map<string, Seen>();
  readonly #records = new Map<string, Migration>();
  readonly #names = new Map<string, string>();
  #listedAt = 0;
  #recordsReadAt = 0;

  constructor(
    nova: NovaClient,
    host: string,
    since: number,
    clock: Pick<Clock, 'now'>,
    options: CallOptions,
  ) {
    this.#nova = nova;
    this.#host = host;
    this.#since = since;
    this.#clock = clock;
    this.#options = options;
  }

  /** Instances seen on the host in this pass, with the time they were last looked at. */
  get servers(): ReadonlyMap<string, Seen> {
    return this.#servers;
  }

  get records(): readonly Migration[] {
    return [...this.#records.values()];
  }

  /** When the host's instances were last listed, in ms since the epoch. */
  get listedAt(): number {
    return this.#listedAt;
  }

  /** How many evacuations have ended, one way or the other. */
  get settledCount(): number {
    return this.records.filter((record) => !isOpen(record)).length;
  }

  /** Reads the host's instances, and at the first time its records as far back as they can matter. */
  async list(): Promise<void> {
    const at = this.#clock.now();
    const [servers, records] = await Promise.all([
      this.#nova.listServers({ host: this.#host }, this.#options),
      this.#recordsReadAt === 0
        ? this.#nova.listEvacuations({ sourceHost: this.#host, changedSince: this.#since }, this.#options)
        : this.#changedRecords(),
    ]);
    this.#recordsReadAt = at;
    this.#listedAt = at;
    for (const record of records) this.#records.set(record.id, record);
    const listed = new Set(servers.map((server) => server.id));
    for (const server of servers) {
      this.#servers.set(server.id, { server, seenAt: at, gone: false });
      this.#names.set(server.id, server.name);
    }
    // No longer listed on this host: moved, deleted, or not to be reached. What was found out one by one still holds.
    for (const [id, { server, gone }] of this.#servers) {
      const isElsewhere = server !== null && server.host !== null && server.host !== this.#host;
      if (!listed.has(id) && !gone && !isElsewhere) this.forget(id, at);
    }
  }

  /** Reads what has changed of its records. */
  async poll(): Promise<void> {
    const at = this.#clock.now();
    for (const record of await this.#changedRecords()) this.#records.set(record.id, record);
    this.#recordsReadAt = at;
  }

  /**
   * Reads instances anew: one by one while they are few, else the whole list. What no list shows is always asked for
   * one by one, a bounded number at a time.
   */
  async lookAgain(ids: readonly string[]): Promise<void> {
    const unlisted = ids.filter((id) => this.#servers.get(id)?.server === null);
    const listed = ids.filter((id) => !unlisted.includes(id));
    if (listed.length > oneByOne) await this.list();
    await Promise.all(
      [...(listed.length > oneByOne ? [] : listed), ...unlisted.slice(0, oneByOne)].map((id) =>
        this.#lookAt(id),
      ),
    );
  }

  /** What was known of an instance does not hold any more. */
  forget(id: string, at: number): void {
    this.#servers.set(id, { server: null, seenAt: at, gone: false });
  }

  /** An instance that an earlier pass asked for and that has left the host since: what became of it is still to be told. */
  adopt(id: string, name: string): void {
    if (this.#servers.has(id)) return;
    this.forget(id, this.#clock.now());
    this.#names.set(id, name);
  }

  /** `name (id)`; the id alone of an instance that was never listed. */
  title(id: string): string {
    const name = this.#names.get(id);
    return name === undefined ? id : `${name} (${id})`;
  }

  /** The instance's name; its id where it was never listed. */
  name(id: string): string {
    return this.#names.get(id) ?? id;
  }

  async #lookAt(id: string): Promise<void> {
    const seenAt = this.#clock.now();
    try {
      this.#servers.set(id, { server: await this.#nova.getServer(id, this.#options), seenAt, gone: false });
    } catch (error) {
      if (!(error instanceof NovaError && error.code === 'notFound')) throw error;
      this.#servers.set(id, { server: null, seenAt, gone: true });
    }
  }

  #changedRecords(): Promise<readonly Migration[]> {
    // Nova's clock counts, and one that runs behind ours must not hide a change.
    const changedSince = this.#recordsReadAt + this.#nova.clockOffsetMs - 2 * pacing.clockMarginMs;
    return this.#nova.listEvacuations({ sourceHost: this.#host, changedSince }, this.#options);
  }
}

/** `name (id)`, as sentences name an instance. */
export function titleOf(server: Server): string {
  return `${server.name} (${server.id})`;
}
