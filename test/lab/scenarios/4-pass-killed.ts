import { readdirSync, readFileSync } from 'node:fs';
import { waitFor } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';
const KILLS = 10;

/** The pass that runs now, wherever it runs: the process id, seen from the machine, of `NovaEvacuate monitor`. */
function passPid(): number | undefined {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const argv = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
      if (argv[0]?.endsWith('/NovaEvacuate') && argv[1] === 'monitor') return Number(entry);
    } catch {
      // The process has ended meanwhile.
    }
  }
  return undefined;
}

const scenario: Scenario = {
  title: `the pass is killed with SIGKILL at random points, ${KILLS} times in a row`,
  seconds: 300,
  async run(lab) {
    const { cloud } = lab;
    await control('boot-delay', NODE, 'never');
    const before = await cloud.boot(20, NODE, 'vm');
    await control('spawn-delay', 'all', '4');
    lab.say(`20 active instances on ${NODE}; a rebuild takes 4 s longer than it needs`);

    lab.fault(`the cable of ${NODE} is cut`);
    await control('cut', NODE);
    await waitFor('the mark', 60, async () =>
      (await lab.cluster.mark(NODE)).permanent === 'yes' ? true : undefined,
    );
    const atWork: number[] = [];
    for (let kill = 1; kill <= KILLS; kill += 1) {
      await waitFor('a pass', 60, async () => passPid(), 20);
      const delay = Math.round(Math.random() * 2500);
      await lab.sleep(delay);
      const pid = passPid();
      if (pid === undefined) {
        kill -= 1;
        continue;
      }
      const { length } = await lab.inFlight(NODE);
      // As Pacemaker does when a monitor is late: the process group, without a warning.
      process.kill(-pid, 'SIGKILL');
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
