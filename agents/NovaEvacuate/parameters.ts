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
    default: '100',
    min: 1,
    max: 500,
    shortdesc: 'Most evacuations at the same time',
    longdesc:
      'How many instances are evacuated at the same time at most, over all failed hosts. Begins at 16 and finds the right number itself: more while Nova answers quickly, fewer when it is slow, refuses, or rebuilds fail.',
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
    name: 'include',
    type: 'string',
    default: '',
    shortdesc: 'Instances to evacuate',
    longdesc:
      'Rules, separated by blanks; where any is given, only instances that match one of them, or bear the tag evacuable, are evacuated. A rule is one condition or several joined by commas, all of which must hold: name=, project=, zone=, aggregate=, flavor=, image=, state= (with * and ? for any text and any character) and metadata:KEY=, flavor:KEY=, image:KEY= for properties.',
  },
  {
    name: 'exclude',
    type: 'string',
    default: '',
    shortdesc: 'Instances never to evacuate',
    longdesc:
      'Rules as those of include; an instance that matches one of them is left where it is and named, whatever else speaks for it. Octavia, for example: exclude="name=amphora-*,project=service"; instances that were in ERROR already: exclude="state=error".',
  },
  {
    name: 'no_image_tags',
    type: 'boolean',
    default: '0',
    shortdesc: 'No image bears the tag evacuable',
    longdesc:
      'Set where nobody tags images with evacuable, or gives them this property: Glance and Cinder are then not asked for such images and for the volumes made from them, which may take long and needs rights in both. Flavours, aggregates and instances that bear evacuable count as ever.',
  },
  {
    name: 'priority',
    type: 'string',
    default: '',
    shortdesc: 'Who is evacuated first',
    longdesc:
      'Rules as those of include, each followed by a colon and a number from 0 to 1000; the first that matches counts, and higher comes first: priority="project=gold:900 flavor=db.*:800". Else the number in the property evacuation_priority of the instance, or of its flavour; else 500. Instances with evacuation_group in their metadata are started group after group within their project; give the members of one group one priority.',
  },
  {
    name: 'other_states',
    type: 'string',
    default: 'leave',
    oneOf: ['leave', 'recover'],
    shortdesc: 'What happens with instances that Nova does not evacuate as they are',
    longdesc:
      'Nova refuses to evacuate instances that are paused, suspended or rescued. leave: they stay on the dead host and are named. recover: their state is reset, and they are evacuated and run again from their disks; what was in their memory died with the host. Instances in yet other states (shelved, resized, being built or deleted) always stay, and are named.',
  },
  {
    name: 'max_failed_percent',
    type: 'integer',
    default: '100',
    min: 1,
    max: 100,
    shortdesc: 'Share of failed hosts above which no more are evacuated',
    longdesc:
      'When more than this share of all compute hosts (in percent) is down, the hosts that failed last are deferred until others are back. 100: no limit. The attribute evacuation=go of a node overrides it for this host, the cluster property evacuation=go for all.',
  },
  {
    name: 'max_failed_per_aggregate',
    type: 'integer',
    default: '0',
    min: 0,
    max: 10000,
    shortdesc: 'Failed hosts per aggregate above which no more are evacuated',
    longdesc:
      'When more hosts of one aggregate are down, those that failed last are deferred until others are back. 0: no limit. The metadata evacuation_max_failed of an aggregate overrides it there.',
  },
  {
    name: 'max_hosts_at_once',
    type: 'integer',
    default: '0',
    min: 0,
    max: 10000,
    shortdesc: 'Hosts evacuated at the same time',
    longdesc: 'How many hosts are evacuated at the same time; the others wait their turn. 0: no limit.',
  },
  {
    name: 'event_log',
    type: 'string',
    default: '/var/log/pacemaker/evacuations.jsonl',
    shortdesc: 'File that every evacuation is recorded in',
    longdesc:
      'A line of JSON for each event: hosts marked, claimed, evacuated and released, instances requested, evacuated, failed and left. Kept under 4 MB with its three predecessors. "none": no record.',
  },
  {
    name: 'metrics_dir',
    type: 'string',
    default: '',
    shortdesc: 'Directory of the Prometheus node exporter for text files',
    longdesc:
      "Where a file of metrics is left after every pass that did something, for the textfile collector of Prometheus' node exporter. Empty: none.",
  },
  {
    name: 'alert',
    type: 'string',
    default: '',
    shortdesc: 'Command that is run at every outcome',
    longdesc:
      'Path of a program that is run when a host is marked, deferred, evacuated or released, and for each outcome of an instance, with the facts in environment variables OS_ALERT_*. Run without a shell, one at a time, ended after 30 seconds; nothing waits for it.',
  },
  {
    name: 'log_format',
    type: 'string',
    default: 'text',
    oneOf: ['text', 'json'],
    shortdesc: 'Form of log lines',
    longdesc:
      'text: sentences. json: one JSON object per line, with the sentence, host, instance and request id as members.',
  },
  {
    name: 'verbose',
    type: 'boolean',
    default: '0',
    shortdesc: 'Log every step',
    longdesc: 'Log every request to the cloud and every decision, for debugging. Secrets are never logged.',
  },
];
