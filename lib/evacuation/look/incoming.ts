import type { CallOptions, Migration, NovaClient, NovaHost, ServerId } from '@openstack-ts/nova-client';
import type { HostView } from './hostView.ts';
import { isFailed } from './records.ts';

/** The evacuations to a host that bears a mark: a nova-compute that was started there takes up what lay in its queue. */
export class Incoming {
  readonly #nova: NovaClient;
  readonly #host: NovaHost;
  readonly #view: Pick<HostView, 'servers'>;
  readonly #options: CallOptions;
  /** The instances that were on the host when its records were read last. */
  #covered: ReadonlySet<ServerId> = new Set();
  #read: Promise<readonly Migration[]> | null = null;

  constructor(nova: NovaClient, host: NovaHost, view: Pick<HostView, 'servers'>, options: CallOptions) {
    this.#nova = nova;
    this.#host = host;
    this.#view = view;
    this.#options = options;
  }

  /**
   * Whether an instance may have come to the host by an evacuation since then, in ms on Nova's clock. The record of one is there before
   * the instance is, so that one reading does for all that were seen by then. Throws `NovaError`.
   */
  async mayHaveCome(id: ServerId, since: number): Promise<boolean> {
    if (this.#read === null || !this.#covered.has(id)) {
      this.#covered = new Set([...this.#view.servers.keys(), id]);
      this.#read = this.#nova.listEvacuations({ destHost: this.#host, changedSince: since }, this.#options);
    }
    const reading = this.#read;
    try {
      const records = await reading;
      return records.some((one) => one.serverId === id && !isFailed(one) && one.updatedAt > since);
    } catch (error) {
      if (this.#read === reading) this.#read = null;
      throw error;
    }
  }
}
