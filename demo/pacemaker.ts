import { join } from 'node:path';
import { type AgentName, type AgentRun, runAgent } from './agents.ts';
import type { Cluster } from './cluster.ts';
import type { ComputeHost } from './computeHost.ts';
import { dim, say, yellow } from './screen.ts';

const systemPath = '/usr/sbin:/usr/bin:/sbin:/bin';

/** Calls the agents as Pacemaker would: its environment and nothing else, each on its own node. */
export class Pacemaker {
  readonly #cluster: Cluster;
  readonly #authUrl: string;
  readonly #directory: string;

  constructor(cluster: Cluster, authUrl: string, directory: string) {
    this.#cluster = cluster;
    this.#authUrl = authUrl;
    this.#directory = directory;
  }

  /** The fence device `fence_compute`, called on `node` for `target`. */
  async fence(node: string, action: 'off' | 'on', target: string): Promise<AgentRun> {
    const options = [
      `action=${action}`,
      `nodename=${target}`,
      `port=${target}`,
      `auth_url=${this.#authUrl}`,
      'login=admin',
      'passwd=adminpw',
      'tenant_name=admin',
      'record_only=1',
    ];
    return runAgent('fence_compute', {
      env: { ...(await this.#environment(node)), PCMK_service: 'pacemaker-fenced' },
      stdin: `${options.join('\n')}\n`,
      onLine: (line) => say(dim(`                 ${line}`)),
    });
  }

  /** The resource nova-evacuate. */
  async novaEvacuate(node: string, action: string): Promise<AgentRun> {
    return this.#resource('NovaEvacuate', 'nova-evacuate', node, action, '20000', {
      OCF_RESKEY_event_log: join(this.#directory, 'evacuations.jsonl'),
    });
  }

  /** The instance of the clone nova-compute on a compute node. */
  async novaCompute(node: string, action: string, host: ComputeHost): Promise<AgentRun> {
    const timeout = { start: '600000', stop: '300000' }[action] ?? '20000';
    return this.#resource('NovaCompute', 'nova-compute', node, action, timeout, {
      OCF_RESKEY_runtime: 'process',
      OCF_RESKEY_user: host.user,
      PATH: `${host.bin}:${await this.#path(node)}`,
    });
  }

  async #resource(
    agent: AgentName,
    instance: string,
    node: string,
    action: string,
    timeout: string,
    further: Readonly<Record<string, string>>,
  ): Promise<AgentRun> {
    const result = await runAgent(agent, {
      args: [action],
      env: {
        ...(await this.#environment(node)),
        HA_RSCTMP: join(this.#directory, `run-${node}`),
        OCF_ROOT: '/usr/lib/ocf',
        OCF_RA_VERSION_MAJOR: '1',
        OCF_RA_VERSION_MINOR: '1',
        OCF_RESOURCE_INSTANCE: instance,
        OCF_RESOURCE_TYPE: agent,
        OCF_RESOURCE_PROVIDER: 'openstack',
        OCF_RESKEY_CRM_meta_name: action,
        OCF_RESKEY_CRM_meta_interval: action === 'monitor' ? '10000' : '0',
        OCF_RESKEY_CRM_meta_timeout: timeout,
        OCF_RESKEY_CRM_meta_on_node: node,
        OCF_RESKEY_crm_feature_set: '3.16.1',
        OCF_RESKEY_auth_url: this.#authUrl,
        OCF_RESKEY_username: 'admin',
        OCF_RESKEY_password: 'adminpw',
        OCF_RESKEY_tenant_name: 'admin',
        ...further,
      },
      onLine: (line) => say(dim(`  ${line}`)),
    });
    if (result.exitReason !== null) say(yellow(`  exit ${result.code}: ${result.exitReason}`));
    return result;
  }

  async #environment(node: string): Promise<Record<string, string>> {
    return { PATH: await this.#path(node), LC_ALL: 'C' };
  }

  async #path(node: string): Promise<string> {
    return `${await this.#cluster.binOn(node)}:${systemPath}`;
  }
}
