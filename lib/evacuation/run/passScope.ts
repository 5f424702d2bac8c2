import type { CallOptions, ComputeService, NovaClient, NovaHost } from '@openstack-ts/nova-client';
import type { Incident, MarkName, MarkStore } from '../../attrd/index.ts';
import type { EarlyReturn } from '../decide/keepHome.ts';
import type { EvacuationQueue } from '../decide/queue.ts';
import type { RoomPlan } from '../decide/roomPlan.ts';
import type { Throttle } from '../decide/throttle.ts';
import type { Turns } from '../decide/turns.ts';
import type { ClaimKeeper } from '../incident/claims.ts';
import type { Clock } from '../incident/clock.ts';
import type { Policy } from '../judge/policy.ts';
import type { CloudFacts } from '../look/cloudFacts.ts';
import type { Fencings } from '../look/fencings.ts';
import type { ReturnWatch } from '../look/returnWatch.ts';
import type { Reporter } from '../tell/events.ts';
import type { PassLog } from '../tell/passLog.ts';
import type { HostHints } from './hints.ts';
import type { HostNames } from './hostNames.ts';

export interface EvacuationSettings {
  /** Upper bound of evacuations in flight over all hosts. */
  readonly concurrency: number;
  /** Disks are said to lie on storage that all hosts see; see `diskGuard.ts`. */
  readonly onSharedStorage: boolean;
  /** Wait this long after the fencing, for locks of the storage to expire. */
  readonly evacuateDelayMs: number;
  readonly earlyReturn: EarlyReturn;
}

/** Whether anything new may be asked for a host now; if not, why, in a sentence. */
export type Gate =
  /** `byWord`: an operator says so. */
  { readonly kind: 'go'; readonly byWord?: boolean } | { readonly kind: 'defer'; readonly sentence: string };

/** What all hosts of a pass have in common. */
export interface PassScope {
  readonly nova: NovaClient;
  /** This node's name, as it stands in claims. */
  readonly me: string;
  readonly marks: MarkStore;
  readonly cloud: CloudFacts;
  /** Which of Nova's hosts the names of marks and nodes mean. */
  readonly names: HostNames;
  readonly fencings: Fencings;
  readonly claims: ClaimKeeper;
  readonly queue: EvacuationQueue;
  readonly throttle: Throttle;
  /** Sends a request to evacuate as soon as fewer than a handful are on their way. */
  readonly inTurn: <T>(task: () => Promise<T>) => Promise<T>;
  /** Until when Nova wants to be left alone, in ms since the epoch: whichever host it was said of, and whatever pass comes. */
  readonly backOff: { until: number };
  readonly room: RoomPlan;
  readonly returns: ReturnWatch;
  readonly clock: Clock;
  readonly log: PassLog;
  readonly report: Reporter;
  readonly settings: EvacuationSettings;
  readonly policy: Policy;
  /** No new request for an evacuation after this time. */
  readonly lingerUntil: number;
  /** While nothing is under way, the pass ends by this time. */
  readonly reportBy: number;
  /** Bounds of requests that are under way. */
  readonly callOptions: CallOptions;
  /** Keeps the hints as they are now: a pass that is killed leaves no others. */
  readonly keepHints: () => void;
  /** Shows where a host stands (`crm_mon -A`). */
  readonly showProgress: (name: MarkName, text: string) => Promise<void>;
  /** Limits and the operator's word, as last read. */
  readonly gate: (name: MarkName) => Gate;
  /** Whose turn it is, by Nova's names of hosts. */
  readonly turns: Turns;
  /** Whether another host of this pass is still worked on, so that waiting for a turn makes sense. */
  readonly othersAtWork: (name: MarkName) => boolean;
}

export interface MarkedHost {
  /** The mark's name. */
  readonly name: MarkName;
  /** Null: the mark has no permanent side. */
  readonly incident: Incident | null;
  /** The incident that tells when the host failed: its own, or that of the same host's other mark; see `HostNames`. */
  readonly failure: Incident | null;
  readonly service: ComputeService;
  readonly hints: HostHints;
  /** Nothing new is asked of Nova before this time; see `decideClaim`. */
  readonly quietUntil: number;
  /** When a predecessor that did not give its claim back was last alive, in ms since the epoch; null: there is none. */
  readonly lastSign: number | null;
  /** The transient copy was gone when the pass came, and with it any claim of a predecessor. */
  readonly claimForgotten: boolean;
  /** Other services that may be the same machine. */
  readonly twins: TwinsOfHost;
}

/** What has to be known of them where one host of several is evacuated. */
export interface TwinsOfHost {
  /** Nova's names of those that showed no instances: that has to be so before the mark is cleared. */
  readonly empty: readonly NovaHost[];
  /** No other one is evacuated after this one: its end is that of the mark. */
  readonly isLast: boolean;
}
