import type { ComputeService } from '@openstack-ts/nova-client';
import { type MarkName, noCommand } from '../../attrd/index.ts';
import type { Fencing, NodesUntold } from '../../cluster/index.ts';
import { pacing } from '../incident/pacing.ts';
import { wasFenced } from '../look/fenced.ts';

/** What is known of a marked host that a pass is about to take up. */
export interface ProofFacts {
  /** The mark's name. */
  readonly name: MarkName;
  /** Its service as Nova shows it, before anything was done to hold it down. */
  readonly service: ComputeService;
  /** What the cluster takes the node for: offline (or no node of it), one that may run, or it does not tell. */
  readonly node: 'offline' | 'mayRun' | NodesUntold;
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
  /** The cluster, or Nova, does not tell whether it is down, which is not that it is: nothing is begun until it does. */
  | { readonly kind: 'untold'; readonly by: 'cluster' | 'nova'; readonly sentence: string }
  /** The host runs and was not fenced: it is neither evacuated nor forced down. Judged anew by the next pass. */
  | { readonly kind: 'stale'; readonly sentence: string };

/** A fencing that is under way is waited for this long: one whose fencer died may be listed as pending for ever. */
const pendingMs = 600_000;
/** One that Nova calls up and that has not reported for this long is dead, whatever the cloud's service_down_time. */
const silentMs = 600_000;
/** Where Nova tells no times, what it calls up after so long reports: its default of service_down_time, and a margin. */
const untoldMs = 65_000;

/**
 * Whether a mark may be acted on. A mark is somebody's word that the host is dead; the cluster, its fencing history and
 * Nova are the witnesses:
 *
 * | the cluster's nodes | Nova's service | fencing | heartbeat | proof |
 * |---|---|---|---|---|
 * | untold | any | any | any | untold: what Nova has accepted goes on by itself, nothing more is asked for |
 * | told | forced down (reads down) | any | any | ok: held down already; one that is back is seen later, by its heartbeats |
 * | told | down | any | any | ok: nova-compute does not answer |
 * | told | unknown | succeeded since the mark can have been set | any | ok |
 * | told | unknown | under way | any | look again: 10 minutes at most |
 * | told | unknown | else | any | untold: the database of its cell does not answer Nova, which says nothing of the host |
 * | told | up | succeeded since the mark can have been set | any | ok: Nova was not told; if it is back, that is seen later |
 * | told | up | under way | any | look again: 10 minutes at most |
 * | told | up | else | since the mark was seen | stale |
 * | told | up | else | none since | look again: one will come, or Nova will call it down; 10 minutes at most |
 * | told | up | else | none for 10 minutes | ok: nova-compute does not answer, though Nova calls it up |
 *
 * A node that is offline proves nothing by itself: one whose connection an operator has stopped lives on.
 *
 * To be asked when a pass takes a host up, before it is held down. A host that is forced down
 * without a mark is none of our business and never comes here.
 */
export function judgeProof(facts: ProofFacts): Proof {
  const { name, service, node, fencing, firstSeen, now } = facts;
  if (typeof node === 'object')
    return { kind: 'untold', by: 'cluster', sentence: untoldSentence(name, node) };
  if (service.state === 'down') return { kind: 'ok' };
  if (wasFenced(fencing, firstSeen)) return { kind: 'ok' };
  const pendingUntil = firstSeen + pendingMs;
  if (fencing.known && fencing.pending && now < pendingUntil) {
    return {
      kind: 'look',
      until: pendingUntil,
      sentence: `${name} bears a mark and may still run, and a fencing of it is under way: its end is waited for`,
    };
  }
  if (service.state === 'unknown') return { kind: 'untold', by: 'nova', sentence: stateSentence(name) };
  if (hasReported(facts)) return { kind: 'stale', sentence: staleSentence(facts) };
  const until = firstSeen + (service.updatedAt === null ? untoldMs : silentMs);
  if (now >= until) return { kind: 'ok' };
  return {
    kind: 'look',
    until,
    sentence: `${name} bears a mark, but ${shown(facts)} and Nova holds its nova-compute up: the next heartbeat is waited for`,
  };
}

function untoldSentence(name: MarkName, { sentence, remedy }: NodesUntold): string {
  // Pacemaker shows the first 128 characters.
  return `${name} is not evacuated yet, as the cluster does not tell whether it is down: ${sentence}; the mark is kept and the next pass asks again (${remedy})`;
}

function stateSentence(name: MarkName): string {
  // Pacemaker shows the first 128 characters.
  return `${name} is not evacuated yet, as Nova does not tell whether its nova-compute is down: does the database of its cell answer? The mark is kept and the next pass asks again (openstack compute service list)`;
}

function shown({ node }: ProofFacts): string {
  return node === 'offline' ? 'no fencing of it is known' : 'the cluster does not show it down';
}

/**
 * Whether nova-compute, which Nova holds up, has reported since the mark was seen. How often it reports is the cloud's to say
 * (report_interval), and so is after how long it counts as down (service_down_time): no age of ours is compared with them. Where
 * Nova tells no times, its verdict after a minute has to do.
 */
function hasReported({ service, firstSeen, now, clockOffsetMs }: ProofFacts): boolean {
  const { updatedAt } = service;
  if (updatedAt === null) return now >= firstSeen + untoldMs;
  return updatedAt > firstSeen + clockOffsetMs + pacing.clockMarginMs;
}

function staleSentence(facts: ProofFacts): string {
  const { name, service, fencing, node } = facts;
  const fenced = !fencing.known
    ? 'the cluster tells no fencing history'
    : fencing.lastSuccess === null
      ? 'the cluster knows of no fencing of it'
      : `it was last fenced at ${new Date(fencing.lastSuccess).toISOString().replace(/\.\d+Z$/, 'Z')}, long before`;
  // Pacemaker shows the first 128 characters.
  return `${name} is not evacuated, as it bears a mark but runs; fence it (pcs stonith fence ${name}) or remove the mark (${noCommand(name)}): ${node === 'offline' ? '' : `${shown(facts)}, `}its nova-compute on ${service.host} reports to Nova, and ${fenced}`;
}
