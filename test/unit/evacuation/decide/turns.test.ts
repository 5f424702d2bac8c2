import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Standing, type TurnHost, Turns } from '../../../../lib/evacuation/decide/turns.ts';
import { type Plain, type Plainly, plainly } from '../../names.ts';

const still = { moving: false, wants: false, begun: false };
const wants = { ...still, wants: true };
const moves = { moving: true, wants: true, begun: true };

/** Hosts `a`, `b`, … in the order of their failures, and what each has told; null: nothing yet. */
function turns(
  limit: number,
  told: Record<string, Standing | null>,
  more: Record<string, Plain<Partial<TurnHost>>> = {},
  elsewhere: Record<string, boolean> = {},
): Plainly<Turns> {
  const all = plainly(new Turns(limit));
  const names = [...new Set([...Object.keys(told), ...Object.keys(elsewhere)])].sort();
  all.heed(
    names.map((host, index) => ({
      host,
      name: `node-${host}`,
      since: 1_000 + index,
      needsTurn: true,
      deferred: false,
      ...more[host],
    })),
    new Map(Object.entries(elsewhere)),
  );
  for (const [host, standing] of Object.entries(told)) {
    all.join(host);
    if (standing !== null) all.tell(host, standing);
  }
  return all;
}

/** Who may ask for something now. */
const free = (all: Plainly<Turns>, hosts: readonly string[]) =>
  hosts.filter((host) => all.sentence(host) === null).join('');

describe('turns', () => {
  test.each<[string, number, Parameters<typeof turns>[1], Parameters<typeof turns>[2], string]>([
    ['without a limit all go', 0, { a: wants, b: wants, c: moves }, {}, 'abc'],
    ['what failed first comes first', 2, { a: wants, b: wants, c: wants }, {}, 'ab'],
    ['who moves keeps its turn', 1, { a: wants, b: wants, c: moves }, {}, 'c'],
    ['what was begun comes first', 1, { a: wants, b: { ...wants, begun: true } }, {}, 'b'],
    ['one that was begun waits as well', 1, { a: moves, b: { ...wants, begun: true } }, {}, 'a'],
    ['who asks for nothing holds none', 1, { a: { ...still, begun: true }, b: wants, c: wants }, {}, 'ab'],
    ['who is deferred comes before nobody', 1, { a: wants, b: wants }, { a: { deferred: true } }, 'ab'],
    ['who is deferred and moves holds one', 1, { a: moves, b: wants }, { a: { deferred: true } }, 'a'],
    ['a word needs no turn, but holds one', 1, { a: wants, b: moves }, { a: { needsTurn: false } }, 'ab'],
    ['and others wait for it', 1, { a: moves, b: wants }, { a: { needsTurn: false } }, 'a'],
  ])('%s', (_, limit, told, more, expected) => {
    const all = turns(limit, told, more);
    expect(free(all, Object.keys(told))).toBe(expected);
    for (const host of Object.keys(told)) {
      const { moving = false, wants: wanted = false } = told[host] ?? {};
      if (moving || wanted) expect(turns(limit, told, more).take(host)).toBe(expected.includes(host));
    }
  });

  test('what it waits for is said, with the command that ends it', () => {
    const all = turns(1, { a: moves, b: wants, c: { ...wants, begun: true } });
    expect(all.sentence('b')).toBe(
      'node-b waits its turn: as many hosts are being evacuated (a; c) as max_hosts_at_once=1 allows; it begins when one of them is done, or with: crm_attribute -N node-b -n evacuation -l forever -v go',
    );
    expect(all.sentence('c')).toContain('it goes on when');
  });

  test('whoever has told nothing yet may be at work: it is waited for, without a word', () => {
    const all = turns(1, { a: wants, b: null });
    expect([all.take('a'), all.sentence('a')]).toEqual([false, null]);
    all.tell('b', wants);
    expect([all.take('a'), all.take('b')]).toEqual([true, false]);
    const gone = turns(1, { a: wants, b: null });
    gone.leave('b');
    expect(gone.take('a')).toBe(true);
  });

  test('one that ended before it told anything counts as under way until Nova was asked, whatever is heeded meanwhile', () => {
    const all = turns(1, { a: wants, b: null });
    all.rest('b');
    expect(all.take('a')).toBe(false);
    const hosts = ['a', 'b'].map((host, since) => ({
      ...{ host, name: `node-${host}`, since, needsTurn: true, deferred: false },
    }));
    // The operator's word was read again.
    all.heed(hosts, new Map());
    expect(all.take('a')).toBe(false);
    all.lookedAt(['b']);
    expect(all.take('a')).toBe(true);
  });

  test('what is under way of a host that this pass leaves alone keeps its turn', () => {
    const all = turns(1, { a: moves, b: wants });
    all.rest('a');
    expect(all.take('b')).toBe(false);
    all.leave('a');
    expect(all.take('b')).toBe(true);
  });

  test('whoever told to want nothing and asks all the same waits for those at work', () => {
    const all = turns(1, { a: { ...still, begun: true }, b: wants });
    expect([all.take('b'), all.take('a')]).toEqual([true, false]);
  });

  test('what another evacuator has taken counts as under way until the next look tells', () => {
    const all = turns(1, { a: null, b: wants });
    all.leaveToAnother('a');
    expect(all.take('b')).toBe(false);
    expect(turns(1, { b: wants }, {}, { a: false }).take('a')).toBe(true);
  });

  test('two evacuators that each work on one host never both wait, and never both go', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), (isBegunA, isBegunB) => {
        const here = turns(1, { a: { ...wants, begun: isBegunA } }, {}, { b: false });
        const there = turns(1, { b: { ...wants, begun: isBegunB } }, {}, { a: false });
        expect([here.take('a'), there.take('b')]).toEqual([true, false]);
        expect(turns(1, { a: wants }, {}, { b: true }).take('a')).toBe(false);
      }),
    );
  });

  test('never more at work than allowed, and somebody always is while somebody wants to', () => {
    const step = fc.record({
      host: fc.integer({ min: 0, max: 5 }),
      kind: fc.constantFrom('ask', 'end', 'end all'),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 60 }), (limit, steps) => {
        const hosts = ['a', 'b', 'c', 'd', 'e', 'f'];
        const all = turns(limit, Object.fromEntries(hosts.map((host) => [host, wants])));
        const busy = new Set<string>();
        const begun = new Set<string>();
        for (const { host: index, kind } of steps) {
          const host = hosts[index] ?? '';
          if (kind === 'ask' && all.take(host)) {
            busy.add(host);
            begun.add(host);
          } else if (kind !== 'ask' && busy.delete(host)) {
            all.tell(host, { moving: false, wants: kind === 'end', begun: true });
          }
          expect(busy.size).toBeLessThanOrEqual(limit);
          if (busy.size < limit && all.sentence(host) !== null) {
            expect(hosts.some((other) => !busy.has(other) && all.sentence(other) === null)).toBe(true);
          }
        }
      }),
    );
  });
});
