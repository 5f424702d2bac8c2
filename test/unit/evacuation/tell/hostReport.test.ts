import { novaHost, serverId } from '@openstack-ts/nova-client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { InstanceClass } from '../../../../lib/evacuation/judge/instance.ts';
import { HostView } from '../../../../lib/evacuation/look/hostView.ts';
import { type HostHints, newHostHints } from '../../../../lib/evacuation/run/hints.ts';
import type { EvacuationEvent } from '../../../../lib/evacuation/tell/events.ts';
import { HostReport } from '../../../../lib/evacuation/tell/hostReport.ts';
import type { About } from '../../../../lib/evacuation/tell/passLog.ts';
import { type Progress, progressText } from '../../../../lib/evacuation/tell/progress.ts';
import type { Migration } from '../../../simulators/cloud/model.ts';
import { Scene } from '../scene.ts';

const moved: InstanceClass = { kind: 'finished', moved: true, sentence: 'it is on comp1' };
const flying: InstanceClass = { kind: 'inFlight', overdue: false, sentence: 'accepted' };
const refused: InstanceClass = { kind: 'cannot', sentence: 'it is paused' };
const failed = (attempts: number, givenUp = false) => ({
  kind: 'failed' as const,
  attempts,
  retryAt: Date.parse('2026-11-21T03:05:00Z'),
  givenUp,
  sentence: `attempt ${attempts} failed: No valid host was found`,
});

/** What is told of comp0 over several passes, which have nothing in common but their hints. */
class Told {
  readonly scene = new Scene();
  readonly process = this.scene.newProcess();
  readonly lines: { readonly line: string; readonly about: About | undefined }[] = [];
  readonly events: EvacuationEvent[] = [];
  readonly shown: string[] = [];
  readonly incidentAt = this.scene.time.now();
  hints: HostHints = newHostHints(this.scene.time.now());

  constructor(ids: readonly string[] = ['i0']) {
    for (const id of ids) this.scene.boot(id);
  }

  report(hints = this.hints): HostReport {
    const say = (level: string) => (sentence: string, about?: About) => {
      this.lines.push({ line: `${level} ${sentence}`, about });
    };
    return new HostReport(novaHost('comp0'), this.incidentAt, hints, {
      log: { warn: say('warn'), notice: say('notice'), info: say('info'), debug: say('debug') },
      report: { event: (event) => this.events.push(event), figures: () => undefined },
      clock: this.process,
      showProgress: async (text) => {
        this.shown.push(text);
      },
    });
  }

  async view(): Promise<HostView> {
    const client = await this.scene.client(this.process);
    const view = new HostView(client, novaHost('comp0'), 0, this.process, {});
    await this.scene.time.until(view.list());
    return view;
  }

  /** Evacuated to comp1 in four seconds. */
  arrive(id: string): Migration {
    return this.scene.addRecord(id, { status: 'done', destHost: 'comp1', tookMs: 4_000 });
  }

  get sentences(): string[] {
    return this.lines.map(({ line }) => line);
  }

  whats(): string[] {
    return this.events.map(({ what }) => what);
  }
}

const classesOf = (one: InstanceClass, id = 'i0') => new Map([[serverId(id), one]]);

