import { beforeEach, describe, expect, test } from 'vitest';
import type { Surroundings } from '../simulators/cloud/observer.ts';
import type { Outcome } from '../simulators/cloud/services.ts';
import { password, Site } from '../simulators/world/site.ts';

/** The observer is believed only because it was seen to cry out: each rule is broken here, once. */
describe('the observer', () => {
  let site: Site;
  let token: string;
  /** What an incident would tell it. */
  let around: { -readonly [K in keyof Surroundings]: Surroundings[K] };

  beforeEach(async () => {
    site = new Site(1, {
      nodes: ['comp0', 'comp1', 'comp2'],
      domain: '',
      knobs: {},
      scenario: {
        hosts: ['comp0', 'comp1', 'comp2'],
        servers: [
          { id: 'a', name: 'a', host: 'comp0' },
          { id: 'b', name: 'b', host: 'comp0' },
          { id: 'c', name: 'c', host: 'comp1', locked: true },
        ],
      },
    });
    around = {
      mark: (host) => site.mark(host),
      nodeOf: (sender) => sender.split(' ', 1)[0] ?? '',
      healthySince: () => 0,
      staysBecause: () => null,
      cannotLeaveBecause: () => null,
      groupOf: () => null,
      pausedSince: () => null,
      takenBackSince: () => null,
      hostOf: (name) => name,
      shown: () => ['evacuation of comp0: 1 waiting'],
      wantsCommands: false,
      judgesCounts: true,
      now: () => site.time.now(),
      hostsAtOnce: () => 0,
      failedPercent: () => 100,
      givesUpDisks: false,
      secrets: [password],
    };
    const outcome = await send('keystone', 'POST', '/v3/auth/tokens', {
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'ha', domain: { name: 'Default' }, password } },
        },
        scope: { project: { name: 'admin', domain: { name: 'Default' } } },
      },
    });
    token = outcome.kind === 'reply' ? (outcome.reply.headers['X-Subject-Token'] ?? '') : '';
    site.cloud.world.observer.watch(around);
  });

  const send = (
    service: 'nova' | 'keystone',
    method: string,
    target: string,
    body: unknown,
    sender = 'ctl0 1',
  ): Promise<Outcome> =>
    site.cloud.answer({
      service,
      method,
      target,
      body: JSON.stringify(body),
      headers: { 'x-auth-token': token, 'x-openstack-nova-api-version': '2.53' },
      origin: 'http://nova.cloud',
      sender,
    });

  const evacuate = (id: string, sender?: string) =>
    send('nova', 'POST', `/v2.1/servers/${id}/action`, { evacuate: {} }, sender);

  const mark = (node: string, transient: string, permanent = transient) => {
    const values = site.pacemaker.transient.get('evacuate') ?? new Map<string, string>();
    site.pacemaker.transient.set('evacuate', values.set(node, transient));
    site.pacemaker.nodes.set(node, new Map([['evacuate', permanent]]));
  };

  /** The host is off, marked, reported and held down: everything is as it should be. */
  const fence = (node: string) => {
    site.cloud.world.killCompute(node, { power: false });
    site.host(node).forcedDown = true;
    mark(node, 'yes');
    site.cloud.world.observer.fenced(node);
  };

  const seen = () => {
    site.cloud.world.observer.look();
    return site.cloud.world.observer.violations.map(({ rule, sentence }) => `${rule} ${sentence}`);
  };

  test('has nothing to say of a host that is evacuated as it should be', async () => {
    fence('comp0');
    mark('comp0', `ctl0@${Math.floor(site.time.now() / 1000)}`, 'yes');
    await evacuate('a');
    await evacuate('b');
    await site.time.pass(20_000);
    mark('comp0', 'no');
    site.cloud.world.observer.end([], new Set());
    expect(seen()).toEqual([]);
  });

  test('I1: a host that Nova takes for up', async () => {
    mark('comp0', 'yes');
    await evacuate('a');
    expect(seen()).toContainEqual(expect.stringMatching(/^I1 .*comp0 is up/));
  });

  test('I1: a host that bears no mark', async () => {
    fence('comp0');
    mark('comp0', 'no');
    await evacuate('a');
    expect(seen()).toContainEqual(expect.stringMatching(/^I1 .*the marks read "no" and "no"/));
  });

  test('I1: a guest that runs', async () => {
    fence('comp0');
    site.host('comp0').domains.set('a', true);
    await evacuate('a');
    expect(seen()).toContainEqual(expect.stringMatching(/^I1 .*while it ran there/));
  });

  test('I2: a second request while one is in flight', async () => {
    fence('comp0');
    await evacuate('a');
    await evacuate('a');
    expect(seen()).toContainEqual(expect.stringMatching(/^I2 A second evacuation of a/));
  });

  test('I2: an instance that has arrived already', async () => {
    fence('comp0');
    await evacuate('a');
    await site.time.pass(20_000);
    await evacuate('a');
    expect(seen()).toContainEqual(expect.stringMatching(/^I2 .*although it had already arrived/));
  });

  test('I2: an instance that is reset while it is being evacuated', async () => {
    fence('comp0');
    await evacuate('a');
    await send('nova', 'POST', '/v2.1/servers/a/action', { 'os-resetState': { state: 'error' } });
    expect(seen()).toEqual(['I2 a was reset while it was being evacuated.']);
  });

  test('I6: an instance that runs and is rebooted', async () => {
    const reboot = () => send('nova', 'POST', '/v2.1/servers/a/action', { reboot: { type: 'HARD' } });
    await reboot();
    expect(seen()).toEqual(['I6 a ran and was cut off by a hard reboot.']);
  });

  test('I6: an instance that is being started and is rebooted again', async () => {
    fence('comp0');
    const reboot = () => send('nova', 'POST', '/v2.1/servers/a/action', { reboot: { type: 'HARD' } });
    await reboot();
    await site.time.pass(600);
    expect(seen()).toEqual([]);
    await reboot();
    expect(seen()).toEqual(['I6 a was being started and was rebooted again.']);
  });

  test('I3: nova-compute is started, and the host forced up, with one in flight', async () => {
    fence('comp0');
    await evacuate('a');
    await send('nova', 'PUT', `/v2.1/os-services/${site.host('comp0').serviceId}`, { forced_down: false });
    expect(seen()).toContainEqual(expect.stringMatching(/^I3 forced_down of comp0 was cleared/));
    site.boot('comp0');
    site.startCompute('comp0');
    expect(seen()).toContainEqual(expect.stringMatching(/^I3 nova-compute was started on comp0/));
  });

  test.each([
    ['cleared', '', ''],
    ['done too early', 'no', 'no'],
  ])('I4: a reported mark that is %s', (_, transient, permanent) => {
    fence('comp0');
    mark('comp0', transient, permanent);
    expect(seen()).toContainEqual(expect.stringMatching(/^I4 comp0 is off/));
  });

  test('I4: a reported mark without a trace, on a host that has nobody left', async () => {
    fence('comp2');
    mark('comp2', 'no');
    expect(seen()).toEqual([]);
    mark('comp2', '');
    expect(seen()).toContainEqual(expect.stringMatching(/^I4 comp2 is off/));
  });

  test('I5: a request by somebody who has not claimed the host', async () => {
    fence('comp0');
    mark('comp0', `ctl1@${Math.floor(site.time.now() / 1000)}`, 'yes');
    await evacuate('a', 'ctl0 7');
    expect(seen()).toContainEqual(expect.stringMatching(/^I5 .*by ctl0 7 while ctl1 had claimed/));
  });

  test('I5: a dead evacuator that nobody replaces', async () => {
    fence('comp0');
    mark('comp0', `ctl1@${Math.floor(site.time.now() / 1000)}`, 'yes');
    expect(seen()).toEqual([]);
    await site.time.pass(80_000);
    expect(seen()).toEqual([]);
    await site.time.pass(10_000);
    expect(seen()).toContainEqual(expect.stringMatching(/^I5 ctl1 has claimed comp0 90 s ago/));
  });

  test('I6: a lock that is taken away', async () => {
    await send('nova', 'POST', '/v2.1/servers/c/action', { unlock: null });
    expect(seen()).toContainEqual(expect.stringMatching(/^I6 the lock of c/));
  });

  test('I6: an instance that is rebuilt empty, unless that is wanted', async () => {
    site.cloud.world.knobs.sharedStorage = false;
    fence('comp0');
    await evacuate('a');
    await site.time.pass(20_000);
    expect(seen()).toContainEqual(expect.stringMatching(/^I6 a was rebuilt with an empty disk/));
    const before = seen().length;
    around.givesUpDisks = true;
    await evacuate('b');
    await site.time.pass(20_000);
    expect(seen()).toHaveLength(before);
  });

  test('I6: an instance that is left, and nobody is told', () => {
    fence('comp0');
    site.cloud.world.observer.end(['Leaving a on comp0: it is paused.'], new Set());
    expect(seen()).toContainEqual(expect.stringMatching(/^I6 a is left on comp0 .*nobody was told/));
    expect(seen()).toContainEqual(expect.stringMatching(/^I6 b is left on comp0 .*nobody was told/));
  });

  test('I6: a failure is told in Nova’s words, or it is not told', () => {
    fence('comp0');
    const server = site.cloud.world.server('a');
    server.vmState = 'error';
    server.fault = { code: 500, message: 'The disk is on fire', details: '', created: 0 };
    around.staysBecause = ({ id }) => (id === 'b' ? 'it is paused' : null);
    site.cloud.world.observer.end(['a failed', 'b is left'], new Set());
    expect(seen()).toEqual([expect.stringMatching(/^I6 a is left on comp0 \(error, The disk is on fire\)/)]);
    site.cloud.world.observer.end(['a failed: The disk is on fire', 'b is left'], new Set());
    expect(seen()).toHaveLength(1);
  });

  test('I6: an instance that was off and ends on, or runs nowhere', () => {
    site.host('comp0').domains.set('b', false);
    site.cloud.world.observer.end([], new Set(['a']));
    expect(seen()).toContainEqual(expect.stringMatching(/^I6 a ended active on comp0, not stopped/));
    expect(seen()).toContainEqual(expect.stringMatching(/^I6 b is active on comp0 and runs on none/));
  });

  test('I7: a host that an operator had disabled is enabled', async () => {
    Object.assign(site.host('comp0'), { disabled: true, disabledReason: 'broken fan' });
    await send('nova', 'PUT', `/v2.1/os-services/${site.host('comp0').serviceId}`, { status: 'enabled' });
    expect(seen()).toContainEqual(expect.stringMatching(/^I7 .*broken fan/));
  });

  test('I8: a password in a log, a token in an address', async () => {
    site.hear(`log in with ${password}`);
    await send('nova', 'GET', `/v2.1/servers?token=${token}`, {});
    expect(seen()).toEqual([
      expect.stringMatching(/^I8 a log shows a secret/),
      expect.stringMatching(/^I8 the address of GET/),
    ]);
    expect(seen().join()).not.toContain(password);
  });

  test('I8: a password among the arguments of a tool', async () => {
    const run = site.toolsFor(site.newProcess('ctl0'));
    await site.time.until(run('attrd_updater', ['-n', 'x', '-N', 'comp0', '-U', password]));
    expect(seen()).toContainEqual(expect.stringMatching(/^I8 an argument list/));
  });

  test('which: somebody who is to stay', async () => {
    fence('comp0');
    around.staysBecause = ({ id }) => (id === 'a' ? 'evacuable=false' : null);
    await evacuate('a');
    expect(seen()).toContainEqual(expect.stringMatching(/^which a .*evacuable=false/));
  });

  test('order: a later group before an earlier one is elsewhere', async () => {
    fence('comp0');
    around.groupOf = ({ id }) => ({ a: 0, b: 1 })[id] ?? null;
    await evacuate('a');
    await evacuate('b');
    expect(seen()).toEqual([expect.stringMatching(/^order b .*before a of an earlier group/)]);
  });

  test.each([
    ['the same evacuator', 'ctl0', 1],
    ['another evacuator', 'ctl1', 0],
  ])('order: an earlier group on a host that %s is at work on', async (_who, owner, count) => {
    fence('comp0');
    fence('comp1');
    around.groupOf = ({ id }) => ({ a: 0, c: 1 })[id] ?? null;
    mark('comp0', `${owner}@${Math.floor(site.time.now() / 1000)}`, 'yes');
    await evacuate('b', `${owner} 7`);
    await evacuate('c');
    expect(seen().filter((line) => line.startsWith('order c'))).toHaveLength(count);
  });

  test('limit: one more host than may be at once', async () => {
    around.hostsAtOnce = () => 1;
    fence('comp0');
    await evacuate('a');
    await site.time.pass(100);
    fence('comp1');
    await evacuate('c');
    expect(seen()).toEqual([expect.stringMatching(/^limit c .*while comp0 were at it and 1 may/)]);
  });

  test('limit: more hosts than may fail', async () => {
    around.failedPercent = () => 34;
    fence('comp0');
    await site.time.pass(30_000);
    fence('comp1');
    await evacuate('a');
    expect(seen()).toEqual([]);
    await evacuate('c');
    expect(seen()).toEqual([expect.stringMatching(/^limit c .*after comp0 had failed/)]);
  });

  test('limit: an evacuation that an operator has paused', async () => {
    fence('comp0');
    const since = site.time.now();
    around.pausedSince = () => since;
    await evacuate('a');
    expect(seen()).toEqual([]);
    await site.time.pass(20_000);
    await evacuate('b');
    expect(seen()).toEqual([expect.stringMatching(/^limit b .*paused/)]);
  });

  test('twice: a guest that is started while it runs elsewhere', async () => {
    fence('comp0');
    site.host('comp0').powered = true;
    site.host('comp0').domains.set('a', true);
    await evacuate('a');
    await site.time.pass(20_000);
    expect(seen()).toContainEqual(
      expect.stringMatching(/^twice a was started on comp\d while it still ran on comp0/),
    );
  });

  test('I4: an operator who has taken a mark back is overruled', async () => {
    fence('comp0');
    mark('comp0', 'no', 'yes');
    const since = site.time.now();
    around.takenBackSince = () => since;
    await evacuate('a');
    expect(seen()).toEqual([]);
    await site.time.pass(20_000);
    await evacuate('b');
    expect(seen()).toEqual([expect.stringMatching(/^I1 b .*the marks read "no" and "yes"/)]);
    mark('comp0', `ctl0@${Math.floor(site.time.now() / 1000)}`, 'yes');
    expect(seen()).toContainEqual(
      expect.stringMatching(/^I4 the mark of comp0, which an operator took back/),
    );
  });

  test('I4: a sign of life that is written over the half of a word stays', async () => {
    fence('comp0');
    const since = site.time.now();
    around.takenBackSince = () => since;
    mark('comp0', `ctl0@${Math.floor(since / 1000)}`, 'no');
    await site.time.pass(10_000);
    expect(seen()).toEqual([]);
    await site.time.pass(10_000);
    expect(seen()).toEqual([expect.stringMatching(/^I4 the mark of comp0, which an operator took back/)]);
  });

  describe('I6: what waits for minutes', () => {
    beforeEach(() => {
      fence('comp0');
      seen();
    });

    test('has a reason that is shown', async () => {
      await site.time.pass(200_000);
      expect(seen()).toEqual([]);
      around.shown = () => [];
      await site.time.pass(5_000);
      expect(seen()).toEqual([expect.stringMatching(/^I6 a, b on comp0 wait, and nothing that is shown/)]);
    });

    test('is none as long as something hinders it', async () => {
      around.shown = () => [];
      around.healthySince = () => null;
      await site.time.pass(200_000);
      expect(seen()).toEqual([]);
    });

    test('has a command that ends it, where nobody helps unasked', async () => {
      around.wantsCommands = true;
      await site.time.pass(2_000_000);
      expect(seen()).toEqual([expect.stringMatching(/^I6 a, b on comp0 wait, and no command .*1 waiting/)]);
      around.shown = () => ['evacuation of comp0: a waits; to end it: openstack server set --state error a'];
      expect(seen()).toHaveLength(1);
    });
  });

  describe('I11: a sentence', () => {
    /** Says it, and gives what is not true in it. */
    const said = (sentence: string) => {
      const before = site.cloud.world.observer.violations.length;
      site.hear(sentence);
      return site.cloud.world.observer.violations.slice(before).map((one) => `${one.rule} ${one.sentence}`);
    };
    const id = '00000000-0000-4000-8000-000000000007';

    beforeEach(() => {
      fence('comp0');
      seen();
    });

    test('about an evacuation that is complete', async () => {
      const whole = 'Completed evacuation of comp0: 2 of 2 instances evacuated.';
      expect(said(whole)).toEqual([expect.stringMatching(/^I11 .*but a, b must still leave\.$/)]);
      await evacuate('a');
      await evacuate('b');
      await site.time.pass(20_000);
      expect(said(whole)).toEqual([]);
      expect(said('Completed evacuation of comp0: 3 of 3 instances evacuated.')).toEqual([
        expect.stringMatching(/^I11 .*no more than 2 were evacuated/),
      ]);
      expect(said('Completed evacuation of comp0: 0 of 0 instances evacuated.')).toEqual([
        expect.stringMatching(/^I11 .*but 2 were evacuated/),
      ]);
      around.judgesCounts = false;
      expect(said('Completed evacuation of comp0: 0 of 0 instances evacuated.')).toEqual([]);
    });

    test('about those that are left', async () => {
      around.staysBecause = () => 'they are paused';
      const left = (count: string) => `Completed evacuation of comp0: 0 of ${count} left there: a; b.`;
      expect(said(left('2 instances evacuated, 2'))).toEqual([]);
      expect(said(left('1 instances evacuated, 1'))).toEqual([expect.stringMatching(/but 2 are left/)]);
      expect(said(left('0 instances evacuated, 2'))).toEqual([expect.stringMatching(/do not add up/)]);
      expect(said('Completed evacuation of comp0: 0 of 0 instances evacuated.')).toEqual([
        expect.stringMatching(/but 2 are left/),
      ]);
    });

    test.each([
      ['evacuation-comp0: 1/2 done, 1 in flight'],
      ['Evacuation of comp0: 1/2 done, 1 in flight.'],
      ['evacuation of comp0: 1/2 done, 1 in flight; it goes on at the next pass.'],
    ])('about how far it has come: %s', async (sentence) => {
      expect(said(sentence)).toEqual([expect.stringMatching(/no more than 0 have arrived elsewhere/)]);
      await evacuate('a');
      await site.time.pass(20_000);
      expect(said(sentence)).toEqual([]);
      expect(said(sentence.replace('1/2', '1/0'))).toEqual([
        expect.stringMatching(/more are done than there are/),
      ]);
    });

    test('counts a host that was fenced anew while its mark waited from either fencing', async () => {
      await evacuate('a');
      await site.time.pass(20_000);
      site.cloud.world.observer.fenced('comp0');
      expect(said('evacuation-comp0: 1/2 done')).toEqual([]);
      await site.time.pass(60_000);
      await evacuate('b');
      await site.time.pass(20_000);
      expect(said('Completed evacuation of comp0: 1 of 1 instances evacuated.')).toEqual([]);
      expect(said('Completed evacuation of comp0: 2 of 2 instances evacuated.')).toEqual([]);
      expect(said('Completed evacuation of comp0: 0 of 0 instances evacuated.')).toHaveLength(1);
    });

    test('about where an instance is, and its name', async () => {
      site.cloud.world.addServer({ id, name: 'vm7', host: 'comp0' });
      const line = (host: string, name = 'vm7') => `Evacuated ${name} (${id}) from comp0: it is on ${host}.`;
      expect(said(line('comp1'))).toEqual([expect.stringMatching(/it is on comp0, and has no record/)]);
      await evacuate(id);
      await site.time.pass(20_000);
      const there = site.cloud.world.server(id).host ?? '';
      expect(said(line(there))).toEqual([]);
      expect(said(line(there === 'comp1' ? 'comp2' : 'comp1'))).toHaveLength(1);
      expect(said(line(there, 'vm8'))).toEqual([expect.stringMatching(new RegExp(`${id} is vm7`))]);
    });

    test('about a pause', async () => {
      const line = 'comp0 is paused by cluster property evacuation=pause and goes on after: …';
      expect(said(line)).toEqual([expect.stringMatching(/it is not paused/)]);
      const since = site.time.now();
      around.pausedSince = () => since;
      expect(said(line)).toEqual([]);
      seen();
      around.pausedSince = () => null;
      expect(said(line)).toEqual([]);
      await site.time.pass(20_000);
      expect(said(line)).toHaveLength(1);
    });

    test('about a host that Nova holds down', () => {
      const line = 'nova-compute on comp0 is now forced down and disabled.';
      expect(said(line)).toHaveLength(1);
      site.host('comp0').disabled = true;
      expect(said(line)).toEqual([]);
    });
  });
});
