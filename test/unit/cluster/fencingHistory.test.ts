import { describe, expect, test } from 'vitest';
import { AttrdError, type CommandRunner, nodeName } from '../../../lib/attrd/index.ts';
import { createFencingHistory } from '../../../lib/cluster/index.ts';
import { done, FakePacemaker, failed } from '../../simulators/world/fakePacemaker.ts';
import { plainly } from '../names.ts';

const history = (run: CommandRunner) => plainly(createFencingHistory({ env: {}, timeoutMs: 1000, run }));
const unknown = { known: false, lastSuccess: null, pending: false };
const at = (time: string) => Date.parse(time);

/** What stonith_admin of 2.1.5 prints for these elements. */
const printed = (...events: string[]) =>
  done(`<pacemaker-result api-version="2.25" request="stonith_admin --history comp0 --verbose --output-as=xml">
  <list name="fencing history" count="${events.length}">
    ${events.join('\n    ')}
  </list>
  <status code="0" message="OK"/>
</pacemaker-result>
`);
const read = (...events: string[]) => history(async () => printed(...events)).readFencing('comp0');

const event = (action: string, status: string, completed?: string, target = 'comp0') =>
  `<fence_event action="${action}" target="${target}" client="pacemaker-controld.53" origin="ctl0" status="${status}" ${completed === undefined ? 'extended-status="3"' : `delegate="ctl0" completed="${completed}"`}/>`;

describe('the history as 2.1.5 and 3.0.2 tell it', () => {
  test('all of it is asked for: without --verbose 2.1.5 tells one entry, and not the newest', async () => {
    const pacemaker = new FakePacemaker();
    pacemaker.fencing = [
      { target: 'comp0', action: 'reboot', status: 'success', completed: '2026-11-21 10:38:41Z' },
      { target: 'comp0', action: 'off', status: 'success', completed: '2026-11-21 10:37:30Z' },
    ];
    expect(await history(pacemaker.run).readFencing('comp0')).toEqual({
      known: true,
      lastSuccess: at('2026-11-21T10:38:41Z'),
      pending: false,
    });
    expect(pacemaker.calls).toEqual(['stonith_admin --history comp0 --verbose --output-as=xml']);
  });

  test('an empty one is known: nothing was fenced, as far as the fencers remember', async () => {
    const pacemaker = new FakePacemaker();
    const empty = { known: true, lastSuccess: null, pending: false };
    expect(await history(pacemaker.run).readFencing('comp0')).toEqual(empty);
    const real =
      done(`<pacemaker-result api-version="2.25" request="stonith_admin --history comp0 --output-as=xml">
  <list name="fencing history" count="0"/>
  <status code="0" message="OK"/>
</pacemaker-result>
`);
    expect(await history(async () => real).readFencing('comp0')).toEqual(empty);
  });

  test('the newest success counts, wherever it stands', async () => {
    expect(
      await read(
        event('off', 'success', '2026-11-21 10:37:30Z'),
        event('reboot', 'success', '2026-11-21 10:38:41Z'),
        event('reboot', 'success', '2026-11-21 10:38:25Z'),
      ),
    ).toEqual({ known: true, lastSuccess: at('2026-11-21T10:38:41Z'), pending: false });
  });

  test('a fencing that failed is none, and neither is the unfencing of a node that joins', async () => {
    expect(
      await read(
        event('on', 'success', '2026-11-21 10:50:00Z'),
        event('reboot', 'failed', '2026-11-21 10:40:21Z'),
        event('off', 'success', '2026-11-21 10:37:30Z'),
      ),
    ).toEqual({ known: true, lastSuccess: at('2026-11-21T10:37:30Z'), pending: false });
  });

  test('one that an operator vouched for counts like any other', async () => {
    expect(
      await read(
        '<fence_event action="off" target="comp0" client="stonith_admin.1421" origin="ctl0" status="success" delegate="a human" completed="2026-11-21 10:39:49Z"/>',
      ),
    ).toEqual({ known: true, lastSuccess: at('2026-11-21T10:39:49Z'), pending: false });
  });

  test('one is under way, in either phase of a reboot by several devices', async () => {
    const earlier = event('off', 'success', '2026-11-21 10:37:30Z');
    for (const action of ['off', 'on', 'reboot']) {
      expect(await read(event(action, 'pending'), earlier)).toEqual({
        known: true,
        lastSuccess: at('2026-11-21T10:37:30Z'),
        pending: true,
      });
    }
  });

  test('entries of other nodes say nothing', async () => {
    expect(
      await read(
        event('off', 'success', '2026-11-21 10:38:41Z', 'comp1'),
        event('off', 'pending', undefined, 'comp1'),
      ),
    ).toEqual({ known: true, lastSuccess: null, pending: false });
  });

  test.each([
    ['2026-11-21 10:37:30Z', '2026-11-21T10:37:30Z'],
    ['2026-11-21 10:37:30 Z', '2026-11-21T10:37:30Z'],
    ['2026-11-21 16:07:30 +05:30', '2026-11-21T10:37:30Z'],
    ['2026-11-21 05:37:30 -05:00', '2026-11-21T10:37:30Z'],
    ['2026-11-21 10:37:30.250000Z', '2026-11-21T10:37:30.250Z'],
  ])('%s is understood, in whatever zone the machine prints it', async (printedTime, time) => {
    expect((await read(event('off', 'success', printedTime))).lastSuccess).toBe(at(time));
  });
});

describe('a history that cannot be read is not known, and stops nothing', () => {
  test.each(['1.1.18', '2.0.5'] as const)('%s, whose tools tell no XML', async (version) => {
    const pacemaker = new FakePacemaker(version);
    pacemaker.fencing = [
      { target: 'comp0', action: 'off', status: 'success', completed: '2026-11-21 10:37:30Z' },
    ];
    expect(await history(pacemaker.run).readFencing('comp0')).toEqual(unknown);
  });

  test('no fencer answers', async () => {
    const pacemaker = new FakePacemaker();
    pacemaker.running = false;
    expect(await history(pacemaker.run).readFencing('comp0')).toEqual(unknown);
  });

  test('a tool that is missing or late', async () => {
    for (const code of ['missing', 'timeout', 'failed'] as const) {
      const run: CommandRunner = async () => {
        throw new AttrdError(code, 'stonith_admin did not answer');
      };
      expect(await history(run).readFencing('comp0')).toEqual(unknown);
    }
    const real = createFencingHistory({ env: { PATH: '/nonexistent' }, timeoutMs: 1 });
    expect(await real.readFencing(nodeName('comp0'))).toEqual(unknown);
  });

  test('an answer that is not understood, in whole or in part', async () => {
    const good = event('off', 'success', '2026-11-21 10:37:30Z');
    for (const answer of [
      done(''),
      done('comp0 was fenced at Sat Nov 21 10:37:30 2026'),
      printed(good, event('off', 'success', 'Sat Nov 21 10:40:00')),
      printed(good, event('off', 'cancelled', '2026-11-21 10:40:00Z')),
      printed(good, '<fence_event action="off" status="pending"/>'),
      failed(1, 'stonith_admin: something else'),
    ]) {
      expect(await history(async () => answer).readFencing('comp0')).toEqual(unknown);
    }
  });
});
