import { waitFor } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import type { Scenario } from '../driver/scenario.ts';
import { COMPUTES } from '../driver/settings.ts';

const NODE = 'comp0';
const BACK = 'comp2';

const scenario: Scenario = {
  title: 'no host is left: the instances are reported as failed, and evacuated as soon as a host is back',
  seconds: 300,
  async run(lab) {
    const { cloud, cluster } = lab;
    await control('boot-delay', NODE, 'never');
    const before = await cloud.boot(5, NODE, 'vm');
    for (const node of COMPUTES.filter((n) => n !== NODE)) {
      await cloud.setService(node, { status: 'disabled', disabled_reason: 'scenario 6b' });
    }
    lab.say(`5 active instances on ${NODE}`);
    lab.fault('every other compute service is disabled');

    lab.fault(`the cable of ${NODE} is cut`);
    await control('cut', NODE);
    const failure = await waitFor('the cluster shows NovaEvacuate as degraded', 120, async () => {
      const { failures } = await cluster.status();
      return failures.find((f) => f.operation.startsWith('nova-evacuate_monitor') && f.exitCode === '190');
    });
    lab.say(`crm_mon: OCF_DEGRADED (${failure.exitReason})`);
    lab.check(
      /fail/i.test(failure.exitReason),
      'the exit reason says that instances failed',
      failure.exitReason,
    );
    const attributes = await waitFor('the progress attribute counts the failed', 60, async () => {
      const shown = (await cluster.status()).attributes.filter((a) => a.includes(' evacuation-'));
      return shown.some((a) => /fail/i.test(a)) ? shown : undefined;
    });
    lab.say(`crm_mon -A: ${attributes.join(', ')}`);
    lab.check(!(await cluster.mark(NODE)).permanent?.startsWith('no'), 'the mark is kept meanwhile');

    lab.fault(`the compute service of ${BACK} is enabled again`);
    await cloud.setService(BACK, { status: 'enabled' });
    await lab.waitEvacuated(NODE, 200);

    await lab.judgeFencedOnce(NODE);
    await lab.judgeEvacuated(before, NODE, true);
  },
};
export default scenario;
