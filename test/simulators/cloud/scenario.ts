import { isObject, type JsonObject } from './http.ts';
import type { Keystone } from './keystone.ts';
import { setKnobs } from './knobs.ts';
import type { Host, Server } from './model.ts';
import type { ServerWish, World } from './world.ts';

/** Image and flavour that servers have when nobody says otherwise; neither bears a tag. */
export const plainImage = '11111111-1111-4111-8111-111111111111';

/**
 * Fills a cloud from a scenario (README.md lists its members). Every member is checked, and a stray one is an error:
 * a test whose wish was ignored would prove nothing.
 */
export function applyScenario(world: World, keystone: Keystone, scenario: unknown): void {
  const given = object(scenario, 'The scenario');
  refuseStrays(given, 'A scenario', [
    'knobs',
    'hosts',
    'flavors',
    'images',
    'servers',
    'users',
    'aggregates',
    'applicationCredentials',
    'projects',
    'serverGroups',
    'volumes',
  ]);
  setKnobs(world.knobs, object(given['knobs'] ?? {}, 'knobs'));
  for (const host of list(given['hosts'] ?? ['comp0', 'comp1', 'comp2'], 'hosts')) addHost(world, host);
  const flavors = list(given['flavors'] ?? [], 'flavors');
  if (flavors.length === 0) world.addFlavor('m1.tiny', { id: '1' });
  for (const flavor of flavors) addFlavor(world, flavor);
  const images = list(given['images'] ?? [], 'images');
  if (images.length === 0) world.addImage('cirros', { id: plainImage });
  for (const image of images) addImage(world, image);
  for (const user of list(given['users'] ?? [], 'users')) addUser(keystone, user);
  for (const credential of list(given['applicationCredentials'] ?? [], 'applicationCredentials')) {
    addApplicationCredential(keystone, credential);
  }
  for (const project of list(given['projects'] ?? [], 'projects')) addProject(keystone, project);
  for (const aggregate of list(given['aggregates'] ?? [], 'aggregates')) addAggregate(world, aggregate);
  for (const group of list(given['serverGroups'] ?? [], 'serverGroups')) addServerGroup(world, group);
  for (const servers of list(given['servers'] ?? [], 'servers')) addServers(world, keystone, servers);
  for (const volume of list(given['volumes'] ?? [], 'volumes')) addVolume(world, volume);
}

export function addHost(world: World, given: unknown): Host {
  if (typeof given === 'string') return world.addHost(given);
  const wish = object(given, 'A host');
  const name = text(wish, 'name');
  const host = world.addHost(name, wish['zone'] === undefined ? {} : { zone: text(wish, 'zone') });
  const { zone: _zone, name: _name, ...rest } = wish;
  changeHost(world, name, rest);
  return host;
}

/** Changes what a host is, has and does; the README lists the members. */
export function changeHost(world: World, name: string, given: unknown): void {
  const host = world.host(name);
  const wish = object(given, 'A host');
  refuseStrays(wish, 'A host', [
    'disabled',
    'disabledReason',
    'forcedDown',
    'spawn',
    'spawnFail',
    'rebootFail',
    'spawnLimit',
    'sharedStorage',
    'vcpus',
    'memoryMb',
    'diskGb',
  ]);
  if (wish['disabled'] !== undefined) {
    host.disabled = boolean(wish, 'disabled');
    host.disabledTrait = host.disabled;
  }
  if (wish['disabledReason'] !== undefined) {
    host.disabledReason = wish['disabledReason'] === null ? null : text(wish, 'disabledReason');
  }
  if (wish['forcedDown'] !== undefined) host.forcedDown = boolean(wish, 'forcedDown');
  if (wish['spawn'] !== undefined) host.spawn = wish['spawn'] === null ? null : number(wish, 'spawn');
  if (wish['spawnFail'] !== undefined) host.spawnFail = whichFail(wish, 'spawnFail');
  if (wish['rebootFail'] !== undefined) host.rebootFail = whichFail(wish, 'rebootFail');
  if (wish['spawnLimit'] !== undefined) {
    host.spawnLimit = wish['spawnLimit'] === null ? null : number(wish, 'spawnLimit');
  }
  if (wish['sharedStorage'] !== undefined) {
    host.sharedStorage = wish['sharedStorage'] === null ? null : boolean(wish, 'sharedStorage');
  }
  if (wish['vcpus'] !== undefined) host.capacity.VCPU = number(wish, 'vcpus');
  if (wish['memoryMb'] !== undefined) host.capacity.MEMORY_MB = number(wish, 'memoryMb');
  if (wish['diskGb'] !== undefined) host.capacity.DISK_GB = number(wish, 'diskGb');
}

