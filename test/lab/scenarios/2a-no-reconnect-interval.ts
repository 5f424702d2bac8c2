import { control } from '../driver/node.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';

const scenario: Scenario = {
  title: 'reconnect_interval is not set: Pacemaker forgets the transient mark as soon as the fencing is over',
  seconds: 240,
  async run(lab) {
    const { cloud, cluster } = lab;
    const parameter = ['crm_resource', '-r', NODE, '-p', 'reconnect_interval'];
    await cluster.ask(['crm_resource', '-r', NODE, '-d', 'reconnect_interval']);
    lab.afterwards(() => cluster.ask([...parameter, '-v', '5s']));
    await control('boot-delay', NODE, 'never');
    const before = await cloud.boot(8, NODE, 'vm');
    await cluster.waitReady(60);
    lab.say(`8 active instances on ${NODE}, whose connection has no reconnect_interval`);

    lab.fault(`the cable of ${NODE} is cut`);
    await control('cut', NODE);
    await lab.waitEvacuated(NODE, 150);

    await lab.judgeFencedOnce(NODE);
    await lab.judgeEvacuated(before, NODE);
  },
};
export default scenario;
