import type { ComputeService } from '@openstack-ts/nova-client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchHost } from '../../../lib/evacuation/index.ts';

const service = (host: string): ComputeService => ({
  id: host,
  host,
  state: 'up',
  status: 'enabled',
  disabledReason: null,
  forcedDown: false,
  updatedAt: null,
});

/** The host that a name means, `?` where none, or the candidates of an ambiguous one. */
function match(hosts: readonly string[], name: string, domain?: string): string {
  const found = matchHost(hosts.map(service), name, domain);
  if (found.kind === 'host') return found.service.host;
  return found.kind === 'ambiguous' ? `${found.candidates.join(' or ')}?` : '?';
}

const short = ['c0', 'c1'];
const full = ['c0.dom', 'c1.dom'];
const mixed = ['c0.a', 'c1.a', 'c1.b', 'c2.b'];

describe('which Nova host a name means', () => {
  test.each<[string, readonly string[], string, string | undefined, string]>([
    // Nova has short names: whatever domain a plug or node bears is cut off.
    ['short, short', short, 'c0', undefined, 'c0'],
    ['full, short', short, 'c0.dom', undefined, 'c0'],
    ['full, short, wrong domain option', short, 'c0.dom', 'other', 'c0'],
    ['unknown', short, 'c9', undefined, '?'],
    // Nova has one domain: it wins, over the plug's and over the option's.
    ['short, full', full, 'c0', undefined, 'c0.dom'],
    ['full, full', full, 'c0.dom', undefined, 'c0.dom'],
    ['plug of another domain', full, 'c0.other', undefined, 'c0.dom'],
    ['wrong domain option', full, 'c0', 'other', 'c0.dom'],
    ['domain option with a leading dot', full, 'c1', '.dom', 'c1.dom'],
    ['a name that only ends in the same letters', full, 'xc0', undefined, '?'],
    ['unknown in its domain', full, 'c9.dom', undefined, '?'],
    // Several domains in Nova: an exact name is enough, a short one is enough where it is unique.
    ['mixed, exact', mixed, 'c1.b', undefined, 'c1.b'],
    ['mixed, unique label', mixed, 'c0', undefined, 'c0.a'],
    ['mixed, ambiguous', mixed, 'c1', undefined, 'c1.a or c1.b?'],
    ['mixed, settled by domain', mixed, 'c1', 'b', 'c1.b'],
    ['mixed, domain settles nothing', mixed, 'c1', 'x', 'c1.a or c1.b?'],
    ['mixed, taken at its word', mixed, 'c0.b', undefined, '?'],
    ['mixed, of a domain that Nova does not use', mixed, 'c2.mgmt', undefined, 'c2.b'],
    ['mixed, ambiguous of a domain that Nova does not use', mixed, 'c1.mgmt', undefined, 'c1.a or c1.b?'],
    ['one short, one full', ['c0', 'c0.a'], 'c0', undefined, 'c0'],
    // Case.
    ['other case', ['Comp0', 'comp1'], 'COMP0', undefined, 'Comp0'],
    ['two that differ in case only, exact', ['Comp0', 'comp0'], 'comp0', undefined, 'comp0'],
    ['two that differ in case only', ['Comp0', 'comp0'], 'COMP0', undefined, 'Comp0 or comp0?'],
    ['other case, first label', ['Comp0.Dom'], 'comp0', undefined, 'Comp0.Dom'],
    ['domain option in another case', mixed, 'C1', 'B', 'c1.b'],
    // Addresses have no labels.
    ['address, exact', ['10.0.0.1', '10.0.0.2'], '10.0.0.2', undefined, '10.0.0.2'],
    ['address, another host of the same network', ['10.0.0.1'], '10.0.0.9', undefined, '?'],
    ['IPv6 address', ['fd00::1'], 'fd00::2', undefined, '?'],
    // Nothing.
    ['empty name', short, '', undefined, '?'],
    ['dot', full, '.dom', undefined, '?'],
    ['no services', [], 'c0', 'dom', '?'],
  ])('%s', (_what, hosts, name, domain, expected) => {
    expect(match(hosts, name, domain)).toBe(expected);
  });

  test('the sentences name the name and the candidates', () => {
    expect(matchHost(mixed.map(service), 'c1')).toMatchObject({
      sentence: 'c1 could mean c1.a or c1.b: give the full name, or set domain.',
    });
    expect(matchHost([], 'c1')).toMatchObject({
      sentence: 'Nova does not know about c1: no nova-compute service bears this name.',
    });
  });

  const label = fc.constantFrom('c0', 'c1', 'C0', '10', '');
  const name = fc
    .tuple(label, fc.constantFrom('', '.a', '.b', '.A', '.a.b', '.', '..'))
    .map(([first, rest]) => first + rest);

  test('an exact match always wins, and a match is never a guess', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          name.filter((each) => each !== ''),
          { maxLength: 6 },
        ),
        name,
        fc.option(fc.constantFrom('a', 'b', '.a'), { nil: undefined }),
        (hosts, wanted, domain) => {
          const found = matchHost(hosts.map(service), wanted, domain);
          if (hosts.includes(wanted))
            expect(found).toMatchObject({ kind: 'host', service: { host: wanted } });
          if (found.kind === 'ambiguous') expect(found.candidates.length).toBeGreaterThan(1);
          if (found.kind !== 'host') return;
          // Same first label at least, whatever else differs.
          const first = (text: string) => text.toLowerCase().split('.', 1)[0];
          expect(first(found.service.host)).toBe(first(wanted));
          // The order in which Nova lists its services does not matter.
          const again = matchHost(hosts.toReversed().map(service), wanted, domain);
          expect(again).toEqual(found);
        },
      ),
    );
  });
});
