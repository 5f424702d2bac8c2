import { control } from '../driver/node.ts';
import { manageNovaCompute } from '../driver/novaCompute.ts';
import { judgeReturned, waitReleased } from '../driver/return.ts';
import type { Scenario } from '../driver/scenario.ts';

const UNMANAGED = 'comp0';
const MANAGED = 'comp1';
const NODES = [UNMANAGED, MANAGED];
const REASON = 'broken fan, ticket 4711';

const scenario: Scenario = {
  title: 'two hosts that an operator had disabled fail and return: they stay disabled',
  seconds: 240,
  async run(lab) {
    const { cloud } = lab;
    await manageNovaCompute(lab, [MANAGED], { runtime: 'process' });
    for (const node of NODES) await control('boot-delay', node, 'never');
    const before = [...(await cloud.boot(3, UNMANAGED, 'vm-a')), ...(await cloud.boot(3, MANAGED, 'vm-b'))];
    for (const node of NODES) await cloud.setService(node, { status: 'disabled', disabled_reason: REASON });
    lab.say(
      `3 active instances on ${UNMANAGED} and on ${MANAGED}, which NovaCompute manages; both disabled: ${REASON}`,
    );

    await Promise.all(NODES.map((node) => lab.losePower(node)));
    await Promise.all(NODES.map((node) => lab.waitEvacuated(node, 150)));
    lab.fault('they are repaired, and boot');
    await Promise.all(NODES.map((node) => control('power-on', node)));
    await Promise.all(NODES.map((node) => waitReleased(lab, node, 120)));

    for (const node of NODES) {
      await lab.judgeFencedOnce(node);
      await judgeReturned(lab, node, { servers: before, disabledReason: REASON });
    }
  },
};
export default scenario;
