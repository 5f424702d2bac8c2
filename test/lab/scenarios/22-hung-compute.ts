import { waitFor } from '../driver/cloud.ts';
import { computePids, manageNovaCompute, RESOURCE } from '../driver/novaCompute.ts';
import type { Scenario } from '../driver/scenario.ts';

const NODE = 'comp1';

const scenario: Scenario = {
  title: 'a nova-compute that hangs is found by the deep monitor, and replaced',
  seconds: 240,
  async run(lab) {
    const { cloud, cluster } = lab;
    await manageNovaCompute(lab, [NODE], { runtime: 'process' });
    const before = await cloud.boot(3, NODE, 'vm');
    const [hung, ...others] = computePids(NODE);
    if (hung === undefined || others.length > 0) throw new Error(`not one nova-compute on ${NODE}`);
    lab.fault(`nova-compute of ${NODE} is stopped in its tracks (SIGSTOP)`);
    process.kill(hung, 'SIGSTOP');
    // Not before Nova has heard nothing for a minute, and not within 90 s of its start.
    const failure = await waitFor('the monitor sees it', 130, async () =>
      (await cluster.status()).failures.find((f) => f.operation.startsWith(`${RESOURCE}_monitor_13000`)),
    );
    lab.say(`monitor: ${failure.exitReason}`);
    await waitFor('another nova-compute in its place, and up', 60, async () => {
      const pids = computePids(NODE);
      const isNew = pids.length === 1 && pids[0] !== hung;
      return (isNew && (await cloud.service(NODE)).state === 'up') || undefined;
    });
    const { fencing } = await cluster.status();
    lab.check(!fencing.some((e) => e.target === NODE && e.action !== 'on'), `${NODE} was not fenced for it`);
    const now = await cloud.servers();
    const same = before.every((b) =>
      now.some((s) => s.id === b.id && s.host === b.host && s.status === b.status),
    );
    const live = before.every((b) => lab.domains.liveOn(b.id).join() === NODE);
    lab.check(same && live, 'its instances ran on');
  },
};
export default scenario;
