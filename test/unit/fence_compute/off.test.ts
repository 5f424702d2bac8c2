import { novaHost } from '@openstack-ts/nova-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { off } from '../../../fence/fence_compute/off.ts';
import { AttrdError, type Mark } from '../../../lib/attrd/index.ts';
import { attrdGone, failure, type Stage, server, service, stage } from './fakes.ts';

const stdin = 'nodename=comp0\nport=comp0';
const reason =
  'Pacemaker fenced this host at 2026-11-21T03:00:00Z (fence_compute); its instances are evacuated';
const refused = new AttrdError(
  'failed',
  'setting permanent attribute evacuate of comp0 failed: crm_attribute ended with 124: Update does not conform to quorum policy',
  { exitCode: 124 },
);
const claimed: Mark = { kind: 'claimed', who: 'ctl0', at: 1_795_224_191 };

let at: Stage;
beforeEach(() => {
  at = stage();
});
const run = (text = stdin) => off(at.context(text), at.world);
const warnings = () => at.messages.filter((message) => message.startsWith('warn'));

describe('off', () => {
  it('marks first, forces down, then disables with a reason that names us and the time', async () => {
    expect(await run()).toBe(0);
    expect(at.journal).toEqual([
      'mark comp0 yes',
      'nova comp0 forced down',
      `nova comp0 disabled (${reason})`,
    ]);
    expect(warnings()).toEqual([]);
    expect(at.printed()).toBe('');
  });

  it("marks the cluster's name and tells Nova its own", async () => {
    at.nova.services = [service('hv-1.example'), service('hv-2.example')];
    expect(await run('nodename=comp1\nport=hv-1.example')).toBe(0);
    expect(at.journal.slice(0, 2)).toEqual(['mark comp1 yes', 'nova hv-1.example forced down']);
  });

  it.each([
    ['comp0', 'comp0'],
    ['comp0.example', 'comp0'],
    ['COMP0.example', 'comp0'],
    ['hv-9', 'hv-9'],
  ])('called by hand with plug %s, the mark is that of %s', async (plug, name) => {
    at.nova.services = [service(plug)];
    expect(await run(`port=${plug}`)).toBe(0);
    expect(at.journal[0]).toBe(`mark ${name} yes`);
  });

  it('says so when the mark has no permanent copy', async () => {
    at.nova.services = [service('hv-9')];
    expect(await run('port=hv-9')).toBe(0);
    expect(warnings()).toEqual([
      'warn hv-9 is no cluster node, so its mark has no permanent copy and is lost if the cluster restarts.',
    ]);
  });

  it('by hand, a first label that several nodes share leads to none of them', async () => {
    at.marks.nodes = ['comp0.a', 'comp0.b'];
    expect(await run('port=comp0')).toBe(0);
    expect(at.journal[0]).toBe('mark comp0 yes');
  });

  it('is done at once for a host that is down and disabled, and marks it all the same', async () => {
    at.nova.services = [
      service('comp0', { state: 'down', status: 'disabled', forcedDown: true, disabledReason: 'broken fan' }),
    ];
    expect(await run()).toBe(0);
    expect(at.journal).toEqual(['mark comp0 yes']);
  });

  it("keeps an operator's reason for having disabled the service", async () => {
    at.nova.services = [service('comp0', { status: 'disabled', disabledReason: 'maintenance' })];
    expect(await run()).toBe(0);
    expect(at.journal).toEqual(['mark comp0 yes', 'nova comp0 forced down']);
  });

  it.each<Mark>([{ kind: 'yes' }, claimed])(
    'is another failure, whatever mark is there: %o',
    async (mark) => {
      at.marks.marks.set('comp0', mark);
      expect(await run()).toBe(0);
      expect(at.journal[0]).toBe('mark comp0 yes');
    },
  );

  it("notes when it was, on Nova's clock", async () => {
    at.nova.clockOffsetMs = -8_000;
    expect(await run()).toBe(0);
    expect(at.marks.novaAt.get('comp0')).toBe(-8_000);
  });

  it("notes nothing where Nova's answers do not tell its time", async () => {
    at.nova.isClockKnown = false;
    expect(await run()).toBe(0);
    expect(at.marks.novaAt.size).toBe(0);
  });

  it('fails when another mark is there and a new one cannot be written', async () => {
    at.marks.marks.set('comp0', { kind: 'yes' });
    at.marks.failures.set('setYes', attrdGone);
    await expect(run()).rejects.toThrow('comp0 could not be marked for evacuation');
    expect(at.nova.connects).toBe(0);
  });
});

