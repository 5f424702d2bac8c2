import { onNode } from '../driver/node.ts';
import type { Scenario } from '../driver/scenario.ts';
import { ADMIN_PASSWORD, KEYSTONE_URL } from '../driver/settings.ts';

const NODE = 'ctl2';
const EVACUATE = 'ocf:openstack:NovaEvacuate';
/** As the installers of TripleO, tripleo-ha-utils and crowbar write them. */
const AGENT = [
  `auth_url=${KEYSTONE_URL}`,
  'username=admin',
  `password=${ADMIN_PASSWORD}`,
  'tenant_name=admin',
  'user_domain=Default',
  'project_domain=Default',
  'domain=lab.example',
  'region_name=RegionOne',
  'endpoint_type=internalURL',
  'no_shared_storage=1',
  'insecure=0',
  'verbose=1',
  'evacuate_delay=0',
];
const DEVICE = [
  `auth_url=${KEYSTONE_URL}`,
  'login=admin',
  `passwd=${ADMIN_PASSWORD}`,
  'tenant_name=admin',
  'user_domain=Default',
  'project_domain=Default',
  'domain=lab.example',
  'region_name=RegionOne',
  'record_only=1',
];
/** Spellings of crowbar and of older guides; their metadata never had all of them, so pcs wants --force. */
const HYPHENATED = [
  `auth-url=${KEYSTONE_URL}`,
  'login=admin',
  `passwd=${ADMIN_PASSWORD}`,
  'tenant-name=admin',
  'domain=lab.example',
  'endpoint-type=internalURL',
  'no-shared-storage=True',
  'record-only=1',
  'verbose=1',
  'debug=/var/log/fence_compute.log',
];

interface Client {
  readonly claim: string;
  readonly command: readonly string[];
  /** What must be in what it prints; when `fails`, in the complaint. */
  readonly prints?: string;
  readonly fails?: true;
}

const shell = (script: string): readonly string[] => ['sh', '-c', script];
const bare = 'cibadmin --empty >/run/cib.xml && ';
const words = (values: readonly string[]): string => values.map((v) => `'${v}'`).join(' ');
const withoutAuthUrl = AGENT.filter((a) => !a.startsWith('auth_url'));
const options = (values: readonly string[], flag: string): string =>
  values.map((v) => `${flag} '${v}'`).join(' ');
const validate = (values: readonly string[]): readonly string[] =>
  shell(
    `crm_resource --validate --class ocf --provider openstack --agent NovaEvacuate ${options(values, '--option')}`,
  );

const CLIENTS: readonly Client[] = [
  {
    claim: 'pcs lists NovaEvacuate',
    command: ['pcs', 'resource', 'list', 'ocf:openstack'],
    prints: 'NovaEvacuate',
  },
  {
    claim: 'pcs describes NovaEvacuate',
    command: ['pcs', 'resource', 'describe', EVACUATE],
    prints: 'no_shared_storage',
  },
  {
    claim: 'pcs creates NovaEvacuate with the options of installers, and NovaEvacuate validates them',
    command: shell(
      `${bare}pcs -f /run/cib.xml resource create nova-evacuate ${EVACUATE} ${words(AGENT)} --agent-validation ` +
        '&& pcs -f /run/cib.xml resource config nova-evacuate',
    ),
    prints: 'monitor: nova-evacuate-monitor-interval-10',
  },
  {
    claim: 'pcs --agent-validation refuses NovaEvacuate without auth_url, and says why',
    command: shell(
      `${bare}pcs -f /run/cib.xml resource create nova-evacuate ${EVACUATE} ${words(withoutAuthUrl)} --agent-validation`,
    ),
    prints: 'auth_url',
    fails: true,
  },
  {
    claim: 'pcs describes fence_compute',
    command: ['pcs', 'stonith', 'describe', 'fence_compute'],
    prints: 'record_only',
  },
  {
    claim: 'pcs creates fence_compute with the options of installers',
    command: shell(
      `${bare}pcs -f /run/cib.xml stonith create fence-nova fence_compute ${words(DEVICE)} ` +
        "pcmk_host_list='comp0 comp1' op monitor interval=60s meta provides=unfencing " +
        '&& pcs -f /run/cib.xml stonith config fence-nova',
    ),
    prints: 'provides=unfencing',
  },
  {
    claim: 'pcs --force creates fence_compute with hyphenated options',
    command: shell(
      `${bare}pcs -f /run/cib.xml stonith create fence-nova fence_compute ${words(HYPHENATED)} --force`,
    ),
  },
  {
    claim: 'crm knows NovaEvacuate and its parameters',
    command: ['crm', 'ra', 'info', EVACUATE],
    prints: 'tenant_name',
  },
  {
    claim: 'crm knows fence_compute and its parameters',
    command: ['crm', 'ra', 'info', 'stonith:fence_compute'],
    prints: 'record_only',
  },
  {
    claim: 'crm configures both',
    command: shell(
      `${bare}export CIB_file=/run/cib.xml; ` +
        `crm configure primitive fence-nova stonith:fence_compute params ${words(DEVICE)} op monitor interval=10m && ` +
        `crm configure primitive nova-evacuate ${EVACUATE} params ${words(AGENT)} op monitor interval=10 timeout=600 && ` +
        'crm_verify --xml-file /run/cib.xml -V; crm configure show',
    ),
    prints: `primitive nova-evacuate ${EVACUATE}`,
  },
  { claim: 'crm_resource --validate accepts NovaEvacuate', command: validate(AGENT) },
  {
    claim: 'crm_resource --validate refuses NovaEvacuate without auth_url, and says why',
    command: validate(withoutAuthUrl),
    prints: 'auth_url',
    fails: true,
  },
  {
    claim: 'stonith_admin --metadata reads fence_compute',
    command: ['stonith_admin', '--metadata', '--agent', 'fence_compute'],
    prints: '<action name="off"',
  },
  {
    claim: 'stonith_admin --validate accepts fence_compute without a plug',
    command: shell(`stonith_admin --validate --agent fence_compute ${options(DEVICE, '--option')}`),
  },
  {
    claim: 'ocf-tester passes all its tests on NovaEvacuate',
    command: shell(
      `ocf-tester -n tested ${options(AGENT, '-o')} /usr/lib/ocf/resource.d/openstack/NovaEvacuate`,
    ),
    prints: 'passed all tests',
  },
];

const scenario: Scenario = {
  title: 'real clients accept the binaries with the option names of installers',
  seconds: 300,
  async run(lab) {
    for (const { claim, command, prints = '', fails = false } of CLIENTS) {
      const { code, stdout, stderr } = await onNode(NODE, command, 90);
      const said = `${stdout}\n${stderr}`;
      lab.check(
        (code !== 0) === fails && said.includes(prints),
        claim,
        `exit ${code}: ${said.trim().slice(-600)}`,
      );
    }
  },
};
export default scenario;
