/** Builds the cluster and the cloud that a scenario gives. */
import type { FaultAction } from '../../../../simulators/cloud/faults.ts';
import { type Call, refused, Scene, unanswered } from '../../scene.ts';
import { type Data, duration, fields, fits, list, map, number, text, texts, yes } from './read.ts';

/** The states that instances are in. */
const states = 'active stopped error paused suspended rescued resized building shelved'.split(' ');

/** `outcome`: what the scenario says of its end tells the observer who stays. */
export function build(given: unknown, outcome: unknown): Scene {
  const world = fields(
    given,
    [
      'hosts',
      'instances',
      'flavors',
      'images',
      'volumes',
      'aggregates',
      'groups',
      'disks',
      'older nova',
      'records show after',
      'parameters',
      'nova',
      'seed',
    ],
    'given',
  );
  const scene = new Scene(number(world['seed'] ?? '1'), hostsOf(world['hosts']));
  scene.spreads = true;
  const { cloud } = scene;
  for (const data of list(world['flavors'])) {
    const flavor = fields(data, ['name', 'specs'], 'a flavour');
    cloud.addFlavor(text(flavor['name']), { ...smallSize, extraSpecs: texts(flavor['specs']) });
  }
  for (const data of [{ id: 'plain' }, ...list(world['images'])]) {
    const image = fields(data, ['id', 'tags', 'properties'], 'an image');
    const [id, tags] = [text(image['id']), list(image['tags']).map(text)];
    cloud.addImage(id, { id, tags, properties: texts(image['properties']) });
  }
  for (const data of list(world['aggregates'])) {
    const aggregate = fields(data, ['name', 'hosts', 'metadata'], 'an aggregate');
    const metadata = texts(aggregate['metadata']);
    cloud.addAggregate(text(aggregate['name']), { hosts: list(aggregate['hosts']).map(text), metadata });
  }
  for (const data of list(world['groups'])) {
    const group = fields(data, ['name', 'policy'], 'a server group');
    cloud.addGroup(text(group['name']), text(group['policy']));
  }
  const madeFrom = new Map(list(world['volumes']).map(volumeOf));
  for (const data of list(world['instances'])) {
    boot(scene, fields(data, instanceKeys, 'an instance'), madeFrom);
  }
  const disks = text(world['disks'] ?? 'shared');
  if (disks !== 'shared' && disks !== 'local') throw new Error(`disks are ${disks}`);
  cloud.knobs.sharedStorage = disks === 'shared';
  cloud.knobs.evacuateRefusesTasks = yes(world['older nova'] ?? 'no');
  configure(scene, world['parameters']);
  const faults = list(world['nova']).map((data) => faultOf(scene, data));
  scene.fault = (call) => {
    for (const fault of faults) {
      const found = fault(call);
      if (found !== null) return found;
    }
    return null;
  };
  hideRecords(scene, duration(world['records show after'] ?? '0 s'));
  noteWhoStays(scene, map(outcome));
  return scene;
}

const smallSize = { vcpus: 1, memoryMb: 1_024 };

/** Nodes are called by the first label of their hosts. */
function hostsOf(data: unknown): ConstructorParameters<typeof Scene>[1] {
  if (data === undefined) return {};
  const hosts = list(data).map(text);
  const nodes = [...new Set(hosts.map((host) => host.split('.', 1)[0] ?? host))];
  const domain = (hosts[0] ?? '').slice((nodes[0] ?? '').length);
  const isOne = nodes.length === hosts.length && nodes.every((node, index) => node + domain === hosts[index]);
  return isOne ? { nodes, domain } : { nodes, hosts };
}

/** A volume's server, and the image that it was made from. */
function volumeOf(data: unknown): [string, string] {
  const volume = fields(data, ['id', 'server', 'image'], 'a volume');
  return [text(volume['server']), text(fields(volume['image'], ['image_id'], 'an image')['image_id'])];
}

/** Who ends where it was, while the mark of its host goes to no, stays by the operator's rules, its own state or Nova's word. */
function noteWhoStays(scene: Scene, outcome: Data): void {
  const marks = texts(outcome['marks']);
  for (const [pattern, end] of Object.entries(texts(outcome['ends']))) {
    for (const { id, name, host } of scene.cloud.servers.values()) {
      const stays = marks[scene.site.nodeName(host ?? '')] === 'no' && end.startsWith(`${host} `);
      if (stays && fits(pattern, name)) scene.staying.set(id, 'the scenario says so');
    }
  }
}

const instanceKeys = [
  'name',
  'count',
  'host',
  'state',
  'task',
  'was',
  'locked',
  'flavor',
  'size',
  'image',
  'volumes',
  'metadata',
  'project',
  'group',
];

/** Nova's id of an instance. */
export function idOf(name: string): string {
  return `id-of-${name}`;
}

/** One, or `count` of them. */
function namesOf(data: Data): string[] {
  const name = text(data['name']);
  if (data['count'] === undefined) return [name];
  return Array.from({ length: number(data['count']) }, (_, index) => `${name}-${index}`);
}

