import { novaHost, type ServerId } from '@openstack-ts/nova-client';
import {
  AttrdError,
  type Incident,
  type Known,
  type KnownRefusal,
  keptRefusals,
  mostKnown,
  nothingKnown,
  shortId,
} from '../../attrd/index.ts';
import { rethrowUnless } from '../../rethrow.ts';
import { pacing } from '../incident/pacing.ts';
import type { Refusal } from '../judge/instance.ts';
import { remembersRun } from '../look/returnSigns.ts';
import type { MarkedHost, PassScope } from './passScope.ts';

/** A nova-compute that goes on reporting is noted again after so long, in ms. */
const ranMovedMs = 30_000;

/**
 * What a host's evacuation leaves in the cluster, where Nova keeps no record: a successor on any controller decides by it as we do,
 * whatever notes it has. While a pass works it is in the hints; where the mark has no permanent side they are all there is.
 */
export class HostMemory {
  readonly #scope: PassScope;
  readonly #marked: MarkedHost;
  readonly #ranks: () => ReadonlyMap<string, number>;
  /** As it stands in the cluster. */
  #written: Known;
  #begun: boolean;
  /** Of instances that are not on this host: on one that may be the same machine, or not seen yet. */
  #others: readonly KnownRefusal[];
  #beginning: Promise<string | null> | null = null;

  /** @param ranks what the order of groups rests on, to be kept once something is asked for */
  constructor(scope: PassScope, marked: MarkedHost, ranks: () => ReadonlyMap<string, number>) {
    this.#scope = scope;
    this.#marked = marked;
    this.#ranks = ranks;
    this.#written = marked.incident?.known ?? nothingKnown;
    this.#begun = this.#written.begun;
    this.#others = this.#written.refusals;
  }

