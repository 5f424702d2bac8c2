import type { Migration } from '@openstack-ts/nova-client';
import { NovaError } from '@openstack-ts/nova-client';
import { afterEach, describe, expect, test } from 'vitest';
import { Rig } from './rig.ts';

let rig = new Rig();
afterEach(() => {
  expect(rig.nova.violations).toEqual([]);
});

function cloud(instances: number, seed = 1, hosts?: readonly string[]): Rig {
  rig = new Rig(seed, hosts);
  for (let index = 0; index < instances; index += 1) rig.nova.boot(`i${index}`, 'comp0');
  return rig;
}

const requestsPerInstance = () => [...rig.nova.asked.values()].map((times) => times.length);
const left = (host: string) => rig.nova.whereabouts()[host] ?? [];

describe('the way it usually goes', () => {
  test('every instance is asked for once and ends elsewhere, and the mark goes to no', async () => {
    const { nova } = cloud(20);
    nova.boot('off', 'comp0', { status: 'SHUTOFF', vmState: 'stopped', powerState: 4 });
    nova.boot('bystander', 'comp1');
    rig.fence('comp0');
    const outcome = await rig.pass();
    expect(outcome).toEqual({ troubled: false, sentence: null });
    expect(left('comp0')).toEqual([]);
    expect(requestsPerInstance()).toEqual(Array(21).fill(1));
    expect(nova.asked.has('bystander')).toBe(false);
    expect(nova.instance('off').server.vmState).toBe('stopped');
    expect(rig.mark('comp0')).toBe('no');
    expect(rig.pacemaker.permanent('comp0')).toBe('no');
    expect(nova.inFlightMax).toBe(16);
    expect(rig.log[0]).toBe('notice Initiating evacuation of comp0 with NovaEvacuate');
    expect(rig.log.at(-1)).toBe('notice Completed evacuation of comp0: 21 of 21 instances evacuated.');
    expect(rig.progress.at(-1)).toBe('comp0: 21/21 done');
  });

  test('an empty host is done at once', async () => {
    cloud(0).fence('comp0');
    expect(await rig.pass()).toEqual({ troubled: false, sentence: null });
    expect(rig.mark('comp0')).toBe('no');
    expect(rig.log).toContain('notice Completed evacuation of comp0: 0 of 0 instances evacuated.');
  });

  test('nothing is pending, and the evacuated machine is still off: Nova is not asked', async () => {
    cloud(2).setMark('comp0', 'no', 'no');
    rig.pacemaker.lost.add('comp0');
    rig.setMark('comp1', '');
    let connected = false;
    const connect = () => {
      connected = true;
      return Promise.reject(new Error('not to be called'));
    };
    expect(await rig.pass(rig.ctl0, { connect })).toEqual({ troubled: false, sentence: null });
    expect(connected).toBe(false);
  });

  test('a fence_compute that did not reach Nova: the host is held down first, forced_down before disabled', async () => {
    const { nova } = cloud(2);
    rig.fence('comp0', { tellNova: false });
    await rig.pass();
    const first = nova.calls.findIndex((call) => call.startsWith('evacuate'));
    expect(nova.calls.slice(0, first).filter((call) => /forced|disable/i.test(call))).toEqual([
      'setForcedDown comp0',
      'disableService comp0',
    ]);
    expect(nova.host('comp0').disabledReason).toMatch(
      /^Pacemaker fenced this host at 2026-11-21T03:00:\d\dZ/,
    );
    expect(rig.mark('comp0')).toBe('no');
    expect(rig.log).toContain('notice nova-compute on comp0 is now forced down and disabled.');
  });

  test('the original agents marked it under the name that is no cluster node', async () => {
    cloud(1, 1, ['comp0.example', 'comp1.example']).nova.boot('i', 'comp0.example');
    rig.nova.instances.delete('i0');
    rig.fence('comp0.example');
    await rig.pass();
    expect(rig.mark('comp0.example')).toBe('no');
    expect(rig.logged('is no cluster node, so its mark has no permanent copy')).toHaveLength(1);
  });

  test('shown while it goes on, at most every two seconds, and never going back', async () => {
    cloud(40).fence('comp0');
    await rig.pass();
    const done = rig.progress.map((line) => Number(/: (\d+)\/40 done/.exec(line)?.[1]));
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(done.length).toBeGreaterThan(3);
    expect(rig.progress.some((line) => /\d+ in flight, \d+ waiting/.test(line))).toBe(true);
  });

  test('evacuate_delay counts from the fencing', async () => {
    const { nova } = cloud(1);
    rig.fence('comp0');
    const settings = {
      concurrency: 16,
      onSharedStorage: true,
      evacuateDelayMs: 30_000,
      earlyReturn: 'release' as const,
    };
    const fencedAt = rig.time.now();
    const first = await rig.pass(rig.ctl0, { settings });
    expect(first).toEqual({
      troubled: false,
      sentence: 'evacuation of comp0 begins in 30 s (evacuate_delay).',
    });
    expect(rig.mark('comp0')).toBe('yes');
    await rig.time.pass(10_000);
    await rig.passes(10, rig.ctl0, { settings });
    expect(nova.asked.get('i0')?.[0]).toBeGreaterThanOrEqual(fencedAt + 30_000);
    expect(nova.asked.get('i0')?.[0]).toBeLessThan(fencedAt + 45_000);
    expect(rig.logged('Initiating evacuation')).toHaveLength(1);
  });
});

