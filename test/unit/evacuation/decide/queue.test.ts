import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { novaHost, serverId } from '@openstack-ts/nova-client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import {
  decideGrants,
  type HostDemand,
  type QueuedHost,
  type QueueEntry,
} from '../../../../lib/evacuation/decide/grants.ts';
import { groupWaits } from '../../../../lib/evacuation/decide/groupWaits.ts';
import { EvacuationQueue, stallMs } from '../../../../lib/evacuation/decide/queue.ts';
import { named, type Plainly, plainly } from '../../names.ts';

function entry(id: string, priority = 500, group: string | null = null, retry = false): QueueEntry {
  return named<QueueEntry>({ id, priority, group, retry });
}

/** A host with instances of one priority and without groups. */
function demand(host: string, inFlight: number, due: number): HostDemand {
  return { inFlight, due: Array.from({ length: due }, (_, index) => entry(`${host}-${index}`)), open: [] };
}

const queueWith = (...args: ConstructorParameters<typeof EvacuationQueue>) =>
  plainly(new EvacuationQueue(...args));

function queueOf(limit: number, ...hosts: string[]) {
  const queue = queueWith(
    () => limit,
    Number.POSITIVE_INFINITY,
    () => 0,
  );
  for (const host of hosts) queue.join(host);
  return {
    queue,
    set: (host: string, inFlight: number, due: number) => queue.set(host, demand(host, inFlight, due)),
    room: (host: string) => queue.grants(host).length,
  };
}

