/** Compares what has become of a scenario's world with what it says. */
import { expect } from 'vitest';
import type { PassOutcome } from '../../../../../lib/evacuation/index.ts';
import type { Scene } from '../../scene.ts';
import { duration, fields, fits, isCount, list, map, says, text, texts } from './read.ts';
import { idOf } from './world.ts';

export interface Played {
  readonly scene: Scene;
  readonly startedAt: number;
  /** What each whole pass came to, in order. */
  readonly outcomes: readonly PassOutcome[];
}

interface Context extends Played {
  /** At which point of the scenario. */
  readonly when: string;
}

type Check = (context: Context, data: unknown) => void;

/** What a scenario can say, and how it is found out. */
const checks: Readonly<Record<string, Check>> = {
  requests: (context, data) => {
    const { asked } = context.scene;
    each(data, (pattern, count) => {
      for (const { id, name } of named(context, pattern)) {
        counted(context, `requests for ${name}`, asked.get(id)?.length ?? 0, count);
      }
    });
  },
  ends: (context, data) =>
    each(data, (pattern, end) => {
      for (const { name } of named(context, pattern))
        same(context, name, endOf(context.scene, name, end), end);
    }),
  marks: (context, data) =>
    each(data, (name, value) => same(context, name, context.scene.mark(name) || 'none', value)),
  services: (context, data) =>
    each(data, (name, value) => {
      const { forcedDown, disabled } = context.scene.host(name);
      const now = `${forcedDown ? 'forced down' : 'not forced down'}, ${disabled ? 'disabled' : 'enabled'}`;
      same(context, name, now, value);
    }),
  log: ({ scene, when }, data) =>
    each(data, (part, count) => {
      const lines = scene.log.filter((line) => says(line, part)).length;
      if (isCount(lines, count)) return;
      expect.fail(`${when}: "${part}" is ${lines} times in the log, not ${count}:\n${scene.log.join('\n')}`);
    }),
  exit: (context, data) => {
    const last = context.outcomes.at(-1);
    contains(
      context,
      `${last?.troubled === true ? 'degraded: ' : ''}${last?.sentence ?? 'nothing'}`,
      text(data),
    );
  },
  'ever in an exit': (context, data) => {
    for (const part of list(data).map(text)) contains(context, exits(context).join('\n'), part);
  },
  'never in an exit': (context, data) => {
    for (const part of list(data).map(text)) {
      expect([context.when, exits(context).filter((sentence) => says(sentence, part))]).toEqual([
        context.when,
        [],
      ]);
    }
  },
  attribute: (context, data) => contains(context, context.scene.progress.at(-1) ?? 'none', text(data)),
  'ever in an attribute': (context, data) => {
    for (const part of list(data).map(text)) contains(context, context.scene.progress.join('\n'), part);
  },
  events: (context, data) =>
    each(data, (event, count) => {
      const [what = '', about = ''] = event.split(' ');
      const found = context.scene.events.filter(
        (one) => one.what === what && fits(about, one.about === 'host' ? one.host : one.name),
      );
      counted(context, `events ${event}`, found.length, count);
    }),
  calls: (context, data) =>
    each(data, (pattern, count) => {
      const found = context.scene.calls.filter((call) => fits(pattern, call));
      counted(context, `calls of ${pattern}`, found.length, count);
    }),
  'asked in order': (context, data) => {
    const order = list(data).map(text);
    const asked = [...context.scene.asked.keys()];
    const places = (pattern: string) => named(context, pattern).map(({ id }) => asked.indexOf(id));
    for (const [index, next] of order.slice(1).entries()) {
      const before = order[index] ?? '';
      const isIt =
        Math.min(...places(before)) >= 0 && Math.max(...places(before)) < Math.min(...places(next));
      same(context, `${before} before ${next}`, isIt ? 'yes' : `no: ${asked.join()}`, 'yes');
    }
  },
  'asked after the arrival of': (context, data) =>
    each(data, (later, earlier) => {
      const arrivedAt = named(context, earlier).map(({ id }) => arrival(context.scene, id));
      const askedAt = named(context, later).map(({ id }) => context.scene.asked.get(id)?.[0] ?? 0);
      const isIt = Math.min(...askedAt) >= Math.max(...arrivedAt);
      same(context, `${later} after ${earlier}`, isIt ? 'yes' : 'no', 'yes');
    }),
  'most in flight': (context, data) => counted(context, 'in flight', context.scene.inFlightMax, text(data)),
  'first request within': (context, data) => {
    const first = Math.min(...[...context.scene.asked.values()].flat());
    atMost(context, 'the first request', first, data);
  },
  'over within': (context, data) => {
    atMost(context, 'the last event', Math.max(...context.scene.events.map(({ at }) => at)), data);
  },
  // Heeded at the end.
  'repeated lines': () => undefined,
  'known violations': () => undefined,
};

