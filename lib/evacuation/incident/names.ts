import { type ComputeService, type NovaHost, novaHost } from '@openstack-ts/nova-client';
import {
  firstLabel,
  type MarkName,
  type MarkReading,
  markName,
  type NodeName,
  nodeName,
} from '../../attrd/index.ts';

declare const kind: unique symbol;

/** What all spellings of one host have in common. */
export type HostKey = string & { readonly [kind]: 'HostKey' };

/** Which Nova host a plug or node name means, or why none. */
export type HostMatch =
  | {
      readonly kind: 'host';
      readonly service: ComputeService;
      /** Other services that may be the same machine: a name it had before, or a second record of its name. */
      readonly twins: readonly ComputeService[];
    }
  | { readonly kind: 'unknown'; readonly sentence: string }
  | { readonly kind: 'ambiguous'; readonly candidates: readonly NovaHost[]; readonly sentence: string };

/**
 * Whether two names are the same host to Nova: letter case does not count, as it does not in host names, nor in the
 * collation of the database that most Novas have (MySQL). Null is no host.
 */
export function isSameHost(one: string | null, other: string | null): boolean {
  return one !== null && other !== null && hostKey(one) === hostKey(other);
}

/** Whether two names may be the same machine: the same host, or a short name and a full one that begins with it. */
export function isSameMachine(one: string, other: string): boolean {
  if (isSameHost(one, other)) return true;
  const isShort = (name: string) => domainPart(name) === '';
  if (isAddress(one) || isAddress(other) || !(isShort(one) || isShort(other))) return false;
  return firstLabel(one) !== '' && firstLabel(one) === firstLabel(other);
}

/** For maps and sets of hosts, and wherever two spellings are one host. */
export function hostKey(host: string): HostKey {
  return host.toLowerCase() as HostKey;
}

/**
 * Which Nova host a plug, a node's name or a mark's name means. Nova's own list of compute services decides how
 * a host is spelled: a name that differs in case at most, then the first label, completed by `dnsDomain` where that leads
 * to one host. A name whose domain Nova uses for other hosts is taken at its word: `c0.a` never means `c0.b` in a cloud
 * that has hosts in both. Addresses match as they are. Hosts of several domains are refused, never guessed.
 *
 * A service is never taken for its spelling alone where another one may be the same machine (`c0` beside `c0.a`: Nova
 * keeps the record of a host that is renamed in nova.conf; two records of one name): of those the one that bears the name
 * is meant only while it is not left over, else the one that reports, or that Nova wrote last. The others are given as its
 * twins. A service that bears the name of another cluster node is that node's.
 *
 * @param nodes names of the cluster's nodes, as far as they are known
 */
export function matchHost(
  services: readonly ComputeService[],
  name: string,
  dnsDomain?: string | undefined,
  nodes: readonly NodeName[] = [],
): HostMatch {
  const taken = new Set(nodes.filter((node) => !isSameHost(node, name)).map(hostKey));
  const all = candidatesOf(services, name, dnsDomain);
  const own = all.filter(({ host }) => !taken.has(hostKey(host)));
  const candidates = own.length > 0 ? own : all;
  const [first] = candidates;
  if (first === undefined) {
    return {
      kind: 'unknown',
      sentence: `Nova does not know about ${name}: no nova-compute service bears this name.`,
    };
  }
  const service = liveliest(candidates, name) ?? first;
  const full = new Set(candidates.map(({ host }) => hostKey(host)).filter((host) => domainPart(host) !== ''));
  // Hosts of two domains are two machines, and which of them a short record belongs to cannot be told.
  if (full.size > 1) {
    const exact = candidates.filter(({ host }) => isSameHost(host, name));
    if (exact.includes(service)) return { kind: 'host', service, twins: others(exact, service) };
    const hosts = [...new Set(candidates.map(({ host }) => host))].sort();
    return {
      kind: 'ambiguous',
      candidates: hosts,
      sentence: `${name} could mean ${hosts.join(' or ')}: give the full name, or set domain.`,
    };
  }
  return { kind: 'host', service, twins: others(candidates, service) };
}

/** The name of a mark that is kept under Nova's name of a host, as old clusters do. */
export function markOfHost(host: NovaHost): MarkName {
  return markName(host);
}

/**
 * The marks that are kept under any of these names of one host, whatever their case: the attribute daemon takes `COMP0` for `comp0`
 * and shows it as whoever came first wrote it.
 */
export function marksOf<T extends Pick<MarkReading, 'name'>>(
  marks: readonly T[],
  names: readonly (MarkName | NovaHost)[],
): readonly T[] {
  return marks.filter(({ name }) => names.some((one) => isSameHost(one, name)));
}

/**
 * The host whose mark it is, where {@link matchHost} knows none or cannot be asked: old clusters keep the mark under Nova's own
 * name of the host.
 */
