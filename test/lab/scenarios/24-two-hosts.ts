import { FlightWatch, mostAtOnce } from '../driver/flights.ts';
import { control } from '../driver/node.ts';
import { setParameters } from '../driver/resource.ts';
import type { Scenario } from '../driver/scenario.ts';
import { hostOf } from '../driver/settings.ts';

const NODES = ['comp0', 'comp1'];
const EACH = 50;
const BOUND = 24;

const scenario: Scenario = {
  title: `two hosts of ${EACH} instances each fail at once: one queue, and a concurrency that finds itself`,
  seconds: 300,
  async run(lab) {
    const { cloud } = lab;
    await setParameters(lab, { concurrency: String(BOUND) });
    for (const node of NODES) await control('boot-delay', node, 'never');
    const booted = NODES.map(async (node) => ({ node, servers: await cloud.boot(EACH, node, `vm-${node}`) }));
    const before = await Promise.all(booted);
    lab.say(`${EACH} active instances on ${NODES.join(' and on ')}`);

    const watch = new FlightWatch(lab, NODES);
    await Promise.all(NODES.map((node) => lab.losePower(node)));
    const lost = Date.now();
    await Promise.all(NODES.map((node) => lab.waitEvacuated(node, 240)));
    lab.say(`all evacuated ${Math.round((Date.now() - lost) / 1000)} s after the power was lost`);

    for (const { node, servers } of before) {
      await lab.judgeFencedOnce(node);
      await lab.judgeEvacuated(servers, node);
    }
    const records = (await cloud.evacuations()).filter((m) =>
      before.some(({ servers }) => servers.some((s) => s.id === m.server)),
    );
    const most = Math.max(watch.most(), mostAtOnce(records));
    lab.check(most <= BOUND, `never more than ${BOUND} evacuations at once, the bound`, `${most}`);
    lab.check(most >= 8, 'many at once', `${most}`);
    // One queue: neither host waits until the other is done.
    const begun = (node: string): string[] =>
      records.filter((m) => m.source === hostOf(node)).map((m) => m.createdAt);
    const [first = [], second = []] = NODES.map(begun);
    const together = (first[0] ?? '') < (second.at(-1) ?? '') && (second[0] ?? '') < (first.at(-1) ?? '');
    lab.check(together, 'the two were evacuated at the same time, not one after the other');
    const own = (await cloud.servers()).filter((s) => NODES.map(hostOf).includes(s.host ?? ''));
    lab.check(own.length === 0, 'nothing is left on the two hosts', ...own.map((s) => s.name));
  },
};
export default scenario;
