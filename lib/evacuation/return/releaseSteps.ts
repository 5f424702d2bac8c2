import { type ComputeService, NovaError } from '@openstack-ts/nova-client';
import type { MarkName } from '../../attrd/index.ts';
import { rethrowUnless } from '../../rethrow.ts';
import { marksOf } from '../incident/names.ts';
import type { GuestStarter } from './guestStarter.ts';
import type { ReleaseAction } from './release.ts';
import type { ReleasedHost, ReleaseOutcome, ReleaseScope } from './releaseScope.ts';

/** Takes the steps of a release, and knows which it took. */
export class ReleaseSteps {
  readonly #scope: ReleaseScope;
  readonly #released: ReleasedHost;
  readonly #guests: GuestStarter;
  readonly #done: string[] = [];
  #refusal: string | null = null;
  /** The names whose marks were removed. */
  #cleared: readonly MarkName[] = [];

  constructor(scope: ReleaseScope, released: ReleasedHost, guests: GuestStarter) {
    this.#scope = scope;
    this.#released = released;
    this.#guests = guests;
  }

  /** What was done to the service, each in a few words. */
  get done(): readonly string[] {
    return this.#done;
  }

  get hasCleared(): boolean {
    return this.#cleared.length > 0;
  }

  /** Nova's own words, after it refused to take forced_down away although no record stood against it. */
  get refusal(): string | null {
    return this.#refusal;
  }

  /** The refusal was told. */
  forgetRefusal(): void {
    this.#refusal = null;
  }

  /** Takes one step; gives what stands against it, null when it went well. */
  async take(step: ReleaseAction, service: ComputeService | null): Promise<ReleaseOutcome | null> {
    const { marks, nova, log, callOptions } = this.#scope;
    const { host, names, start } = this.#released;
    switch (step.kind) {
      case 'start':
        if (await start()) {
          this.#done.push('nova-compute started');
          return null;
        }
        return {
          kind: 'waiting',
          for: 'nova-compute',
          sentence: `${host} waits for its nova-compute to start`,
        };
      case 'startGuests':
        await this.#guests.start();
        return null;
      case 'clear':
        this.#cleared = marksOf((await marks.readAll()).marks, names).map(({ name }) => name);
        for (const name of this.#cleared) await marks.clearNo(name);
        return null;
      case 'forceUp':
        if (service !== null) await this.#forceUp(service);
        return null;
      case 'enable':
        if (service === null) return null;
        log.info(`Enabling nova-compute on ${host}`);
        await nova.enableService(service, callOptions);
        this.#done.push('enabled');
        return null;
    }
  }

  async #forceUp(service: ComputeService): Promise<void> {
    const { nova, log, callOptions } = this.#scope;
    const { host } = this.#released;
    log.info(`Forcing nova-compute back up on ${host}`);
    try {
      await nova.setForcedDown(service, false, callOptions);
    } catch (error) {
      rethrowUnless(error, NovaError);
      if (error.status !== 400 && error.status !== 409) throw error;
      // Another evacuated instance's record has just become `done`: Nova, from 24.0 on,
      // wants nova-compute to settle it first.
      this.#refusal = error.message;
      log.debug(`Nova does not take forced_down from ${host} yet: ${error.message}.`);
      return;
    }
    log.info(`Forced nova-compute back up on ${host}`);
    this.#done.push('no longer forced down');
  }

  /**
   * The host was fenced again after this walk had found it up and before its mark was gone: `fence_compute off` leaves
   * the `no` of an empty host as it is, and without it nobody would release the host.
   */
  async restoreMark(): Promise<void> {
    const { marks } = this.#scope;
    const [name] = this.#cleared;
    this.#cleared = [];
    if (name === undefined) return;
    const all = (await marks.readAll()).marks;
    if (marksOf(all, this.#released.names).length === 0) await marks.owe(name, name);
  }
}
