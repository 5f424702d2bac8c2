/** Puts the parts together: configuration in, a logged-in client out. */
import { listAggregates } from './aggregates.ts';
import { listAllocations, listProviderNames } from './allocations.ts';
import { listCapacity } from './capacity.ts';
import { ComputeApi } from './computeApi.ts';
import { type ConnectDeps, environmentOf } from './deps.ts';
import { NovaError } from './errors.ts';
import { listFlavors } from './flavors.ts';
import { getImage, listImagesByProperty, listImagesByTag } from './images.ts';
import { Keystone } from './keystone.ts';
import { listEvacuations, listMoves } from './migrations.ts';
import { listProjects } from './projects.ts';
import { Requester } from './requester.ts';
import { getServerGroup } from './serverGroups.ts';
import {
  isGuestRunning,
  listActionEvents,
  listActions,
  rebootServer,
  resetServerState,
  startServer,
  stopServer,
} from './serverLife.ts';
import { evacuate, getServer, listServers } from './servers.ts';
import { disableService, enableService, listComputeServices, setForcedDown } from './services.ts';
import { Session, whereIs } from './session.ts';
import { createTransport } from './transport.ts';
import type { CallOptions, CloudConfig, Credentials, NovaClient } from './types.ts';
import { findCinder, getVolume, listVolumesByImageProperty } from './volumes.ts';

/**
 * Logs in, finds Nova and settles on a microversion. That takes two requests (one more where `authUrl` does not
 * end in /v3); endpoints other than Nova's are looked at when they are used.
 *
 * Throws `NovaError`: `config`, `authFailed`, `keystoneV2`, `noEndpoint`, or what became of the requests.
 */
export async function connect(config: CloudConfig, deps: ConnectDeps = {}): Promise<NovaClient> {
  checkCredentials(config.credentials);
  const transport = deps.transport ?? createTransport(config.tls, environmentOf(deps));
  const requester = new Requester(transport, deps);
  const session = new Session(requester, new Keystone(requester, config.authUrl, config.credentials));
  const where = {
    compute: whereIs('compute', config),
    image: whereIs('image', config),
    cinder: whereIs('block-storage', config),
    placement: whereIs('placement', config),
    identity: whereIs('identity', config),
  };
  const bounds = requester.bounds(deps);
  const nova = await session.endpoint(['compute'], where.compute, bounds);
  const api = await ComputeApi.open(session, nova, bounds);
  const endpoint = (type: 'image' | 'placement', options?: CallOptions) =>
    session.endpoint([type], where[type], requester.bounds(options));

  return {
    microversion: `2.${api.minor}`,
    get clockOffsetMs() {
      return requester.clockOffsetMs;
    },
    get isClockKnown() {
      return requester.isClockKnown;
    },
    get requestCount() {
      return requester.requestCount;
    },
    listComputeServices: (options) => listComputeServices(api, options),
    setForcedDown: (service, forcedDown, options) => setForcedDown(api, service, forcedDown, options),
    disableService: (service, reason, options) => disableService(api, service, reason, options),
    enableService: (service, options) => enableService(api, service, options),
    listServers: (filter, options) => listServers(api, filter, options),
    getServer: (id, options) => getServer(api, id, options),
    evacuate: (serverId, request, options) => evacuate(api, serverId, request, options),
    isGuestRunning: (serverId, options) => isGuestRunning(api, serverId, options),
    rebootServer: (serverId, type, options) => rebootServer(api, serverId, type, options),
    startServer: (serverId, options) => startServer(api, serverId, options),
    stopServer: (serverId, options) => stopServer(api, serverId, options),
    resetServerState: (serverId, state, options) => resetServerState(api, serverId, state, options),
    listActions: (serverId, options) => listActions(api, serverId, options),
    listActionEvents: (serverId, requestId, options) => listActionEvents(api, serverId, requestId, options),
    listMoves: (serverId, options) => listMoves(api, serverId, options),
    listEvacuations: (filter, options) => listEvacuations(api, filter, options),
    listFlavors: (options) => listFlavors(api, options),
    listImagesByTag: async (tag, options) =>
      listImagesByTag(session, await endpoint('image', options), tag, options),
    listImagesByProperty: async (name, value, options) =>
      listImagesByProperty(session, await endpoint('image', options), name, value, options),
    getImage: async (id, options) => getImage(session, await endpoint('image', options), id, options),
    listVolumesByImageProperty: async (name, value, options) =>
      listVolumesByImageProperty(
        session,
        await findCinder(session, where.cinder, options),
        name,
        value,
        options,
      ),
    getVolume: async (id, options) =>
      getVolume(session, await findCinder(session, where.cinder, options), id, options),
    listAggregates: (options) => listAggregates(api, options),
    listCapacity: async (options) =>
      listCapacity(session, await endpoint('placement', options), api, options),
    listAllocations: async (host, options) =>
      listAllocations(session, await endpoint('placement', options), api, host, options),
    listProviderNames: async (options) =>
      listProviderNames(session, await endpoint('placement', options), options),
    getServerGroup: (id, options) => getServerGroup(api, id, options),
    listProjects: (options) => listProjects(session, where.identity, options),
  };
}

/** Types cannot say "either this or that is not empty"; nothing is sent before it holds. */
function checkCredentials(credentials: Credentials): void {
  const missing = missingCredential(credentials);
  if (missing !== null) throw new NovaError('config', `The log-in at Keystone needs ${missing}`);
}

function missingCredential(credentials: Credentials): string | null {
  if (credentials.kind === 'password') {
    if (!credentials.username && !credentials.userId) return 'a user name';
    if (!credentials.password) return 'a password';
    if (!credentials.project.name && !credentials.project.id) return 'a project';
    return null;
  }
  if (!credentials.id && !credentials.name) return 'the id or the name of the application credential';
  if (!credentials.id && !credentials.user?.name && !credentials.user?.id) {
    return 'the user whom the application credential belongs to, because it is given by name';
  }
  return credentials.secret ? null : "the application credential's secret";
}
