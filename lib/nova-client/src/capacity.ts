/** What the compute hosts have room for: Placement's counts, by Nova's names of the hosts. */
import type { ComputeApi } from './computeApi.ts';
import type { Field } from './decode.ts';
import { NovaError } from './errors.ts';
import { hypervisorIdsFrom, hypervisorsUpTo } from './hypervisors.ts';
import type { NovaHost } from './names.ts';
import { decode } from './requester.ts';
import type { Session } from './session.ts';
import { nameOf } from './transport.ts';
import type { CallOptions, HostCapacity } from './types.ts';

type Counts = HostCapacity['resources'];

/**
 * All resource classes of a provider come from 1.27 on, its root and the providers below it from 1.29 on (both of
 * Rocky).
 */
const placementMinor = 29;

/**
 * Everybody who has a megabyte of memory left is a candidate. Hosts whose nova-compute is disabled or down are
 * among them: Placement does not know.
 */
export async function listCapacity(
  session: Session,
  endpoint: URL,
  api: ComputeApi,
  options?: CallOptions,
): Promise<readonly HostCapacity[]> {
  if (api.minor < hypervisorIdsFrom) {
    throw new NovaError(
      'badRequest',
      `The free room of the hosts cannot be told: Nova speaks microversion 2.${api.minor} at most, and what ` +
        `Placement counts can be matched with Nova's hosts from 2.${hypervisorIdsFrom} on`,
    );
  }
  const [providers, hypervisors] = await Promise.all([
    listProviders(session, endpoint, options),
    listHypervisors(api, options),
  ]);
  return join(providers, hypervisors);
}

interface Provider {
  readonly id: string;
  readonly rootId: string;
  readonly counts: Counts;
  readonly traits: readonly string[];
}

async function listProviders(
  session: Session,
  endpoint: URL,
  options?: CallOptions,
): Promise<readonly Provider[]> {
  const url = new URL(endpoint);
  url.pathname = `${endpoint.pathname.replace(/\/+$/, '')}/allocation_candidates`;
  url.search = 'resources=MEMORY_MB:1';
  const answer = await session.send(
    {
      service: 'Placement',
      purpose: 'tell the free room of the hosts',
      method: 'GET',
      url,
      headers: { 'openstack-api-version': `placement 1.${placementMinor}` },
      changesState: false,
      repeat: 'safe',
      accept: [406],
    },
    session.requester.bounds(options),
  );
  if (answer.status === 406) {
    throw new NovaError(
      'badRequest',
      `${nameOf({ service: 'Placement', url })} does not speak microversion 1.${placementMinor} (OpenStack Rocky), ` +
        'which tells the free room of the hosts (HTTP 406)',
      { status: 406, requestId: answer.requestId, method: 'GET', path: url.pathname },
    );
  }
  return decode(answer, (body) => {
    const summaries = body.get('provider_summaries');
    return summaries.keys().map((id) => readProvider(id, summaries.get(id)));
  });
}

function readProvider(id: string, summary: Field): Provider {
  const resources = summary.get('resources');
  const counts = resources.keys().map((name): [string, Counts[string]] => {
    const count = resources.get(name);
    return [name, { capacity: count.get('capacity').number(), used: count.get('used').number() }];
  });
  return {
    id,
    rootId: summary.get('root_provider_uuid').stringOrNull() ?? id,
    counts: Object.fromEntries(counts),
    traits: summary.get('traits').list((trait) => trait.string()),
  };
}

interface Hypervisor {
  readonly id: string;
  readonly host: NovaHost;
}

function listHypervisors(api: ComputeApi, options?: CallOptions): Promise<readonly Hypervisor[]> {
  return api.atMost(hypervisorsUpTo).list(
    '/os-hypervisors/detail',
    'hypervisors',
    'list the hypervisors',
    (hypervisor) => ({
      id: hypervisor.get('id').id(),
      host: hypervisor.get('service').get('host').host(),
    }),
    options,
  );
}

/**
 * Hosts with more than one hypervisor are left out: those are bare metal machines behind one nova-compute, which
 * neither fail with it nor are evacuated.
 */
function join(providers: readonly Provider[], hypervisors: readonly Hypervisor[]): readonly HostCapacity[] {
  const trees = new Map<string, Provider[]>();
  for (const provider of providers) {
    const tree = trees.get(provider.rootId);
    if (tree === undefined) trees.set(provider.rootId, [provider]);
    else tree.push(provider);
  }
  const many = new Set<string>();
  const once = new Set<string>();
  for (const { host } of hypervisors) (once.has(host) ? many : once).add(host);
  return hypervisors
    .filter(({ id, host }) => !many.has(host) && trees.has(id))
    .map(({ id, host }) => {
      const tree = trees.get(id) ?? [];
      return { host, resources: sumOf(id, tree), traits: new Set(tree.flatMap(({ traits }) => traits)) };
    });
}

/**
 * The root's own classes, and of the providers below it (NUMA nodes, devices) the sum of those that the root has not:
 * a host with NUMA reporting has VCPU and MEMORY_MB there only.
 */
function sumOf(rootId: string, tree: readonly Provider[]): Counts {
  const own = tree.find(({ id }) => id === rootId)?.counts ?? {};
  const below: Record<string, { capacity: number; used: number }> = {};
  for (const { id, counts } of tree) {
    if (id === rootId) continue;
    for (const [name, { capacity, used }] of Object.entries(counts)) {
      const sum = below[name];
      below[name] = { capacity: capacity + (sum?.capacity ?? 0), used: used + (sum?.used ?? 0) };
    }
  }
  return { ...below, ...own };
}
