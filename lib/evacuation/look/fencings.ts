import type { NovaHost } from '@openstack-ts/nova-client';
import type { Incident, MarkName, NodeName } from '../../attrd/index.ts';
import type { Fencing } from '../../cluster/index.ts';
import { isSameHost } from '../incident/names.ts';
import { pacing } from '../incident/pacing.ts';

/** Where fencings are read, and how the names of nodes lead to hosts. */
export interface FencingSources {
  /** The last incident of each node that has one, those that are over among them. */
  readonly incidents: () => ReadonlyMap<MarkName, Incident>;
  /** What the cluster remembers of a node's fencing. */
  readonly readFencing: (node: NodeName) => Promise<Fencing>;
  readonly hostOf: (name: MarkName) => Promise<NovaHost>;
  /** What the cluster calls a host. */
  readonly nodesOf: (host: NovaHost) => Promise<readonly NodeName[]>;
  readonly now: () => number;
  /** Nova's clock less ours, in ms. */
  readonly clockOffsetMs: () => number;
}

/** When a host was fenced, on Nova's clock; `isMeasured`: and that clock is known to be what it was then. */
interface Fenced {
  readonly novaAt: number;
  readonly estimated: boolean;
  readonly isMeasured: boolean;
}

/** How long what the cluster remembers of a node is not asked for again. */
const historyFreshMs = 30_000;

/**
 * Whether the destination of an evacuation was fenced after Nova gave it to it: then nothing comes of it any more, also when
 * the machine is back and looks like any other. Every controller decides alike: it is in the cluster and in Nova's record.
 */
export class Fencings {
  readonly #sources: FencingSources;
  readonly #history = new Map<NovaHost, { readonly at: number; readonly lastSuccess: number | null }>();

  constructor(sources: FencingSources) {
    this.#sources = sources;
  }

  /**
   * @param updatedAt the last sign of the destination's work on it, in ms on Nova's clock
   * @param isDown whether it was seen after that to be held down still: no machine is fenced, boots and is at work within seconds
   */
  async isLost(destHost: NovaHost, updatedAt: number, isDown = false): Promise<boolean> {
    const { now, clockOffsetMs } = this.#sources;
    const latest = await this.#incidentOf(destHost);
    const at = latest?.novaAt ?? null;
    const marginMs = isDown ? -pacing.clockMarginMs : pacing.clockMarginMs;
    if (at !== null && latest?.isMeasured === true && at >= updatedAt + marginMs) return true;
    // The rest is less exact: within seconds, or on a clock whose distance nobody measured. By now a live one has moved.
    if (now() + clockOffsetMs() - updatedAt < pacing.overdueMs) return false;
    if (at !== null && at >= updatedAt - pacing.clockMarginMs) return true;
    const last = await this.lastInHistory(destHost);
    return last !== null && Math.min(last, now()) + clockOffsetMs() >= updatedAt;
  }

  /**
   * Whether a host was certainly fenced after a time on Nova's clock (ms), whatever it is now: what ran on it then does not any more.
   * What cannot be ordered for certain, such as a fencing on a clock whose distance nobody measured, is none.
   */
  async wasFencedAfter(host: NovaHost, at: number): Promise<boolean> {
    const latest = await this.#incidentOf(host, ({ adopted }) => !adopted);
    return latest?.isMeasured === true && latest.novaAt >= at + pacing.clockMarginMs;
  }

  /**
   * Whether the last fencing of a host was before a time on Nova's clock (ms), as far as is known: then what it does lives. Nothing is
   * concluded from it that needs a clock nobody has set: it holds up, and frees nobody. False where no fencing is known.
   */
  async wasFencedBefore(host: NovaHost, at: number): Promise<boolean> {
    const latest = await this.#incidentOf(host, ({ adopted }) => !adopted);
    return latest !== null && !latest.estimated && latest.novaAt <= at - pacing.clockMarginMs;
  }

  /** When a host was last fenced by us. */
  async #incidentOf(host: NovaHost, counts = (_: Incident) => true): Promise<Fenced | null> {
    let latest: Fenced | null = null;
    for (const [name, incident] of this.#sources.incidents()) {
      const { at, novaAt, estimated } = incident;
      if (!counts(incident) || novaAt === null || !isSameHost(await this.#sources.hostOf(name), host))
        continue;
      if (latest === null || novaAt > latest.novaAt)
        latest = { novaAt, estimated, isMeasured: !estimated && this.#isMeasured(at, novaAt) };
    }
    return latest;
  }

  /**
   * A clock that was set back since has the machine's next life look like the one before its fencing: what it works on now
   * would be taken for lost, and asked for a second time. So Nova's clock must be as far from ours as it was from the fencer's
   * then, and the fencing must not lie ahead of it.
   */
  #isMeasured(at: number, novaAt: number): boolean {
    const offset = this.#sources.clockOffsetMs();
    return Math.abs(novaAt - at - offset) <= pacing.clockMarginMs && novaAt <= this.#sources.now() + offset;
  }

  /**
   * When it was last fenced by whomever, on some fencer's clock, as far as the cluster remembers; null: it does not. The cluster
   * remembers its nodes, whatever Nova calls them.
   */
  async lastInHistory(host: NovaHost): Promise<number | null> {
    const known = this.#history.get(host);
    const now = this.#sources.now();
    if (known !== undefined && now - known.at < historyFreshMs) return known.lastSuccess;
    let lastSuccess: number | null = null;
    for (const node of await this.#sources.nodesOf(host)) {
      const fencing = await this.#sources.readFencing(node);
      if (fencing.known && fencing.lastSuccess !== null) {
        lastSuccess = Math.max(lastSuccess ?? 0, fencing.lastSuccess);
      }
    }
    this.#history.set(host, { at: now, lastSuccess });
    return lastSuccess;
  }
}
