import { beforeEach, describe, expect, it } from 'vitest';
import { fenceableNames, list } from '../../../fence/fence_compute/list.ts';
import { monitor } from '../../../fence/fence_compute/monitor.ts';
import { status } from '../../../fence/fence_compute/status.ts';
import { failure, type Stage, service, stage } from './fakes.ts';

let at: Stage;
beforeEach(() => {
  at = stage();
});

describe('status', () => {
  const states = { up: 'up', down: 'down' } as const;
  it.each([
    [states.up, 'enabled', 'ON', 0],
    [states.up, 'disabled', 'ON', 0],
    [states.down, 'enabled', 'ON', 0],
    [states.down, 'disabled', 'OFF', 2],
    ['unknown', 'unknown', 'ON', 0],
  ] as const)('%s and %s is %s', async (state, enabled, word, code) => {
    at.nova.services = [service('comp0.example', { state, status: enabled })];
    expect(await status(at.context('action=status\nport=comp0'), at.world)).toBe(code);
    expect(at.printed()).toBe(`Status: ${word}\n`);
    expect(at.journal).toEqual([]);
  });

  it('of an unknown host is an error, not "on"', async () => {
    await expect(status(at.context('port=comp9'), at.world)).rejects.toThrow(
      'Nova does not know about comp9',
    );
    expect(at.printed()).toBe('');
  });

  it('of several plugs is off when all are', async () => {
    const off = { state: 'down', status: 'disabled' } as const;
    at.nova.services = [service('comp0', off), service('comp1')];
    expect(await status(at.context('port=comp0,comp1'), at.world)).toBe(0);
    at.nova.services = [service('comp0', off), service('comp1', off)];
    expect(await status(at.context('port=comp0;comp1\nplug_separator=;'), at.world)).toBe(2);
  });
});

describe('list', () => {
  it('names every host, and its short name where it is its alone', () => {
    const hosts = ['comp0', 'comp1.a', 'comp2.a', 'comp2.b', 'comp0'];
    expect(fenceableNames(hosts.map((host) => service(host)))).toEqual([
      'comp0',
      'comp1.a',
      'comp1',
      'comp2.a',
      'comp2.b',
    ]);
  });

  it('leaves out a name that would forge a line', async () => {
    at.nova.services = [service('comp0'), service('a b\nINJECT'), service('')];
    expect(await list(at.context('action=list', { action: 'list' }), at.world)).toBe(0);
    expect(at.printed()).toBe('comp0,\n');
    expect(at.messages.filter((line) => line.startsWith('warn'))).toHaveLength(2);
  });

  it('takes time in proportion to the hosts', () => {
    const time = (count: number): number => {
      const hosts = Array.from({ length: count }, (_, index) => service(`comp${index}.example`));
      const begin = process.cpuUsage();
      fenceableNames(hosts);
      return process.cpuUsage(begin).user;
    };
    time(2_000);
    // Sixteen times the hosts took 256 times as long once.
    expect(time(32_000)).toBeLessThan(64 * Math.max(time(2_000), 1_000));
  });

  it('does not take two names of one host for two hosts', () => {
    expect(fenceableNames([service('comp0'), service('comp0.a')])).toEqual(['comp0', 'comp0.a']);
  });

  it.each([
    ['list', '', 'comp0,\ncomp1,\n'],
    ['list', 'separator=;', 'comp0;\ncomp1;\n'],
    ['list-status', '', 'comp0,,UNKNOWN\ncomp1,,UNKNOWN\n'],
  ])('%s %s', async (action, line, expected) => {
    expect(await list(at.context(`action=${action}\n${line}`), at.world)).toBe(0);
    expect(at.printed()).toBe(expected);
  });
});

describe.each([
  ['status', status],
  ['list', list],
  ['monitor', monitor],
])('%s', (_, action) => {
  it.each(['connect', 'listComputeServices'])('fails plainly when %s does', async (method) => {
    at.nova.outages.set(method, failure('authFailed', 401));
    await expect(action(at.context('port=comp0'), at.world)).rejects.toThrow('Nova says authFailed');
    expect(at.printed()).toBe('');
  });
});

it('monitor prints nothing', async () => {
  expect(await monitor(at.context('action=monitor'), at.world)).toBe(0);
  expect(at.printed()).toBe('');
});
