import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pick } from '../simulators/json.ts';
import { Stage } from './stage.ts';

/** What stands in the way of an evacuation, and what an administrator can do about it. */
let stage: Stage;
let source = '';
beforeAll(async () => {
  stage = await Stage.set();
  source = stage.host(0);
}, 60_000);
beforeEach(async () => {
  await stage.calm();
}, 120_000);
afterAll(async () => {
  await stage.calm();
  await stage.cloud.close();
}, 60_000);

const evacuate = (id: string, body: Record<string, unknown> = {}, version = '2.87') =>
  stage.admin.action(id, { evacuate: body }, version);
const resetState = async (id: string, state: string) => {
  const answer = await stage.admin.action(id, { 'os-resetState': { state } });
  expect([answer.status, answer.text]).toEqual([202, '']);
};

describe('a server', () => {
  it.each([
    ['paused', { pause: null }, 'PAUSED'],
    ['suspended', { suspend: null }, 'SUSPENDED'],
    ['rescued', { rescue: null }, 'RESCUE'],
  ])(
    'that is %s is refused, and taken once its state was reset',
    async (vmState, action, status) => {
      const [id = ''] = await stage.boot(1, source);
      expect((await stage.admin.action(id, action)).status).toBeLessThan(300);
      const before = await stage.settled(id, (server) => server.status === status && server.task === null);
      await stage.fail(source);
      const refused = await evacuate(id);
      expect([refused.status, pick(refused.json, 'conflictingRequest', 'message')]).toEqual([
        409,
        `Cannot 'evacuate' instance ${id} while it is in vm_state ${vmState}`,
      ]);
      await resetState(id, 'active');
      // At once, and nothing but the state: what Nova holds of the guest's power stays.
      expect(await stage.server(id)).toMatchObject({
        status: 'ACTIVE',
        task: null,
        host: source,
        power: before.power,
      });
      expect((await evacuate(id)).status).toBe(200);
      expect(await stage.evacuated(id)).toMatchObject({ status: 'ACTIVE', power: 1 });
    },
    90_000,
  );

  it('loses its task when its state is reset, to error as well', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    expect((await stage.admin.action(id, { 'os-stop': null })).status).toBe(202);
    await stage.settled(id, ({ task }) => task === 'powering-off');
    await resetState(id, 'error');
    expect(await stage.server(id)).toMatchObject({ status: 'ERROR', task: null, host: source });
    expect((await evacuate(id)).status).toBe(200);
    expect(await stage.evacuated(id)).toMatchObject({ status: 'ACTIVE' });
  }, 60_000);

  it('whose state is reset while it spawns elsewhere is wrecked', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    for (const host of stage.hosts.slice(1)) await stage.cloud.spawnDelay(host, 2);
    expect((await evacuate(id)).status).toBe(200);
    await stage.settled(id, ({ task }) => task === 'rebuild_spawning');
    await resetState(id, 'active');
    const wrecked = await stage.settled(id, ({ status }) => status === 'ERROR');
    expect(wrecked).toMatchObject({ host: source });
    expect(wrecked.fault).toMatch(/^Conflict updating instance /);
    expect(await stage.migrations(id)).toMatchObject([{ status: 'failed' }]);
  }, 60_000);
});

describe('the disk of a server', () => {
  it('that is said to be on shared storage has to be there; where it is, it is kept', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    await stage.cloud.sharedDisks(false);
    const keep = await evacuate(id, { onSharedStorage: true }, '2.13');
    expect([keep.status, keep.json]).toEqual([200, { adminPass: null }]);
    const refused = await stage.settled(id, ({ status }) => status === 'ERROR');
    expect(refused).toMatchObject({
      host: source,
      task: null,
      fault: 'Invalid state of instance files on shared storage',
    });
    const [record] = await stage.migrations(id);
    expect(record?.status).toBe('failed');
    expect(stage.hosts.slice(1)).toContain(record?.dest);
    await stage.cloud.sharedDisks(true);
    expect((await evacuate(id, { onSharedStorage: true }, '2.13')).status).toBe(200);
    expect(await stage.evacuated(id)).toMatchObject({ status: 'ACTIVE' });
  }, 90_000);

  it('is kept with a password refused, and rebuilt below 2.14 where it is said not to be shared', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    await stage.cloud.sharedDisks(false);
    const password = await evacuate(id, { onSharedStorage: true, adminPass: 'x' }, '2.13');
    expect([password.status, pick(password.json, 'badRequest', 'message')]).toEqual([
      400,
      "admin password can't be changed on existing disk",
    ]);
    expect((await evacuate(id, { onSharedStorage: false }, '2.13')).status).toBe(200);
    expect(await stage.evacuated(id)).toMatchObject({ status: 'ACTIVE' });
  }, 60_000);
});
