import { waitFor } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';

const scenario: Scenario = {
  title:
    'the fenced node has rebooted and rejoined, nova-compute runs again, and only then comes the first pass',
  seconds: 240,
  async run(lab) {
    const { cloud, cluster } = lab;
    const before = await cloud.boot(8, NODE, 'vm');
    const role = ['crm_resource', '-r', 'nova-evacuate', '--meta', '-p', 'target-role', '-v'];
    await cluster.ask([...role, 'Stopped']);
    lab.afterwards(() => cluster.ask(['crm_resource', '-r', 'nova-evacuate', '--meta', '-d', 'target-role']));
    lab.say(`8 active instances on ${NODE}; NovaEvacuate is stopped, so that its first pass comes late`);

    lab.fault(`${NODE} loses its power`);
    await control('power-off', NODE);
    await waitFor(`${NODE} fenced`, 60, async () => {
      const { fencing } = await cluster.status();
      return (
        fencing.some((e) => e.target === NODE && e.action !== 'on' && e.status === 'success') || undefined
      );
    });
    await waitFor(`${NODE} back in the cluster`, 90, async () => {
      return (await cluster.status()).online.includes(NODE) || undefined;
    });
    lab.say(`${NODE} is back; NovaEvacuate starts now`);
    const { permanent } = await cluster.mark(NODE);
    lab.check(permanent === 'yes', 'the mark has survived the rejoin', `permanent copy: ${permanent}`);
    await cluster.ask([...role, 'Started']);
    await lab.waitEvacuated(NODE, 120);

    await lab.judgeFencedOnce(NODE);
    await lab.judgeEvacuated(before, NODE);
  },
};
export default scenario;
