import type { Server } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import { passEvery } from '../driver/pass.ts';
import { judgeReturned, waitReleased } from '../driver/return.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';
const LOOPS = 10;

const scenario: Scenario = {
  title: `a node fails and returns ${LOOPS} times: nothing is left behind, nothing drifts`,
  seconds: 500,
  async run(lab) {
    const { cloud } = lab;
    await passEvery(lab, '2s');
    const all: Server[] = [];
    for (let loop = 1; loop <= LOOPS && lab.failures.length === 0; loop += 1) {
      await control('boot-delay', NODE, 'never');
      const fresh = await cloud.boot(2, NODE, `loop${loop}`);
      all.push(...fresh);
      await lab.losePower(NODE, `, ${loop} of ${LOOPS}`);
      await lab.waitEvacuated(NODE, 60);
      await control('power-on', NODE);
      await waitReleased(lab, NODE, 60);
      await lab.judgeEvacuated(fresh, NODE);
      await judgeReturned(lab, NODE, { servers: all });
    }
  },
};
export default scenario;
