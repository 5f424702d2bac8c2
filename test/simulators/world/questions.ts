import type { ServiceName } from '../cloud/http.ts';
import type { CloudServices } from '../cloud/services.ts';

/** What of a request tells which question of the client it belongs to. */
export interface Asked {
  readonly service: ServiceName;
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly body: string;
}

/** A question as the client's interface calls it, and the id of the server, the host or the like that it is about. */
export interface Question {
  readonly method: string;
  readonly about: string;
}

type Shape = readonly [method: string, path: RegExp, name: string];

/** The first group is what the question is about. */
const shapes: Readonly<Record<ServiceName, readonly Shape[]>> = {
  keystone: [['GET', /^\/v3\/projects/, 'listProjects']],
  nova: [
    ['GET', /\/os-services\?/, 'listComputeServices'],
    ['GET', /\/servers\/detail\?.*\bhost=([^&]*)/, 'listServers'],
    ['GET', /\/servers\/([^/?]+)\/diagnostics/, 'isGuestRunning'],
    ['GET', /\/servers\/([^/?]+)\/os-instance-actions\/./, 'listActionEvents'],
    ['GET', /\/servers\/([^/?]+)\/os-instance-actions/, 'listActions'],
    ['GET', /\/servers\/([^/?]+)$/, 'getServer'],
    ['GET', /\/os-migrations\?.*\bsource_compute=([^&]*)/, 'listEvacuations'],
    ['GET', /\/os-migrations\?.*[?&]host=([^&]*)/, 'listEvacuationsTo'],
    ['GET', /\/os-migrations\?.*\binstance_uuid=([^&]*)/, 'listMoves'],
    // A part of listCapacity, listAllocations and listProviderNames.
    ['GET', /\/os-hypervisors/, 'listHypervisors'],
    ['GET', /\/flavors/, 'listFlavors'],
    ['GET', /\/os-aggregates/, 'listAggregates'],
    ['GET', /\/os-server-groups\/([^/?]+)/, 'getServerGroup'],
  ],
  glance: [
    ['GET', /\/images\?.*\btag=([^&]*)/, 'listImagesByTag'],
    ['GET', /\/images\?([^=&]*)=/, 'listImagesByProperty'],
    ['GET', /\/images\/([^/?]+)/, 'getImage'],
  ],
  placement: [
    ['GET', /^\/allocation_candidates/, 'listCapacity'],
    ['GET', /^\/resource_providers\/([^/?]+)\/allocations/, 'listAllocations'],
    ['GET', /^\/resource_providers/, 'listProviderNames'],
  ],
  cinder: [
    ['GET', /\/volumes\/detail/, 'listVolumesByImageProperty'],
    ['GET', /\/volumes\/([^/?]+)/, 'getVolume'],
  ],
};

const actions: Readonly<Record<string, string>> = {
  evacuate: 'evacuate',
  reboot: 'rebootServer',
  'os-start': 'startServer',
  'os-stop': 'stopServer',
  'os-resetState': 'resetServerState',
};

/** Null: it belongs to none, as a log-in, or a question for versions. */
export function questionOf(cloud: CloudServices, asked: Asked): Question | null {
  if (asked.method === 'GET') {
    const found = shapes[asked.service].find(([, path]) => path.test(asked.path));
    if (found === undefined) return null;
    const [, path, method] = found;
    const about = decodeURIComponent(path.exec(asked.path)?.[1] ?? '');
    return { method, about: providerName(cloud, about) };
  }
  if (asked.service !== 'nova' || asked.body === '') return null;
  const wish: Readonly<Record<string, unknown>> = JSON.parse(asked.body);
  const [, serverId] = /\/servers\/([^/]+)\/action$/.exec(asked.path) ?? [];
  if (serverId !== undefined) {
    const [action = ''] = Object.keys(wish);
    return { method: actions[action] ?? action, about: serverId };
  }
  const [, serviceId] = /\/os-services\/([^/?]+)$/.exec(asked.path) ?? [];
  if (serviceId === undefined) return null;
  const host = [...cloud.world.hosts.values()].find((each) => each.serviceId === serviceId);
  const about = host?.name ?? String(wish['host'] ?? serviceId);
  // Below 2.53 a service is named in the body, and what is wished stands in the path.
  if ('forced_down' in wish || serviceId === 'force-down') return { method: 'setForcedDown', about };
  const isEnabled = wish['status'] === 'enabled' || serviceId === 'enable';
  return { method: isEnabled ? 'enableService' : 'disableService', about };
}

/** Placement knows hosts by the ids of their providers. */
function providerName({ world }: CloudServices, id: string): string {
  return [...world.hosts.values()].find(({ hypervisorId }) => hypervisorId === id)?.name ?? id;
}
