import { NOT_EVACUABLE } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import { judgeReturned, waitReleased } from '../driver/return.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';

const scenario: Scenario = {
  title: 'an evacuated node returns; NovaCompute does not manage its nova-compute: NovaEvacuate releases it',
  seconds: 240,
  async run(lab) {
    const { cloud, cluster } = lab;
    await control('boot-delay', NODE, 'never');
    const booted = await cloud.boot(8, NODE, 'vm');
    const [untagged] = await cloud.boot(1, NODE, 'untagged', { flavor: NOT_EVACUABLE });
    for (const server of booted.slice(6)) await cloud.action(server.id, 'os-stop');
    const before = await cloud.waitServers('two stopped', 60, (all) => {
      const stopped = all.filter((s) => s.status === 'SHUTOFF' && s.taskState === null);
      return stopped.length === 2 ? all : undefined;
    });
    lab.say(`9 instances on ${NODE}: 7 active, one of them not to be evacuated, and 2 stopped`);

    await lab.losePower(NODE);
    await lab.waitEvacuated(NODE, 150);
    lab.fault(`${NODE} is repaired, and boots; its nova-compute starts by itself`);
    await control('power-on', NODE);
    await waitReleased(lab, NODE, 90);

    await lab.judgeFencedOnce(NODE);
    await lab.judgeEvacuated(
      before.filter((s) => s.id !== untagged?.id),
      NODE,
    );
    await judgeReturned(lab, NODE, { servers: before, stayed: [untagged?.id ?? ''] });
    const unfenced = (await cluster.status()).startedOn('compute-unfence-trigger').includes(NODE);
    lab.check(unfenced, `compute-unfence-trigger, which requires unfencing, runs on ${NODE} again`);
  },
};
export default scenario;
