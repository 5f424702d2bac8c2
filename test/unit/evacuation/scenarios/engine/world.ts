/** Builds the cluster and the cloud that a scenario gives. */
import { type FlavorSize, type NovaClient, NovaError, type NovaErrorCode } from '@openstack-ts/nova-client';
import { type PassOptions, parsePolicy } from '../../../../../lib/evacuation/index.ts';
import type { Call, Fault } from '../../fakeNova.ts';
import { Rig } from '../../rig.ts';
import { type Data, duration, fields, fits, list, number, text, texts, yes } from './read.ts';

/** What Nova calls the states that instances are in, as an operator names them. */
const states: Readonly<Record<string, { status: string; vmState: string; powerState: number }>> = {
  active: { status: 'ACTIVE', vmState: 'active', powerState: 1 },
  stopped: { status: 'SHUTOFF', vmState: 'stopped', powerState: 4 },
  error: { status: 'ERROR', vmState: 'error', powerState: 1 },
  paused: { status: 'PAUSED', vmState: 'paused', powerState: 3 },
  suspended: { status: 'SUSPENDED', vmState: 'suspended', powerState: 4 },
  rescued: { status: 'RESCUE', vmState: 'rescued', powerState: 1 },
  resized: { status: 'VERIFY_RESIZE', vmState: 'resized', powerState: 1 },
  building: { status: 'BUILD', vmState: 'building', powerState: 0 },
  shelved: { status: 'SHELVED', vmState: 'shelved', powerState: 4 },
};

const codes: Readonly<Record<string, NovaErrorCode>> = {
  '400': 'badRequest',
  '403': 'forbidden',
  '404': 'notFound',
  '409': 'conflict',
  '429': 'rateLimited',
  '500': 'serverError',
  '503': 'serverError',
};

