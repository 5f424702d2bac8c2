import { control } from '../driver/node.ts';
import type { Scenario } from '../driver/scenario.ts';
import { hostOf } from '../driver/settings.ts';

const NODE = 'comp0';
const BROKEN = 'comp1';
const OTHERS = ['comp2', 'comp3'];

const scenario: Scenario = {
  title: 'one nova-compute refuses to spawn: the instances land elsewhere on retry',
  seconds: 300,
  async run(lab) {
    const { cloud } = lab;
    await control('boot-delay', NODE, 'never');
    const before = await cloud.boot(9, NODE, 'vm');
    // Nova's scheduler prefers the emptiest host: let that be the broken one.
    for (const node of OTHERS) await cloud.boot(2, node, `resident-${node}`);
    await control('spawn-fail', BROKEN, 'on');
    lab.say(`9 active instances on ${NODE}`);
    lab.fault(`nova-compute of ${BROKEN} fails every rebuild`);

    lab.fault(`the cable of ${NODE} is cut`);
    await control('cut', NODE);
    await lab.waitEvacuated(NODE, 200);

    await lab.judgeFencedOnce(NODE);
    await lab.judgeEvacuated(before, NODE, true);
    const tried = (await cloud.evacuations(hostOf(NODE))).filter((m) => m.destination === hostOf(BROKEN));
    const failed = tried.filter((m) => m.status === 'failed' || m.status === 'error').length;
    lab.check(failed > 0 && failed === tried.length, `${BROKEN} was tried, and every rebuild there failed`);
  },
};
export default scenario;
