import { beforeEach, describe, expect, test } from 'vitest';
import { novaCompute } from '../../../agents/NovaCompute/agent.ts';
import { monitor } from '../../../agents/NovaCompute/monitor.ts';
import { findRuntime } from '../../../agents/NovaCompute/runtime/find.ts';
import { start } from '../../../agents/NovaCompute/start.ts';
import { stop } from '../../../agents/NovaCompute/stop.ts';
import type { World } from '../../../agents/NovaCompute/world.ts';
import { Attributes, createMarkStore, nodeName } from '../../../lib/attrd/index.ts';
import { createContext } from '../../../lib/ocf/context.ts';
import { readParameters } from '../../../lib/ocf/parameters.ts';
import { FakeMachine, type FakeProcess } from './runtime/fakeMachine.ts';

/**
 * Who manages nova-compute is away for a while, hangs, or answers nonsense: a node with a healthy nova-compute must not be
 * fenced for that.
 */
const silent = () => undefined;
const inContainer: FakeProcess = {
  argv: ['/usr/bin/python3', '/usr/bin/nova-compute'],
  cgroup: '0::/machine.slice/libpod-0123456789abcdef.scope\n',
};
const inUnit: FakeProcess = { ...inContainer, cgroup: '0::/system.slice/openstack-nova-compute.service\n' };
const isRunning = JSON.stringify([
  { State: { Status: 'running', Pid: 77, ExitCode: 0, StartedAt: '2026-01-01T00:00:00Z' }, Mounts: [] },
]);
const daemonAway = {
  exitCode: 1,
  stdout: '',
  stderr: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
};

let machine: FakeMachine;
beforeEach(() => {
  machine = new FakeMachine();
});

function act(
  action: 'monitor' | 'stop' | 'start',
  given: Readonly<Record<string, string>>,
  interval = 10_000,
) {
  const begun = machine.time;
  const world: World = {
    clock: {
      now: () => machine.now(),
      steady: () => machine.now(),
      sleep: (ms) => machine.sleep(ms),
      every: () => () => undefined,
    },
    machine,
    machineName: 'comp0',
    attributes: new Attributes(async () => ({ exitCode: 0, stdout: '', stderr: '' })),
    marks: createMarkStore({
      env: {},
      timeoutMs: 1,
      run: async () => ({ exitCode: 0, stdout: '', stderr: '' }),
    }),
    readNodes: async () => ({ known: true, nodes: [] }),
    connect: null,
    nodeName: async () => nodeName('comp0'),
    findRuntime: (settings) => findRuntime(settings, machine),
    comeBack: () => Promise.reject(new Error('nothing of this comes to a walk')),
  };
  const reasons: string[] = [];
  const env = {
    HA_RSCTMP: '/nonexistent/rsctmp',
    OCF_RESKEY_crm_feature_set: '3.16.2',
    OCF_RESKEY_CRM_meta_interval: String(action === 'monitor' ? interval : 0),
    ...Object.fromEntries(Object.entries(given).map(([name, value]) => [`OCF_RESKEY_${name}`, value])),
  };
  const { parameters } = readParameters(novaCompute.parameters, env);
  const ctx = createContext({
    agent: novaCompute,
    action,
    env,
    instance: 'nova-compute',
    parameters,
    parameterErrors: [],
    log: { error: silent, warn: silent, notice: silent, info: silent, debug: silent },
    exitReason: (sentence) => reasons.push(sentence),
    now: begun,
  });
  const run = { monitor, stop, start }[action];
  return run(ctx, world).then((code) => ({
    code: Number(code),
    reason: reasons.at(-1) ?? '',
    seconds: (machine.time - begun) / 1000,
  }));
}

/** The tool answers like this for so long, then with that. */
function lately(ms: number, first: string | Error | typeof daemonAway, then: string) {
  const end = machine.time + ms;
  return () => (machine.time < end ? first : then);
}

