import { connect } from '@openstack-ts/nova-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { items, pick } from '../simulators/json.ts';
import { Stage } from './stage.ts';
import { request, type WireAnswer } from './wire.ts';

/**
 * All in which releases of Nova differ for the agents, each asserted as the release under test has it
 * (test/simulators/cloud/releases.ts names the sources). The other files hold for every release.
 */
let stage: Stage;
let source = '';
const hypervisors = '/os-hypervisors/detail';

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

const refusal = (answer: WireAnswer) => {
  const kind = Object.keys(Object(answer.json))[0] ?? '';
  return { status: answer.status, kind, message: String(pick(answer.json, kind, 'message')) };
};
const evacuate = (id: string, body: Record<string, unknown> = {}, version = '2.87') =>
  stage.admin.action(id, { evacuate: body }, version);
const spawnsTake = async (seconds: number | null) => {
  for (const host of stage.hosts.slice(1)) await stage.cloud.spawnDelay(host, seconds);
};
const spawning = (id: string) => stage.settled(id, ({ task }) => task === 'rebuild_spawning');
const busy = (id: string, task: string) => ({
  status: 409,
  kind: 'conflictingRequest',
  message: `Cannot 'evacuate' instance ${id} while it is in task_state ${task}`,
});
const resetState = async (id: string) => {
  const answer = await stage.admin.action(id, { 'os-resetState': { state: 'active' } });
  expect([answer.status, answer.text]).toEqual([202, '']);
};
const statuses = async (id: string) => (await stage.migrations(id)).map(({ status }) => status);
const newestMinor = () => Number(stage.behaviour.maxMicroversion.slice(2));
const tooNew = (version: string) => ({
  status: 406,
  kind: 'computeFault',
  message: `Version ${version} is not supported by the API. Minimum is 2.1 and maximum is ${stage.behaviour.maxMicroversion}.`,
});

function client() {
  const { authUrl, admin, region } = stage.cloud;
  const { username, password, project } = admin;
  const domain = { name: 'Default' };
  return connect(
    {
      authUrl,
      credentials: {
        kind: 'password',
        username,
        password,
        userDomain: domain,
        project: { name: project, domain },
      },
      endpointInterface: 'internal',
      region,
      tls: { verify: true },
    },
    { env: {} },
  );
}

describe('the newest microversion', () => {
  it('of Nova is the last that is answered; the client asks for none above 2.94', async () => {
    const { maxMicroversion } = stage.behaviour;
    expect((await stage.admin.get('/flavors', maxMicroversion)).status).toBe(200);
    const next = `2.${newestMinor() + 1}`;
    expect(refusal(await stage.admin.get('/flavors', next))).toEqual(tooNew(next));
    expect((await client()).microversion).toBe(`2.${Math.min(94, newestMinor())}`);
  });

  it('of Placement is told at its root', async () => {
    const { json } = await request('GET', `${stage.admin.placement}/`);
    expect(pick(json, 'versions', 0, 'max_version')).toBe(stage.behaviour.placementMicroversion);
  });

  it('where it is 2.88 or newer, has hypervisors by uuid and without figures', async () => {
    const answer = await stage.admin.get(hypervisors, '2.88');
    if (newestMinor() < 88) {
      expect(refusal(answer)).toEqual(tooNew('2.88'));
      return;
    }
    const [first] = items(answer.json, 'hypervisors');
    expect(typeof pick(first, 'id')).toBe('string');
    expect(first).not.toHaveProperty('vcpus_used');
    expect(Object.keys(Object(pick(first, 'service'))).sort()).toEqual(['disabled_reason', 'host', 'id']);
  });

  it('where it is 2.95 or newer, has a running server stopped by its evacuation', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    const answer = await evacuate(id, {}, '2.95');
    if (newestMinor() < 95) {
      expect(refusal(answer)).toEqual(tooNew('2.95'));
      return;
    }
    expect([answer.status, answer.text]).toEqual([200, '']);
    const arrived = await stage.evacuated(id);
    expect(arrived.status).toBe('SHUTOFF');
    expect(arrived.host).not.toBe(source);
  }, 60_000);
});

