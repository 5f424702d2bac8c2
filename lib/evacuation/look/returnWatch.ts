import type { ComputeService, NovaHost } from '@openstack-ts/nova-client';
import type { MarkName } from '../../attrd/index.ts';
import {
  hasJoined,
  haveJoined,
  type NodesReading,
  type NodesUntold,
  nodesMeant,
} from '../../cluster/index.ts';
import type { Clock } from '../incident/clock.ts';
import { type HostKey, hostKey } from '../incident/names.ts';
import { pacing } from '../incident/pacing.ts';
import { isBack, mayBeBack, nextSigns, type Signs } from './returnSigns.ts';

/** How old the cluster's answers may be, in ms: hosts that ask at the same time share one question. */
const freshMs = 1_500;

/**
 * `back`: for certain; `maybe`: worth another look in a moment, as when the cluster takes the marked node for joined;
 * `gone`: nothing speaks for it; `untold`: nothing does, but the cluster did not tell what the node is (a main clause says
 * why), so that it is not gone either.
 */
export type Presence =
  | { readonly kind: 'back' | 'maybe' | 'gone' }
  | ({ readonly kind: 'untold' } & Pick<NodesUntold, 'sentence' | 'remedy'>);

/** What is remembered of a host from look to look. */
export interface ReturnNotes {
  /**
   * What was last seen of the host that may tell a machine that is back; null: not looked at yet. That a nova-compute ran there
   * is in the incident. Forgotten: the rest is watched anew.
   */
  signs: Signs | null;
}

/** Watches, for all hosts of a pass, whether a fenced machine is back. */
export class ReturnWatch {
  readonly #readPulses: () => Promise<ReadonlyMap<HostKey, string>>;
  readonly #readNodes: () => Promise<NodesReading>;
  readonly #clock: Pick<Clock, 'now' | 'sleep'>;
  #pulses: { readonly at: number; readonly read: Promise<ReadonlyMap<HostKey, string>> } | null = null;

  constructor(
    readPulses: () => Promise<ReadonlyMap<HostKey, string>>,
    readNodes: () => Promise<NodesReading>,
    clock: Pick<Clock, 'now' | 'sleep'>,
  ) {
    this.#readPulses = readPulses;
    this.#readNodes = readNodes;
    this.#clock = clock;
  }

  /** What was seen is remembered in the hints, so that a later pass can tell a change. */
  async look(
    { name, hints }: { readonly name: MarkName; readonly hints: ReturnNotes },
    service: ComputeService,
    clockOffsetMs: number,
    begun: boolean,
  ): Promise<Presence> {
    const pulse = (await this.#pulsesNow()).get(hostKey(service.host)) ?? '';
    const signs = nextSigns(hints.signs, pulse, service);
    hints.signs = signs;
    if (isBack(signs)) return { kind: 'back' };
    // Once its evacuation has begun, only certainty counts.
    const reading = begun ? null : await this.#readNodes();
    const joined = reading?.known === true && nodesMeant(name, reading.nodes).some((node) => hasJoined(node));
    if (!joined && !mayBeBack(signs, service, clockOffsetMs)) {
      if (reading?.known !== false) return { kind: 'gone' };
      return { kind: 'untold', sentence: reading.sentence, remedy: reading.remedy };
    }
    const now = this.#clock.now();
    const since = signs.watchedSince ?? now;
    hints.signs = { ...signs, watchedSince: since };
    if (now - since < pacing.returnWatchMs) return { kind: 'maybe' };
    if (reading?.known !== false) return { kind: 'gone' };
    return { kind: 'untold', sentence: reading.sentence, remedy: reading.remedy };
  }

  /** Whether the cluster shows the node that a mark is about, and shows it joined for certain. */
  async hasJoined(name: MarkName): Promise<boolean> {
    const reading = await this.#readNodes();
    if (!reading.known) return false;
    const nodes = nodesMeant(name, reading.nodes);
    return nodes.length > 0 && haveJoined(nodes);
  }

  /**
   * Waits for one more sign of life, so that what is decided next rests on one that is less than a second old: the
   * machine may have died, and been fenced, again since the last. `read` gives the service anew. No longer than until
   * `latest`, in ms since the epoch.
   */
  async awaitSign(
    host: NovaHost,
    read: () => Promise<ComputeService | undefined>,
    latest: number,
  ): Promise<boolean> {
    const until = Math.min(this.#clock.now() + pacing.freshSignMs, latest);
    const updatedAt = (await read())?.updatedAt ?? null;
    let pulse: string | null = null;
    for (let looks = 1; this.#clock.now() < until; looks += 1) {
      const now = (await this.#readPulses()).get(hostKey(host));
      // One that only appears may be old: the daemon that was restarted gets it from its peers.
      if (now !== undefined && pulse !== null && now !== pulse) return true;
      pulse = now ?? pulse;
      await this.#clock.sleep(pacing.freshSignPollMs);
      // Nova is asked less often than the cluster, and not where the machine speaks for itself.
      if (pulse !== null || looks % 2 === 0) continue;
      const service = await read();
      if (service?.forcedDown && updatedAt !== null && (service.updatedAt ?? 0) > updatedAt) return true;
    }
    return false;
  }

  #pulsesNow(): Promise<ReadonlyMap<HostKey, string>> {
    const now = this.#clock.now();
    if (this.#pulses === null || now - this.#pulses.at > freshMs) {
      this.#pulses = { at: now, read: this.#readPulses() };
    }
    return this.#pulses.read;
  }
}
