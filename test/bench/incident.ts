import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Knobs } from '../simulators/cloud/knobs.ts';
import { type SimulatedCloud, startCloud } from '../simulators/cloud/server.ts';
import { measurePeakMemory } from './peakMemory.ts';
import { makeCluster, type SimulatedCluster, startAgent } from './simulatedCluster.ts';

/** What fails, and how the simulated cloud is made. */
export interface Incident {
  readonly failedHosts: number;
  readonly instancesEach: number;
  readonly knobs?: Partial<Knobs>;
  /** Parameters of NovaEvacuate, by name. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** One evacuation by NovaEvacuate, from the mark to its end. */
export interface Run {
  readonly instances: number;
  readonly passes: number;
  readonly seconds: number;
  /** Requests to Nova, by method and kind, and all of them. */
  readonly requests: number;
  readonly byKind: ReadonlyMap<string, number>;
  /** The highest peak of resident memory of any pass, in MB. */
  readonly megabytes: number;
}

const TARGETS = 5;

/**
 * Evacuates by NovaEvacuate: monitors follow each other until the marks are gone, the last of them included. The simulated
 * cloud takes the time that a real one takes for each instance, because what is asked while waiting counts as well.
 *
 * @param root of the checkout, with dist/ built
 */
export async function evacuate(root: string, incident: Incident): Promise<Run> {
  return withFailedHosts(root, incident, async (cloud, cluster, hosts) => {
    const agent = join(root, 'dist/NovaEvacuate');
    const parameters = Object.entries(incident.parameters ?? {});
    const given = Object.fromEntries(parameters.map(([name, value]) => [`OCF_RESKEY_${name}`, value]));
    const env = { ...cluster.env, ...given };
    const started = Date.now();
    let passes = 0;
    let megabytes = 0;
    while (hosts.some((host) => cluster.mark(host) !== 'no')) {
      const pass = await measurePeakMemory({ file: agent, args: ['monitor'], env });
      passes += 1;
      megabytes = Math.max(megabytes, pass.megabytes);
      if (passes > 100) throw new Error('The instances were not evacuated in 100 passes.');
    }
    const seconds = (Date.now() - started) / 1000;
    judge(cloud, hosts);
    const toNova = cloud.requests.entries.filter(({ service }) => service === 'nova');
    const byKind = new Map<string, number>();
    for (const { method, path } of toNova) {
      const kind = `${method} ${kindOf(path)}`;
      byKind.set(kind, (byKind.get(kind) ?? 0) + 1);
    }
    const instances = incident.failedHosts * incident.instancesEach;
    return { instances, passes, seconds, requests: toNova.length, byKind, megabytes };
  });
}

/** The same by a bare loop, which asks for everything at once and only waits: the least time that this cloud needs, in s. */
export async function evacuateBare(root: string, incident: Incident): Promise<number> {
  return withFailedHosts(root, incident, async (cloud, _cluster, hosts) => {
    const headers = { 'Content-Type': 'application/json', 'X-Auth-Token': await logIn(cloud) };
    const servers = [...cloud.world.servers.values()].filter(({ host }) => isOn(hosts, host));
    const body = JSON.stringify({ evacuate: { onSharedStorage: true } });
    const started = Date.now();
    await Promise.all(
      servers.map(async ({ id }) => {
        const url = `${cloud.urls.nova}/v2.1/servers/${id}/action`;
        const answer = await fetch(url, { method: 'POST', headers, body });
        if (!answer.ok) throw new Error(`The bare loop was refused: ${answer.status} ${await answer.text()}`);
      }),
    );
    while (servers.some(({ host }) => isOn(hosts, host)) || cloud.world.conductor.inFlight > 0) {
      await setTimeout(20);
    }
    const seconds = (Date.now() - started) / 1000;
    judge(cloud, hosts);
    return seconds;
  });
}

async function withFailedHosts<T>(
  root: string,
  { failedHosts, instancesEach, knobs = {} }: Incident,
  use: (cloud: SimulatedCloud, cluster: SimulatedCluster, hosts: readonly string[]) => Promise<T>,
): Promise<T> {
  const scratch = mkdtempSync(join(tmpdir(), 'bench-evacuation-'));
  const hosts = Array.from({ length: failedHosts }, (_, index) => `comp${index}`);
  const targets = Array.from({ length: TARGETS }, (_, index) => `target${index}`);
  const cloud = await startCloud({
    scenario: {
      knobs,
      hosts: [...hosts, ...targets].map((name) => ({ name, memoryMb: 4_000_000 })),
      servers: hosts.map((host) => ({ host, name: `on-${host}`, count: instancesEach, state: 'active' })),
    },
  });
  try {
    const cluster = makeCluster(root, scratch, cloud.authUrl, ['ctl0', ...hosts, ...targets]);
    startAgent(join(root, 'dist/NovaEvacuate'), cluster);
    for (const host of hosts) {
      cloud.world.killCompute(host, { power: false });
      cluster.lose(host);
      await fence(join(root, 'dist/fence_compute'), cluster.env, cloud.authUrl, host);
    }
    cloud.requests.clear();
    return await use(cloud, cluster, hosts);
  } finally {
    await cloud.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

const isOn = (hosts: readonly string[], host: string | null): boolean =>
  host !== null && hosts.includes(host);

function judge(cloud: SimulatedCloud, hosts: readonly string[]): void {
  const [violation] = cloud.world.observer.violations;
  if (violation !== undefined) throw new Error(`A rule was broken: ${violation.sentence}`);
  const left = [...cloud.world.servers.values()].filter(({ host }) => isOn(hosts, host)).length;
  if (left > 0) throw new Error(`${left} instances were not evacuated.`);
}

async function logIn(cloud: SimulatedCloud): Promise<string> {
  const user = { name: 'admin', domain: { id: 'default' }, password: 'adminpw' };
  const identity = { methods: ['password'], password: { user } };
  const scope = { project: { name: 'admin', domain: { id: 'default' } } };
  const answer = await fetch(`${cloud.authUrl}/auth/tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ auth: { identity, scope } }),
  });
  const token = answer.headers.get('x-subject-token');
  if (token === null) throw new Error(`The simulated Keystone gave no token: ${answer.status}`);
  return token;
}

/** `/v2.1/servers/UUID/action` -> `servers/action` */
function kindOf(path: string): string {
  const words = path.replace(/\?.*/, '').split('/').slice(2);
  return words.filter((word) => !/^[0-9a-f-]{36}$/.test(word)).join('/') || 'versions';
}

function fence(
  agent: string,
  env: Readonly<Record<string, string>>,
  authUrl: string,
  host: string,
): Promise<void> {
  const options = ['-k', authUrl, '-l', 'admin', '-p', 'adminpw', '-t', 'admin', '-o', 'off', '-n', host];
  return new Promise((resolve, reject) => {
    // Not synchronously: the cloud it talks to lives in this process.
    const child = spawn(agent, options, { env, stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`fence_compute ended with ${code}.`)),
    );
  });
}
