import type { Migration, NovaHost, Server, ServerId } from '@openstack-ts/nova-client';
import { overdueAfterMs, retryLimit, retryPauseMs } from '../incident/pacing.ts';
import { isDone, isFailed, isOpen } from '../look/records.ts';

/**
 * Keeps Nova from rebuilding an instance empty. What lies on the compute host of an instance (the root disk of one that boots
 * from an image, an ephemeral disk of any) is either on storage that all hosts see, or on the dead host alone; Nova's API tells
 * neither. But Nova looks for it on the destination before it rebuilds, for instances that boot from volumes as well, and when it
 * was asked to keep it (`EvacuateRequest.disk`) and does not find it, it stops there and nothing is lost
 * (nova/compute/manager.py, `_do_rebuild_instance`, InvalidSharedStorage).
 */

/** So many destinations that do not find a disk are enough, however many more there are: each costs an attempt. */
const enough = 8;
/** How long an instance that was refused may take for its next attempt before others are tried in its place, in ms. */
const probeMs = 30_000;

/** What an evacuation may do with what lies on the instance's host. */
export function diskOf(
  server: Pick<Server, 'imageId' | 'flavor'>,
  sharedStorage: boolean,
): 'keep' | 'either' {
  return sharedStorage && hasDisk(server) ? 'keep' : 'either';
}

/**
 * Whether something on its host is worth keeping. Swap is not: what was in it ended with the guest. Below 2.47 (Pike) Nova does not
 * tell the flavour's sizes; an instance that boots from a volume counts as having nothing there then, as most have.
 */
function hasDisk({ imageId, flavor }: Pick<Server, 'imageId' | 'flavor'>): boolean {
  return imageId !== null || (flavor.size?.ephemeralGb ?? 0) > 0;
}

/** What is lost without harm when an instance that boots from a volume is rebuilt, to follow a sentence; `''`: nothing. */
export function lostWithoutHarm({ imageId, flavor }: Pick<Server, 'imageId' | 'flavor'>): string {
  return imageId === null && (flavor.size?.swapMb ?? 0) > 0
    ? '; its swap disk may be made anew, the rest is on volumes'
    : '';
}

/** Whether the last attempt of an instance ended because its disk was not found on the destination. */
export function isDiskMissing(server: Server, latest: Migration | undefined): boolean {
  return latest !== undefined && isFailed(latest) && server.fault?.reason === 'diskMissing';
}

/** An instance of the dead host that has to keep its disk, with its evacuations in this incident, oldest first. */
export interface Kept {
  readonly server: Server;
  readonly records: readonly Migration[];
}

/** What is known of who finds the disks of a host. */
export interface DiskFacts {
  /** Hosts on which instances of this one arrived with their disks. */
  readonly sharedWith: readonly NovaHost[];
  /** Hosts that did not find the disk of one. */
  readonly lackedBy: readonly NovaHost[];
  /** Which hosts may take an instance, as far as anybody knows. */
  readonly able: (server: Server) => readonly NovaHost[];
}

/** What follows for each instance. */
export interface DiskWords {
  /** Their disks lie on the dead host itself. */
  readonly local: ReadonlySet<ServerId>;
  /** They are not asked for before it is known who finds the disks of their host: until when at most, in ms on Nova's clock. */
  readonly waiting: ReadonlyMap<ServerId, number>;
  /** Their last destination did not find their disk, and others are left that may. */
  readonly probed: ReadonlySet<ServerId>;
}

/**
 * Whose disks are certainly on the dead host itself. A single destination may merely lack a mount, however often Nova chooses it
 * (the emptiest, and so the same again), so its refusals alone prove nothing: an instance is certain when two destinations at least
 * did not find its disk, and no other is left that may, or one of them finds the disks of others. Where no disk was found
 * anywhere, what was proven of one counts for all that have no other destination left. Until then those that were refused are tried on
 * other hosts, and the rest are not even asked for, as each refusal leaves one in ERROR.
 */
