import {
  AttrdError,
  formatMark,
  type Incident,
  isOpen,
  type Mark,
  type MarkName,
  type MarkReading,
  type MarkStore,
} from '../../attrd/index.ts';
import { pacing } from './pacing.ts';

/** What keeping claims needs of time. */
interface ClaimClock {
  now(): number;
  sleep(ms: number): Promise<void>;
  every(ms: number, task: () => void): () => void;
}

interface Held {
  /** Null: the mark has no permanent side, so its claim is all that says whose it is. */
  incident: Incident | null;
  /** When the mark was last seen to be ours, and when its claim was last written, in ms since the epoch. */
  seenAt: number;
  writtenAt: number;
  /** Somebody's dead claim that ours has yet to be written over; null: none. */
  over: string | null;
}

/**
 * Keeps the claims of a pass alive while it works, independent of how long any request to Nova takes. Whose an incident is
 * stands in its permanent side and changes by compare-and-set; the claim is the owner's sign of life. Ours is lost when the
 * incident is another's, or another incident, when somebody else has a claim, or an operator says `no`. A purged claim,
 * or one that `fence_compute` or an operator set to `yes`, is simply written again.
 */
export class ClaimKeeper {
  readonly #marks: MarkStore;
  readonly #me: string;
  readonly #clock: ClaimClock;
  readonly #doubtOfOwnView: () => Promise<string | null>;
  readonly #onError: (error: unknown) => void;
  readonly #held = new Map<MarkName, Held>();
  readonly #lost = new Map<MarkName, string>();
  #stopTicking: (() => void) | null = null;
  /** The look, or refresh, that is under way; one after the other, as a write that overtakes a later one would undo it. */
  #running: Promise<void> = Promise.resolve();
  /** The one after it, which serves all who ask before it begins: where a tool takes seconds no queue may grow. */
  #next: { refresh: boolean; readonly done: Promise<void> } | null = null;
  #isStopped = false;

  /** @param doubtOfOwnView what forbids to conclude from this node's view of the cluster that a mark is not there; null: nothing */
  constructor(
    marks: MarkStore,
    me: string,
    clock: ClaimClock,
    doubtOfOwnView: () => Promise<string | null>,
    onError: (error: unknown) => void,
  ) {
    this.#marks = marks;
    this.#me = me;
    this.#clock = clock;
    this.#doubtOfOwnView = doubtOfOwnView;
    this.#onError = onError;
  }

