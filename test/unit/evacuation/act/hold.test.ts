import { novaHost } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { disabledReason, fencedAt, holdDown } from '../../../../lib/evacuation/index.ts';
import { refused, Scene } from '../scene.ts';

const at = new Date('2026-11-21T03:00:00.123Z');

async function setup() {
  const scene = new Scene();
  const nova = await scene.client();
  const service = async () => {
    const found = (await scene.time.until(nova.listComputeServices())).find(({ host }) => host === 'comp0');
    if (found === undefined) throw new Error('no service');
    return found;
  };
  const changes = () => scene.calls.filter((call) => !call.startsWith('list'));
  const hold = async () => scene.time.until(holdDown(nova, await service(), at));
  return { scene, nova, service, changes, hold };
}

describe('holding a host down in Nova', () => {
  test('forced_down first, then disabled with a reason that names us and the time', async () => {
    const { scene, hold, changes } = await setup();
    expect(await hold()).toEqual({
      forcedDown: true,
      disabled: true,
      sentence: 'nova-compute on comp0 is now forced down and disabled.',
    });
    expect(changes()).toEqual(['setForcedDown comp0', 'disableService comp0']);
    expect(scene.host('comp0').disabledReason).toBe(
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
    const { scene, nova, service, changes } = await setup();
    const old = { ...nova, microversion: '2.1' };
    const down = { ...(await service()), state: 'down' } as const;
    const held = await scene.time.until(holdDown(old, down, at));
    expect(held).toMatchObject({ forcedDown: false, disabled: true });
    expect(changes()).toEqual(['disableService comp0']);
    await scene.time.until(holdDown(old, { ...down, state: 'up', status: 'disabled' }, at));
    expect(changes()).toEqual(['disableService comp0', 'setForcedDown comp0']);
  });

  test("I7: somebody else's reason is kept", async () => {
    const { scene, hold, changes } = await setup();
    scene.setEnabled('comp0', false, 'broken fan, ticket 17');
    expect(await hold()).toMatchObject({ forcedDown: true, disabled: false });
    expect(changes()).toEqual(['setForcedDown comp0']);
    expect(scene.host('comp0').disabledReason).toBe('broken fan, ticket 17');
  });

  test('a failure between the two leaves the half that the next one completes', async () => {
    const { scene, hold, changes } = await setup();
    scene.fault = ({ method, index }) => (method === 'disableService' && index === 0 ? refused(501) : null);
    await expect(hold()).rejects.toMatchObject({ code: 'serverError' });
    expect(scene.host('comp0')).toMatchObject({ forcedDown: true, disabled: false });
    expect(await hold()).toMatchObject({ forcedDown: false, disabled: true });
    expect(changes()).toEqual(['setForcedDown comp0', 'disableService comp0', 'disableService comp0']);
  });
});

describe('when the host was fenced', () => {
  const service = (status: 'enabled' | 'disabled' | 'unknown', disabledReason: string | null) => ({
    id: '1',
    host: novaHost('comp0'),
    state: 'down' as const,
    status,
    zone: 'nova',
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