/** Until an evacuation to this host is under way; gives those that are. */
async function untilUnderWayTo(host: string): Promise<Migration[]> {
  for (let tries = 0; tries < 100; tries += 1) {
    const begun = rig.nova.records.filter(
      ({ destHost, status }) => destHost === host && status === 'pre-migrating',
    );
    if (begun.length > 0) return begun;
    await rig.time.pass(100);
  }
  throw new Error(`nothing was sent to ${host}`);
}

describe('several hosts', () => {
  test('share the concurrency fairly; one whose rebuilds hang holds up no other', async () => {
    const { nova } = cloud(20);
    for (let index = 0; index < 20; index += 1) nova.boot(`j${index}`, 'comp1');
    // Everything that leaves comp1 waits for ever.
    rig.fence('comp0');
    rig.fence('comp1');
    const hanging = (id: string) => id.startsWith('j');
    nova.fault = ({ method, about }) =>
      method === 'evacuate' && hanging(about) ? { kind: 'hang', doneAfterMs: null } : null;
    const running = rig.start(rig.ctl0, {
      settings: {
        concurrency: 4,
        onSharedStorage: true,
        evacuateDelayMs: 0,
        earlyReturn: 'release' as const,
      },
    });
    await rig.time.until(running.outcome);
    // Requests that hang have the rest of them slowed down, not stopped.
    expect(left('comp0').length).toBeLessThan(10);
    const outcome = await rig.pass();
    expect(left('comp0')).toEqual([]);
    expect(rig.mark('comp0')).toBe('no');
    expect(rig.isPending('comp1')).toBe(true);
    expect(outcome.sentence).toMatch(/^evacuation of comp1: 0\/20 done/);
  });

  test('one that Nova refuses to hold down holds up no other', async () => {
    const { nova } = cloud(3);
    nova.boot('j', 'comp1');
    rig.fence('comp0');
    rig.fence('comp1', { tellNova: false });
    const error = new NovaError('serverError', 'Nova failed to force comp1 down: boom (HTTP 500)', {
      status: 500,
    });
    nova.fault = ({ method }) => (method === 'setForcedDown' ? { kind: 'refuse', error } : null);
    const outcome = await rig.pass();
    expect(rig.mark('comp0')).toBe('no');
    expect(rig.mark('comp1')).toBe('yes');
    expect(outcome).toEqual({
      troubled: true,
      sentence:
        'evacuation of comp1 is held up: Nova failed to force comp1 down: boom (HTTP 500); its mark is kept and the next pass tries again.',
    });
  });

  test('one that is marked while a pass works is taken in by it', async () => {
    const { nova } = cloud(30);
    nova.boot('j', 'comp1');
    // Nothing is sent there meanwhile.
    nova.host('comp1').enabled = false;
    rig.fence('comp0');
    const running = rig.start();
    await rig.time.pass(2_000);
    rig.fence('comp1');
    await rig.time.until(running.outcome);
    expect([rig.mark('comp0'), rig.mark('comp1')]).toEqual(['no', 'no']);
    expect(requestsPerInstance()).toEqual(Array(31).fill(1));
  });

  test('one that dies as the destination of another: what it had begun ends on a third', async () => {
    const { nova } = cloud(12, 2);
    rig.fence('comp0');
    const running = rig.start();
    const begun = await untilUnderWayTo('comp1');
    nova.powerOff('comp1');
    await rig.time.pass(1_000);
    rig.fence('comp1');
    await rig.time.until(running.outcome);
    await rig.passes(5);
    expect(left('comp0')).toEqual([]);
    expect(left('comp1')).toEqual([]);
    for (const { serverId } of begun) expect(nova.asked.get(serverId)).toHaveLength(2);
    expect([rig.mark('comp0'), rig.mark('comp1')]).toEqual(['no', 'no']);
  });

  test('a destination that only went silent is waited for, and what it had begun is finished by it', async () => {
    const { nova } = cloud(12, 2);
    rig.fence('comp0');
    const running = rig.start();
    await untilUnderWayTo('comp1');
    nova.silence('comp1');
    const first = await rig.time.until(running.outcome);
    expect(first.troubled).toBe(true);
    expect(first.sentence).toContain(
      'comp1 went silent and is not fenced: waiting until it is back or fenced',
    );
    await rig.time.pass(10_000);
    await rig.pass();
    await rig.time.pass(10_000);
    nova.wake('comp1');
    await rig.passes(5);
    expect(requestsPerInstance()).toEqual(Array(12).fill(1));
    expect(left('comp0')).toEqual([]);
    expect(
      rig.logged('went silent').filter((line) => line.startsWith('warn Waiting for name-of-i')).length,
    ).toBe(new Set(rig.logged('went silent').map((line) => /name-of-\w+/.exec(line)?.[0])).size);
  });
});

