import { control } from '../driver/node.ts';
import { setParameters } from '../driver/resource.ts';
import { judgeReturned, waitReleased } from '../driver/return.ts';
import type { Scenario } from '../driver/scenario.ts';

const LOCAL = 'comp0';
const SHARED = 'comp1';

const scenario: Scenario = {
  title:
    'no_shared_storage=false: instances whose disks are on the dead host are left with them; on shared storage they go',
  seconds: 300,
  async run(lab) {
    const { cloud } = lab;
    await setParameters(lab, { no_shared_storage: 'false' });
    for (const node of [LOCAL, SHARED]) await control('boot-delay', node, 'never');
    const local = await cloud.boot(6, LOCAL, 'local');
    const shared = await cloud.boot(4, SHARED, 'shared');
    lab.say(`6 active instances on ${LOCAL}, 4 on ${SHARED}; their disks are local`);

    await lab.losePower(LOCAL);
    await lab.waitEvacuated(LOCAL, 90);
    const named = local.filter((s) =>
      lab.timeline.agentLog.some((l) => l.includes(s.id) && /its disk/.test(l)),
    );
    lab.check(named.length === local.length, 'the log names each instance that is left, and why');
    const now = await cloud.servers();
    const gone = local.filter((s) => now.find((n) => n.id === s.id)?.host !== s.host);
    lab.check(gone.length === 0, 'all of them are still on their host', ...gone.map((s) => s.name));
    const rebuilt = local.filter((s) => lab.domains.definedOn(s.id).join() !== LOCAL);
    lab.check(
      rebuilt.length === 0,
      'none was rebuilt elsewhere, with an empty disk',
      ...rebuilt.map((s) => s.name),
    );
    const asked = (await cloud.evacuations()).filter((m) => local.some((s) => s.id === m.server));
    lab.check(
      asked.length <= 3 * local.length,
      'Nova was asked three times for each at most',
      `${asked.length} records`,
    );

    lab.fault('the disks are on shared storage now');
    await control('shared-storage', 'on');
    await lab.losePower(SHARED);
    await lab.waitEvacuated(SHARED, 90);
    await lab.judgeFencedOnce(SHARED);
    await lab.judgeEvacuated(shared, SHARED);

    lab.fault('both are repaired, and boot');
    await Promise.all([LOCAL, SHARED].map((node) => control('power-on', node)));
    await Promise.all([LOCAL, SHARED].map((node) => waitReleased(lab, node, 120)));
    await judgeReturned(lab, LOCAL, { servers: local, stayed: local.map((s) => s.id) });
    await judgeReturned(lab, SHARED, { servers: shared });
  },
};
export default scenario;