describe('off of a host that was evacuated before', () => {
  beforeEach(() => {
    at.marks.marks.set('comp0', { kind: 'no' });
  });

  it('leaves "no" where Nova lists no instance', async () => {
    at.nova.servers = [{ ...server('vm1'), host: novaHost('comp1') }];
    expect(await run()).toBe(0);
    expect(at.journal.slice(0, 2)).toEqual(['mark comp0 fenced', 'nova comp0 forced down']);
    expect(at.marks.marks.get('comp0')?.kind).toBe('no');
    // What was under way to it is lost from now on, on Nova's clock.
    expect(at.marks.novaAt.has('comp0')).toBe(true);
  });

  it('succeeds where that fencing cannot be noted, and says so', async () => {
    at.marks.failures.set('noteFencing', refused);
    expect(await run()).toBe(0);
    expect(at.journal[0]).toBe('nova comp0 forced down');
    expect(warnings()).toEqual([`warn That comp0 was fenced could not be noted: ${refused.message}.`]);
  });

  it('marks it anew where its release ends at this very moment', async () => {
    at.nova.failures.set('setForcedDown', [failure('timeout')]);
    at.marks.onRead = () => {
      if (at.elapsed() > 0) at.marks.marks.delete('comp0');
    };
    expect(await run()).toBe(0);
    expect(at.journal.at(-1)).toBe('mark comp0 yes');
  });

  it('marks it anew where an instance comes to it before Nova holds it down', async () => {
    at.nova.onWrite = () => {
      at.nova.servers = [server('vm1')];
    };
    expect(await run()).toBe(0);
    expect(at.journal).toEqual([
      'mark comp0 fenced',
      'nova comp0 forced down',
      `nova comp0 disabled (${reason})`,
      'mark comp0 yes',
    ]);
  });

  it('marks it anew where Nova, once it has no instance, cannot be asked again', async () => {
    at.nova.onWrite = () => at.nova.outages.set('listServers', failure('serverError', 500));
    expect(await run()).toBe(0);
    expect(at.journal.at(-1)).toBe('mark comp0 yes');
  });

  it('marks it anew where Nova lists one', async () => {
    at.nova.servers = [server('vm1')];
    expect(await run()).toBe(0);
    expect(at.journal[0]).toBe('mark comp0 yes');
  });

  it.each([
    ['cannot be asked', () => at.nova.outages.set('connect', failure('unreachable'))],
    ['fails to list', () => at.nova.outages.set('listServers', failure('serverError', 500))],
    [
      'cannot see the cell of the host',
      () => {
        at.nova.services = [service('comp0', { state: 'unknown', status: 'unknown' })];
      },
    ],
  ])('marks it anew where Nova %s', async (_, prepare) => {
    prepare();
    expect(await run()).toBe(0);
    expect(at.journal[0]).toBe('mark comp0 yes');
  });

  it('goes back to "no" when Nova answers late that it does not know the host', async () => {
    at.nova.failures.set('connect', [failure('timeout')]);
    at.nova.services = [service('comp1')];
    await expect(run()).rejects.toThrow('The mark of comp0 was taken back.');
    expect(at.journal).toEqual(['mark comp0 yes', 'mark comp0 no']);
  });

  it('marks nothing for a host that Nova does not know', async () => {
    at.nova.services = [service('comp1')];
    await expect(run()).rejects.toThrow('Nova does not know about comp0');
    expect(at.journal).toEqual([]);
  });
});

describe('off while Nova is in trouble', () => {
  it.each(['connect', 'listComputeServices', 'setForcedDown', 'disableService'])(
    'repeats %s that fails in passing',
    async (method) => {
      at.nova.failures.set(method, [failure('serverError', 503), failure('timeout')]);
      expect(await run()).toBe(0);
      expect(at.nova.services[0]).toMatchObject({ forcedDown: true, status: 'disabled' });
      expect(warnings()).toEqual([]);
      expect(at.elapsed()).toBeLessThan(10_000);
    },
  );

  it('leaves the rest to NovaEvacuate when its time is over, and says so', async () => {
    at.nova.outages.set('listComputeServices', failure('serverError', 503));
    expect(await run()).toBe(0);
    expect(at.journal).toEqual(['mark comp0 yes']);
    expect(warnings()).toEqual([
      'warn Exception from attempt to force host down via nova API: Nova says serverError. comp0 is marked, and NovaEvacuate tells Nova before it evacuates.',
    ]);
    expect(at.elapsed()).toBeGreaterThan(15_000);
    expect(at.elapsed()).toBeLessThanOrEqual(20_000);
  });

  it('does not repeat what cannot get better', async () => {
    at.nova.outages.set('connect', failure('authFailed', 401));
    expect(await run()).toBe(0);
    expect(at.nova.connects).toBe(1);
    expect(at.elapsed()).toBe(0);
    expect(warnings()).toHaveLength(1);
  });

  it('keeps to power_timeout when it applies', async () => {
    at.nova.outages.set('connect', failure('unreachable'));
    const ctx = at.context(`${stdin}\npower_timeout=5`, { timeoutsDisabled: false });
    expect(await off(ctx, at.world)).toBe(0);
    expect(at.elapsed()).toBeLessThanOrEqual(5_000);
  });

  it('does not fail the fencing for a defect of ours once the mark is safe', async () => {
    at.world.connect = async () => {
      throw new TypeError('x is not a function');
    };
    expect(await run()).toBe(0);
    expect(warnings()[0]).toContain('x is not a function');
  });
});