describe('names', () => {
  test('two names of one host are one evacuation, and both marks go to no', async () => {
    cloud(6, 1, ['comp0', 'comp1']);
    rig.fence('comp0');
    rig.setMark('comp0.example.org', 'yes');
    await rig.pass();
    expect(requestsPerInstance()).toEqual(Array(6).fill(1));
    expect([rig.mark('comp0'), rig.mark('comp0.example.org')]).toEqual(['no', 'no']);
  });

  test('the second name comes while the first is at work: still one evacuation', async () => {
    cloud(40, 1, ['comp0', 'comp1', 'comp2']);
    rig.fence('comp0');
    const running = rig.start(rig.ctl0, {
      settings: {
        concurrency: 4,
        onSharedStorage: true,
        evacuateDelayMs: 0,
        earlyReturn: 'release' as const,
      },
    });
    await rig.time.pass(3_000);
    rig.setMark('comp0.example.org', 'yes');
    await rig.time.until(running.outcome);
    await rig.passes(5);
    expect(requestsPerInstance()).toEqual(Array(40).fill(1));
    expect([rig.mark('comp0'), rig.mark('comp0.example.org')]).toEqual(['no', 'no']);
    expect(rig.logged('Initiating evacuation')).toHaveLength(1);
  });

  test("a node's name is translated by pcmk_host_map", async () => {
    cloud(1);
    rig.pacemaker.remotes.add('remote-a');
    rig.hostMap.set('remote-a', 'comp0');
    rig.nova.isMarked = () => rig.isPending('remote-a');
    rig.fence('comp0', { name: 'remote-a' });
    await rig.pass();
    expect(rig.mark('remote-a')).toBe('no');
    expect(left('comp0')).toEqual([]);
  });

  test('one that Nova does not know: the mark is kept, named once, and others go on', async () => {
    cloud(1);
    rig.setMark('nosuch', 'yes');
    rig.fence('comp0');
    const outcome = await rig.pass();
    expect(rig.mark('comp0')).toBe('no');
    expect(rig.mark('nosuch')).toBe('yes');
    const sentence =
      'Nova does not know about nosuch: no nova-compute service bears this name. Its mark is kept; correct the name, or remove the mark with: attrd_updater -n evacuate -N nosuch -U no';
    expect(outcome).toEqual({ troubled: true, sentence });
    await rig.time.pass(10_000);
    expect((await rig.pass()).sentence).toBe(sentence);
    expect(rig.logged('Nova does not know about nosuch')).toEqual([`warn ${sentence}`]);
  });

  test('an ambiguous one is refused with both names', async () => {
    cloud(0, 1, ['comp0.a', 'comp0.b', 'comp1.a']);
    rig.setMark('comp0', 'yes', 'yes');
    const outcome = await rig.pass();
    expect(outcome.sentence).toMatch(
      /^comp0 could mean comp0.a or comp0.b: give the full name, or set domain\./,
    );
    expect(rig.mark('comp0')).toBe('yes');
    expect(rig.nova.calls).toEqual(['listComputeServices']);
  });

  test('an ambiguous one is settled by domain', async () => {
    cloud(0, 1, ['comp0.a', 'comp0.b', 'comp1.a']);
    rig.nova.boot('x', 'comp0.b');
    rig.nova.isMarked = () => rig.isPending('comp0');
    rig.fence('comp0.b', { name: 'comp0' });
    await rig.pass(rig.ctl0, { dnsDomain: 'b' });
    expect(rig.mark('comp0')).toBe('no');
    expect(left('comp0.b')).toEqual([]);
  });
});

