import { control } from '../driver/node.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';

const scenario: Scenario = {
  title: "Nova's API is stopped before a node is lost, and back 60 s later",
  seconds: 300,
  async run(lab) {
    const { cloud } = lab;
    await control('boot-delay', NODE, 'never');
    const before = await cloud.boot(8, NODE, 'vm');
    lab.say(`8 active instances on ${NODE}`);

    lab.fault("Nova's API is stopped");
    await control('service', 'kill', 'nova-api');
    const stopped = Date.now();
    lab.fault(`the cable of ${NODE} is cut`);
    await control('cut', NODE);
    await lab.waitMarked(NODE);
    await lab.sleep(stopped + 60_000 - Date.now());
    await control('service', 'start', 'nova-api');
    lab.fault("Nova's API is back");
    await lab.waitEvacuated(NODE, 150);

    await lab.judgeFencedOnce(NODE);
    lab.judgePoweredOffOnce(NODE);
    await lab.judgeEvacuated(before, NODE);
  },
};
export default scenario;
