import type { Cloud, Migration, Server } from './cloud.ts';
import { waitFor } from './cloud.ts';
import type { Cluster } from './cluster.ts';
import type { DomainWatch } from './domains.ts';
import { control } from './node.ts';
import { hostOf, nodeOf } from './settings.ts';
import { sleep } from './time.ts';
import type { Timeline } from './timeline.ts';

/** One file of `scenarios/` exports one of these. */
export interface Scenario {
  readonly title: string;
  /** How long it may take, in seconds, before it counts as failed. */
  readonly seconds: number;
  /** False when hosts fail without losing their power, so that nobody could promise that nothing runs twice. */
  readonly machinesDie?: false;
  run(lab: Lab): Promise<void>;
}

/** What a scenario works with. The methods that judge collect verdicts; none of them throws. */
export class Lab {
  readonly cloud: Cloud;
  readonly cluster: Cluster;
  readonly domains: DomainWatch;
  readonly timeline: Timeline;
  readonly failures: string[] = [];
  /** Whether a fault was injected, or anything judged. */
  hasTested = false;

  constructor(cloud: Cloud, cluster: Cluster, domains: DomainWatch, timeline: Timeline) {
    this.cloud = cloud;
    this.cluster = cluster;
    this.domains = domains;
    this.timeline = timeline;
  }

  say(text: string): void {
    this.timeline.add('scenario', text);
  }

  /** The fault itself, so that it stands out. */
  fault(text: string): void {
    this.hasTested = true;
    this.timeline.add('FAULT', text);
  }

  /** One claim, and if it does not hold, what is there instead (the first few of it). */
  check(holds: boolean, claim: string, ...details: readonly string[]): void {
    this.hasTested = true;
    this.timeline.add('judge', `${holds ? 'yes' : 'NO '}  ${claim}`);
    if (holds) return;
    const shown = details.filter((d) => d !== '').slice(0, 6);
    if (details.length > shown.length) shown.push(`and ${details.length - shown.length} more`);
    this.failures.push([`not so: ${claim}`, ...shown].join('\n#            '));
  }

  /** Takes the power of a node away; what is waited for afterwards is about this failure, not an earlier one. */
  async losePower(node: string, what = ''): Promise<void> {
    this.timeline.marked.delete(node);
    this.fault(`${node} loses its power${what}`);
    await control('power-off', node);
  }

  /** Waits until a node is fenced and its mark is there. */
  async waitMarked(node: string, seconds = 90): Promise<void> {
    await waitFor(`the mark of ${node}`, seconds, async () => {
      const mark = await this.cluster.mark(node).catch(() => undefined);
      return mark?.permanent === 'yes' || undefined;
    });
  }

  /**
   * Waits until the mark of a node says that nothing is left to do. Where nova-compute comes back meanwhile the mark may
   * be gone already, and the host released.
   */
  async waitEvacuated(node: string, seconds: number): Promise<void> {
    let shown = '';
    await waitFor(`the evacuation of ${node} finished`, seconds, async () => {
      // Nova's API or a controller may be what the scenario took away.
      const migrations = await this.cloud.evacuations(hostOf(node)).catch(() => undefined);
      const mark = await this.cluster.mark(node).catch(() => undefined);
      if (migrations === undefined || mark === undefined) return undefined;
      const counts = new Map<string, number>();
      for (const { status } of migrations) counts.set(status, (counts.get(status) ?? 0) + 1);
      const text = [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
      if (text !== shown) this.timeline.add('nova', `evacuations from ${node}: ${text}`);
      shown = text;
      const settled =
        mark.permanent === 'no' || (mark.permanent === undefined && this.timeline.marked.has(node));
      const done = settled && (mark.transient ?? 'no') === 'no';
      return done ? true : undefined;
    });
    this.say(`the mark of ${node} says: evacuated`);
  }

  /**
   * Judges servers that were on `source`: each is elsewhere now, in the state it had, live on that one hypervisor if
   * it was active, and was evacuated exactly once with success. `retried`: failed attempts may have come before.
   */
  async judgeEvacuated(before: readonly Server[], source: string, retried = false): Promise<void> {
    const now = new Map((await this.cloud.servers()).map((s) => [s.id, s]));
    const migrations = await this.cloud.evacuations();
    const wrong: string[] = [];
    const several: string[] = [];
    for (const server of before) {
      const after = now.get(server.id);
      const expected = server.status === 'ERROR' ? 'ACTIVE' : server.status;
      const live = this.domains.liveOn(server.id);
      const host = after?.host ?? 'nowhere';
      const rightPlace = host !== hostOf(source) && after?.taskState === null && after.status === expected;
      const rightDomain =
        expected === 'ACTIVE' ? live.length === 1 && live[0] === nodeOf(host) : live.length === 0;
      if (!rightPlace || !rightDomain || after.locked !== server.locked) {
        wrong.push(
          `${server.name} was ${server.status}, is ${after?.status ?? 'gone'} (task ${after?.taskState ?? 'none'}) on ` +
            `${host}, live on ${live.join(' and ') || 'no hypervisor'}`,
        );
      }
      const all = migrations.filter((m) => m.server === server.id && m.source === hostOf(source));
      const good = all.filter((m) => m.status === 'done' || m.status === 'completed');
      if (good.length !== 1 || (!retried && all.length !== 1)) {
        several.push(`${server.name}: ${all.map((m) => m.status).join(', ') || 'none'}`);
      }
    }
    const count = before.length;
    this.check(wrong.length === 0, `${count} instances run (or are kept off) elsewhere`, ...wrong);
    this.check(several.length === 0, `one successful evacuation for each of ${count}`, ...several);
  }

  judgeDomains(): void {
    this.check(
      this.domains.violations.length === 0,
      'no instance ever ran on two hypervisors at once',
      ...this.domains.violations,
    );
  }

  /** The fencing of a node since the scenario began, as the cluster's history has it. */
  async judgeFencedOnce(node: string): Promise<void> {
    const events = (await this.cluster.status()).fencing.filter(
      (e) => e.target === node && e.action !== 'on',
    );
    this.check(
      events.length === 1 && events[0]?.status === 'success',
      `${node} was fenced once, with success`,
      events.map((e) => `${e.action} ${e.status}`).join(', ') || 'not at all',
    );
  }

  /** That a node's power was switched off once and no more. */
  judgePoweredOffOnce(node: string): void {
    const offs = this.timeline.powerLog.filter((l) => l.startsWith(`off ${node} `)).length;
    this.check(offs === 1, `the power of ${node} was switched off once`, `${offs} times`);
  }

  /** Evacuations from a node that are under way: accepted by Nova and not finished. */
  async inFlight(node: string): Promise<Migration[]> {
    const all = await this.cloud.evacuations(hostOf(node)).catch(() => []);
    return all.filter((m) => m.status === 'accepted' || m.status === 'pre-migrating');
  }

  /** Something to put back after the scenario, however it ends. */
  afterwards(undo: () => Promise<unknown>): void {
    this.undo.unshift(undo);
  }

  readonly undo: (() => Promise<unknown>)[] = [];
  readonly sleep = sleep;
}
