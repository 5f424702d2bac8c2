import { formatMark, type Mark, type MarkReading, type MarkStore } from '../attrd/index.ts';
import { pacing } from './pacing.ts';

/** What keeping claims needs of time. */
interface ClaimClock {
  now(): number;
  every(ms: number, task: () => void): () => void;
}

/**
 * Keeps the claims of a pass alive while it works, independent of how long any request to Nova takes. A claim is
 * lost when somebody else wrote the mark: an operator's `no` or another evacuator's claim ends our work on the
 * host; a new `yes` (fenced again) or a purged transient copy is simply claimed again.
 */
export class ClaimKeeper {
  readonly #marks: MarkStore;
  readonly #me: string;
  readonly #clock: ClaimClock;
  readonly #onError: (error: unknown) => void;
  readonly #held = new Set<string>();
  readonly #lost = new Map<string, string>();
  /** When each claim was last written, in ms since the epoch. */
  readonly #writtenAt = new Map<string, number>();
  #stopTicking: (() => void) | null = null;
  /** Looks and refreshes, one after the other: a write that overtakes a later one would undo it. */
  #queue: Promise<void> = Promise.resolve();

  constructor(marks: MarkStore, me: string, clock: ClaimClock, onError: (error: unknown) => void) {
    this.#marks = marks;
    this.#me = me;
    this.#clock = clock;
    this.#onError = onError;
  }

  /**
   * Claims marks that were read before, unless somebody else wrote them meanwhile: logging in to the cloud lies in
   * between. A claim counts only once it reads back as ours, since the last writer wins.
   */
  async take(readings: readonly MarkReading[]): Promise<void> {
    const { marks } = await this.#marks.readAll();
    const free = readings.filter(({ name, mark: before }) => {
      const mark = markIn(marks, name);
      const same = mark.kind === 'claimed' && before.kind === 'claimed' && mark.at === before.at;
      if (mark.kind !== 'yes' && !same) this.#lose(name, whose(mark));
      return mark.kind === 'yes' || same;
    });
    await Promise.all(free.map(({ name }) => this.#write(name)));
    for (const { name } of free) this.#held.add(name);
    await this.#check(false);
    this.#stopTicking ??= this.#clock.every(pacing.claimRefreshMs, () => this.#tick());
  }

  /**
   * Why a claim is no longer ours; null while it is. One that could not be refreshed for long is given up well before it
   * counts as dead elsewhere.
   */
  lost(name: string): string | null {
    const age = this.#clock.now() - (this.#writtenAt.get(name) ?? 0);
    if (this.#held.has(name) && age > pacing.claimGiveUpMs) {
      this.#lose(name, `its claim could not be refreshed for ${Math.round(age / 1000)} s`);
    }
    return this.#lost.get(name) ?? null;
  }

  /** Looks at the mark once more, right before a decision that rests on holding it. */
  async stillHeld(name: string): Promise<boolean> {
    await this.#check(false);
    return this.#held.has(name);
  }

  /** Stops refreshing a host's claim; once this resolves, what becomes of the mark is the caller's to write. */
  async drop(name: string): Promise<void> {
    this.#held.delete(name);
    await this.#queue;
  }

  /** Ends all refreshing, and waits for one under way. */
  async stop(): Promise<void> {
    this.#stopTicking?.();
    await this.#queue;
  }

  #claim(): { readonly who: string; readonly at: number } {
    return { who: this.#me, at: Math.floor(this.#clock.now() / 1000) };
  }

  #tick(): void {
    // A failure is not fatal: the claim lives for 60 s, and the next tick tries again.
    this.#check(true).catch(this.#onError);
  }

  #check(refresh: boolean): Promise<void> {
    const check = this.#queue.then(() => this.#checkNow(refresh));
    // Whoever asked hears of a failure; those who come after begin anew.
    this.#queue = check.catch(() => undefined);
    return check;
  }

  async #checkNow(refresh: boolean): Promise<void> {
    const { marks } = await this.#marks.readAll();
    for (const name of [...this.#held]) {
      const mark = markIn(marks, name);
      if (mark.kind !== 'yes' && !(mark.kind === 'claimed' && mark.who === this.#me)) {
        this.#lose(name, whose(mark));
      } else if (refresh || mark.kind === 'yes') {
        await this.#write(name);
      }
    }
  }

  async #write(name: string): Promise<void> {
    // The claim bears the time before it was written.
    const at = this.#clock.now();
    await this.#marks.claim(name, this.#claim());
    this.#writtenAt.set(name, at);
  }

  #lose(name: string, why: string): void {
    this.#held.delete(name);
    this.#lost.set(name, why);
  }
}

function markIn(marks: readonly MarkReading[], name: string): Mark {
  return marks.find((reading) => reading.name === name)?.mark ?? { kind: 'none' };
}

/** Why a mark is not ours. */
function whose(mark: Mark): string {
  if (mark.kind === 'claimed') return `${mark.who} has claimed it`;
  return `somebody set its mark to "${formatMark(mark)}"`;
}
