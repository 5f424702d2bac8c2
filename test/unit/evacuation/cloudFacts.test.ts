import { NovaError } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { CloudFacts } from '../../../lib/evacuation/cloudFacts.ts';
import { everyone, Rig } from './rig.ts';
import { Process } from './virtualTime.ts';

function setup() {
  const rig = new Rig();
  const process = new Process(rig.time);
  const facts = new CloudFacts(rig.nova.clientFor(process), everyone, () => rig.time.now(), {});
  const asked = (method: string) => rig.nova.calls.filter((call) => call === method).length;
  return { rig, facts, asked, services: (maxAgeMs?: number) => rig.time.until(facts.services(maxAgeMs)) };
}

describe('what a destination is worth', () => {
  test('dead: it bears a mark, or Nova holds it forced down; silent: it only does not report', async () => {
    const { rig, facts, services } = setup();
    rig.nova.forceDown('comp1');
    rig.nova.silence('comp2');
    await rig.time.pass(11_000);
    await services();
    facts.setFenced(['comp3']);
    expect(['comp0', 'comp1', 'comp2', 'comp3'].map((host) => facts.destination(host))).toEqual([
      'alive',
      'dead',
      'silent',
      'dead',
    ]);
    expect(facts.destination('nosuch')).toBe('unknown');
    expect(facts.destination(null)).toBe('unknown');
  });

  test('nothing is known of any before the services were read, but a mark counts at once', () => {
    const { facts } = setup();
    facts.setFenced(['comp3']);
    expect([facts.destination('comp0'), facts.destination('comp3')]).toEqual(['unknown', 'dead']);
  });

  test('when it was learned: at the last reading, or when a mark was seen, whichever is later', async () => {
    const { rig, facts, services } = setup();
    await services();
    const read = rig.time.now();
    expect(facts.destinationsAt).toBe(read);
    await rig.time.pass(3_000);
    facts.setFenced(['comp3']);
    expect(facts.destinationsAt).toBe(read + 3_000);
  });
});

describe('hosts that can take instances', () => {
  test('are up, enabled and bear no mark', async () => {
    const { rig, facts, services } = setup();
    rig.nova.host('comp0').enabled = false;
    rig.nova.forceDown('comp1');
    await services();
    expect(facts.targets()).toEqual(['comp2', 'comp3']);
    facts.setFenced(['comp2']);
    expect(facts.targets()).toEqual(['comp3']);
  });

  test('none while their cell is down', async () => {
    const { rig, facts, services } = setup();
    rig.nova.cellDown = true;
    await services();
    expect(facts.targets()).toEqual([]);
  });
});

describe('reading the services', () => {
  test('is shared by all who ask at the same time, and kept for a while', async () => {
    const { rig, facts, asked, services } = setup();
    await rig.time.until(Promise.all([facts.services(), facts.services(), facts.services()]));
    await services();
    expect(asked('listComputeServices')).toBe(1);
    await rig.time.pass(10_100);
    await services();
    expect(asked('listComputeServices')).toBe(2);
    await services(0).then(() => services(0));
    await rig.time.pass(1);
    await services(0);
    expect(asked('listComputeServices')).toBeGreaterThanOrEqual(3);
    facts.forgetServices();
    await services();
    expect(facts.service('comp0')?.host).toBe('comp0');
  });

  test('a failure is everybody’s, and the next one asks again', async () => {
    const { rig, facts, services } = setup();
    rig.nova.fault = ({ index }) =>
      index === 0 ? { kind: 'refuse', error: new NovaError('serverError', 'boom', { status: 500 }) } : null;
    const results = await rig.time.until(Promise.allSettled([facts.services(), facts.services()]));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await services()).toHaveLength(4);
  });
});

describe('what Placement and aggregates tell', () => {
  test('aggregates are read once per pass', async () => {
    const { rig, facts, asked } = setup();
    const [first, second] = await rig.time.until(Promise.all([facts.aggregates(), facts.aggregates()]));
    expect(first).toBe(second);
    expect(asked('listAggregates')).toBe(1);
  });

  test('capacity is as fresh as it is asked for, and shared', async () => {
    const { rig, facts, asked } = setup();
    await rig.time.until(Promise.all([facts.capacity(5_000), facts.capacity(5_000)]));
    expect(asked('listCapacity')).toBe(1);
    await rig.time.pass(6_000);
    await rig.time.until(facts.capacity(10_000));
    expect(asked('listCapacity')).toBe(1);
    await rig.time.until(facts.capacity(5_000));
    expect(asked('listCapacity')).toBe(2);
  });

  test('what cannot be read is null: nothing is held back for it', async () => {
    const { rig, facts } = setup();
    rig.nova.fault = ({ method }) =>
      method === 'listCapacity' || method === 'listAggregates'
        ? { kind: 'refuse', error: new NovaError('forbidden', 'no', { status: 403 }) }
        : null;
    expect(await rig.time.until(Promise.all([facts.capacity(0), facts.aggregates()]))).toEqual([null, null]);
  });
});
