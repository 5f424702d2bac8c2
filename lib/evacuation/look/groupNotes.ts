import {
  type CallOptions,
  type NovaClient,
  NovaError,
  type ServerGroup,
  type ServerId,
} from '@openstack-ts/nova-client';
import { rethrowUnless } from '../../rethrow.ts';

/** So many instances are asked about in a pass: each costs a request. */
const most = 20;

/**
 * Names the server group that stands behind "No valid host", which Nova does not. Nova's lists do not tell the groups of a
 * server, so that each such instance is asked for once.
 */
export class GroupNotes {
  readonly #nova: Pick<NovaClient, 'getServer'>;
  readonly #group: (id: string) => Promise<ServerGroup | null>;
  readonly #options: CallOptions;
  readonly #notes = new Map<ServerId, string>();

  constructor(
    nova: Pick<NovaClient, 'getServer'>,
    group: (id: string) => Promise<ServerGroup | null>,
    options: CallOptions,
  ) {
    this.#nova = nova;
    this.#group = group;
    this.#options = options;
  }

  /** What to add to the sentence about an instance; `''` where no group is known. */
  note(id: ServerId): string {
    return this.#notes.get(id) ?? '';
  }

  /** Finds out about instances for which no host was found. */
  async read(ids: Iterable<ServerId>): Promise<void> {
    for (const id of ids) {
      if (this.#notes.has(id) || this.#notes.size >= most) continue;
      this.#notes.set(id, '');
      this.#notes.set(id, await this.#find(id));
    }
  }

  async #find(id: ServerId): Promise<string> {
    try {
      const { serverGroupIds } = await this.#nova.getServer(id, this.#options);
      for (const groupId of serverGroupIds ?? []) {
        const group = await this.#group(groupId);
        const note = group === null ? '' : noteOf(group);
        if (note !== '') return note;
      }
      return '';
    } catch (error) {
      rethrowUnless(error, NovaError);
      return '';
    }
  }
}

/**
 * A group with a hard policy. The scheduler counts the dead host as one of an affinity group's hosts (nova/scheduler/utils.py,
 * `_get_group_details`), so that no member of such a group finds another. Anti-affinity is looked at once more by the
 * destination, but before Launchpad 1821755 (24.0, 23.0.2, 22.2.2) without those that are on their way: evacuated at the same
 * time, two members may come to share a host there, and neither Nova nor we say so.
 */
function noteOf({ name, policy }: ServerGroup): string {
  if (policy === 'anti-affinity') {
    return `; its server group ${name} (anti-affinity) allows it only hosts without another member`;
  }
  if (policy === 'affinity') {
    return `; its server group ${name} (affinity) ties it to the dead host, so Nova finds no other while the group exists (openstack server group delete ${name})`;
  }
  return '';
}
