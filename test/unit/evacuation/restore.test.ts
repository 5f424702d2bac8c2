import { NovaError, type ServerAction } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { restoreAll, shouldBeOff } from '../../../lib/evacuation/restore.ts';
import { aServer } from './fakeLists.ts';
import { Rig } from './rig.ts';
import { Process } from './virtualTime.ts';

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
  function setup(count = 1) {
    const rig = new Rig();
    const process = new Process(rig.time);
    const ids = Array.from({ length: count }, (_, index) => `i${index}`);
    for (const id of ids) {
      rig.nova.boot(id, 'comp1');
      rig.nova.instance(id).actions.unshift(...actions('evacuate', 'stop'));
    }
    const run = () => rig.time.until(restoreAll(rig.nova.clientFor(process), ids, rig.logOf(process), {}));
    const stops = () => rig.nova.calls.filter((call) => call.startsWith('stopServer')).length;
    return { rig, run, ids, stops };
  }
  const refuse = (code: 'forbidden' | 'serverError' | 'conflict' | 'timeout') => ({
    kind: 'refuse' as const,
    error: new NovaError(code, `Nova said ${code}`),
  });

  test('each is stopped once, said once, and ends off', async () => {
    const { rig, run, ids, stops } = setup(12);
    expect(await run()).toEqual([]);
    await rig.time.pass(5_000);
    expect(stops()).toBe(12);
    for (const id of ids) expect(rig.nova.instance(id).server.vmState).toBe('stopped');
    expect(rig.log).toContain(
      'notice Stopping name-of-i0 (i0) on comp1: it was off before its host failed, and its evacuation has started it.',
    );
    expect(await run()).toEqual([]);
    expect([stops(), rig.log.length]).toEqual([12, 12]);
  });

  test('one with a task under way is looked at again, not stopped', async () => {
    const { rig, run, stops } = setup();
    rig.nova.instance('i0').server.taskState = 'rebuild_spawning';
    expect(await run()).toEqual(['i0']);
    expect([stops(), rig.log]).toEqual([0, []]);
  });

  test.each(['getServer', 'listActions', 'stopServer'])(
    '%s is not answered: looked at again',
    async (method) => {
      for (const code of ['serverError', 'timeout'] as const) {
        const { rig, run } = setup();
        rig.nova.fault = (call) => (call.method === method ? refuse(code) : null);
        expect(await run()).toEqual(['i0']);
        expect(rig.log).toEqual([]);
        rig.nova.fault = () => null;
        expect(await run()).toEqual([]);
      }
    },
  );

  test.each(['listActions', 'stopServer'])('%s is refused: named, and not tried for ever', async (method) => {
    for (const code of ['forbidden', 'conflict'] as const) {
      const { rig, run } = setup();
      rig.nova.fault = (call) => (call.method === method ? refuse(code) : null);
      expect(await run()).toEqual([]);
      expect(rig.log).toEqual([
        `warn Whether i0 was off before its host failed could not be found out, so it runs: Nova said ${code}; switch it off by hand if it should be off.`,
      ]);
    }
  });

  test('one that does not exist any more needs nothing', async () => {
    const { rig, run } = setup();
    rig.nova.delete('i0');
    expect([await run(), rig.log]).toEqual([[], []]);
  });
});
