import { control } from '../driver/node.ts';
import { failing, NovaProxy, randomFrom } from '../driver/proxy.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp0';
const COUNT = 24;
const SEED = Number(process.env['LAB_SEED'] ?? Date.now() % 100_000);

const scenario: Scenario = {
  title: `an API that limits the rate, answers 503 and resets connections (LAB_SEED=${SEED}): each is evacuated once`,
  seconds: 300,
  async run(lab) {
    const { cloud } = lab;
    await control('boot-delay', NODE, 'never');
    const before = await cloud.boot(COUNT, NODE, 'vm');
    const proxy = await NovaProxy.putInFront(lab);
    const shares = { perSecond: 4, retryAfter: 2, unavailable: 0.08, resetBefore: 0.04, resetAfter: 0.04 };
    proxy.behaviour = failing(randomFrom(SEED), shares);
    lab.say(
      `${COUNT} active instances on ${NODE}; more than ${shares.perSecond} evacuations a second are refused with 429,`,
    );
    lab.say(
      '8 % of the requests end in 503, 4 % in a reset before they reach Nova, 4 % in a reset of the answer',
    );

    await lab.losePower(NODE);
    await lab.waitEvacuated(NODE, 240);

    await lab.judgeFencedOnce(NODE);
    await lab.judgeEvacuated(before, NODE);
    proxy.judgeAsked(lab, before);
    proxy.judgeRetryAfter(lab, shares.retryAfter);
    const { requests } = proxy;
    const count = (of: (r: (typeof requests)[number]) => boolean): number => requests.filter(of).length;
    const limited = count((r) => r.status === 429);
    const unavailable = count((r) => r.status === 503);
    const lost = proxy.evacuations.filter((r) => r.novaStatus === 200 && r.status === undefined).length;
    const reset = count((r) => r.status === undefined);
    lab.say(
      `of ${requests.length} requests ${limited} ended in 429, ${unavailable} in 503, ${reset} in a reset; ` +
        `${lost} evacuations were accepted whose answer was lost`,
    );
    lab.check(limited > 0 && unavailable > 0 && reset > 0, 'each of these faults happened');
  },
};
export default scenario;