  /**
   * Claims marks that were read before, unless somebody else wrote them meanwhile: logging in to the cloud lies in
   * between. A claim counts only once it reads back as ours, since the last writer wins.
   */
  async take(readings: readonly MarkReading[]): Promise<void> {
    const marks = await this.#read(readings.map(({ name }) => name));
    const mine = await Promise.all(
      readings.map(async (before) => ({ before, now: await this.#own(before, find(marks, before.name)) })),
    );
    const isFromOther = ({ before, now }: (typeof mine)[number]) =>
      now !== null && (before.incident?.owner ?? this.#me) !== this.#me;
    if (mine.some(isFromOther)) await this.#heedOwner(mine.filter(isFromOther).map(({ before }) => before));
    const at = this.#clock.now();
    for (const { before, now } of mine) {
      if (now === null || this.#lost.has(before.name)) continue;
      const over = before.mark.kind === 'claimed' ? formatMark(before.mark) : null;
      this.#held.set(before.name, { incident: now.incident, seenAt: at, writtenAt: 0, over });
    }
    // Taking an incident over takes several tools, and an operator may have said `no` meanwhile.
    await this.#check(true);
    await this.#check(false);
    this.#stopTicking ??= this.#clock.every(pacing.claimCheckMs, () => this.#tick());
  }

  /**
   * Why a claim is no longer ours; null while it is. One that could not be looked at for long is given up well before it
   * counts as dead elsewhere.
   */
  lost(name: MarkName): string | null {
    const held = this.#held.get(name);
    if (held !== undefined) {
      const age = this.#clock.now() - held.seenAt;
      if (age > pacing.claimGiveUpMs) {
        this.#lose(name, `its claim could not be refreshed for ${Math.round(age / 1000)} s`);
      }
    }
    return this.#lost.get(name) ?? null;
  }

  /** The incident as it was taken; null: the mark has no permanent side, or is not held. */
  incident(name: MarkName): Incident | null {
    return this.#held.get(name)?.incident ?? null;
  }

  /** A mark that was lost may be taken anew: it is another incident by now. */
  forget(name: MarkName): void {
    this.#lost.delete(name);
  }

  /** Looks at the mark once more, right before a decision that rests on holding it. */
  async stillHeld(name: MarkName): Promise<boolean> {
    await this.#check(false);
    return this.#held.has(name);
  }

  /** Stops refreshing a host's claim; once this resolves, what becomes of the mark is the caller's to write. */
  async drop(name: MarkName): Promise<void> {
    this.#held.delete(name);
    await this.#running;
  }

  /** Ends all refreshing, and waits for one under way. */
  async stop(): Promise<void> {
    this.#stopTicking?.();
    this.#isStopped = true;
    await this.#running;
  }

  /** Takes over an incident that still is what it was. Null: it is not, and is lost. */
  async #own(
    before: MarkReading,
    now: MarkReading | undefined,
  ): Promise<{ readonly incident: Incident | null } | null> {
    const { name } = before;
    const mark: Mark = now?.mark ?? { kind: 'none' };
    // A claim of ours is this pass's own, which it has just written again after a purge: the node's lock is held.
    const mayTake =
      mark.kind === 'claimed' && (mark.who === this.#me || formatMark(mark) === formatMark(before.mark));
    if (now === undefined || (mark.kind !== 'yes' && !mayTake)) {
      this.#lose(name, whose(mark));
      return null;
    }
    if (before.incident === null && now.incident === null) return { incident: null };
    const incident =
      now.incident?.id === before.incident?.id ? await this.#marks.own(before, this.#me) : null;
    if (incident !== null) return { incident };
    this.#lose(name, 'another evacuator has taken it over, or its host was fenced again');
    return null;
  }

  /**
   * The owner of before may have begun another pass at the moment we took over: it writes its claim, then looks whose the incident
   * is; we write that, then look for its claim. So at least one of us sees the other.
   */
  async #heedOwner(before: readonly MarkReading[]): Promise<void> {
    await this.#clock.sleep(pacing.claimSettleMs);
    const { marks } = await this.#marks.readAll();
    for (const { name, mark } of before) {
      const now = find(marks, name)?.mark ?? { kind: 'none' };
      if (now.kind === 'claimed' && formatMark(now) !== formatMark(mark)) this.#lose(name, whose(now));
    }
  }

  #tick(): void {
    // A failure is not fatal: the claim lives for 60 s, and the next tick tries again.
    this.#check(true).catch(this.#onError);
  }

  #check(refresh: boolean): Promise<void> {
    if (this.#next !== null) {
      this.#next.refresh ||= refresh;
      return this.#next.done;
    }
    const begin = (): Promise<void> => {
      const wanted = this.#next?.refresh ?? refresh;
      this.#next = null;
      const check = this.#isStopped ? Promise.resolve() : this.#checkNow(wanted);
      // Whoever asked hears of a failure; those who come after begin anew.
      this.#running = check.catch(() => undefined);
      return check;
    };
    const done = this.#running.then(begin);
    this.#next = { refresh, done };
    return done;
  }

  async #checkNow(refresh: boolean): Promise<void> {
    const at = this.#clock.now();
    const marks = await this.#read([...this.#held.keys()]);
    const written: Promise<void>[] = [];
    for (const [name, held] of [...this.#held]) {
      const now = find(marks, name);
      const why = this.#whyNotOurs(held, now);
      if (why !== null) {
        this.#lose(name, why);
        continue;
      }
      const isDue = refresh && at - held.writtenAt >= pacing.claimRefreshMs;
      // All at once: the longer ago the look is, the likelier is an operator's word that it does not show.
      if (now?.mark.kind !== 'claimed' || now.transient.kind !== 'claimed' || isDue) {
        written.push(this.#write(name, held));
      } else held.seenAt = at;
    }
    const failed = (await Promise.allSettled(written)).find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /**
   * The marks. That one of these is not there at all is believed only of a cluster that is one here: else nobody has set it to
   * anything, and `AttrdError` says why it cannot be told.
   */
  async #read(names: readonly MarkName[]): Promise<readonly MarkReading[]> {
    const { marks } = await this.#marks.readAll();
    const absent = names.filter((name) => find(marks, name) === undefined);
    if (absent.length === 0) return marks;
    const doubt = await this.#doubtOfOwnView();
    if (doubt !== null) {
      throw new AttrdError('failed', `the mark of ${absent.join(', ')} is not to be seen here, and ${doubt}`);
    }
    // What was read before the cluster could be believed may be older.
    return (await this.#marks.readAll()).marks;
  }

  #whyNotOurs({ incident, over }: Held, now: MarkReading | undefined): string | null {
    const mark: Mark = now?.mark ?? { kind: 'none' };
    if (mark.kind === 'claimed' && mark.who !== this.#me && formatMark(mark) !== over) return whose(mark);
    if (incident !== null && isOpen(now?.incident ?? null) && now?.incident?.id !== incident.id) {
      return fencedAgain;
    }
    if (mark.kind !== 'yes' && mark.kind !== 'claimed') return whose(mark);
    if (incident === null || now?.incident?.owner === this.#me) return null;
    return now?.incident === null ? whose(mark) : `${now?.incident.owner ?? 'nobody'} has taken it over`;
  }

  async #write(name: MarkName, held: Held): Promise<void> {
    // The claim bears the time before it was written.
    const at = this.#clock.now();
    await this.#marks.claim(name, { who: this.#me, at: Math.floor(at / 1000) });
    Object.assign(held, { seenAt: at, writtenAt: at, over: null });
  }

  #lose(name: MarkName, why: string): void {
    this.#held.delete(name);
    this.#lost.set(name, why);
  }
}

/** The one reason for which a mark that was lost is ours to take again. */
export const fencedAgain = 'it was fenced again meanwhile';

function find(marks: readonly MarkReading[], name: MarkName): MarkReading | undefined {
  return marks.find((reading) => reading.name === name);
}

/** Why a mark is not ours. */
function whose(mark: Mark): string {
  if (mark.kind === 'claimed') return `${mark.who} has claimed it`;
  return `somebody set its mark to "${formatMark(mark)}"`;
}
