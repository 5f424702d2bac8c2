import type { Migration, Server } from '@openstack-ts/nova-client';
import { retryLimit } from './pacing.ts';
import { isDone, isFailed } from './records.ts';

/**
 * Keeps Nova from rebuilding an instance empty. An instance that boots from an image has its root disk either on storage
 * that all hosts see, or on the dead host itself; Nova's API tells neither. But Nova looks for the disk on the destination
 * before it rebuilds, and when it was asked to keep the disk (`EvacuateRequest.disk`) and does not find it, it stops there
 * with the words below, and nothing is lost (nova/compute/manager.py, `_do_rebuild_instance`, InvalidSharedStorage).
 * An instance that boots from a volume has no disk on its host.
 */
const notFoundThere = /invalid state of instance files on shared storage/i;

/** So many refusals of one instance are enough where nothing speaks for a disk that others find. */
const enough = 3;

/** What an evacuation may do with an instance's disk. */
export function diskOf(server: Server, sharedStorage: boolean): 'keep' | 'either' {
  return sharedStorage && server.imageId !== null ? 'keep' : 'either';
}

/** Whether the last attempt of an instance ended because its disk was not found on the destination. */
export function isDiskMissing(server: Server, latest: Migration | undefined): boolean {
  return latest !== undefined && isFailed(latest) && notFoundThere.test(server.fault?.message ?? '');
}

/**
 * Whose disks are certainly on the dead host itself. A single destination may merely lack a mount, however often Nova
 * chooses it (the emptiest, and so the same again), so its refusals prove little: an instance is certain when two destinations
 * refused it, or twice the only one there is; after {@link enough} refusals where no instance of the host has found its disk
 * anywhere; or when it would be given up anyway. All of the host's are when none has arrived and two destinations refused (or
 * the only one there is), or one instance is certain. Then the others are not even tried, as each try leaves one in ERROR.
 *
 * @param instances those of the dead host that have to keep their disks, with their evacuations in this incident, oldest first
 * @param arrived on how many hosts instances of this one arrived with their disks
 * @param targets how many hosts can take instances
 */
export function localDisks(
  instances: readonly { readonly server: Server; readonly records: readonly Migration[] }[],
  arrived: number,
  targets: number,
): ReadonlySet<string> {
  const missing = instances.filter(({ server, records }) => isDiskMissing(server, records.at(-1)));
  const refusedBy = new Set(missing.map(({ records }) => records.at(-1)?.destHost ?? ''));
  const certain = missing.filter(({ records }) => isRefused(records, arrived, targets));
  const isEverywhere = missing.length > 0 && (certain.length > 0 || refusedBy.size >= Math.min(2, targets));
  const found = arrived === 0 && isEverywhere ? instances : certain;
  return new Set(found.map(({ server }) => server.id));
}

function isRefused(records: readonly Migration[], arrived: number, targets: number): boolean {
  const sinceSuccess = records.slice(records.findLastIndex(isDone) + 1);
  // Where no host was found none has looked for the disk.
  const failed = sinceSuccess.filter((record) => isFailed(record) && record.destHost !== null);
  const refusedBy = new Set(failed.map(({ destHost }) => destHost));
  if (failed.length >= (arrived === 0 ? enough : retryLimit)) return true;
  return failed.length >= 2 && refusedBy.size >= Math.min(2, targets);
}