/** At the end every instance has to have its line in `requests` and in `ends`, and nothing forbidden has happened. */
export function checkEnd(played: Played, outcome: unknown): void {
  const { scene } = played;
  const told = map(outcome);
  for (const server of scene.cloud.servers.values()) {
    for (const key of ['requests', 'ends']) {
      const isNamed = Object.keys(texts(told[key])).some((pattern) => fits(pattern, server.name));
      if (!isNamed) throw new Error(`${key} does not say anything of ${server.name}`);
    }
  }
  check(played, outcome, 'at the end');
  const known = list(told['known violations']).map(text);
  expect(scene.violations.filter((line) => !known.some((part) => says(line, part)))).toEqual([]);
  const mayRepeat = list(told['repeated lines']).map(text);
  const repeated = scene.log.filter((line, index) => scene.log.indexOf(line) !== index);
  expect(repeated.filter((line) => !mayRepeat.some((part) => says(line, part)))).toEqual([]);
}

export function check(played: Played, outcome: unknown, when: string): void {
  for (const [key, data] of Object.entries(fields(outcome, Object.keys(checks), 'then'))) {
    checks[key]?.({ ...played, when }, data);
  }
}

function each(data: unknown, task: (key: string, value: string) => void): void {
  for (const [key, value] of Object.entries(texts(data))) task(key, value);
}

function named({ scene }: Context, pattern: string) {
  const found = [...scene.cloud.servers.values()].filter(({ name }) => fits(pattern, name));
  if (found.length === 0) throw new Error(`there is no instance ${pattern}`);
  return found;
}

function same({ when }: Context, what: string, found: string, wanted: string): void {
  const isIt = wanted.startsWith('/') ? says(found, wanted) : found === wanted;
  expect([when, what, isIt ? wanted : found]).toEqual([when, what, wanted]);
}

function contains({ when }: Context, found: string, wanted: string): void {
  if (!says(found, wanted)) expect.fail(`${when}: "${wanted}" is not in:\n${found}`);
}

function counted({ when }: Context, what: string, count: number, wanted: string): void {
  expect([when, what, isCount(count, wanted) ? wanted : String(count)]).toEqual([when, what, wanted]);
}

function atMost({ when, startedAt }: Context, what: string, at: number, most: unknown): void {
  if (at - startedAt > duration(most)) expect.fail(`${when}: ${what} came after ${at - startedAt} ms`);
}

function exits({ outcomes }: Context): readonly string[] {
  return outcomes.flatMap(({ sentence }) => sentence ?? []);
}

function arrival({ events }: Scene, id: string): number {
  const event = events.find((one) => one.about === 'instance' && one.id === id && one.what === 'evacuated');
  return event?.at ?? Number.POSITIVE_INFINITY;
}

/** Where an instance is, in what state, whether its guest runs there and nowhere else, and whether it is locked. */
function endOf(scene: Scene, name: string, wanted: string): string {
  const server = scene.server(idOf(name));
  const host = server.host ?? 'nowhere';
  const isUp = scene.host(host).powered;
  const where = wanted.includes('elsewhere') && isUp ? 'elsewhere' : host;
  const runs = scene.runsOn(server);
  const should = server.vmState === 'active' && isUp ? [host] : [];
  const odd = runs.join() === should.join() ? '' : `, runs on ${runs.join(' and ') || 'no host'}`;
  return `${where} ${server.vmState}${server.locked ? ' locked' : ''}${odd}`;
}
