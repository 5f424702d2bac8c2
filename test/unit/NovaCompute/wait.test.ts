// Loaded here, as the first load takes real time, while the clock of these tests runs on.
import '../../../lib/evacuation/incident/names.ts';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ComputeService, NovaError, novaHost } from '@openstack-ts/nova-client';
import { afterAll, describe, expect, test, vi } from 'vitest';
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

const state = mkdtempSync(join(tmpdir(), 'wait-'));
afterAll(() => rmSync(state, { recursive: true, force: true }));

/** A machine with a nova.conf, whose clock runs as fast as it is slept, and whose files of this boot are in `stateDir`. */
function rig(more: Partial<World> = {}, stateDir = mkdtempSync(join(state, 'boot-'))) {
  let now = 1_000_000_000;
  const said: string[] = [];
  const say = (text: string): void => void said.push(text);
  const timers: { every: number; due: number; task: () => void }[] = [];
  /** Looks as the timers would have: the clock runs on, and what was begun gets to its end. */
  const pass = async (ms: number): Promise<void> => {
    for (const end = now + ms; now < end; ) {
      now = Math.min(end, now + 1_000);
      for (const timer of timers.filter(({ due }) => due <= now)) {
        timer.due = now + timer.every;
        timer.task();
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  };
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
      // It has run for a day.
      steady: () => 86_400_000,
      every: (every, task) => {
        const timer = { every, due: now + every, task };
        timers.push(timer);
        return () => void timers.splice(timers.indexOf(timer), 1);
      },
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
    env: { HA_RSCTMP: stateDir },
    instance: 'default',
    parameters,
    parameterErrors: [],
    log: { ...silent, warn: say, notice: say },
    exitReason: (sentence) => {
      reason = sentence;
    },
    now,
  });
  return { ctx, world, slept, asked, said, pass, stateDir, reason: () => reason };
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
      {
        node: 'comp0',
        host: 'comp0',
        connect: null,
        releaseMs: 0,
        startBy: 1_000_030_000,
        deadline: 1_000_030_000,
      },
    ]);
  });

  test('600 s without an argument', async () => {
    const { ctx, world, asked } = rig();
    expect(await wait(ctx, [], world)).toBe(0);
    expect(asked).toMatchObject([{ deadline: 1_000_600_000 }]);
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

/** A cluster that never answers: each question is on its way for ever. */
const never = () => new Promise<never>(() => undefined);
const unanswered: Partial<World> = {
  attributes: new Attributes(async () => ({ exitCode: 1, stdout: '', stderr: 'Error' })),
  comeBack: async ({ listener }) => {
    listener?.waitsFor(
      'comp0 waits for the cluster to tell whether it is being evacuated: it does not answer',
    );
    return never();
  },
};

describe('wait without an answer of the cluster', () => {
  const word = (stateDir: string) => join(stateDir, 'nova-compute.start-anyway');

  /** An operator touches the file now, on the clock of the test. */
  function give(world: World, stateDir: string): void {
    writeFileSync(word(stateDir), '');
    const at = world.clock.now() / 1000;
    utimesSync(word(stateDir), at, at);
  }

  async function cleared(): Promise<string> {
    const { ctx, world, stateDir } = rig();
    expect(await wait(ctx, ['600'], world)).toBe(0);
    return stateDir;
  }

  test('a host that the cluster let start in this boot starts after a minute, with a warning', async () => {
    const { ctx, world, said, pass } = rig(unanswered, await cleared());
    const ended = vi.fn();
    const waiting = wait(ctx, ['600'], world).then(ended);
    await pass(58_000);
    expect(ended).not.toHaveBeenCalled();
    await pass(4_000);
    await waiting;
    expect(ended).toHaveBeenCalledWith(0);
    expect(said.at(-1)).toMatch(
      /^nova-compute may start although the cluster has not answered for 60 s: the cluster let it start at \d{4}-.*Z, and this machine, which fencing would boot anew, has not booted since; see that Pacemaker runs here/,
    );
  });

  test('a wait that is shorter lets half of its time pass', async () => {
    const { ctx, world, pass } = rig(unanswered, await cleared());
    const waiting = wait(ctx, ['30'], world);
    await pass(20_000);
    expect(await waiting).toBe(0);
  });

  test('not one that has booted since, or was never let start, or has another name by now', async () => {
    const booted = await cleared();
    const note = join(booted, 'nova-compute.cleared');
    writeFileSync(note, '00000000-another-boot comp0 2026-01-01T00:00:00.000Z\n');
    const renamed = await cleared();
    for (const [stateDir, host] of [
      [booted, 'comp0'],
      [mkdtempSync(join(state, 'boot-')), 'comp0'],
      [renamed, 'comp7'],
    ] as const) {
      const read = () => `[DEFAULT]\nhost = ${host}\n`;
      const machine = { read, list: () => [] } as unknown as World['machine'];
      const { ctx, world, pass } = rig({ ...unanswered, machine }, stateDir);
      const ended = vi.fn();
      void wait(ctx, ['600'], world).then(ended);
      await pass(590_000);
      expect(ended).not.toHaveBeenCalled();
    }
  });

  test('not one whose mark the cluster has told since', async () => {
    const stateDir = await cleared();
    const comeBack: World['comeBack'] = async ({ listener }) => {
      listener?.heardMarks(true);
      return never();
    };
    const { ctx, world, pass } = rig({ comeBack }, stateDir);
    const ended = vi.fn();
    void wait(ctx, ['600'], world).then(ended);
    await pass(590_000);
    expect(ended).not.toHaveBeenCalled();
    expect(existsSync(join(stateDir, 'nova-compute.cleared'))).toBe(false);
  });

  test('not one that Nova holds forced down', async () => {
    const service = {
      id: '1',
      host: novaHost('comp0'),
      zone: 'nova',
      state: 'down',
      status: 'disabled',
      disabledReason: null,
      forcedDown: true,
      updatedAt: null,
    } satisfies ComputeService;
    const connect = async () => ({ listComputeServices: async () => [service] }) as never;
    const { ctx, world, pass, said } = rig({ ...unanswered, connect }, await cleared());
    const ended = vi.fn();
    void wait(ctx, ['600'], world).then(ended);
    await pass(590_000);
    expect(ended).not.toHaveBeenCalled();
    expect(said.join(' ')).toContain('comp0 waits for the cluster, as Nova holds it forced down');
  });

  test("an operator's word is heeded once, and named where it can help", async () => {
    const { ctx, world, pass, said, stateDir } = rig({ nodeName: away });
    give(world, stateDir);
    world.clock.sleep = never;
    const waiting = wait(ctx, ['600'], world);
    await pass(4_000);
    expect(await waiting).toBe(0);
    expect(said[0]).toBe(
      `comp0 waits for the cluster to tell whether it is being evacuated: the cluster does not answer; see that Pacemaker runs here and has quorum, or, once you know that none of its instances runs elsewhere, have nova-compute start all the same with: touch ${word(stateDir)}.`,
    );
    expect(said[1]).toMatch(
      /^nova-compute may start as .*nova-compute.start-anyway says so, once: comp0 waits/,
    );
    expect(existsSync(word(stateDir))).toBe(false);
  });

  test("an operator's word does not go before a mark that the cluster tells", async () => {
    const comeBack: World['comeBack'] = async ({ listener }) => {
      listener?.heardMarks(true);
      listener?.waitsFor('comp0 waits for NovaEvacuate to evacuate it');
      return never();
    };
    const { ctx, world, pass, said, stateDir } = rig({ comeBack });
    give(world, stateDir);
    const ended = vi.fn();
    void wait(ctx, ['600'], world).then(ended);
    await pass(20_000);
    expect(ended).not.toHaveBeenCalled();
    expect(said[0]).toBe(
      'comp0 waits for NovaEvacuate to evacuate it; crm_mon -A shows how far NovaEvacuate is.',
    );
    expect(said[1]).toContain('is removed unheeded');
    expect(existsSync(word(stateDir))).toBe(false);
  });

  test('not one whose mark the cluster tells while Nova is asked', async () => {
    let tell: () => void = () => undefined;
    const comeBack: World['comeBack'] = async ({ listener }) => {
      listener?.waitsFor('comp0 waits for the cluster');
      tell = () => listener?.heardMarks(true);
      return never();
    };
    const connect = async () => {
      tell();
      throw new NovaError('unreachable', 'Nova is away');
    };
    const { ctx, world, pass } = rig({ comeBack, connect }, await cleared());
    const ended = vi.fn();
    void wait(ctx, ['600'], world).then(ended);
    await pass(120_000);
    expect(ended).not.toHaveBeenCalled();
  });

  test.each([
    ['of before this boot', -100_000_000],
    ['of an hour ago', -3_600_000],
  ])("an operator's word %s is not heeded", async (_, age) => {
    const { ctx, world, pass, said, stateDir } = rig(unanswered);
    writeFileSync(word(stateDir), '');
    const at = (world.clock.now() + age) / 1000;
    utimesSync(word(stateDir), at, at);
    const ended = vi.fn();
    void wait(ctx, ['600'], world).then(ended);
    await pass(20_000);
    expect(ended).not.toHaveBeenCalled();
    expect(said.join(' ')).toContain('is removed unheeded, as it is from before this boot');
  });

  /** attrd_updater tells nothing, and the CIB `evacuate=yes`: half of a mark. */
  const halfTold = new Attributes(async (tool) =>
    tool === 'cibadmin'
      ? {
          exitCode: 0,
          stdout:
            '<xpath-query><nodes><node id="1" uname="comp0"><instance_attributes id="a"><nvpair id="b" name="evacuate" value="yes"/></instance_attributes></node></nodes></xpath-query>',
          stderr: '',
        }
      : { exitCode: 1, stdout: '', stderr: 'Error' },
  );

  test.each(["an operator's word", "the cluster's word of before"])(
    '%s does not go before a mark of which half is told',
    async (what) => {
      const stateDir = what === "an operator's word" ? undefined : await cleared();
      const {
        ctx,
        world,
        pass,
        said,
        stateDir: directory,
      } = rig({ ...unanswered, attributes: halfTold }, stateDir);
      if (stateDir === undefined) give(world, directory);
      // The parser is loaded at the first answer, which takes real time.
      await halfTold.queryNodes();
      const ended = vi.fn();
      void wait(ctx, ['600'], world).then(ended);
      await pass(120_000);
      expect(ended).not.toHaveBeenCalled();
      expect(said.join(' ')).toContain('as half of its mark says');
    },
  );

  test("an operator's word does not go before a mark that the cluster tells while its halves are asked", async () => {
    let tell: () => void = () => undefined;
    const comeBack: World['comeBack'] = async ({ listener }) => {
      listener?.waitsFor('comp0 waits for the cluster');
      tell = () => listener?.heardMarks(true);
      return never();
    };
    const attributes = new Attributes(async (tool) => {
      if (tool === 'attrd_updater') tell();
      return { exitCode: 1, stdout: '', stderr: 'Error' };
    });
    const { ctx, world, pass, stateDir } = rig({ comeBack, attributes });
    give(world, stateDir);
    const ended = vi.fn();
    void wait(ctx, ['600'], world).then(ended);
    await pass(20_000);
    expect(ended).not.toHaveBeenCalled();
  });

  test('files that are none hold up nothing', async () => {
    const stateDir = mkdtempSync(join(state, 'boot-'));
    for (const name of ['nova-compute.cleared', 'nova-compute.start-anyway']) mkdirSync(join(stateDir, name));
    const { ctx, world } = rig({}, stateDir);
    expect(await wait(ctx, ['30'], world)).toBe(0);
    const file = join(stateDir, 'file');
    writeFileSync(file, '');
    const other = rig({}, file);
    expect(await wait(other.ctx, ['30'], other.world)).toBe(0);
  });

  test("an operator's word waits for the cluster's first word", async () => {
    const { ctx, world, pass, stateDir } = rig({ comeBack: never });
    give(world, stateDir);
    const ended = vi.fn();
    void wait(ctx, ['600'], world).then(ended);
    await pass(20_000);
    expect(ended).not.toHaveBeenCalled();
  });

  test("an operator's word does not go before what Nova tells of evacuations in flight", async () => {
    const comeBack: World['comeBack'] = async ({ listener }) => {
      listener?.heardMarks(false);
      listener?.heardFlights(true);
      listener?.waitsFor('comp0 waits for its evacuations in flight');
      return never();
    };
    const { ctx, world, pass, said, stateDir } = rig({ comeBack });
    give(world, stateDir);
    const ended = vi.fn();
    void wait(ctx, ['600'], world).then(ended);
    await pass(20_000);
    expect(ended).not.toHaveBeenCalled();
    expect(said[0]).toMatch(/; crm_mon -A shows how far NovaEvacuate is\.$/);
  });

  test("an operator's word that came too late lets no later start through", async () => {
    const { ctx, world, stateDir } = rig();
    writeFileSync(word(stateDir), '');
    expect(await wait(ctx, ['30'], world)).toBe(0);
    expect(existsSync(word(stateDir))).toBe(false);
  });

  test('says again each minute what it waits for', async () => {
    const comeBack: World['comeBack'] = async ({ listener }) => {
      listener?.waitsFor('comp0 waits for NovaEvacuate to evacuate it');
      return never();
    };
    const { ctx, world, pass, said } = rig({ comeBack });
    void wait(ctx, ['600'], world);
    await pass(125_000);
    expect(said.map((line) => line.split(';')[0])).toEqual([
      'comp0 waits for NovaEvacuate to evacuate it',
      'comp0 waits for NovaEvacuate to evacuate it, for 1 min now',
      'comp0 waits for NovaEvacuate to evacuate it, for 2 min now',
    ]);
  });

  test('SIGTERM ends it with 143 and what it waited for', async () => {
    let end: (signal: 'SIGTERM') => void = () => undefined;
    const comeBack: World['comeBack'] = async ({ listener }) => {
      listener?.waitsFor('comp0 waits for NovaEvacuate to evacuate it');
      return never();
    };
    const { ctx, world, pass, reason } = rig({ comeBack });
    const waiting = wait(ctx, ['600'], world, (ended) => {
      end = ended;
      return () => undefined;
    });
    await pass(3_000);
    end('SIGTERM');
    expect(await waiting).toBe(143);
    expect(reason()).toBe(
      'wait was ended by SIGTERM before nova-compute was known to be safe to start: comp0 waits for NovaEvacuate to evacuate it',
    );
  });
});