describe('sharing the limit among hosts', () => {
  test('one host has it all', () => {
    const { set, room } = queueOf(8, 'a');
    set('a', 3, 100);
    expect(room('a')).toBe(5);
  });

  test('a place that the more important of another host takes in this very decision is not given twice', () => {
    const told = (host: string, inFlight: number, ...priorities: number[]): QueuedHost => ({
      host: novaHost(host),
      stalled: false,
      demand: { inFlight, due: priorities.map((one) => entry(`${host}-${one}`, one)), open: [] },
    });
    const grants = decideGrants(
      [told('a', 1, 500, 100), told('b', 0, 100)],
      2,
      Number.POSITIVE_INFINITY,
      new Map(),
    );
    expect([...grants.values()].flat()).toEqual(['a-500']);
  });

  test.each([
    ['above the limit while they are in flight, as they may hang', 24, 100, 8],
    ["never above the operator's bound", 24, 24, 0],
    ["up to the operator's bound", 24, 26, 2],
  ])(
    'a host that comes later fills its share although another has borrowed it: %s',
    (_, inFlight, bound, expected) => {
      const told = (host: string, own: number, due: number): QueuedHost => ({
        host: novaHost(host),
        stalled: false,
        demand: demand(host, own, due),
      });
      const grants = decideGrants([told('first', inFlight, 20), told('late', 0, 50)], 16, bound, new Map());
      expect(plainly(grants).get('late')?.length).toBe(expected);
      expect(plainly(grants).get('first')).toEqual([]);
    },
  );

  test('two hosts with work have half each', () => {
    const { set, room } = queueOf(8, 'a', 'b');
    set('a', 0, 100);
    set('b', 0, 100);
    expect([room('a'), room('b')]).toEqual([4, 4]);
  });

  test('what another does not need of its share is lent, and kept free while it has not told', () => {
    const { queue, set, room } = queueOf(8, 'a', 'b');
    set('a', 0, 100);
    expect(room('a')).toBe(4);
    set('b', 1, 1);
    expect(room('a')).toBe(6);
    set('b', 0, 0);
    expect(room('a')).toBe(8);
    queue.leave('b');
    expect(room('a')).toBe(8);
  });

  test('one whose evacuations hang keeps its share busy and no more', () => {
    const { set, room } = queueOf(8, 'hangs', 'works');
    set('hangs', 4, 50);
    set('works', 0, 50);
    expect([room('hangs'), room('works')]).toEqual([0, 4]);
  });

  test('one that comes late fills its share even while all is lent', () => {
    const { queue, set, room } = queueOf(8, 'a');
    set('a', 8, 20);
    queue.join('b');
    set('b', 0, 20);
    expect([room('a'), room('b')]).toEqual([0, 4]);
  });

  test('more hosts than the limit: one each', () => {
    const hosts = ['a', 'b', 'c'];
    const { set, room } = queueOf(2, ...hosts);
    for (const host of hosts) set(host, 0, 9);
    expect(hosts.map(room)).toEqual([1, 1, 1]);
  });

  test('a host that never joined has no room taken from others', () => {
    const { set, room } = queueOf(4, 'a');
    set('a', 0, 9);
    expect(room('a')).toBe(4);
    expect(room('never')).toBe(0);
  });

  test('a limit that falls below what is in flight grants nothing', () => {
    let limit = 8;
    const queue = queueWith(
      () => limit,
      Number.POSITIVE_INFINITY,
      () => 0,
    );
    queue.join('a');
    queue.set('a', demand('a', 8, 20));
    limit = 4;
    expect(queue.grants('a')).toEqual([]);
    queue.set('a', demand('a', 3, 20));
    expect(queue.grants('a')).toHaveLength(1);
  });

  test('the limit is exhausted when instances wait for it, not when they wait for others or for nobody', () => {
    const { queue, set } = queueOf(4, 'a', 'b');
    set('a', 0, 2);
    expect(queue.exhausted).toBe(false);
    set('b', 2, 0);
    expect(queue.exhausted).toBe(false);
    set('b', 2, 1);
    expect(queue.exhausted).toBe(true);
    const members = ['a', 'b', 'c'].map((name) => entry(name, 500, `shop/${name}`));
    const open = members.map(({ id, priority }) => ({ id, group: `shop/${id}`, priority, settled: false }));
    queue.set('b', { inFlight: 1, due: members, open });
    expect(queue.exhausted).toBe(false);
  });

  test('what is kept free for a host that has not told does not exhaust the limit', () => {
    const { queue, set } = queueOf(4, 'a', 'b');
    set('a', 2, 9);
    expect(queue.grants('a')).toEqual([]);
    expect(queue.exhausted).toBe(false);
  });

  interface Host {
    readonly name: string;
    flying: number;
    due: number;
  }

  test('whatever happens: nobody is kept from its share, and the total is bounded', () => {
    const limits = fc.integer({ min: 1, max: 20 });
    const counts = fc.integer({ min: 1, max: 5 });
    const step = fc.tuple(fc.nat(4), fc.constantFrom('start', 'finish', 'more'), fc.nat(5));
    fc.assert(
      fc.property(limits, counts, fc.array(step, { maxLength: 60 }), (limit, count, steps) => {
        const names = Array.from({ length: count }, (_, index) => `h${index}`);
        const { set, room } = queueOf(limit, ...names);
        const hosts: Host[] = names.map((name) => ({ name, flying: 0, due: 10 }));
        for (const { name, due } of hosts) set(name, 0, due);
        const share = Math.max(1, Math.floor(limit / count));
        for (const [index, what, amount] of steps) {
          const host = hosts[index % count];
          if (host !== undefined) turn(host, what, amount, room(host.name));
          if (host !== undefined) set(host.name, host.flying, host.due);
          for (const { name, flying, due } of hosts) {
            // Whatever the others do, one's own share can always be filled.
            expect(flying + room(name)).toBeGreaterThanOrEqual(Math.min(share, flying + due));
            expect(flying + room(name)).toBeLessThanOrEqual(Math.max(limit, share, flying));
          }
          const total = hosts.reduce((sum, { flying }) => sum + flying, 0);
          // The limit, and what is filled of shares that were lent out when their owners needed them again.
          expect(total).toBeLessThanOrEqual(limit + (count - 1) * share);
        }
      }),
    );
  });

  function turn(host: Host, what: string, amount: number, room: number): void {
    const started = what === 'start' ? room : 0;
    host.flying += started - (what === 'finish' ? Math.min(host.flying, amount) : 0);
    host.due += what === 'more' ? amount : -started;
  }

  test('hosts that all have enough to do never exceed the limit together', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 5, max: 20 }),
        fc.array(fc.nat(4), { maxLength: 60 }),
        (count, limit, turns) => {
          const names = Array.from({ length: count }, (_, index) => `${index}`);
          const { set, room } = queueOf(limit, ...names);
          const flying = names.map(() => 0);
          for (const name of names) set(name, 0, 100);
          for (const each of turns) {
            const host = each % count;
            flying[host] = (flying[host] ?? 0) + room(`${host}`);
            set(`${host}`, flying[host], 100);
            expect(flying.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(limit);
          }
        },
      ),
    );
  });
});

describe('what hangs', () => {
  test('a host that keeps starting and ending some is not taken for one that hangs', () => {
    let now = 0;
    const queue = queueWith(
      () => 2,
      Number.POSITIVE_INFINITY,
      () => now,
    );
    for (const host of ['busy', 'other']) queue.join(host);
    queue.set('other', { inFlight: 0, due: [entry('low', 1)], open: [] });
    for (let left = 40; left > 10; left -= 1) {
      // One ends and another is started between two looks, so that as many are in flight as before.
      const due = Array.from({ length: left }, (_, index) => entry(`${index}`, 900));
      queue.set('busy', { inFlight: 2, due, open: [] });
      expect(queue.grants('other')).toEqual([]);
      now += stallMs / 2;
    }
  });

  test('time with nothing in flight is no time of hanging', () => {
    let now = 0;
    const queue = queueWith(
      () => 2,
      Number.POSITIVE_INFINITY,
      () => now,
    );
    for (const host of ['late', 'other']) queue.join(host);
    queue.set('late', { inFlight: 0, due: [], open: [] });
    now += 2 * stallMs;
    queue.set('other', { inFlight: 0, due: [entry('low', 1)], open: [] });
    queue.set('late', { inFlight: 2, due: [entry('a', 900), entry('b', 900)], open: [] });
    expect(queue.grants('other')).toEqual([]);
    now += stallMs;
    expect(queue.grants('other')).toEqual(['low']);
  });
});

