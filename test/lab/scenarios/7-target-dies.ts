import { waitFor } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import type { Scenario } from '../driver/scenario.ts';
import { hostOf } from '../driver/settings.ts';

const NODE = 'comp0';
const TARGET = 'comp1';
const OTHERS = ['comp2', 'comp3'];

const scenario: Scenario = {
  title: 'the target dies in mid-evacuation: the instances end up on a third host',
  seconds: 360,
  async run(lab) {
    const { cloud, cluster } = lab;
    // TripleO's value. While Pacemaker tries to reconnect a dead node it does nothing else for as long as that takes, and
    // takes the node for online; what dies in that very time may be moved there, and the dead node is fenced again.
    const reconnect = ['crm_resource', '-r', NODE, '-p', 'reconnect_interval', '-v'];
    await cluster.ask([...reconnect, '60s']);
    lab.afterwards(() => cluster.ask([...reconnect, '5s']));
    for (const node of [NODE, TARGET]) await control('boot-delay', node, 'never');
    const before = await cloud.boot(5, NODE, 'vm');
    const residents = await cloud.boot(3, TARGET, 'resident');
    for (const node of OTHERS)
      await cloud.setService(node, { status: 'disabled', disabled_reason: 'scenario 7' });
    await control('spawn-delay', TARGET, '600');
    lab.say(
      `5 active instances on ${NODE}, 3 on ${TARGET}, where every rebuild hangs; no other target for now`,
    );

    lab.fault(`the cable of ${NODE} is cut`);
    await control('cut', NODE);
    await waitFor(`all rebuilds under way on ${TARGET}`, 120, async () => {
      const there = (await lab.inFlight(NODE)).filter((m) => m.destination === hostOf(TARGET));
      return there.length === before.length && there.every((m) => m.status === 'pre-migrating')
        ? true
        : undefined;
    });
    for (const node of OTHERS) await cloud.setService(node, { status: 'enabled' });
    lab.fault(`the cable of ${TARGET}, the target, is cut`);
    await control('cut', TARGET);
    await lab.waitEvacuated(TARGET, 200);
    await lab.waitEvacuated(NODE, 200);

    await lab.judgeFencedOnce(NODE);
    await lab.judgeFencedOnce(TARGET);
    await lab.judgeEvacuated(before, NODE, true);
    await lab.judgeEvacuated(residents, TARGET);
    const orphans = (await lab.inFlight(NODE)).filter((m) => m.destination === hostOf(TARGET));
    lab.check(
      orphans.length === before.length && orphans.every((m) => m.status === 'pre-migrating'),
      `the records of the ${before.length} lost rebuilds are still pre-migrating, as Nova leaves them`,
      orphans.map((m) => m.status).join(', '),
    );
  },
};
export default scenario;
