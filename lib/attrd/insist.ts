import { rethrowUnless } from '../rethrow.ts';
import { AttrdError } from './errors.ts';

/** The first pause before a question is asked again, and the last, in ms. */
const firstPauseMs = 500;
const lastPauseMs = 4_000;

/** For how long a question to the cluster is asked again. */
export interface Patience {
  readonly clock: { now(): number; sleep(ms: number): Promise<void> };
  /** From when it is first asked, in ms. */
  readonly forMs: number;
  /** The end of the action, in ms since the epoch: nothing is asked again after it. */
  readonly until: number;
}

/**
 * Asks until there is an answer: a tool of Pacemaker's may fail once, hang once, or say what nobody understands, and none of
 * that is an answer. The one place where questions to the cluster are repeated. Without patience it asks once. Throws the
 * last `AttrdError`; one that waiting does not mend (a tool that is not installed) at once.
 *
 * @param isAnswer what does not satisfy it is asked for again as well, and given back when the time is over
 */
export async function insist<T>(
  patience: Patience | null,
  attempt: () => Promise<T>,
  isAnswer: (outcome: T) => boolean = () => true,
): Promise<T> {
  if (patience === null) return attempt();
  const { clock, forMs, until } = patience;
  const end = Math.min(clock.now() + forMs, until);
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, lastPauseMs)) {
    const isLast = () => clock.now() + pause >= end;
    try {
      const outcome = await attempt();
      if (isAnswer(outcome) || isLast()) return outcome;
    } catch (error) {
      rethrowUnless(error, AttrdError);
      if (error.code === 'missing' || isLast()) throw error;
    }
    await clock.sleep(pause);
  }
}
