import type { OcfParameter } from '../../lib/ocf/index.ts';
import { connectionDeclarations } from '../shared/connection.ts';

/** The connection to the cloud, as every agent declares it, and what belongs to evacuating alone. */
export const parameters: readonly OcfParameter[] = [
  ...connectionDeclarations,
  {
    name: 'evacuate_delay',
    type: 'integer',
    default: '0',
    min: 0,
    max: 3600,
    shortdesc: 'Seconds between fencing and evacuation',
    longdesc:
      'How many seconds to wait after a host was fenced before its instances are evacuated, for storage whose locks take time to expire.',
  },
  {
    name: 'concurrency',
    type: 'integer',
    default: '16',
    min: 1,
    max: 500,
    shortdesc: 'Evacuations at the same time',
    longdesc:
      'How many instances are evacuated at the same time, over all failed hosts, which share them fairly.',
  },
  {
    name: 'early_return',
    type: 'string',
    default: 'release',
    oneOf: ['release', 'evacuate'],
    shortdesc: 'What happens with a host that is back before anything was evacuated',
    longdesc:
      'A fenced host may be back before any of its instances was evacuated, after a fast reboot. release: it is taken back, and its instances that were running are started in place. evacuate: they are evacuated all the same, and nova-compute is held back until they are.',
  },
  {
    name: 'release',
    type: 'string',
    default: 'auto',
    oneOf: ['auto', 'on', 'off'],
    shortdesc: 'Whether repaired hosts are taken back from here',
    longdesc:
      'Whether a host that was evacuated and is back is taken back from here, once its nova-compute has cleaned up: no longer forced down, enabled if it was disabled by us, its mark removed. auto: hosts whose nova-compute is not managed by an ocf:openstack:NovaCompute resource, which does it itself; on: all hosts; off: none.',
  },
  {
    name: 'verbose',
    type: 'boolean',
    default: '0',
    shortdesc: 'Log every step',
    longdesc: 'Log every request to the cloud and every decision, for debugging. Secrets are never logged.',
  },
];
