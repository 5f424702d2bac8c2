import {
  type CallOptions,
  type Migration,
  type NovaClient,
  NovaError,
  type NovaHost,
  type Server,
  type ServerId,
} from '@openstack-ts/nova-client';
import { rethrowUnless } from '../../rethrow.ts';
import type { Clock } from '../incident/clock.ts';
import { isSameHost } from '../incident/names.ts';
import { isOpen } from './records.ts';
import { titleOf } from './titles.ts';
import { lacksRecord, unrecordedEvacuation } from './unrecorded.ts';

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
  readonly #host: NovaHost;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #options: CallOptions;
  /** How far back records can matter, in ms since the epoch. */
  readonly #since: number;
  readonly #servers = new Map<ServerId, Seen>();
  readonly #records = new Map<string, Migration>();
  /** By instance: what only its actions tell of, and as of which state of the instance they were read. */
  readonly #unrecorded = new Map<ServerId, Migration>();
  readonly #actionsRead = new Map<ServerId, number | null>();
  readonly #names = new Map<ServerId, string>();
  /** Instances that Nova shows on the host, and left out when it last listed them: each is asked for by itself. */
  readonly #leftOut = new Set<ServerId>();
  #listedAt = 0;
  #recordReads = 0;

  constructor(
    nova: NovaClient,
    host: NovaHost,
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
  get servers(): ReadonlyMap<ServerId, Seen> {
    return this.#servers;
  }

  /** Its evacuations, with those that only the actions of their instances tell of (`unrecorded.ts`). */
  get records(): readonly Migration[] {
    return [...this.#records.values(), ...this.#unrecorded.values()];
  }

  /** When the host's instances were last listed, in ms since the epoch. */
  get listedAt(): number {
    return this.#listedAt;
  }

  /** How often its records were read: that one is missing is believed from the second time on. */
  get recordReads(): number {
    return this.#recordReads;
  }

  /** How many evacuations have ended, one way or the other. */
  get settledCount(): number {
    return this.records.filter((record) => !isOpen(record)).length;
  }

  /** Reads the host's instances, and its records as far back as they can matter. */
  async list(): Promise<void> {
    const at = this.#clock.now();
    const [servers, records] = await Promise.all([
      this.#nova.listServers({ host: this.#host }, this.#options),
      this.#readRecords(),
    ]);
    this.#listedAt = at;
    this.#keep(records);
    const listed = new Set(servers.map((server) => server.id));
    for (const server of servers) {
      this.#servers.set(server.id, { server, seenAt: at, gone: false });
      this.#names.set(server.id, server.name);
    }
    // No longer listed on this host: moved, deleted, or not to be reached. What was found out one by one still holds.
    for (const [id, { server, gone }] of this.#servers) {
      if (listed.has(id)) this.#leftOut.delete(id);
      else if (!gone && !this.#isElsewhere(server)) this.forget(id, at);
    }
    await this.#lookAtEach([...this.#leftOut]);
  }

  /** Looks up what is under way of instances that Nova rebuilds and of which no open record is known. */
  async lookForUnrecorded(): Promise<void> {
    const known = [...this.#records.values()];
    const wanted = [...this.#servers.values()].flatMap(({ server }) =>
      server !== null && lacksRecord(server, known) ? [server] : [],
    );
    for (const id of this.#unrecorded.keys()) {
      if (!wanted.some((server) => server.id === id)) this.#unrecorded.delete(id);
    }
    const isNew = ({ id, updatedAt }: Server) => this.#actionsRead.get(id) !== updatedAt;
    await inParts(wanted.filter(isNew), async (server) => {
      const found = await unrecordedEvacuation(
        this.#nova,
        this.#host,
        server,
        known,
        this.#since,
        this.#options,
      );
      if (found === null) this.#unrecorded.delete(server.id);
      else this.#unrecorded.set(server.id, found);
      // What was not told is asked for again.
      if (found === null || found.id.startsWith('request'))
        this.#actionsRead.set(server.id, server.updatedAt);
    });
  }

  /** Reads its records. */
  async poll(): Promise<void> {
    this.#keep(await this.#readRecords());
  }

  /**
   * Reads instances anew: one by one while they are few, else the whole list. What no list shows is always asked for
   * one by one, a bounded number at a time.
   */
  async lookAgain(ids: readonly ServerId[]): Promise<void> {
    const unlisted = ids.filter((id) => this.#servers.get(id)?.server === null);
    const listed = ids.filter((id) => !unlisted.includes(id));
    if (listed.length > oneByOne) await this.list();
    await this.#lookAtEach([
      ...(listed.length > oneByOne ? [] : listed),
      ...unlisted.filter((id) => this.#servers.get(id)?.server === null).slice(0, oneByOne),
    ]);
  }

  /** Instances that no list has shown, and that Nova shows on the host when it is asked for each. */
  add(servers: readonly Server[]): void {
    const seenAt = this.#clock.now();
    for (const server of servers) {
      this.#servers.set(server.id, { server, seenAt, gone: false });
      this.#names.set(server.id, server.name);
      this.#leftOut.add(server.id);
    }
  }

  /** What was known of an instance does not hold any more. */
  forget(id: ServerId, at: number): void {
    this.#servers.set(id, { server: null, seenAt: at, gone: false });
  }

  /** An instance that an earlier pass asked for and that has left the host since: what became of it is still to be told. */
  adopt(id: ServerId, name: string): void {
    if (this.#servers.has(id)) return;
    this.forget(id, this.#clock.now());
    this.#names.set(id, name);
  }

  /** `name (id)`; the id alone of an instance that was never listed. */
  title(id: ServerId): string {
    const name = this.#names.get(id);
    return name === undefined ? id : titleOf({ name, id });
  }

  /** The instance's name; its id where it was never listed. */
  name(id: ServerId): string {
    return this.#names.get(id) ?? id;
  }

  /** The name of an instance that has left the host; its id where Nova does not tell. */
  async readName(id: ServerId): Promise<string> {
    try {
      return (await this.#nova.getServer(id, this.#options)).name;
    } catch (error) {
      rethrowUnless(error, NovaError);
      return id;
    }
  }

  #isElsewhere(server: Server | null): boolean {
    return server !== null && server.host !== null && !isSameHost(server.host, this.#host);
  }

  #lookAtEach(ids: readonly ServerId[]): Promise<void> {
    return inParts(ids, (id) => this.#lookAt(id));
  }

  async #lookAt(id: ServerId): Promise<void> {
    const seenAt = this.#clock.now();
    const isLeftOut = this.#servers.get(id)?.server === null;
    try {
      const server = await this.#nova.getServer(id, this.#options);
      this.#servers.set(id, { server, seenAt, gone: false });
      if (this.#isElsewhere(server)) this.#leftOut.delete(id);
      else if (isLeftOut && server.host !== null) this.#leftOut.add(id);
    } catch (error) {
      rethrowUnless(error, NovaError);
      if (error.code !== 'notFound') throw error;
      this.#servers.set(id, { server: null, seenAt, gone: true });
      this.#leftOut.delete(id);
    }
  }

  /**
   * All of them each time, which costs Nova the same: one that a read has left out, as a cell did not answer it, is found
   * by the next.
   */
  async #readRecords(): Promise<readonly Migration[]> {
    const filter = { sourceHost: this.#host, changedSince: this.#since };
    const records = await this.#nova.listEvacuations(filter, this.#options);
    this.#recordReads += 1;
    return records;
  }

  /** Nova takes no record away while it matters: what one read has shown stays, and only a later state of it counts. */
  #keep(records: readonly Migration[]): void {
    for (const record of records) {
      const known = this.#records.get(record.id);
      if (known === undefined || record.updatedAt >= known.updatedAt) this.#records.set(record.id, record);
    }
  }
}

async function inParts<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += oneByOne) {
    await Promise.all(items.slice(from, from + oneByOne).map(task));
  }
}
