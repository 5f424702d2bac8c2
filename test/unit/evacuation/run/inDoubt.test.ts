import { beforeEach, describe, expect, test } from 'vitest';
import type { Server } from '../../../simulators/cloud/model.ts';
import { type Configuration, Controller } from '../../../simulators/world/controller.ts';
import { Site } from '../../../simulators/world/site.ts';

const configuration: Configuration = {
  concurrency: 100,
  earlyReturn: 'release',
  release: 'auto',
  evacuateDelayMs: 0,
  noSharedStorage: false,
  dnsDomain: undefined,
  policy: { include: '', exclude: '', priority: '', other_states: 'leave' },
  limits: { maxFailedPercent: 100, maxFailedPerAggregate: 0, maxHostsAtOnce: 0 },
  timeoutMs: 120_000,
};
const nodes = ['comp0', 'comp1', 'comp2'];
const admin = { userId: 'admin', projectId: 'admin', requestId: 'req-by-hand' };
let site: Site;
let controller: Controller;
let lines: string[];

beforeEach(() => {
  site = new Site(1, {
    nodes,
    domain: '',
    knobs: { startup: 1_000, firstReport: 500, reportInterval: 10_000, serviceDownTime: 60_000 },
    scenario: { hosts: nodes },
  });
  controller = new Controller(site, 'ctl0');
  lines = [];
});

function boot(name: string, host = 'comp0'): Server {
  return site.cloud.world.addServer({ name, host });
}

/** The machine loses its power, and Pacemaker fences it. `power`: only the fencing device says so. */
async function fence(node: string, power = false): Promise<void> {
  site.cloud.world.killCompute(node, { power });
  site.pacemaker.lost.add(node);
  site.pacemaker.noteFencing(node, site.time.now());
  expect(await site.time.until(site.fenceCompute('off', node, () => undefined).outcome)).toBe('0');
}

/** Monitors every ten seconds, for so long. */
async function passes(ms: number): Promise<void> {
  const until = site.time.now() + ms;
  while (site.time.now() < until) {
    await site.time.until(controller.monitor(configuration, (line) => lines.push(line)));
    await site.time.pass(10_000);
  }
}

function asked(server: Server): number {
  const body = (entry: { readonly body: string }) => entry.body.includes('evacuate');
  return site.cloud.requests.entries.filter((entry) => entry.path.includes(server.id) && body(entry)).length;
}

function resets(): number {
  return site.cloud.requests.entries.filter(({ body }) => body.includes('os-resetState')).length;
}

const said = (text: string) => lines.filter((line) => line.includes(text));
const violations = () => site.cloud.world.observer.violations;

describe('a live migration that its source did not survive', () => {
  test.each([false, true])(
    'the guest runs on the destination: it is held until that is fenced (refuses tasks: %s)',
    async (refuses) => {
      site.cloud.world.knobs.evacuateRefusesTasks = refuses;
      const [vm, plain] = [boot('vm'), boot('plain')];
      site.cloud.world.moves.liveMigrate(vm, 'comp1');
      await site.time.pass(3_500);
      expect(site.host('comp1').domains.get(vm.id)).toBe(true);
      await fence('comp0');
      await passes(120_000);
      expect(plain.host).not.toBe('comp0');
      expect([asked(vm), resets()]).toEqual([0, 0]);
      expect(said(`it may run on comp1 already`).length).toBeGreaterThan(1);
      expect(said('it is tried again')).toEqual([]);
      await fence('comp1');
      await passes(120_000);
      // An old Nova refuses the first request, for the task that is certain to be over by then.
      expect([vm.host, asked(vm)]).toEqual(['comp2', refuses ? 2 : 1]);
      expect(violations()).toEqual([]);
    },
  );

  test('it had not begun to move the guest: evacuated like any other', async () => {
    const vm = boot('vm');
    site.cloud.world.moves.liveMigrate(vm, 'comp1');
    await site.time.pass(1_500);
    await fence('comp0');
    await passes(60_000);
    expect([vm.host === 'comp0', asked(vm)]).toEqual([false, 1]);
    expect(violations()).toEqual([]);
  });

  test('an operator who has looked has Nova forget it, and it is evacuated', async () => {
    const vm = boot('vm');
    site.cloud.world.moves.liveMigrate(vm, 'comp1');
    await site.time.pass(2_500);
    await fence('comp0');
    await passes(60_000);
    expect(asked(vm)).toBe(0);
    site.cloud.world.guests.resetState(vm, 'error', admin);
    await passes(60_000);
    expect([vm.host === 'comp0', vm.vmState, asked(vm)]).toEqual([false, 'active', 1]);
    expect(violations()).toEqual([]);
  });
});

test('a resize that its source did not survive is held and named', async () => {
  const vm = boot('vm');
  site.cloud.world.moves.resize(vm, 'comp1');
  await site.time.pass(1_500);
  await fence('comp0');
  await passes(60_000);
  expect([vm.taskState, asked(vm), resets()]).toEqual(['resize_migrating', 0, 0]);
  expect(said('its resize was under way when its host died').length).toBeGreaterThan(1);
  expect(site.mark('comp0').permanent).toBe('yes');
});

