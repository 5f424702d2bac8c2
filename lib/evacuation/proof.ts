import type { ComputeService } from '@openstack-ts/nova-client';
import type { Fencing } from '../attrd/index.ts';
import { pacing } from './pacing.ts';

/** What is known of a marked host whose evacuation has not begun. */
export interface ProofFacts {
  /** The mark's name. */
  readonly name: string;
  /** Its service as Nova shows it, before anything was done to hold it down. */
  readonly service: ComputeService;
  /** Whether the cluster takes the node for online. */
  readonly joined: boolean;
  readonly fencing: Fencing;
  /** When this node first saw the mark, on our clock. */
  readonly firstSeen: number;
  /** Our clock, ms since the epoch, and how far Nova's is ahead of it. */
  readonly now: number;
  readonly clockOffsetMs: number;
}

export type Proof =
  /** Nothing speaks against the mark: the host is evacuated. */
  | { readonly kind: 'ok' }
  /** Not certain yet. Nothing is done to the host; look again in a moment. It is decided by `until` at the latest. */
  | { readonly kind: 'look'; readonly until: number; readonly sentence: string }
  /** The host runs and was not fenced: it is neither evacuated nor forced down. Judged anew by the next pass. */
  | { readonly kind: 'stale'; readonly sentence: string };

/**
 * A fencing this long before the mark was first seen may be what the mark tells of: it is set while a host is switched
 * off, and whoever is to act on it may have been away, or a predecessor have seen it first. A host that is fenced for
 * nothing but a mistaken mark within that time loses nothing: the signs of its return (`returnWatch.ts`) end that.
 */
const unseenMs = 3600_000;
/** A fencing that is under way is waited for this long: one whose fencer died may be listed as pending for ever. */
const pendingMs = 600_000;

/**
 * Whether a mark may be acted on. A mark is somebody's word that the host is dead; the cluster, its fencing history and
 * Nova are the witnesses. Only a host that all of them show alive is spared:
 *
 * | joined | Nova's service | fencing | heartbeat | proof |
 * |---|---|---|---|---|
 * | no | any | any | any | ok: it is gone, fenced or switched off by hand |
 * | any | forced down (reads down) | any | any | ok: held down already; one that is back is seen later, by its heartbeats |
 * | any | down, unknown | any | any | ok: nova-compute does not answer |
 * | yes | up | succeeded since the mark can have been set | any | ok: Nova was not told; if it is back, that is seen later |
 * | yes | up | under way | any | look again: 10 minutes at most |
 * | yes | up | else | since the mark was seen | stale |
 * | yes | up | else | none since, the last less than a minute ago | look again: Nova will call it down, or up |
 * | yes | up | else | none for longer | ok: nova-compute does not answer, though Nova calls it up |
 *
 * To be asked before the host is held down, and no longer once its evacuation has begun. A host that is forced down
 * without a mark is none of our business and never comes here.
 */
export function judgeProof(facts: ProofFacts): Proof {
  const { name, service, joined, fencing, firstSeen, now } = facts;
  if (!joined || service.state !== 'up') return { kind: 'ok' };
  if (fencing.known && fencing.lastSuccess !== null && fencing.lastSuccess >= firstSeen - unseenMs) {
    return { kind: 'ok' };
  }
  const pendingUntil = firstSeen + pendingMs;
  if (fencing.known && fencing.pending && now < pendingUntil) {
    return {
      kind: 'look',
      until: pendingUntil,
      sentence: `${name} bears a mark and is online, and a fencing of it is under way: its end is waited for`,
    };
  }
  const settledAt = firstSeen + pacing.reportingMs + pacing.clockMarginMs;
  if (hasReported(facts, settledAt)) return { kind: 'stale', sentence: staleSentence(facts) };
  if (now >= settledAt) return { kind: 'ok' };
  return {
    kind: 'look',
    until: settledAt,
    sentence: `${name} bears a mark, but the cluster shows it online and Nova holds its nova-compute up: the next heartbeat is waited for`,
  };
}

/** Whether nova-compute has reported since the mark was seen. Where Nova tells no times, its verdict has to do. */
function hasReported({ service, firstSeen, now, clockOffsetMs }: ProofFacts, settledAt: number): boolean {
  const { updatedAt } = service;
  if (updatedAt === null) return now >= settledAt;
  const isFresh = now + clockOffsetMs - updatedAt < pacing.reportingMs;
  return isFresh && updatedAt > firstSeen + clockOffsetMs + pacing.clockMarginMs;
}

function staleSentence({ name, service, fencing }: ProofFacts): string {
  const fenced = !fencing.known
    ? 'the cluster tells no fencing history'
    : fencing.lastSuccess === null
      ? 'the cluster knows of no fencing of it'
      : `it was last fenced at ${new Date(fencing.lastSuccess).toISOString().replace(/\.\d+Z$/, 'Z')}, long before`;
  // Pacemaker shows the first 128 characters.
  return `${name} is not evacuated, as it bears a mark but runs; fence it (pcs stonith fence ${name}) or remove the mark (attrd_updater -n evacuate -N ${name} -U no): the cluster shows it online, its nova-compute on ${service.host} reports to Nova, and ${fenced}`;
}
