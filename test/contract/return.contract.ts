import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pick } from '../simulators/json.ts';
import { Stage } from './stage.ts';
import { Wire, type WireAnswer } from './wire.ts';

/** What Nova does when a host comes back, and with the guests that stayed there. */
let stage: Stage;
let source = '';
beforeAll(async () => {
  stage = await Stage.set();
  source = stage.host(0);
}, 60_000);
afterAll(async () => {
  await stage.calm();
  await stage.cloud.close();
}, 60_000);

const refusal = (answer: WireAnswer) => {
  const kind = Object.keys(Object(answer.json))[0] ?? '';
  return { status: answer.status, kind, message: String(pick(answer.json, kind, 'message')) };
};
const conflict = (message: string) => ({ status: 409, kind: 'conflictingRequest', message });
const act = async (id: string, body: unknown) => {
  const answer = await stage.admin.action(id, body);
  expect([answer.status, answer.text]).toEqual([202, '']);
};
const rebootHard = { reboot: { type: 'HARD' } };
/** Through with whatever it was asked for, tasks seen on the way. */
async function idle(id: string): Promise<string[]> {
  const tasks: string[] = [];
  await stage.settled(id, ({ task }) => {
    if (task !== null && tasks.at(-1) !== task) tasks.push(task);
    return task === null;
  });
  return tasks;
}

describe('a guest', () => {
  let id = '';
  beforeAll(async () => {
    await stage.calm();
    id = (await stage.boot(1, source))[0] ?? '';
  }, 60_000);

  it('that runs has diagnostics, with its state from 2.48 on', async () => {
    const answer = await stage.diagnostics(id);
    expect(answer.status).toBe(200);
    expect(pick(answer.json, 'state')).toBe('running');
    const older = await stage.diagnostics(id, '2.47');
    expect(older.status).toBe(200);
    expect(pick(older.json, 'state')).toBeUndefined();
  });

  it('has none where there is no such server, or none that one may see', async () => {
    const nobody = '99999999-9999-4999-8999-999999999999';
    const notFound = (which: string) => ({
      status: 404,
      kind: 'itemNotFound',
      message: `Instance ${which} could not be found.`,
    });
    expect(refusal(await stage.diagnostics(nobody))).toEqual(notFound(nobody));
    const member = await Wire.login(stage.cloud.authUrl, stage.cloud.member, stage.cloud.region);
    expect(refusal(await member.get(`/servers/${id}/diagnostics`))).toEqual(notFound(id));
  });

  it('is started only where Nova holds it for stopped, and stopped only where it does not', async () => {
    const start = async () => refusal(await stage.admin.action(id, { 'os-start': null }));
    const stop = async () => refusal(await stage.admin.action(id, { 'os-stop': null }));
    expect(await start()).toEqual(conflict(`Cannot 'start' instance ${id} while it is in vm_state active`));
    await act(id, { 'os-stop': null });
    expect(await stage.settled(id, ({ status }) => status === 'SHUTOFF')).toMatchObject({ power: 4 });
    await idle(id);
    expect(await stop()).toEqual(conflict(`Cannot 'stop' instance ${id} while it is in vm_state stopped`));
    expect(refusal(await stage.diagnostics(id))).toEqual(
      conflict(`Cannot 'get_diagnostics' instance ${id} while it is in power state shutdown`),
    );
    await act(id, { 'os-start': null });
    expect(await stage.settled(id, ({ status }) => status === 'ACTIVE')).toMatchObject({ power: 1 });
    expect((await stage.diagnostics(id)).status).toBe(200);
  }, 60_000);

  it('that is paused has no diagnostics: it does not run', async () => {
    await act(id, { pause: null });
    await stage.settled(id, ({ status }) => status === 'PAUSED');
    expect(refusal(await stage.diagnostics(id))).toEqual(
      conflict(`Cannot 'get_diagnostics' instance ${id} while it is in power state paused`),
    );
    await act(id, { unpause: null });
    await stage.settled(id, ({ status }) => status === 'ACTIVE');
  }, 60_000);

  it('leaves a list of what was done to it, newest first, and by whom', async () => {
    const actions = await stage.actions(id);
    expect(actions.map(({ action }) => action)).toEqual(['unpause', 'pause', 'start', 'stop', 'create']);
    for (const action of actions) {
      expect(action).toMatchObject({ user: stage.admin.userId, message: null });
      expect(action.start).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000$/);
    }
    const times = actions.map(({ start }) => start);
    expect(times).toEqual([...times].sort().reverse());
  });
});