  /** Takes up what was left for us, in place of what our notes say. */
  recall(fencedAt: number): void {
    const { hints, incident, quietUntil } = this.#marked;
    const noted = hints.quietUntil;
    hints.quietUntil = Math.max(quietUntil, incident === null ? noted : 0);
    if (incident === null) return;
    const { cut, placementSilence, lived, ranUntil, ranks, sharedWith, lackedBy } = this.#written;
    const settledAt = cut ? fencedAt + pacing.settleMs : 0;
    hints.quietUntil = Math.max(quietUntil, settledAt, this.#quietUntil(noted));
    hints.sharedWith = sharedWith.map(novaHost);
    hints.lackedBy = lackedBy.map(novaHost);
    hints.lived = Object.fromEntries(lived.map(({ host, ...life }) => [host, life]));
    const { clock, nova } = this.#scope;
    const onOurs = (at: number) => Math.min(at - nova.clockOffsetMs, clock.now());
    hints.placementSilence =
      placementSilence === null
        ? null
        : { since: onOurs(placementSilence.since), until: onOurs(placementSilence.until) };
    if (ranUntil !== null) hints.signs = remembersRun(hints.signs, ranUntil);
    this.#scope.queue.recall(ranks);
  }

  /**
   * How often each of these instances was refused. The words of a refusal are in our notes, if they are of the same one; and so is
   * what does not fit into an incident, as far as we have refused it ourselves.
   */
  recallRefusals(ids: readonly ServerId[]): void {
    const { hints, incident } = this.#marked;
    if (incident === null) return;
    const { clockOffsetMs } = this.#scope.nova;
    const known = new Map(this.#written.refusals.map((one) => [one.id, one]));
    const before = hints.refusals;
    hints.refusals = {};
    const here = new Set([...ids].map(shortId));
    this.#others = this.#written.refusals.filter(({ id }) => !here.has(id));
    const isFull = this.#written.refusals.length >= mostKnown.refusals;
    for (const id of ids) {
      const one = known.get(shortId(id));
      const noted = before[id];
      if (one === undefined) {
        if (isFull && noted !== undefined) hints.refusals[id] = noted;
        continue;
      }
      const { count, at, why } = one;
      hints.refusals[id] = {
        count,
        at: Math.min(at - clockOffsetMs, this.#scope.clock.now()),
        message: noted?.count === count ? noted.message : forgotten[why],
        final: why === 'state',
        forItsTask: why === 'task',
        ours: why === 'ours',
      };
    }
  }

  /** Before the first request of an incident. Null: it may be sent; else why not, as a sentence. */
  begin(): Promise<string | null> {
    if (this.#marked.incident === null || this.#written.begun) return Promise.resolve(null);
    this.#begun = true;
    this.#beginning ??= this.#write(this.#now({ ranks: this.#ranks() })).finally(() => {
      this.#beginning = null;
    });
    return this.#beginning;
  }

  /** What a successor must not miss should this pass be killed any moment. */
  async keepUrgent(): Promise<void> {
    const { lived, ranUntil, sharedWith } = this.#now();
    const livedBefore = new Map(this.#written.lived.map(({ host, until }) => [host, until]));
    const isNew =
      (this.#written.ranUntil === null && ranUntil !== null) ||
      (this.#written.sharedWith.length === 0 && sharedWith.length > 0) ||
      lived.some(({ host, until }) => until - (livedBefore.get(host) ?? 0) >= pacing.watchNotedMs);
    if (isNew) await this.keep();
  }

  /** As it stands in the cluster by now. */
  get incident(): Incident | null {
    const { incident } = this.#marked;
    return incident === null ? null : { ...incident, known: this.#written };
  }

  /** Whether a successor finds in the cluster all that it must not miss. */
  get isKept(): boolean {
    return this.#marked.incident !== null && isSame(this.#now(), this.#written);
  }

  /** Leaves what has changed. Where the cluster does not take it, the next pass here goes by its notes, and tries again. */
  async keep(): Promise<void> {
    const now = this.#now();
    if (this.#marked.incident === null || isSame(now, this.#written)) return;
    const refusal = await this.#write(now);
    if (refusal !== null) this.#scope.log.debug(refusal);
  }

  /** Until when nothing is asked, as a request was not answered. Where our notes tell of which instance, it alone waits. */
  #quietUntil(noted: number): number {
    const { quietUntil } = this.#written;
    if (quietUntil === null) return 0;
    const { nova, clock } = this.#scope;
    const until = Math.min(quietUntil - nova.clockOffsetMs, clock.now() + pacing.unansweredMs);
    const doubtful = Math.max(0, ...Object.values(this.#marked.hints.doubts));
    return Math.abs(doubtful - until) <= 1_000 ? Math.min(noted, until) : until;
  }

  #now(more: Partial<Known> = {}): Known {
    const { hints } = this.#marked;
    const { nova, clock } = this.#scope;
    const offset = nova.clockOffsetMs;
    const written = this.#written;
    const doubtful = Math.max(hints.quietUntil, ...Object.values(hints.doubts));
    const ran = hints.signs?.ranUntil ?? null;
    const hasMoved = ran !== null && ran - (written.ranUntil ?? 0) >= ranMovedMs;
    return {
      ...written,
      begun: this.#begun,
      quietUntil: doubtful > clock.now() ? doubtful + offset : written.quietUntil,
      ranUntil: hasMoved ? ran : written.ranUntil,
      placementSilence: this.#silence(),
      lived: Object.entries(hints.lived)
        .map(([host, life]) => ({ host, ...life }))
        .slice(0, mostKnown.lived),
      sharedWith: [...new Set([...written.sharedWith, ...hints.sharedWith])].slice(0, mostKnown.sharedWith),
      // Which those are may change: a mount that was missing is put right.
      lackedBy: hints.lackedBy.slice(0, mostKnown.lackedBy),
      refusals: keptRefusals(
        this.#others.concat(
          Object.entries(hints.refusals).map(([id, refusal]) => {
            const same = written.refusals.find(
              (one) => one.id === shortId(id) && one.count === refusal.count && one.why === whyOf(refusal),
            );
            const { count, at } = refusal;
            return same ?? { id: shortId(id), count, at: at + offset, why: whyOf(refusal) };
          }),
        ),
      ),
      ...more,
    };
  }

  /** Noted again when it has gone on for a while. */
  #silence(): Known['placementSilence'] {
    const { placementSilence: silence } = this.#marked.hints;
    if (silence === null) return null;
    const offset = this.#scope.nova.clockOffsetMs;
    const now = { since: silence.since + offset, until: silence.until + offset };
    const before = this.#written.placementSilence;
    const isSame = before !== null && Math.abs(before.since - now.since) <= pacing.clockMarginMs;
    return isSame && now.until - before.until < pacing.watchNotedMs ? before : now;
  }

  /** Null: it is written; else why not, as a sentence. */
  async #write(known: Known): Promise<string | null> {
    const { marks, claims } = this.#scope;
    const { name, service } = this.#marked;
    const mayNot = `evacuation of ${service.host} is held up: what a successor needs to know of it cannot be left in the cluster`;
    const incident: Incident | null = claims.incident(name);
    if (incident === null) return `${mayNot}, as its mark is not ours any more.`;
    try {
      if ((await marks.remember({ name, incident }, known)) === null) {
        return `${mayNot}, as its mark is another's by now.`;
      }
    } catch (error) {
      rethrowUnless(error, AttrdError);
      return `${mayNot} (${error.message}); the next pass tries again.`;
    }
    this.#written = known;
    return null;
  }
}

/** What stands for the words of a refusal that this node did not hear, or does not remember. */
const forgotten = {
  state: 'Nova does not evacuate it as it is',
  task: 'a task stood against it',
  ours: 'it may run where it is, as was found out before',
  other: 'its words are in the log of the pass that asked',
} as const;

function whyOf({ final, forItsTask, ours }: Refusal): keyof typeof forgotten {
  if (ours) return 'ours';
  return final ? 'state' : forItsTask ? 'task' : 'other';
}

function isSame(a: Known, b: Known): boolean {
  const text = (known: Known) => JSON.stringify({ ...known, ranks: [...known.ranks] });
  return text(a) === text(b);
}
