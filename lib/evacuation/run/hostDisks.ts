import type { Migration, NovaHost, Server, ServerId } from '@openstack-ts/nova-client';
import type { Requests } from '../act/requests.ts';
import { allowedHosts } from '../decide/destination.ts';
import { diskOf, isDiskMissing, judgeDisks, type Kept } from '../judge/diskGuard.ts';
import type { HostView } from '../look/hostView.ts';
import { isDone } from '../look/records.ts';
import type { MarkedHost, PassScope } from './passScope.ts';

/** What a look has shown of the disks of a host's instances. */
export interface DiskLook {
  isLocal(id: ServerId): boolean;
  /** Why an instance waits; null: it does not. */
  waits(id: ServerId): string | null;
  /** Its last destination did not find its disk, and others are left that may. */
  isProbed(id: ServerId): boolean;
}

/** Learns from what arrived and from what was refused which hosts find a host's disks. */
export class HostDisks {
  readonly #scope: PassScope;
  readonly #marked: MarkedHost;
  readonly #requests: Requests;
  /** Instances that have to keep their disks. */
  readonly #keeps = new Set<ServerId>();

  constructor(scope: PassScope, marked: MarkedHost, requests: Requests) {
    this.#scope = scope;
    this.#marked = marked;
    this.#requests = requests;
  }

  look(
    view: HostView,
    records: ReadonlyMap<ServerId, readonly Migration[]>,
    incidentAt: number,
    warn: (subject: string, sentence: string) => void,
  ): DiskLook {
    const { settings, clock, nova } = this.#scope;
    const { hints, service } = this.#marked;
    this.#noteArrived(records);
    const kept: Kept[] = [];
    for (const [id, { server }] of view.servers) {
      if (server === null || server.host !== service.host) continue;
      if (diskOf(server, settings.onSharedStorage) !== 'keep') continue;
      this.#keeps.add(id);
      const ofIncident = (records.get(id) ?? []).filter(({ createdAt }) => createdAt >= incidentAt);
      kept.push({ server, records: ofIncident });
      const latest = ofIncident.at(-1);
      const { destHost = null } = latest ?? {};
      if (isDiskMissing(server, latest) && destHost !== null) this.#noteLacking(destHost);
    }
    const { sharedWith, lackedBy } = hints;
    const words = judgeDisks(kept, { sharedWith, lackedBy, able: (server) => this.#able(server) });
    const now = clock.now() + nova.clockOffsetMs;
    const lacking = listed(lackedBy);
    const found =
      sharedWith.length === 0 ? 'no host has found one yet' : `${listed(sharedWith)} found others`;
    if (kept.length > 0 && lackedBy.length > 0) {
      warn('disks', `Nova did not find a disk of ${service.host} on ${lacking}; ${found}.`);
    }
    return {
      isLocal: (id) => words.local.has(id),
      isProbed: (id) => words.probed.has(id),
      waits: (id) =>
        now < (words.waiting.get(id) ?? 0)
          ? `${lacking} did not find the disk of another instance of ${service.host}, which is tried on other hosts first; see that ${lacking} has what ${service.host} had mounted (no_shared_storage=1 gives disks on ${service.host} itself up)`
          : null,
    };
  }

  #noteArrived(records: ReadonlyMap<ServerId, readonly Migration[]>): void {
    const { hints } = this.#marked;
    for (const id of this.#requests.asked.keys()) {
      const latest = records.get(id)?.at(-1);
      if (latest === undefined || !isDone(latest) || latest.destHost === null || !this.#keeps.has(id))
        continue;
      const { destHost } = latest;
      hints.sharedWith = [...new Set([...hints.sharedWith, destHost])];
      hints.lackedBy = hints.lackedBy.filter((host) => host !== destHost);
    }
  }

  #noteLacking(host: NovaHost): void {
    const { hints } = this.#marked;
    if (!hints.lackedBy.includes(host)) hints.lackedBy = [...hints.lackedBy, host];
  }

  /** Whether there is room just now is another matter. */
  #able(server: Server): readonly NovaHost[] {
    const { cloud } = this.#scope;
    const { availabilityZone } = server;
    const inZone = cloud
      .targets()
      .filter(({ zone }) => zone === null || availabilityZone === null || zone === availabilityZone);
    const hosts = inZone.map(({ host }) => host);
    return allowedHosts(hosts, server, cloud.knownAggregates);
  }
}

/** `a`, `a and b`, `a, b and c`. */
function listed(hosts: readonly NovaHost[]): string {
  return hosts.length < 2 ? hosts.join('') : `${hosts.slice(0, -1).join(', ')} and ${hosts.at(-1)}`;
}
