import { waitFor } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import { computePids } from '../driver/novaCompute.ts';
import { judgeReturned, waitReleased } from '../driver/return.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';

const scenario: Scenario = {
  title: 'the controller that runs NovaEvacuate loses its power while a node returns',
  seconds: 300,
  async run(lab) {
    const { cloud, cluster } = lab;
    await control('boot-delay', NODE, 'never');
    const before = await cloud.boot(5, NODE, 'vm');
    lab.say(`5 active instances on ${NODE}`);
    await lab.losePower(NODE);
    await lab.waitEvacuated(NODE, 150);

    lab.fault(`${NODE} is repaired, and boots`);
    await control('power-on', NODE);
    await waitFor(`nova-compute on ${NODE}`, 30, async () => computePids(NODE).length > 0 || undefined);
    const controller = await cluster.nodeOf('nova-evacuate');
    lab.fault(`${controller}, which runs NovaEvacuate, loses its power`);
    await control('boot-delay', controller, '20');
    await control('power-off', controller);
    await waitReleased(lab, NODE, 120);

    await lab.judgeFencedOnce(NODE);
    await lab.judgeFencedOnce(controller);
    await lab.judgeEvacuated(before, NODE);
    await judgeReturned(lab, NODE, { servers: before });
  },
};
export default scenario;