describe('properties of the order', () => {
  const entries = fc.array(
    fc.record({
      priority: fc.constantFrom(1, 500, 900),
      group: fc.constantFrom(null, null, 'p/a', 'p/b', 'q/a', 'q/b/c'),
      retry: fc.boolean(),
    }),
    { maxLength: 12 },
  );
  const hostsOf = (stalled: boolean) =>
    fc
      .array(fc.record({ inFlight: fc.nat(6), due: entries, told: fc.boolean() }), {
        minLength: 1,
        maxLength: 5,
      })
      .map((all) =>
        all.map(({ inFlight, due, told }, index): QueuedHost => {
          const named = due.map((one, place) => ({ ...one, id: serverId(`h${index}-${place}`) }));
          const open = named.flatMap(({ id, group, priority }) =>
            group === null ? [] : [{ id, group, priority, settled: false }],
          );
          const known = told || index === 0;
          return {
            host: novaHost(`h${index}`),
            demand: known ? { inFlight, due: named, open } : null,
            stalled,
          };
        }),
      );
  const ranksOf = (hosts: readonly QueuedHost[]) => {
    const ranks = new Map<string, number>();
    for (const { demand: told } of hosts) {
      for (const { group, priority } of told?.open ?? []) {
        ranks.set(group, Math.max(priority, ranks.get(group) ?? 0));
      }
    }
    return ranks;
  };
  const limits = fc.integer({ min: 1, max: 20 });

  test('nothing is granted while something more important is not, and everything granted is due', () => {
    fc.assert(
      fc.property(hostsOf(false), limits, (hosts, limit) => {
        const waits = groupWaits(hosts, ranksOf(hosts));
        const granted = new Set(
          [...decideGrants(hosts, limit, Number.POSITIVE_INFINITY, waits).values()].flat(),
        );
        const free = hosts.flatMap(({ demand: told }) => told?.due ?? []).filter(({ id }) => !waits.has(id));
        const chosen = free.filter(({ id }) => granted.has(id));
        const passedOver = free.filter(({ id }) => !granted.has(id));
        expect(chosen).toHaveLength(granted.size);
        const least = Math.min(...chosen.map(({ priority }) => priority));
        const most = Math.max(...passedOver.map(({ priority }) => priority));
        expect(least).toBeGreaterThanOrEqual(most);
      }),
    );
  });

  test('groups of one project never run at the same time, and somebody always goes on', () => {
    fc.assert(
      fc.property(hostsOf(false), limits, (hosts, limit) => {
        const waits = groupWaits(hosts, ranksOf(hosts));
        const granted = new Set(
          [...decideGrants(hosts, limit, Number.POSITIVE_INFINITY, waits).values()].flat(),
        );
        const due = hosts.flatMap(({ demand: told }) => told?.due ?? []);
        const groups = due.flatMap(({ id, group }) => (granted.has(id) && group !== null ? [group] : []));
        const projects = new Set(groups.map((group) => group.split('/')[0]));
        expect(new Set(groups).size).toBe(projects.size);
        const idle = hosts.every(({ demand: told }) => told !== null && told.inFlight === 0);
        if (idle && due.length > 0) expect(granted.size).toBeGreaterThan(0);
      }),
    );
  });

  test('while others hang, every host can fill its share, whatever the priorities', () => {
    fc.assert(
      fc.property(hostsOf(true), limits, (hosts, limit) => {
        const waits = groupWaits(hosts, ranksOf(hosts));
        const grants = decideGrants(hosts, limit, Number.POSITIVE_INFINITY, waits);
        const share = Math.max(1, Math.floor(limit / hosts.length));
        const told = hosts.filter(({ demand: one }) => one !== null);
        for (const { host, demand: one } of told) {
          if (told.length < 2 || one === null) continue;
          const free = one.due.filter(({ id }) => !waits.has(id)).length;
          const held = one.inFlight + (grants.get(host)?.length ?? 0);
          expect(held).toBeGreaterThanOrEqual(Math.min(share, one.inFlight + free));
        }
      }),
    );
  });

  test('evacuations that hang on one host never keep another from its end', () => {
    fc.assert(
      fc.property(limits, fc.integer({ min: 1, max: 60 }), (limit, count) => {
        let now = 0;
        const queue = queueWith(
          () => limit,
          Number.POSITIVE_INFINITY,
          () => now,
        );
        for (const host of ['hangs', 'works']) queue.join(host);
        let hanging = 0;
        let left = Array.from({ length: count }, (_, index) => entry(`w${index}`, 1));
        for (; left.length > 0 && now < 3_600_000; now += 5_000) {
          const due = Array.from({ length: 100 }, (_, index) => entry(`h${index}`, 900));
          queue.set('hangs', { inFlight: hanging, due, open: [] });
          hanging += queue.grants('hangs').length;
          queue.set('works', { inFlight: 0, due: left, open: [] });
          const granted = new Set(queue.grants('works'));
          left = left.filter(({ id }) => !granted.has(id));
        }
        expect(left).toEqual([]);
        expect(hanging).toBeLessThanOrEqual(Math.max(2, limit));
      }),
    );
  });
});

