import type { ComputeService } from '@openstack-ts/nova-client';
import type { HostMatch } from './types.ts';

/**
 * Which Nova host a plug, a node's name or a mark's name means. Nova's own list of compute services decides how
 * a host is spelled: an exact match wins, then one that differs in case only, then the first label, completed by
 * `dnsDomain` where that leads to one host. A name whose domain Nova uses for other hosts is taken at its word:
 * `c0.a` never means `c0.b` in a cloud that has hosts in both. Addresses match exactly only. Several candidates are refused, never guessed.
 */
export function matchHost(
  services: readonly ComputeService[],
  name: string,
  dnsDomain?: string | undefined,
): HostMatch {
  const one = (matches: readonly ComputeService[]): HostMatch | null => {
    const [first] = matches;
    if (first === undefined) return null;
    if (matches.length === 1) return { kind: 'host', service: first };
    const candidates = matches.map((service) => service.host).sort();
    return {
      kind: 'ambiguous',
      candidates,
      sentence: `${name} could mean ${candidates.join(' or ')}: give the full name, or set domain.`,
    };
  };
  const exact = services.find((service) => service.host === name);
  if (exact !== undefined) return { kind: 'host', service: exact };
  const wanted = name.toLowerCase();
  const sameButCase = one(services.filter((service) => service.host.toLowerCase() === wanted));
  if (sameButCase !== null) return sameButCase;

  const domainOfName = domainPart(wanted);
  const domainsOfNova = new Set(services.map((service) => domainPart(service.host.toLowerCase())));
  const takenAtItsWord = domainOfName !== '' && domainsOfNova.has(domainOfName);
  if (!takenAtItsWord && wanted !== '' && !isAddress(wanted)) {
    const sameLabel = services.filter(
      ({ host }) => !isAddress(host) && firstLabel(host) === firstLabel(wanted),
    );
    if (sameLabel.length > 1 && dnsDomain !== undefined && dnsDomain !== '') {
      const completed = `${firstLabel(wanted)}.${dnsDomain.toLowerCase().replace(/^\./, '')}`;
      const match = one(sameLabel.filter((service) => service.host.toLowerCase() === completed));
      if (match !== null) return match;
    }
    const match = one(sameLabel);
    if (match !== null) return match;
  }
  return {
    kind: 'unknown',
    sentence: `Nova does not know about ${name}: no nova-compute service bears this name.`,
  };
}

/** An IPv4 address has dots and no labels: 10.0.0.1 and 10.0.0.9 have nothing in common. */
function isAddress(host: string): boolean {
  return /^\d+(\.\d+){3}$/.test(host);
}

function firstLabel(host: string): string {
  return host.toLowerCase().split('.', 1)[0] ?? '';
}

function domainPart(host: string): string {
  const dot = host.indexOf('.');
  return dot < 0 ? '' : host.slice(dot + 1);
}
