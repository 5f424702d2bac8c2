import { waitFor } from '../driver/cloud.ts';
import { control, onNode } from '../driver/node.ts';
import { manageNovaCompute, waitHeard } from '../driver/novaCompute.ts';
import { judgeReturned, waitReleased } from '../driver/return.ts';
import type { Scenario } from '../driver/scenario.ts';
import { StartWatch } from '../driver/startWatch.ts';

/** Held back by NovaCompute, and by `NovaCompute wait` as ExecStartPre= of its unit. */
const MANAGED = 'comp1';
const UNIT = 'comp2';
const NODES = [MANAGED, UNIT];

const scenario: Scenario = {
  title: 'two nodes return in mid-evacuation: their nova-compute starts only after the last one in flight',
  seconds: 300,
  async run(lab) {
    const { cloud } = lab;
    await manageNovaCompute(lab, [MANAGED], { runtime: 'process' });
    await control('service', 'stop', `nova-compute-${UNIT}`);
    await control('compute-at-boot', UNIT, 'unit');
    lab.afterwards(() => onNode(UNIT, ['systemctl', 'stop', 'openstack-nova-compute']));
    await control('start-compute', UNIT);
    await cloud.waitComputes();
    await waitHeard(cloud, NODES);
    const before = [...(await cloud.boot(4, MANAGED, 'vm-a')), ...(await cloud.boot(4, UNIT, 'vm-b'))];
    for (const node of NODES) await control('boot-delay', node, 'never');
    await control('spawn-delay', 'all', '12');
    lab.say(`4 active instances on ${MANAGED} and on ${UNIT}; a rebuild takes 12 s longer than it needs`);

    await Promise.all(NODES.map((node) => lab.losePower(node)));
    await waitFor('evacuations from both in flight', 120, async () => {
      const counts = await Promise.all(NODES.map(async (node) => (await lab.inFlight(node)).length));
      return counts.every((count) => count > 0) || undefined;
    });
    const watch = new StartWatch(lab, NODES);
    lab.fault(`${NODES.join(' and ')} are back while evacuations from them are in flight`);
    await Promise.all(NODES.map((node) => control('power-on', node)));
    await Promise.all(NODES.map((node) => waitReleased(lab, node, 150)));

    watch.judge();
    for (const node of NODES) {
      await lab.judgeFencedOnce(node);
      await lab.judgeEvacuated(
        before.filter((s) => s.name.startsWith(node === MANAGED ? 'vm-a' : 'vm-b')),
        node,
      );
    }
    await judgeReturned(lab, MANAGED, { servers: before });
    await judgeReturned(lab, UNIT, { servers: before });
  },
};
export default scenario;
