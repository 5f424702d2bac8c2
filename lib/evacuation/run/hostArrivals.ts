import type { ServerId } from '@openstack-ts/nova-client';
import { restoreAll } from '../act/restore.ts';
import { isSameHost } from '../incident/names.ts';
import { pacing } from '../incident/pacing.ts';
import { isDone, recordsByServer } from '../look/records.ts';
import type { HostWork } from './hostWork.ts';

/** How many that arrived are looked at between two looks at the rest. */
const mostAtOnce = 20;

/** What has left a host and may have been off before: it is switched off again where it arrived. */
export class HostArrivals {
  readonly #work: HostWork;
  /** When what arrived was last looked after. */
  #restoredAt = 0;

  constructor(work: HostWork) {
    this.#work = work;
  }

  /** As it arrives: others may take as long as they like. */
  async restoreSome(): Promise<void> {
    const { scope, host, view } = this.#work;
    const { clock } = scope;
    if (clock.now() - this.#restoredAt < pacing.pollMaxMs) return;
    const isAtHome = (id: ServerId) => isSameHost(view.servers.get(id)?.server?.host ?? null, host);
    const ids = this.#toRestore().filter((id) => !isAtHome(id));
    if (ids.length === 0) return;
    await this.#restoreThese(ids.slice(0, mostAtOnce));
    this.#restoredAt = clock.now();
  }

  /** All of it, as far as the time of this pass goes. Gives what is still to be found out. */
  async restoreAll(): Promise<readonly ServerId[]> {
    const { clock, reportBy } = this.#work.scope;
    for (;;) {
      const ids = this.#toRestore();
      const unclear = ids.length === 0 ? [] : await this.#restoreThese(ids);
      if (unclear.length === 0 || clock.now() + pacing.pollMaxMs >= reportBy) return unclear;
      await clock.sleep(pacing.pollMaxMs);
    }
  }

  async #restoreThese(ids: readonly ServerId[]): Promise<readonly ServerId[]> {
    const { scope, marked, host } = this.#work;
    const { hints } = marked;
    const { settled, again } = await restoreAll(scope.nova, host, ids, scope.log, scope.callOptions);
    hints.restored = [...hints.restored, ...settled];
    return again;
  }

  /**
   * Instances that arrived and may have been off. Those that needed more than one attempt are among them: after one that
   * failed Nova takes them for broken, and after one whose destination died for running, whatever they were. So are those that
   * this node did not ask for: what they were before is not told by whoever did.
   */
  #toRestore(): readonly ServerId[] {
    const { marked, view, requests } = this.#work;
    const { hints } = marked;
    const since = this.#work.since();
    // What was under way when the host was fenced again arrives in this incident.
    const ours = view.records.filter(
      (record) => record.createdAt >= since || (isDone(record) && record.updatedAt >= since),
    );
    const byServer = recordsByServer(ours);
    const settled = new Set(hints.restored);
    const found: ServerId[] = [];
    for (const id of new Set(ours.filter(isDone).map(({ serverId }) => serverId))) {
      if (settled.has(id)) continue;
      const isFirst = (byServer.get(id)?.length ?? 0) === 1;
      const wasSeen = requests.asked.has(id) && isFirst && !requests.toRestore.has(id);
      if (wasSeen) hints.restored = [...hints.restored, id];
      else found.push(id);
    }
    return found;
  }
}
