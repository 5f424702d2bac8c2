import { waitFor } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import { manageNovaCompute } from '../driver/novaCompute.ts';
import { judgeReturned, waitReleased } from '../driver/return.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp1';
const OTHER = 'comp0';
/** Keeps Nova from choosing it as a destination. */
const REASON = 'scenario 23';

const scenario: Scenario = {
  title:
    'another node dies while NovaCompute on a returning node waits for its evacuation: it is fenced at once',
  seconds: 300,
  async run(lab) {
    const { cloud, cluster } = lab;
    await manageNovaCompute(lab, [NODE], { runtime: 'process' });
    for (const node of [NODE, OTHER]) await control('boot-delay', node, 'never');
    const before = await cloud.boot(4, NODE, 'vm');
    const residents = await cloud.boot(2, OTHER, 'resident');
    await cloud.setService(OTHER, { status: 'disabled', disabled_reason: REASON });
    await control('spawn-delay', 'all', '30');
    lab.say(`4 active instances on ${NODE}, 2 on ${OTHER}; a rebuild takes 30 s longer than it needs`);
    await lab.losePower(NODE);
    await waitFor(
      'evacuations in flight',
      120,
      async () => (await lab.inFlight(NODE)).length > 0 || undefined,
    );
    lab.fault(`${NODE} is back while evacuations from it are in flight`);
    await control('power-on', NODE);
    await waitFor(
      'NovaCompute waits',
      60,
      async () =>
        lab.timeline.agentLog.some((l) => l.includes('NovaCompute(') && / waits for /.test(l)) || undefined,
    );
    await control('spawn-delay', 'all', 'off');
    await lab.losePower(OTHER);
    const lost = Date.now();
    await waitFor(`${OTHER} fenced`, 200, async () => {
      const { fencing } = await cluster.status();
      return (
        fencing.some((e) => e.target === OTHER && e.action !== 'on' && e.status === 'success') || undefined
      );
    });
    const seconds = Math.round((Date.now() - lost) / 1000);
    const waiting = (await lab.inFlight(NODE)).length > 0;
    lab.check(seconds <= 20, `${OTHER} was fenced without waiting for NovaCompute`, `after ${seconds} s`);
    lab.check(waiting, `evacuations from ${NODE} were still in flight then`);
    await waitReleased(lab, NODE, 150);
    await lab.waitEvacuated(OTHER, 120);
    await lab.judgeEvacuated(before, NODE);
    await lab.judgeEvacuated(residents, OTHER);
    await control('power-on', OTHER);
    await waitReleased(lab, OTHER, 120);
    await judgeReturned(lab, NODE, { servers: before });
    await judgeReturned(lab, OTHER, { servers: residents, disabledReason: REASON });
  },
};
export default scenario;
