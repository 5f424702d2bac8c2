import { describe, expect, test } from 'vitest';
import { novaCompute } from '../../../agents/NovaCompute/agent.ts';
import type { Runtime } from '../../../agents/NovaCompute/runtime/types.ts';
import { wait } from '../../../agents/NovaCompute/wait.ts';
import type { World } from '../../../agents/NovaCompute/world.ts';
import { AttrdError, Attributes, createMarkStore, nodeName } from '../../../lib/attrd/index.ts';
import type { ComeBackOptions } from '../../../lib/evacuation/index.ts';
import { createContext } from '../../../lib/ocf/context.ts';
import { readParameters } from '../../../lib/ocf/parameters.ts';

const nothing = () => undefined;
const silent = { error: nothing, warn: nothing, notice: nothing, info: nothing, debug: nothing };

/** A machine with a nova.conf, whose clock runs as fast as it is slept. */
function rig(more: Partial<World> = {}) {
  let now = 1_000_000;
  const slept: number[] = [];
  const asked: ComeBackOptions[] = [];
  const run = async () => ({ exitCode: 105, stdout: '', stderr: 'No such device or address' });
  const text = '[DEFAULT]\nhost = comp0\n';
  const world: World = {
    clock: {
      now: () => now,
      sleep: async (ms) => {
        slept.push(ms);
        now += ms;
      },
      steady: () => now,
      every: () => () => undefined,
    },
    machine: {
      read: () => text,
      list: () => [],
    } as unknown as World['machine'],
    machineName: 'comp0',
    attributes: new Attributes(run),
    marks: createMarkStore({ env: {}, timeoutMs: 1, run }),
    readNodes: async () => ({ known: true, nodes: [] }),
    connect: null,
    nodeName: async () => nodeName('comp0'),
    findRuntime: async () => runtime,
    comeBack: async (options) => {
      asked.push(options);
      await options.compute.start();
      return { kind: 'owed', sentence: 'x' };
    },
    ...more,
  };
  let reason: string | null = null;
  const { parameters } = readParameters(novaCompute.parameters, {});
  const ctx = createContext({
    agent: novaCompute,
    action: 'wait',
    env: {},
    instance: 'default',
    parameters,
    parameterErrors: [],
    log: silent,
    exitReason: (sentence) => {
      reason = sentence;
    },
    now,
  });
  return { ctx, world, slept, asked, reason: () => reason };
}

const runtime: Runtime = {
  name: 'systemd',
  title: 'unit nova-compute.service',
  state: async () => ({ kind: 'stopped', sentence: 'stopped' }),
  start: async () => {
    throw new Error('wait never starts anything');
  },
  stop: async () => undefined,
  lastLines: async () => [],
  configFiles: async () => ({ files: ['/etc/nova/nova.conf'], directories: [] }),
  mountInfo: async () => null,
};

const missing = () => Promise.reject(new AttrdError('missing', 'crm_node is not installed on this machine'));
const away = () => Promise.reject(new AttrdError('noCluster', 'the cluster does not answer'));

describe('wait', () => {
  test('asks the walk without a login and without starting anything', async () => {
    const { ctx, world, asked } = rig();
    expect(await wait(ctx, ['30'], world)).toBe(0);
    expect(asked).toMatchObject([
      { node: 'comp0', host: 'comp0', connect: null, releaseMs: 0, startBy: 1_030_000, deadline: 1_030_000 },
    ]);
  });

  test('600 s without an argument', async () => {
    const { ctx, world, asked } = rig();
    expect(await wait(ctx, [], world)).toBe(0);
    expect(asked).toMatchObject([{ deadline: 1_600_000 }]);
  });

  test('a machine without Pacemaker is no cluster node: 5, without waiting', async () => {
    const { ctx, world, slept, reason } = rig({ nodeName: missing });
    expect(await wait(ctx, ['30'], world)).toBe(5);
    expect(slept).toEqual([]);
    expect(reason()).toBe(
      'nova-compute is not to be started on this machine: crm_node is not installed on this machine',
    );
  });

  test('a cluster that does not answer is asked until the time is over: 1', async () => {
    const { ctx, world, slept, reason } = rig({ nodeName: away });
    expect(await wait(ctx, ['30'], world)).toBe(1);
    expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(26_000);
    expect(reason()).toContain('the cluster does not answer');
  });

  test('where nothing is found to run, the usual nova.conf tells the name', async () => {
    const { ctx, world, asked } = rig({
      findRuntime: async () => ({ kind: 'missing', sentence: 'nothing here' }),
    });
    expect(await wait(ctx, ['30'], world)).toBe(0);
    expect(asked).toMatchObject([{ host: 'comp0' }]);
  });

  test('not safe in time: 1 with what the walk says', async () => {
    const { ctx, world, reason } = rig({
      comeBack: async () => ({ kind: 'unsafe', sentence: 'comp0 waits' }),
    });
    expect(await wait(ctx, ['30'], world)).toBe(1);
    expect(reason()).toBe('comp0 waits');
  });
});
