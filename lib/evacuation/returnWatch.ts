import type { ComputeService } from '@openstack-ts/nova-client';
import type { Clock } from './clock.ts';
import type { HostHints } from './hints.ts';
import { pacing } from './pacing.ts';
import { isBack, mayBeBack, nextSigns } from './returning.ts';

/** How old the cluster's answers may be, in ms: hosts that ask at the same time share one question. */
const freshMs = 1_500;

/** Watches, for all hosts of a pass, whether a fenced machine is back. */
export class ReturnWatch {
  readonly #readPulses: () => Promise<ReadonlyMap<string, string>>;
  readonly #readJoined: () => Promise<ReadonlySet<string>>;
  readonly #clock: Pick<Clock, 'now' | 'sleep'>;
  #joined: { readonly at: number; readonly read: Promise<ReadonlySet<string>> } | null = null;
  #pulses: { readonly at: number; readonly read: Promise<ReadonlyMap<string, string>> } | null = null;

  constructor(
    readPulses: () => Promise<ReadonlyMap<string, string>>,
    readJoined: () => Promise<ReadonlySet<string>>,
    clock: Pick<Clock, 'now' | 'sleep'>,
  ) {
    this.#readPulses = readPulses;
    this.#readJoined = readJoined;
    this.#clock = clock;
  }

  /**
   * `back`: for certain; `maybe`: worth another look in a moment, as when the cluster takes the marked node for joined;
   * `gone`: nothing speaks for it. What was seen is remembered in the hints, so that a later pass can tell a change.
   */
  async look(
    { name, hints }: { readonly name: string; readonly hints: HostHints },
    service: ComputeService,
    clockOffsetMs: number,
    begun: boolean,
  ): Promise<'back' | 'maybe' | 'gone'> {
    const pulse = (await this.#pulsesNow()).get(service.host) ?? '';
    const signs = nextSigns(hints.signs, pulse, service);
    hints.signs = signs;
    if (isBack(signs)) return 'back';
    // Once its evacuation has begun, only certainty counts.
    const joined = !begun && (await this.#joinedNow()).has(name);
    if (!joined && !mayBeBack(signs, service, clockOffsetMs)) return 'gone';
    const now = this.#clock.now();
    const since = signs.watchedSince ?? now;
    hints.signs = { ...signs, watchedSince: since };
    return now - since < pacing.returnWatchMs ? 'maybe' : 'gone';
  }

  /**
   * Waits for one more sign of life, so that what is decided next rests on one that is less than a second old: the
   * machine may have died, and been fenced, again since the last. `read` gives the service anew. No longer than until
   * `latest`, in ms since the epoch.
   */
  async awaitSign(
    host: string,
    read: () => Promise<ComputeService | undefined>,
    latest: number,
  ): Promise<boolean> {
    const until = Math.min(this.#clock.now() + pacing.freshSignMs, latest);
    const updatedAt = (await read())?.updatedAt ?? null;
    let pulse: string | null = null;
    for (let looks = 1; this.#clock.now() < until; looks += 1) {
      const now = (await this.#readPulses()).get(host);
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

  #pulsesNow(): Promise<ReadonlyMap<string, string>> {
    const now = this.#clock.now();
    if (this.#pulses === null || now - this.#pulses.at > freshMs) {
      this.#pulses = { at: now, read: this.#readPulses() };
    }
    return this.#pulses.read;
  }

  #joinedNow(): Promise<ReadonlySet<string>> {
    const now = this.#clock.now();
    if (this.#joined === null || now - this.#joined.at > freshMs) {
      this.#joined = { at: now, read: this.#readJoined() };
    }
    return this.#joined.read;
  }
}
