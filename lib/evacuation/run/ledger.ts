import type { Incident, MarkName } from '../../attrd/index.ts';
import { type HostOutcome, type PassOutcome, passOutcome } from '../tell/outcome.ts';
import { type HostHints, newHostHints } from './hints.ts';
import type { PassOptions } from './passOptions.ts';
import type { Gate } from './passScope.ts';

/** Where each marked host stands in this pass, and what was said of it, by this pass or an earlier one. */
export class Ledger {
  readonly #options: Pick<PassOptions, 'hints' | 'clock' | 'log' | 'showProgress'>;
  readonly #outcomes = new Map<MarkName, HostOutcome>();
  /** Names to be looked at again: another evacuator is at work on their hosts, or it is not certain yet that they are down. */
  readonly #deferred = new Set<MarkName>();

  constructor(options: Pick<PassOptions, 'hints' | 'clock' | 'log' | 'showProgress'>) {
    this.#options = options;
  }

  get outcomes(): readonly HostOutcome[] {
    return [...this.#outcomes.values()];
  }

  /** What the pass tells at its end. */
  outcome(): PassOutcome {
    return passOutcome(this.outcomes);
  }

  /** A new round over the marks: those that were only deferred are judged anew. */
  newRound(): void {
    for (const name of this.#deferred) this.#outcomes.delete(name);
    this.#deferred.clear();
  }

  note(name: MarkName, kind: HostOutcome['kind'], sentence: string): void {
    this.#outcomes.set(name, { kind, name, sentence, progress: null });
  }

  /** Noted until the next round. */
  defer(name: MarkName, kind: HostOutcome['kind'], sentence: string): void {
    this.#deferred.add(name);
    this.note(name, kind, sentence);
  }

  settle(outcome: HostOutcome): void {
    this.#outcomes.set(outcome.name, outcome);
  }

  /**
   * What was held back when it was looked at last, and may go on by now, or be held back by something else: the pass may have waited
   * for Nova ever since.
   */
  heed(gate: (name: MarkName) => Gate): void {
    for (const { heldBack, ...one } of this.outcomes) {
      if (heldBack === undefined) continue;
      const now = gate(one.name);
      if (now.kind === 'defer') {
        const sentence = one.sentence.replace(heldBack, () => now.sentence);
        this.settle({ ...one, sentence, heldBack: now.sentence });
        continue;
      }
      const sentence = `evacuation of ${one.name} is no longer deferred and goes on at the next pass.`;
      this.settle({ ...one, kind: 'working', sentence });
    }
  }

  /** Nothing is open of it any more. */
  close(name: MarkName): void {
    this.#outcomes.delete(name);
  }

  /** Logs a sentence unless an earlier pass said the same. */
  once(name: MarkName, subject: string, sentence: string, sameAs = sentence): void {
    const { said } = this.hints(name);
    if (said[subject] === sameAs) return;
    said[subject] = sameAs;
    this.#options.log.warn(sentence);
  }

  /** Shows where a host stands that is not worked on yet. */
  async showOnce(name: MarkName, text: string): Promise<void> {
    const { said } = this.hints(name);
    if (said['shown'] !== text) await this.#options.showProgress(name, text);
    said['shown'] = text;
  }

  /**
   * Notes of an incident that is over, or was given up, say nothing of the next. What may be under way in Nova all the same is
   * about instances, whatever the incident.
   */
  begin(name: MarkName, incident: Incident | null): void {
    const { hints, clock } = this.#options;
    const before = this.hints(name);
    const { incidentId } = before;
    if (incident === null || incidentId === incident.id) return;
    // Our version before notes no id, and an incident that was given to a mark without one is the one it was about.
    if (incidentId === null && (incident.adopted || before.pass === 'none')) {
      before.incidentId = incident.id;
      return;
    }
    const { pass, quietUntil, doubts, open, sharedWith } = before;
    hints.set(name, {
      ...newHostHints(clock.now()),
      incidentId: incident.id,
      ...{ pass, quietUntil, doubts, open, sharedWith },
    });
  }

  hints(name: MarkName): HostHints {
    const { hints, clock } = this.#options;
    let entry = hints.get(name);
    if (entry === undefined || entry.firstSeen === 0) {
      entry = { ...newHostHints(clock.now()), incident: entry?.incident ?? null };
      hints.set(name, entry);
    }
    return entry;
  }
}