function whichFail(wish: JsonObject, name: string): boolean | readonly string[] {
  const fail = wish[name];
  return typeof fail === 'boolean' ? fail : list(fail, name).map(String);
}

export function addFlavor(world: World, given: unknown) {
  const wish = object(given, 'A flavour');
  refuseStrays(wish, 'A flavour', [
    'id',
    'name',
    'extraSpecs',
    'isPublic',
    'memoryMb',
    'vcpus',
    'diskGb',
    'ephemeralGb',
    'swapMb',
  ]);
  return world.addFlavor(text(wish, 'name'), {
    ...(wish['id'] === undefined ? {} : { id: text(wish, 'id') }),
    ...(wish['extraSpecs'] === undefined ? {} : { extraSpecs: texts(wish, 'extraSpecs') }),
    ...(wish['isPublic'] === undefined ? {} : { isPublic: boolean(wish, 'isPublic') }),
    ...(wish['memoryMb'] === undefined ? {} : { memoryMb: number(wish, 'memoryMb') }),
    ...(wish['vcpus'] === undefined ? {} : { vcpus: number(wish, 'vcpus') }),
    ...(wish['diskGb'] === undefined ? {} : { diskGb: number(wish, 'diskGb') }),
    ...(wish['ephemeralGb'] === undefined ? {} : { ephemeralGb: number(wish, 'ephemeralGb') }),
    ...(wish['swapMb'] === undefined ? {} : { swapMb: number(wish, 'swapMb') }),
  });
}

export function addImage(world: World, given: unknown) {
  const wish = object(given, 'An image');
  refuseStrays(wish, 'An image', ['id', 'name', 'tags', 'properties', 'hidden', 'visibility', 'owner']);
  return world.addImage(text(wish, 'name'), {
    ...(wish['id'] === undefined ? {} : { id: text(wish, 'id') }),
    ...(wish['tags'] === undefined ? {} : { tags: list(wish['tags'], 'tags').map(String) }),
    ...(wish['properties'] === undefined ? {} : { properties: texts(wish, 'properties') }),
    ...(wish['hidden'] === undefined ? {} : { hidden: boolean(wish, 'hidden') }),
    ...(wish['visibility'] === undefined ? {} : { visibility: text(wish, 'visibility') }),
    ...(wish['owner'] === undefined ? {} : { owner: text(wish, 'owner') }),
  });
}

export function addAggregate(world: World, given: unknown) {
  const wish = object(given, 'An aggregate');
  refuseStrays(wish, 'An aggregate', ['name', 'zone', 'hosts', 'metadata']);
  return world.addAggregate(text(wish, 'name'), {
    ...(wish['zone'] === undefined ? {} : { zone: text(wish, 'zone') }),
    ...(wish['hosts'] === undefined ? {} : { hosts: list(wish['hosts'], 'hosts').map(String) }),
    ...(wish['metadata'] === undefined ? {} : { metadata: texts(wish, 'metadata') }),
  });
}

export function addServerGroup(world: World, given: unknown) {
  const wish = object(given, 'A server group');
  refuseStrays(wish, 'A server group', ['id', 'name', 'policy', 'maxPerHost', 'project']);
  return world.addGroup(text(wish, 'name'), text(wish, 'policy'), {
    ...(wish['id'] === undefined ? {} : { id: text(wish, 'id') }),
    ...(wish['maxPerHost'] === undefined ? {} : { maxPerHost: number(wish, 'maxPerHost') }),
    ...(wish['project'] === undefined ? {} : { projectId: text(wish, 'project') }),
  });
}