describe('each outcome is told once', () => {
  test('evacuated: with the request, how long it took, and where to', async () => {
    const told = new Told();
    told.hints.open['i0'] = { name: 'name-of-i0', group: null, requestId: 'req-1' };
    const view = await told.view();
    const report = told.report();
    report.tell(classesOf(flying), view);
    expect(told.lines).toEqual([]);
    told.arrive('i0');
    await told.scene.time.until(view.poll());
    report.tell(classesOf(moved), view);
    report.tell(classesOf(moved), view);
    told.report().tell(classesOf(moved), view);
    expect(told.lines).toEqual([
      {
        line: 'info Evacuated name-of-i0 (i0) from comp0: it is on comp1, after 4 s (req-1).',
        about: { host: 'comp0', instance: 'i0', requestId: 'req-1' },
      },
    ]);
    expect(told.events).toEqual([
      {
        about: 'instance',
        at: told.process.now(),
        host: 'comp0',
        fencedAt: told.incidentAt,
        id: 'i0',
        name: 'name-of-i0',
        what: 'evacuated',
        sentence: 'it is on comp1',
        attempt: null,
        destination: 'comp1',
        requestId: 'req-1',
        durationMs: 4_000,
      },
    ]);
    expect(told.hints.open).toEqual({});
  });

  test('what ended between two passes is told by the next one, though it was never listed there', async () => {
    const told = new Told();
    told.hints.open['i0'] = { name: 'name-of-i0', group: null, requestId: 'req-7' };
    told.arrive('i0');
    told.scene.changeServer('i0', { host: 'comp1' });
    for (let pass = 0; pass < 2; pass += 1) {
      const view = await told.view();
      for (const [id, { name }] of Object.entries(told.hints.open)) view.adopt(serverId(id), name);
      told.report().tell(classesOf(moved), view);
    }
    expect(told.sentences).toEqual([
      'info Evacuated name-of-i0 (i0) from comp0: it is on comp1, after 4 s (req-7).',
    ]);
    expect(told.events).toMatchObject([{ what: 'evacuated', requestId: 'req-7', durationMs: 4_000 }]);
  });

  test('what was elsewhere before anything was asked for is no outcome', async () => {
    const told = new Told();
    told.report().tell(classesOf(moved), await told.view());
    expect([told.lines, told.events]).toEqual([[], []]);
  });

  test('one that was deleted has no event, and one line', async () => {
    const told = new Told();
    const view = await told.view();
    const report = told.report();
    report.tell(classesOf(flying), view);
    const gone: InstanceClass = { kind: 'finished', moved: false, sentence: 'it no longer exists' };
    report.tell(classesOf(gone), view);
    report.tell(classesOf(gone), view);
    expect(told.sentences).toEqual([
      'info Nothing to evacuate of name-of-i0 (i0) from comp0: it no longer exists.',
    ]);
    expect(told.events).toEqual([]);
  });

  test('failed attempts, each once, and given up, once; the time of the next one alone is nothing new', async () => {
    const told = new Told();
    told.hints.open['i0'] = { name: 'name-of-i0', group: null, requestId: 'req-2' };
    told.scene.addRecord('i0', { status: 'error', tookMs: 1_000 });
    const view = await told.view();
    const later = { ...failed(1), retryAt: Date.parse('2026-11-21T03:06:00Z') } as const;
    for (const one of [failed(1), failed(1), later, failed(2), failed(6, true), failed(6, true)]) {
      told.report().tell(classesOf(one), view);
    }
    expect(told.events).toMatchObject([
      { what: 'failed', attempt: 1, destination: null, requestId: 'req-2', durationMs: 1_000 },
      { what: 'failed', attempt: 2 },
      { what: 'givenUp', attempt: 6 },
    ]);
    expect(told.sentences).toHaveLength(3);
    expect(told.sentences[0]).toBe(
      'warn Evacuation of name-of-i0 (i0) from comp0: attempt 1 failed: No valid host was found; the next attempt is not before 2026-11-21T03:05:00.000Z (req-2).',
    );
    expect(told.sentences[2]).toMatch(
      /; it is given up, and tried again when a host comes up, else not before /,
    );
  });

  test('where no host can take it nothing was attempted, so that there is no event', async () => {
    const told = new Told();
    told.report().tell(classesOf(failed(0)), await told.view());
    expect([told.sentences.length, told.events]).toEqual([1, []]);
  });

  test('left: one line and one event, over passes, until the reason is another', async () => {
    const told = new Told();
    const view = await told.view();
    for (let pass = 0; pass < 3; pass += 1) told.report().tell(classesOf(refused), view);
    told.report().tell(classesOf({ kind: 'excluded', sentence: 'its metadata say evacuable=false' }), view);
    expect(told.sentences).toEqual([
      'notice Leaving name-of-i0 (i0) on comp0: it is paused.',
      'notice Leaving name-of-i0 (i0) on comp0: its metadata say evacuable=false.',
    ]);
    expect(told.whats()).toEqual(['left', 'left']);
  });

  test('only what is overdue is said of what is in flight', async () => {
    const told = new Told();
    const view = await told.view();
    const report = told.report();
    report.tell(classesOf(flying), view);
    report.tell(classesOf({ kind: 'inFlight', overdue: true, sentence: 'accepted for 700 s' }), view);
    report.tell(classesOf({ kind: 'inFlight', overdue: true, sentence: 'accepted for 702 s' }), view);
    expect(told.sentences).toEqual(['warn Waiting for name-of-i0 (i0) on comp0: accepted for 700 s.']);
  });
});

