import { setTimeout as sleep } from 'node:timers/promises';
import {
  isRelease,
  type Release,
  type ReleaseKnobs,
  releaseOf,
  releases,
} from '../simulators/cloud/releases.ts';
import { items, pick } from '../simulators/json.ts';
import type { CloudUnderTest } from './cloudUnderTest.ts';
import { realCloud } from './realCloud.ts';
import { simulator } from './simulator.ts';
import { request, Wire, type WireAnswer } from './wire.ts';

export interface Seen {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly task: string | null;
  readonly host: string | null;
  readonly fault: string | null;
  /** What Nova has noted down of the guest: 1 running, 4 off. */
  readonly power: number | null;
  /** Availability zone. */
  readonly zone: string | null;
}

export interface SeenMigration {
  readonly serverId: string;
  readonly status: string;
  readonly source: string;
  readonly dest: string | null;
  readonly updatedAt: string | null;
}

export interface SeenAction {
  readonly action: string;
  readonly user: string | null;
  readonly message: string | null;
  readonly start: string;
}

export interface SeenService {
  readonly id: string;
  readonly state: string;
  readonly status: string;
  readonly forcedDown: boolean;
  readonly reason: string | null;
  /** As Nova writes it, so that a later one is the greater text. */
  readonly updatedAt: string;
}

export interface BootOptions {
  readonly flavor?: string;
  readonly zone?: string;
  /** Id of a server group. */
  readonly group?: string;
}

/**
 * Seen in the lab: a nova-compute whose report was in the hands of a conductor that died waits a minute for the answer
 * (rpc_response_timeout) before it reports again. Until then it still counts as up, and goes down in the next test.
 */
const LONGEST_SILENCE = 75_000;

/**
 * The cloud under test with an administrator logged in, and the steps that the tests have in common: all through the
 * API, so that they are the same on the simulator and on the real thing.
 */
export class Stage {
  readonly cloud: CloudUnderTest;
  readonly admin: Wire;
  readonly hosts: readonly string[];
  /** Told by its newest microversion. */
  readonly release: Release;
  /** What Nova of this release does where releases differ. */
  readonly behaviour: Readonly<ReleaseKnobs>;
  #conductorStopped = false;

  private constructor(cloud: CloudUnderTest, admin: Wire, hosts: readonly string[], release: Release) {
    this.cloud = cloud;
    this.admin = admin;
    this.hosts = hosts;
    this.release = release;
    this.behaviour = releases[release];
  }

  static async set(): Promise<Stage> {
    const authUrl = process.env['CONTRACT_AUTH_URL'] ?? '';
    const cloud = authUrl === '' ? await simulator(played()) : realCloud(authUrl, process.env);
    const admin = await Wire.login(cloud.authUrl, cloud.admin, cloud.region);
    const release = await releaseBehind(admin);
    const services = await admin.get('/os-services?binary=nova-compute');
    const hosts = items(services.json, 'services').map((service) => String(pick(service, 'host')));
    if (hosts.length < 3) throw new Error(`Three compute hosts are needed, there are ${hosts.length}.`);
    const stage = new Stage(cloud, admin, hosts.sort(), release);
    await stage.calm();
    return stage;
  }

  /** Host by position; there are at least three. */
  host(index: number): string {
    return this.hosts[index] ?? '';
  }

  /** Ids of the host's servers, newest first, once `count` of them run. */
  async boot(count: number, host: string, options: BootOptions = {}): Promise<string[]> {
    const { flavor, zone, group } = options;
    const wish = {
      name: 'contract',
      imageRef: this.cloud.image,
      flavorRef: flavor ?? this.cloud.flavor,
      ...(zone === undefined ? {} : { availability_zone: zone }),
      networks: 'none',
      host,
      min_count: count,
      max_count: count,
      return_reservation_id: true,
    };
    const answer = await this.admin.call('POST', '/servers', '2.87', {
      server: wish,
      ...(group === undefined ? {} : { 'os:scheduler_hints': { group } }),
    });
    if (answer.status !== 202) throw new Error(`No servers: ${answer.status} ${answer.text}`);
    return this.until(async () => {
      const servers = (await this.servers(host)).filter(({ status }) => status === 'ACTIVE');
      return servers.length >= count ? servers.map(({ id }) => id) : undefined;
    });
  }

  async servers(host: string): Promise<Seen[]> {
    const answer = await this.admin.get(`/servers/detail?all_tenants=1&host=${host}`);
    return items(answer.json, 'servers').map(seen);
  }

  async server(id: string): Promise<Seen> {
    return seen(pick((await this.admin.get(`/servers/${id}`)).json, 'server'));
  }

  /** Newest last. */
  async migrations(serverId: string): Promise<SeenMigration[]> {
    const query = `instance_uuid=${serverId}&migration_type=evacuation`;
    const answer = await this.admin.get(`/os-migrations?${query}`, '2.80');
    return items(answer.json, 'migrations').map(seenMigration).reverse();
  }