describe('a server that has a task', () => {
  it('which a dead nova-compute cannot carry out: dropped by its evacuation, or refused until it is reset', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    expect((await stage.admin.action(id, { 'os-stop': null })).status).toBe(202);
    await stage.settled(id, ({ task }) => task === 'powering-off');
    if (stage.behaviour.evacuateRefusesTasks) {
      expect(refusal(await evacuate(id))).toEqual(busy(id, 'powering-off'));
      expect(await stage.migrations(id)).toEqual([]);
      await resetState(id);
    }
    expect((await evacuate(id)).status).toBe(200);
    expect(await stage.evacuated(id)).toMatchObject({ status: 'ACTIVE' });
  }, 60_000);

  it('as it is being evacuated: wrecked by a second evacuation, or the second is refused', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    // On a busy machine the real Nova takes seconds for the second request, which has to find the first one at work.
    await spawnsTake(stage.cloud.kind === 'real' ? 8 : 2);
    expect((await evacuate(id)).status).toBe(200);
    await spawning(id);
    const second = await evacuate(id);
    if (stage.behaviour.evacuateRefusesTasks) {
      expect(refusal(second)).toEqual(busy(id, 'rebuild_spawning'));
      const arrived = await stage.evacuated(id);
      expect(arrived).toMatchObject({ status: 'ACTIVE', task: null });
      expect(arrived.host).not.toBe(source);
      expect(await statuses(id)).toEqual(['done']);
      return;
    }
    expect(second.status).toBe(200);
    // The first one arrives, and the second throws the server into ERROR there.
    const wrecked = await stage.settled(id, ({ status, host }) => status === 'ERROR' && host !== source);
    expect(wrecked.fault).toMatch(/^Conflict updating instance /);
    await stage.until(async () => ((await statuses(id)).join() === 'done,failed' ? true : undefined));
  }, 60_000);

  it('whose target died is never finished; asked again, once it is reset where need be, it goes to a third host', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    await spawnsTake(600);
    expect((await evacuate(id)).status).toBe(200);
    await spawning(id);
    const target = (await stage.migrations(id)).at(-1)?.dest ?? '';
    expect(stage.hosts.slice(1)).toContain(target);
    await stage.fail(target);
    await spawnsTake(null);
    expect(await stage.server(id)).toMatchObject({ status: 'REBUILD', task: 'rebuild_spawning' });
    if (stage.behaviour.evacuateRefusesTasks) {
      expect(refusal(await evacuate(id))).toEqual(busy(id, 'rebuild_spawning'));
      await resetState(id);
      expect(await stage.server(id)).toMatchObject({ status: 'ACTIVE', task: null, host: source });
    }
    expect((await evacuate(id)).status).toBe(200);
    const end = await stage.evacuated(id);
    expect([source, target]).not.toContain(end.host);
    expect(await statuses(id)).toEqual(['pre-migrating', 'done']);
    await stage.bringBack(target);
    expect(await statuses(id)).toEqual(['pre-migrating', 'done']);
    // Nor does the return of the source end it, but it does not stand in its way either.
    await stage.bringBack(source);
    expect(await statuses(id)).toEqual(['pre-migrating', 'completed']);
  }, 90_000);
});

describe('a reset of its state', () => {
  it('is an action of the server, or leaves no trace', async () => {
    const [id = ''] = await stage.boot(1, source);
    await resetState(id);
    const actions = await stage.actions(id);
    expect(actions.map(({ action }) => action)).toEqual(
      stage.behaviour.recordsResets ? ['resetState', 'create'] : ['create'],
    );
    expect(actions[0]).toMatchObject({ user: stage.admin.userId, message: null });
  }, 60_000);
});

