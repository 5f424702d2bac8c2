import { waitFor } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import { holdPasses } from '../driver/pass.ts';
import { judgeReturned, waitReleased } from '../driver/return.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';

const scenario: Scenario = {
  title:
    'the fenced node is back before the first pass, nova-compute runs again; early_return=evacuate: evacuated all the same',
  seconds: 240,
  async run(lab) {
    const { cloud, cluster } = lab;
    // Without unfencing, as in clusters that crmsh set up, nothing but reconnect_interval delays the rejoin.
    const reconnect = ['crm_resource', '-r', NODE, '-p', 'reconnect_interval', '-v'];
    const provides = ['crm_resource', '-r', 'fence-nova', '--meta', '-p', 'provides', '-v'];
    const requires = ['crm_resource', '-r', 'compute-unfence-trigger', '--meta', '-p', 'requires', '-v'];
    await cluster.ask([...provides, 'nothing']);
    lab.afterwards(() => cluster.ask([...provides, 'unfencing']));
    await cluster.ask([...requires, 'fencing']);
    lab.afterwards(() => cluster.ask([...requires, 'unfencing']));
    await cluster.ask(['crm_resource', '-r', 'nova-evacuate', '-p', 'early_return', '-v', 'evacuate']);
    lab.afterwards(() => cluster.ask(['crm_resource', '-r', 'nova-evacuate', '-d', 'early_return']));
    await cluster.ask([...reconnect, '2s']);
    lab.afterwards(() => cluster.ask([...reconnect, '5s']));
    const before = await cloud.boot(8, NODE, 'vm');
    await cluster.waitReady(60);
    lab.say(`8 active instances on ${NODE}; no unfencing, reconnect_interval 2 s`);

    const goOn = await holdPasses(lab);
    lab.fault(`${NODE} loses its power, and no pass comes for a while`);
    await control('power-off', NODE);
    await waitFor(`${NODE} fenced and back in the cluster`, 60, async () => {
      const { fencing, online } = await cluster.status();
      const fenced = fencing.some((e) => e.target === NODE && e.action !== 'on' && e.status === 'success');
      return (fenced && online.includes(NODE)) || undefined;
    });
    const mark = await cluster.mark(NODE);
    const asked = (await cloud.evacuations()).filter((m) => before.some((s) => s.id === m.server)).length;
    lab.say(`${NODE} is back; its mark: permanent ${mark.permanent}, transient ${mark.transient}`);
    lab.check(asked === 0, 'it was back before the first pass');
    lab.check(mark.permanent === 'yes', 'the mark has survived the rejoin');
    await goOn();
    await lab.waitEvacuated(NODE, 120);

    await lab.judgeFencedOnce(NODE);
    await lab.judgeEvacuated(before, NODE);
    // Its nova-compute ran all the time and settles the records when it starts anew.
    await control('kill-compute', NODE);
    await control('start-compute', NODE);
    await waitReleased(lab, NODE, 90);
    await judgeReturned(lab, NODE, { servers: before });
  },
};
export default scenario;
