import type { InstanceClass } from './classify.ts';
import type { Clock } from './clock.ts';
import type { HostHints } from './hints.ts';
import { pacing } from './pacing.ts';
import type { PassLog } from './passLog.ts';
import { type Progress, progressText } from './progress.ts';

/** Tells what becomes of one host's instances: each outcome once in the log, the progress where it can be looked at. */
export class HostReport {
  readonly #host: string;
  readonly #hints: HostHints;
  readonly #log: PassLog;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #showProgress: (text: string) => Promise<void>;
  readonly #lastKind = new Map<string, InstanceClass['kind']>();
  #shownAt = 0;
  #shownText = '';

  constructor(
    host: string,
    hints: HostHints,
    log: PassLog,
    clock: Pick<Clock, 'now'>,
    showProgress: (text: string) => Promise<void>,
  ) {
    this.#host = host;
    this.#hints = hints;
    this.#log = log;
    this.#clock = clock;
    this.#showProgress = showProgress;
  }

  /** One line per instance and outcome, said once. */
  tell(classes: ReadonlyMap<string, InstanceClass>, title: (id: string) => string): void {
    for (const [id, one] of classes) {
      const before = this.#lastKind.get(id);
      this.#lastKind.set(id, one.kind);
      if (!('sentence' in one)) continue;
      if (one.kind === 'finished' && before !== undefined && before !== 'finished') {
        const what = one.moved ? 'Evacuated' : 'Nothing to evacuate of';
        this.say(id, 'info', `${what} ${title(id)} from ${this.#host}: ${one.sentence}.`);
      } else if (one.kind === 'failed') {
        const again = new Date(one.retryAt).toISOString();
        this.say(
          id,
          'warn',
          `Evacuation of ${title(id)} from ${this.#host}: ${one.sentence}; the next attempt is not before ${again}.`,
          // The time moves on with each look while no host can take it.
          `${one.attempts} ${one.sentence}`,
        );
      } else if (one.kind === 'cannot' || one.kind === 'excluded') {
        this.say(id, 'notice', `Leaving ${title(id)} on ${this.#host}: ${one.sentence}.`);
      } else if (one.kind === 'unknown' || (one.kind === 'inFlight' && one.overdue)) {
        this.say(id, 'warn', `Waiting for ${title(id)} on ${this.#host}: ${one.sentence}.`, one.kind);
      }
    }
  }

  /** Logs a sentence about a subject unless it was the last thing said about it, by this pass or an earlier one. */
  say(subject: string, level: 'info' | 'notice' | 'warn', sentence: string, sameAs = sentence): void {
    const { said } = this.#hints;
    if (said[subject] === sameAs) return;
    said[subject] = sameAs;
    this.#log[level](sentence);
  }

  /** Shows the progress, not too often unless it has to be now. */
  async show(progress: Progress, atOnce = false): Promise<void> {
    const text = progressText(progress);
    if (text === this.#shownText || (!atOnce && this.#clock.now() - this.#shownAt < pacing.progressMs))
      return;
    this.#shownText = text;
    this.#shownAt = this.#clock.now();
    await this.#showProgress(text);
  }
}
