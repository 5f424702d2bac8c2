import { waitFor } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import { setParameters } from '../driver/resource.ts';
import type { Scenario } from '../driver/scenario.ts';
import { hostOf } from '../driver/settings.ts';
import { sayToCluster, sayToNode, waitExitReason, waitProgress } from '../driver/shown.ts';

/** Lost in this order, so that the limit is about the last one. */
const NODES = ['comp0', 'comp1', 'comp2'];
const [FIRST = '', SECOND = '', LAST = ''] = NODES;

const scenario: Scenario = {
  title:
    'an operator pauses and lets go; a limit defers the host that failed last until the operator overrides it',
  seconds: 300,
  async run(lab) {
    const { cloud, cluster } = lab;
    await setParameters(lab, { max_failed_percent: '50', max_hosts_at_once: '1' });
    for (const node of NODES) {
      await control('boot-delay', node, 'never');
      lab.afterwards(() => sayToNode(lab, node, null));
    }
    const boot = async (node: string) => [node, await cloud.boot(3, node, `vm-${node}`)] as const;
    const servers = new Map(await Promise.all(NODES.map(boot)));
    lab.say(`3 active instances on each of ${NODES.join(', ')}; limits: half of the hosts, one at a time`);
    const evacuator = await cluster.nodeOf('nova-evacuate');
    const startsBefore = lab.timeline.starts('nova-evacuate');
    lab.afterwards(() =>
      cluster.ask(['crm_attribute', '--type', 'crm_config', '--name', 'evacuation', '--delete']),
    );

    await sayToCluster(lab, 'pause');
    for (const node of NODES) {
      await lab.losePower(node);
      await lab.waitMarked(node);
    }
    for (const node of NODES) await waitProgress(lab, node, /pause/i, 45);
    await waitExitReason(lab, /pause/i, 30);
    const asked = async (node: string): Promise<number> => (await cloud.evacuations(hostOf(node))).length;
    const during = await Promise.all(NODES.map(asked));
    lab.check(
      during.every((n) => n === 0),
      'nothing is evacuated while evacuation=pause',
      during.join(),
    );
    const down = await Promise.all(NODES.map(async (node) => (await cloud.service(node)).forcedDown));
    lab.check(down.every(Boolean), 'the hosts are held down all the same');

    await sayToCluster(lab, null);
    await lab.waitEvacuated(FIRST, 60);
    await lab.waitEvacuated(SECOND, 60);
    const [first, second] = await Promise.all([FIRST, SECOND].map((node) => cloud.evacuations(hostOf(node))));
    const ended = (first ?? []).map((m) => m.updatedAt);
    const inTurn = (second ?? []).every((m) => ended.every((end) => m.createdAt >= end));
    lab.check(inTurn, `${SECOND} was begun when ${FIRST} was done: one host at a time`);
    await waitProgress(lab, LAST, /defer|limit|max_failed/i, 45);
    // Pacemaker shows a new exit reason only when the exit code changes, so that this one is in the log.
    const said = lab.timeline.agentLog.some(
      (l) => l.includes(`${LAST} is deferred`) && /max_failed_percent/.test(l),
    );
    lab.check(said, 'the log names the host that is deferred, and the limit');
    lab.check((await asked(LAST)) === 0, `${LAST}, above the limit, is not evacuated`);

    await sayToCluster(lab, 'pause');
    await sayToNode(lab, LAST, 'go');
    await lab.waitEvacuated(LAST, 60);
    lab.say(`the node's go was stronger than the limit and than the cluster's pause`);
    for (const node of NODES) {
      await lab.judgeFencedOnce(node);
      await lab.judgeEvacuated(servers.get(node) ?? [], node);
    }
    const now = await cluster.nodeOf('nova-evacuate');
    const starts = lab.timeline.starts('nova-evacuate') - startsBefore;
    lab.check(
      now === evacuator && starts === 0,
      'NovaEvacuate was not restarted for any of it',
      `${starts} starts`,
    );
    await waitFor(
      'nothing is reported as open any more',
      40,
      async () => lab.timeline.monitorResult === 'ok' || undefined,
    );
  },
};
export default scenario;