describe('scenarios', () => {
  const dir = join(import.meta.dirname, '../scenarios/order');
  const states = new Set(['due', 'retry', 'inFlight', 'waiting', 'failed', 'givenUp', 'left', 'finished']);

  for (const file of readdirSync(dir).sort()) {
    for (const document of parseAllDocuments(readFileSync(join(dir, file), 'utf8'))) {
      const scenario: unknown = document.toJS();
      test(`${file}: ${text(member(scenario, 'title'))}`, () => run(scenario));
    }
  }

  function run(scenario: unknown): void {
    let now = 0;
    const queue = queueWith(
      () => Number(member(scenario, 'limit')),
      Number.POSITIVE_INFINITY,
      () => now,
    );
    const steps = list(member(scenario, 'steps'));
    expect(steps.length).toBeGreaterThan(0);
    const joined = new Set<string>();
    for (const [index, step] of steps.entries()) {
      now += Number(member(step, 'after') ?? 0) * 1000;
      tell(queue, step, joined);
      check(queue, step, `step ${index + 1} ${text(member(step, 'title') ?? '')}`);
    }
  }

  function tell(queue: Plainly<EvacuationQueue>, step: unknown, joined: Set<string>): void {
    const hosts = Object.entries(record(member(step, 'hosts') ?? {}));
    for (const [host] of hosts) {
      if (!joined.has(host)) queue.join(host);
      joined.add(host);
    }
    for (const [host, instances] of hosts) {
      if (instances !== 'untold') queue.set(host, demandOfScenario(record(instances)));
    }
    for (const host of list(member(step, 'leave') ?? [])) queue.leave(text(host));
  }

  function check(queue: Plainly<EvacuationQueue>, step: unknown, title: string): void {
    for (const [host, ids] of Object.entries(record(member(step, 'grants')))) {
      expect([...queue.grants(host)], `${title}: grants of ${host}`).toEqual(ids);
      for (const id of list(ids)) expect(queue.held(text(id)), `${title}: ${text(id)}`).toBeNull();
    }
    for (const [id, why] of Object.entries(record(member(step, 'held') ?? {}))) {
      expect(queue.held(id), `${title}: ${id}`).toBe(why);
    }
  }

  function demandOfScenario(instances: Record<string, unknown>): HostDemand {
    const all = Object.entries(instances).map(([id, facts]) => {
      const state = text(member(facts, 'state') ?? 'due');
      expect(states).toContain(state);
      const group = member(facts, 'group');
      return {
        id,
        priority: Number(member(facts, 'priority') ?? 500),
        group: group === undefined ? null : text(group),
        state,
      };
    });
    return named<HostDemand>({
      inFlight: all.filter(({ state }) => state === 'inFlight').length,
      due: all
        .filter(({ state }) => state === 'due' || state === 'retry')
        .map(({ id, priority, group, state }) => entry(id, priority, group, state === 'retry')),
      open: all.flatMap(({ id, priority, group, state }) =>
        group === null || state === 'finished'
          ? []
          : [{ id, group, priority, settled: state === 'givenUp' || state === 'left' }],
      ),
    });
  }

  function record(data: unknown): Record<string, unknown> {
    if (typeof data !== 'object' || data === null) throw new Error(`not a mapping: ${JSON.stringify(data)}`);
    return { ...data };
  }

  function member(data: unknown, name: string): unknown {
    return record(data)[name];
  }

  function list(data: unknown): unknown[] {
    if (!Array.isArray(data)) throw new Error(`not a list: ${JSON.stringify(data)}`);
    return data;
  }

  function text(data: unknown): string {
    if (typeof data !== 'string') throw new Error(`not a text: ${JSON.stringify(data)}`);
    return data;
  }
});
