import type { Migration } from '@openstack-ts/nova-client';
import { isDone, isOpen } from './records.ts';

/**
 * The host to name for the next attempt; null leaves the choice to Nova, as at every first attempt. A host that
 * cannot rebuild an instance stays the emptiest one and is what Nova's scheduler picks again and again, so an attempt
 * after a failure names another: one where this instance has not failed since its last success, the one with the
 * fewest evacuations under way. Nova still checks that the host suits. Once all have been tried, Nova chooses.
 *
 * @param records the instance's evacuations, oldest first
 * @param targets hosts that are up and enabled
 * @param load evacuations under way, by destination
 */
export function nextDestination(
  records: readonly Migration[],
  targets: readonly string[],
  load: ReadonlyMap<string, number>,
): string | null {
  const sinceSuccess = records.slice(records.findLastIndex(isDone) + 1);
  const tried = new Set(sinceSuccess.map((record) => record.destHost).filter((host) => host !== null));
  if (tried.size === 0) return null;
  const untried = targets.filter((host) => !tried.has(host));
  const least = Math.min(...untried.map((host) => load.get(host) ?? 0));
  return untried.find((host) => (load.get(host) ?? 0) === least) ?? null;
}

/** How many evacuations are under way to each host, as far as these records tell. */
export function loadOf(records: Iterable<Migration>): Map<string, number> {
  const load = new Map<string, number>();
  for (const record of records) {
    if (isOpen(record) && record.destHost !== null) {
      load.set(record.destHost, (load.get(record.destHost) ?? 0) + 1);
    }
  }
  return load;
}
