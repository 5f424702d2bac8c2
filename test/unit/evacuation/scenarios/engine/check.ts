/** Compares what has become of a scenario's world with what it says. */
import { expect } from 'vitest';
import type { PassOutcome } from '../../../../../lib/evacuation/index.ts';
import type { Rig } from '../../rig.ts';
import { duration, fields, fits, isCount, list, says, text, texts } from './read.ts';
import { idOf } from './world.ts';

export interface Played {
  readonly rig: Rig;
  readonly startedAt: number;
  /** What each whole pass came to, in order. */
  readonly outcomes: readonly PassOutcome[];
}

const keys = [
  'requests',
  'ends',
  'marks',
  'services',
  'log',
  'exit',
  'ever in an exit',
  'never in an exit',
  'attribute',
  'ever in an attribute',
  'events',
  'calls',
  'asked in order',
  'asked after the arrival of',
  'most in flight',
  'first request within',
  'over within',
  'repeated lines',
] as const;

/** At the end every instance has to have its line in `requests` and in `ends`. */
export function checkEnd(played: Played, then: unknown): void {
  const { rig } = played;
  const told = fields(then, keys, 'then');
  for (const { server } of rig.nova.instances.values()) {
    for (const key of ['requests', 'ends']) {
      const isNamed = Object.keys(texts(told[key])).some((pattern) => fits(pattern, server.name));
      if (!isNamed) throw new Error(`${key} does not say anything of ${server.name}`);
    }
  }
  check(played, then, 'at the end');
  expect(rig.nova.violations).toEqual([]);
  expect(rig.nova.mayLoseDisks ? [] : rig.nova.disksLost).toEqual([]);
  const mayRepeat = list(told['repeated lines']).map(text);
  const repeated = rig.log.filter((line, index) => rig.log.indexOf(line) !== index);
  expect(repeated.filter((line) => !mayRepeat.some((part) => says(line, part)))).toEqual([]);
}

