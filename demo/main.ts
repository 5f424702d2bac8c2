/**
 * The main job without a data centre: a simulated cloud and cluster, the real compiled agents. A compute host loses
 * its power, fence_compute marks it, NovaEvacuate has its instances rebuilt elsewhere; the repaired machine boots, and
 * NovaCompute takes it back into service. Ends with 0 only when every instance and the host ended as they should.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { statusOf } from '../test/simulators/cloud/nova/serverView.ts';
import { type SimulatedCloud, startCloud } from '../test/simulators/cloud/server.ts';
import { agentPath } from './agents.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { type ComputeHost, makeComputeHost } from './computeHost.ts';
import { Pacemaker } from './pacemaker.ts';
import { bar, bold, dim, green, red, say, show, table, yellow } from './screen.ts';
import { judgeInstances, judgeReturn } from './verdict.ts';

const failed = 'comp0';
const controller = 'ctl0';

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

for (const agent of ['NovaEvacuate', 'NovaCompute', 'fence_compute'] as const) {
  if (!existsSync(agentPath(agent))) {
    say(`The agent ${agentPath(agent)} is not there; build it with: npm run build`);
    process.exit(1);
  }
}

const directory = mkdtempSync(join(tmpdir(), 'nova-evacuate-demo-'));
const cloud = await startCloud({
  scenario,
  // Slow enough to be watched: about three seconds for each instance, and Nova takes up two at a time.
  knobs: { conductorConcurrency: 2, schedule: 1_200, prepare: 500, spawn: 1_000, settle: 600, cleanup: 350 },
});
const machine = makeComputeHost(join(directory, failed), failed, cloud.urls.control);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    cleanUp();
    process.exit(130);
  });
}
try {
  const cluster = await startCluster(join(directory, 'cluster'), [controller, failed, 'comp1', 'comp2']);
  process.exitCode = await demonstrate(cloud, cluster, new Pacemaker(cluster, cloud.authUrl, directory));
} finally {
  await cloud.stop();
  cleanUp();
}

/** Its nova-compute has a session of its own, which Ctrl-C does not reach. */
function cleanUp(): void {
  machine.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function demonstrate(at: SimulatedCloud, cluster: Cluster, pacemaker: Pacemaker): Promise<number> {
  say(bold('A compute node dies: its instances run elsewhere, and the repaired node comes back'));
  say(dim(`simulated Keystone and Nova at ${at.authUrl}, simulated cluster in ${cluster.directory}`));
  say(`\n${bold('Before')}\n${instances(at)}`);
  const before = new Map([...at.world.servers.values()].map((server) => [server.id, statusOf(server)]));
  await pacemaker.novaEvacuate(controller, 'start');
  await pacemaker.novaEvacuate(controller, 'monitor');

  say(`\n${bold(`${failed} loses its power.`)} Pacemaker runs the devices of its fencing level:`);
  at.world.killCompute(failed, { power: false });
  await cluster.lose(failed);
  say('  power          off: done (simulated)');
  const { code } = await pacemaker.fence(controller, 'off', failed);
  say(`  fence_compute  off: exit ${code}`);
  if (code !== 0) {
    say(red(`fence_compute ended with ${code}; nothing will be evacuated.`));
    return 1;
  }
  const mark = await cluster.transient('evacuate', failed);
  say(`  mark           evacuate=${mark} on ${failed}, and a permanent copy`);

  say(`\n${bold('NovaEvacuate monitor')}, on ${controller}, every few seconds:`);
  const began = Date.now();
  if (!(await evacuate(cluster, pacemaker))) return 1;
  const evacuatedMs = Date.now() - began;
  say(`\n${bold('Evacuated')}\n${instances(at)}`);
  const evacuation = judgeInstances(at, before, failed);
  for (const sentence of evacuation.stayed) say(`  ${sentence}`);
  if (evacuation.wrong.length > 0) return fail(evacuation.wrong);

  say(
    `\n${bold(`${failed} is repaired and boots.`)} Its mark is "no": evacuated, not taken back yet. ${held(at)}`,
  );
  at.world.bootMachine(failed);
  await cluster.rejoin(failed);
  say(`\n${bold('NovaCompute start')}, on ${failed}:`);
  const bootedAt = Date.now();
  await comeBack(cluster, pacemaker, machine);
  const releasedMs = Date.now() - bootedAt;
  say(`  ${held(at)}`);
  await pacemaker.novaEvacuate(controller, 'monitor');
  await pacemaker.novaEvacuate(controller, 'stop');

  const wrong = [
    ...judgeInstances(at, before, failed).wrong,
    ...(await judgeReturn(at, cluster, machine, failed)),
  ];
  if (wrong.length > 0) return fail(wrong);
  say(
    green(
      `\n${evacuation.evacuated} instances evacuated exactly once each, in ${seconds(evacuatedMs)}; ` +
        `${failed} back in service ${seconds(releasedMs)} after its boot, its mark gone.`,
    ),
  );
  return 0;
}

/** Passes of NovaEvacuate until the mark says that nothing is left to do. */
async function evacuate(cluster: Cluster, pacemaker: Pacemaker): Promise<boolean> {
  const until = Date.now() + 45_000;
  while ((await cluster.transient('evacuate', failed)) !== 'no') {
    if (Date.now() > until) {
      say(red(`The evacuation of ${failed} did not end within 45 s.`));
      return false;
    }
    const { code } = await watched(
      pacemaker.novaEvacuate(controller, 'monitor'),
      () => cluster.transient(`evacuation-${failed}`, controller),
      (value) => {
        const [, done, total] = /^(\d+)\/(\d+)/.exec(value) ?? [];
        return `${bar(Number(done ?? 0), Number(total ?? 0))} evacuation-${failed}: ${value}`;
      },
    );
    if (code !== 0 && code !== 190) say(red(`  monitor ended with ${code}`));
    await sleep(300);
  }
  return true;
}

/** NovaCompute's start, and monitors as long as something is owed. */
async function comeBack(cluster: Cluster, pacemaker: Pacemaker, host: ComputeHost): Promise<void> {
  const until = Date.now() + 25_000;
  let action = 'start';
  do {
    await watched(
      pacemaker.novaCompute(failed, action, host),
      () => cluster.transient('nova-compute-release', failed),
      (value) => `nova-compute-release: ${value}`,
    );
    action = 'monitor';
  } while (((await cluster.permanent('evacuate', failed)) ?? '') !== '' && Date.now() < until);
}

/** Shows the node attribute that operators see in crm_mon while an agent works. */
async function watched<T>(
  work: Promise<T>,
  read: () => Promise<string | null>,
  line: (value: string) => string,
): Promise<T> {
  let ended = false;
  const running = work.finally(() => {
    ended = true;
  });
  while (!ended) {
    const value = await read();
    if (value !== null && value !== '') show(`  ${line(value)}`);
    await Promise.race([running, sleep(200)]);
  }
  return running;
}

/** How Nova sees the failed host. */
function held(at: SimulatedCloud): string {
  const host = at.world.host(failed);
  const words = [
    at.world.isUp(host) ? 'up' : 'down',
    host.disabled ? 'disabled' : 'enabled',
    ...(host.forcedDown ? ['forced down'] : []),
  ];
  return `Nova: ${failed} is ${words.join(', ')}.`;
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

function fail(wrong: readonly string[]): number {
  say(red(`\nNot right:\n${wrong.map((sentence) => `  ${sentence}`).join('\n')}`));
  return 1;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
