import { ADMIN_PASSWORD, COMPUTES, hostOf, KEYSTONE_URL, NOVA_URL, PLACEMENT_URL } from './settings.ts';
import { sleep } from './time.ts';

/**
 * The judge's own client of the lab's Nova: raw HTTP, on purpose not the project's client, so that a fault of the
 * one is not hidden by the other. Its process has to be inside the cloud's network namespace.
 */

export interface Server {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly host: string | null;
  readonly taskState: string | null;
  readonly vmState: string;
  readonly locked: boolean;
  readonly fault: string | null;
}

export interface Migration {
  readonly id: number;
  readonly uuid: string;
  readonly server: string;
  readonly source: string;
  readonly destination: string | null;
  readonly status: string;
  readonly createdAt: string;
  /** When its status last changed; of the same form as `createdAt`, so that the texts can be compared. */
  readonly updatedAt: string;
}

/** What instances are booted with, where it is not what all have. */
export interface BootOptions {
  readonly flavor?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface ComputeService {
  readonly id: string;
  readonly host: string;
  readonly state: string;
  readonly status: string;
  readonly forcedDown: boolean;
  readonly disabledReason: string | null;
  /** When it last reported, or was changed, in ms since the epoch. */
  readonly updatedAt: number;
}

type Json = Record<string, unknown>;

const IMAGE = '11111111-1111-4111-8111-111111111111';
/** Flavours of `cloud/seed.py`: one with the extra spec evacuable=true, one without. */
export const EVACUABLE = '2';
export const NOT_EVACUABLE = '1';
/** The newest that the oldest Nova of the lab, Victoria, knows. */
const MICROVERSION = '2.87';

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

function text(from: Json, field: string): string {
  const value = from[field];
  if (typeof value !== 'string')
    throw new Error(`Nova's answer has no text in ${field}: ${JSON.stringify(from)}`);
  return value;
}

const textOrNull = (from: Json, field: string): string | null =>
  typeof from[field] === 'string' ? text(from, field) : null;

function list(from: unknown, field: string): Json[] {
  const value = isObject(from) ? from[field] : undefined;
  if (!Array.isArray(value)) throw new Error(`Nova's answer has no list ${field}`);
  return value.filter(isObject);
}

export class Cloud {
  private token: string | undefined;

