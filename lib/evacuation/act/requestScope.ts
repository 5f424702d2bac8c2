import type { CallOptions, ComputeService, NovaClient } from '@openstack-ts/nova-client';
import type { Incident, MarkName } from '../../attrd/index.ts';
import type { RoomPlan } from '../decide/roomPlan.ts';
import type { Throttle } from '../decide/throttle.ts';
import type { NoRoom } from '../decide/waitForRoom.ts';
import type { ClaimKeeper } from '../incident/claims.ts';
import type { Clock } from '../incident/clock.ts';
import type { Refusal } from '../judge/instance.ts';
import type { CloudFacts } from '../look/cloudFacts.ts';
import type { Fencings } from '../look/fencings.ts';
import type { ReturnNotes } from '../look/returnWatch.ts';
import type { ReportNotes } from '../tell/hostReport.ts';
import type { PassLog } from '../tell/passLog.ts';

/** What requests leave for the next pass. */
export interface RequestNotes {
  /** Refusals that left no record in Nova, by instance. In the incident but for their words, of as many as fit. Forgotten: asked once more. */
  refusals: Record<string, Refusal>;
  /** Instances whose last request was not answered and left no trace yet, and when it counts as lost. Forgotten: their host waits as long. */
  doubts: Record<string, number>;
  /** Instances that no host had room for, and where. Forgotten: that there is room is not noticed as news. */
  unfit: Record<string, NoRoom>;
}

/** The host that its instances are evacuated from. */
export interface RequestedHost {
  /** The mark's name. */
  readonly name: MarkName;
  readonly service: ComputeService;
  /** The incident that tells when it failed; null: there is none. */
  readonly failure: Incident | null;
  readonly hints: RequestNotes & Pick<ReportNotes, 'open'> & Readonly<ReturnNotes>;
}

/** What requests need of the pass they belong to. */
export interface RequestScope {
  readonly nova: NovaClient;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: PassLog;
  readonly callOptions: CallOptions;
  readonly cloud: Pick<CloudFacts, 'forgetServices' | 'service'>;
  readonly claims: Pick<ClaimKeeper, 'lost'>;
  /** When the cluster last fenced a host. */
  readonly fencings: Pick<Fencings, 'lastInHistory'>;
  readonly throttle: Throttle;
  readonly room: RoomPlan;
  /** Sends a request to evacuate as soon as fewer than a handful are on their way. */
  readonly inTurn: <T>(task: () => Promise<T>) => Promise<T>;
  /** Until when Nova wants to be left alone, in ms since the epoch: whichever host it was said of, and whatever pass comes. */
  readonly backOff: { until: number };
  /** No new request for an evacuation after this time. */
  readonly lingerUntil: number;
  /** Limits and the operator's word, as last read. */
  readonly gate: (name: MarkName) => { readonly kind: 'go' | 'defer'; readonly byWord?: boolean };
}
