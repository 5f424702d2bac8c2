import { control } from './node.ts';
import { computePids, manageNovaCompute, RESOURCE } from './novaCompute.ts';
import { judgeReturned, waitReleased } from './return.ts';
import type { Lab, Scenario } from './scenario.ts';

/** The return of an evacuated node whose nova-compute the cluster manages, the same for each way to run it. */
export function managedReturn(node: string, runtime: string, what: string): Scenario {
  return {
    title: `an evacuated node returns; NovaCompute starts its nova-compute, which is ${what}, and releases it`,
    seconds: 240,
    run: async (lab: Lab) => {
      const { cloud, cluster } = lab;
      await manageNovaCompute(lab, [node], { runtime });
      await control('boot-delay', node, 'never');
      const before = await cloud.boot(5, node, 'vm');
      lab.say(`5 active instances on ${node}`);

      await lab.losePower(node);
      await lab.waitEvacuated(node, 150);
      lab.fault(`${node} is repaired, and boots`);
      await control('power-on', node);
      await waitReleased(lab, node, 90);

      await lab.judgeFencedOnce(node);
      await lab.judgeEvacuated(before, node);
      await judgeReturned(lab, node, { servers: before });
      const status = await cluster.status();
      lab.check(status.startedOn(RESOURCE).includes(node), `NovaCompute is started on ${node}`);
      const failed = status.failures.filter((f) => f.operation.startsWith(`${RESOURCE}_`));
      lab.check(
        failed.length === 0,
        'no operation of NovaCompute failed',
        ...failed.map((f) => f.exitReason),
      );
      const pids = computePids(node);
      lab.check(pids.length === 1, `one nova-compute runs on ${node}`, `processes: ${pids.join(', ')}`);
    },
  };
}