  private async login(): Promise<string> {
    const domain = { id: 'default' };
    const response = await fetch(`${KEYSTONE_URL}/auth/tokens`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: 'admin', domain, password: ADMIN_PASSWORD } },
          },
          scope: { project: { name: 'admin', domain } },
        },
      }),
      signal: AbortSignal.timeout(30_000),
    });
    const token = response.headers.get('x-subject-token');
    if (response.status !== 201 || token === null)
      throw new Error(`no token from Keystone: ${response.status}`);
    return token;
  }

  /** One request; any status but 2xx is an error, except those listed in `allow`. */
  async request(
    method: string,
    path: string,
    body?: Json,
    allow: readonly number[] = [],
    version = `compute ${MICROVERSION}`,
  ): Promise<unknown> {
    this.token ??= await this.login();
    const response = await fetch(path.startsWith('http') ? path : NOVA_URL + path, {
      method,
      headers: {
        'Content-Type': 'application/json',
        'X-Auth-Token': this.token,
        'OpenStack-API-Version': version,
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      // Hundreds that are asked at once are answered one after the other.
      signal: AbortSignal.timeout(180_000),
    });
    const answer = await response.text();
    if (!response.ok && !allow.includes(response.status)) {
      throw new Error(`${method} ${path}: ${response.status} ${answer.slice(0, 300)}`);
    }
    if (answer === '' || !response.headers.get('content-type')?.includes('json')) return undefined;
    return JSON.parse(answer);
  }

  /** All pages of a list. */
  private async pages(path: string, field: string): Promise<Json[]> {
    const all: Json[] = [];
    for (let next: string | undefined = path; next !== undefined; ) {
      const page = await this.request('GET', next);
      all.push(...list(page, field));
      const links = isObject(page) ? page[`${field}_links`] : undefined;
      const link = Array.isArray(links) ? links.filter(isObject).find((l) => l['rel'] === 'next') : undefined;
      next = link === undefined ? undefined : text(link, 'href');
    }
    return all;
  }

  async servers(): Promise<Server[]> {
    return (await this.pages('/servers/detail?all_tenants=1', 'servers')).map((server) => ({
      id: text(server, 'id'),
      name: text(server, 'name'),
      status: text(server, 'status'),
      host: textOrNull(server, 'OS-EXT-SRV-ATTR:host'),
      taskState: textOrNull(server, 'OS-EXT-STS:task_state'),
      vmState: text(server, 'OS-EXT-STS:vm_state'),
      locked: server['locked'] === true,
      fault: isObject(server['fault']) ? text(server['fault'], 'message') : null,
    }));
  }

  /** Evacuation migrations, newest last; of the given source host if one is given. */
  async evacuations(source?: string): Promise<Migration[]> {
    const query = source === undefined ? '' : `&source_compute=${source}`;
    const found = await this.pages(`/os-migrations?migration_type=evacuation${query}`, 'migrations');
    return found
      .map((m) => ({
        id: Number(m['id']),
        uuid: text(m, 'uuid'),
        server: text(m, 'instance_uuid'),
        source: text(m, 'source_compute'),
        destination: textOrNull(m, 'dest_compute'),
        status: text(m, 'status'),
        createdAt: text(m, 'created_at'),
        updatedAt: textOrNull(m, 'updated_at') ?? text(m, 'created_at'),
      }))
      .sort((a, b) => a.id - b.id);
  }

  async services(): Promise<ComputeService[]> {
    return list(await this.request('GET', '/os-services?binary=nova-compute'), 'services').map((service) => ({
      id: text(service, 'id'),
      host: text(service, 'host'),
      state: text(service, 'state'),
      status: text(service, 'status'),
      forcedDown: service['forced_down'] === true,
      disabledReason: textOrNull(service, 'disabled_reason'),
      updatedAt: Date.parse(`${textOrNull(service, 'updated_at') ?? '1970-01-01T00:00:00'}Z`),
    }));
  }

  async service(node: string): Promise<ComputeService> {
    const found = (await this.services()).find((s) => s.host === hostOf(node));
    if (found === undefined) throw new Error(`Nova does not know the compute service of ${node}`);
    return found;
  }

  async setService(node: string, change: Json, allow: readonly number[] = []): Promise<void> {
    await this.request('PUT', `/os-services/${(await this.service(node)).id}`, change, allow);
  }

  /** Ids of what holds allocations on a node's resource provider, as Placement has it. */
  async allocations(node: string): Promise<string[]> {
    const path = `${PLACEMENT_URL}/resource_providers`;
    const [provider] = list(await this.request('GET', `${path}?name=${hostOf(node)}`), 'resource_providers');
    if (provider === undefined) throw new Error(`Placement does not know ${hostOf(node)}`);
    const answer = await this.request('GET', `${path}/${text(provider, 'uuid')}/allocations`);
    return Object.keys(isObject(answer) && isObject(answer['allocations']) ? answer['allocations'] : {});
  }

  /**
   * Boots `count` servers named NAME-1, NAME-2 … on a node and waits until they are active. The lab's cloud has a
   * tagged flavour, so NovaEvacuate leaves servers of other flavours where they are.
   */
  async boot(
    count: number,
    node: string,
    name: string,
    { flavor = EVACUABLE, metadata = {} }: BootOptions = {},
  ): Promise<Server[]> {
    await this.request('POST', '/servers', {
      server: {
        name,
        imageRef: IMAGE,
        flavorRef: flavor,
        metadata,
        networks: 'none',
        min_count: count,
        max_count: count,
        host: hostOf(node),
      },
    });
    const mine = (s: Server): boolean => s.name === name || s.name.startsWith(`${name}-`);
    return this.waitServers(`${count} servers ${name} active on ${node}`, 120 + 2 * count, (all) => {
      const wrong = all.find((s) => mine(s) && s.status === 'ERROR');
      if (wrong !== undefined) throw new Error(`server ${wrong.name} did not boot: ${wrong.fault}`);
      const ready = all.filter((s) => mine(s) && s.status === 'ACTIVE' && s.taskState === null);
      return ready.length === count ? ready : undefined;
    });
  }

  async action(server: string, action: string, body: Json | null = null): Promise<void> {
    await this.request('POST', `/servers/${server}/action`, { [action]: body });
  }

  /** A flavour of one CPU that is tagged as evacuable; one of that name is made anew. */
  async makeFlavor(name: string, memoryMb: number): Promise<void> {
    await this.request('DELETE', `/flavors/${name}`, undefined, [404]);
    await this.request('POST', '/flavors', { flavor: { id: name, name, ram: memoryMb, vcpus: 1, disk: 1 } });
    await this.request('POST', `/flavors/${name}/os-extra_specs`, { extra_specs: { evacuable: 'true' } });
  }

  /** Memory that Placement would still give out on a node, in MB. */
  async freeMemory(node: string): Promise<number> {
    const path = `${PLACEMENT_URL}/resource_providers`;
    const [provider] = list(await this.request('GET', `${path}?name=${hostOf(node)}`), 'resource_providers');
    if (provider === undefined) throw new Error(`Placement does not know ${hostOf(node)}`);
    const of = async (what: string): Promise<Json> => {
      const answer = await this.request('GET', `${path}/${text(provider, 'uuid')}/${what}`);
      const all = isObject(answer) ? answer[what] : undefined;
      return isObject(all) ? all : {};
    };
    const { MEMORY_MB: memory } = await of('inventories');
    const { MEMORY_MB: used } = await of('usages');
    if (!isObject(memory)) throw new Error(`Placement has no memory of ${hostOf(node)}`);
    const [total, reserved, ratio] = ['total', 'reserved', 'allocation_ratio'].map((f) => Number(memory[f]));
    return ((total ?? 0) - (reserved ?? 0)) * (ratio ?? 1) - Number(used ?? 0);
  }

  async waitServers<T>(what: string, seconds: number, check: (all: Server[]) => T | undefined): Promise<T> {
    return waitFor(what, seconds, async () => check(await this.servers()), 700);
  }

  /** Deletes every server, and again those that Nova failed to delete, until all are gone. */
  async purge(): Promise<void> {
    const asked = new Map<string, number>();
    await waitFor('all servers deleted', 400, async () => {
      const all = (await this.pages('/servers?all_tenants=1', 'servers')).map((s) => text(s, 'id'));
      const due = all.filter((server) => Date.now() - (asked.get(server) ?? 0) >= 10_000);
      for (let i = 0; i < due.length; i += 10) {
        await Promise.all(
          due.slice(i, i + 10).map(async (server) => {
            await this.request('DELETE', `/servers/${server}`, undefined, [404, 409, 500]);
            asked.set(server, Date.now());
          }),
        );
      }
      return all.length === 0 ? true : undefined;
    });
  }

  /**
   * Whether Placement still keeps new instances off a node. Nova takes the trait of a disabled host away through its
   * nova-compute, which may be a while after the host was enabled.
   */
  private async isDisabledInPlacement(node: string): Promise<boolean> {
    const path = `${PLACEMENT_URL}/resource_providers`;
    const [provider] = list(await this.request('GET', `${path}?name=${hostOf(node)}`), 'resource_providers');
    if (provider === undefined) return true;
    const traits = await this.request(
      'GET',
      `${path}/${text(provider, 'uuid')}/traits`,
      undefined,
      [],
      'placement 1.6',
    );
    return JSON.stringify(traits).includes('"COMPUTE_STATUS_DISABLED"');
  }

  /** Until every compute service is up, has its hypervisor, and takes new instances. */
  async waitComputes(nodes: readonly string[] = COMPUTES, seconds = 120): Promise<void> {
    await waitFor(`nova-compute up and open for instances on ${nodes.join(', ')}`, seconds, async () => {
      const up = (await this.services()).filter((s) => s.state === 'up').map((s) => s.host);
      const hypervisors = list(await this.request('GET', '/os-hypervisors'), 'hypervisors');
      const names = hypervisors.map((h) => text(h, 'hypervisor_hostname'));
      if (!nodes.every((n) => up.includes(hostOf(n)) && names.includes(hostOf(n)))) return undefined;
      const closed = await Promise.all(nodes.map((node) => this.isDisabledInPlacement(node)));
      return closed.includes(true) ? undefined : true;
    });
  }
}

/** Asks again and again until there is an answer; an error with `what` in it when there is none in time. */
export async function waitFor<T>(
  what: string,
  seconds: number,
  ask: () => Promise<T | undefined>,
  everyMs = 300,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(everyMs);
  }
}
