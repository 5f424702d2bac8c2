import type { CallOptions, NovaClient, Server, ServerAction, ServerId } from '@openstack-ts/nova-client';
import { decideGuest, type GuestFacts, type GuestStep } from '../decide/guests.ts';
import { guestPower } from '../look/guestPower.ts';
import type { PassLog } from '../tell/passLog.ts';

/**
 * How many looks in a row may fail to tell whether a guest runs before it is left so. A nova-compute that has just come
 * up, or an API that fails in passing, answers a moment later.
 */
const unsureLooks = 5;

/** What is known of an instance without asking about it. */
export type KnownOfGuest = Pick<GuestFacts, 'evacuationFailed' | 'fencedAt' | 'triedSince'>;

/** Reads what is needed to tell what an instance that stayed needs, and no more. */
export class GuestLook {
  readonly #nova: NovaClient;
  readonly #log: PassLog;
  readonly #options: CallOptions;
  /** Looks in a row that did not tell whether a guest runs, by instance. */
  readonly #unsure = new Map<ServerId, number>();

  constructor(nova: NovaClient, log: PassLog, options: CallOptions) {
    this.#nova = nova;
    this.#log = log;
    this.#options = options;
  }

  /** @param isNamed it was given up: nothing is due any more */
  async at(server: Server, known: KnownOfGuest, isNamed: boolean): Promise<GuestStep> {
    const isBroken = known.evacuationFailed || (server.updatedAt ?? 0) >= known.fencedAt;
    const asked = server.vmState === 'active' || (server.vmState === 'error' && isBroken);
    const running = asked && server.taskState === null ? await this.#runs(server.id) : null;
    if (this.#isUnsure(server.id, asked && server.taskState === null && running === null)) {
      return { kind: 'starting' };
    }
    if (isNamed) return { kind: 'leave' };
    const decide = (actions: readonly ServerAction[] | null) =>
      decideGuest({ server, running, actions, ...known });
    const step = decide(null);
    return step.kind === 'readActions'
      ? decide(await this.#nova.listActions(server.id, this.#options))
      : step;
  }

  /** Whether one that could not be told is worth another look. */
  #isUnsure(id: ServerId, untold: boolean): boolean {
    const looks = untold ? (this.#unsure.get(id) ?? 0) + 1 : 0;
    this.#unsure.set(id, looks);
    return untold && looks < unsureLooks;
  }

  async #runs(id: ServerId): Promise<boolean | null> {
    const power = await guestPower(this.#nova, id, this.#options);
    if (power.kind !== 'untold') return power.kind === 'runs';
    this.#log.debug(`Nova cannot tell whether instance ${id} runs: ${power.why}.`);
    return null;
  }
}
