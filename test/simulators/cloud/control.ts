import type { Faults } from './faults.ts';
import type { ServiceName } from './http.ts';
import { isObject, parseJson, serviceNames } from './http.ts';
import type { Keystone } from './keystone.ts';
import { setKnobs } from './knobs.ts';
import type { Server } from './model.ts';
import { statusOf } from './nova/serverView.ts';
import type { Processes } from './processes.ts';
import type { RequestLog } from './requestLog.ts';
import {
  addAggregate,
  addFlavor,
  addHost,
  addImage,
  addProject,
  addServerGroup,
  addServers,
  addVolume,
  applyScenario,
  changeHost,
  changeServer,
} from './scenario.ts';
import type { World } from './world.ts';

/** What the control API moves. */
export interface Controlled {
  readonly world: World;
  readonly keystone: Keystone;
  readonly faults: Faults;
  readonly requests: RequestLog;
  readonly processes: Processes;
  /** Closes the port of a service, connections included, as if its process had died. */
  stopService(name: ServiceName): Promise<void>;
  /** Opens the same port again. */
  startService(name: ServiceName): Promise<void>;
}

interface ControlReply {
  readonly status: number;
  readonly json?: unknown;
  readonly text?: string;
}

/** Lines for shell tests: `method`, path under /_sim, what it prints. */
type Operation = (controlled: Controlled, argument: string, body: unknown, query: URLSearchParams) => unknown;

const member = (body: unknown, name: string) => (isObject(body) ? body[name] : undefined);