describe('a request that came to nothing', () => {
  test('lost in the message bus: named with the command that ends it, never asked for blindly, and then evacuated', async () => {
    const vm = boot('vm');
    site.cloud.world.conductor.stop();
    await fence('comp0');
    await passes(30_000);
    site.cloud.world.conductor.lose();
    site.cloud.world.conductor.start();
    await passes(20 * 60_000);
    expect(asked(vm)).toBe(1);
    expect(said(`no nova-conductor has taken it up`)[0]).toContain(
      `openstack server set --state error ${vm.id}`,
    );
    expect(said('it is tried again')).toEqual([]);
    site.cloud.world.guests.resetState(vm, 'error', admin);
    await passes(180_000);
    expect([vm.host === 'comp0', asked(vm)]).toEqual([false, 2]);
    expect(violations()).toEqual([]);
  });

  test('given up by a conductor that took nothing back: asked for again without anybody', async () => {
    const vm = boot('vm');
    site.cloud.world.conductor.stop();
    await fence('comp0');
    await passes(30_000);
    site.cloud.world.conductor.giveUp();
    site.cloud.world.conductor.start();
    await passes(5 * 60_000);
    expect([vm.host === 'comp0', asked(vm)]).toEqual([false, 2]);
    expect(said('a nova-conductor gave its evacuation up').length).toBeGreaterThan(0);
    expect(violations()).toEqual([]);
  });

  test('it lies in the queue of a named destination that was fenced: held until that is back and does it', async () => {
    const vm = boot('vm');
    await fence('comp0');
    // Somebody names a destination that is dead without Nova knowing it yet.
    site.cloud.world.killCompute('comp1', { power: false });
    site.cloud.world.evacuate(vm, { host: 'comp1' }, admin);
    await site.time.pass(2_000);
    expect(site.cloud.world.conductor.isPosted(vm.id)).toBe(true);
    await fence('comp1');
    await passes(120_000);
    expect([asked(vm), vm.taskState]).toEqual([0, 'rebuilding']);
    expect(said('which was fenced before it began and may still carry it out').length).toBeGreaterThan(1);
    site.cloud.world.bootMachine('comp1');
    site.cloud.world.startCompute('comp1');
    await passes(120_000);
    expect([asked(vm), vm.host]).toEqual([0, 'comp1']);
    expect(violations()).toEqual([]);
  });
});

test('a nova-compute that reported from the fenced host and fell silent: its guests may run, however long ago that is', async () => {
  const vm = boot('vm');
  await fence('comp0');
  const going: Configuration = { ...configuration, earlyReturn: 'evacuate' };
  const paused: Configuration = { ...going, limits: { ...going.limits, maxFailedPercent: 1 } };
  const watch = async (how: Configuration, ms: number) => {
    const until = site.time.now() + ms;
    while (site.time.now() < until) {
      await site.time.until(controller.monitor(how, (line) => lines.push(line)));
      await site.time.pass(5_000);
    }
  };
  // A limit holds it back; meanwhile somebody starts nova-compute, which starts the guest, and dies.
  await watch(paused, 10_000);
  const { world } = site.cloud;
  Object.assign(world.knobs, { resumeGuests: true, rpcTimeout: 5_000 });
  world.bootMachine('comp0');
  world.startCompute('comp0');
  await watch(paused, 60_000);
  world.killCompute('comp0', { power: true });
  expect(site.host('comp0').domains.get(vm.id)).toBe(true);
  await watch(paused, 120_000);
  await watch(going, 180_000);
  expect(asked(vm)).toBe(0);
  expect(said('cannot be told').length).toBeGreaterThan(0);
  expect(violations()).toEqual([]);
  // It is switched off, and the cluster knows.
  await fence('comp0');
  await watch(going, 400_000);
  expect([vm.host === 'comp0', violations()]).toEqual([false, []]);
});

test('a locked disk stops its whole host: something may still run there', async () => {
  site.cloud.world.knobs.diskLocks = true;
  const servers = [boot('a'), boot('b'), boot('c')];
  // The fencing device lied: the guests run on.
  await fence('comp0', true);
  await passes(60_000);
  const requests = servers.map(asked);
  await passes(20 * 60_000);
  expect(servers.map(asked)).toEqual(requests);
  expect(servers.every((server) => server.host === 'comp0')).toBe(true);
  expect(said('may still run on comp0').length).toBeGreaterThan(1);
  expect(said('it is tried again')).toEqual([]);
  // It is fenced for certain, and the operator says so.
  site.cloud.world.killCompute('comp0', { power: false });
  for (const server of servers) site.cloud.world.guests.resetState(server, 'active', admin);
  await passes(300_000);
  expect(servers.filter(({ host }) => host === 'comp0')).toEqual([]);
});
