import { novaHost, type ServerAction, serverId } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { restoreAll, shouldBeOff } from '../../../../lib/evacuation/act/restore.ts';
import { aServer } from '../fakeLists.ts';
import { refused, Scene, unanswered } from '../scene.ts';

const actions = (...newestFirst: string[]): ServerAction[] =>
  newestFirst.map((action) => ({ action, startedAt: 0, userId: 'owner', requestId: 'req', message: null }));

describe('whether an instance that arrived has to be switched off', () => {
  test.each([
    ['off before', 'active', actions('evacuate', 'stop', 'create'), true],
    ['off before, evacuated twice', 'active', actions('evacuate', 'evacuate', 'stop', 'create'), true],
    ['on before', 'active', actions('evacuate', 'create'), false],
    ['started again before', 'active', actions('evacuate', 'start', 'stop', 'create'), false],
    ['started by its owner since', 'active', actions('start', 'evacuate', 'stop', 'create'), false],
    ['rebooted since', 'active', actions('reboot', 'evacuate', 'stop', 'create'), false],
    ['off already', 'stopped', actions('evacuate', 'stop'), false],
    ['in ERROR', 'error', actions('evacuate', 'stop'), false],
    ['nobody knows', 'active', [], false],
  ])('%s', (_what, vmState, list, expected) => {
    expect(shouldBeOff(aServer({ vmState }), list)).toBe(expected);
  });
});

describe('switching off what was off', () => {
  async function setup(count = 1) {
    const scene = new Scene();
    const process = scene.newProcess();
    const nova = await scene.client(process);
    const ids = Array.from({ length: count }, (_, index) => serverId(`i${index}`));
    for (const id of ids) {
      const server = scene.boot(id, 'comp1');
      const by = { userId: 'the-owner', projectId: 'admin', requestId: 'req' };
      for (const action of ['stop', 'evacuate']) scene.cloud.recordAction(server, action, by);
    }
    const log = scene.site.logOf(process, (line) => scene.tell('ctl0', line));
    const restored = () => scene.time.until(restoreAll(nova, novaHost('comp0'), ids, log, {}));
    const run = async () => (await restored()).again;
    const stops = () => scene.calls.filter((call) => call.startsWith('stopServer')).length;
    return { scene, restored, run, ids, stops };
  }

  test('each is stopped once, said once, and ends off', async () => {
    const { scene, run, ids, stops } = await setup(12);
    expect(await run()).toEqual([]);
    await scene.time.pass(5_000);
    expect(stops()).toBe(12);
    for (const id of ids) expect(scene.server(id).vmState).toBe('stopped');
    expect(scene.log).toContain(
      'notice Stopping name-of-i0 (i0) on comp1: it was off before its host failed, and its evacuation has started it.',
    );
    expect(await run()).toEqual([]);
    expect([stops(), scene.log.length]).toEqual([12, 12]);
  });

  test('one with a task under way is looked at again, not stopped', async () => {
    const { scene, run, stops } = await setup();
    scene.changeServer('i0', { task: 'rebuild_spawning' });
    expect(await run()).toEqual(['i0']);
    expect([stops(), scene.log]).toEqual([0, []]);
  });

  test.each(['getServer', 'listActions', 'stopServer'])(
    '%s is not answered: looked at again',
    async (method) => {
      for (const fault of [refused(501), unanswered(null)]) {
        const { scene, run } = await setup();
        scene.fault = (call) => (call.method === method ? fault : null);
        expect(await run()).toEqual(['i0']);
        expect(scene.log).toEqual([]);
        scene.fault = () => null;
        expect(await run()).toEqual([]);
      }
    },
  );

  test.each(['listActions', 'stopServer'])('%s is refused: named, and not tried for ever', async (method) => {
    for (const status of [403, 409]) {
      const { scene, run } = await setup();
      scene.fault = (call) => (call.method === method ? refused(status) : null);
      expect(await run()).toEqual([]);
      expect(scene.log).toEqual([
        expect.stringMatching(
          new RegExp(
            `^warn Whether i0 was off before its host failed could not be found out, so it runs: Nova refused to .*: boom \\(HTTP ${status}\\); switch it off by hand if it should be off\\.$`,
          ),
        ),
      ]);
    }
  });

  test('one that is where it was has not arrived: nothing is said of it, and nothing waits for it', async () => {
    const { scene, restored } = await setup();
    scene.changeServer('i0', { host: 'comp0', task: 'rebuild_spawning' });
    expect(await restored()).toEqual({ settled: [], again: [], atHome: ['i0'] });
    expect(scene.log).toEqual([]);
  });

  test('one that does not exist any more needs nothing', async () => {
    const { scene, run } = await setup();
    scene.cloud.deleteServer(scene.server('i0'));
    expect([await run(), scene.log]).toEqual([[], []]);
  });
});
