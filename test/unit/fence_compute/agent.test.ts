import { beforeEach, describe, expect, it } from 'vitest';
import { fenceCompute } from '../../../fence/fence_compute/agent.ts';
import { runFenceAgent } from '../../../lib/fencing/index.ts';
import { type Stage, stage } from './fakes.ts';

let at: Stage;
beforeEach(() => {
  at = stage();
});

async function run(stdin: string): Promise<{ code: number; out: string; err: string }> {
  const agent = fenceCompute({
    version: '1.2.3',
    createWorld: async () => at.world,
    checkConnection: async () => undefined,
  });
  let err = '';
  let out = '';
  const io = {
    stdin: (async function* () {
      yield stdin;
    })(),
    stdout: {
      write: (text: string) => {
        out += text;
      },
    },
    stderr: {
      write: (text: string) => {
        err += text;
      },
    },
  };
  const settings = { syslog: false, now: at.world.now, sleep: at.world.sleep };
  return { code: await runFenceAgent(agent, [], {}, io, settings), out: out + at.printed(), err };
}

describe('fence_compute', () => {
  it.each([
    ['on', 0, ''],
    ['off', 0, ''],
    ['status', 0, 'Status: ON\n'],
    ['list', 0, 'comp0,\ncomp1,\n'],
    ['list-status', 0, 'comp0,,UNKNOWN\ncomp1,,UNKNOWN\n'],
    ['monitor', 0, ''],
    ['validate-all', 0, ''],
  ])('%s', async (action, code, out) => {
    expect(await run(`action=${action}\nport=comp0\nnodename=comp0`)).toEqual({ code, out, err: '' });
  });

  it('refuses reboot', async () => {
    expect((await run('action=reboot\nport=comp0')).code).toBe(1);
  });

  it.each([
    ['off', 3000],
    ['on', 3000],
    ['status', 0],
  ])('waits after %s as power_wait says', async (action, elapsed) => {
    expect((await run(`action=${action}\nport=comp0\npower_wait=3`)).code).toBe(0);
    expect(at.elapsed()).toBe(elapsed);
  });

  it('says, when verbose, which options have no effect', async () => {
    const { err } = await run(
      'action=monitor\nverbose=1\nretry_on=3\nno_shared_storage=1\ninstance_filtering=0',
    );
    for (const name of ['retry_on', 'no_shared_storage', 'instance_filtering']) {
      expect(err).toContain(`${name} is accepted for old configurations`);
    }
  });

  it.each([
    'port=c0,c1',
    'port=c0 c1',
    'port=-D',
    'port=a/b',
    'port=a"b',
    `port=${'x'.repeat(256)}`,
    'port=comp0\nnodename=a b',
    'port=comp0\nnodename=--help',
  ])('refuses %j before anything is marked', async (lines) => {
    for (const action of ['off', 'on']) {
      const { code, err } = await run(`action=${action}\n${lines}`);
      expect(code).toBe(1);
      expect(err).toContain('is no name of a machine');
    }
    expect(at.journal).toEqual([]);
    expect(at.nova.connects).toBe(0);
  });

  it('has no objection to names of machines', async () => {
    for (const name of ['comp0', 'Comp_0.example.org', 'remote-comp0', 'fe80::1', 'hv@rack1']) {
      expect((await run(`action=validate-all\nport=${name}\nnodename=${name}`)).err).toBe('');
    }
  });
});
