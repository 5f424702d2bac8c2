import type { ServerId } from '@openstack-ts/nova-client';
import { AttrdError } from '../../attrd/index.ts';
import { rethrowUnless } from '../../rethrow.ts';
import type { InstanceClass } from '../judge/instance.ts';
import type { Classes } from '../judge/judgeHost.ts';
import { isDone } from '../look/records.ts';
import { shortList } from '../look/titles.ts';
import type { Untold } from '../look/trust.ts';
import { timeLeftMs } from '../tell/estimate.ts';
import type { HostOutcome } from '../tell/outcome.ts';
import { pauseNote } from '../tell/pauseText.ts';
import { countProgress, type Progress, progressText } from '../tell/progress.ts';
import type { HostWork } from './hostWork.ts';

/** Where one host stands: what holds it back, how far it has come, and what that makes of this pass. */
export class HostStand {
  readonly #work: HostWork;
  readonly #startedAt: number;
  /** Why nothing is asked for now; null while it goes on. */
  #deferral: string | null = null;
  /** As last shown. */
  #shown: Progress | null = null;

  constructor(work: HostWork) {
    this.#work = work;
    this.#startedAt = work.scope.clock.now();
  }

  get isDeferred(): boolean {
    return this.#deferral !== null;
  }

  /** Limits and the operator's word, which may change at any time. */
  heedGate(): void {
    const { scope, marked, report, host } = this.#work;
    const gate = scope.gate(marked.name);
    const before = marked.hints.said['gate'] ?? '';
    if (gate.kind === 'defer') {
      this.#deferral = gate.sentence;
      if (report.say('gate', 'warn', `Deferring the evacuation of ${host}: ${gate.sentence}.`)) {
        if (before === '') report.hostEvent('deferred', gate.sentence);
      }
      return;
    }
    this.#deferral = null;
    if (before === '') return;
    marked.hints.said['gate'] = '';
    const sentence = `The evacuation of ${host} is no longer deferred`;
    scope.log.notice(`${sentence}.`, { host });
    report.hostEvent('resumed', sentence);
  }

  async show(classes: Classes, atOnce = false): Promise<void> {
    const progress = this.progress(classes);
    this.#shown = progress;
    const note = this.#deferral ?? this.#pause(progress) ?? '';
    await this.#work.report.show(progress, this.#leftMs(progress), note, atOnce);
  }

  /** Instances that reached another host since the fencing, whoever asked for it. */
  progress(classes: Classes): Progress {
    const { view } = this.#work;
    const since = this.#work.since();
    const done = new Set<ServerId>();
    for (const record of view.records) {
      const now = classes.get(record.serverId)?.kind ?? 'finished';
      if (isDone(record) && record.createdAt >= since && now === 'finished') done.add(record.serverId);
    }
    return countProgress([...classes.values()], done.size, this.isDeferred);
  }

  /** Until when Nova wants to be left alone, where something waits for that. */
  #pause({ waiting }: Progress): string | null {
    const { scope, marked, requests } = this.#work;
    return waiting === 0 ? null : pauseNote(marked.name, requests.notBefore, scope.clock.now());
  }

  /** How long the rest will take, in ms; null where that cannot be told. */
  #leftMs(progress: Progress): number | null {
    const { scope, view } = this.#work;
    const { clock, nova } = scope;
    const remaining = progress.inFlight + progress.waiting;
    if (remaining === 0) return null;
    const since = this.#startedAt + nova.clockOffsetMs;
    const done = view.records.filter((record) => isDone(record) && record.updatedAt >= since);
    return timeLeftMs({
      doneAt: done.map((record) => record.updatedAt - nova.clockOffsetMs),
      remaining,
      now: clock.now(),
      startedAt: this.#startedAt,
    });
  }

  /** This pass has no time for more: where the host stands, and why. */
  async unfinished(classes: Classes): Promise<HostOutcome> {
    const { report, host, view } = this.#work;
    // Nothing is told of an incident that is another's, or is over, by now: its host may have been fenced again.
    if (!(await this.#isStillOurs())) return this.lost();
    // The last look may have taken a minute.
    this.heedGate();
    const progress = progressText(this.progress(classes));
    await this.show(classes, true);
    const text = `evacuation of ${host}: ${progress}`;
    report.say('summary', 'info', `Evacuation of ${host}: ${progress}.`);
    const describe = ([id, one]: [ServerId, InstanceClass]) =>
      `${view.title(id)}: ${'sentence' in one ? one.sentence : one.kind}${afterGivenUp(id, one)}`;
    const all = [...classes];
    // What waits for an operator comes first: nothing else ends it.
    const stands = all.filter(([, one]) => one.kind === 'held' || (one.kind === 'inFlight' && one.overdue));
    if (stands.length > 0) return this.troubled(`${text}; ${shortList(stands.map(describe))}.`);
    const failed = all.filter(([, one]) => one.kind === 'failed');
    if (failed.length > 0) {
      return this.troubled(`${text}; ${shortList(failed.map(describe))}; it is tried again.`);
    }
    const unknown = all.filter(([, one]) => one.kind === 'unknown');
    if (unknown.length > 0) return this.troubled(`${text}; ${shortList(unknown.map(describe))}.`);
    // Pacemaker shows the first 128 characters: the reason comes first.
    if (this.#deferral !== null) {
      return { ...this.outcome('deferred', `${this.#deferral} (${progress}).`), heldBack: this.#deferral };
    }
    const deferred = all.filter(([, one]) => one.kind === 'deferred');
    if (deferred.length > 0) {
      return this.outcome('deferred', `${text}; ${shortList(deferred.map(describe))}.`);
    }
    const pause = this.#pause(this.progress(classes));
    return this.outcome('working', `${text}; ${pause ?? 'it goes on at the next pass'}.`);
  }

  /** As far as the cluster tells: what it does not tell for a moment is no loss. */
  async #isStillOurs(): Promise<boolean> {
    const { scope, marked } = this.#work;
    try {
      return await scope.claims.stillHeld(marked.name);
    } catch (error) {
      rethrowUnless(error, AttrdError);
      return scope.claims.lost(marked.name) === null;
    }
  }

  lost(): HostOutcome {
    const { scope, marked, host } = this.#work;
    const why = scope.claims.lost(marked.name) ?? 'its claim is no longer held';
    return this.outcome('lost', `evacuation of ${host} stopped: ${why}.`);
  }

  untold({ sentence, remedy }: Untold): HostOutcome {
    return this.troubled(
      `evacuation of ${this.#work.host} is held up: ${sentence}; its mark is kept and the next pass looks again (${remedy}).`,
    );
  }

  troubled(sentence: string): HostOutcome {
    return this.outcome('troubled', sentence);
  }

  outcome(kind: HostOutcome['kind'], sentence: string): HostOutcome {
    return { kind, name: this.#work.marked.name, sentence, progress: this.#shown };
  }
}

/** What was given up is tried again by itself when a host comes up or has room, else in half an hour; or by whoever has mended it. */
function afterGivenUp(id: ServerId, one: InstanceClass): string {
  const isGivenUp = one.kind === 'failed' && one.givenUp;
  return isGivenUp
    ? ` (given up for now; once the cause is mended, at once with: openstack server evacuate ${id})`
    : '';
}
