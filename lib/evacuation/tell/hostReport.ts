import type { Migration, NovaHost, ServerId } from '@openstack-ts/nova-client';
import type { Clock } from '../incident/clock.ts';
import { pacing } from '../incident/pacing.ts';
import type { InstanceClass } from '../judge/instance.ts';
import type { HostView } from '../look/hostView.ts';
import { isDone, recordsByServer } from '../look/records.ts';
import type { HostEvent, InstanceEvent, Reporter } from './events.ts';
import type { PassLog } from './passLog.ts';
import { type Progress, progressText } from './progress.ts';

/** An instance whose end was not told yet. */
export interface OpenInstance {
  readonly name: string;
  /** Its group (`queue.ts`): later ones wait for it even when it is no longer listed on its host. */
  readonly group: string | null;
  readonly requestId: string | null;
}

/** What was told of a host, and what is still to be told. */
export interface ReportNotes {
  /** Instances that were asked for and whose end was not told yet: some end between two passes. Forgotten: numbers alone tell it. */
  open: Record<string, OpenInstance>;
  /** The last sentence logged per subject. Forgotten: it is logged again. */
  said: Record<string, string>;
}

/** What a report needs of the pass it belongs to. */
export interface HostReportScope {
  readonly log: PassLog;
  readonly report: Reporter;
  readonly clock: Pick<Clock, 'now'>;
  readonly showProgress: (text: string) => Promise<void>;
}

type Details = Partial<Pick<InstanceEvent, 'attempt' | 'destination' | 'requestId' | 'durationMs'>>;

/** Tells what becomes of one host's instances: each outcome once, the progress where it can be looked at. */
export class HostReport {
  readonly #host: NovaHost;
  readonly #fencedAt: number;
  readonly #hints: ReportNotes;
  readonly #scope: HostReportScope;
  readonly #lastKind = new Map<string, InstanceClass['kind']>();
  #shownAt = 0;
  #shownText = '';

  /** @param fencedAt when the incident began, in ms since the epoch: with the host it names the incident */
  constructor(host: NovaHost, fencedAt: number, hints: ReportNotes, scope: HostReportScope) {
    this.#host = host;
    this.#fencedAt = fencedAt;
    this.#hints = hints;
    this.#scope = scope;
  }

  /** One line and one event per instance and outcome. */
  tell(classes: ReadonlyMap<ServerId, InstanceClass>, view: HostView): void {
    const records = recordsByServer(view.records);
    for (const [id, one] of classes) {
      const before = this.#lastKind.get(id);
      this.#lastKind.set(id, one.kind);
      const title = view.title(id);
      switch (one.kind) {
        case 'finished': {
          // Whoever was gone before this incident asked for anything has no outcome.
          const isOurs = this.#hints.open[id] !== undefined;
          if (before === 'finished' || !(isOurs || before !== undefined)) break;
          if (one.moved) this.#arrived(id, view, one.sentence, records.get(id)?.findLast(isDone));
          else this.say(id, 'info', `Nothing to evacuate of ${title} from ${this.#host}: ${one.sentence}.`);
          delete this.#hints.open[id];
          break;
        }
        case 'failed':
          this.#failed(id, one, view, records.get(id)?.at(-1));
          break;
        case 'cannot':
        case 'excluded':
          if (this.say(id, 'notice', `Leaving ${title} on ${this.#host}: ${one.sentence}.`)) {
            this.event(id, view.name(id), 'left', one.sentence, {});
          }
          break;
        case 'deferred':
          if (this.#pass(id, one.kind, 'notice', `Deferring ${title} on ${this.#host}: ${one.sentence}.`)) {
            this.event(id, view.name(id), 'deferred', one.sentence, {});
          }
          break;
        case 'held':
          if (this.say(id, 'warn', `Holding ${title} on ${this.#host}: ${one.sentence}.`)) {
            this.event(id, view.name(id), 'held', one.sentence, {});
          }
          break;
        case 'unknown':
          this.#pass(id, one.kind, 'warn', `Waiting for ${title} on ${this.#host}: ${one.sentence}.`);
          break;
        case 'inFlight':
          if (one.overdue) {
            this.#pass(id, one.kind, 'warn', `Waiting for ${title} on ${this.#host}: ${one.sentence}.`);
          }
          break;
        default:
        // Nothing that an operator has to know yet.
      }
    }
  }

