import { waitFor } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import { manageNovaCompute } from '../driver/novaCompute.ts';
import { holdPasses } from '../driver/pass.ts';
import { judgeReturned, waitReleased } from '../driver/return.ts';
import type { Scenario } from '../driver/scenario.ts';
import { hostOf } from '../driver/settings.ts';

const MANAGED = 'comp1';
const UNMANAGED = 'comp0';
const NODES = [UNMANAGED, MANAGED];

const scenario: Scenario = {
  title:
    'two fenced nodes are back before the first pass: not evacuated any more, their instances started in place',
  seconds: 240,
  async run(lab) {
    const { cloud, cluster } = lab;
    await manageNovaCompute(lab, [MANAGED], { runtime: 'process' });
    const booted = [...(await cloud.boot(4, UNMANAGED, 'vm-a')), ...(await cloud.boot(4, MANAGED, 'vm-b'))];
    const stopped = booted.filter((s) => s.name.endsWith('-4'));
    for (const server of stopped) await cloud.action(server.id, 'os-stop');
    const before = await cloud.waitServers('two stopped', 60, (all) =>
      all.filter((s) => s.status === 'SHUTOFF' && s.taskState === null).length === 2 ? all : undefined,
    );
    lab.say(
      `3 active instances and a stopped one on ${UNMANAGED} and on ${MANAGED}, which NovaCompute manages`,
    );

    const release = await holdPasses(lab);
    lab.fault(`${NODES.join(' and ')} lose their power, and no pass comes for a while`);
    await Promise.all(NODES.map((node) => control('power-off', node)));
    await waitFor('both fenced and back in the cluster', 60, async () => {
      const { fencing, online } = await cluster.status();
      const isBack = (node: string): boolean =>
        fencing.some((e) => e.target === node && e.action !== 'on' && e.status === 'success') &&
        online.includes(node);
      return NODES.every(isBack) || undefined;
    });
    // The first monitor after maintenance is part of Pacemaker's transition: nothing else is started until it ends.
    await waitFor('NovaCompute holds nova-compute back', 60, async () => {
      const pulses = await cluster.transient('nova-compute-returning');
      return pulses.some((p) => p.startsWith(`${MANAGED} `)) || undefined;
    });
    await release();
    await Promise.all(NODES.map((node) => waitReleased(lab, node, 150)));

    for (const node of NODES) {
      await lab.judgeFencedOnce(node);
      const asked = await cloud.evacuations(hostOf(node));
      const mine = asked.filter((m) => before.some((s) => s.id === m.server));
      lab.check(mine.length === 0, `no instance of ${node} was evacuated`, ...mine.map((m) => m.status));
      const there = before.filter((s) => s.host === hostOf(node));
      await judgeReturned(lab, node, { servers: there, stayed: there.map((s) => s.id) });
      const running = there.filter((s) => s.status === 'ACTIVE');
      const unnamed = running.filter((s) => !lab.timeline.agentLog.some((l) => l.includes(s.id)));
      lab.check(
        unnamed.length === 0,
        `the log names each instance that was started again on ${node}`,
        ...unnamed.map((s) => s.name),
      );
    }
  },
};
export default scenario;
