import { waitFor } from './cloud.ts';
import type { Lab } from './scenario.ts';

/** What an operator sees of an evacuation in `crm_mon -A`, and what the operator can say to it. */

/** The progress attribute of a node's evacuation, as `crm_mon -A` shows it; empty when there is none. */
export async function progress(lab: Lab, node: string): Promise<string> {
  const { attributes } = await lab.cluster.status();
  const own = attributes.find((a) => a.includes(` evacuation-${node}`));
  return own === undefined ? '' : own.slice(own.indexOf('=') + 1);
}

/** Waits until the progress attribute of a node says something; gives it. */
export async function waitProgress(
  lab: Lab,
  node: string,
  pattern: RegExp,
  seconds: number,
): Promise<string> {
  let last = '';
  const shown = await waitFor(`crm_mon -A shows ${pattern} for ${node}`, seconds, async () => {
    last = await progress(lab, node).catch(() => last);
    return pattern.test(last) ? last : undefined;
  }).catch((error: unknown) => {
    throw new Error(
      `${error instanceof Error ? error.message : String(error)}; it shows: ${last || 'nothing'}`,
    );
  });
  lab.say(`crm_mon -A, ${node}: ${shown}`);
  return shown;
}

/** Waits until the cluster shows NovaEvacuate as degraded for a reason; gives the exit reason. */
export async function waitExitReason(lab: Lab, pattern: RegExp, seconds: number): Promise<string> {
  let last = '';
  const reason = await waitFor(`an exit reason that says ${pattern}`, seconds, async () => {
    const { failures } = await lab.cluster.status();
    last = failures.find((f) => f.operation.startsWith('nova-evacuate_monitor'))?.exitReason ?? '';
    return pattern.test(last) ? last : undefined;
  }).catch((error: unknown) => {
    throw new Error(`${error instanceof Error ? error.message : String(error)}; it is: ${last || 'none'}`);
  });
  lab.say(`exit reason: ${reason}`);
  return reason;
}

/** An operator's word to the whole cluster; null takes it back. */
export async function sayToCluster(lab: Lab, word: 'pause' | 'go' | null): Promise<void> {
  const property = ['crm_attribute', '--type', 'crm_config', '--name', 'evacuation'];
  lab.fault(
    word === null ? 'the operator takes evacuation=pause back' : `the operator says evacuation=${word}`,
  );
  await lab.cluster.ask([...property, ...(word === null ? ['--delete'] : ['--update', word])]);
}

/** An operator's word about one node; null takes it back. */
export async function sayToNode(lab: Lab, node: string, word: 'pause' | 'go' | null): Promise<void> {
  const attribute = ['crm_attribute', '--node', node, '--lifetime', 'forever', '--name', 'evacuation'];
  if (word !== null) lab.fault(`the operator says evacuation=${word} about ${node}`);
  await lab.cluster.ask([...attribute, ...(word === null ? ['--delete'] : ['--update', word])]);
}
