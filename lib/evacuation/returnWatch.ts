import type { ComputeService } from '@openstack-ts/nova-client';
import type { Clock } from './clock.ts';
import type { HostHints } from './hints.ts';
import { pacing } from './pacing.ts';
import { isBack, mayBeBack, nextSigns } from './returning.ts';

/** How old the pulses may be, in ms: hosts that ask at the same time share one question. */
const pulsesFreshMs = 1_500;

/** Watches, for all hosts of a pass, whether a fenced machine is back. */
export class ReturnWatch {
  readonly #readPulses: () => Promise<ReadonlyMap<string, string>>;
  readonly #clock: Pick<Clock, 'now' | 'sleep'>;
  #pulses: { readonly at: number; readonly read: Promise<ReadonlyMap<string, string>> } | null = null;

  constructor(readPulses: () => Promise<ReadonlyMap<string, string>>, clock: Pick<Clock, 'now' | 'sleep'>) {
    this.#readPulses = readPulses;
    this.#clock = clock;
  }

  /**
   * `back`: for certain; `maybe`: worth another look in a moment; `gone`: nothing speaks for it. What was seen is
   * remembered in the hints, so that a later pass can tell a change.
   */
  async look(
    service: ComputeService,
    hints: HostHints,
    clockOffsetMs: number,
  ): Promise<'back' | 'maybe' | 'gone'> {
    const pulse = (await this.#read()).get(service.host) ?? '';
    const signs = nextSigns(hints.signs, pulse, service);
    hints.signs = signs;
    if (isBack(signs)) return 'back';
    if (!mayBeBack(signs, service, clockOffsetMs)) return 'gone';
    const now = this.#clock.now();
    const since = signs.watchedSince ?? now;
    hints.signs = { ...signs, watchedSince: since };
    return now - since < pacing.returnWatchMs ? 'maybe' : 'gone';
  }

  /**
   * Waits for one more sign of life, so that what is decided next rests on one that is less than a second old: the
   * machine may have died, and been fenced, again since the last. `read` gives the service anew.
   */
  async awaitSign(host: string, read: () => Promise<ComputeService | undefined>): Promise<boolean> {
    const until = this.#clock.now() + pacing.freshSignMs;
    const before = (await this.#readPulses()).get(host);
    const updatedAt = before === undefined ? ((await read())?.updatedAt ?? null) : null;
    while (this.#clock.now() < until) {
      await this.#clock.sleep(pacing.freshSignPollMs);
      if (before !== undefined) {
        const pulse = (await this.#readPulses()).get(host);
        if (pulse !== undefined && pulse !== before) return true;
      } else {
        const service = await read();
        if (service?.forcedDown && updatedAt !== null && (service.updatedAt ?? 0) > updatedAt) return true;
      }
    }
    return false;
  }

  #read(): Promise<ReadonlyMap<string, string>> {
    const now = this.#clock.now();
    if (this.#pulses === null || now - this.#pulses.at > pulsesFreshMs) {
      this.#pulses = { at: now, read: this.#readPulses() };
    }
    return this.#pulses.read;
  }
}
