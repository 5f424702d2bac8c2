import { type Aggregate, type Migration, type NovaHost, novaHost } from '@openstack-ts/nova-client';
import { describe, expect, it } from 'vitest';
import { allowedHosts, loadOf, nextDestination } from '../../../../lib/evacuation/decide/destination.ts';
import { named } from '../../names.ts';

const record = (status: string, destHost: string | null, at = 0, claimed = destHost !== null) =>
  named<Migration>({
    id: `m-${at}`,
    serverId: 's',
    status,
    sourceHost: 'comp0',
    destHost,
    claimed,
    createdAt: at,
    updatedAt: at,
  });
const targets = ['comp1', 'comp2', 'comp3'].map(novaHost);
const idle = new Map<NovaHost, number>();

describe('the host named for the next attempt', () => {
  it('is left to Nova at the first attempt', () => {
    expect(nextDestination([], targets, idle)).toBeNull();
  });

  it('is left to Nova when no host was found: no host failed', () => {
    expect(nextDestination([record('error', null)], targets, idle)).toBeNull();
  });

  it('is another one than where it failed', () => {
    expect(nextDestination([record('failed', 'comp1')], targets, idle)).toBe('comp2');
  });

  it('is the one with the fewest evacuations under way', () => {
    const load = new Map([[novaHost('comp2'), 3]]);
    expect(nextDestination([record('failed', 'comp1')], targets, load)).toBe('comp3');
  });

  it('forgets failures from before the last success', () => {
    const records = [record('failed', 'comp1', 1), record('completed', 'comp2', 2)];
    expect(nextDestination(records, targets, idle)).toBeNull();
    expect(nextDestination([...records, record('failed', 'comp3', 3)], targets, idle)).toBe('comp1');
  });

  it('is left to Nova again once every host has been tried', () => {
    const records = targets.map((host, at) => record('failed', host, at));
    expect(nextDestination(records, targets, idle)).toBeNull();
  });

  it('is left to Nova after a host that was named in vain, which is not named again', () => {
    const records = [record('failed', 'comp1', 1), record('error', 'comp2', 2, false)];
    expect(nextDestination(records, targets, idle)).toBeNull();
    expect(nextDestination([...records, record('failed', 'comp1', 3)], targets, idle)).toBe('comp3');
  });
});

describe('the hosts that may be named', () => {
  const aggregate = (name: string, hosts: string[], metadata: Record<string, string>) =>
    named<Aggregate>({ id: name, name, availabilityZone: null, hosts, metadata });
  const flavor = (extraSpecs: Record<string, string>) => ({ id: null, name: 'm', extraSpecs, size: null });
  const allowed = (aggregates: Aggregate[] | null, specs: Record<string, string> = {}) =>
    allowedHosts(targets, { projectId: 'gold', flavor: flavor(specs) }, aggregates);

  it('are not of aggregates that are for other projects', () => {
    const tenants = [
      aggregate('g', ['comp1'], { filter_tenant_id: 'silver, gold' }),
      aggregate('s', ['comp2'], { filter_tenant_id2: 'silver' }),
    ];
    expect(allowed(tenants)).toEqual(['comp1', 'comp3']);
  });

  it('are of aggregates with what the flavour asks of them', () => {
    const fast = [
      aggregate('f', ['comp2'], { disk: 'nvme,ssd' }),
      aggregate('x', ['comp3'], { disk: 'hdd' }),
    ];
    expect(allowed(fast, { 'aggregate_instance_extra_specs:disk': 'ssd' })).toEqual(['comp2']);
    expect(allowed(fast, { 'aggregate_instance_extra_specs:disk': '<or> ssd <or> hdd' })).toEqual(targets);
    expect(allowed(fast, { disk: 'ssd' })).toEqual(targets);
  });

  it('are all where the aggregates cannot be read', () => {
    expect(allowed(null, { 'aggregate_instance_extra_specs:disk': 'ssd' })).toEqual(targets);
  });
});

describe('the load of destinations', () => {
  it('counts evacuations under way only', () => {
    const records = [
      record('pre-migrating', 'comp1'),
      record('accepted', null),
      record('done', 'comp1'),
      record('pre-migrating', 'comp1'),
      record('pre-migrating', 'comp2'),
    ];
    expect(loadOf(records)).toEqual(
      new Map([
        ['comp1', 2],
        ['comp2', 1],
      ]),
    );
  });
});
