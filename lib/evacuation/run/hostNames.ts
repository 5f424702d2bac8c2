import { type ComputeService, NovaError, type NovaHost } from '@openstack-ts/nova-client';
import {
  type Incident,
  type MarkName,
  type MarkReading,
  markOfNode,
  type NodeName,
  nodeOfMark,
} from '../../attrd/index.ts';
import { rethrowUnless } from '../../rethrow.ts';
import {
  type HostKey,
  type HostMatch,
  hostKey,
  hostOfMark,
  isSameHost,
  matchHost,
  nodesOfHost,
} from '../incident/names.ts';
import type { CloudFacts } from '../look/cloudFacts.ts';

/** Which of Nova's hosts the names of marks and nodes mean. */
export class HostNames {
  readonly #cloud: Pick<CloudFacts, 'services'>;
  readonly #hostMap: ReadonlyMap<NodeName, string>;
  /** By {@link hostKey} of the node. */
  readonly #plugs: ReadonlyMap<HostKey, string>;
  readonly #dnsDomain: string | undefined;
  #nodes: readonly NodeName[] = [];

  constructor(
    cloud: Pick<CloudFacts, 'services'>,
    hostMap: ReadonlyMap<NodeName, string>,
    dnsDomain: string | undefined,
  ) {
    this.#cloud = cloud;
    this.#hostMap = hostMap;
    this.#plugs = new Map([...hostMap].map(([node, plug]) => [hostKey(node), plug]));
    this.#dnsDomain = dnsDomain;
  }

  /** Takes note of the cluster's nodes: a service that bears the name of one is no other node's. */
  heed(nodes: readonly NodeName[]): void {
    this.#nodes = nodes;
  }

  match(services: readonly ComputeService[], name: MarkName): HostMatch {
    const own = nodeOfMark(name);
    const others = this.#nodes.filter((node) => !isSameHost(node, own));
    return matchHost(services, this.#plugs.get(hostKey(own)) ?? name, this.#dnsDomain, others);
  }

  serviceOf(services: readonly ComputeService[], name: MarkName): ComputeService | null {
    const match = this.match(services, name);
    return match.kind === 'host' ? match.service : null;
  }

  /** All hosts that a mark may mean. */
  hostsMeant(services: readonly ComputeService[], name: MarkName): readonly NovaHost[] {
    const match = this.match(services, name);
    if (match.kind === 'ambiguous') return match.candidates;
    return match.kind === 'host' ? [match.service, ...match.twins].map(({ host }) => host) : [];
  }

  /**
   * The incident that tells when the host of a mark failed: its own, or that of the same host's other name. A mark by another hand
   * under Nova's name has none of its own, and what it was written for is the failure that the node's mark tells of, until the host
   * is released. Null: there is none.
   */
  incidentOf(
    services: readonly ComputeService[],
    marks: readonly MarkReading[],
    { name, incident }: MarkReading,
  ): Incident | null {
    if (incident !== null) return incident;
    const host = this.serviceOf(services, name)?.host;
    if (host === undefined) return null;
    const beside = marks.find((other) => {
      if (other.incident === null || other.incident.phase === 'over') return false;
      const same = this.serviceOf(services, other.name)?.host;
      return same !== undefined && isSameHost(same, host);
    });
    return beside?.incident ?? null;
  }

  /**
   * What the cluster calls a host: nodes that pcmk_host_map, or their names, lead to it; where none is known to, the names that one
   * may have.
   */
  async nodesOf(host: NovaHost): Promise<readonly NodeName[]> {
    const nodes = [...new Set([...this.#hostMap.keys(), ...this.#nodes])];
    const hosts = await Promise.all(nodes.map((node) => this.hostOf(markOfNode(node))));
    const known = nodes.filter((_, index) => isSameHost(hosts[index] ?? null, host));
    return known.length > 0 ? known : nodesOfHost(host);
  }

  /** Nova's name of the host that a mark means; the mark's own where Nova knows none, or does not answer. */
  async hostOf(name: MarkName): Promise<NovaHost> {
    try {
      return this.serviceOf(await this.#cloud.services(), name)?.host ?? hostOfMark(name);
    } catch (error) {
      rethrowUnless(error, NovaError);
      return hostOfMark(name);
    }
  }
}
