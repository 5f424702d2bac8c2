import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../simulators/cloud/clock.ts';
import type { Server } from '../../simulators/cloud/model.ts';
import { statusOf } from '../../simulators/cloud/nova/serverView.ts';
import { World } from '../../simulators/cloud/world.ts';

const start = Date.parse('2026-11-21T02:27:27Z');
const by = { userId: 'admin', projectId: 'admin', requestId: 'req-1' };
let clock: ManualClock;
let world: World;

beforeEach(() => {
  clock = new ManualClock(start);
  world = new World(clock, {
    schedule: 100,
    prepare: 200,
    spawn: 300,
    settle: 400,
    record: 50,
    serviceDownTime: 10_000,
  });
  for (const name of ['comp0', 'comp1', 'comp2']) world.addHost(name);
  world.addFlavor('m1.tiny', { id: '1' });
});

function seen(server: Server): string {
  const migration = world.migrationsOf(server.id).at(-1);
  return `${statusOf(server)}/${server.taskState} on ${server.host}, ${migration?.status} to ${migration?.destHost}`;
}

function fail(host: string): void {
  world.killCompute(host, { power: false });
  world.setForcedDown(world.host(host), true);
}

describe('an evacuation', () => {
  it('passes through the states seen on Nova, ACTIVE on the old host among them', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, {}, by);
    expect(seen(server)).toBe('REBUILD/rebuilding on comp0, accepted to null');
    clock.advance(100);
    expect(seen(server)).toBe('REBUILD/rebuilding on comp0, pre-migrating to comp1');
    clock.advance(200);
    expect(seen(server)).toBe('REBUILD/rebuild_spawning on comp0, pre-migrating to comp1');
    clock.advance(300);
    expect(seen(server)).toBe('ACTIVE/null on comp0, pre-migrating to comp1');
    clock.advance(400);
    expect(seen(server)).toBe('ACTIVE/null on comp1, pre-migrating to comp1');
    clock.advance(50);
    expect(seen(server)).toBe('ACTIVE/null on comp1, done to comp1');
    world.startCompute('comp0');
    clock.advance(1_100);
    expect(seen(server)).toBe('ACTIVE/null on comp1, completed to comp1');
    expect(world.observer.violations).toEqual([]);
  });

  it('keeps a stopped server off and brings one in error back to life', () => {
    const off = world.addServer({ host: 'comp0', vmState: 'stopped' });
    const broken = world.addServer({ host: 'comp0', vmState: 'error' });
    fail('comp0');
    world.evacuate(off, {}, by);
    world.evacuate(broken, {}, by);
    clock.advance(1_100);
    expect(statusOf(off)).toBe('SHUTOFF');
    expect(statusOf(broken)).toBe('ACTIVE');
  });

  it('ends in ERROR on the old host when no host is left', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    fail('comp1');
    world.host('comp2').disabled = true;
    world.evacuate(server, {}, by);
    clock.advance(100);
    expect(seen(server)).toBe('ERROR/null on comp0, error to null');
    expect(server.fault?.message).toBe('No valid host was found. There are not enough hosts available.');
    world.host('comp2').disabled = false;
    world.evacuate(server, {}, by);
    clock.advance(1_100);
    expect(seen(server)).toBe('ACTIVE/null on comp2, done to comp2');
  });

  it('is wrecked by a second one while it is in flight, and the observer says so', () => {
    const server = world.addServer({ host: 'comp0', name: 'vm' });
    fail('comp0');
    world.evacuate(server, {}, by);
    clock.advance(150);
    world.evacuate(server, {}, by);
    world.evacuate(server, {}, by);
    clock.advance(10_000);
    expect(world.migrations.map(({ status }) => status).sort()).toEqual(['accepted', 'failed', 'failed']);
    expect(statusOf(server)).toBe('ERROR');
    expect(server.fault?.message).toContain('Conflict updating instance');
    expect(world.observer.violations.map(({ rule }) => rule)).toEqual(['I2', 'I2']);
  });

  it('is finished although a second one comes while it spawns, and the second wrecks the server where it arrived', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, {}, by);
    clock.advance(350);
    world.evacuate(server, {}, by);
    clock.advance(10_000);
    expect(world.migrations.map(({ status }) => status)).toEqual(['done', 'failed']);
    expect(statusOf(server)).toBe('ERROR');
    expect(server.host).toBe('comp1');
  });

  it('is never finished when its target dies, and may be asked for again once that is certain', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, {}, by);
    clock.advance(350);
    fail('comp1');
    clock.advance(60_000);
    expect(seen(server)).toBe('REBUILD/rebuild_spawning on comp0, pre-migrating to comp1');
    world.evacuate(server, {}, by);
    clock.advance(1_100);
    expect(seen(server)).toBe('ACTIVE/null on comp2, done to comp2');
    world.startCompute('comp1');
    clock.advance(60_000);
    expect(world.migrations.map(({ status }) => status)).toEqual(['pre-migrating', 'done']);
    expect(world.observer.violations).toEqual([]);
  });

  it('waits in the queue of a target whose death nobody has noticed yet', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.host('comp2').disabled = true;
    world.killCompute('comp1');
    world.evacuate(server, {}, by);
    clock.advance(5_000);
    expect(seen(server)).toBe('REBUILD/rebuilding on comp0, accepted to null');
    world.startCompute('comp1');
    clock.advance(1_100);
    expect(seen(server)).toBe('ACTIVE/null on comp1, done to comp1');
  });

  it('strikes out of that queue when the target returns, wherever the server runs by then', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.host('comp2').disabled = true;
    world.killCompute('comp1');
    world.evacuate(server, {}, by);
    clock.advance(1_100);
    world.setForcedDown(world.host('comp1'), true);
    world.host('comp2').disabled = false;
    world.evacuate(server, {}, by);
    clock.advance(1_100);
    expect(statusOf(server)).toBe('ACTIVE');
    world.startCompute('comp1');
    clock.advance(0);
    expect(`${statusOf(server)} on ${server.host}`).toBe('REBUILD on comp2');
    expect(world.observer.violations.map(({ rule }) => rule)).toEqual(['I2']);
  });

  it('waits for the conductor', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.conductor.stop();
    world.evacuate(server, {}, by);
    clock.advance(60_000);
    expect(seen(server)).toBe('REBUILD/rebuilding on comp0, accepted to null');
    world.conductor.start();
    clock.advance(1_100);
    expect(seen(server)).toBe('ACTIVE/null on comp1, done to comp1');
  });

  it('spreads a burst over the hosts that are left', () => {
    const servers = Array.from({ length: 20 }, () => world.addServer({ host: 'comp0' }));
    fail('comp0');
    for (const server of servers) world.evacuate(server, {}, by);
    clock.advance(60_000);
    expect(servers.filter(({ host }) => host === 'comp1')).toHaveLength(10);
    expect(servers.filter(({ host }) => host === 'comp2')).toHaveLength(10);
  });

  it('leaves no record of a server that is deleted meanwhile', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, {}, by);
    clock.advance(250);
    world.deleteServer(server);
    clock.advance(60_000);
    expect(world.migrations).toEqual([]);
    expect(world.servers.size).toBe(0);
  });
});

