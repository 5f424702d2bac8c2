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

  it('sees a host forced up before it has cleaned up, where Nova lets that happen', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, {}, by);
    clock.advance(1_100);
    expect(() => world.setForcedDown(world.host('comp0'), false)).toThrow('Unable to force up host comp0');
    world.knobs.forcesUpEarly = true;
    world.setForcedDown(world.host('comp0'), false);
    expect(world.observer.violations).toMatchObject([{ rule: 'I3', host: 'comp0', server: server.id }]);
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

describe('a machine that comes back', () => {
  const comp0 = () => world.host('comp0');
  /** Evacuated, all but those whose names begin with `stays`. */
  function failAndEvacuate(...servers: Server[]): void {
    fail('comp0');
    for (const server of servers) if (!server.name.startsWith('stays')) world.evacuate(server, {}, by);
    clock.advance(5_000);
  }

  it('has its guests off, though Nova holds them for active', () => {
    const server = world.addServer({ host: 'comp0' });
    world.killCompute('comp0', { power: false });
    world.bootMachine('comp0');
    expect(world.guests.runs(server)).toBe(false);
    expect(server).toMatchObject({ vmState: 'active', powerState: 1, host: 'comp0' });
    expect(comp0()).toMatchObject({ alive: false, powered: true });
  });

  it('destroys what was evacuated, then completes the records, then answers, then reports', () => {
    Object.assign(world.knobs, { startup: 100, cleanup: 50, firstReport: 200, reportInterval: 1_000 });
    const servers = [1, 2].map(() => world.addServer({ host: 'comp0' }));
    failAndEvacuate(...servers);
    const silent = world.lastReport(comp0());
    world.startCompute('comp0');
    expect(comp0().domains.size).toBe(2);
    clock.advance(100);
    expect(comp0().domains.size).toBe(0);
    expect(world.migrations.map(({ status }) => status)).toEqual(['done', 'done']);
    expect(() => world.setForcedDown(comp0(), false)).toThrow('`done` evacuation migration records remain');
    expect(world.serves(comp0())).toBe(false);
    clock.advance(100);
    expect(world.migrations.map(({ status }) => status)).toEqual(['completed', 'completed']);
    expect(world.serves(comp0())).toBe(true);
    clock.advance(199);
    expect(world.lastReport(comp0())).toBe(silent);
    clock.advance(1);
    const first = clock.now();
    expect(world.lastReport(comp0())).toBe(first);
    clock.advance(1_500);
    // Forced down or not makes no difference to its reports, but it is not up.
    expect(world.lastReport(comp0())).toBe(first + 1_000);
    expect(world.isUp(comp0())).toBe(false);
    world.setForcedDown(comp0(), false);
    expect(world.isUp(comp0())).toBe(false);
    clock.advance(500);
    expect(world.isUp(comp0())).toBe(true);
    expect(world.observer.violations).toEqual([]);
  });

  it('completes the newest record of each server: an older one that never ended stays', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, {}, by);
    clock.advance(350);
    fail('comp1');
    world.evacuate(server, {}, by);
    clock.advance(5_000);
    world.startCompute('comp0');
    clock.advance(1_000);
    expect(world.migrations.map(({ status }) => status)).toEqual(['pre-migrating', 'completed']);
  });

  it('does nothing of this when its nova-compute dies on the way', () => {
    world.knobs.startup = 100;
    failAndEvacuate(world.addServer({ host: 'comp0' }));
    world.startCompute('comp0');
    clock.advance(50);
    world.killCompute('comp0', { power: true });
    clock.advance(5_000);
    expect(world.migrations.map(({ status }) => status)).toEqual(['done']);
    world.startCompute('comp0');
    clock.advance(5_000);
    expect(world.migrations.map(({ status }) => status)).toEqual(['completed']);
  });

  it('starts guests that Nova takes for running where it is told to, and leaves the rest', () => {
    const stays = world.addServer({ host: 'comp0', name: 'stays' });
    const off = world.addServer({ host: 'comp0', name: 'stays-off', vmState: 'stopped' });
    const gone = world.addServer({ host: 'comp0' });
    failAndEvacuate(stays, off, gone);
    world.startCompute('comp0');
    clock.advance(1_000);
    expect(world.guests.runs(stays)).toBe(false);
    world.killCompute('comp0', { power: true });
    world.knobs.resumeGuests = true;
    world.startCompute('comp0');
    clock.advance(1_000);
    expect([stays, off].map((server) => world.guests.runs(server))).toEqual([true, false]);
    expect(gone.host).not.toBe('comp0');
    expect(world.observer.violations).toEqual([]);
  });

  it('takes up a reboot that was asked for while it was dead, and fails a rebuild that was cut off', () => {
    const rebooted = world.addServer({ host: 'comp0' });
    const cutOff = world.addServer({ host: 'comp0', taskState: 'rebuild_spawning' });
    world.killCompute('comp0', { power: false });
    world.guests.rebootHard(rebooted, by);
    clock.advance(5_000);
    expect(rebooted.taskState).toBe('rebooting_hard');
    world.startCompute('comp0');
    clock.advance(1_000);
    expect(statusOf(rebooted)).toBe('ACTIVE');
    expect(world.guests.runs(rebooted)).toBe(true);
    expect(`${statusOf(cutOff)}/${cutOff.taskState}`).toBe('ERROR/null');
  });

  it('leaves alone what is being evacuated at that moment', () => {
    world.knobs.resumeGuests = true;
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, {}, by);
    clock.advance(350);
    world.startCompute('comp0');
    clock.advance(50);
    expect(seen(server)).toBe('REBUILD/rebuild_spawning on comp0, completed to comp1');
    clock.advance(5_000);
    expect(seen(server)).toBe('ACTIVE/null on comp1, done to comp1');
    expect(world.observer.violations.map(({ rule }) => rule)).toEqual(['I3']);
  });

  it('has instances that it finds off stopped by nobody, where the power states are compared', () => {
    world.knobs.powerSync = 500;
    const [found, stopped] = [world.addServer({ host: 'comp0' }), world.addServer({ host: 'comp0' })];
    world.killCompute('comp0', { power: false });
    world.bootMachine('comp0');
    world.startCompute('comp0');
    clock.advance(100);
    world.guests.stop(stopped, by);
    clock.advance(1_000);
    expect([found, stopped].map(statusOf)).toEqual(['SHUTOFF', 'SHUTOFF']);
    expect(found.actions).toMatchObject([{ action: 'stop', userId: null }]);
    expect(stopped.actions).toMatchObject([{ action: 'stop', userId: 'admin' }]);
    expect(found.powerState).toBe(4);
  });

  it('goes on where it was when its nova-compute had only hung', () => {
    world.freezeCompute('comp0');
    const last = world.lastReport(comp0());
    clock.advance(world.knobs.serviceDownTime + 1);
    expect(world.isUp(comp0())).toBe(false);
    expect(world.lastReport(comp0())).toBe(last);
    world.thawCompute('comp0');
    expect(world.isUp(comp0())).toBe(true);
  });

  it('does what it is told while its nova-compute hangs once that is thawed', () => {
    const server = world.addServer({ host: 'comp0' });
    world.freezeCompute('comp0');
    world.guests.stop(server, by);
    clock.advance(60_000);
    expect(server.taskState).toBe('powering-off');
    world.thawCompute('comp0');
    clock.advance(world.knobs.power);
    expect(statusOf(server)).toBe('SHUTOFF');
  });

  it('comes up late when its nova-compute hangs while it starts', () => {
    world.killCompute('comp0', { power: false });
    world.bootMachine('comp0');
    world.startCompute('comp0');
    world.freezeCompute('comp0');
    clock.advance(60_000);
    world.thawCompute('comp0');
    clock.advance(world.knobs.firstReport);
    expect(world.isUp(comp0())).toBe(true);
  });

  it.each([
    [false, 'comp1'],
    [true, 'comp0'],
  ])('hangs with what it works on, if that is asked for (%s)', (inMidWork, where) => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, {}, by);
    clock.advance(150);
    world.freezeCompute('comp1', { inMidWork });
    clock.advance(60_000);
    expect(server.host).toBe(where);
    world.thawCompute('comp1');
    clock.advance(2_000);
    expect(seen(server)).toBe('ACTIVE/null on comp1, done to comp1');
  });
});

