import { AttrdError, createCommandRunner, type NodeName, nodeName } from '../../lib/attrd/index.ts';
import { oneLine } from '../../lib/system/text.ts';

/**
 * This machine's name in the cluster, as `crm_node --name` tells it on full and on remote nodes alike. Throws
 * `AttrdError`: `missing` where Pacemaker is not installed, `noCluster` while it does not run.
 */
export async function queryNodeName(options: {
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
}): Promise<NodeName> {
  const result = await createCommandRunner(options)('crm_node', ['-n']);
  const name = result.stdout.trim();
  if (result.exitCode === 0 && name !== '') return nodeName(name);
  const said = oneLine(result.stderr.trim().split('\n')[0] ?? '');
  throw new AttrdError(
    'noCluster',
    `the cluster does not answer on this machine (crm_node exit ${result.exitCode}${said === '' ? '' : `: ${said.slice(0, 200)}`})`,
    { exitCode: result.exitCode },
  );
}
