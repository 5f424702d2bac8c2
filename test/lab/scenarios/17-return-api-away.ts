import { control } from '../driver/node.ts';
import { manageNovaCompute, RESOURCE } from '../driver/novaCompute.ts';
import { judgeReturned, waitReleased } from '../driver/return.ts';
import type { Scenario } from '../driver/scenario.ts';

const UNMANAGED = 'comp0';
const MANAGED = 'comp1';
const NODES = [UNMANAGED, MANAGED];

const scenario: Scenario = {
  title: "Nova's API is away while two nodes return, and back 30 s later",
  seconds: 300,
  async run(lab) {
    const { cloud, cluster } = lab;
    await manageNovaCompute(lab, [MANAGED], { runtime: 'process' });
    for (const node of NODES) await control('boot-delay', node, 'never');
    const before = [...(await cloud.boot(3, UNMANAGED, 'vm-a')), ...(await cloud.boot(3, MANAGED, 'vm-b'))];
    lab.say(`3 active instances on ${UNMANAGED} and on ${MANAGED}, which NovaCompute manages`);
    await Promise.all(NODES.map((node) => lab.losePower(node)));
    await Promise.all(NODES.map((node) => lab.waitEvacuated(node, 150)));

    lab.fault("Nova's API is stopped, and the nodes are repaired and boot");
    await control('service', 'kill', 'nova-api');
    await Promise.all(NODES.map((node) => control('power-on', node)));
    await lab.sleep(30_000);
    await control('service', 'start', 'nova-api');
    lab.fault("Nova's API is back");
    await Promise.all(NODES.map((node) => waitReleased(lab, node, 120)));

    for (const node of NODES) {
      await lab.judgeFencedOnce(node);
      await judgeReturned(lab, node, { servers: before });
    }
    const failed = (await cluster.status()).failures.filter((f) => f.operation.startsWith(`${RESOURCE}_`));
    lab.check(
      failed.length === 0,
      'no operation of NovaCompute failed because of it',
      ...failed.map((f) => f.exitReason),
    );
  },
};
export default scenario;