export function build(given: unknown): Rig {
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
  const hosts = world['hosts'] === undefined ? undefined : list(world['hosts']).map(text);
  const rig = new Rig(number(world['seed'] ?? '1'), hosts);
  const { nova } = rig;
  nova.flavors = list(world['flavors']).map((data) => {
    const flavor = fields(data, ['name', 'specs'], 'a flavour');
    const name = text(flavor['name']);
    return { id: `id-of-${name}`, name, extraSpecs: texts(flavor['specs']) };
  });
  nova.images = list(world['images']).map((data) => {
    const image = fields(data, ['id', 'tags', 'properties'], 'an image');
    const tags = list(image['tags']).map(text);
    return { id: text(image['id']), name: null, tags, properties: texts(image['properties']) };
  });
  nova.volumes = list(world['volumes']).map((data) => {
    const volume = fields(data, ['id', 'server', 'image'], 'a volume');
    const imageProperties = texts(volume['image']);
    const serverIds = [idOf(text(volume['server']))];
    return { id: text(volume['id']), bootable: true, serverIds, imageProperties };
  });
  nova.aggregates = list(world['aggregates']).map((data) => {
    const aggregate = fields(data, ['name', 'hosts', 'metadata'], 'an aggregate');
    const name = text(aggregate['name']);
    const metadata = texts(aggregate['metadata']);
    return { id: name, name, availabilityZone: null, hosts: list(aggregate['hosts']).map(text), metadata };
  });
  nova.serverGroups = list(world['groups']).map((data) => {
    const group = fields(data, ['name', 'policy'], 'a server group');
    const name = text(group['name']);
    return { id: `id-of-${name}`, name, policy: text(group['policy']) };
  });
  for (const data of list(world['instances'])) boot(rig, fields(data, instanceKeys, 'an instance'));
  const disks = text(world['disks'] ?? 'shared');
  if (disks !== 'shared' && disks !== 'local') throw new Error(`disks are ${disks}`);
  nova.sharedStorage = disks === 'shared';
  nova.refusesTasks = yes(world['older nova'] ?? 'no');
  rig.options = optionsOf(world['parameters']);
  nova.mayLoseDisks = rig.options.settings?.onSharedStorage === false;
  const faults = list(world['nova']).map((data) => faultOf(rig, data));
  nova.fault = (call) => {
    for (const fault of faults) {
      const found = fault(call);
      if (found !== null) return found;
    }
    return null;
  };
  hideRecords(rig, duration(world['records show after'] ?? '0 s'));
  return rig;
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

function boot({ nova }: Rig, data: Data): void {
  const state = states[text(data['state'] ?? 'active')];
  if (state === undefined) throw new Error(`${text(data['state'])} is no state`);
  const host = text(data['host'] ?? 'comp0');
  for (const name of namesOf(data)) {
    const id = idOf(name);
    nova.boot(id, host, {
      ...state,
      name,
      taskState: data['task'] === undefined ? null : text(data['task']),
      locked: yes(data['locked'] ?? 'no'),
      imageId: data['image'] === 'none' ? null : text(data['image'] ?? 'plain'),
      volumeIds: list(data['volumes']).map(text),
      metadata: texts(data['metadata']),
      projectId: text(data['project'] ?? 'shop'),
      serverGroupIds: data['group'] === undefined ? [] : [`id-of-${text(data['group'])}`],
      flavor: { id: null, name: text(data['flavor'] ?? 'small'), extraSpecs: {}, size: sizeOf(data) },
    });
    if (data['was'] === undefined) continue;
    if (data['was'] !== 'off') throw new Error(`${name} was neither on nor off`);
    // Its owner switched it off, and then something failed.
    const instance = nova.instance(id);
    instance.copies.clear();
    const [created] = instance.actions;
    if (created !== undefined) instance.actions.unshift({ ...created, action: 'stop' });
  }
}

/** `4 vcpus` stands for an instance that takes a gigabyte for each of them. */
function sizeOf(data: Data): FlavorSize {
  const vcpus = number((data['size'] === undefined ? '1 vcpus' : text(data['size'])).replace(/ vcpus$/, ''));
  return { vcpus, memoryMb: vcpus * 1_024, rootGb: 1, ephemeralGb: 0, swapMb: 0 };
}

/** The agent's parameters, by the names that operators give them. */
function optionsOf(data: unknown): Partial<PassOptions> {
  const given = { ...texts(data) };
  const take = (name: string, fallback: string) => {
    const value = given[name] ?? fallback;
    delete given[name];
    return value;
  };
  const rules = {
    include: take('include', ''),
    exclude: take('exclude', ''),
    priority: take('priority', ''),
    other_states: take('other_states', 'leave'),
  };
  const parsed = parsePolicy(rules);
  if ('error' in parsed) throw new Error(parsed.error);
  const earlyReturn = take('early_return', 'release');
  if (earlyReturn !== 'release' && earlyReturn !== 'evacuate') throw new Error(`early_return=${earlyReturn}`);
  const release = take('release', 'auto');
  if (release !== 'auto' && release !== 'on' && release !== 'off') throw new Error(`release=${release}`);
  const options: Partial<PassOptions> = {
    settings: {
      concurrency: number(take('concurrency', '64')),
      onSharedStorage: take('no_shared_storage', '0') === '0',
      evacuateDelayMs: number(take('evacuate_delay', '0')) * 1_000,
      earlyReturn,
    },
    policy: parsed.policy,
    limits: {
      maxFailedPercent: number(take('max_failed_percent', '100')),
      maxFailedPerAggregate: number(take('max_failed_per_aggregate', '0')),
      maxHostsAtOnce: number(take('max_hosts_at_once', '0')),
    },
    release,
    timeoutMs: number(take('timeout', '600')) * 1_000,
  };
  const [unknown] = Object.keys(given);
  if (unknown !== undefined) throw new Error(`there is no parameter ${unknown}`);
  return options;
}

/** What Nova does instead of answering: the first so many times, and between two times from the beginning. */
function faultOf(rig: Rig, data: unknown): (call: Call) => Fault | null {
  const fault = fields(
    data,
    ['call', 'about', 'skip', 'times', 'from', 'until', 'status', 'says', 'retry after', 'hangs', 'slow'],
    'a fault',
  );
  const method = text(fault['call']);
  const about = text(fault['about'] ?? '*');
  const skip = number(fault['skip'] ?? '0');
  const times = fault['times'] === undefined ? Number.POSITIVE_INFINITY : number(fault['times']);
  const from = rig.time.now() + duration(fault['from'] ?? '0 s');
  const until =
    fault['until'] === undefined ? Number.POSITIVE_INFINITY : rig.time.now() + duration(fault['until']);
  const instead = insteadOf(fault);
  let seen = 0;
  return (call) => {
    if (call.method !== method || !(fits(about, call.about) || fits(idOf(about), call.about))) return null;
    if (rig.time.now() < from || rig.time.now() >= until) return null;
    seen += 1;
    return seen > skip && seen <= skip + times ? instead : null;
  };
}

function insteadOf(fault: Data): Fault {
  if (fault['slow'] !== undefined) return { kind: 'slow', ms: duration(fault['slow']) };
  if (fault['hangs'] !== undefined) {
    const word = text(fault['hangs']);
    return {
      kind: 'hang',
      doneAfterMs: word === 'for ever' ? null : duration(word.replace('done after ', '')),
    };
  }
  const status = text(fault['status']);
  const code = codes[status];
  if (code === undefined) throw new Error(`${status} is no status`);
  const retryAfter = fault['retry after'];
  const message = `${text(fault['says'] ?? 'Nova said no')} (HTTP ${status})`;
  return {
    kind: 'refuse',
    error: new NovaError(code, message, {
      status: Number(status),
      ...(retryAfter === undefined ? {} : { retryAfterMs: duration(retryAfter) }),
    }),
  };
}

/** Records show only some time after the request that made them: a replica of Nova's database that lags. */
function hideRecords({ nova, time }: Rig, ms: number): void {
  if (ms === 0) return;
  const clientFor = nova.clientFor.bind(nova);
  nova.clientFor = (process): NovaClient => {
    const client = clientFor(process);
    const listEvacuations = client.listEvacuations.bind(client);
    client.listEvacuations = async (about, options) => {
      const records = await listEvacuations(about, options);
      return records.filter(({ createdAt }) => time.now() - createdAt >= ms);
    };
    return client;
  };
}
