import type { Server } from '../driver/cloud.ts';
import { mostAtOnce } from '../driver/flights.ts';
import { control } from '../driver/node.ts';
import { holdPasses } from '../driver/pass.ts';
import { setParameters } from '../driver/resource.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODES = ['comp0', 'comp1'];

/** What is booted, in the order in which it is to be evacuated; alternately on one and the other host. */
const ORDER = [
  { name: 'gateway', metadata: {}, why: 'a rule gives it 950' },
  { name: 'urgent', metadata: { evacuation_priority: '900' }, why: 'its metadata gives it 900' },
  { name: 'db', metadata: { evacuation_priority: '700', evacuation_group: 'db' }, why: 'group db, 700' },
  { name: 'app', metadata: { evacuation_group: 'app' }, why: 'group app, which starts after group db' },
  { name: 'plain', metadata: {}, why: 'the default, 500' },
  { name: 'batch', metadata: { evacuation_priority: '10' }, why: 'its metadata gives it 10' },
];
const EACH = 2;

const scenario: Scenario = {
  title: 'priorities and groups over two hosts: the order shows in the records of Nova',
  seconds: 240,
  async run(lab) {
    const { cloud } = lab;
    await setParameters(lab, { concurrency: '2', priority: 'name=gateway*:950' });
    for (const node of NODES) await control('boot-delay', node, 'never');
    const booted: { readonly name: string; readonly node: string; readonly servers: readonly Server[] }[] =
      [];
    // Least urgent first, so that no order but the one that is asked for gives the right result.
    for (const { name, metadata, why } of [...ORDER].reverse()) {
      for (const node of NODES) {
        const title = `${name}-${node}`;
        booted.push({
          name,
          node,
          servers: await cloud.boot(EACH / NODES.length, node, title, { metadata }),
        });
      }
      lab.say(`${EACH} instances ${name}: ${why}`);
    }

    // Both hosts have to be there when the first instance is chosen.
    const release = await holdPasses(lab);
    await Promise.all(NODES.map((node) => lab.losePower(node)));
    await Promise.all(NODES.map((node) => lab.waitMarked(node)));
    await release();
    await Promise.all(NODES.map((node) => lab.waitEvacuated(node, 180)));

    for (const node of NODES) {
      const servers = booted.filter((b) => b.node === node).flatMap((b) => b.servers);
      await lab.judgeFencedOnce(node);
      await lab.judgeEvacuated(servers, node);
    }
    const nameOf = new Map(booted.flatMap(({ name, servers }) => servers.map((s) => [s.id, name] as const)));
    const records = (await cloud.evacuations()).filter((m) => nameOf.has(m.server));
    const inOrder = records.map((m) => nameOf.get(m.server) ?? '');
    lab.say(`records of Nova, in their order: ${inOrder.join(', ')}`);
    // Group app waits for group db, and the others need not wait for it.
    const ranked = inOrder.filter((name) => name !== 'app');
    const wished = ORDER.filter(({ name }) => name !== 'app').flatMap(({ name }) =>
      Array<string>(EACH).fill(name),
    );
    lab.check(
      ranked.join() === wished.join(),
      'those without a predecessor in the order of their priorities',
      ...ranked,
    );
    const finished = records.filter((m) => nameOf.get(m.server) === 'db').map((m) => m.updatedAt);
    const begun = records.filter((m) => nameOf.get(m.server) === 'app').map((m) => m.createdAt);
    const after = finished.every((end) => begun.every((begin) => end <= begin));
    lab.check(after, 'no instance of group app began before all of group db were done');
    const most = mostAtOnce(records);
    lab.check(most <= 2, 'never more than two at once, as configured', `${most}`);
  },
};
export default scenario;