  /** Says a condition that passes: once while it lasts, and without a word on the outcome that was told before it. */
  #pass(id: ServerId, kind: InstanceClass['kind'], level: 'notice' | 'warn', sentence: string): boolean {
    return this.say(`state of ${id}`, level, sentence, kind, null, id);
  }

  #arrived(id: ServerId, view: HostView, sentence: string, record: Migration | undefined): void {
    const requestId = this.#hints.open[id]?.requestId ?? null;
    const durationMs = durationOf(record);
    const took = durationMs === null ? '' : `, after ${Math.round(durationMs / 1000)} s`;
    const line = `Evacuated ${view.title(id)} from ${this.#host}: ${sentence}${took}${inRequest(requestId)}.`;
    if (!this.say(id, 'info', line, `moved ${record?.id ?? ''}`, requestId)) return;
    this.event(id, view.name(id), 'evacuated', sentence, {
      destination: record?.destHost ?? null,
      requestId,
      durationMs,
    });
  }

  #failed(
    id: ServerId,
    one: Extract<InstanceClass, { kind: 'failed' }>,
    view: HostView,
    latest: Migration | undefined,
  ): void {
    const again = new Date(one.retryAt).toISOString();
    const next = one.givenUp
      ? `it is given up, and tried again when a host comes up, else not before ${again}`
      : `the next attempt is not before ${again}`;
    const requestId = this.#hints.open[id]?.requestId ?? null;
    const line = `Evacuation of ${view.title(id)} from ${this.#host}: ${one.sentence}; ${next}${inRequest(requestId)}.`;
    // The time moves on with each look while no host can take it.
    const isNew = this.say(id, 'warn', line, `${one.attempts} ${one.sentence}`, requestId);
    // Nothing was attempted where no host is there to take it.
    if (!isNew || one.attempts === 0) return;
    this.event(id, view.name(id), one.givenUp ? 'givenUp' : 'failed', one.sentence, {
      attempt: one.attempts,
      destination: latest?.destHost ?? null,
      requestId,
      durationMs: durationOf(latest),
    });
  }

  /** Records what became of an instance. */
  event(id: ServerId, name: string, what: InstanceEvent['what'], sentence: string, details: Details): void {
    this.#scope.report.event({
      about: 'instance',
      at: this.#scope.clock.now(),
      host: this.#host,
      fencedAt: this.#fencedAt,
      id,
      name,
      what,
      sentence,
      attempt: null,
      destination: null,
      requestId: null,
      durationMs: null,
      ...details,
    });
  }

  /** Records how far the incident has come. */
  hostEvent(what: HostEvent['what'], sentence: string, counts?: HostEvent['counts']): void {
    this.#scope.report.event({
      about: 'host',
      at: this.#scope.clock.now(),
      host: this.#host,
      fencedAt: this.#fencedAt,
      what,
      sentence,
      ...(counts === undefined ? {} : { counts }),
    });
  }

  /**
   * Logs a sentence about a subject (an instance's id, or a word) unless it was the last thing said about it, by this pass
   * or an earlier one. Whether it was new.
   */
  say(
    subject: string,
    level: 'info' | 'notice' | 'warn',
    sentence: string,
    sameAs = sentence,
    requestId: string | null = null,
    instance: string | null = this.#lastKind.has(subject) ? subject : null,
  ): boolean {
    const { said } = this.#hints;
    if (said[subject] === sameAs) return false;
    said[subject] = sameAs;
    this.#scope.log[level](sentence, {
      host: this.#host,
      ...(instance === null ? {} : { instance }),
      ...(requestId === null ? {} : { requestId }),
    });
    return true;
  }

  /** Shows the progress, not too often unless it has to be now. `note` follows the numbers. */
  async show(progress: Progress, leftMs: number | null, note: string, atOnce = false): Promise<void> {
    const numbers = progressText(progress, leftMs);
    const text = note === '' ? numbers : `${numbers}: ${note}`;
    const now = this.#scope.clock.now();
    if (text === this.#shownText || (!atOnce && now - this.#shownAt < pacing.progressMs)) return;
    this.#shownText = text;
    this.#shownAt = now;
    await this.#scope.showProgress(text);
  }
}

function inRequest(requestId: string | null): string {
  return requestId === null ? '' : ` (${requestId})`;
}

/** From Nova's acceptance to the record's last change, both on Nova's clock. */
function durationOf(record: Migration | undefined): number | null {
  return record === undefined ? null : Math.max(0, record.updatedAt - record.createdAt);
}
