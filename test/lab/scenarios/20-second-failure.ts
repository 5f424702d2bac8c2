import type { Server } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import { judgeReturned, waitReleased } from '../driver/return.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';

const scenario: Scenario = {
  title: 'a node fails again right after it was released',
  seconds: 240,
  async run(lab) {
    const { cloud } = lab;
    const all: Server[] = [];
    for (const time of ['first', 'second']) {
      await control('boot-delay', NODE, 'never');
      all.push(...(await cloud.boot(3, NODE, time)));
      await lab.losePower(NODE, ` for the ${time} time`);
      await lab.waitEvacuated(NODE, 150);
      await control('power-on', NODE);
      await waitReleased(lab, NODE, 120);
      await lab.judgeEvacuated(
        all.filter((s) => s.name.startsWith(time)),
        NODE,
      );
    }
    const offs = lab.timeline.powerLog.filter((l) => l.startsWith(`off ${NODE} `)).length;
    lab.check(offs === 2, `${NODE} was fenced twice`, `${offs} times`);
    await judgeReturned(lab, NODE, { servers: all });
  },
};
export default scenario;