  /** The steps of its last evacuation, as `event result host`; the conductor's host is left out. */
  async steps(serverId: string): Promise<string[]> {
    const path = `/servers/${serverId}/os-instance-actions`;
    const actions = items((await this.admin.get(path)).json, 'instanceActions');
    const evacuation = actions.find((action) => pick(action, 'action') === 'evacuate');
    const answer = await this.admin.get(`${path}/${String(pick(evacuation, 'request_id'))}`);
    return items(pick(answer.json, 'instanceAction'), 'events')
      .map((event) => {
        const name = String(pick(event, 'event'));
        const host = name.startsWith('compute') ? ` ${String(pick(event, 'host'))}` : '';
        return `${name} ${String(pick(event, 'result'))}${host}`;
      })
      .sort()
      .reverse();
  }

  /** Newest first. */
  async actions(serverId: string): Promise<SeenAction[]> {
    const answer = await this.admin.get(`/servers/${serverId}/os-instance-actions`);
    return items(answer.json, 'instanceActions').map((action) => ({
      action: String(pick(action, 'action')),
      user: textOrNull(pick(action, 'user_id')),
      message: textOrNull(pick(action, 'message')),
      start: String(pick(action, 'start_time')),
    }));
  }

  /** Those of some actions that Nova of this release records. */
  recorded(...actions: readonly string[]): string[] {
    return actions.filter((action) => action !== 'resetState' || this.behaviour.recordsResets);
  }

  diagnostics(serverId: string, version?: string): Promise<WireAnswer> {
    return this.admin.get(`/servers/${serverId}/diagnostics`, version);
  }

  /** The host loses its power and has it again: its guests are off, and Nova was not told. */
  async powerCycle(host: string): Promise<void> {
    await this.cloud.killCompute(host);
    await this.cloud.guestsOff(host);
    const { updatedAt } = await this.service(host);
    await this.cloud.startCompute(host);
    await this.until(async () => ((await this.service(host)).updatedAt > updatedAt ? true : undefined));
  }

  async service(host: string): Promise<SeenService> {
    const answer = await this.admin.get(`/os-services?binary=nova-compute&host=${host}`);
    const service = pick(answer.json, 'services', 0);
    return {
      id: String(pick(service, 'id')),
      state: String(pick(service, 'state')),
      status: String(pick(service, 'status')),
      forcedDown: pick(service, 'forced_down') === true,
      reason: textOrNull(pick(service, 'disabled_reason')),
      updatedAt: String(pick(service, 'updated_at')),
    };
  }

  /** The host's id in Placement: that of its hypervisor from 2.53 on. */
  async providerOf(host: string): Promise<string> {
    const answer = await this.admin.get('/os-hypervisors/detail', '2.53');
    const found = items(answer.json, 'hypervisors').find((one) => pick(one, 'service', 'host') === host);
    return String(pick(found, 'id'));
  }

  /** The memory that a host can give away, MB. */
  async memoryOf(host: string): Promise<number> {
    const answer = await this.admin.place('/allocation_candidates?resources=MEMORY_MB:1');
    const summary = pick(answer.json, 'provider_summaries', await this.providerOf(host));
    return Number(pick(summary, 'resources', 'MEMORY_MB', 'capacity'));
  }

  /** Placement knows that a host is disabled; nova-compute, which is up, tells it so. */
  async untilTrait(host: string): Promise<void> {
    const id = await this.providerOf(host);
    await this.until(async () => {
      const answer = await this.admin.place('/allocation_candidates?resources=VCPU:1');
      const traits = items(pick(answer.json, 'provider_summaries', id), 'traits');
      return traits.includes('COMPUTE_STATUS_DISABLED') ? true : undefined;
    });
  }

  /** Its id. */
  async addFlavor(size: { ram: number; vcpus: number; disk: number }): Promise<string> {
    const wish = { name: `contract-${Date.now()}`, ...size };
    const answer = await this.admin.call('POST', '/flavors', '2.87', { flavor: wish });
    if (answer.status !== 200) throw new Error(`No flavour: ${answer.status} ${answer.text}`);
    return String(pick(answer.json, 'flavor', 'id'));
  }

  async setService(host: string, change: Record<string, unknown>) {
    const { id } = await this.service(host);
    return this.admin.call('PUT', `/os-services/${id}`, '2.87', change);
  }

  /** What the services ask of it waits from now on: evacuations, and the reports of nova-compute. */
  async stopConductor(): Promise<void> {
    this.#conductorStopped = true;
    await this.cloud.conductor(false);
  }

  /** Dead, and Nova knows it. */
  async fail(host: string): Promise<void> {
    await this.cloud.killCompute(host);
    await this.setService(host, { forced_down: true });
  }