function boot(scene: Scene, data: Data, madeFrom: ReadonlyMap<string, string>): void {
  const state = text(data['state'] ?? 'active');
  if (!states.includes(state)) throw new Error(`${state} is no state`);
  for (const name of namesOf(data)) {
    const onVolume = data['image'] === 'none';
    const server = scene.boot(idOf(name), text(data['host'] ?? 'comp0'), {
      name,
      state,
      ...(data['task'] === undefined ? {} : { task: text(data['task']) }),
      locked: yes(data['locked'] ?? 'no'),
      image: onVolume ? null : text(data['image'] ?? 'plain'),
      ...(onVolume ? { volumeImage: madeFrom.get(name) ?? 'plain' } : {}),
      metadata: texts(data['metadata']),
      project: text(data['project'] ?? 'shop'),
      ...(data['group'] === undefined ? {} : { group: text(data['group']) }),
      flavor: flavorOf(scene, data),
    });
    if (data['was'] === undefined) continue;
    if (data['was'] !== 'off') throw new Error(`${name} was neither on nor off`);
    // Its owner switched it off, and then something failed.
    scene.changeServer(server.id, { guest: false });
    scene.cloud.recordAction(server, 'stop', { userId: 'the-owner', projectId: 'shop', requestId: 'req' });
  }
}

/** Made as it is needed. `4 vcpus` stands for an instance that takes a gigabyte for each of them. */
function flavorOf({ cloud }: Scene, data: Data): string {
  const size = data['size'] === undefined ? null : number(text(data['size']).replace(/ vcpus$/, ''));
  const name = text(data['flavor'] ?? (size === null ? 'small' : `small-${size}`));
  const isThere = [...cloud.flavors.values()].some((flavor) => flavor.name === name);
  const vcpus = size ?? 1;
  if (!isThere) cloud.addFlavor(name, { vcpus, memoryMb: vcpus * 1_024 });
  return name;
}

/** The agent's parameters, by the names that operators give them. */
function configure(scene: Scene, data: unknown): void {
  const given = { ...texts(data) };
  const take = (name: string, fallback: string) => {
    const value = given[name] ?? fallback;
    delete given[name];
    return value;
  };
  const policy = {
    include: take('include', ''),
    exclude: take('exclude', ''),
    priority: take('priority', ''),
    other_states: take('other_states', 'leave'),
  };
  const earlyReturn = take('early_return', 'release');
  if (earlyReturn !== 'release' && earlyReturn !== 'evacuate') throw new Error(`early_return=${earlyReturn}`);
  const release = take('release', 'auto');
  if (release !== 'auto' && release !== 'on' && release !== 'off') throw new Error(`release=${release}`);
  scene.configure({
    concurrency: number(take('concurrency', '64')),
    noSharedStorage: take('no_shared_storage', '0') !== '0',
    evacuateDelayMs: number(take('evacuate_delay', '0')) * 1_000,
    earlyReturn,
    policy,
    limits: {
      maxFailedPercent: number(take('max_failed_percent', '100')),
      maxFailedPerAggregate: number(take('max_failed_per_aggregate', '0')),
      maxHostsAtOnce: number(take('max_hosts_at_once', '0')),
    },
    release,
    timeoutMs: number(take('timeout', '600')) * 1_000,
  });
  const [unknown] = Object.keys(given);
  if (unknown !== undefined) throw new Error(`there is no parameter ${unknown}`);
}

/** What Nova does instead of answering: the first so many times, and between two times from the beginning. */
function faultOf({ time }: Scene, data: unknown): (call: Call) => FaultAction | null {
  const fault = fields(
    data,
    ['call', 'about', 'skip', 'times', 'from', 'until', 'status', 'says', 'retry after', 'hangs', 'slow'],
    'a fault',
  );
  const method = text(fault['call']);
  const about = text(fault['about'] ?? '*');
  const skip = number(fault['skip'] ?? '0');
  const times = fault['times'] === undefined ? Number.POSITIVE_INFINITY : number(fault['times']);
  const from = time.now() + duration(fault['from'] ?? '0 s');
  const until =
    fault['until'] === undefined ? Number.POSITIVE_INFINITY : time.now() + duration(fault['until']);
  const instead = insteadOf(fault);
  let seen = 0;
  return (call) => {
    if (call.method !== method || !(fits(about, call.about) || fits(idOf(about), call.about))) return null;
    if (time.now() < from || time.now() >= until) return null;
    seen += 1;
    return seen > skip && seen <= skip + times ? instead : null;
  };
}

function insteadOf(fault: Data): FaultAction {
  if (fault['slow'] !== undefined) return { delayMs: duration(fault['slow']) };
  if (fault['hangs'] !== undefined) {
    const word = text(fault['hangs']);
    return unanswered(word === 'for ever' ? null : duration(word.replace('done after ', '')));
  }
  const retryAfter = fault['retry after'];
  return refused(
    number(fault['status']),
    text(fault['says'] ?? 'Nova said no'),
    retryAfter === undefined ? {} : { 'Retry-After': String(duration(retryAfter) / 1_000) },
  );
}

/** Records show only some time after the request that made them: a replica of Nova's database that lags. */
function hideRecords(scene: Scene, ms: number): void {
  if (ms === 0) return;
  scene.more = {
    connect: scene.connectWith((nova) => ({
      listEvacuations: async (about, options) => {
        const records = await nova.listEvacuations(about, options);
        return records.filter(({ createdAt }) => scene.time.now() - createdAt >= ms);
      },
    })),
  };
}