/** A volume, made from an image or not, attached to servers or not. */
export function addVolume(world: World, given: unknown) {
  const wish = object(given, 'A volume');
  refuseStrays(wish, 'A volume', [
    'id',
    'name',
    'image',
    'imageMetadata',
    'bootable',
    'sizeGb',
    'project',
    'servers',
  ]);
  const serverIds = list(wish['servers'] ?? [], 'servers').map((name) => {
    const server = world.findServer(String(name));
    if (server === undefined) throw new Error(`There is no server "${String(name)}".`);
    return server.id;
  });
  return world.addVolume(wish['name'] === undefined ? '' : text(wish, 'name'), {
    serverIds,
    ...(wish['id'] === undefined ? {} : { id: text(wish, 'id') }),
    ...(wish['image'] === undefined ? {} : { imageId: findImage(world, text(wish, 'image')) }),
    ...(wish['imageMetadata'] === undefined ? {} : { imageMetadata: texts(wish, 'imageMetadata') }),
    ...(wish['bootable'] === undefined ? {} : { bootable: boolean(wish, 'bootable') }),
    ...(wish['sizeGb'] === undefined ? {} : { sizeGb: number(wish, 'sizeGb') }),
    ...(wish['project'] === undefined ? {} : { projectId: text(wish, 'project') }),
  });
}

export function addProject(keystone: Keystone, given: unknown) {
  const wish = typeof given === 'string' ? { name: given } : object(given, 'A project');
  refuseStrays(wish, 'A project', ['id', 'name', 'domain']);
  const name = text(wish, 'name');
  return keystone.addProject(wish['id'] === undefined ? name : text(wish, 'id'), {
    name,
    ...(wish['domain'] === undefined ? {} : { domain: text(wish, 'domain') }),
  });
}

/** `count` servers alike; their names are `name-1` … when there are several. Projects are made as needed. */
export function addServers(world: World, keystone: Keystone, given: unknown): Server[] {
  const wish = object(given, 'A server');
  refuseStrays(wish, 'A server', [
    'count',
    'id',
    'name',
    'host',
    'state',
    'task',
    'image',
    'flavor',
    'project',
    'metadata',
    'locked',
    'guest',
    'zone',
    'group',
    'volumeImage',
  ]);
  const count = wish['count'] === undefined ? 1 : number(wish, 'count');
  const server: ServerWish = {
    host: text(wish, 'host'),
    ...(wish['id'] === undefined ? {} : { id: text(wish, 'id') }),
    ...(wish['name'] === undefined ? {} : { name: text(wish, 'name') }),
    ...(wish['state'] === undefined ? {} : { vmState: text(wish, 'state') }),
    ...(wish['task'] === undefined ? {} : { taskState: text(wish, 'task') }),
    ...(wish['image'] === undefined ? {} : { imageId: imageId(world, wish) }),
    ...(wish['flavor'] === undefined ? {} : { flavorId: flavorId(world, text(wish, 'flavor')) }),
    ...(wish['project'] === undefined ? {} : { projectId: projectId(keystone, text(wish, 'project')) }),
    ...(wish['zone'] === undefined ? {} : { pinnedZone: text(wish, 'zone') }),
    ...(wish['group'] === undefined ? {} : { groupId: groupId(world, text(wish, 'group')) }),
    ...(wish['volumeImage'] === undefined
      ? {}
      : { volumeImageId: findImage(world, text(wish, 'volumeImage')) }),
    ...(wish['metadata'] === undefined ? {} : { metadata: texts(wish, 'metadata') }),
    ...(wish['locked'] === undefined ? {} : { locked: boolean(wish, 'locked') }),
  };
  const names = Array.from({ length: count }, (_, index) => (count === 1 ? '' : `-${index + 1}`));
  const added = names.map((end) =>
    world.addServer(server.name === undefined ? server : { ...server, name: server.name + end }),
  );
  if (wish['guest'] !== undefined) for (const each of added) setGuest(world, each, boolean(wish, 'guest'));
  return added;
}

function flavorId(world: World, given: string): string {
  const flavor = [...world.flavors.values()].find(({ id, name }) => id === given || name === given);
  if (flavor === undefined) throw new Error(`There is no flavour "${given}".`);
  return flavor.id;
}

function imageId(world: World, wish: JsonObject): string | null {
  return wish['image'] === null ? null : findImage(world, text(wish, 'image'));
}

function findImage(world: World, given: string): string {
  const image = [...world.images.values()].find(({ id, name }) => id === given || name === given);
  if (image === undefined) throw new Error(`There is no image "${given}".`);
  return image.id;
}

function groupId(world: World, given: string): string {
  const group = [...world.groups.values()].find(({ id, name }) => id === given || name === given);
  if (group === undefined) throw new Error(`There is no server group "${given}".`);
  return group.id;
}