export function check({ rig, startedAt, outcomes }: Played, then: unknown, when: string): void {
  const told = fields(then, keys, 'then');
  const { nova } = rig;
  const named = (pattern: string) => {
    const all = [...nova.instances.values()].map(({ server }) => server);
    const found = all.filter(({ name }) => fits(pattern, name));
    if (found.length === 0) throw new Error(`there is no instance ${pattern}`);
    return found;
  };
  const counted = (what: string, count: number, wanted: string) => {
    expect([when, what, count, isCount(count, wanted) ? 'as it should be' : `should be ${wanted}`]).toEqual([
      when,
      what,
      count,
      'as it should be',
    ]);
  };
  for (const [pattern, count] of Object.entries(texts(told['requests']))) {
    for (const { id, name } of named(pattern)) {
      counted(`requests for ${name}`, nova.asked.get(id)?.length ?? 0, count);
    }
  }
  for (const [pattern, end] of Object.entries(texts(told['ends']))) {
    for (const { name } of named(pattern)) {
      const found = endOf(rig, name, end);
      const isRight = end.startsWith('/') ? says(found, end) : found === end;
      expect([when, name, isRight ? end : found]).toEqual([when, name, end]);
    }
  }
  for (const [name, value] of Object.entries(texts(told['marks']))) {
    const mark = rig.mark(name) || 'none';
    expect([when, name, says(mark, value) ? value : mark]).toEqual([when, name, value]);
  }
  for (const [name, value] of Object.entries(texts(told['services']))) {
    const { forcedDown, enabled } = nova.host(name);
    const now = `${forcedDown ? 'forced down' : 'not forced down'}, ${enabled ? 'enabled' : 'disabled'}`;
    expect([when, name, now]).toEqual([when, name, value]);
  }
  for (const [part, count] of Object.entries(texts(told['log']))) {
    const lines = rig.log.filter((line) => says(line, part));
    if (!isCount(lines.length, count)) {
      expect.fail(
        `${when}: "${part}" is ${lines.length} times in the log, not ${count}:\n${rig.log.join('\n')}`,
      );
    }
  }
  checkSentences(outcomes, told, when);
  const shown = rig.progress;
  if (told['attribute'] !== undefined) matches(shown.at(-1) ?? 'none', text(told['attribute']), when);
  for (const part of list(told['ever in an attribute']).map(text)) matches(shown.join('\n'), part, when);
  for (const [event, count] of Object.entries(texts(told['events']))) {
    const [what = '', about = ''] = event.split(' ');
    const found = rig.events.filter(
      (one) => one.what === what && fits(about, one.about === 'host' ? one.host : one.name),
    );
    counted(`events ${event}`, found.length, count);
  }
  for (const [method, count] of Object.entries(texts(told['calls']))) {
    counted(`calls of ${method}`, nova.calls.filter((call) => fits(method, call)).length, count);
  }
  if (told['most in flight'] !== undefined) {
    counted('in flight', nova.inFlightMax, text(told['most in flight']));
  }
  const asked = [...nova.asked.entries()].map(([id, times]) => ({ id, at: times[0] ?? 0 }));
  const places = (pattern: string) => named(pattern).map(({ id }) => asked.findIndex((one) => one.id === id));
  const order = list(told['asked in order']).map(text);
  for (const [index, next] of order.slice(1).entries()) {
    const before = order[index] ?? '';
    const isInOrder =
      Math.min(...places(before)) >= 0 && Math.max(...places(before)) < Math.min(...places(next));
    expect([when, `${before} before ${next}`, isInOrder]).toEqual([when, `${before} before ${next}`, true]);
  }
  for (const [later, earlier] of Object.entries(texts(told['asked after the arrival of']))) {
    const arrivedAt = named(earlier).map(({ id }) => eventAt(rig, id, 'evacuated'));
    const askedAt = named(later).map(({ id }) => nova.asked.get(id)?.[0] ?? 0);
    expect([when, later, Math.min(...askedAt) >= Math.max(...arrivedAt)]).toEqual([when, later, true]);
  }
  if (told['first request within'] !== undefined) {
    const first = Math.min(...asked.map(({ at }) => at)) - startedAt;
    expect([when, first, first <= duration(told['first request within'])]).toEqual([when, first, true]);
  }
  if (told['over within'] !== undefined) {
    const last = Math.max(...rig.events.map(({ at }) => at)) - startedAt;
    expect([when, last, last <= duration(told['over within'])]).toEqual([when, last, true]);
  }
}

function checkSentences(
  outcomes: readonly PassOutcome[],
  told: Readonly<Record<string, unknown>>,
  when: string,
) {
  const all = outcomes.flatMap(({ sentence }) => sentence ?? []);
  if (told['exit'] !== undefined) {
    const last = outcomes.at(-1);
    const level = last?.troubled === true ? 'degraded: ' : '';
    matches(`${level}${last?.sentence ?? 'nothing'}`, text(told['exit']), when);
  }
  for (const part of list(told['ever in an exit']).map(text)) matches(all.join('\n'), part, when);
  for (const part of list(told['never in an exit']).map(text)) {
    expect([when, all.filter((sentence) => says(sentence, part))]).toEqual([when, []]);
  }
}

function matches(found: string, wanted: string, when: string): void {
  if (!says(found, wanted)) expect.fail(`${when}: "${wanted}" is not in:\n${found}`);
}

function eventAt({ events }: Rig, id: string, what: string): number {
  return (
    events.find((event) => event.about === 'instance' && event.id === id && event.what === what)?.at ?? 0
  );
}

/** Where an instance is, in what state, whether its guest runs there and nowhere else, and whether it is locked. */
function endOf({ nova }: Rig, name: string, wanted: string): string {
  const { server } = nova.instance(idOf(name));
  const host = server.host ?? 'nowhere';
  const where = wanted.includes('elsewhere ') && nova.host(host).powered ? 'elsewhere' : host;
  const runs = nova.runsOn(server.id);
  const should = server.vmState === 'active' && nova.host(host).powered ? [host] : [];
  const odd = runs.join() === should.join() ? '' : `, runs on ${runs.join(' and ') || 'no host'}`;
  return `${where} ${server.vmState}${server.locked ? ' locked' : ''}${odd}`;
}