describe('claims', () => {
  test('another evacuator that is alive is left alone until it is not', async () => {
    cloud(1);
    rig.fence('comp0');
    const began = rig.time.now();
    rig.setMark('comp0', `ctl1@${began / 1000}`);
    const outcome = await rig.pass();
    expect(outcome.sentence).toMatch(/^Deferring processing partial evacuation of comp0 by ctl1 at 2026/);
    expect(outcome.troubled).toBe(false);
    expect(rig.nova.asked.size).toBe(0);
    await rig.time.pass(10_000);
    await rig.passes(3);
    expect(rig.mark('comp0')).toBe('no');
    expect(rig.nova.asked.get('i0')?.[0]).toBeGreaterThan(began + 60_000);
    expect(rig.nova.asked.get('i0')?.[0]).toBeLessThan(began + 75_000);
    expect(rig.logged('Processing partial evacuation of comp0 by ctl1')).toHaveLength(1);
  });

  test('a live one is not logged at each refresh', async () => {
    cloud(1);
    rig.fence('comp0');
    const running = rig.start();
    for (let round = 0; round < 8; round += 1) {
      rig.setMark('comp0', `ctl1@${Math.floor(rig.time.now() / 1000)}`);
      await rig.time.pass(9_000);
    }
    await rig.time.until(running.outcome);
    expect(rig.logged('Deferring')).toHaveLength(1);
  });

  test('while one host is deferred, another that is marked meanwhile is not kept waiting', async () => {
    cloud(0).nova.boot('j', 'comp1');
    rig.fence('comp0');
    rig.setMark('comp0', `ctl1@${Math.floor(rig.time.now() / 1000) - 20}`);
    const running = rig.start();
    await rig.time.pass(3_000);
    rig.fence('comp1');
    const marked = rig.time.now();
    await rig.time.until(running.outcome);
    expect(rig.nova.asked.get('j')?.[0]).toBeLessThan(marked + 10_000);
  });

  test('one that another evacuator finishes meanwhile is not reported as open', async () => {
    cloud(0);
    rig.fence('comp0');
    rig.setMark('comp0', `ctl1@${Math.floor(rig.time.now() / 1000) - 20}`);
    const running = rig.start();
    await rig.time.pass(8_000);
    rig.setMark('comp0', 'no', 'no');
    expect(await rig.time.until(running.outcome)).toEqual({ troubled: false, sentence: null });
  });

  test('refreshed at least every 20 s of work, and given back at the end of a pass with work left', async () => {
    const { nova } = cloud(2);
    rig.fence('comp0');
    nova.conductorUp = false;
    const stamps: number[] = [];
    const running = rig.start();
    const watch = setTimesOf(stamps);
    for (let second = 0; second < 59; second += 1) {
      await rig.time.pass(1_000);
      watch();
    }
    for (const [index, stamp] of stamps.entries()) {
      if (index > 0) expect(stamp - (stamps[index - 1] ?? 0)).toBeLessThanOrEqual(20);
    }
    expect(stamps.length).toBeGreaterThanOrEqual(5);
    const outcome = await rig.time.until(running.outcome);
    expect(outcome.sentence).toBe('evacuation of comp0: 0/2 done, 2 in flight; it goes on at the next pass.');
    expect(rig.mark('comp0')).toBe('yes');
  });

  test('a purge of the transient copy in mid-pass loses neither mark nor claim', async () => {
    const { nova } = cloud(2);
    rig.fence('comp0');
    nova.conductorUp = false;
    const running = rig.start();
    await rig.time.pass(5_000);
    rig.pacemaker.purge('comp0');
    await rig.time.pass(12_000);
    expect(rig.mark('comp0')).toMatch(/^ctl0@/);
    nova.conductorUp = true;
    await rig.time.until(running.outcome);
    expect(rig.mark('comp0')).toBe('no');
    expect(requestsPerInstance()).toEqual([1, 1]);
  });

  test('somebody else claims it in mid-pass: nothing more is asked, and the claim is left alone', async () => {
    cloud(40);
    rig.fence('comp0');
    const running = rig.start(rig.ctl0, {
      settings: {
        concurrency: 2,
        onSharedStorage: true,
        evacuateDelayMs: 0,
        earlyReturn: 'release' as const,
      },
    });
    await rig.time.pass(8_000);
    rig.setMark('comp0', 'ctl1@1795230008');
    await rig.time.pass(12_000);
    const asked = rig.nova.asked.size;
    const outcome = await rig.time.until(running.outcome);
    expect(rig.nova.asked.size).toBe(asked);
    expect(asked).toBeLessThan(40);
    expect(outcome.sentence).toBe('evacuation of comp0 stopped: ctl1 has claimed it.');
    expect(rig.mark('comp0')).toBe('ctl1@1795230008');
  });

  test('somebody else writes the mark at any moment: that is what stands in the end', async () => {
    for (const value of ['ctl1@1795230008', 'rubbish']) {
      for (let at = 0; at < 6_000; at += 60) {
        cloud(1, 5);
        rig.toolLatency = () => 0;
        rig.nova.isMarked = () => true;
        rig.fence('comp0');
        const running = rig.start();
        await rig.time.pass(at);
        const done = rig.mark('comp0') === 'no';
        rig.setMark('comp0', value);
        await rig.time.until(running.outcome);
        expect([at, done, rig.mark('comp0')]).toEqual([at, done, value]);
      }
    }
  });

  test('an operator sets the mark to no in mid-pass: it stays no', async () => {
    cloud(40);
    rig.fence('comp0');
    const running = rig.start(rig.ctl0, {
      settings: {
        concurrency: 2,
        onSharedStorage: true,
        evacuateDelayMs: 0,
        earlyReturn: 'release' as const,
      },
    });
    await rig.time.pass(8_000);
    // What was sent before the pass could know is no offence.
    rig.setMark('comp0', 'no');
    rig.nova.isMarked = () => rig.time.now() < noticedBy;
    const noticedBy = rig.time.now() + 11_000;
    const outcome = await rig.time.until(running.outcome);
    expect(outcome.sentence).toBe('evacuation of comp0 stopped: somebody set its mark to "no".');
    expect(rig.mark('comp0')).toBe('no');
    expect(rig.nova.asked.size).toBeLessThan(20);
  });

  test('an operator sets rubbish: it is left alone and named', async () => {
    cloud(40);
    rig.fence('comp0');
    const running = rig.start(rig.ctl0, {
      settings: {
        concurrency: 2,
        onSharedStorage: true,
        evacuateDelayMs: 0,
        earlyReturn: 'release' as const,
      },
    });
    await rig.time.pass(8_000);
    rig.setMark('comp0', 'stop it');
    rig.nova.isMarked = () => true;
    const outcome = await rig.time.until(running.outcome);
    expect(outcome.sentence).toBe('evacuation of comp0 stopped: somebody set its mark to "stop it".');
    expect(rig.mark('comp0')).toBe('stop it');
  });

  test('fenced again in mid-pass: the yes is claimed again', async () => {
    cloud(40);
    rig.fence('comp0');
    const running = rig.start(rig.ctl0, {
      settings: {
        concurrency: 2,
        onSharedStorage: true,
        evacuateDelayMs: 0,
        earlyReturn: 'release' as const,
      },
    });
    await rig.time.pass(8_000);
    rig.fence('comp0');
    await rig.time.pass(12_000);
    expect(rig.mark('comp0')).toMatch(/^ctl0@/);
    await rig.time.until(running.outcome);
    await rig.passes(5);
    expect(rig.mark('comp0')).toBe('no');
  });

  test('a claim that is being refreshed never overwrites the no of a host that was done meanwhile', async () => {
    // Slow tools, many hosts: refreshes of some are under way when others are done.
    for (let seed = 1; seed <= 12; seed += 1) {
      cloud(2, seed, ['comp0', 'comp1', 'comp2', 'comp3', 'comp4']);
      for (const host of ['comp1', 'comp2', 'comp3']) {
        for (let index = 0; index < 3 * Number(host.at(-1)); index += 1)
          rig.nova.boot(`${host}-${index}`, host);
      }
      rig.toolLatency = () => 100 + rig.random() * 1_500;
      for (const host of ['comp0', 'comp1', 'comp2', 'comp3']) rig.fence(host);
      await rig.pass(rig.ctl0, {
        settings: {
          concurrency: 4,
          onSharedStorage: true,
          evacuateDelayMs: 0,
          earlyReturn: 'release' as const,
        },
      });
      await rig.time.pass(5_000);
      const after = rig.writes.map((write) => write.split('='));
      for (const host of ['comp0', 'comp1', 'comp2', 'comp3']) {
        const own = after.filter(([name]) => name === host).map(([, value]) => value);
        const no = own.indexOf('no');
        if (no >= 0) expect([seed, host, own.slice(no)]).toEqual([seed, host, ['no']]);
      }
    }
  });
});

/** Collects the seconds of the claims that stand in comp0's mark. */
function setTimesOf(stamps: number[]): () => void {
  return () => {
    const at = Number(/^ctl0@(\d+)$/.exec(rig.mark('comp0'))?.[1]);
    if (!Number.isNaN(at) && stamps.at(-1) !== at) stamps.push(at);
  };
}
