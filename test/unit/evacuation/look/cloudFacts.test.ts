import { novaHost } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { questionsOf } from '../../../../lib/evacuation/judge/criteria.ts';
import { CloudFacts } from '../../../../lib/evacuation/look/cloudFacts.ts';
import { plainly } from '../../names.ts';
import { everyone, refused, Scene } from '../scene.ts';

async function setup() {
  const scene = new Scene(1, { knobs: { serviceDownTime: 10_000 } });
  const { time } = scene;
  const client = await scene.client();
  const facts = plainly(new CloudFacts(client, questionsOf(everyone), () => time.now(), {}));
  const asked = (method: string) => scene.calls.filter((call) => call === method).length;
  return { scene, facts, asked, services: (maxAgeMs?: number) => time.until(facts.services(maxAgeMs)) };
}

describe('what a destination is worth', () => {
  test('dead: it bears a mark, or Nova holds it forced down; silent: it only does not report', async () => {
    const { scene, facts, services } = await setup();
    scene.cloud.setForcedDown(scene.host('comp1'), true);
    scene.cloud.killCompute('comp2');
    await scene.time.pass(21_000);
    await services();
    facts.setFailed([{ host: novaHost('comp3'), isDown: true }]);
    expect(
      ['comp0', 'comp1', 'comp2', 'comp3'].map((host) => facts.destinations.destination(novaHost(host))),
    ).toEqual(['alive', 'dead', 'silent', 'dead']);
    expect(facts.destinations.destination(novaHost('nosuch'))).toBe('unknown');
    expect(facts.destinations.destination(null)).toBe('unknown');
  });

  test('a mark that somebody else works on does not tell that it is down', async () => {
    const { scene, facts, services } = await setup();
    await services();
    facts.setFailed([{ host: novaHost('comp3'), isDown: false }]);
    expect(facts.destinations.destination(novaHost('comp3'))).toBe('alive');
    expect(facts.targets().map(({ host }) => host)).not.toContain('comp3');
    scene.cloud.killCompute('comp3');
    await scene.time.pass(21_000);
    await services();
    expect(facts.destinations.destination(novaHost('comp3'))).toBe('silent');
  });

  test('nothing is known of any before the services were read, but a mark counts at once', async () => {
    const { facts } = await setup();
    facts.setFailed([{ host: novaHost('comp3'), isDown: true }]);
    expect([
      facts.destinations.destination(novaHost('comp0')),
      facts.destinations.destination(novaHost('comp3')),
    ]).toEqual(['unknown', 'dead']);
  });

  test('when it was learned: at the last reading, or when a mark was seen, whichever is later', async () => {
    const { scene, facts, services } = await setup();
    await services();
    const read = scene.time.now();
    expect(facts.destinations.at).toBe(read);
    await scene.time.pass(3_000);
    facts.setFailed([{ host: novaHost('comp3'), isDown: true }]);
    expect(facts.destinations.at).toBe(read + 3_000);
  });
});

describe('hosts that can take instances', () => {
  test('are up, enabled and bear no mark', async () => {
    const { scene, facts, services } = await setup();
    scene.setEnabled('comp0', false);
    scene.cloud.setForcedDown(scene.host('comp1'), true);
    await services();
    const names = () => facts.targets().map(({ host }) => host);
    expect(names()).toEqual(['comp2', 'comp3']);
    facts.setFailed([{ host: novaHost('comp2'), isDown: true }]);
    expect(names()).toEqual(['comp3']);
  });

  test('are not named while they bear a mark, proven to be down or not', async () => {
    const { facts, services } = await setup();
    await services();
    facts.setMarked(['COMP1']);
    expect(facts.targets().map(({ host }) => host)).toContain('comp1');
    expect(facts.nameable().map(({ host }) => host)).toEqual(['comp0', 'comp2', 'comp3']);
  });

  test('none while their cell is down', async () => {
    const { scene, facts, services } = await setup();
    scene.cloud.knobs.cellDown = true;
    await services();
    expect(facts.targets()).toEqual([]);
  });
});

describe('reading the services', () => {
  test('is shared by all who ask at the same time, and kept for a while', async () => {
    const { scene, facts, asked, services } = await setup();
    await scene.time.until(Promise.all([facts.services(), facts.services(), facts.services()]));
    await services();
    expect(asked('listComputeServices')).toBe(1);
    await scene.time.pass(10_100);
    await services();
    expect(asked('listComputeServices')).toBe(2);
    await services(0).then(() => services(0));
    await scene.time.pass(1);
    await services(0);
    expect(asked('listComputeServices')).toBeGreaterThanOrEqual(3);
    facts.forgetServices();
    await services();
    expect(facts.service('comp0')?.host).toBe('comp0');
  });

  test('a failure is everybody’s, and the next one asks again', async () => {
    const { scene, facts, services } = await setup();
    scene.fault = ({ index }) => (index === 0 ? refused(501) : null);
    const results = await scene.time.until(Promise.allSettled([facts.services(), facts.services()]));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await services()).toHaveLength(4);
  });
});

describe('what Placement and aggregates tell', () => {
  test('aggregates are read once per pass', async () => {
    const { scene, facts, asked } = await setup();
    const [first, second] = await scene.time.until(Promise.all([facts.aggregates(), facts.aggregates()]));
    expect(first).toBe(second);
    expect(asked('listAggregates')).toBe(1);
  });

  test('capacity is as fresh as it is asked for, and shared', async () => {
    const { scene, facts, asked } = await setup();
    await scene.time.until(Promise.all([facts.capacity(5_000), facts.capacity(5_000)]));
    expect(asked('listCapacity')).toBe(1);
    await scene.time.pass(6_000);
    await scene.time.until(facts.capacity(10_000));
    expect(asked('listCapacity')).toBe(1);
    await scene.time.until(facts.capacity(5_000));
    expect(asked('listCapacity')).toBe(2);
  });

  test('what cannot be read is null: nothing is held back for it', async () => {
    const { scene, facts } = await setup();
    scene.fault = ({ method }) =>
      method === 'listCapacity' || method === 'listAggregates' ? refused(403) : null;
    expect(await scene.time.until(Promise.all([facts.capacity(0), facts.aggregates()]))).toEqual([
      null,
      null,
    ]);
  });
});
