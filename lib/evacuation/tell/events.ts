import type { NovaHost, ServerId } from '@openstack-ts/nova-client';

/**
 * What happened, as plain data: for the event record, the metrics and the alerts. A report only; nothing is ever decided
 * from it. Times are in ms since the epoch, on our clock.
 */
export type EvacuationEvent = HostEvent | InstanceEvent;

/** How far an incident, the failure of one host, has come. */
export interface HostEvent {
  readonly about: 'host';
  readonly at: number;
  readonly host: NovaHost;
  /** When the incident began, as far as anybody noted it; with `host` it tells incidents apart. */
  readonly fencedAt: number;
  readonly what: /** The mark was seen for the first time. */
    | 'marked'
    /** This node took the evacuation up, for the first time or after another one had failed. */
    | 'claimed'
    /** Nothing is asked for this host for now: a limit, or an operator's word. `sentence` says which. */
    | 'deferred'
    /** It goes on after it was deferred. */
    | 'resumed'
    /** Nothing is left to do: the mark reads `no`. */
    | 'evacuated'
    /** The host is back in service. */
    | 'released';
  readonly sentence: string;
  /** At `evacuated`. */
  readonly counts?: InstanceCounts;
}

export interface InstanceCounts {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  /** Left where they are: by policy, or because Nova does not evacuate them. */
  readonly left: number;
}

/** An outcome, or a step, of one instance of a failed host. */
export interface InstanceEvent {
  readonly about: 'instance';
  readonly at: number;
  readonly host: NovaHost;
  readonly fencedAt: number;
  readonly id: ServerId;
  readonly name: string;
  readonly what: /** Nova accepted the request. */
    | 'requested'
    /** It is elsewhere. */
    | 'evacuated'
    /** Nova reports an attempt as failed; it is tried again. */
    | 'failed'
    /** Failed so often that it is tried again only slowly. */
    | 'givenUp'
    /** No host has room for it; it is asked for as soon as one has. */
    | 'deferred'
    /** Nothing more is asked for it until something certain is known of it, or an operator says so; `sentence` tells how. */
    | 'held'
    /** It stays where it is; `sentence` names the rule. */
    | 'left';
  readonly sentence: string;
  /** Which attempt, from 1. */
  readonly attempt: number | null;
  readonly destination: NovaHost | null;
  /** Nova's id of the request. */
  readonly requestId: string | null;
  /** From Nova's acceptance to the end, in ms; null while, or where, that is not known. */
  readonly durationMs: number | null;
}

/** Where a pass leaves things, for gauges and counters that no single event tells. */
export interface PassFigures {
  readonly at: number;
  readonly inFlight: number;
  /** Due, and not asked for yet. */
  readonly queued: number;
  /** Instances that wait for room, a limit or an operator. */
  readonly deferred: number;
  /** Hosts that wait for a limit or for an operator. */
  readonly deferredHosts: number;
  readonly failed: number;
  /** The bound of evacuations at the same time that was found. */
  readonly concurrency: number;
  /** Requests to the cloud of this pass, and those that ended in an error, by the error's code. */
  readonly requests: number;
  readonly apiErrors: Readonly<Record<string, number>>;
}

/** Takes reports. Never throws, never waits. */
export interface Reporter {
  event(event: EvacuationEvent): void;
  /** Once, at the end of a pass. */
  figures(figures: PassFigures): void;
}
