import { waitFor } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import { judgeReturned, waitReleased } from '../driver/return.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';

const scenario: Scenario = {
  title:
    'a node returns of whose instances one is paused and one cannot be rebuilt anywhere: both stay, and are named',
  seconds: 240,
  async run(lab) {
    const { cloud } = lab;
    await control('boot-delay', NODE, 'never');
    const booted = await cloud.boot(4, NODE, 'vm');
    const paused = booted.find((s) => s.name === 'vm-3');
    const refused = booted.find((s) => s.name === 'vm-4');
    if (paused === undefined || refused === undefined) throw new Error('no vm-3, vm-4');
    await cloud.action(paused.id, 'pause');
    const before = await cloud.waitServers('one paused', 60, (all) =>
      all.some((s) => s.status === 'PAUSED' && s.taskState === null) ? all : undefined,
    );
    await control('spawn-fail', 'all', refused.id);
    lab.say(`3 active instances and a paused one on ${NODE}; every rebuild of ${refused.name} fails`);

    await lab.losePower(NODE);
    await waitFor('two evacuated, one failed', 120, async () => {
      const done = (await cloud.evacuations()).filter((m) => m.status === 'done').length;
      const now = (await cloud.servers()).find((s) => s.id === refused.id);
      return (done === 2 && now?.status === 'ERROR') || undefined;
    });
    lab.fault(`${NODE} is repaired, and boots`);
    await control('power-on', NODE);
    await waitReleased(lab, NODE, 150);

    await lab.judgeFencedOnce(NODE);
    // What Nova calls paused is off after a power cut; nobody can give it its memory back.
    await judgeReturned(lab, NODE, { servers: before, stayed: [paused.id, refused.id], off: [paused.id] });
    for (const server of [paused, refused]) {
      const named = lab.timeline.agentLog.some((l) => /stay|left|remain/i.test(l) && l.includes(server.id));
      lab.check(named, `the log says by name that ${server.name} stays`);
    }
  },
};
export default scenario;