  /** Back in service, as Nova wants it done: nova-compute first, then its records, then the force. */
  async bringBack(host: string): Promise<void> {
    await this.cloud.startCompute(host);
    // Not every release insists on it.
    const done = `/os-migrations?source_compute=${host}&migration_type=evacuation&status=done`;
    await this.until(async () => {
      const records = items((await this.admin.get(done, '2.59')).json, 'migrations');
      return records.length === 0 ? true : undefined;
    });
    await this.until(async () => {
      const answer = await this.setService(host, { forced_down: false });
      return answer.status === 200 ? true : undefined;
    });
    await this.setService(host, { status: 'enabled' });
    await this.until(
      async () => ((await this.service(host)).state === 'up' ? true : undefined),
      LONGEST_SILENCE,
    );
  }

  /** Every host has reported, to the conductor that runs now. */
  async #reported(): Promise<void> {
    for (const host of this.hosts) {
      const { updatedAt } = await this.service(host);
      await this.until(
        async () => ((await this.service(host)).updatedAt > updatedAt ? true : undefined),
        LONGEST_SILENCE,
      );
    }
  }

  async settled(serverId: string, wanted: (server: Seen) => boolean): Promise<Seen> {
    return this.until(async () => {
      const server = await this.server(serverId);
      return wanted(server) ? server : undefined;
    });
  }

  /** Waits until the server's newest record, the last thing to change, says that it has arrived. */
  async evacuated(serverId: string): Promise<Seen> {
    return this.until(async () => {
      const record = (await this.migrations(serverId)).at(-1);
      return record?.status === 'done' ? this.server(serverId) : undefined;
    });
  }

  /** Asks again and again until there is an answer; fails with the test's own timeout in mind. */
  async until<T>(ask: () => Promise<T | undefined>, timeoutMs = 30_000): Promise<T> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      if (Date.now() > end)
        throw new Error(`Nothing came of it within ${timeoutMs / 1000} s: ${ask.toString()}`);
      await sleep(this.cloud.kind === 'real' ? 200 : 20);
    }
  }

  /** No server anywhere, no delay or failure, all hosts up and enabled. */
  async calm(): Promise<void> {
    await this.cloud.conductor(true);
    await this.cloud.sharedDisks(this.cloud.sharedStorage);
    for (const host of this.hosts) {
      await this.cloud.spawnDelay(host, null);
      await this.cloud.spawnFail(host, false);
    }
    for (const server of items((await this.admin.get('/servers?all_tenants=1')).json, 'servers')) {
      await this.admin.call('DELETE', `/servers/${String(pick(server, 'id'))}`);
    }
    await this.until(async () => {
      const left = items((await this.admin.get('/servers?all_tenants=1&limit=1')).json, 'servers');
      return left.length === 0 ? true : undefined;
    });
    for (const host of this.hosts) {
      const { state, status } = await this.service(host);
      if (state !== 'up' || status !== 'enabled') await this.bringBack(host);
    }
    if (this.#conductorStopped) await this.#reported();
    this.#conductorStopped = false;
  }
}

/** The release that the simulator plays: CONTRACT_RELEASE, or its own. */
function played(): Release | undefined {
  const name = process.env['CONTRACT_RELEASE'] ?? '';
  if (name === '') return undefined;
  if (isRelease(name)) return name;
  throw new Error(`CONTRACT_RELEASE is ${name}; there are ${Object.keys(releases).join(', ')}.`);
}

async function releaseBehind(admin: Wire): Promise<Release> {
  const newest = pick((await request('GET', `${admin.nova}/`)).json, 'version', 'version');
  const release = releaseOf(String(newest));
  if (release !== undefined) return release;
  throw new Error(
    `Nova's newest microversion is ${String(newest)}, of a release that test/simulators/cloud/releases.ts does not know.`,
  );
}

function seen(server: unknown): Seen {
  const power = pick(server, 'OS-EXT-STS:power_state');
  return {
    id: String(pick(server, 'id')),
    name: String(pick(server, 'name')),
    status: String(pick(server, 'status')),
    task: textOrNull(pick(server, 'OS-EXT-STS:task_state')),
    host: textOrNull(pick(server, 'OS-EXT-SRV-ATTR:host')),
    fault: textOrNull(pick(server, 'fault', 'message')),
    power: typeof power === 'number' ? power : null,
    zone: textOrNull(pick(server, 'OS-EXT-AZ:availability_zone')),
  };
}

function seenMigration(migration: unknown): SeenMigration {
  return {
    serverId: String(pick(migration, 'instance_uuid')),
    status: String(pick(migration, 'status')),
    source: String(pick(migration, 'source_compute')),
    dest: textOrNull(pick(migration, 'dest_compute')),
    updatedAt: textOrNull(pick(migration, 'updated_at')),
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
