import { waitFor } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import { passEvery, passPid } from '../driver/pass.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';
const KILLS = 10;

/** As Pacemaker does when a monitor is late: the process group, without a warning. False when it has ended by itself. */
function killGroup(pid: number): boolean {
  try {
    return process.kill(-pid, 'SIGKILL');
  } catch {
    return false;
  }
}

const scenario: Scenario = {
  title: `the pass is killed with SIGKILL at random points, ${KILLS} times in a row`,
  seconds: 400,
  async run(lab) {
    const { cloud, cluster } = lab;
    // Passes every 2 s instead of every 10 s, so that ten kills fit into one evacuation.
    await passEvery(lab, '2s');
    // TripleO's value; see scenario 7: a dead node that Pacemaker tries to reach again may be fenced again.
    const reconnect = ['crm_resource', '-r', NODE, '-p', 'reconnect_interval', '-v'];
    await cluster.ask([...reconnect, '60s']);
    lab.afterwards(() => cluster.ask([...reconnect, '5s']));
    await control('boot-delay', NODE, 'never');
    const before = await cloud.boot(40, NODE, 'vm');
    await control('spawn-delay', 'all', '8');
    lab.say(`40 active instances on ${NODE}; a rebuild takes 8 s longer than it needs`);

    lab.fault(`the cable of ${NODE} is cut`);
    await control('cut', NODE);
    await lab.waitMarked(NODE);
    const atWork: number[] = [];
    let missed = 0;
    for (let kill = 1; kill <= KILLS; kill += 1) {
      await waitFor('a pass', 60, async () => passPid(), 20);
      // One that was killed keeps the next from asking for a while, so the first has to have asked for something.
      if (kill === 1)
        await waitFor('evacuations', 60, async () => (await lab.inFlight(NODE)).length > 0 || undefined);
      const delay = Math.round((Math.random() * 2500) / (1 + 4 * missed));
      await lab.sleep(delay);
      const { length } = await lab.inFlight(NODE);
      const pid = passPid();
      if (pid === undefined || !killGroup(pid)) {
        // A pass with nothing to do is over in a tenth of a second.
        kill -= 1;
        missed += 1;
        continue;
      }
      missed = 0;
      lab.fault(`pass ${kill} is killed ${delay} ms after it was seen, ${length} evacuations in flight`);
      if (length > 0) atWork.push(kill);
    }
    lab.check(atWork.length > 0, 'some of the passes were killed while evacuations were in flight');
    await lab.waitEvacuated(NODE, 150);

    await lab.judgeFencedOnce(NODE);
    await lab.judgeEvacuated(before, NODE);
  },
};
export default scenario;
