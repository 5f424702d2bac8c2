import { waitFor } from '../driver/cloud.ts';
import { control } from '../driver/node.ts';
import type { Scenario } from '../driver/scenario.ts';
import { hostOf } from '../driver/settings.ts';
import { waitExitReason, waitProgress } from '../driver/shown.ts';

const NODE = 'comp0';
const TARGET = 'comp1';
const LATER = 'comp2';
const CLOSED = [LATER, 'comp3'];
const FLAVOR = 'm1.big';

const scenario: Scenario = {
  title:
    'room for half of the big instances only: what fits goes, the rest waits and is named, and follows when a host is enabled',
  seconds: 240,
  async run(lab) {
    const { cloud } = lab;
    await control('boot-delay', NODE, 'never');
    for (const node of CLOSED) {
      await cloud.setService(node, { status: 'disabled', disabled_reason: 'scenario 26' });
    }
    // Room for two of them and no third on the only host that is enabled.
    const memory = Math.floor((await cloud.freeMemory(TARGET)) / 2) - 1024;
    await cloud.makeFlavor(FLAVOR, memory);
    lab.afterwards(() => cloud.request('DELETE', `/flavors/${FLAVOR}`, undefined, [404]));
    const big = [
      ...(await cloud.boot(2, NODE, 'big', { flavor: FLAVOR })),
      ...(await cloud.boot(1, TARGET, 'resident', { flavor: FLAVOR })),
    ].filter((s) => s.host === hostOf(NODE));
    const small = await cloud.boot(4, NODE, 'small');
    const before = [...big, ...small];
    lab.say(
      `2 big instances (${memory} MB) and 4 small ones on ${NODE}; ${TARGET} has room for one of the big ones`,
    );

    await lab.losePower(NODE);
    const done = (s: { readonly id: string }[]): Promise<number> =>
      cloud
        .evacuations(hostOf(NODE))
        .then((all) => all.filter((m) => m.status === 'done' && s.some((one) => one.id === m.server)).length);
    await waitFor('what fits evacuated', 120, async () => ((await done(before)) === 5 ? true : undefined));
    await waitProgress(lab, NODE, /5\/6 done.*1 deferred/, 30);
    const reason = await waitExitReason(lab, /room|capacity|fit/i, 75);
    lab.check(reason.includes(NODE), 'the exit reason names the host', reason);
    const asked = await cloud.evacuations(hostOf(NODE));
    const waiting = big.filter((s) => !asked.some((m) => m.server === s.id));
    lab.check(waiting.length === 1, 'what does not fit was not asked for', `${waiting.length} of 2 big ones`);
    const now = await cloud.servers();
    const inError = now.filter((s) => before.some((b) => b.id === s.id) && s.status === 'ERROR');
    lab.check(
      inError.length === 0,
      'no instance is in ERROR meanwhile',
      ...inError.map((s) => s.fault ?? s.name),
    );
    const named = waiting.every((s) =>
      lab.timeline.agentLog.some((l) => l.includes(s.id) && /room|fit/i.test(l)),
    );
    lab.check(named, 'the log names the instance that waits for room');
    lab.check(
      (await cloud.service(NODE)).forcedDown && !(await lab.cluster.mark(NODE)).permanent?.startsWith('no'),
      'the mark is kept meanwhile',
    );

    lab.fault(`the compute service of ${LATER} is enabled again`);
    await cloud.setService(LATER, { status: 'enabled' });
    await lab.waitEvacuated(NODE, 90);
    await lab.judgeFencedOnce(NODE);
    await lab.judgeEvacuated(before, NODE);
  },
};
export default scenario;