describe('monitor', () => {
  test.each([
    ['the daemon of docker is away for 15 s', 'docker', daemonAway, 15_000],
    ['podman hangs once', 'podman', new Error('hangs'), 5_000],
    ['podman answers nonsense for 10 s', 'podman', 'nonsense', 10_000],
  ] as const)('%s: the next answer counts', async (_what, runtime, first, ms) => {
    machine.install(runtime).answer(/inspect/, lately(ms, first, isRunning));
    machine.processes.set(77, inContainer);
    const { code, seconds } = await act('monitor', { runtime });
    expect(code).toBe(0);
    expect(seconds).toBeLessThan(18);
  });

  test.each([
    ['docker', daemonAway],
    ['podman', new Error('hangs')],
  ] as const)('%s does not answer at all: /proc shows that it runs, degraded', async (runtime, answer) => {
    machine.install(runtime).answer(/inspect/, answer);
    machine.processes.set(77, inContainer);
    const { code, reason } = await act('monitor', { runtime });
    expect(code).toBe(190);
    expect(reason).toMatch(/; nova-compute is left alone, as \/proc shows that it runs, as process 77, and/);
  });

  test('systemctl does not answer at all: /proc shows the process in its unit', async () => {
    machine.files.set('/run/systemd/system/x', '');
    machine.answer(/^systemctl/, { exitCode: 1, stdout: '', stderr: 'Transport endpoint is not connected' });
    machine.processes.set(77, inUnit);
    expect(await act('monitor', { runtime: 'systemd' })).toMatchObject({ code: 190 });
    machine.processes.clear();
    expect(await act('monitor', { runtime: 'systemd' })).toMatchObject({ code: 7 });
  });

  test('nothing runs and nobody answers: not running, and why it is not known better', async () => {
    machine.install('docker').answer(/inspect/, daemonAway);
    const { code, reason } = await act('monitor', { runtime: 'docker' });
    expect(code).toBe(7);
    expect(reason).toMatch(/^nova-compute is not running, as far as \/proc shows: docker does not tell/);
  });
});

describe('stop', () => {
  test.each([
    ['the daemon of docker is away for 15 s', 'docker', daemonAway, 15_000],
    ['podman hangs once', 'podman', new Error('hangs'), 5_000],
  ] as const)('%s: it is asked again, and stops it', async (_what, runtime, first, ms) => {
    let ended = false;
    const told = () => (ended ? isRunning.replace('running', 'exited') : isRunning);
    const end = machine.time + ms;
    machine.install(runtime);
    machine.answer(/inspect/, () => (machine.time < end ? first : told()));
    machine.answer(/ stop /, () => {
      ended = true;
      return '';
    });
    machine.processes.set(77, inContainer);
    expect(await act('stop', { runtime })).toMatchObject({ code: 0 });
    expect(ended).toBe(true);
    expect(machine.signals).toEqual([]);
  });

  test('the engine goes away in the middle: what it was told is found done', async () => {
    let asked = 0;
    machine.install('podman');
    machine.answer(/ stop /, '');
    machine.answer(/inspect/, () => {
      asked += 1;
      if (asked === 3) return new Error('hangs');
      return asked < 3 ? isRunning : isRunning.replace('running', 'exited');
    });
    expect(await act('stop', { runtime: 'podman' })).toMatchObject({ code: 0 });
  });

  test('the engine never answers: the processes that /proc shows are ended', async () => {
    machine.install('docker').answer(/inspect/, daemonAway);
    machine.processes.set(77, inContainer);
    const { code, seconds } = await act('stop', { runtime: 'docker' });
    expect(code).toBe(0);
    expect(machine.processes.has(77)).toBe(false);
    expect(seconds).toBeLessThan(290);
  });

  test('what comes back as often as it is ended fails the stop, in time', async () => {
    machine.install('docker').answer(/inspect/, daemonAway);
    const restart = (): void => {
      machine.processes.set(100 + Math.floor(machine.time / 1000), inContainer);
      machine.after(1_000, restart);
    };
    restart();
    const { code, reason, seconds } = await act('stop', { runtime: 'docker' });
    expect(code).toBe(1);
    expect(reason).toMatch(/something starts it again as often as it is ended/);
    expect(seconds).toBeLessThan(300);
  });

  test('what SIGKILL does not end fails the stop', async () => {
    machine.install('docker').answer(/inspect/, daemonAway);
    machine.processes.set(77, inContainer);
    machine.kill = () => true;
    const { code, reason } = await act('stop', { runtime: 'docker' });
    expect([code, reason]).toEqual([1, expect.stringContaining('not even by SIGKILL: process 77')]);
  });
});

describe('start', () => {
  test('an engine that is away for 15 s is waited for; one that stays away fails the start, without a ban', async () => {
    machine.install('docker').answer(/inspect/, daemonAway);
    const { code, seconds } = await act('start', { runtime: 'auto' });
    expect(code).toBe(1);
    expect(seconds).toBeGreaterThanOrEqual(25);
    expect(seconds).toBeLessThan(40);
  });
});
