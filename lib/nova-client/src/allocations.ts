/** What Placement has noted down: which consumers (instances, migrations) take something of a compute host. */
import type { ComputeApi } from './computeApi.ts';
import type { Field } from './decode.ts';
import { NovaError } from './errors.ts';
import { hypervisorIdsFrom, hypervisorsUpTo } from './hypervisors.ts';
import { isSameHost, type NovaHost } from './names.ts';
import { decode } from './requester.ts';
import type { Session } from './session.ts';
import type { CallOptions } from './types.ts';

/** A host with more resource providers of its own than that is the nova-compute of bare metal machines. */
const mostProviders = 8;

/**
 * The provider of a host is that of its hypervisor; where Nova's list does not have the hypervisor, the provider that bears the
 * host's name. Null: Placement knows neither.
 */
export async function listAllocations(
  session: Session,
  endpoint: URL,
  api: ComputeApi,
  host: NovaHost,
  options?: CallOptions,
): Promise<readonly string[] | null> {
  const ids = await providersOf(session, endpoint, api, host, options);
  if (ids.length === 0) return null;
  if (ids.length > mostProviders) {
    throw new NovaError(
      'badRequest',
      `${host} has ${ids.length} hypervisors: what Placement counts there is not that of one machine`,
    );
  }
  const lists = await Promise.all(
    ids.map((id) =>
      ask(
        session,
        endpoint,
        `/resource_providers/${encodeURIComponent(id)}/allocations`,
        `tell what is allocated on ${host}`,
        (body) => body.get('allocations').keys(),
        options,
      ),
    ),
  );
  return [...new Set(lists.flat())];
}

/** Names of all resource providers: Placement's answer to "is there such a compute node?". */
export function listProviderNames(
  session: Session,
  endpoint: URL,
  options?: CallOptions,
): Promise<readonly string[]> {
  return ask(
    session,
    endpoint,
    '/resource_providers',
    'list the resource providers',
    (body) => body.get('resource_providers').list((one) => one.get('name').string()),
    options,
  );
}

interface Hypervisor {
  readonly id: string;
  readonly name: string;
  readonly host: NovaHost;
}

async function providersOf(
  session: Session,
  endpoint: URL,
  api: ComputeApi,
  host: NovaHost,
  options: CallOptions | undefined,
): Promise<readonly string[]> {
  const hypervisors = await api.atMost(hypervisorsUpTo).list(
    '/os-hypervisors/detail',
    'hypervisors',
    'list the hypervisors',
    (hypervisor): Hypervisor => ({
      id: hypervisor.get('id').id(),
      name: hypervisor.get('hypervisor_hostname').string(),
      host: hypervisor.get('service').get('host').host(),
    }),
    options,
  );
  const own = hypervisors.filter((one) => isSameHost(one.host, host));
  if (own.length > 0 && api.minor >= hypervisorIdsFrom) return own.map(({ id }) => id);
  const names = own.length > 0 ? own.map(({ name }) => name) : [host];
  const found = await Promise.all(
    names.map((name) =>
      ask(
        session,
        endpoint,
        '/resource_providers',
        `find the resource provider of ${host}`,
        (body) => body.get('resource_providers').list((one) => one.get('uuid').string()),
        options,
        { name },
      ),
    ),
  );
  return found.flat();
}

async function ask<T>(
  session: Session,
  endpoint: URL,
  path: string,
  purpose: string,
  read: (body: Field) => T,
  options: CallOptions | undefined,
  query: Readonly<Record<string, string>> = {},
): Promise<T> {
  const url = new URL(endpoint);
  url.pathname = `${endpoint.pathname.replace(/\/+$/, '')}${path}`;
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  const answer = await session.send(
    {
      service: 'Placement',
      purpose,
      method: 'GET',
      url,
      // The oldest microversion has all of it.
      headers: { 'openstack-api-version': 'placement 1.0' },
      changesState: false,
      repeat: 'safe',
    },
    session.requester.bounds(options),
  );
  return decode(answer, read);
}