describe('a host that lost its power and has it again', () => {
  let ids: string[] = [];
  beforeAll(async () => {
    await stage.calm();
    ids = await stage.boot(3, source);
    await stage.powerCycle(source);
  }, 90_000);

  it('has its guests off, while Nova holds them for active and running', async () => {
    for (const id of ids) {
      expect(await stage.server(id)).toMatchObject({ status: 'ACTIVE', task: null, power: 1, fault: null });
      expect(refusal(await stage.diagnostics(id))).toEqual(
        conflict(`Cannot 'get_diagnostics' instance ${id} while it is in power state running`),
      );
    }
    expect(refusal(await stage.admin.action(ids[0] ?? '', { 'os-start': null })).status).toBe(409);
  });

  it('has them running again after a hard reboot', async () => {
    const [id = ''] = ids;
    await act(id, rebootHard);
    const order = ['rebooting_hard', 'reboot_pending_hard', 'reboot_started_hard'];
    const tasks = await idle(id);
    expect(tasks).toEqual(order.filter((task) => tasks.includes(task)));
    expect(await stage.server(id)).toMatchObject({ status: 'ACTIVE', host: source, power: 1 });
    expect((await stage.diagnostics(id)).status).toBe(200);
    const actions = await stage.actions(id);
    expect(actions.map(({ action }) => action)).toEqual(['reboot', 'create']);
    expect(actions[0]).toMatchObject({ user: stage.admin.userId, message: null });
  }, 60_000);

  it('has them running again after a hard reboot out of an error, too', async () => {
    const id = ids[1] ?? '';
    await act(id, { 'os-resetState': { state: 'error' } });
    // Being asked whether it runs has left its mark: the question hides what the error was about.
    expect(await stage.server(id)).toMatchObject({
      status: 'ERROR',
      fault: expect.stringMatching(/^Instance \S+ in power state running\. Cannot get_diagnostics/),
    });
    await act(id, rebootHard);
    await idle(id);
    expect(await stage.server(id)).toMatchObject({ status: 'ACTIVE', fault: null, power: 1 });
    expect((await stage.diagnostics(id)).status).toBe(200);
    const actions = (await stage.actions(id)).map(({ action }) => action);
    expect(actions).toEqual(stage.recorded('reboot', 'resetState', 'create'));
  }, 60_000);

  it('has them for active again after a reset, which does not start them', async () => {
    const id = ids[2] ?? '';
    await act(id, { 'os-resetState': { state: 'error' } });
    await act(id, { 'os-resetState': { state: 'active' } });
    expect(await stage.server(id)).toMatchObject({ status: 'ACTIVE', task: null });
    expect(refusal(await stage.diagnostics(id)).status).toBe(409);
  });

  it('takes up a hard reboot that was asked for while its nova-compute was dead', async () => {
    const id = ids[2] ?? '';
    await stage.cloud.killCompute(source);
    await act(id, rebootHard);
    expect(await stage.server(id)).toMatchObject({ status: 'HARD_REBOOT', task: 'rebooting_hard' });
    await stage.cloud.startCompute(source);
    await idle(id);
    expect((await stage.diagnostics(id)).status).toBe(200);
  }, 60_000);
});

describe('a server that is being evacuated', () => {
  it('is not rebooted where it was', async () => {
    await stage.calm();
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    for (const host of stage.hosts) await stage.cloud.spawnDelay(host, 2);
    expect((await stage.admin.action(id, { evacuate: {} })).status).toBe(200);
    await stage.settled(id, ({ task }) => task === 'rebuild_spawning');
    expect(refusal(await stage.admin.action(id, rebootHard))).toEqual(
      conflict(`Cannot 'reboot' instance ${id} while it is in task_state rebuild_spawning`),
    );
    await stage.evacuated(id);
  }, 60_000);
});

describe('a service', () => {
  /** Long enough to see a report, which moves whole seconds. */
  const reports = () => Math.max(1_100, 2 * stage.cloud.reportInterval);

  it('reports while it is held down, and does not once it is dead', async () => {
    await stage.calm();
    await stage.fail(source);
    const { updatedAt: dead } = await stage.service(source);
    await sleep(reports());
    expect((await stage.service(source)).updatedAt).toBe(dead);
    await stage.cloud.startCompute(source);
    const moved = async (since: string) => {
      const { updatedAt } = await stage.service(source);
      return updatedAt > since ? updatedAt : undefined;
    };
    const first = await stage.until(() => moved(dead));
    await stage.until(() => moved(first));
    expect(await stage.service(source)).toMatchObject({ state: 'down', forcedDown: true });
  }, 60_000);

  it('keeps its disabled reason when it is forced up, and loses it when it is enabled', async () => {
    await stage.calm();
    await stage.setService(source, { status: 'disabled', disabled_reason: 'broken fan' });
    await stage.setService(source, { forced_down: true });
    await stage.setService(source, { forced_down: false });
    const held = { status: 'disabled', reason: 'broken fan', forcedDown: false };
    expect(await stage.service(source)).toMatchObject(held);
    await stage.setService(source, { status: 'enabled' });
    expect(await stage.service(source)).toMatchObject({ status: 'enabled', reason: null });
  }, 60_000);
});