describe('off that fails', () => {
  it('when no mark could be written: nothing is told to Nova', async () => {
    at.marks.failures.set('setYes', attrdGone);
    await expect(run()).rejects.toThrow(
      'comp0 could not be marked for evacuation: attrd_updater could not connect to attrd. Nova was not told anything.',
    );
    expect(at.journal).toEqual([]);
    expect(at.nova.connects).toBe(0);
  });

  it('but not when the CIB takes it at last: it is tried until the deadline', async () => {
    at.marks.failures.set('setYes', refused);
    const sleep = at.world.sleep.bind(at.world);
    const patient = {
      ...at.world,
      sleep: async (ms: number) => {
        await sleep(ms);
        if (at.elapsed() >= 10_000) at.marks.failures.delete('setYes');
      },
    };
    expect(await off(at.context(stdin), patient)).toBe(0);
    expect(at.elapsed()).toBeLessThanOrEqual(20_000);
    expect(at.journal[0]).toBe('mark comp0 yes');
  });

  it('where the CIB refuses its permanent copy all along: fails, as it may be lost, and says what was reached', async () => {
    at.marks.failures.set('setYes', refused);
    at.marks.onRead = () => {
      // The transient copy was written.
      if (at.elapsed() > 0) at.marks.marks.set('hv-9', { kind: 'yes' });
    };
    at.marks.nodes = [];
    const call = run('nodename=hv-9\nport=comp0');
    await expect(call).rejects.toThrow(
      'hv-9 could not be marked for evacuation: setting permanent attribute evacuate of comp0 failed: crm_attribute ended with 124: Update does not conform to quorum policy. hv-9 bears a mark all the same. Nova was not told anything.',
    );
    expect(at.elapsed()).toBeGreaterThan(10_000);
    expect(at.elapsed()).toBeLessThanOrEqual(20_000);
  });

  it('but not when the marks cannot be read and one can be written', async () => {
    at.marks.failures.set('readAll', attrdGone);
    expect(await run()).toBe(0);
    expect(at.journal[0]).toBe('mark comp0 yes');
    expect(warnings()).toHaveLength(1);
  });

  it.each<[string, Mark | null, string[]]>([
    ['no mark before', null, ['mark comp0 yes', 'mark comp0 cleared']],
    [
      'a word nobody knows before',
      { kind: 'unknown', value: 'perhaps' },
      ['mark comp0 yes', 'mark comp0 cleared'],
    ],
    ['a mark before', { kind: 'yes' }, ['mark comp0 yes']],
    ['a claim before', claimed, ['mark comp0 yes']],
  ])('when Nova does not know the host; %s', async (_, before, journal) => {
    if (before !== null) at.marks.marks.set('comp0', before);
    at.nova.services = [service('comp1')];
    await expect(run()).rejects.toThrow('Nova does not know about comp0');
    expect(at.journal).toEqual(journal);
    expect(at.elapsed()).toBe(0);
  });

  it('when the name could mean several hosts, it names them and takes the mark back', async () => {
    at.nova.services = [service('comp0.a'), service('comp0.b')];
    await expect(run()).rejects.toThrow(/comp0\.a or comp0\.b.*The mark of comp0 was taken back/);
    expect(at.journal).toEqual(['mark comp0 yes', 'mark comp0 cleared']);
  });

  it('and says so when the mark cannot be taken back', async () => {
    at.nova.services = [];
    at.marks.failures.set('takeBack', attrdGone);
    await expect(run()).rejects.toThrow(
      'The mark of comp0 could not be taken back: attrd_updater could not connect',
    );
  });
});

describe('the DNS domain', () => {
  it.each(['domain=b', 'compute_domain=b', 'compute-domain=b\nuser_domain=a', 'domain=b\ncompute_domain=a'])(
    'as %j decides between hosts of the same name',
    async (line) => {
      at.nova.services = [service('comp0.a'), service('comp0.b')];
      expect(await run(`${stdin}\n${line}`)).toBe(0);
      expect(at.journal[1]).toBe('nova comp0.b forced down');
    },
  );
});
