/**
 * The main job without a data centre: a simulated cloud and cluster, the real compiled agents. A compute host loses
 * its power, fence_compute marks it, NovaEvacuate has its instances rebuilt elsewhere. Ends with 0 only when every
 * instance ended as it should.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { statusOf } from '../test/simulators/cloud/nova/serverView.ts';
import { type SimulatedCloud, startCloud } from '../test/simulators/cloud/server.ts';
import { agentPath, runAgent } from './agents.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { bar, bold, dim, green, red, say, show, table, yellow } from './screen.ts';

const failed = 'comp0';
const controller = 'ctl0';

/** What the failing host carries, and how each has to end. */
const expected: Readonly<Record<string, { status: string; moves: boolean; why: string }>> = {
  ACTIVE: { status: 'ACTIVE', moves: true, why: 'runs again elsewhere' },
  SHUTOFF: { status: 'SHUTOFF', moves: true, why: 'moved and kept off, as it was' },
  ERROR: { status: 'ACTIVE', moves: true, why: 'evacuated and running' },
  PAUSED: { status: 'PAUSED', moves: false, why: 'left: Nova does not evacuate a paused instance' },
};

const scenario = {
  hosts: [failed, 'comp1', 'comp2'],
  servers: [
    { count: 6, name: 'web', host: failed },
    { count: 2, name: 'db', host: failed, image: null },
    { name: 'batch', host: failed, state: 'stopped' },
    { name: 'broken', host: failed, state: 'error' },
    { name: 'frozen', host: failed, state: 'paused' },
    { count: 2, name: 'mail', host: 'comp1' },
    { name: 'cache', host: 'comp2' },
  ],
};

for (const agent of ['NovaEvacuate', 'fence_compute'] as const) {
  if (!existsSync(agentPath(agent))) {
    say(`The agent ${agentPath(agent)} is not there; build it with: npm run build`);
    process.exit(1);
  }
}

