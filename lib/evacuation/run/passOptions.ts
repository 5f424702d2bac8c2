import type { NovaClient } from '@openstack-ts/nova-client';
import type { EvacuationModes, MarkName, MarkStore, NodeName } from '../../attrd/index.ts';
import type { ActiveTypes, Fencing, NodesReading } from '../../cluster/index.ts';
import type { AdmissionLimits } from '../decide/admission.ts';
import type { Clock } from '../incident/clock.ts';
import type { HostKey } from '../incident/names.ts';
import type { Watches } from '../incident/watches.ts';
import type { Policy } from '../judge/policy.ts';
import type { ReleaseMode } from '../return/releaseCandidates.ts';
import type { Reporter } from '../tell/events.ts';
import type { PassLog } from '../tell/passLog.ts';
import type { Hints } from './hints.ts';
import type { EvacuationSettings } from './passScope.ts';

/** What a pass works with; everything that touches the world comes in here. */
export interface PassOptions {
  readonly marks: MarkStore;
  /** Which plug stands for which node (`pcmk_host_map` of the fence devices). */
  readonly readHostMap: () => Promise<ReadonlyMap<NodeName, string>>;
  /** Logs in; called only when a mark is pending. */
  readonly connect: (deadline: number) => Promise<NovaClient>;
  /** This node's name as it stands in claims. */
  readonly me: string;
  /** DNS domain of the compute hosts, if the operator gave one. */
  readonly dnsDomain: string | undefined;
  readonly settings: EvacuationSettings;
  /** Which instances, and in what order. */
  readonly policy: Policy;
  readonly limits: AdmissionLimits & {
    /** The parameter of the same name; 0: no limit. */
    readonly maxHostsAtOnce: number;
  };
  /** The operator's word, `evacuation=pause` or `go`. */
  readonly readModes: () => Promise<EvacuationModes>;
  /** What the cluster remembers of a node's fencing. */
  readonly readFencing: (node: NodeName) => Promise<Fencing>;
  readonly report: Reporter;
  /** How many requests of this process ended in an error so far, by its code. */
  readonly apiErrors: () => Readonly<Record<string, number>>;
  readonly hints: Hints;
  /** Since when this node has watched the claims of others. */
  readonly watches: Watches;
  /** Keeps the hints as they are now: a pass that is killed leaves no others. */
  readonly keepHints: () => void;
  readonly clock: Clock;
  readonly log: PassLog;
  readonly showProgress: (name: MarkName, text: string) => Promise<void>;
  /** Takes down what is shown of a host that was released; whether that is done. */
  readonly clearProgress: (name: MarkName) => Promise<boolean>;
  /** Which machines say that they are back (`pulses.ts`). */
  readonly readPulses: () => Promise<ReadonlyMap<HostKey, string>>;
  readonly release: ReleaseMode;
  /** The cluster's nodes; asked only where there is a mark. */
  readonly readNodes: () => Promise<NodesReading>;
  /** Which types of resources are active on which node; null when that could not be told. */
  readonly readActive: () => Promise<ActiveTypes | null>;
  /** When the monitor began, and the operation's timeout. */
  readonly startedAt: number;
  readonly timeoutMs: number;
}