describe('a guest', () => {
  const tasks = (server: Server, steps: number) =>
    Array.from({ length: steps }, () => {
      clock.advance(world.knobs.power / 2);
      return server.taskState;
    });

  it('is brought up by a hard reboot, also out of an error, through the tasks seen on Nova', () => {
    const server = world.addServer({ host: 'comp0', vmState: 'error' });
    world.host('comp0').domains.set(server.id, false);
    world.guests.rebootHard(server, by);
    expect(tasks(server, 2)).toEqual(['reboot_started_hard', null]);
    expect(statusOf(server)).toBe('ACTIVE');
    expect(world.guests.runs(server)).toBe(true);
    expect(server.actions).toMatchObject([{ action: 'reboot', userId: 'admin', message: null }]);
  });

  it('is in error when the reboot fails, with the reason', () => {
    const server = world.addServer({ host: 'comp0' });
    world.host('comp0').rebootFail = [server.id];
    world.guests.rebootHard(server, by);
    clock.advance(1_000);
    expect(statusOf(server)).toBe('ERROR');
    expect(server.fault?.message).toContain('reboot_fail');
    expect(server.actions).toMatchObject([{ action: 'reboot', message: 'Error' }]);
  });

  it('is started only when Nova holds it for stopped, and stopped only when it is not', () => {
    const server = world.addServer({ host: 'comp0' });
    expect(() => world.guests.start(server, by)).toThrow(
      `Cannot 'start' instance ${server.id} while it is in vm_state active`,
    );
    world.guests.stop(server, by);
    expect(() => world.guests.start(server, by)).toThrow('while it is in vm_state active');
    clock.advance(1_000);
    expect(() => world.guests.stop(server, by)).toThrow(
      `Cannot 'stop' instance ${server.id} while it is in vm_state stopped`,
    );
    world.guests.start(server, by);
    expect(() => world.guests.start(server, by)).toThrow('while it is in task_state powering-on');
    clock.advance(1_000);
    expect(world.guests.runs(server)).toBe(true);
  });

  it('is not rebooted while it is rebuilt', () => {
    const server = world.addServer({ host: 'comp0', taskState: 'rebuilding' });
    expect(() => world.guests.rebootHard(server, by)).toThrow(
      `Cannot 'reboot' instance ${server.id} while it is in task_state rebuilding`,
    );
  });
});

describe('the observer of a return', () => {
  it('sees a guest started where it was while it runs where it went', () => {
    const server = world.addServer({ host: 'comp0' });
    fail('comp0');
    world.evacuate(server, {}, by);
    clock.advance(700);
    expect(seen(server)).toBe('ACTIVE/null on comp0, pre-migrating to comp1');
    world.bootMachine('comp0');
    world.startCompute('comp0');
    clock.advance(20);
    world.guests.rebootHard(server, by);
    clock.advance(100);
    expect(world.observer.violations.map(({ rule }) => rule)).toEqual(['I3', 'twice']);
  });

  it('sees a host enabled that somebody else had disabled (I7), and no other', () => {
    const host = world.host('comp0');
    const ours =
      'Pacemaker fenced this host at 2026-11-21T03:00:00Z (fence_compute); its instances are evacuated';
    for (const reason of [null, ours]) {
      world.setDisabled(host, true, reason);
      world.setDisabled(host, false, null);
    }
    expect(world.observer.violations).toEqual([]);
    world.setDisabled(host, true, 'broken fan');
    world.setDisabled(host, false, null);
    world.setDisabled(host, false, null);
    expect(world.observer.violations).toMatchObject([{ rule: 'I7', host: 'comp0' }]);
  });
});
