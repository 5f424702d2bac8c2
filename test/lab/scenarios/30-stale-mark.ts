import { waitFor } from '../driver/cloud.ts';
import type { Scenario } from '../driver/scenario.ts';
import { hostOf } from '../driver/settings.ts';
import { progress, waitExitReason } from '../driver/shown.ts';

const NODE = 'comp1';

const scenario: Scenario = {
  title: 'a mark on a host that lives: not evacuated, not forced down, and named',
  seconds: 180,
  async run(lab) {
    const { cloud, cluster } = lab;
    const before = await cloud.boot(4, NODE, 'vm');
    lab.say(`4 active instances on ${NODE}, which is well`);

    lab.fault(`a mark is left on ${NODE}, by hand: both copies`);
    await cluster.ask(['crm_attribute', '-N', NODE, '-n', 'evacuate', '-l', 'forever', '-v', 'yes']);
    await cluster.ask(['attrd_updater', '-n', 'evacuate', '-N', NODE, '-U', 'yes']);
    const marked = Date.now();
    const reason = await waitExitReason(lab, new RegExp(NODE), 60);
    const shown = await progress(lab, NODE);
    lab.check(shown !== '', 'crm_mon -A names the host', shown);
    lab.check(/not evacuated/i.test(reason), 'the exit reason says that it is not evacuated', reason);
    // Longer than any watch for a returning host lasts.
    await lab.sleep(marked + 40_000 - Date.now());

    const asked = (await cloud.evacuations(hostOf(NODE))).length;
    lab.check(asked === 0, 'nothing was evacuated', `${asked} requests`);
    const { state, status, forcedDown } = await cloud.service(NODE);
    const used = state === 'up' && status === 'enabled' && !forcedDown;
    lab.check(used, 'Nova uses the host as before', `${state}, ${status}, forced down: ${forcedDown}`);
    const now = await cloud.servers();
    const same = before.every((b) =>
      now.some((s) => s.id === b.id && s.host === b.host && s.status === 'ACTIVE'),
    );
    const live = before.every((b) => lab.domains.liveOn(b.id).join() === NODE);
    lab.check(same && live, 'its instances ran on');
    const named = lab.timeline.agentLog.some((l) => l.includes(NODE) && /not evacuated/i.test(l));
    lab.check(named, 'the log names the host, and says that it is not evacuated');

    lab.fault('the operator takes the mark away');
    await cluster.ask(['crm_attribute', '-N', NODE, '-n', 'evacuate', '-l', 'forever', '-D']);
    await cluster.ask(['attrd_updater', '-n', 'evacuate', '-N', NODE, '-D']);
    await waitFor('nothing is reported any more', 40, async () => {
      const shown = await progress(lab, NODE);
      return (shown === '' && lab.timeline.monitorResult === 'ok') || undefined;
    });
  },
};
export default scenario;
