import type { OcfParameter } from '../../lib/ocf/index.ts';
import { connectionDeclarations } from '../shared/connection.ts';
import type { RuntimeName } from './runtime/types.ts';

const runtimes: readonly ('auto' | RuntimeName)[] = ['auto', 'process', 'systemd', 'podman', 'docker'];

/** Narrows what the operator gave as `runtime`; null for a word that is none. */
export function parseRuntime(word: string): 'auto' | RuntimeName | null {
  return runtimes.find((runtime) => runtime === word) ?? null;
}

/** The connection to the cloud, as every agent declares it, and what belongs to nova-compute alone. */
export const parameters: readonly OcfParameter[] = [
  ...connectionDeclarations,
  {
    name: 'evacuation_delay',
    type: 'integer',
    default: '120',
    min: 0,
    max: 3600,
    shortdesc: 'Seconds that a start waits for the release',
    longdesc:
      'Accepted for old configurations, as an upper bound: how many seconds a start waits for Nova to use the host again once nova-compute runs. No start waits longer than 10 s, and monitor does what is left. (The original slept this long before it started nova-compute.)',
  },
  {
    name: 'runtime',
    type: 'string',
    default: 'auto',
    oneOf: runtimes,
    shortdesc: 'How nova-compute runs',
    longdesc:
      'What manages nova-compute on the host: process (started by this agent), systemd, podman or docker; auto finds out.',
  },
  {
    name: 'unit',
    type: 'string',
    shortdesc: 'systemd unit',
    longdesc:
      'Name of the systemd unit of nova-compute; without it openstack-nova-compute.service or nova-compute.service, whichever there is.',
  },
  {
    name: 'container',
    type: 'string',
    shortdesc: 'Container',
    longdesc: 'Name of the container of nova-compute; without it nova_compute, as TripleO and Kolla call it.',
  },
  {
    name: 'user',
    type: 'string',
    default: 'nova',
    shortdesc: 'User of nova-compute',
    longdesc: 'User that nova-compute runs as where this agent starts it itself (runtime process).',
  },
  {
    name: 'verbose',
    type: 'boolean',
    default: '0',
    shortdesc: 'Log every step',
    longdesc: 'Log every request to the cloud and every decision, for debugging. Secrets are never logged.',
  },
];