describe('whatever becomes of instances', () => {
  const ids = ['i0', 'i1', 'i2'];
  const anyClass: fc.Arbitrary<InstanceClass> = fc.oneof(
    fc.constantFrom(moved, flying, refused, failed(1), failed(2), failed(6, true)),
    fc.constantFrom<InstanceClass>(
      { kind: 'look' },
      { kind: 'finished', moved: false, sentence: 'it no longer exists' },
      { kind: 'due', attempt: 1, reset: false, sentence: 'it is still on the dead host' },
      { kind: 'waiting', until: 0, sentence: 'wait' },
      { kind: 'deferred', sentence: 'no host has room' },
      { kind: 'excluded', sentence: 'it matches exclude rule name=*' },
      { kind: 'unknown', sentence: 'Nova does not tell' },
    ),
    fc.nat(900).map(
      (age): InstanceClass => ({
        kind: 'inFlight',
        overdue: true,
        sentence: `accepted for ${age} s`,
      }),
    ),
  );
  const looks = fc.array(
    fc.record({ id: fc.constantFrom(...ids), one: anyClass, newPass: fc.boolean(), twice: fc.nat(3) }),
    { maxLength: 30 },
  );

  test('nothing is said of an instance that was the last thing said of it, by this pass or an earlier one', async () => {
    const told = new Told(ids);
    const view = await told.view();
    fc.assert(
      fc.property(looks, (all) => {
        told.hints = newHostHints(told.incidentAt);
        told.lines.length = 0;
        let report = told.report();
        for (const { id, one, newPass, twice } of all) {
          if (newPass) report = told.report();
          for (let again = 0; again <= twice; again += 1) report.tell(classesOf(one, id), view);
        }
        for (const id of ids) {
          const own = told.lines.filter(({ about }) => about?.instance === id).map(({ line }) => line);
          expect(own.filter((line, index) => line === own[index - 1])).toEqual([]);
        }
        expect(told.lines.every(({ about }) => ids.includes(about?.instance ?? ''))).toBe(true);
      }),
    );
  });

  test('what is asked about again and again without a change is said once', async () => {
    const told = new Told(ids);
    const view = await told.view();
    fc.assert(
      fc.property(
        fc.array(anyClass, { minLength: 3, maxLength: 3 }),
        fc.integer({ min: 1, max: 8 }),
        (ones, passes) => {
          told.hints = newHostHints(told.incidentAt);
          told.lines.length = 0;
          told.events.length = 0;
          for (let pass = 0; pass < passes; pass += 1) {
            const report = told.report();
            const classes = new Map(ids.map((id, index) => [serverId(id), ones[index] ?? flying]));
            for (let look = 0; look < 4; look += 1) report.tell(classes, view);
          }
          expect(new Set(told.sentences).size).toBe(told.sentences.length);
          const kinds = told.events.map((event) =>
            'id' in event ? `${event.id} ${event.what}` : event.what,
          );
          expect(new Set(kinds).size).toBe(kinds.length);
        },
      ),
    );
  });

  test('an outcome is counted once, although Nova could not tell of the instance in between', async () => {
    for (const outcome of [refused, failed(2), failed(6, true)]) {
      const told = new Told();
      const view = await told.view();
      const report = told.report();
      for (const one of [outcome, { kind: 'unknown', sentence: 'Nova does not tell' } as const, outcome]) {
        report.tell(classesOf(one), view);
      }
      expect([outcome.kind, told.whats()]).toEqual([outcome.kind, told.whats().slice(0, 1)]);
    }
  });
});

describe('the attribute', () => {
  const progress = (done: number): Progress => ({
    total: 9,
    done,
    inFlight: 9 - done,
    waiting: 0,
    failed: 0,
    deferred: 0,
    held: 0,
    left: 0,
  });

  test('changes every two seconds at most, unless it has to be now, and only when it has changed', async () => {
    const told = new Told();
    const report = told.report();
    await report.show(progress(1), null, '');
    await report.show(progress(2), null, '');
    await told.scene.time.pass(2_000);
    await report.show(progress(1), null, '');
    await report.show(progress(3), 40_000, '');
    await report.show(progress(4), null, 'paused', true);
    await report.show(progress(4), null, 'paused', true);
    expect(told.shown).toEqual([
      progressText(progress(1)),
      progressText(progress(3), 40_000),
      `${progressText(progress(4))}: paused`,
    ]);
  });
});
