import { type ComputeService, novaHost } from '@openstack-ts/nova-client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { markName, nodeName } from '../../../../lib/attrd/index.ts';
import { isSameHost, marksOf, serviceNamed } from '../../../../lib/evacuation/incident/names.ts';
import { matchHost } from '../../../../lib/evacuation/index.ts';

const service = (host: string): ComputeService => ({
  id: host,
  host: novaHost(host),
  state: 'up',
  status: 'enabled',
  zone: 'nova',
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
    ['two that differ in case only', ['Comp0', 'comp0'], 'COMP0', undefined, 'comp0'],
    ['a short one beside the full name', ['c0', 'c0.a'], 'c0.a', undefined, 'c0.a'],
    ['a short one beside two full names', ['c0', 'c0.a', 'c0.b'], 'c0', undefined, 'c0'],
    ['a short one where the domain is in use', ['c0', 'c1.a'], 'c0.a', undefined, 'c0'],
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

  const seen = (host: string, changes: Partial<ComputeService>) => ({ ...service(host), ...changes });
  const dead = (host: string, updatedAt: number) => seen(host, { state: 'down', updatedAt });
  const meant = (services: readonly ComputeService[], wanted: string) => {
    const found = matchHost(services, wanted);
    if (found.kind !== 'host') return found.kind === 'ambiguous' ? `${found.candidates.join(' or ')}?` : '?';
    const { service: main, twins } = found;
    return [main, ...twins].map(({ host, id }) => (host === id ? host : `${host}#${id}`)).join(' + ');
  };

  const hour = 3600_000;

  test.each<[string, readonly ComputeService[], string, string]>([
    ['the full name reports', [dead('c0', 1), seen('c0.a', { updatedAt: hour })], 'c0', 'c0.a + c0'],
    ['the short name reports', [seen('c0', { updatedAt: hour }), dead('c0.a', 9)], 'c0.a', 'c0 + c0.a'],
    [
      'one has just died, the other reports',
      [dead('c0', 1), seen('c0.a', { updatedAt: 60_000 })],
      'c0',
      'c0 + c0.a',
    ],
    ['both are down, the full name was written last', [dead('c0', 1), dead('c0.a', hour)], 'c0', 'c0.a + c0'],
    ['both are down since about the same time', [dead('c0', 1), dead('c0.a', 2)], 'c0', 'c0 + c0.a'],
    ['both report', [seen('c0', {}), seen('c0.a', {})], 'c0', 'c0 + c0.a'],
    [
      'two records of one name, the dead one first',
      [
        { ...dead('c0', 1), id: '1' },
        { ...seen('c0', { updatedAt: 2 }), id: '2' },
      ],
      'c0',
      'c0#2 + c0#1',
    ],
    ['spelled otherwise', [dead('C0', 1), seen('c0', {})], 'C0', 'c0 + C0'],
    [
      'a short one beside hosts of two domains',
      [seen('c0', {}), dead('c0.a', 1), dead('c0.b', 2)],
      'c0',
      'c0',
    ],
    [
      'a short one that is left over beside hosts of two domains',
      [dead('c0', 0), dead('c0.a', 1), seen('c0.b', { updatedAt: hour })],
      'c0',
      'c0 or c0.a or c0.b?',
    ],
    [
      'a full name beside another domain and a short one',
      [dead('c0', 9), dead('c0.a', 1), seen('c0.b', {})],
      'c0.a',
      'c0.a',
    ],
  ])('services that may be one machine: %s', (_what, services, wanted, expected) => {
    expect(meant(services, wanted)).toBe(expected);
    expect(meant(services.toReversed(), wanted)).toBe(expected);
  });

  test('a service that bears the name of another node is that node', () => {
    const services = [dead('c0', 1), seen('c0.a', { updatedAt: hour })];
    expect(matchHost(services, 'c0', undefined, [nodeName('c0'), nodeName('c0.A')])).toMatchObject({
      service: { host: 'c0' },
      twins: [],
    });
  });

  test('the service of a host is the record that reports, however it is spelled', () => {
    const records = [
      { ...dead('c0', 1), id: '1' },
      { ...seen('C0', {}), id: '2' },
    ];
    expect(serviceNamed(records, novaHost('c0'))?.id).toBe('2');
    expect(serviceNamed(records, novaHost('c1'))).toBeUndefined();
    expect(isSameHost('Comp0.Dom', 'comp0.dom')).toBe(true);
    expect(isSameHost(null, null)).toBe(false);
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

test("a host's marks are found in whatever case they are kept", () => {
  const marks = ['COMP0', 'comp0.Example', 'comp00', 'comp1'].map((name) => ({ name: markName(name) }));
  const names = [markName('comp0'), novaHost('Comp0.example')];
  expect(marksOf(marks, names).map(({ name }) => name)).toEqual(['COMP0', 'comp0.Example']);
  expect(marksOf(marks, [])).toEqual([]);
});
