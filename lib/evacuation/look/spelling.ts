import type {
  ActionEvent,
  Aggregate,
  HostCapacity,
  Migration,
  NovaClient,
  NovaHost,
  Server,
} from '@openstack-ts/nova-client';
import { type HostKey, hostKey, serviceNamed } from '../incident/names.ts';

/**
 * The same client, whose answers spell each host as its compute service does. Nova compares the names of hosts without
 * case where its database does (MySQL), so that instances, migration records, aggregates and hypervisors may spell one as it
 * was called once. Whoever compares what it answers need not think of that. Answers that come before the first list of the
 * services are left as they are.
 */
export function inOneSpelling(nova: NovaClient): NovaClient {
  const spellings = new Map<HostKey, NovaHost>();
  const spelled = (host: NovaHost) => spellings.get(hostKey(host)) ?? host;
  const spelledOrNull = (host: NovaHost | null) => (host === null ? null : spelled(host));
  const server = (one: Server): Server => ({ ...one, host: spelledOrNull(one.host) });
  const migration = <T extends Migration>(one: T): T => ({
    ...one,
    sourceHost: spelled(one.sourceHost),
    destHost: spelledOrNull(one.destHost),
  });
  const step = (one: ActionEvent): ActionEvent => ({ ...one, host: spelledOrNull(one.host) });
  const aggregate = (one: Aggregate): Aggregate => ({ ...one, hosts: one.hosts.map(spelled) });
  const capacity = (one: HostCapacity): HostCapacity => ({ ...one, host: spelled(one.host) });
  const answers: Pick<
    NovaClient,
    | 'listComputeServices'
    | 'listServers'
    | 'getServer'
    | 'listEvacuations'
    | 'listMoves'
    | 'listActionEvents'
    | 'listAggregates'
    | 'listCapacity'
  > = {
    listComputeServices: async (options) => {
      const services = await nova.listComputeServices(options);
      for (const { host } of services) {
        spellings.set(hostKey(host), serviceNamed(services, host)?.host ?? host);
      }
      return services;
    },
    listServers: async (filter, options) => (await nova.listServers(filter, options)).map(server),
    getServer: async (id, options) => server(await nova.getServer(id, options)),
    listEvacuations: async (filter, options) => (await nova.listEvacuations(filter, options)).map(migration),
    listMoves: async (id, options) => (await nova.listMoves(id, options)).map(migration),
    listActionEvents: async (id, requestId, options) =>
      (await nova.listActionEvents(id, requestId, options)).map(step),
    listAggregates: async (options) => (await nova.listAggregates(options)).map(aggregate),
    listCapacity: async (options) => (await nova.listCapacity(options)).map(capacity),
  };
  // The rest, its counters included, is inherited.
  return Object.assign(Object.create(nova), answers);
}
