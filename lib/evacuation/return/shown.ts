import type { NovaHost } from '@openstack-ts/nova-client';
import { AttrdError, type Attributes, type NodeName } from '../../attrd/index.ts';
import { rethrowUnless } from '../../rethrow.ts';
import type { Clock } from '../incident/clock.ts';
import { pacing } from '../incident/pacing.ts';
import { returningAttribute } from '../look/pulses.ts';
import type { PassLog } from '../tell/passLog.ts';
import { waitText } from '../tell/waitText.ts';

/** The public transient attribute, on the node itself, that shows what its release waits for and since when. */
export const releaseAttribute = 'nova-compute-release';

/** What a machine on its way back works with to be seen. */
export interface ShownScope {
  /** This node's name in the cluster. */
  readonly node: NodeName;
  /** Nova's name of this host, as its nova.conf gives it. */
  readonly host: NovaHost;
  readonly attributes: Attributes;
  readonly clock: Clock;
  readonly log: PassLog;
}

/** What a machine on its way back shows of itself on its node. Being seen never holds up the way back. */
export class Shown {
  readonly #scope: ShownScope;
  /** Null until it was read or written. */
  #text: string | null = null;
  #pulsedAt = 0;

  constructor(scope: ShownScope) {
    this.#scope = scope;
  }

  /** Says what is waited for: in the attribute, and in the log when it is something new. The sentence tells since when. */
  async wait(sentence: string): Promise<string> {
    const { attributes, clock, log, node } = this.#scope;
    const next = waitText(sentence, (await this.#read()) ?? '', clock.now());
    if (next.text === this.#text) return next.sentence;
    if (next.isNew) log.notice(`${sentence}.`);
    const isShown = await this.#attempt(() =>
      attributes.updateTransient(releaseAttribute, next.text, { host: node, private: false }),
    );
    // One that failed may be on its way all the same.
    this.#text = isShown ? next.text : null;
    return next.sentence;
  }

  /** Takes down what was shown, by an earlier call perhaps; whether it is down. */
  async hide(): Promise<boolean> {
    const { attributes, node } = this.#scope;
    if ((await this.#read()) === '') return true;
    const isDown = await this.#attempt(() =>
      attributes.deleteTransient(releaseAttribute, { host: node, private: false }),
    );
    if (isDown) this.#text = '';
    return isDown;
  }

  /** Shows that this machine is back, every now and then. */
  async pulse(): Promise<void> {
    const { attributes, clock, host, node } = this.#scope;
    const now = clock.now();
    if (now - this.#pulsedAt < pacing.pulseMs) return;
    this.#pulsedAt = now;
    const value = `${host}@${Math.floor(now / 1000)}`;
    await this.#attempt(() =>
      attributes.updateTransient(returningAttribute, value, { host: node, private: true }),
    );
  }

  /** Whether the pulse is taken down. */
  endPulse(): Promise<boolean> {
    const { attributes, node } = this.#scope;
    return this.#attempt(() => takeDown(attributes, returningAttribute, node));
  }

  /** What is shown; null when that cannot be read. */
  async #read(): Promise<string | null> {
    const { attributes, node } = this.#scope;
    if (this.#text === null) {
      await this.#attempt(async () => {
        const values = await attributes.queryTransient(releaseAttribute);
        this.#text = values.find(({ host }) => host === node)?.value ?? '';
      });
    }
    return this.#text;
  }

  async #attempt(change: () => Promise<void>): Promise<boolean> {
    try {
      await change();
      return true;
    } catch (error) {
      rethrowUnless(error, AttrdError);
      this.#scope.log.debug(`What is waited for could not be shown: ${error.message}`);
      return false;
    }
  }
}

/** Takes down what a machine on its way back has shown of itself, where its way back is over. Throws `AttrdError`. */
export async function takeDownReturn(attributes: Attributes, node: NodeName): Promise<void> {
  for (const name of [releaseAttribute, returningAttribute]) await takeDown(attributes, name, node);
}

async function takeDown(attributes: Attributes, name: string, node: NodeName): Promise<void> {
  const values = await attributes.queryTransient(name);
  if (!values.some(({ host, value }) => host === node && value !== '')) return;
  await attributes.deleteTransient(name, { host: node, private: name === returningAttribute });
}
