import { describe, expect, it } from 'vitest';
import { type OcfAgent, OcfExit, runAgent } from '../../../lib/ocf/index.ts';
import { capture, goodParameters, testAgent } from './testAgent.ts';

async function run(agent: OcfAgent, action: string | undefined, env: NodeJS.ProcessEnv = goodParameters) {
  const io = capture();
  const code = await runAgent(agent, action === undefined ? [] : [action], env, io, {
    interactive: false,
    now: () => 1_795_224_191_000,
  });
  return { code, out: io.out(), err: io.err() };
}

const reasonOf = (err: string): string | undefined =>
  err
    .split('\n')
    .filter((line) => line.startsWith('ocf-exit-reason:'))
    .at(-1)
    ?.slice('ocf-exit-reason:'.length);

describe('actions', () => {
  it.each(['start', 'stop', 'monitor'])('%s reaches the agent', async (action) => {
    const agent = testAgent();
    expect(await run(agent, action)).toEqual({ code: 0, out: '', err: '' });
    expect(agent.calls.map((ctx) => ctx.action)).toEqual([action]);
  });

  it('validate-all checks and does nothing else', async () => {
    const agent = testAgent();
    expect(await run(agent, 'validate-all')).toEqual({ code: 0, out: '', err: '' });
    expect(agent.calls).toEqual([]);
  });

  it.each(['usage', 'help'])('%s explains', async (action) => {
    const { code, out } = await run(testAgent(), action, {});
    expect(code).toBe(0);
    expect(out).toContain('usage: TestAgent {start|stop|monitor|validate-all|meta-data|usage}');
    expect(out).toContain('OCF_RESKEY_auth_url (string, required)');
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it.each(['status', 'reload', 'notify', 'START', '', undefined])('%s is not implemented', async (action) => {
    const { code, out, err } = await run(testAgent(), action);
    expect(code).toBe(OcfExit.unimplemented);
    expect(out).toBe('');
    expect(err).toMatch(/^usage: TestAgent \{/);
  });

  it('meta-data needs no environment at all', async () => {
    const { code, out, err } = await run(testAgent(), 'meta-data', {});
    expect(code).toBe(0);
    expect(err).toBe('');
    expect(out).toContain('<resource-agent name="TestAgent"');
  });
});

describe('further actions', () => {
  const seen: (readonly [action: string, timeoutMs: number, ...args: string[]])[] = [];
  const agent = testAgent({
    furtherActions: [
      {
        name: 'linger',
        timeoutSeconds: 600,
        call: 'linger [SECONDS]',
        shortdesc: 'Does nothing for a while.',
        checksParameters: true,
        run: async (ctx, args) => {
          seen.push([ctx.action, ctx.timeoutMs, ...args]);
          return OcfExit.generic;
        },
      },
      {
        name: 'notify',
        timeoutSeconds: 20,
        call: 'notify',
        shortdesc: 'Answers.',
        checksParameters: false,
        run: async () => OcfExit.success,
      },
    ],
  });

  it('reach the agent with their arguments and their own time', async () => {
    seen.length = 0;
    const io = capture();
    expect(await runAgent(agent, ['linger', '300', 'x'], goodParameters, io, { interactive: false })).toBe(1);
    expect(seen).toEqual([['linger', 600_000, '300', 'x']]);
  });

  it('are refused with wrong parameters where they ask for that, and only there', async () => {
    seen.length = 0;
    expect((await run(agent, 'linger', {})).code).toBe(OcfExit.configured);
    expect(seen).toEqual([]);
    expect(await run(agent, 'notify', {})).toEqual({ code: 0, out: '', err: '' });
  });

  it('are explained by usage and missing in the meta-data', async () => {
    const { out } = await run(agent, 'usage', {});
    expect(out).toContain('|linger|notify|usage}');
    expect(out).toContain('  linger [SECONDS]\n      Does nothing for a while.');
    expect((await run(agent, 'meta-data', {})).out).not.toContain('linger');
  });

  it('do not answer for what nobody declared', async () => {
    expect((await run(agent, 'promote')).code).toBe(OcfExit.unimplemented);
  });
});

describe('monitor', () => {
  it.each([
    ['10', 10],
    [undefined, 0],
    ['deep', 0],
  ])('with OCF_CHECK_LEVEL %s looks %s deep', async (level, expected) => {
    const agent = testAgent();
    await run(agent, 'monitor', {
      ...goodParameters,
      ...(level === undefined ? {} : { OCF_CHECK_LEVEL: level }),
    });
    expect(agent.calls.map((ctx) => ctx.checkLevel)).toEqual([expected]);
  });

  it('of an agent that looks anyway is told what is wrong instead of being refused', async () => {
    const agent = testAgent({ monitorsAnyway: true });
    expect((await run(agent, 'monitor', { OCF_RESKEY_count: 'x' })).code).toBe(0);
    expect(agent.calls[0]?.parameterErrors).toContain('count is "x"; it must be a whole number');
  });
});

describe('parameters that are wrong', () => {
  it.each(['start', 'validate-all'])('%s names the first one and exits 6', async (action) => {
    const agent = testAgent();
    const { code, err } = await run(agent, action, { OCF_RESKEY_count: 'x' });
    expect(code).toBe(OcfExit.configured);
    expect(reasonOf(err)).toBe('auth_url not configured');
    expect(err).toContain('ERROR: password not configured');
    expect(err).toContain('ERROR: count is "x"; it must be a whole number');
    expect(agent.calls).toEqual([]);
  });

  it('stop does not mind', async () => {
    const agent = testAgent();
    expect((await run(agent, 'stop', { OCF_RESKEY_count: 'x' })).code).toBe(0);
    expect(agent.calls[0]?.parameters.integer('count')).toBe(3);
  });

  it.each(['0', undefined])('a probe of what is not started says so, interval %s', async (interval) => {
    const env = interval === undefined ? {} : { OCF_RESKEY_CRM_meta_interval: interval };
    const agent = testAgent({ started: async () => false });
    expect((await run(agent, 'monitor', env)).code).toBe(OcfExit.notRunning);
    expect((await run(testAgent(), 'monitor', env)).code).toBe(OcfExit.notRunning);
  });

  it('monitor of what is started is fatal', async () => {
    const agent = testAgent({ started: async () => true });
    const { code, err } = await run(agent, 'monitor', { OCF_RESKEY_CRM_meta_interval: '10000' });
    expect(code).toBe(OcfExit.configured);
    expect(reasonOf(err)).toBe('auth_url not configured');
    expect((await run(agent, 'monitor', {})).code).toBe(OcfExit.configured);
    expect(agent.calls).toEqual([]);
  });

  it('a boolean that is none is warned of at start, not at every monitor', async () => {
    const env = { ...goodParameters, OCF_RESKEY_insecure: 'maybe' };
    expect((await run(testAgent(), 'start', env)).err).toContain('WARNING: insecure is "maybe"');
    expect((await run(testAgent(), 'monitor', env)).err).toBe('');
  });

  it("the agent's own checks come after the declared ones and before start", async () => {
    const agent = testAgent({
      validate: async (ctx) => {
        ctx.exitReason('cacert cannot be read');
        return OcfExit.configured;
      },
    });
    for (const action of ['start', 'validate-all']) {
      const { code, err } = await run(agent, action);
      expect(code).toBe(OcfExit.configured);
      expect(reasonOf(err)).toBe('cacert cannot be read');
    }
    expect((await run(agent, 'monitor')).code).toBe(0);
    expect(agent.calls.map((ctx) => ctx.action)).toEqual(['monitor']);
  });
});

describe('the context', () => {
  it('is what Pacemaker says', async () => {
    const agent = testAgent();
    await run(agent, 'monitor', {
      ...goodParameters,
      OCF_RESOURCE_INSTANCE: 'nova-evacuate',
      OCF_RA_VERSION_MAJOR: '1',
      OCF_RESKEY_CRM_meta_timeout: '20000',
      OCF_RESKEY_CRM_meta_interval: '10000',
      OCF_RESKEY_CRM_meta_on_node: 'ctl0',
      OCF_RESKEY_crm_feature_set: '3.16.1',
      HA_RSCTMP: '/tmp/rsctmp',
    });
    expect(agent.calls[0]).toMatchObject({
      action: 'monitor',
      agentName: 'TestAgent',
      instance: 'nova-evacuate',
      timeoutMs: 20_000,
      intervalMs: 10_000,
      onNode: 'ctl0',
      crmFeatureSet: '3.16.1',
      stateDir: '/tmp/rsctmp',
      startedAt: 1_795_224_191_000,
    });
  });

  it('has values for a call by hand', async () => {
    const agent = testAgent();
    await run(agent, 'monitor');
    expect(agent.calls[0]).toMatchObject({
      instance: 'default',
      timeoutMs: 600_000,
      intervalMs: 0,
      onNode: null,
      crmFeatureSet: null,
      stateDir: '/run/resource-agents',
    });
  });

  it.each([
    ['../../etc/passwd', '.._.._etc_passwd'],
    ['..', 'default'],
    ['vm:0', 'vm:0'],
  ])('the instance %s cannot lead out of the state directory', async (given, expected) => {
    const agent = testAgent();
    await run(agent, 'stop', { OCF_RESOURCE_INSTANCE: given });
    expect(agent.calls[0]?.instance).toBe(expected);
  });

  it('a call as by the executor without a resource is refused', async () => {
    const { code, err } = await run(testAgent(), 'stop', { OCF_RA_VERSION_MAJOR: '1' });
    expect(code).toBe(OcfExit.args);
    expect(reasonOf(err)).toContain('OCF_RESOURCE_INSTANCE');
  });
});

describe('the exit reason', () => {
  it('is printed once, last, on one line, with the prefix Pacemaker asks for', async () => {
    const agent = testAgent({
      monitor: async (ctx) => {
        ctx.exitReason('first');
        ctx.exitReason('2 of 5 instances failed:\n  no host');
        ctx.log.warn('after');
        return OcfExit.degraded;
      },
    });
    const { code, err } = await run(agent, 'monitor', { ...goodParameters, OCF_EXIT_REASON_PREFIX: 'why:' });
    expect(code).toBe(190);
    expect(err.split('\n').slice(-2)).toEqual(['why:2 of 5 instances failed: no host', '']);
    expect(err).not.toContain('first');
  });

  it('an unexpected error is not a page', async () => {
    const agent = testAgent({
      monitor: async () => {
        throw new Error('sky '.repeat(5_000));
      },
    });
    expect((await run(agent, 'monitor')).err).toMatch(
      /^ocf-exit-reason:monitor failed unexpectedly: [sky ]{399}…\n$/,
    );
  });

  it('an unexpected error becomes one sentence without a stack trace', async () => {
    const agent = testAgent({
      monitor: async () => {
        throw new Error('the sky\nfell');
      },
    });
    const { code, err } = await run(agent, 'monitor');
    expect(code).toBe(OcfExit.generic);
    expect(err).toBe('ocf-exit-reason:monitor failed unexpectedly: the sky fell\n');
    const debugged = await run(agent, 'monitor', { ...goodParameters, HA_debug: '1' });
    expect(debugged.err).toContain('run.test.ts');
  });
});