describe('a host whose instances were evacuated', () => {
  it('can be forced up before its nova-compute was started, or is refused that; started, it completes the records first', async () => {
    const [id = ''] = await stage.boot(1, source);
    await stage.fail(source);
    expect((await evacuate(id)).status).toBe(200);
    await stage.evacuated(id);
    const early = await stage.setService(source, { forced_down: false });
    const nova = await client();
    const service = (await nova.listComputeServices()).find(({ host }) => host === source);
    if (service === undefined) throw new Error(`The client does not see ${source}.`);
    const asked = nova.setForcedDown(service, false);
    if (stage.behaviour.forcesUpEarly) {
      expect(early.status).toBe(200);
      expect(service.forcedDown).toBe(false);
      await asked;
      expect(await statuses(id)).toEqual(['done']);
      // As it was.
      expect((await stage.setService(source, { forced_down: true })).status).toBe(200);
    } else {
      const message =
        `Unable to force up host ${source} as \`done\` evacuation migration records remain associated with the host. ` +
        'Ensure the compute service has been restarted, allowing these records to move to `completed` before ' +
        'retrying this request.';
      expect(refusal(early)).toEqual({ status: 400, kind: 'badRequest', message });
      await expect(asked).rejects.toThrow(/`done` evacuation migration records remain/);
    }
    expect(await stage.service(source)).toMatchObject({ state: 'down', forcedDown: true });
    const { updatedAt } = await stage.service(source);
    await stage.cloud.startCompute(source);
    // It reports only once the records are completed: whoever sees it report may go on at once.
    await stage.until(async () => ((await stage.service(source)).updatedAt > updatedAt ? true : undefined));
    expect(await statuses(id)).toEqual(['completed']);
    expect((await stage.setService(source, { forced_down: false })).status).toBe(200);
    await stage.until(async () => ((await stage.service(source)).state === 'up' ? true : undefined));
    expect(await stage.server(id)).toMatchObject({ status: 'ACTIVE' });
  }, 60_000);
});

describe('a server group with anti-affinity', () => {
  const violated = /Anti-affinity (?:instance|server) group policy was violated/;
  const groups: string[] = [];
  const addGroup = async () => {
    const wish = { name: 'contract-anti-affinity', policy: 'anti-affinity' };
    const made = await stage.admin.call('POST', '/os-server-groups', '2.64', { server_group: wish });
    const id = String(pick(made.json, 'server_group', 'id'));
    groups.push(id);
    return id;
  };
  afterAll(async () => {
    for (const id of groups) await stage.admin.call('DELETE', `/os-server-groups/${id}`);
  });

  it('of which two are evacuated to one host at the same time: the second breaks, or they share it', async () => {
    const group = await addGroup();
    const [one = ''] = await stage.boot(1, source, { group });
    const [two = ''] = await stage.boot(1, stage.host(1), { group });
    const target = stage.host(2);
    for (const other of stage.hosts.slice(3)) {
      await stage.setService(other, { status: 'disabled', disabled_reason: 'a test' });
      await stage.untilTrait(other);
    }
    // The second is looked at while the first still spawns.
    await stage.cloud.spawnDelay(target, stage.cloud.kind === 'real' ? 6 : 2);
    await stage.fail(source);
    await stage.fail(stage.host(1));
    expect((await evacuate(one)).status).toBe(200);
    await spawning(one);
    expect((await evacuate(two)).status).toBe(200);
    if (stage.behaviour.groupCountsArriving) {
      const late = await stage.settled(two, ({ status, task }) => status === 'ERROR' && task === null);
      expect(late.host).toBe(stage.host(1));
      expect(late.fault).toMatch(violated);
      expect(await stage.migrations(two)).toMatchObject([{ status: 'failed', dest: target }]);
    } else {
      expect(await stage.evacuated(two)).toMatchObject({ status: 'ACTIVE', host: target });
    }
    expect(await stage.evacuated(one)).toMatchObject({ status: 'ACTIVE', host: target });
  }, 90_000);

  it('of which one is forced onto a host that has another: in ERROR, or as it was; its record fails', async () => {
    const group = await addGroup();
    const [id = ''] = await stage.boot(1, source, { group });
    const target = stage.host(1);
    await stage.boot(1, target, { group });
    await stage.fail(source);
    // Below 2.29 the scheduler is not asked about a host that is named, so that nova-compute itself has to see it.
    const forced = { host: target, onSharedStorage: stage.cloud.sharedStorage };
    expect((await evacuate(id, forced, '2.13')).status).toBe(200);
    await stage.until(async () => ((await statuses(id)).join() === 'failed' ? true : undefined));
    const left = await stage.settled(id, ({ task }) => task === null);
    expect(left).toMatchObject({
      status: stage.behaviour.groupRefusalIsError ? 'ERROR' : 'ACTIVE',
      host: source,
    });
    // Nova shows the fault of a server in ERROR alone.
    if (stage.behaviour.groupRefusalIsError) expect(left.fault).toMatch(violated);
    expect(await stage.migrations(id)).toMatchObject([{ status: 'failed', dest: target }]);
  }, 60_000);
});
