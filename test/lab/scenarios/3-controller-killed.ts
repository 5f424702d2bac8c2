import { waitFor } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';

const scenario: Scenario = {
  title: 'the controller that runs NovaEvacuate loses its power in mid-evacuation',
  seconds: 300,
  async run(lab) {
    const { cloud, cluster } = lab;
    await control('boot-delay', NODE, 'never');
    const before = await cloud.boot(20, NODE, 'vm');
    await control('spawn-delay', 'all', '5');
    lab.say(`20 active instances on ${NODE}; a rebuild takes 5 s longer than it needs`);

    lab.fault(`the cable of ${NODE} is cut`);
    await control('cut', NODE);
    await waitFor('evacuations under way', 120, async () =>
      (await lab.inFlight(NODE)).length >= 5 ? true : undefined,
    );
    const controller = await cluster.nodeOf('nova-evacuate');
    lab.fault(`${controller}, which runs NovaEvacuate, loses its power`);
    await control('boot-delay', controller, '20');
    await control('power-off', controller);
    const killed = Date.now();
    const successor = await waitFor('another evacuator at work', 120, async () => {
      const { transient } = await cluster.mark(NODE).catch(() => ({ transient: undefined }));
      return transient?.includes('@') && !transient.startsWith(`${controller}@`) ? transient : undefined;
    });
    const seconds = Math.round((Date.now() - killed) / 1000);
    // A claim counts as dead after 60 s; it may have been refreshed in the very second of the kill.
    lab.check(
      seconds <= 65,
      'another evacuator took over within a minute',
      `${successor} after ${seconds} s`,
    );
    await lab.waitEvacuated(NODE, 150);

    await lab.judgeFencedOnce(NODE);
    await lab.judgeFencedOnce(controller);
    await lab.judgeEvacuated(before, NODE);
  },
};
export default scenario;