const routes: readonly (readonly [method: string, path: RegExp, operation: Operation])[] = [
  ['POST', /^scenario$/, ({ world, keystone }, _, body) => applyScenario(world, keystone, body)],
  ['GET', /^state$/, ({ world, keystone }) => dump(world, keystone)],
  ['POST', /^hosts$/, ({ world }, _, body) => addHost(world, body).name],
  ['PUT', /^hosts\/([^/]+)$/, ({ world }, name, body) => changeHost(world, name, body)],
  // The machine loses its power, guests and all; {"power": true} kills its nova-compute alone.
  [
    'POST',
    /^hosts\/([^/]+)\/kill$/,
    ({ world, processes }, name, body) => {
      processes.forget(name);
      world.killCompute(name, { power: member(body, 'power') === true });
    },
  ],
  // Power again: no guest runs, and no nova-compute until it is started.
  [
    'POST',
    /^hosts\/([^/]+)\/boot$/,
    ({ world, processes }, name) => {
      processes.forget(name);
      world.bootMachine(name);
    },
  ],
  // With {"pid": N} it lives as long as that process does, and hangs while that is stopped.
  ['POST', /^hosts\/([^/]+)\/start$/, startCompute],
  // nova-compute compares its guests with Nova's records, now.
  [
    'POST',
    /^hosts\/([^/]+)\/sync-power$/,
    ({ world }, name) => world.guests.syncPowerStates(world.host(name)),
  ],
  [
    'POST',
    /^servers$/,
    ({ world, keystone }, _, body) => addServers(world, keystone, body).map(({ id, name }) => ({ id, name })),
  ],
  ['PUT', /^servers\/([^/]+)$/, ({ world }, name, body) => changeServer(world, name, body).id],
  [
    'DELETE',
    /^servers\/([^/]+)$/,
    ({ world }, name) => {
      world.deleteServer(serverOf(world, name));
    },
  ],
  ['POST', /^flavors$/, ({ world }, _, body) => addFlavor(world, body).id],
  ['POST', /^images$/, ({ world }, _, body) => addImage(world, body).id],
  ['POST', /^aggregates$/, ({ world }, _, body) => addAggregate(world, body).number],
  ['POST', /^server-groups$/, ({ world }, _, body) => addServerGroup(world, body).id],
  ['POST', /^volumes$/, ({ world }, _, body) => addVolume(world, body).id],
  ['POST', /^projects$/, ({ keystone }, _, body) => addProject(keystone, body).id],
  ['GET', /^knobs$/, ({ world }) => world.knobs],
  [
    'PUT',
    /^knobs$/,
    ({ world }, _, body) => {
      if (!isObject(body)) throw new Error('Knobs come as a JSON object.');
      setKnobs(world.knobs, body);
    },
  ],
  ['POST', /^conductor\/stop$/, ({ world }) => world.conductor.stop()],
  ['POST', /^conductor\/start$/, ({ world }) => world.conductor.start()],
  ['POST', /^conductor\/lose$/, ({ world }) => world.conductor.lose()],
  ['POST', /^conductor\/give-up$/, ({ world }) => world.conductor.giveUp()],
  [
    'POST',
    /^servers\/([^/]+)\/live-migrate$/,
    ({ world }, name, body) => world.moves.liveMigrate(serverOf(world, name), destinationIn(body)),
  ],
  [
    'POST',
    /^servers\/([^/]+)\/resize$/,
    ({ world }, name, body) => world.moves.resize(serverOf(world, name), destinationIn(body)),
  ],
  ['POST', /^services\/([^/]+)\/stop$/, (controlled, name) => controlled.stopService(serviceName(name))],
  ['POST', /^services\/([^/]+)\/start$/, (controlled, name) => controlled.startService(serviceName(name))],
  ['POST', /^tokens\/revoke$/, ({ keystone }) => keystone.revokeAll()],
  ['GET', /^catalog$/, ({ keystone }) => keystone.catalog],
  // Takes endpoints out of the catalogue: all of a service, or those of one interface.
  [
    'DELETE',
    /^catalog\/([^/]+)$/,
    ({ keystone }, service, _, query) => {
      const face = query.get('interface');
      keystone.catalog = keystone.catalog.filter(
        (endpoint) => endpoint.service !== service || (face !== null && endpoint.interface !== face),
      );
    },
  ],
  ['GET', /^requests$/, ({ requests }, _, __, query) => requests.matching(pattern(query))],
  ['DELETE', /^requests$/, ({ requests }) => requests.clear()],
  ['GET', /^faults$/, ({ faults }) => faults.list()],
  ['POST', /^faults$/, ({ faults }, _, body) => faults.add(body).id],
  ['DELETE', /^faults$/, ({ faults }) => faults.clear()],
  ['DELETE', /^faults\/(\d+)$/, ({ faults }, id) => faults.remove(Number(id))],
  ['GET', /^violations$/, ({ world }) => world.observer.violations],
  // The same as plain lines, for tests written in shell.
  ['GET', /^text\/servers$/, ({ world }) => lines([...world.servers.values()].map(serverLine))],
  // Disks that were replaced by new ones from their image: server, host it came from, host it is on.
  [
    'GET',
    /^text\/disks-lost$/,
    ({ world }) =>
      lines(world.disksLost.map(({ name, source, destination }) => [name, source, destination].join(' '))),
  ],
  // What Placement has noted down: host, server.
  [
    'GET',
    /^text\/allocations$/,
    ({ world }) =>
      lines(
        [...world.hosts.keys()].flatMap((host) =>
          [...world.allocations.of(host).keys()].map((id) => `${host} ${world.servers.get(id)?.name ?? id}`),
        ),
      ),
  ],
  // Guests as the hypervisors have them, past Nova's records.
  [
    'GET',
    /^text\/guests$/,
    ({ world }) =>
      lines(
        [...world.hosts.values()].flatMap((host) =>
          [...host.domains].map(([id, runs]) =>
            [world.servers.get(id)?.name ?? id, host.name, runs ? 'running' : 'off'].join(' '),
          ),
        ),
      ),
  ],
  [
    'GET',
    /^text\/actions\/([^/]+)$/,
    ({ world }, name) =>
      lines(
        (world.findServer(name)?.actions ?? []).map((action) =>
          [action.action, action.userId ?? '-', action.message ?? '-'].join(' '),
        ),
      ),
  ],
  [
    'GET',
    /^text\/migrations$/,
    ({ world }) =>
      lines(
        world.migrations.map((m) =>
          [world.servers.get(m.serverId)?.name ?? m.serverId, m.sourceHost, m.destHost ?? '-', m.status].join(
            ' ',
          ),
        ),
      ),
  ],
  [
    'GET',
    /^text\/services$/,
    ({ world }) =>
      lines(
        [...world.hosts.values()].map((host) =>
          [
            host.name,
            world.isUp(host) ? 'up' : 'down',
            host.disabled ? 'disabled' : 'enabled',
            host.forcedDown ? 'forced_down' : '-',
            host.disabledReason ?? '-',
          ].join(' '),
        ),
      ),
  ],
  [
    'GET',
    /^text\/requests$/,
    ({ requests }, _, __, query) =>
      lines(
        requests
          .matching(pattern(query))
          .map((entry) => `${entry.method} ${entry.service} ${entry.path} ${entry.status ?? '-'}`),
      ),
  ],
  [
    'GET',
    /^text\/count$/,
    ({ requests }, _, __, query) => lines([String(requests.matching(pattern(query)).length)]),
  ],
  [
    'GET',
    /^text\/violations$/,
    ({ world }) => lines(world.observer.violations.map((v) => `${v.rule} ${v.sentence}`)),
  ],
];