export function judgeDisks(instances: readonly Kept[], facts: DiskFacts): DiskWords {
  const { sharedWith, lackedBy } = facts;
  const isFound = sharedWith.length > 0;
  const isHopeless = (server: Server, refusedBy: readonly NovaHost[]) =>
    refusedBy.length >= 2 &&
    (refusedBy.length >= enough ||
      refusedBy.some((host) => sharedWith.includes(host)) ||
      facts.able(server).every((host) => refusedBy.includes(host)));
  const certain = instances.filter(({ server, records }) => {
    const isMissing = isDiskMissing(server, records.at(-1));
    if (isMissing && isExhausted(records, facts.able(server))) return true;
    return isFound
      ? isMissing && isHopeless(server, refusers(records, lackedBy))
      : isHopeless(server, lackedBy);
  });
  const local = new Set(certain.map(({ server }) => server.id));
  const open = instances.filter(({ server }) => !local.has(server.id));
  const probed = new Set(open.filter((one) => isProbed(one, facts)).map(({ server }) => server.id));
  const untilOfProbes = open.flatMap(({ server, records }) =>
    probeEnd(records, lackedBy, probed.has(server.id)),
  );
  const until = Math.max(...untilOfProbes);
  const untried = instances.filter(
    ({ server, records }) => !local.has(server.id) && refusers(records, lackedBy).length === 0,
  );
  const isWaitedFor = !isFound && untilOfProbes.length > 0;
  const waiting = new Map(isWaitedFor ? untried.map(({ server }) => [server.id, until] as const) : []);
  return { local, waiting, probed };
}

/**
 * As how many its failed attempts count, when it is to be told whether it is given up. Each further destination tells more of where a
 * disk lies, so the search for it is not given up before it has come to its end, whatever else its attempts failed for.
 */
export function countedAttempts(attempts: number, probed: boolean): number {
  return probed ? Math.min(attempts, retryLimit - 1) : attempts;
}

/** There is a destination that it was not tried on and that is not known to lack the disks of its host. */
function isProbed({ server, records }: Kept, { able, lackedBy }: DiskFacts): boolean {
  if (!isDiskMissing(server, records.at(-1))) return false;
  const on = failedOn(records);
  return on.size < enough && able(server).some((host) => !on.has(host) && !lackedBy.includes(host));
}

/**
 * It would be given up anyway, and has failed on every host there is, two at least. Why it failed on each but the last nobody
 * tells: Nova shows the last fault alone, and a pass that was killed may not have seen those before.
 */
function isExhausted(records: readonly Migration[], able: readonly NovaHost[]): boolean {
  const failed = sinceSuccess(records).filter(isFailed);
  const on = failedOn(records);
  return failed.length >= retryLimit && on.size >= 2 && able.every((host) => on.has(host));
}

/** The destinations of an instance's failed attempts that are known not to find disks of its host. */
function refusers(records: readonly Migration[], lackedBy: readonly NovaHost[]): readonly NovaHost[] {
  const on = failedOn(records);
  return lackedBy.filter((host) => on.has(host));
}

function failedOn(records: readonly Migration[]): ReadonlySet<NovaHost> {
  const failed = sinceSuccess(records).filter(isFailed);
  return new Set(failed.flatMap(({ destHost }) => (destHost === null ? [] : [destHost])));
}

function sinceSuccess(records: readonly Migration[]): readonly Migration[] {
  return records.slice(records.findLastIndex(isDone) + 1);
}

/** Until when others wait for what comes of an instance that was refused; nothing where it was not. */
function probeEnd(
  records: readonly Migration[],
  lackedBy: readonly NovaHost[],
  probed: boolean,
): readonly number[] {
  const latest = records.at(-1);
  if (latest === undefined || refusers(records, lackedBy).length === 0) return [];
  if (isOpen(latest)) return [latest.createdAt + overdueAfterMs(0)];
  const attempts = countedAttempts(records.filter(isFailed).length, probed);
  return [latest.updatedAt + retryPauseMs(attempts) + probeMs];
}
