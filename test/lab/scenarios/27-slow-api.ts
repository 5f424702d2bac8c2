import { FlightWatch } from '../driver/flights.ts';
import { control } from '../driver/node.ts';
import { NovaProxy, slow } from '../driver/proxy.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';
const COUNT = 40;
/** More evacuations than this at the same time make this API slow. */
const BEARABLE = 6;

const scenario: Scenario = {
  title: 'an API that slows down with each evacuation under way: fewer at once, and no request is repeated',
  seconds: 300,
  async run(lab) {
    const { cloud } = lab;
    await control('boot-delay', NODE, 'never');
    const before = await cloud.boot(COUNT, NODE, 'vm');
    // Long enough that what is under way is what the agent chose, not how fast this machine is.
    await control('spawn-delay', 'all', '3');
    const proxy = await NovaProxy.putInFront(lab);
    const watch = new FlightWatch(lab, [NODE]);
    const pace = { perRequestMs: 350, bearable: BEARABLE, perEvacuationMs: 700 };
    proxy.behaviour = slow(() => watch.now, pace);
    lab.say(
      `${COUNT} active instances on ${NODE}; an answer takes ${pace.perRequestMs} ms more for each request that is under way, and ` +
        `${pace.perEvacuationMs} ms for each evacuation above ${BEARABLE}; a rebuild takes 3 s longer than it needs`,
    );

    await lab.losePower(NODE);
    await lab.waitEvacuated(NODE, 240);

    await lab.judgeFencedOnce(NODE);
    await lab.judgeEvacuated(before, NODE);
    proxy.judgeAsked(lab, before);
    const posts = proxy.evacuations;
    const first = posts[0]?.at ?? 0;
    const later = posts[Math.floor(COUNT / 2)]?.at ?? 0;
    const [begin, end] = [watch.most(first), watch.most(later)];
    lab.say(`at most ${begin} in flight, ${end} in the second half; slowest answer ${proxy.slowestMs} ms`);
    lab.check(end < 16, 'fewer at once than the 16 that it begins with', `${end}`);
    const said = lab.timeline.agentLog.filter((l) => /concurren|at once|at the same time/i.test(l));
    lab.check(said.length > 0, 'the log says so');
  },
};
export default scenario;
