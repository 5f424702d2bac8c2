import type { CallOptions, ComputeService, NovaClient } from '@openstack-ts/nova-client';
import type { MarkStore } from '../attrd/index.ts';
import type { ClaimKeeper } from './claims.ts';
import type { Clock } from './clock.ts';
import type { CloudFacts } from './cloudFacts.ts';
import type { Reporter } from './events.ts';
import type { HostHints } from './hints.ts';
import type { EarlyReturn } from './keepHome.ts';
import type { PassLog } from './passLog.ts';
import type { Policy } from './policy.ts';
import type { Progress } from './progress.ts';
import type { EvacuationQueue } from './queue.ts';
import type { ReturnWatch } from './returnWatch.ts';
import type { RoomPlan } from './roomPlan.ts';
import type { Throttle } from './throttle.ts';

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
export type Gate = { readonly kind: 'go' } | { readonly kind: 'defer'; readonly sentence: string };

/** What all hosts of a pass have in common. */
export interface PassScope {
  readonly nova: NovaClient;
  /** This node's name, as it stands in claims. */
  readonly me: string;
  readonly marks: MarkStore;
  readonly cloud: CloudFacts;
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
  readonly showProgress: (name: string, text: string) => Promise<void>;
  /** Limits and the operator's word, as last read. */
  readonly gate: (name: string) => Gate;
  /** Whether another host of this pass is still worked on, so that waiting for a turn makes sense. */
  readonly othersAtWork: (name: string) => boolean;
}

export interface MarkedHost {
  /** The mark's name. */
  readonly name: string;
  readonly service: ComputeService;
  readonly hints: HostHints;
  /** Nothing new is asked of Nova before this time; see `decideClaim`. */
  readonly quietUntil: number;
  /** When a predecessor that did not give its claim back was last alive, in ms since the epoch; null: there is none. */
  readonly lastSign: number | null;
  /** The transient copy was gone when the pass came, and with it any claim of a predecessor. */
  readonly claimForgotten: boolean;
}

export type HostOutcome = {
  readonly name: string;
  /** One sentence for the exit reason. */
  readonly sentence: string;
  /** Where its instances stand; null where that was not found out. */
  readonly progress: Progress | null;
} & (
  | { readonly kind: 'completed' }
  /** Work is left and goes on at the next pass. */
  | { readonly kind: 'working' }
  /** A limit or an operator holds it back. */
  | { readonly kind: 'deferred' }
  /** Something failed and is tried again. */
  | { readonly kind: 'troubled' }
  /** The claim is no longer ours. */
  | { readonly kind: 'lost' }
);
