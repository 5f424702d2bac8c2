import {
  type ActionEvent,
  type CallOptions,
  type Migration,
  type NovaClient,
  NovaError,
  type NovaHost,
  type Server,
} from '@openstack-ts/nova-client';
import { rethrowUnless } from '../../rethrow.ts';

/** The steps of an evacuation: of the conductor (nova/conductor/manager.py) and of the destination (nova/compute/manager.py). */
const conductorStep = 'rebuild_server';
const destinationStep = 'compute_rebuild_instance';
/** Nova writes task, action and record one after the other, within one request (nova/compute/api.py, evacuate), in ms. */
const sameRequestMs = 5_000;

/** How far a request to evacuate has come, by the steps that Nova noted of it. Times in ms on Nova's clock. */
export type Trail =
  /** Not looked at. */
  | { readonly kind: 'unread' }
  /** Nova does not tell. */
  | { readonly kind: 'untold' }
  /** Nobody has taken it up yet. */
  | { readonly kind: 'untaken' }
  /** A conductor is at it, or has died over it; `passedOn`: it went on to a destination, which has not taken it up yet. */
  | { readonly kind: 'conductor'; readonly passedOn: boolean }
  /** A destination has begun, and did not end it yet. Its name is told from 2.62 on. */
  | { readonly kind: 'destination'; readonly host: NovaHost | null; readonly at: number }
  /** Whoever was at it gave it up. */
  | {
      readonly kind: 'ended';
      readonly by: 'conductor' | 'destination';
      readonly host: NovaHost | null;
      readonly at: number;
    };

/** Whether Nova has a rebuild of the instance under way, as far as its task tells. */
export function isRebuilding({ taskState }: Server): boolean {
  return taskState?.startsWith('rebuild') ?? false;
}

/** Whether a record was written by the request whose action began at that time; both on Nova's clock. */
export function isOfRequest(record: Migration, startedAt: number): boolean {
  return Math.abs(record.createdAt - startedAt) <= sameRequestMs;
}

/** Reads how far the request has come that a record was made by. What cannot be read is `untold`. */
export async function readTrail(nova: NovaClient, record: Migration, options: CallOptions): Promise<Trail> {
  try {
    const actions = await nova.listActions(record.serverId, options);
    const request = actions.find(
      ({ action, startedAt }) => action === 'evacuate' && isOfRequest(record, startedAt),
    );
    if (request === undefined || request.requestId === null) return { kind: 'untold' };
    return trailOf(await nova.listActionEvents(record.serverId, request.requestId, options));
  } catch (error) {
    rethrowUnless(error, NovaError);
    return { kind: 'untold' };
  }
}

/** What the steps say. */
export function trailOf(events: readonly ActionEvent[]): Trail {
  const destination = events.findLast(({ event }) => event === destinationStep);
  if (destination !== undefined) {
    const { host, startedAt, finishedAt, result } = destination;
    // One that went well is told by its record, which changes last.
    return finishedAt === null || result === 'Success'
      ? { kind: 'destination', host, at: startedAt }
      : { kind: 'ended', by: 'destination', host, at: finishedAt };
  }
  const conductor = events.findLast(({ event }) => event === conductorStep);
  if (conductor === undefined) return { kind: 'untaken' };
  const { host, finishedAt, result } = conductor;
  if (finishedAt === null) return { kind: 'conductor', passedOn: false };
  return result === 'Success'
    ? { kind: 'conductor', passedOn: true }
    : { kind: 'ended', by: 'conductor', host, at: finishedAt };
}

/** Which destination has begun it, and when the last sign of that was, in ms on Nova's clock; null: none has. */
export function begunOn(
  record: Migration,
  trail: Trail,
): { readonly host: NovaHost; readonly since: number } | null {
  const { status, destHost, updatedAt } = record;
  if (status !== 'accepted') return destHost === null ? null : { host: destHost, since: updatedAt };
  if (trail.kind !== 'destination') return null;
  const host = trail.host ?? destHost;
  return host === null ? null : { host, since: trail.at };
}
