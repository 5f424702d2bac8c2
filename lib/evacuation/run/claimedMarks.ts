import { AttrdError, type Incident, isPending, type MarkName, type MarkReading } from '../../attrd/index.ts';
import { mayRun, type NodesReading } from '../../cluster/index.ts';
import { rethrowUnless } from '../../rethrow.ts';
import { decideClaim, otherAtWork } from '../incident/claim.ts';
import { pacing } from '../incident/pacing.ts';
import type { Ledger } from './ledger.ts';
import type { PassOptions } from './passOptions.ts';
import type { Proofs } from './proofs.ts';

/** A mark that is ours to take. Nothing new is asked of Nova for it before `quietUntil`; see `decideClaim`. */
export interface OurMark {
  readonly reading: MarkReading;
  readonly quietUntil: number;
}

export interface OurMarks {
  readonly mine: readonly OurMark[];
  /** Names of those that others work on. */
  readonly deferred: readonly MarkName[];
  /** When the first of them may be taken, in ms since the epoch; null: there is none. */
  readonly deferredUntil: number | null;
}

type Options = Pick<PassOptions, 'marks' | 'me' | 'hints' | 'watches' | 'clock' | 'log'>;

/** Which pending marks this pass may work on: whoever is alive and at work on one keeps it. */
export class Claims {
  readonly #options: Options;
  readonly #readNodes: () => Promise<NodesReading>;
  readonly #ledger: Ledger;
  readonly #proofs: Proofs;

  constructor(options: Options, readNodes: () => Promise<NodesReading>, ledger: Ledger, proofs: Proofs) {
    this.#options = options;
    this.#readNodes = readNodes;
    this.#ledger = ledger;
    this.#proofs = proofs;
  }

  /** @param isTaken whether this pass is through with a mark, or at work on it: each is taken up once */
  async ours(readings: readonly MarkReading[], isTaken: (name: MarkName) => boolean): Promise<OurMarks> {
    const { me, hints, watches, clock, log } = this.#options;
    const mine: OurMark[] = [];
    const deferred: MarkName[] = [];
    let deferredUntil: number | null = null;
    for (const reading of readings) {
      const { name, mark } = reading;
      if (isTaken(name) || !isPending(mark)) continue;
      const other = otherAtWork(reading, me);
      const isDown = other !== null && (await this.#isDown(other));
      const watched = other === null ? null : await watches.of(name);
      const left = hints.get(name);
      const decision = decideClaim(reading, me, left, watched, clock.now(), clock.steady(), isDown);
      if (decision.kind === 'defer') {
        const until = clock.now() + decision.waitMs;
        deferredUntil = Math.min(deferredUntil ?? until, until);
        deferred.push(name);
        await watches.keep(name, decision.watch);
        this.#proofs.leaveToAnother(name);
        this.#ledger.defer(name, 'working', decision.sentence);
        // The time in it changes with each sign of life.
        this.#ledger.once(name, 'claim', decision.sentence, mark.kind === 'claimed' ? mark.who : '');
      } else if (decision.kind === 'take') {
        const incident = await this.#repaired(reading);
        if (incident === 'failed') continue;
        await watches.end(name);
        if (decision.sentence !== null) log.notice(decision.sentence);
        this.#ledger.begin(name, incident);
        await this.#heedNo(reading, incident);
        mine.push({ reading: { ...reading, incident }, quietUntil: decision.quietUntil });
      }
    }
    return { mine, deferred, deferredUntil };
  }

  /** Claims bear the name of a cluster node: one that is down and needs no fencing (any more) works on nothing. */
  async #isDown(owner: string): Promise<boolean> {
    const reading = await this.#readNodes();
    const nodes = reading.known ? reading.nodes.filter(({ name }) => name === owner) : [];
    return nodes.length > 0 && !nodes.some(mayRun);
  }

  /** Whoever was about to write `no` for the incident before has long done so, or never will. */
  async #heedNo({ name }: MarkReading, incident: Incident | null): Promise<void> {
    const { marks, clock } = this.#options;
    if (incident?.echo !== true) return;
    if (clock.now() - this.#ledger.hints(name).firstSeen < pacing.claimDeadAfterMs) return;
    await marks.heedNo({ name, incident });
  }

  /** Brings a mark's copies in step. One that cannot be is named and left to the next pass; it holds up no other. */
  async #repaired(reading: MarkReading): Promise<Incident | null | 'failed'> {
    const { name } = reading;
    try {
      const { marks, me } = this.#options;
      const { permanent, incident } = await marks.repair(reading, me);
      if (!permanent) {
        this.#ledger.once(
          name,
          'node',
          `${name} is no cluster node, so its mark has no permanent copy and is lost if the cluster restarts.`,
        );
      }
      // Somebody else has just changed it: the next round reads what it is now.
      return permanent && incident === null ? 'failed' : incident;
    } catch (error) {
      rethrowUnless(error, AttrdError);
      this.#ledger.note(
        name,
        'troubled',
        `evacuation of ${name} is held up: ${error.message}; the next pass tries again.`,
      );
      return 'failed';
    }
  }
}
