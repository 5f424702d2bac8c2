import { NOT_EVACUABLE, type Server } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';

const scenario: Scenario = {
  title: 'the cable of a node with 20 instances of mixed states is cut',
  seconds: 240,
  async run(lab) {
    const { cloud } = lab;
    await control('boot-delay', NODE, 'never');
    const booted = await cloud.boot(20, NODE, 'vm');
    const nth = (from: number, to: number): Server[] => booted.slice(from, to);
    const [untagged] = await cloud.boot(1, NODE, 'untagged', { flavor: NOT_EVACUABLE });
    for (const server of nth(12, 17)) await cloud.action(server.id, 'os-stop');
    for (const server of nth(17, 18)) await cloud.action(server.id, 'pause');
    for (const server of nth(18, 19)) await cloud.action(server.id, 'suspend');
    for (const server of [...nth(11, 12), ...nth(16, 17)]) await cloud.action(server.id, 'lock');
    for (const server of nth(19, 20)) {
      await cloud.request('POST', `/servers/${server.id}/action`, { 'os-resetState': { state: 'error' } });
    }
    const before = await cloud.waitServers('the mixed states', 60, (all) => {
      const count = (status: string): number =>
        all.filter((s) => s.status === status && s.taskState === null).length;
      const reached = count('SHUTOFF') === 5 && count('PAUSED') === 1 && count('SUSPENDED') === 1;
      return reached && count('ERROR') === 1 ? all.filter((s) => s.id !== untagged?.id) : undefined;
    });
    lab.say(
      `20 instances on ${NODE}: 12 active, 5 stopped, 1 paused, 1 suspended, 1 in error; 2 of them locked; and one untagged`,
    );

    lab.fault(`the cable of ${NODE} is cut`);
    await control('cut', NODE);
    await lab.waitEvacuated(NODE, 150);

    const refused = before.filter((s) => s.status === 'PAUSED' || s.status === 'SUSPENDED');
    await lab.judgeFencedOnce(NODE);
    await lab.judgeEvacuated(
      before.filter((s) => !refused.includes(s)),
      NODE,
    );
    const now = await cloud.servers();
    const migrations = await cloud.evacuations();
    const left = now.find((s) => s.id === untagged?.id)?.host === untagged?.host;
    lab.check(left, 'the instance whose flavour is not tagged is left where it is');
    for (const server of refused) {
      const same = now.find((s) => s.id === server.id);
      const untouched = same?.host === server.host && same.status === server.status;
      const asked = migrations.some((m) => m.server === server.id);
      lab.check(untouched && !asked, `the ${server.vmState} instance is left where it is`);
      const named = lab.timeline.agentLog.some((l) => l.includes(server.id) && l.includes(server.vmState));
      lab.check(named, `the log names the ${server.vmState} instance and why it is left`);
    }
  },
};
export default scenario;