const directory = mkdtempSync(join(tmpdir(), 'nova-evacuate-demo-'));
const cloud = await startCloud({
  scenario,
  // Slow enough to be watched: about three seconds for each instance, and Nova takes up two at a time.
  knobs: { conductorConcurrency: 2, schedule: 1_200, prepare: 500, spawn: 1_000, settle: 600 },
});
try {
  const cluster = await startCluster(join(directory, 'cluster'), [controller, failed, 'comp1', 'comp2']);
  process.exitCode = await demonstrate(cloud, cluster);
} finally {
  await cloud.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function demonstrate(at: SimulatedCloud, cluster: Cluster): Promise<number> {
  say(bold('A compute node dies: its instances run elsewhere'));
  say(dim(`simulated Keystone and Nova at ${at.authUrl}, simulated cluster in ${cluster.directory}`));
  say(`\n${bold('Before')}\n${instances(at)}`);
  const before = new Map([...at.world.servers.values()].map((server) => [server.id, statusOf(server)]));
  await novaEvacuate(cluster, at, 'start');
  await novaEvacuate(cluster, at, 'monitor');

  say(`\n${bold(`${failed} loses its power.`)} Pacemaker runs the devices of its fencing level:`);
  at.world.killCompute(failed, { power: false });
  say('  power          off: done (simulated)');
  const fenced = await fence(cluster, at);
  if (fenced !== 0) {
    say(red(`fence_compute ended with ${fenced}; nothing will be evacuated.`));
    return 1;
  }
  say(
    `  mark           evacuate=${await cluster.transient('evacuate', failed)} on ${failed}, and a permanent copy`,
  );

  say(`\n${bold('NovaEvacuate monitor')}, on ${controller}, every few seconds:`);
  const began = Date.now();
  while ((await cluster.transient('evacuate', failed)) !== 'no') {
    if (Date.now() - began > 45_000) {
      say(red(`The evacuation of ${failed} did not end within 45 s.`));
      break;
    }
    const code = await watched(cluster, at);
    if (code !== 0 && code !== 190) say(red(`  monitor ended with ${code}`));
    await sleep(300);
  }
  await novaEvacuate(cluster, at, 'stop');
  say(`\n${bold('After')}\n${instances(at)}`);
  return verdict(at, before, Date.now() - began);
}

function environment(cluster: Cluster): Record<string, string> {
  return { PATH: `${cluster.bin}:/usr/sbin:/usr/bin:/sbin:/bin`, LC_ALL: 'C' };
}

async function fence(cluster: Cluster, at: SimulatedCloud): Promise<number | null> {
  const options = [
    'action=off',
    `nodename=${failed}`,
    `port=${failed}`,
    `auth_url=${at.authUrl}`,
    'login=admin',
    'passwd=adminpw',
    'tenant_name=admin',
    'record_only=1',
  ];
  const { code } = await runAgent('fence_compute', {
    env: { ...environment(cluster), PCMK_service: 'pacemaker-fenced' },
    stdin: `${options.join('\n')}\n`,
    onLine: (line) => say(dim(`                 ${line}`)),
  });
  say(`  fence_compute  off: exit ${code}`);
  return code;
}

async function novaEvacuate(cluster: Cluster, at: SimulatedCloud, action: string): Promise<number | null> {
  const { code, exitReason } = await runAgent('NovaEvacuate', {
    args: [action],
    env: {
      ...environment(cluster),
      HA_RSCTMP: join(directory, 'run'),
      OCF_ROOT: '/usr/lib/ocf',
      OCF_RA_VERSION_MAJOR: '1',
      OCF_RA_VERSION_MINOR: '1',
      OCF_RESOURCE_INSTANCE: 'nova-evacuate',
      OCF_RESOURCE_TYPE: 'NovaEvacuate',
      OCF_RESOURCE_PROVIDER: 'openstack',
      OCF_RESKEY_CRM_meta_name: action,
      OCF_RESKEY_CRM_meta_interval: action === 'monitor' ? '10000' : '0',
      OCF_RESKEY_CRM_meta_timeout: '20000',
      OCF_RESKEY_CRM_meta_on_node: controller,
      OCF_RESKEY_crm_feature_set: '3.16.1',
      OCF_RESKEY_auth_url: at.authUrl,
      OCF_RESKEY_username: 'admin',
      OCF_RESKEY_password: 'adminpw',
      OCF_RESKEY_tenant_name: 'admin',
    },
    onLine: (line) => say(dim(`  ${line}`)),
  });
  if (exitReason !== null) say(yellow(`  exit ${code}: ${exitReason}`));
  return code;
}

/** One pass, with the node attribute that operators see in crm_mon shown while it works. */
async function watched(cluster: Cluster, at: SimulatedCloud): Promise<number | null> {
  let ended = false;
  const pass = novaEvacuate(cluster, at, 'monitor').finally(() => {
    ended = true;
  });
  while (!ended) {
    const attribute = await cluster.transient(`evacuation-${failed}`, controller);
    if (attribute !== null && attribute !== '') {
      const [, done, total] = /^(\d+)\/(\d+)/.exec(attribute) ?? [];
      show(`  ${bar(Number(done ?? 0), Number(total ?? 0))} evacuation-${failed}: ${attribute}`);
    }
    await Promise.race([pass, sleep(200)]);
  }
  return pass;
}

function instances(at: SimulatedCloud): string {
  const rows = [...at.world.servers.values()].map((server) => {
    const status = statusOf(server);
    const host = server.host ?? '-';
    const up = at.world.hosts.get(host);
    return [
      server.name,
      up !== undefined && at.world.isUp(up) ? host : red(`${host} (down)`),
      status === 'ACTIVE' ? green(status) : yellow(status),
    ];
  });
  return table([['INSTANCE', 'HOST', 'STATUS'], ...rows]);
}

/** Judges each instance by what Nova says of it, and the whole by what the cloud's observer saw. */
function verdict(at: SimulatedCloud, before: ReadonlyMap<string, string>, tookMs: number): number {
  const wrong: string[] = [];
  let evacuated = 0;
  for (const server of at.world.servers.values()) {
    const records = at.world.migrationsOf(server.id);
    const was = before.get(server.id) ?? '';
    const wanted = expected[was];
    const hadTo = records.length > 0 || server.host === failed;
    if (!hadTo) continue;
    const moved = server.host !== failed;
    if (wanted === undefined || statusOf(server) !== wanted.status || moved !== wanted.moves) {
      wrong.push(`${server.name} was ${was} and is ${statusOf(server)} on ${server.host}`);
    } else if (moved && records.length !== 1) {
      wrong.push(`${server.name} was evacuated ${records.length} times`);
    } else {
      if (moved) evacuated += 1;
      else say(`  ${server.name}: ${wanted.why}`);
    }
  }
  for (const { sentence } of at.world.observer.violations) wrong.push(sentence);
  if (wrong.length > 0) {
    say(red(`\nNot right:\n${wrong.map((sentence) => `  ${sentence}`).join('\n')}`));
    return 1;
  }
  say(green(`\n${evacuated} instances evacuated exactly once each, in ${(tookMs / 1000).toFixed(1)} s.`));
  return 0;
}
