import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A simulated cluster in a directory, and the environment in which Pacemaker would call the agents on it. */
export interface SimulatedCluster {
  readonly env: Readonly<Record<string, string>>;
  /** The transient mark of a node; `''` when there is none. */
  mark(node: string): string;
  /** The cluster loses a node, as it does when its power is gone. */
  lose(node: string): void;
}

/**
 * @param root of the checkout
 * @param directory an empty one, to keep everything in
 * @param authUrl where the agents are told to find Keystone
 * @param nodes of the cluster; the agents run on the first
 */
export function makeCluster(
  root: string,
  directory: string,
  authUrl: string,
  nodes: readonly string[],
): SimulatedCluster {
  const cluster = join(directory, 'cluster');
  execFileSync(join(root, 'test/simulators/attrd/new-cluster'), [cluster, ...nodes]);
  return {
    env: {
      PATH: `${join(cluster, 'bin')}:/usr/sbin:/usr/bin:/sbin:/bin`,
      OCF_ROOT: '/usr/lib/ocf',
      OCF_RA_VERSION_MAJOR: '1',
      OCF_RESOURCE_INSTANCE: 'nova-evacuate',
      OCF_RESOURCE_TYPE: 'NovaEvacuate',
      OCF_RESKEY_auth_url: authUrl,
      OCF_RESKEY_username: 'admin',
      OCF_RESKEY_password: 'adminpw',
      OCF_RESKEY_tenant_name: 'admin',
      OCF_RESKEY_event_log: join(directory, 'evacuations.jsonl'),
      OCF_RESKEY_CRM_meta_timeout: '600000',
      OCF_RESKEY_CRM_meta_interval: '10000',
      HA_RSCTMP: directory,
      HA_LOGFILE: join(directory, 'log'),
    },
    lose(node) {
      execFileSync(join(root, 'test/simulators/attrd/sim-cluster'), [cluster, 'leave', node]);
    },
    mark(node) {
      try {
        return readFileSync(join(cluster, 'state/attrs/evacuate', node), 'utf8').trim();
      } catch {
        return '';
      }
    },
  };
}

/** Runs `NovaEvacuate start`, without which every monitor says "not running", and the monitor that comes with it. */
export function startAgent(agent: string, cluster: SimulatedCluster): void {
  const start = spawnSync(agent, ['start'], { env: cluster.env, encoding: 'utf8' });
  if (start.status !== 0) throw new Error(`NovaEvacuate start ended with ${start.status}: ${start.stderr}`);
  // Pacemaker waits for the first one, which is therefore short whatever there is to do.
  const first = spawnSync(agent, ['monitor'], { env: cluster.env, encoding: 'utf8' });
  if (first.status !== 0) throw new Error(`The first monitor ended with ${first.status}: ${first.stderr}`);
}