export function hostOfMark(mark: MarkName): NovaHost {
  return novaHost(mark);
}

/** The names that a node of this host may have: Nova's own, and its first label. */
export function nodesOfHost(host: NovaHost): readonly NodeName[] {
  return [...new Set([host, firstLabelAsSpelled(host)])].map(nodeName);
}

/** The service of a host by Nova's name; of several records of it the one that reports. Undefined: there is none. */
export function serviceNamed(
  services: readonly ComputeService[],
  host: NovaHost,
): ComputeService | undefined {
  return liveliest(
    services.filter((service) => isSameHost(service.host, host)),
    host,
  );
}

/** {@link serviceNamed} for all hosts, by {@link hostKey}. */
export function servicesByHost(services: readonly ComputeService[]): ReadonlyMap<HostKey, ComputeService> {
  const byHost = new Map<HostKey, ComputeService>();
  for (const service of services) {
    const key = hostKey(service.host);
    const other = byHost.get(key);
    byHost.set(key, (other === undefined ? undefined : liveliest([other, service], key)) ?? service);
  }
  return byHost;
}

/**
 * A record that was written so much later than that of a host which bears the very name, in ms, says that the latter is left
 * over: the machine reports under another name. One that has just died was written until a moment ago.
 */
const leftOverMs = 15 * 60_000;

/** The one spelled as `name` unless it is left over, else the one that reports, else the one that was written last. */
function liveliest(candidates: readonly ComputeService[], name: string): ComputeService | undefined {
  const newest = Math.max(...candidates.map(written));
  const isNamed = (one: ComputeService) => isSameHost(one.host, name) && written(one) >= newest - leftOverMs;
  const rank = (one: ComputeService) => [
    isNamed(one) ? 1 : 0,
    one.state === 'up' ? 1 : 0,
    written(one),
    one.host === name ? 1 : 0,
  ];
  const [best] = [...candidates].sort((a, b) => {
    const [ofA, ofB] = [rank(a), rank(b)];
    const differing = ofA.findIndex((each, index) => each !== ofB[index]);
    if (differing >= 0) return (ofB[differing] ?? 0) - (ofA[differing] ?? 0);
    return a.host.localeCompare(b.host, 'en') || a.id.localeCompare(b.id, 'en');
  });
  return best;
}

/** When Nova last wrote its record, in ms since the epoch; 0 where it does not tell. */
function written({ updatedAt }: ComputeService): number {
  return updatedAt ?? 0;
}

function others(candidates: readonly ComputeService[], service: ComputeService): ComputeService[] {
  return candidates
    .filter((one) => one !== service)
    .sort((a, b) => a.host.localeCompare(b.host, 'en') || a.id.localeCompare(b.id, 'en'));
}

/** All services that a name may mean. */
function candidatesOf(
  services: readonly ComputeService[],
  name: string,
  dnsDomain: string | undefined,
): readonly ComputeService[] {
  const wanted = hostKey(name);
  const exact = services.filter(({ host }) => hostKey(host) === wanted);
  if (wanted === '' || isAddress(wanted) || firstLabel(wanted) === '') return exact;
  const sameLabel = services.filter(
    ({ host }) => !isAddress(host) && firstLabel(host) === firstLabel(wanted),
  );
  const short = sameLabel.filter(({ host }) => domainPart(hostKey(host)) === '');
  const domainOfName = domainPart(wanted);
  const takenAtItsWord =
    domainOfName !== '' &&
    (exact.length > 0 || services.some(({ host }) => domainPart(hostKey(host)) === domainOfName));
  if (takenAtItsWord) {
    // A short record belongs to this name only where no other host could have left it.
    const isOnlyOne = sameLabel.every(({ host }) => [wanted, firstLabel(wanted)].includes(hostKey(host)));
    return isOnlyOne ? [...new Set([...exact, ...short])] : exact;
  }
  if (dnsDomain === undefined || dnsDomain === '') return sameLabel;
  const completed = `${firstLabel(wanted)}.${hostKey(dnsDomain).replace(/^\./, '')}`;
  const inDomain = sameLabel.filter(({ host }) => hostKey(host) === completed);
  return inDomain.length > 0 ? [...new Set([...inDomain, ...short])] : sameLabel;
}

/** An IPv4 address has dots and no labels: 10.0.0.1 and 10.0.0.9 have nothing in common. */
function isAddress(host: string): boolean {
  return /^\d+(\.\d+){3}$/.test(host);
}

function firstLabelAsSpelled(host: string): string {
  return host.split('.', 1)[0] ?? host;
}

function domainPart(host: string): string {
  const dot = host.indexOf('.');
  return dot < 0 ? '' : host.slice(dot + 1);
}