/** Answers one request under /_sim. A wrong one is answered 400 with a sentence: the test is at fault. */
export async function control(
  controlled: Controlled,
  method: string,
  path: string,
  query: URLSearchParams,
  bodyText: string,
): Promise<ControlReply> {
  const within = path.replace(/^\/_sim\//, '');
  const body = bodyText === '' ? undefined : parseJson(bodyText);
  if (bodyText !== '' && body === undefined) return { status: 400, text: 'The body is not JSON.\n' };
  for (const [wanted, regex, operation] of routes) {
    const match = regex.exec(within);
    if (match === null || wanted !== method) continue;
    try {
      const result = await operation(controlled, decodeURIComponent(match[1] ?? ''), body, query);
      if (result instanceof Lines) return { status: 200, text: result.text };
      return result === undefined ? { status: 204 } : { status: 200, json: result };
    } catch (error) {
      return { status: 400, text: `${error instanceof Error ? error.message : String(error)}\n` };
    }
  }
  return { status: 404, text: `The control API has no ${method} ${path}.\n` };
}

function startCompute({ world, processes }: Controlled, name: string, body: unknown): void {
  const pid = member(body, 'pid');
  // A host that Nova does not know yet: its nova-compute makes itself known.
  if (!world.hosts.has(name)) world.addHost(name);
  if (typeof pid === 'number') {
    processes.started(name, pid);
    return;
  }
  processes.forget(name);
  world.startCompute(name);
}

class Lines {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function lines(items: readonly string[]): Lines {
  return new Lines(items.map((item) => `${item}\n`).join(''));
}

function serverLine(server: Server): string {
  return [server.name, server.host ?? '-', statusOf(server), server.taskState ?? '-', server.vmState].join(
    ' ',
  );
}

function pattern(query: URLSearchParams): RegExp | undefined {
  const match = query.get('match');
  return match === null ? undefined : new RegExp(match);
}

function serviceName(name: string): ServiceName {
  const known = serviceNames.find((each) => each === name);
  if (known === undefined) {
    throw new Error(`There is no service "${name}"; there are ${serviceNames.join(', ')}.`);
  }
  return known;
}

/** Everything there is, for looking at. */
function dump(world: World, keystone: Keystone): unknown {
  return {
    now: world.clock.now(),
    knobs: world.knobs,
    hosts: [...world.hosts.values()].map((host) => ({
      ...host,
      up: world.isUp(host),
      domains: Object.fromEntries(host.domains),
      used: world.allocations.used(host.name),
      allocations: Object.fromEntries(world.allocations.of(host.name)),
    })),
    servers: [...world.servers.values()].map((server) => ({ ...server, status: statusOf(server) })),
    migrations: world.migrations,
    flavors: [...world.flavors.values()],
    images: [...world.images.values()],
    volumes: [...world.volumes.values()].map((volume) => ({ ...volume, serverIds: [...volume.serverIds] })),
    groups: [...world.groups.values()].map((group) => ({ ...group, members: [...group.members] })),
    disksLost: world.disksLost,
    aggregates: world.aggregates,
    catalog: keystone.catalog,
    violations: world.observer.violations,
  };
}

function serverOf(world: World, name: string): Server {
  const server = world.findServer(name);
  if (server === undefined) throw new Error(`There is no server "${name}".`);
  return server;
}

/** `{"to": "comp1"}`. */
function destinationIn(body: unknown): string {
  const to = isObject(body) ? body['to'] : undefined;
  if (typeof to !== 'string') throw new Error('A move says where to, as in {"to": "comp1"}.');
  return to;
}
