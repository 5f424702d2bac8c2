import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Slots } from '../../../lib/evacuation/slots.ts';

describe('sharing the concurrency', () => {
  test('one host has it all', () => {
    const slots = new Slots(8);
    slots.join('a');
    slots.set('a', 3, 100);
    expect(slots.room('a')).toBe(5);
  });

  test('two hosts with work have half each', () => {
    const slots = new Slots(8);
    for (const host of ['a', 'b']) slots.join(host);
    slots.set('a', 0, 100);
    slots.set('b', 0, 100);
    expect([slots.room('a'), slots.room('b')]).toEqual([4, 4]);
  });

  test('what another does not need of its share is lent, and kept free while it has not told', () => {
    const slots = new Slots(8);
    for (const host of ['a', 'b']) slots.join(host);
    slots.set('a', 0, 100);
    expect(slots.room('a')).toBe(4);
    slots.set('b', 1, 1);
    expect(slots.room('a')).toBe(6);
    slots.set('b', 0, 0);
    expect(slots.room('a')).toBe(8);
    slots.leave('b');
    expect(slots.room('a')).toBe(8);
  });

  test('one whose evacuations hang keeps its share busy and no more', () => {
    const slots = new Slots(8);
    for (const host of ['hangs', 'works']) slots.join(host);
    slots.set('hangs', 4, 50);
    slots.set('works', 0, 50);
    expect([slots.room('hangs'), slots.room('works')]).toEqual([0, 4]);
  });

  test('one that comes late fills its share even while all is lent', () => {
    const slots = new Slots(8);
    slots.join('a');
    slots.set('a', 8, 20);
    slots.join('b');
    slots.set('b', 0, 20);
    expect([slots.room('a'), slots.room('b')]).toEqual([0, 4]);
  });

  test('more hosts than the limit: one each', () => {
    const slots = new Slots(2);
    for (const host of ['a', 'b', 'c']) {
      slots.join(host);
      slots.set(host, 0, 9);
    }
    expect(['a', 'b', 'c'].map((host) => slots.room(host))).toEqual([1, 1, 1]);
  });

  test('a host that never joined has no room taken from others', () => {
    const slots = new Slots(4);
    slots.join('a');
    slots.set('a', 0, 9);
    expect(slots.room('a')).toBe(4);
  });

  interface Host {
    readonly name: string;
    flying: number;
    due: number;
  }

  function turn(slots: Slots, host: Host, what: string, amount: number): void {
    const started = what === 'start' ? Math.min(host.due, slots.room(host.name)) : 0;
    host.flying += started - (what === 'finish' ? Math.min(host.flying, amount) : 0);
    host.due += what === 'more' ? amount : -started;
    slots.set(host.name, host.flying, host.due);
  }

  test('whatever happens: nobody is kept from its share, and the total is bounded', () => {
    const limits = fc.integer({ min: 1, max: 20 });
    const counts = fc.integer({ min: 1, max: 5 });
    const step = fc.tuple(fc.nat(4), fc.constantFrom('start', 'finish', 'more'), fc.nat(5));
    fc.assert(
      fc.property(limits, counts, fc.array(step, { maxLength: 60 }), (limit, count, steps) => {
        const slots = new Slots(limit);
        const hosts = Array.from({ length: count }, (_, index) => ({
          name: `h${index}`,
          flying: 0,
          due: 10,
        }));
        for (const { name } of hosts) slots.join(name);
        for (const { name, due } of hosts) slots.set(name, 0, due);
        const share = Math.max(1, Math.floor(limit / count));
        for (const [index, what, amount] of steps) {
          const host = hosts[index % count];
          if (host !== undefined) turn(slots, host, what, amount);
          for (const { name, flying } of hosts) {
            // Whatever the others do, one's own share can always be filled.
            expect(flying + slots.room(name)).toBeGreaterThanOrEqual(share);
            expect(flying + slots.room(name)).toBeLessThanOrEqual(Math.max(limit, share, flying));
          }
          const total = hosts.reduce((sum, { flying }) => sum + flying, 0);
          // The limit, and what is filled of shares that were lent out when their owners needed them again.
          expect(total).toBeLessThanOrEqual(limit + (count - 1) * share);
        }
      }),
    );
  });

  test('hosts that all have enough to do never exceed the limit together', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 5, max: 20 }),
        fc.array(fc.nat(4), { maxLength: 60 }),
        (count, limit, turns) => {
          const slots = new Slots(limit);
          const flying = Array.from({ length: count }, () => 0);
          for (const host of flying.keys()) slots.join(`${host}`);
          for (const turn of turns) {
            const host = turn % count;
            flying[host] = (flying[host] ?? 0) + slots.room(`${host}`);
            slots.set(`${host}`, flying[host], 100);
            expect(flying.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(limit);
          }
        },
      ),
    );
  });
});