describe('a host', () => {
  it('is down when its heartbeats are too old, and at once when forced down', () => {
    const host = world.host('comp0');
    world.killCompute('comp0');
    clock.advance(10_000);
    expect(world.isUp(host)).toBe(true);
    clock.advance(1);
    expect(world.isUp(host)).toBe(false);
    world.setForcedDown(world.host('comp1'), true);
    expect(world.isUp(world.host('comp1'))).toBe(false);
  });

  it('cannot be forced up while records are done', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, {}, by);
    clock.advance(1_100);
    expect(() => world.setForcedDown(world.host('comp0'), false)).toThrow('Unable to force up host comp0');
    world.startCompute('comp0');
    clock.advance(1_100);
    world.setForcedDown(world.host('comp0'), false);
    expect(world.isUp(world.host('comp0'))).toBe(false);
    clock.advance(1_000);
    expect(world.isUp(world.host('comp0'))).toBe(true);
  });
});

describe('the observer', () => {
  it('sees an evacuation from a host that is up (I1)', () => {
    const server = world.addServer({ host: 'comp0', name: 'vm' });
    expect(() => world.evacuate(server, {}, by)).toThrow('Compute service of comp0 is still in use.');
    expect(world.observer.violations).toMatchObject([{ rule: 'I1', host: 'comp0' }]);
  });

  it('sees an evacuation of a server that has already arrived (I2)', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, {}, by);
    clock.advance(1_100);
    expect(() => world.evacuate(server, {}, by)).toThrow('Compute service of comp1 is still in use.');
    expect(world.observer.violations).toMatchObject([{ rule: 'I2', host: 'comp1' }]);
  });

  it('sees a nova-compute started and a host forced up with an evacuation in flight (I3)', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, {}, by);
    clock.advance(150);
    world.startCompute('comp0');
    world.setForcedDown(world.host('comp0'), false);
    expect(world.observer.violations.map(({ rule }) => rule)).toEqual(['I3', 'I3']);
  });

  it('sees an instance run twice when the old host has kept its power', () => {
    const server = world.addServer({ host: 'comp0' });
    world.killCompute('comp0', { power: true });
    world.setForcedDown(world.host('comp0'), true);
    world.evacuate(server, {}, by);
    clock.advance(1_100);
    expect(world.observer.violations.map(({ rule }) => rule)).toEqual(['twice']);
  });
});
