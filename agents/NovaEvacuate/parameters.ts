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
    name: 'verbose',
    type: 'boolean',
    default: '0',
    shortdesc: 'Log every step',
    longdesc: 'Log every request to the cloud and every decision, for debugging. Secrets are never logged.',
  },
];
