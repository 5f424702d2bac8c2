import { NovaError } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { disabledReason, fencedAt, holdDown } from '../../../lib/evacuation/index.ts';
import { Rig } from './rig.ts';
import { Process } from './virtualTime.ts';

const at = new Date('2026-11-21T03:00:00.123Z');

async function setup() {
  const rig = new Rig();
  const nova = rig.nova.clientFor(new Process(rig.time));
  const service = async () => {
    const found = (await rig.time.until(nova.listComputeServices())).find(({ host }) => host === 'comp0');
    if (found === undefined) throw new Error('no service');
    return found;
  };
  const changes = () => rig.nova.calls.filter((call) => !call.startsWith('list'));
  const hold = async () => rig.time.until(holdDown(nova, await service(), at));
  return { rig, service, changes, hold };
}

describe('holding a host down in Nova', () => {
  test('forced_down first, then disabled with a reason that names us and the time', async () => {
    const { rig, hold, changes } = await setup();
    expect(await hold()).toEqual({
      forcedDown: true,
      disabled: true,
      sentence: 'nova-compute on comp0 is now forced down and disabled.',
    });
    expect(changes()).toEqual(['setForcedDown comp0', 'disableService comp0']);
    expect(rig.nova.host('comp0').disabledReason).toBe(
      'Pacemaker fenced this host at 2026-11-21T03:00:00Z (fence_compute); its instances are evacuated',
    );
  });

  test('what is so already is left alone', async () => {
    const { hold, changes } = await setup();
    await hold();
    expect(await hold()).toEqual({
      forcedDown: false,
      disabled: false,
      sentence: 'nova-compute on comp0 was forced down and disabled already.',
    });
    expect(changes()).toHaveLength(2);
  });

  test('below 2.11, without forced_down, a service that is down by its heartbeats is only disabled', async () => {
    const { rig, service, changes } = await setup();
    const old = { ...rig.nova.clientFor(new Process(rig.time)), microversion: '2.1' };
    const down = { ...(await service()), state: 'down' } as const;
    const held = await rig.time.until(holdDown(old, down, at));
    expect(held).toMatchObject({ forcedDown: false, disabled: true });
    expect(changes()).toEqual(['disableService comp0']);
    await rig.time.until(holdDown(old, { ...down, state: 'up', status: 'disabled' }, at));
    expect(changes()).toEqual(['disableService comp0', 'setForcedDown comp0']);
  });

  test("I7: somebody else's reason is kept", async () => {
    const { rig, hold, changes } = await setup();
    Object.assign(rig.nova.host('comp0'), { enabled: false, disabledReason: 'broken fan, ticket 17' });
    expect(await hold()).toMatchObject({ forcedDown: true, disabled: false });
    expect(changes()).toEqual(['setForcedDown comp0']);
    expect(rig.nova.host('comp0').disabledReason).toBe('broken fan, ticket 17');
  });

  test('a failure between the two leaves the half that the next one completes', async () => {
    const { rig, hold, changes } = await setup();
    rig.nova.fault = ({ method, index }) =>
      method === 'disableService' && index === 0
        ? { kind: 'refuse', error: new NovaError('serverError', 'boom', { status: 500 }) }
        : null;
    await expect(hold()).rejects.toMatchObject({ code: 'serverError' });
    expect(rig.nova.host('comp0')).toMatchObject({ forcedDown: true, enabled: true });
    expect(await hold()).toMatchObject({ forcedDown: false, disabled: true });
    expect(changes()).toEqual(['setForcedDown comp0', 'disableService comp0', 'disableService comp0']);
  });
});

describe('when the host was fenced', () => {
  const service = (status: 'enabled' | 'disabled' | 'unknown', disabledReason: string | null) => ({
    id: '1',
    host: 'comp0',
    state: 'down' as const,
    status,
    disabledReason,
    forcedDown: true,
    updatedAt: null,
  });

  test('is read back from our reason, and from no other', () => {
    expect(fencedAt(service('disabled', disabledReason(at)))).toBe(Date.parse('2026-11-21T03:00:00Z'));
    expect(fencedAt(service('enabled', disabledReason(at)))).toBeNull();
    expect(fencedAt(service('disabled', null))).toBeNull();
    expect(fencedAt(service('disabled', 'broken fan'))).toBeNull();
    expect(fencedAt(service('disabled', 'Pacemaker fenced this host at noonZ (fence_compute)'))).toBeNull();
    expect(fencedAt(service('disabled', `see: ${disabledReason(at)}`))).toBeNull();
  });
});
