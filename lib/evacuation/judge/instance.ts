import type { Migration, Move, Server } from '@openstack-ts/nova-client';
import type { Surroundings } from '../look/surroundings.ts';
import type { Trail } from '../look/trail.ts';
import type { Selected } from './policy.ts';

/** An evacuation this pass asked for. */
export interface Asked {
  /** When the request was sent, on our clock. */
  readonly at: number;
  /** False while no answer came: Nova may have carried it out. */
  readonly answered: boolean;
  /** Its latest record when it was sent: a later one shows that the request was carried out. */
  readonly lastRecord: string | null;
}

/** A request that Nova refused outright, or that we did not make; neither leaves a record. */
export interface Refusal {
  readonly count: number;
  /** When it was last refused, on our clock. */
  readonly at: number;
  readonly message: string;
  /** Nova will not evacuate this instance in the state it is in. */
  readonly final: boolean;
  /** A task under way stands against it. */
  readonly forItsTask: boolean;
  /** It was not asked for, because the instance may run where it is. */
  readonly ours: boolean;
}

/** Everything known of one instance of a marked host, as plain data. All times in ms since the epoch. */
export interface InstanceFacts extends Surroundings {
  /** Null: Nova no longer lists it on the marked host, for whatever reason, or it is `gone`. */
  readonly server: Server | null;
  /** Nova says that there is no such instance. */
  readonly gone: boolean;
  /** When the server was looked at, on our clock. */
  readonly seenAt: number;
  /** Its evacuations away from the marked host, oldest first. */
  readonly records: readonly Migration[];
  /** When this incident began, on Nova's clock: failures of earlier ones are no attempts of this one. */
  readonly incidentAt: number;
  /** How many evacuations from the marked host are under way, as far as Nova's records tell. */
  readonly underWay: number;
  /** How far the request behind its last record has come. */
  readonly trail: Trail;
  /** The live migration or resize that was under way when its host died; null: none is known. */
  readonly move: Move | null;
  /** Whether the destination of that move was certainly fenced after the last sign of it, whatever it is now. */
  readonly moveDied: boolean;
  readonly asked: Asked | null;
  readonly refusal: Refusal | null;
  /** Nothing new is asked before this time, because a predecessor's last request may still be under way. */
  readonly quietUntil: number;
  readonly selected: Selected;
  /** Whether an instance that Nova refuses in its state is evacuated after its state was reset (`other_states`). */
  readonly recovers: boolean;
  /** What stands behind "No valid host", to follow it; `''`: nothing known (`groupNotes.ts`). */
  readonly groupNote: string;
  /** Its disk was found to lie on the marked host itself, so that it would be rebuilt empty (`diskGuard.ts`). */
  readonly diskIsLocal: boolean;
  /** Why it is not asked for until it is known which hosts find the disks of its host; null: it may be (`diskGuard.ts`). */
  readonly diskWaits: string | null;
  /** Its disk was not found on the last destination, and others are left that may find it (`diskGuard.ts`). */
  readonly diskProbed: boolean;
  /** Whether any compute host is up and enabled to take it. */
  readonly canLand: boolean;
  /** When a host last became available to take instances, on our clock: failures before that are tried again at once. */
  readonly capacityAt: number;
}

export type InstanceClass =
  /** It no longer is on the marked host, or (not `moved`) no longer exists. */
  | { readonly kind: 'finished'; readonly moved: boolean; readonly sentence: string }
  /**
   * `overdue`: it may never end, and is not followed. `mayGoOn`: only as its destination is silent for now, so it takes up a turn
   * like any other.
   */
  | {
      readonly kind: 'inFlight';
      readonly overdue: boolean;
      readonly mayGoOn?: true;
      readonly sentence: string;
    }
  /** `reset`: Nova refuses it as it is, so its state is reset first. */
  | { readonly kind: 'due'; readonly attempt: number; readonly reset: boolean; readonly sentence: string }
  /** To be asked for as soon as a host has room for it (`waitForRoom.ts` says so, not this table). */
  | { readonly kind: 'deferred'; readonly sentence: string }
  /** To be asked for, but not before `until`. */
  | { readonly kind: 'waiting'; readonly until: number; readonly sentence: string }
  /** Nova reported a failure; the next attempt is made at `retryAt`. */
  | {
      readonly kind: 'failed';
      readonly attempts: number;
      readonly retryAt: number;
      /** It has failed so often that it is tried again only slowly. */
      readonly givenUp: boolean;
      readonly sentence: string;
    }
  /**
   * Something may still happen to it, or it may run elsewhere, and only something certain or the operator's word ends that: nothing
   * is asked for, and the sentence says what frees it. `stopsHost`: nothing is asked for any instance of its host either.
   */
  | { readonly kind: 'held'; readonly stopsHost: boolean; readonly sentence: string }
  /** Nova does not evacuate an instance in this state: left where it is, and named. */
  | { readonly kind: 'cannot'; readonly sentence: string }
  | { readonly kind: 'excluded'; readonly sentence: string }
  /** Nova does not tell enough to decide; nothing is done until it does. */
  | { readonly kind: 'unknown'; readonly sentence: string }
  /** The instance has to be looked at again before anything can be said. */
  | { readonly kind: 'look' };