/** By name or id; one that is neither is made, its id being its name. */
function projectId(keystone: Keystone, given: string): string {
  const known = keystone.projects.find(({ id, name }) => id === given || name === given);
  return (known ?? keystone.addProject(given)).id;
}

/** Whether its guest runs on its host, whatever Nova holds. */
function setGuest(world: World, server: Server, runs: boolean): void {
  if (server.host === null) throw new Error(`${server.name} is on no host.`);
  world.host(server.host).domains.set(server.id, runs);
}

/** Changes a server behind Nova's back: state, task, host, locked, metadata, guest (whether it runs). */
export function changeServer(world: World, idOrName: string, given: unknown): Server {
  const server = world.findServer(idOrName);
  if (server === undefined) throw new Error(`There is no server "${idOrName}".`);
  const wish = object(given, 'A server');
  refuseStrays(wish, 'A server', ['state', 'task', 'host', 'locked', 'metadata', 'guest']);
  if (wish['state'] !== undefined) server.vmState = text(wish, 'state');
  if (wish['task'] !== undefined) server.taskState = wish['task'] === null ? null : text(wish, 'task');
  if (wish['locked'] !== undefined) server.locked = boolean(wish, 'locked');
  if (wish['metadata'] !== undefined) server.metadata = texts(wish, 'metadata');
  if (wish['host'] !== undefined) {
    const target = world.host(text(wish, 'host'));
    for (const host of world.hosts.values()) host.domains.delete(server.id);
    world.allocations.removeAll(server.id);
    world.allocations.add(target, server);
    target.domains.set(server.id, true);
    server.host = target.name;
  }
  if (wish['guest'] !== undefined) setGuest(world, server, boolean(wish, 'guest'));
  world.touch(server);
  return server;
}

function addUser(keystone: Keystone, given: unknown): void {
  const wish = object(given, 'A user');
  refuseStrays(wish, 'A user', ['name', 'password', 'project', 'roles', 'domain']);
  const roles = wish['roles'] === undefined ? ['admin'] : list(wish['roles'], 'roles').map(String);
  const domain = wish['domain'] === undefined ? 'default' : text(wish, 'domain');
  keystone.addUser(text(wish, 'name'), text(wish, 'password'), text(wish, 'project'), roles, domain);
}

function addApplicationCredential(keystone: Keystone, given: unknown): void {
  const wish = object(given, 'An application credential');
  refuseStrays(wish, 'An application credential', ['id', 'name', 'secret', 'user']);
  const owner = wish['user'] === undefined ? 'admin' : text(wish, 'user');
  const user = keystone.users.find((candidate) => candidate.name === owner);
  const project = keystone.projects.find((candidate) => keystone.grants.has(`${user?.id}/${candidate.id}`));
  if (user === undefined || project === undefined)
    throw new Error(`There is no user "${owner}" with a project.`);
  const id = wish['id'] === undefined ? undefined : text(wish, 'id');
  keystone.addApplicationCredential(user, project, text(wish, 'name'), text(wish, 'secret'), id);
}

// ---- checks ------------------------------------------------------------------------------------------------

export function object(value: unknown, what: string): JsonObject {
  if (!isObject(value)) throw new Error(`${what} must be a JSON object, not ${JSON.stringify(value)}.`);
  return value;
}

function refuseStrays(value: JsonObject, what: string, known: readonly string[]): void {
  for (const key of Object.keys(value)) {
    if (!known.includes(key))
      throw new Error(`${what} has no member "${key}"; there are ${known.join(', ')}.`);
  }
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`"${what}" must be a list, not ${JSON.stringify(value)}.`);
  return value;
}

function text(value: JsonObject, name: string): string {
  const member = value[name];
  if (typeof member !== 'string') throw new Error(`"${name}" must be text, not ${JSON.stringify(member)}.`);
  return member;
}

function number(value: JsonObject, name: string): number {
  const member = value[name];
  if (typeof member !== 'number')
    throw new Error(`"${name}" must be a number, not ${JSON.stringify(member)}.`);
  return member;
}

function boolean(value: JsonObject, name: string): boolean {
  const member = value[name];
  if (typeof member !== 'boolean')
    throw new Error(`"${name}" must be true or false, not ${JSON.stringify(member)}.`);
  return member;
}

function texts(value: JsonObject, name: string): Record<string, string> {
  const member = object(value[name], `"${name}"`);
  return Object.fromEntries(Object.entries(member).map(([key, item]) => [key, String(item)]));
}
